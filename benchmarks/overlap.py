"""Training through the channel where coding has cores of its own: what the front's look-ahead hides of it.

One core computes and the other codes: a stand-in for a GPU and its cores, by the same code.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import Any

import torch
from pytorch_lightning import Callback, Trainer

from benchmarks.rows import Row
from lightning_app.channel import FeatureChannel, codec_qp
from lightning_app.codecs import HEVC, QP, CodecPool, Picture, code
from lightning_app.codecs.x265 import Settings
from lightning_app.data import VOCDataModule
from lightning_app.detector import Detector
from lightning_app.pictures import to_pictures, to_samples
from lightning_app.systems import Collaborative

CFG = "configs/networks/yolo-lite.cfg"
WEIGHTS = "weights/yolo-lite/tiny-yolov2-trial3.weights"
SPLIT = "max_5"
BATCH, BATCHES, STEPS, TURNS, ROUNDS = 8, 8, 3, 3, 100


def run(shared: Path, output: Path) -> list[Row]:  # noqa: ARG001
    """Steps of 64 pictures in 8 sub-batches, cut where coding takes about as long as computing: the hardest case."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [_row(shared, settings) for settings in ("paper", "fastest")]
    finally:
        torch.set_num_threads(threads)


def _row(shared: Path, settings: Settings) -> Row:
    codec = HEVC(settings=settings)
    turns = [
        (*_apart(shared, codec), step_seconds(shared, FeatureChannel(SPLIT, training_codec=codec, workers=1)))
        for _ in range(TURNS)
    ]
    plain, coding, ours = (min(seconds) for seconds in zip(*turns, strict=True))
    bound = max(plain, coding)
    return Row(
        f"a step of yolo-lite, {BATCHES} × {BATCH} pictures, channel at {SPLIT}, HEVC `{settings}`, a core for each",
        "the longer of the plain step and the coding, timed side by side, a core for each",
        "s",
        ours,
        bound,
        ours / bound,
        "≤",
        1.10,
        f"plain {plain:.2f} s, coding {coding:.2f} s, one after the other {plain + coding:.2f} s; at best "
        f"{bound + min(plain, coding) / BATCHES:.2f} s, since a step's first sub-batch waits for the weights",
    )


def _apart(shared: Path, codec: HEVC) -> tuple[float, float]:
    """Seconds of a plain step and of coding a step's pictures, at the same time but with nothing to do with each other.

    Busy cores slow each other, so neither is timed alone.
    """
    work = step_work(shared)
    ends: list[float] = []
    training = Event()
    with CodecPool(codec, 1) as pool:
        pool.code([picture for picture, _ in work[:1]], [qp for _, qp in work[:1]])  # the worker is there

        def keep_coding() -> None:
            for _ in pool.stream([(code, pool.codec, picture, qp) for picture, qp in work * ROUNDS]):
                ends.append(time.perf_counter())
                if not training.is_set():
                    break

        training.set()
        coder = Thread(target=keep_coding)
        coder.start()
        plain = step_seconds(shared, None)
        training.clear()
        coder.join()
    return plain, (ends[-1] - ends[0]) / (len(ends) - 1) * len(work)


class _Clock(Callback):
    """When each step of the optimiser ends."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        if trainer.global_step > len(self.ends):
            self.ends.append(time.perf_counter())


def step_seconds(shared: Path, channel: FeatureChannel | None) -> float:
    """Seconds of a step of the optimiser, the median of several, without a channel or through one."""
    clock = _Clock()
    trainer = Trainer(
        accelerator="auto",
        max_steps=STEPS + 1,
        accumulate_grad_batches=BATCHES,
        limit_val_batches=0,
        callbacks=[clock],
        use_distributed_sampler=False,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    detector = Detector(CFG, str(shared / WEIGHTS), channel, burn_in=0, learning_rate=0)
    trainer.fit(detector, datamodule=_data(shared))
    return median(end - start for start, end in zip(clock.ends, clock.ends[1:], strict=False))


def step_work(shared: Path) -> list[tuple[Picture, QP]]:
    """The pictures that a step codes, each at its QP."""
    system = Collaborative(Detector(CFG, str(shared / WEIGHTS)).network.eval(), FeatureChannel(SPLIT))
    data = _data(shared, size=224)
    work: list[tuple[Picture, QP]] = []
    data.setup("fit")
    for _, batch in zip(range(BATCHES), data.train_dataloader(), strict=False):
        qps = system.channel.draw_qps(0, 0, [target["index"] for target in batch["targets"]])
        with torch.no_grad():
            tensors = system.features(batch["images"])
        for tensor in tensors.values():
            pictures = to_pictures(to_samples(tensor, 8, False).q, "tiled", 1, 16)
            work += [(picture, codec_qp(qp)) for picture, qp in zip(pictures, qps, strict=True)]
    return work


def _data(shared: Path, size: int | None = None) -> VOCDataModule:
    root = str(shared / "VOCdevkit")
    return VOCDataModule(root, train=["VOC2007/trainval"], size=size, batch_size=BATCH, workers=0, augment=None)
