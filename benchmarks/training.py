"""Training of yolov2-voc at 416×416 by batches of 8: what the channel adds, and what Lightning and the loader add."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, Trainer

from benchmarks.clock import in_turns, pairwise
from benchmarks.codec_pool import code_in_process
from benchmarks.rows import Row
from lightning_app.channel import FeatureChannel, codec_qp
from lightning_app.darknet import Network
from lightning_app.data import Batch, VOCDataModule, VOCDataset, collate
from lightning_app.detector import Detector
from lightning_app.pictures import to_pictures, to_samples
from lightning_app.systems import CloudOnly, Collaborative

CFG = "configs/networks/yolov2-voc.cfg"
BATCH, STEPS, TURNS = 8, 4, 3


def run(shared: Path, output: Path) -> list[Row]:  # noqa: ARG001
    """A step with the channel against the bound of its parts, and Lightning's training against the bare network."""
    return [_channel_row(shared), _lightning_row(shared)]


def _channel_row(shared: Path) -> Row:
    network = Network.from_cfg(CFG).train()
    data = VOCDataset(shared / "VOCdevkit", ["VOC2007/trainval"], network.size, difficult=False)
    batch = collate([data[index] for index in range(BATCH)])
    system = Collaborative(network, FeatureChannel("max_17"))
    channel = system.channel
    with torch.no_grad():
        tensors = system.features(batch["images"])
    qps = channel.draw_qps(0, 0, range(BATCH))
    work = [
        (picture, codec_qp(qp))
        for tensor in tensors.values()
        for picture, qp in zip(to_pictures(to_samples(tensor, 8, False).q, "tiled", 1, 16), qps, strict=True)
    ]
    ways = {
        "channel": lambda: _step(system, batch),
        "plain": lambda: _step(CloudOnly(network, None), batch),
        "coding": lambda: code_in_process(work),
    }
    with channel.pool:
        seconds = in_turns(ways, TURNS)
    cores = channel.pool.workers
    bound = [plain + coding / cores for plain, coding in zip(seconds["plain"], seconds["coding"], strict=True)]
    return Row(
        "a training step of yolov2-voc, 8 pictures of 416×416, channel at max_17",
        f"plain step + coding ÷ {cores} cores, which both share",
        "s",
        min(seconds["channel"]),
        min(bound),
        pairwise(seconds["channel"], bound),
        "≤",
        1.10,
        f"plain {min(seconds['plain']):.2f} s, coding ÷ {cores} {min(seconds['coding']) / cores:.2f} s; "
        "initial weights; where a GPU computes the bound is the larger of the two, which was not measured",
    )


def _step(system: Collaborative | CloudOnly, batch: Batch) -> None:
    """Forward, loss and backward, as `Detector.training_step`."""
    network = system.network
    record = system.submit(batch, 0, 0).result()
    terms = network.losses(record.raws, batch["targets"], "darknet", 10**6)
    torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]
    network.zero_grad()


class _Clock(Callback):
    """When each batch ends."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_train_batch_end(self, *_: Any) -> None:
        self.ends.append(time.perf_counter())


def _lightning_row(shared: Path) -> Row:
    """Seconds a batch between the ends of the first and the last, the loader's processes on the same cores."""
    bare = [_bare()]
    clock = _Clock()
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            default_root_dir=folder,
            max_epochs=1,
            limit_train_batches=STEPS + 1,
            limit_val_batches=0,
            accumulate_grad_batches=STEPS + 1,
            callbacks=[clock],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        data = VOCDataModule(str(shared / "VOCdevkit"), train=["VOC2007/trainval"], batch_size=BATCH)
        trainer.fit(Detector(CFG), datamodule=data)
    bare.append(_bare())
    ours = (clock.ends[-1] - clock.ends[0]) / STEPS
    theirs = sum(bare) / len(bare)
    return Row(
        "training of yolov2-voc, 8 pictures of 416×416: loader, augmentation, loss, Lightning",
        "the network's forward and backward on random tensors",
        "1/s",
        BATCH / ours,
        BATCH / theirs,
        theirs / ours,
        "≥",
        0.90,
    )


def _bare() -> float:
    """Seconds a batch of the network alone."""
    network = Network.from_cfg(CFG).train()
    images = torch.rand(BATCH, 3, *network.size)

    def step() -> None:
        torch.stack([raw.sum() for raw in network(images)]).sum().backward()  # type: ignore[no-untyped-call]
        network.zero_grad()

    step()
    start = time.perf_counter()
    for _ in range(STEPS):
        step()
    return (time.perf_counter() - start) / STEPS
