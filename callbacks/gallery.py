"""Pictures for Weights & Biases: boxes found and true at each QP, and the feature pictures before and after coding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image
from pytorch_lightning import Callback, LightningModule, Trainer

from lightning_app.callbacks.feature_pictures import side_by_side
from lightning_app.callbacks.wandb_points import wandb_loggers
from lightning_app.data import Batch, DataModule, Target, collate, read_picture
from lightning_app.detections import in_pixels
from lightning_app.errors import OptionError
from lightning_app.graph import Detections
from lightning_app.lightning_fixes.logged_step import logged_step
from lightning_app.systems import CloudOnly, Collaborative


class Panel(NamedTuple):
    """The pictures of one key: each with a caption, and boxes or None; ``file_type`` is how W&B is to keep them."""

    key: str
    images: list[Image.Image]
    captions: list[str]
    boxes: Sequence[dict[str, Any] | None]
    file_type: str


class Gallery(Callback):
    """Logs pictures to Weights & Biases at each validation and test; without a `WandbLogger` it does nothing.

    ``val/gallery_qp22`` has the boxes that are found at that QP and the true ones, and ``val/features_qp22``, where
    features cross, the feature picture before and after coding side by side: tiled, or quilted where the channel
    quilts. It works on the first pictures of the set on rank zero and changes nothing that is measured.

    Args:
        pictures: how many to show, coded twice more as one batch, at least 1.
        threshold: a box is shown if its score is above it, 0 to 1.
    """

    def __init__(self, pictures: int = 8, threshold: float = 0.3) -> None:
        if pictures < 1:
            raise OptionError(f"pictures must be at least 1, not {pictures}; leave out the Gallery for none")
        if not 0 <= threshold <= 1:
            raise OptionError(f"threshold must be from 0 to 1, not {threshold}")
        self.pictures, self.threshold = pictures, threshold

    # At the first batch the network is as it is measured: in eval mode, without gradients, with averaged weights.
    def on_validation_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,  # noqa: ARG002
        batch_idx: int,
        dataloader_idx: int = 0,  # noqa: ARG002
    ) -> None:
        """Before the first batch of a validation."""
        if batch_idx == 0 and not trainer.sanity_checking:
            self._show(trainer, pl_module, "val")

    def on_test_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,  # noqa: ARG002
        batch_idx: int,
        dataloader_idx: int = 0,  # noqa: ARG002
    ) -> None:
        """Before the first batch of a test."""
        if batch_idx == 0:
            self._show(trainer, pl_module, "test")

    def _show(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        system = getattr(pl_module, "system", None)
        loggers = wandb_loggers(trainer) if trainer.is_global_zero else []
        if not loggers or not isinstance(system, CloudOnly | Collaborative):
            return
        data: DataModule = trainer.datamodule  # type: ignore[attr-defined]
        batch = self._batch(trainer, data, stage)
        with trainer.precision_plugin.forward_context():
            panels = [*self._boxes(pl_module, system, data, batch), *feature_panels(system, batch)]
        for logger in loggers:
            for key, images, captions, boxes, file_type in panels:
                name, step, kinds = f"{stage}/{key}", logged_step(trainer), [file_type] * len(images)
                shown: list[Any] = on_one_canvas(images)
                logger.log_image(name, shown, step, caption=captions, boxes=boxes, file_type=kinds)

    def _batch(self, trainer: Trainer, data: DataModule, stage: str) -> Batch:
        """The first pictures of the stage's set, as the trainer would hand them to the module."""
        dataset = data.datasets[stage]
        batch = collate([dataset[index] for index in range(min(self.pictures, len(dataset)))])
        moved: Batch = trainer.strategy.batch_to_device(trainer.precision_plugin.convert_input(batch))
        return moved

    def _boxes(
        self, module: LightningModule, system: CloudOnly | Collaborative, data: DataModule, batch: Batch
    ) -> Iterator[Panel]:
        """The originals with boxes, a panel an operating point."""
        targets, options = batch["targets"], module.hparams
        images = [Image.fromarray(read_picture(Path(target["file"]))) for target in targets]
        ids = [target["id"] for target in targets]
        for label, raws, _ in system.operating_points(batch, data.resize):
            found = system.network.detect(raws, options["score_threshold"], options["nms_threshold"])
            boxes = [self._both(f, t, data.classes) for f, t in zip(found, targets, strict=True)]
            yield Panel(f"gallery_{label}", images, ids, boxes, "jpg")

    def _both(self, found: Detections, target: Target, classes: Sequence[str]) -> dict[str, Any]:
        """What was found above the threshold, and what is there, as `wandb.Image` takes boxes."""
        found = in_pixels(found, target)
        seen = [found[part][found["scores"] > self.threshold].tolist() for part in ("boxes", "labels", "scores")]
        predictions = [
            {**_box(edges, label, f"{classes[label]} {score:.2f}"), "scores": {"score": score}}
            for edges, label, score in zip(*seen, strict=True)
        ]
        there = zip(target["voc_boxes"].tolist(), target["labels"].tolist(), target["difficult"].tolist(), strict=True)
        truths = [_box(edges, k, f"{classes[k]}{' (difficult)' if hard else ''}") for edges, k, hard in there]
        names = dict(enumerate(classes))
        return {
            "predictions": {"box_data": predictions, "class_labels": names},
            "ground_truth": {"box_data": truths, "class_labels": names},
        }


def on_one_canvas(images: Sequence[Image.Image]) -> list[Image.Image]:
    """Pictures in the upper left corners of equal black ones: W&B shows all of a key at the size of the first."""
    width, height = max(image.width for image in images), max(image.height for image in images)
    return [image.crop((0, 0, width, height)) for image in images]


def _box(edges: Sequence[float], label: int, caption: str) -> dict[str, Any]:
    """A box of VOC, whose pixels are counted from 1 and whose edges belong to it."""
    left, top, right, bottom = edges
    position = {"minX": left - 1, "minY": top - 1, "maxX": right, "maxY": bottom}
    return {"position": position, "domain": "pixel", "class_id": label, "box_caption": caption}


def feature_panels(system: CloudOnly | Collaborative, batch: Batch) -> Iterator[Panel]:
    """What crosses before and after coding, a panel a QP; none where whole pictures cross."""
    if isinstance(system, CloudOnly):
        return
    features, ids = system.features(batch["images"]), [target["id"] for target in batch["targets"]]
    for label, qp in system.qps.items():
        decoded, bits = system.channel(features, [qp] * len(ids))
        images = [image for name, v in features.items() for image in side_by_side(v, decoded[name], system.channel)]
        captions = [
            f"{name} of {picture}, {label}, {cost / 1000:.1f} kilobits{' in all' if len(features) > 1 else ''}"
            for name in features
            for picture, cost in zip(ids, bits.tolist(), strict=True)
        ]
        yield Panel(f"features_{label}", images, captions, [None] * len(images), "png")
