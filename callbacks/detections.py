"""Write what ``dfc predict`` finds, as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import BasePredictionWriter

from lightning_app.detections import as_coco, with_names
from lightning_app.files import written_whole


class DetectionsWriter(BasePredictionWriter):
    """Writes ``detections.json`` in the logger's folder: one object for each picture and QP, boxes in VOC's pixels.

    Beside it ``coco.json`` has the same in the form of COCO's results; ``coco.QP.json`` for each QP of a channel. Each
    rank writes its own pictures: with several, rank r > 0 writes ``detections.r.json`` and ``coco.r.json``.
    """

    def __init__(self) -> None:
        super().__init__(write_interval="epoch")

    def write_on_epoch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,  # noqa: ARG002
        predictions: Sequence[Any],
        batch_indices: Sequence[Any],  # noqa: ARG002
    ) -> None:
        """Called by Lightning once every picture is done."""
        data = trainer.datamodule  # type: ignore[attr-defined]
        repeats = trainer.global_rank >= len(data.datasets["predict"])  # `ShardSampler` had no picture left for it
        pictures = [picture for batch in ([] if repeats else predictions) for picture in batch]
        found = [
            {"id": picture["id"], "qp": picture["qp"], "detections": with_names(picture, data.classes)}
            for picture in pictures
        ]
        folder = Path(trainer.log_dir or trainer.default_root_dir)
        end = "json" if trainer.global_rank == 0 else f"{trainer.global_rank}.json"
        _write(folder / f"detections.{end}", found)
        for qp in dict.fromkeys(picture["qp"] for picture in pictures):
            results = [one for picture in pictures if picture["qp"] == qp for one in as_coco(picture["id"], picture)]
            _write(folder / (f"coco.{end}" if qp is None else f"coco.{qp}.{end}"), results)


def _write(path: Path, found: Sequence[object]) -> None:
    with written_whole(path) as file:
        file.write(json.dumps(found, indent=1).encode())
    print(f"Written to {path}")  # noqa: T201
