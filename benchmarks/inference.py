"""Detectors on a CPU, one picture at a time, against OpenCV's dnn on the same weights."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from statistics import median

import cv2
import torch
from torch._inductor import config as inductor

from benchmarks.clock import in_turns, pairwise
from benchmarks.rows import Row
from lightning_app.codecs import available_cores
from lightning_app.darknet import Network, save_weights, unchanging

CALLS = {"yolov2-voc": 4, "yolo-lite": 60}
"""Of each way in a turn, one after another: two libraries' threads in turn would wait for each other's."""
TURNS = 7


def run(shared: Path, output: Path) -> list[Row]:  # noqa: ARG001
    """Raw heads of one picture; the values of the weights do not matter to the time."""
    torch.set_num_threads(available_cores())
    cv2.setNumThreads(available_cores())
    with tempfile.TemporaryDirectory() as folder:
        return [row for name in CALLS for row in _rows(name, Path(f"configs/networks/{name}.cfg"), Path(folder))]


def _rows(name: str, cfg: Path, folder: Path) -> list[Row]:
    network = Network.from_cfg(cfg).eval()
    compiled = torch.compile(deepcopy(network))  # which lays its kernels out by itself
    save_weights(network, folder / "random.weights")
    net = cv2.dnn.readNetFromDarknet(str(cfg), str(folder / "random.weights"))
    image = torch.rand(1, 3, *network.size, generator=torch.Generator().manual_seed(0))
    last = network.nodes[network.nodes[network.outputs[0]].inputs[0]].name  # raw, as ours

    def opencv() -> None:
        net.setInput(image.numpy())
        net.forward(last)

    def bfloat16() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            network(image)

    ways = {
        "as `dfc evaluate` runs it": lambda: network(image),
        "compiled by torch": lambda: compiled(image),
        "in bfloat16 (--trainer.precision bf16-mixed)": bfloat16,
        "opencv": opencv,
    }
    with torch.no_grad(), unchanging(network), inductor.patch(freezing=True):
        seconds = in_turns({way: _repeated(call, CALLS[name]) for way, call in ways.items()}, TURNS)
    theirs = seconds.pop("opencv")
    return [
        Row(
            f"inference of {name}, batch 1, {way}",
            "OpenCV's dnn on the same weights",
            "1/s",
            CALLS[name] / median(ours),
            CALLS[name] / median(theirs),
            pairwise(theirs, ours),
            "≥",
            1.0,
        )
        for way, ours in seconds.items()
    ]


def _repeated(call: Callable[[], object], times: int) -> Callable[[], None]:
    def repeated() -> None:
        for _ in range(times):
            call()

    return repeated
