# dfc on machines with GPUs of NVIDIA. The torch of PyPI brings CUDA; the host brings its driver and the NVIDIA Container Toolkit.
#
#   docker build -t dfc .
#   docker run --rm --gpus all --ipc=host -v "$PWD":/work dfc fit -c yolo_lite --data.root VOCdevkit --model.channel.split max_7
#
# --ipc=host: the processes that load pictures and those of the codec hand them on in shared memory, of which Docker gives 64 MB.
FROM python:3.11-slim-bookworm

WORKDIR /opt/dfc
# The packages first: a change of the program alone leaves them as they are.
COPY requirements.txt requirements.lock ./
RUN pip install --no-cache-dir --require-hashes --no-deps --requirement requirements.lock \
    && pip install --no-cache-dir --requirement requirements.txt

COPY pyproject.toml README.md LICENSE ./
COPY lightning_app lightning_app
COPY codecs codecs
COPY callbacks callbacks
COPY configs configs
RUN pip install --no-cache-dir --no-deps .

WORKDIR /work
ENTRYPOINT ["dfc"]
