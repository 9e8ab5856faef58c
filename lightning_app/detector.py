"""The Lightning module: a network, an optional feature channel in its middle, its loss and its metrics."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any, cast

import torch
from pytorch_lightning import Callback, LightningModule
from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor, nn

from lightning_app.callbacks.codec_pool import CodecPoolLifetime
from lightning_app.callbacks.rate_accuracy import RateAccuracy
from lightning_app.callbacks.stopping import StopOnSignal
from lightning_app.channel import FeatureChannel
from lightning_app.checkpoint import CROSSING, load_model
from lightning_app.criteria import Criterion, DetectionLoss, TrainingRecord, check_terms
from lightning_app.darknet import read_detector, use_class_map
from lightning_app.data import Batch
from lightning_app.detections import check_thresholds, in_pixels
from lightning_app.dropout import dropouts_of, make_repeatable, reseed_each
from lightning_app.errors import OptionError, TrainingError
from lightning_app.graph import Detections, SplitDetector
from lightning_app.initial_values import find_values
from lightning_app.lightning_fixes.averaged_weights import keep_averaged_weights
from lightning_app.lightning_fixes.run_length import steps_of_run
from lightning_app.lightning_fixes.steps_saved import count_as_saved
from lightning_app.lookahead import goes_on
from lightning_app.measure import OperatingPoint, Rule, check_rules, logged, of_accuracy, of_coco
from lightning_app.optimizer import Algorithm, Schedule, make_optimizer, make_schedule
from lightning_app.pending import Pending
from lightning_app.picture_channel import PictureChannel
from lightning_app.provenance import program_commit
from lightning_app.records.classes import ClassRow, class_rows
from lightning_app.records.points import Point
from lightning_app.resumption import make_fit
from lightning_app.statistics import RecallLevels
from lightning_app.systems import CloudOnly, Collaborative, PointOutput
from lightning_app.transforms import FeatureTransform
from lightning_app.unannotated import check_measurable, check_trainable, is_annotated, leave_out_validation


class Detector(LightningModule):
    """Trains and measures a detector, whole or cut in two by a feature channel.

    Args:
        network: Darknet ``.cfg`` of the network, or the class path of any other ``SplitDetector``.
        weights: file to start from, Darknet ``.weights`` or a checkpoint of this program; null for initial values.
        channel: the feature channel, which codes the features at its split at every forward pass; null for the whole
            network without a codec.
        picture: the picture channel, which codes the pictures of validation and test, as cloud-only does; null for the
            original files.
        criterion: the loss that training minimises; null for ``DetectionLoss``, the detector's own loss.
        optimizer: the optimiser, ``sgd`` as in Darknet, or ``adamw``.
        learning_rate: the largest learning rate of the run, for a loss that is averaged over the pictures of a step.
        momentum: momentum of SGD, at least 0 and below 1; AdamW does not use it.
        weight_decay: weight decay of the kernels of convolutions; 0 for none.
        schedule: how the learning rate falls: at ``steps``, or as half a ``cosine`` to 0 at the end of the run.
        burn_in: number of optimiser steps in which the learning rate rises from 0, by the fourth power.
        steps: numbers of the optimiser steps at which the learning rate falls, if the schedule is ``steps``.
        step_scale: factor by which the learning rate is multiplied at each of these steps.
        frozen_statistics: whether batch norm keeps its means and variances, as a short retraining needs.
        score_threshold: score that a detection must exceed, 0 to 1.
        nms_threshold: overlap (IoU) above which the worse of two detections of one class is removed, 0 to 1.
        seed: seed of the initial weights and of the random QPs.
        recall_levels: levels of recall of the 11-point mAP, ``tenths`` for 0, 1/10 … 1, or ``arange`` for the floats of
            ``np.arange(0, 1.1, 0.1)``, which py-faster-rcnn takes.
        metrics: rules by which accuracy is measured, ``[voc]``, or ``[voc, coco]`` for COCO's mAP beside VOC's.
        class_map: Darknet's ``.map``, such as coco9k.map, which lists the classes of the tree to detect; null for all.
    """

    def __init__(
        self,
        network: SplitDetector | str,
        weights: str | None = None,
        channel: FeatureChannel | None = None,
        picture: PictureChannel | None = None,
        criterion: Criterion | None = None,
        optimizer: Algorithm = "sgd",
        learning_rate: float = 1e-3,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        schedule: Schedule = "steps",
        burn_in: int = 1000,
        steps: Sequence[int] = (40_000, 60_000),
        step_scale: float = 0.1,
        frozen_statistics: bool = False,
        score_threshold: float = 0.005,
        nms_threshold: float = 0.45,
        seed: int = 0,
        class_map: str | None = None,
        recall_levels: RecallLevels = "tenths",
        metrics: Sequence[Rule] = ("voc",),
    ) -> None:
        super().__init__()
        if channel is not None and picture is not None:
            raise OptionError("model.channel sends features and model.picture whole pictures: set one to null")
        check_rules(metrics)
        check_thresholds(score_threshold, nms_threshold)
        self.save_hyperparameters(ignore=["network", "channel", "picture", "criterion"])
        self.save_hyperparameters({"network": network if isinstance(network, str) else class_path(network)})
        self.network = read_detector(network, seed) if isinstance(network, str) else network
        if class_map is not None:
            use_class_map(self.network, Path(class_map))
        for sentence in self.network.notes:
            rank_zero_info(sentence)
        self.criterion = criterion or DetectionLoss()
        self.system = CloudOnly(self.network, picture) if channel is None else Collaborative(self.network, channel)
        make_repeatable(self.criterion)
        if weights is not None:
            for sentence in load_model(self.network, Path(weights), self.transform):
                rank_zero_info(sentence)
        for layer in self.network.idle():
            layer.requires_grad_(False)  # DistributedDataParallel would wait for its gradient
        self.criterion.check(self.network, self.system.wire)
        if self.system.frozen is not None:
            self.system.frozen.requires_grad_(False).eval()  # Lightning keeps the mode that a module comes with
            for parameter in [] if self.transform is None else self.transform.only_reducing():
                parameter.requires_grad_(False)  # DistributedDataParallel would wait for its gradient
        self.points: list[Point] = []
        self.class_rows: list[ClassRow] = []
        self._held = ExitStack()
        self._submitted: dict[tuple[int, int], Pending[TrainingRecord]] = {}  # by epoch and batch
        # For the number of operations in Lightning's summary.
        self.example_input_array = torch.zeros(1, self.network.channels, *self.network.size)

    @property
    def transform(self) -> FeatureTransform | None:
        """What reduces the features before they are quantised."""
        return self.system.channel.transform if isinstance(self.system, Collaborative) else None

    def configure_callbacks(self) -> list[Callback]:
        """The codec's processes live as long as the run; a signal ends it after a step; what is measured is shown."""
        pool = [] if self.system.pool is None else [CodecPoolLifetime(self.system.pool)]
        given = any(isinstance(callback, RateAccuracy) for callback in self.trainer.callbacks)  # type: ignore[attr-defined]
        return [*pool, StopOnSignal(), *([] if given else [RateAccuracy()])]

    def configure_optimizers(self) -> Any:
        """The optimiser, its learning rate a function of the step."""
        optimizer = make_optimizer(self.parameters(), self.hparams)
        total = steps_of_run(self.trainer) if self.hparams["schedule"] == "cosine" else math.inf
        schedule = make_schedule(optimizer, self.hparams, total)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def setup(self, stage: str) -> None:
        """Make the metrics of every operating point, for the data's classes; refuse what needs annotations without."""
        self._held.close()  # an earlier run of this process may have ended in an error
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        check_run(self.network, self.trainer.precision, data.classes)
        if stage in ("validate", "test"):
            check_measurable(data)
        elif stage == "fit" and not is_annotated(data):
            check_trainable(self.criterion, data)
            rank_zero_info(leave_out_validation(self.trainer, data))
        if stage == "fit":
            self._find_values(training=True)
        points = {label: OperatingPoint(data.classes, *of_accuracy(self.hparams)) for label in self.system.qps}
        self.measured = nn.ModuleDict(points)

    def on_validation_start(self) -> None:
        """Find values of a transform that neither the weights nor the checkpoint, which is loaded now, has brought."""
        with torch.inference_mode(False):  # it needs gradients
            self._find_values()
        self._held.enter_context(self.network.unchanging())

    on_test_start = on_predict_start = on_validation_start

    def on_validation_end(self) -> None:
        """Let the weights change again."""
        self._held.close()

    on_test_end = on_predict_end = on_validation_end

    def _find_values(self, training: bool = False) -> None:
        if isinstance(self.system, Collaborative):
            data = self.trainer.datamodule  # type: ignore[attr-defined]
            find_values(self.system, data.example_dataloader, self.trainer.strategy.root_device, training)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse another network's checkpoint, and make this one fit."""
        make_fit(checkpoint, self)

    def on_train_start(self) -> None:
        """Count what was resumed as saved, and set the modes that Lightning then keeps over every validation."""
        count_as_saved(self.trainer)
        if self.hparams["frozen_statistics"]:
            freeze_statistics(self.network)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep how many pictures the network has seen; as a buffer it would be averaged with the weights."""
        checkpoint["seen"] = self.network.seen
        if self.transform is not None and self.transform.shapes is not None:
            checkpoint[CROSSING] = list(self.transform.shapes)
        keep_averaged_weights(self.trainer, self, checkpoint)

    def forward(self, images: Tensor) -> list[Detections]:
        """Images (B, 3, H, W) in [0, 1] -> the detections of each, by the whole network, without a channel."""
        return self._detect(self.network(images))

    def _detect(self, raws: Sequence[Tensor]) -> list[Detections]:
        return self.network.detect(raws, self.hparams["score_threshold"], self.hparams["nms_threshold"])

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of a batch; with a channel, each picture at a QP of its own.

        While the features are coded, the front runs on the next batch, if it is of the same step of the optimiser.
        """
        images = batch["images"]
        submitted = self._submitted.pop((self.current_epoch, batch_idx), None) or self._submit(batch, batch_idx)
        self._submitted.clear()
        # Before this batch's pictures are waited for: its front runs while they are coded. Not across the end of an
        # optimiser step, which changes the weights of the front.
        if "following" in batch and goes_on(self.trainer, batch_idx):
            self._submitted[self.current_epoch, batch_idx + 1] = self._submit(batch["following"], batch_idx + 1)
        # The next batch's front has drawn from the same streams; without this the back would draw other numbers than in
        # a run that does not look ahead.
        self._reseed(batch_idx)
        record = submitted.result()
        if record.bits is not None:
            self.log("train/kbpi", record.bits.float().mean() / 1000, batch_size=len(images))
        self.network.seen += len(images) * self.trainer.world_size  # before the loss, as Darknet counts
        terms = self.criterion(record)
        check_terms(self.criterion, terms)
        loss = torch.stack([self.criterion.weight(name) * term for name, term in terms.items()]).sum()
        if not bool(torch.isfinite(loss)):
            stated = ", ".join(f"{name} {term.item():g}" for name, term in terms.items())
            raise TrainingError(f"the loss is not finite at step {self.global_step} ({stated}); lower learning_rate")
        self.log("train/loss", loss, prog_bar=True, batch_size=len(images))
        self.log("train/loss_epoch", loss, on_step=False, on_epoch=True, sync_dist=True, batch_size=len(images))
        self.log_dict({f"train/loss_{name}": term for name, term in terms.items()}, batch_size=len(images))
        return loss

    def _submit(self, batch: Batch, batch_idx: int) -> Pending[TrainingRecord]:
        self._reseed(batch_idx)
        return self.system.submit(batch, self.hparams["seed"], self.current_epoch)

    def _reseed(self, batch_idx: int) -> None:
        # A run that resumes in the middle of an epoch must draw what the unbroken run drew: no state, only numbers.
        entropy = (self.hparams["seed"], self.current_epoch, batch_idx, self.global_rank)
        self.network.reseed(*entropy)
        beside = [*dropouts_of(self.system), *dropouts_of(self.criterion)]
        reseed_each(enumerate(beside, start=len(self.network.nodes)), entropy)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Detect at every operating point and count the bits."""
        for label, raws, bits in self._operating_points(batch):
            self._measured(label).update(self._detect(raws), batch["targets"], bits)

    def _operating_points(self, batch: Batch) -> Iterator[PointOutput]:
        return self.system.operating_points(batch, self.trainer.datamodule.resize)  # type: ignore[attr-defined]

    test_step = validation_step

    def predict_step(self, batch: Batch, batch_idx: int) -> list[dict[str, Any]]:
        """The detections of each picture at every operating point: id, qp (None without a channel), boxes in pixels."""
        return [
            {"id": target["id"], "qp": self.system.qps[label], **in_pixels(found, target)}
            for label, raws, _ in self._operating_points(batch)
            for found, target in zip(self._detect(raws), batch["targets"], strict=True)
        ]

    def on_validation_epoch_end(self) -> None:
        """Log mAP and KBPI of every operating point, and the mean mAP, which checkpoints go by."""
        self._report("val")

    def on_test_epoch_end(self) -> None:
        """Likewise."""
        self._report("test")

    def _report(self, stage: str) -> None:
        computed = [self._measured(label).compute() for label in self.system.qps]  # gathered from all ranks
        self.points = [self._point(qp, one) for qp, one in zip(self.system.qps.values(), computed, strict=True)]
        classes = self.trainer.datamodule.classes  # type: ignore[attr-defined]
        rows = (class_rows(point.name, classes, one) for point, one in zip(self.points, computed, strict=True))
        self.class_rows = list(chain(*rows))
        # Every rank computed the same numbers; the largest of equal ones is exact, their mean might not be.
        self.log_dict(logged(self.points, stage), sync_dist=True, reduce_fx="max")

    def _measured(self, label: str) -> OperatingPoint:
        return cast(OperatingPoint, self.measured[label])

    def _point(self, qp: object, values: Mapping[str, Tensor]) -> Point:
        return Point(
            system=self.system.name,
            network=str(self.hparams["network"]),
            weights=str(self.trainer.ckpt_path or self.hparams["weights"] or ""),
            **self.system.columns(qp),
            qp="" if qp is None else str(qp),
            images=int(values["images"]),
            kbpi=float(values["kbpi"]),
            kbpi_std=float(values["kbpi_std"]),
            map=float(values["map"]),
            map_area=float(values["map_area"]),
            seed=int(self.hparams["seed"]),
            commit=program_commit(),
            recall_levels=str(self.hparams["recall_levels"]),
            **of_coco(values),
        )


def freeze_statistics(network: nn.Module) -> None:
    """Keep the running means and variances of batch norm as they are, and normalise by them in training too."""
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


def class_path(thing: object) -> str:
    """``package.module.Class`` of an object."""
    return f"{type(thing).__module__}.{type(thing).__qualname__}"


def check_run(network: SplitDetector, precision: str, classes: Sequence[str]) -> None:
    """Refuse a precision in which boxes mean nothing, and data that are not the network's.

    Args:
        network: the detector.
        precision: of the trainer.
        classes: names of the data's classes.

    Raises:
        OptionError: they do not go together.
    """
    if precision.endswith("-true") and precision not in ("32-true", "64-true"):
        raise OptionError(f"precision {precision} would round boxes to whole pixels; use a -mixed one")
    network.check_classes(classes)
