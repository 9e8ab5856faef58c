#!/usr/bin/env bash
# What it shows: OpenCV's importer of Darknet's files reads over options that change what a network computes, without a
#   word: dilation=, xnor=, binary= and share_index= of [convolutional], scale= of [upsample]. It builds the network
#   as if they were not there, and gives other outputs than Darknet. A misspelt option is read over in the same way.
# Versions: opencv-python-headless 4.14.0.94, numpy 2.4.6, Python 3.11.
# Why it matters here: OpenCV is the usual second opinion on a network that is built from a .cfg. Where it disagrees on
#   such a network (published ones are resnet152_trident.cfg and yolov3-tiny_xnor.cfg), the other side may be right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check opencv-python-headless==4.14.0.94 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import struct

import cv2
import numpy as np

print("opencv", cv2.__version__, "numpy", np.__version__)
NET = "[net]\nwidth=16\nheight=16\nchannels=4\n"
CONV = "[convolutional]\nfilters=4\nsize=3\nstride=1\npad=1\nactivation=linear\n"
END = "[convolutional]\nfilters=6\nsize=1\nstride=1\npad=1\nactivation=linear\n"
rng = np.random.default_rng(0)
weights = rng.normal(0, 0.3, 2 * (4 + 4 * 4 * 9) + 6 + 6 * 4).astype("<f4")
picture = rng.uniform(-1, 1, (1, 4, 16, 16)).astype(np.float32)


def output(body):
    """Of two 3x3 convolutions, what stands behind them, and a last 1x1 convolution."""
    with open("net.cfg", "w") as file:
        file.write(NET + body + END)
    with open("net.weights", "wb") as file:
        file.write(struct.pack("<3iQ", 0, 2, 0, 0) + weights.tobytes())
    net = cv2.dnn.readNetFromDarknet("net.cfg", "net.weights")
    net.setInput(picture)
    return net.forward()


def convolved(samples, kernel, dilation=1):
    """By NumPy, with as many zeros around as keep the size."""
    padded = np.pad(samples, ((0, 0), (0, 0), (dilation, dilation), (dilation, dilation)))
    taps = [
        np.einsum("fc,bcnm->bfnm", kernel[:, :, j, i], padded[:, :, j * dilation :, i * dilation :][:, :, :16, :16])
        for j in range(3)
        for i in range(3)
    ]
    return sum(taps)


plain = output(CONV + CONV)
bodies = {
    "dilation=2": CONV + CONV + "dilation=2\n",
    "xnor=1": CONV + CONV + "xnor=1\n",
    "binary=1": CONV + CONV + "binary=1\n",
    "share_index=0": CONV + CONV + "share_index=0\n",
    "dilatoin=2": CONV + CONV + "dilatoin=2\n",
}
for option, body in bodies.items():
    difference = float(abs(output(body) - plain).max())
    print(f"{option:14} largest difference from the network without the option: {difference}")
    assert difference == 0
up = output(CONV + CONV + "[upsample]\nstride=2\n")
scaled = output(CONV + CONV + "[upsample]\nstride=2\nscale=3\n")
print(f"scale=3 of [upsample]: {float(abs(up - scaled).max())}")
assert (up == scaled).all()

# What the option means, by NumPy: the same weights with and without steps of two between the values of the kernel.
kernel = weights[4 : 4 + 144].reshape(4, 4, 3, 3)
apart = float(abs(convolved(picture, kernel, 2) - convolved(picture, kernel)).max())
print(f"a kernel with dilation 2 differs from one without by {apart:.2f}")
assert apart > 0.1
print("as found: options that change the outputs are read over")
PYTHON
