# make demo   trains, codes and measures on drawn shapes, in minutes
# make test   all tests, in two processes, whose waiting threads leave their cores to the others
# make lint   ruff and mypy
# make experiment   the paper's experiment on a part of VOC2007, about eight hours; resumable; SHARED holds VOCdevkit and weights
# make fewer-bits   what each step beyond the paper's saves, about two hours; resumable; remakes the table of docs/evidence/fewer-bits.md
# make journey   the pictures and numbers of docs/understand/journey.md, in a minute
# make docs   the documentation as a site, build/docs/index.html; a link that leads nowhere is an error; asks PyPI once
# make soak   the long forms of the tests: thousands of broken files, faults by the hundred; then 20,000 steps with the codec, watched: hours
# make bench   how fast everything is, beside its limit or its peer: 15 to 25 minutes, nothing else running
# make bench-gpu   the tests and the figures of a machine with a GPU, by a PYTHON that has torch for it; some minutes
# make audit  known vulnerabilities of the pinned packages; asks PyPI
# make lock   the hashes of the pinned packages anew, after a change of requirements.txt; asks PyPI
# make venv   the set-up alone: .venv with the pinned versions, which every target makes by itself

PYTHON ?= python3
BIN := .venv/bin
DFC := $(BIN)/dfc
DEMO := runs/demo
SHARED ?= ../shared
TOOLS := build/tools
DOCS := build/docs-tools

.PHONY: venv demo test compatibility soak lint bench bench-gpu experiment fewer-bits journey docs audit lock clean-demo

venv: .venv/.installed

# All but torch by their hashes; the second line then has torch left to install (docs/evidence/supply.md).
.venv/.installed: requirements.txt requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

demo: venv clean-demo
	$(DFC) fit -c configs/demo/plain.yaml
	$(DFC) fit -c configs/demo/retrained.yaml
	$(DFC) test -c configs/demo/retrained.yaml --model.weights checkpoints/demo/plain/last.ckpt \
		--trainer.logger.name measured_plain
	$(DFC) test -c configs/demo/retrained.yaml --model.weights checkpoints/demo/retrained/last.ckpt \
		--trainer.logger.name measured_retrained
	$(DFC) report "trained plainly=$(DEMO)/measured_plain/version_0/points.csv" \
		"retrained with HEVC=$(DEMO)/measured_retrained/version_0/points.csv" --output $(DEMO)/report

clean-demo:
	rm -rf $(DEMO) checkpoints/demo

test: venv
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest -q --durations=10 --numprocesses 2 --dist loadfile --no-loadscope-reorder

experiment: venv
	$(BIN)/python -m experiments.voc_subset --devkit $(SHARED)/VOCdevkit --weights $(SHARED)/weights

fewer-bits: venv
	$(BIN)/python -m experiments.fewer_bits --devkit $(SHARED)/VOCdevkit --weights $(SHARED)/weights

journey: venv
	$(BIN)/python -m experiments.journey --picture $(SHARED)/VOCdevkit/VOC2007/JPEGImages/000028.jpg \
		--weights $(SHARED)/weights/yolo-lite/tiny-yolov2-trial3.weights

$(DOCS)/.installed: docs/requirements.txt
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement docs/requirements.txt
	touch $@

# The help of the commands is the program's; all else is made without it. Pages of an earlier build do not stay.
docs: venv $(DOCS)/.installed
	rm -rf build/docs build/pages
	$(BIN)/python docs/site/commands.py build/pages/commands
	$(DOCS)/bin/sphinx-build --quiet --fail-on-warning --keep-going -c docs/site -d build/docs-tools/doctrees . build/docs
	cp docs/site/index.html build/docs/index.html

# CFGS holds a folder for each repository whose .cfg files are at hand.
compatibility: venv
	$(BIN)/python -m experiments.compatibility $(CFGS)

soak: venv
	$(BIN)/python -m pytest -q -m soak --timeout 3600
	rm -rf checkpoints/soak
	$(BIN)/python -m experiments.soak

bench: venv
	@command -v ffmpeg >/dev/null || apt-get install --yes --quiet ffmpeg || echo "ffmpeg is absent: the suite will say so"
	$(BIN)/python -m benchmarks --shared $(SHARED)

# No set-up: the machine may have no network, and its torch is its own (CONTRIBUTING.md).
bench-gpu:
	$(PYTHON) -m pytest -q tests/test_cuda.py
	$(PYTHON) -m benchmarks channel_step overlap --shared $(SHARED) --output runs/bench-gpu

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(TOOLS):
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --disable-pip-version-check pip-audit uv

# --strict: a package that the service does not know is no clean one.
audit: $(TOOLS)
	$(TOOLS)/bin/pip-audit --strict --disable-pip --no-deps --requirement requirements.txt

lock: $(TOOLS)
	grep --invert-match '^torch==' requirements.txt | $(TOOLS)/bin/uv pip compile - --output-file requirements.lock \
		--quiet --no-deps --generate-hashes --no-annotate --python-version 3.11 --custom-compile-command "make lock"
