"""Write what ``dfc predict`` finds, as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import BasePredictionWriter

from lightning_app.detections import with_names
from lightning_app.files import written_whole


class DetectionsWriter(BasePredictionWriter):
    """Writes ``detections.json`` in the logger's folder: one object a picture and QP, boxes in VOC's pixels.

    Each rank writes its own pictures: with several, rank r > 0 writes ``detections.r.json``.
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
        found = [
            {"id": picture["id"], "qp": picture["qp"], "detections": with_names(picture, data.classes)}
            for batch in ([] if repeats else predictions)
            for picture in batch
        ]
        name = "detections.json" if trainer.global_rank == 0 else f"detections.{trainer.global_rank}.json"
        path = Path(trainer.log_dir or trainer.default_root_dir) / name
        with written_whole(path) as file:
            file.write(json.dumps(found, indent=1).encode())
        print(f"Written to {path}")  # noqa: T201
