"""Detectors on a CPU, one picture at a time, against OpenCV's dnn on the same weights."""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import torch

from benchmarks.clock import in_turns, pairwise
from benchmarks.rows import Row
from lightning_app.codecs.workers import available_cores
from lightning_app.darknet import Network, save_weights

TURNS = {"yolov2-voc": 15, "yolo-lite": 200}


def run(shared: Path, output: Path) -> list[Row]:  # noqa: ARG001
    """Raw heads of one picture; the values of the weights do not matter to the time."""
    torch.set_num_threads(available_cores())
    cv2.setNumThreads(available_cores())
    with tempfile.TemporaryDirectory() as folder:
        return [_row(name, Path(f"configs/networks/{name}.cfg"), Path(folder)) for name in TURNS]


def _row(name: str, cfg: Path, folder: Path) -> Row:
    network = Network.from_cfg(cfg).eval()
    save_weights(network, folder / "random.weights")
    net = cv2.dnn.readNetFromDarknet(str(cfg), str(folder / "random.weights"))
    image = torch.rand(1, 3, *network.size, generator=torch.Generator().manual_seed(0))
    last = network.nodes[network.nodes[network.outputs[0]].inputs[0]].name  # raw, as ours

    @torch.inference_mode()
    def ours() -> None:
        network(image)

    def theirs() -> None:
        net.setInput(image.numpy())
        net.forward(last)

    seconds = in_turns({"ours": ours, "theirs": theirs}, TURNS[name], warm_up=3)
    rates = {way: len(times) / sum(times) for way, times in seconds.items()}
    return Row(
        f"inference of {name}, batch 1",
        "OpenCV's dnn on the same weights",
        "1/s",
        rates["ours"],
        rates["theirs"],
        pairwise(seconds["theirs"], seconds["ours"]),
        "≥",
        1.0,
    )
