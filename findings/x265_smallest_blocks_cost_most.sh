#!/usr/bin/env bash
# What it shows: to make x265 faster on one intra picture of features, one lowers its effort of decision, rd=6 to rd=1. That
#   saves a third of the CPU time. To forbid blocks of 8×8 samples saves two thirds at the same rd=6, and bits and error at
#   one QP change by a few percent: most of the time goes into the trial of one block of 8×8 against four of 4×4.
# Versions: av 18.1.0 (x265 4.2), numpy 2.4.6, Python 3.11.
# Why it matters here: a training codes every picture of every pass, and only the decoded picture matters. The settings
#   `fastest` of this program are built on it (docs/decisions/training-codec.md).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import time
from fractions import Fraction
from statistics import median

import av
import numpy as np

print("av", av.__version__, "numpy", np.__version__)
BASE = "qp=27:ctu=16:tu-intra-depth=1:ipratio=1:aq-mode=0:cutree=0:psy-rd=0:rc-lookahead=0:bframes=0:keyint=1:" \
    "frame-threads=1:wpp=0:pools=none:info=0:log-level=none"
WAYS = {
    "rd=6": "rd=6:min-cu-size=8",
    "rd=1": "rd=1:min-cu-size=8",
    "rd=6, blocks of 16×16 only": "rd=6:min-cu-size=16",
}


def features() -> np.ndarray:
    """64 channels of 28×28 samples as one picture: smooth noise, each channel of a scale and a mean of its own."""
    random = np.random.default_rng(0)
    picture = np.zeros((224, 224))
    for row in range(0, 224, 28):
        for column in range(0, 224, 28):
            noise = random.normal(size=(30, 30))
            smooth = sum(noise[i : i + 28, j : j + 28] for i in range(3) for j in range(3)) / 3
            picture[row : row + 28, column : column + 28] = random.uniform(60, 190) + random.uniform(5, 40) * smooth
    return picture.clip(0, 255).astype(np.uint8)


def encode(samples: np.ndarray, options: str) -> bytes:
    encoder = av.CodecContext.create("libx265", "w")
    encoder.height, encoder.width = samples.shape
    encoder.pix_fmt, encoder.time_base = "gray", Fraction(1)
    encoder.options = {"x265-params": f"{BASE}:{options}"}
    frame = av.VideoFrame.from_ndarray(samples, format="gray")
    frame.pts = 0
    return b"".join(map(bytes, [*encoder.encode(frame), *encoder.encode(None)]))


def decode(data: bytes) -> np.ndarray:
    decoder = av.CodecContext.create("hevc", "r")
    (frame,) = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
    return frame.to_ndarray()


samples = features()
seconds = {name: [] for name in WAYS}
for _ in range(15):  # turn by turn, by CPU time: other work slows all of them alike
    for name, options in WAYS.items():
        start = time.process_time()
        encode(samples, options)
        seconds[name].append(time.process_time() - start)
time_of = {name: median(values) / median(seconds["rd=6"]) for name, values in seconds.items()}
size_of, error_of = {}, {}
for name, options in WAYS.items():
    data = encode(samples, options)
    size_of[name] = len(data)
    error_of[name] = float(np.mean((decode(data).astype(float) - samples) ** 2))
    print(f"{name:<28} CPU time {time_of[name]:.2f}, {size_of[name]} bytes, squared error {error_of[name]:.1f}")
few, large = "rd=1", "rd=6, blocks of 16×16 only"
assert time_of[few] > 0.35
assert time_of[large] < 0.6 * time_of[few]
assert abs(size_of[large] / size_of["rd=6"] - 1) < 0.1
assert error_of[large] < 1.6 * error_of["rd=6"]
print("as found: the smallest blocks cost more than all effort of decision")
PYTHON
