#!/usr/bin/env bash
# What it shows: torch.fx's split_module cuts a network in two modules that are not independent. Behind a batch norm the
#   second half begins with ReLU(inplace=True), which overwrites the features that the first half gave. Whoever sends,
#   counts or keeps these features after the second half has run has other features: no negative value is left.
#   create_feature_extractor-like taps in one pass of a traced network have the same fault.
# Versions: torch 2.13.0, numpy 2.4.6, Python 3.11.
# Why it matters here: a split detector quantises and codes what crosses a cut, and compares it with what comes back.
#   Bits that are measured after the back has run are those of other features. lightning_app/fx gives every traced
#   operation a result of its own.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import zlib

import torch
from torch import fx, nn
from torch.fx.passes.split_module import split_module

print("torch", torch.__version__)
torch.manual_seed(0)
network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Conv2d(8, 2, 1)).eval()
halves = split_module(fx.symbolic_trace(network), network, lambda node: int(node.name in ("_2", "_3")))
print("front:", [type(part).__name__ for part in halves.submod_0.children()])
print("back: ", [type(part).__name__ for part in halves.submod_1.children()])


def bits(features):
    """Of 8-bit samples, compressed by zlib."""
    low, high = features.min(), features.max()
    return 8 * len(zlib.compress(torch.round((features - low) / (high - low) * 255).to(torch.uint8).numpy().tobytes()))


with torch.no_grad():
    features = halves.submod_0(torch.rand(1, 3, 64, 64))
    sent, before = features.clone(), bits(features)
    halves.submod_1(features)
    after = bits(features)
print(f"negative features: {int((sent < 0).sum())} when they were sent, {int((features < 0).sum())} after the back has run")
print(f"bits: {before} when they were sent, {after} after the back has run")
assert (sent < 0).any()
assert not (features < 0).any()
assert after < 0.8 * before
print("as found: the second half overwrote what the first half gave")
PYTHON
