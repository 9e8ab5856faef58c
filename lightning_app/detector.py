"""The Lightning module: a network, an optional feature channel in its middle, its loss and its metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from pytorch_lightning import Callback, LightningModule
from torch import Tensor, nn
from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR

from lightning_app.callbacks.codec_pool import CodecPoolLifetime
from lightning_app.channel import FeatureChannel, QPOption
from lightning_app.checkpoint import load_network, network_state
from lightning_app.darknet import Detections, Network, detect, detection_loss
from lightning_app.data import Batch
from lightning_app.errors import OptionError, TrainingError
from lightning_app.measure import OperatingPoint, in_pixels
from lightning_app.report.points import Point, qp_label
from lightning_app.schedule import rate_factor


class Detector(LightningModule):
    """Trains and measures a detector, whole or cut in two by a feature channel.

    Args:
        network: Darknet ``.cfg`` of the network.
        weights: Darknet ``.weights`` or a checkpoint of ours to start from; null for initial values.
        channel: sends the features at its split through a codec at every forward pass; null for the whole network.
        learning_rate: of SGD, for the loss averaged over the pictures of a step.
        momentum: of SGD.
        weight_decay: of SGD, on the weights of convolutions alone.
        burn_in: optimiser steps over which the rate rises by the fourth power.
        steps: optimiser steps at which the rate falls.
        step_scale: what it falls by.
        score_threshold: a detection's score must be above it, 0 to 1.
        nms_threshold: IoU above which the worse of two detections of one class goes, 0 to 1.
        seed: of the initial weights and of the QPs that are drawn.
    """

    def __init__(
        self,
        network: str,
        weights: str | None = None,
        channel: FeatureChannel | None = None,
        learning_rate: float = 1e-3,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        burn_in: int = 1000,
        steps: Sequence[int] = (40_000, 60_000),
        step_scale: float = 0.1,
        score_threshold: float = 0.005,
        nms_threshold: float = 0.45,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(ignore=["channel"])
        self.network = Network.from_cfg(network, seed)
        self.channel = channel
        self.parts = None if channel is None else self.network.split(channel.split, channel.passthrough)
        if weights is not None:
            load_network(self.network, Path(weights))
        qps: Sequence[QPOption | None] = (None,) if channel is None else channel.eval_qps
        self.eval_qps = {qp_label("" if qp is None else qp): qp for qp in qps}
        self.points: list[Point] = []
        self.example_input_array = torch.zeros(1, 3, *self.network.size)  # for the FLOPs of Lightning's summary

    def configure_callbacks(self) -> list[Callback]:
        """The codec's processes live as long as the run."""
        return [] if self.channel is None else [CodecPoolLifetime(self.channel)]

    def configure_optimizers(self) -> Any:
        """SGD as Darknet's, its rate a function of the step."""
        options = self.hparams
        kernels = [p for p in self.network.parameters() if p.ndim == 4]
        others = [p for p in self.network.parameters() if p.ndim != 4]
        groups = [{"params": kernels, "weight_decay": options["weight_decay"]}, {"params": others}]
        optimizer = SGD(groups, options["learning_rate"], options["momentum"])
        schedule = LambdaLR(
            optimizer,
            lambda step: rate_factor(step + 1, options["burn_in"], options["steps"], options["step_scale"]),
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def setup(self, stage: str) -> None:
        """Make the metrics of every operating point, for the data's classes."""
        if self.trainer.precision.endswith("-true") and self.trainer.precision not in ("32-true", "64-true"):
            raise OptionError(f"precision {self.trainer.precision} would round boxes to whole pixels; use a -mixed one")
        classes = self.trainer.datamodule.classes  # type: ignore[attr-defined]
        if len(classes) != self.network.classes:
            raise OptionError(
                f"the data has {len(classes)} classes and the network {self.network.classes}; "
                "choose a network made for the data, or set classes= and filters= in its .cfg"
            )
        self.measured = nn.ModuleDict({label: OperatingPoint(classes) for label in self.eval_qps})

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse another network's checkpoint in one sentence, before torch does in a hundred lines."""
        network_state(self.network, checkpoint["state_dict"], "the checkpoint")
        self.network.seen = checkpoint["seen"]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep how many pictures the network has seen; as a buffer it would be averaged with the weights."""
        checkpoint["seen"] = self.network.seen

    def forward(self, images: Tensor) -> list[Detections]:
        """Images (B, 3, H, W) in [0, 1] -> the detections of each, by the whole network, without a channel."""
        return self._detect(self.network(images))

    def _detect(self, raws: Sequence[Tensor]) -> list[Detections]:
        return detect(raws, self.network.heads, self.hparams["score_threshold"], self.hparams["nms_threshold"])

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of a batch; with a channel, each picture at a QP of its own."""
        images, targets = batch["images"], batch["targets"]
        if self.channel is None:
            raws = self.network(images)
        else:
            indices = [target["index"] for target in targets]
            qps = self.channel.draw_qps(self.hparams["seed"], self.current_epoch, indices)
            raws, bits = self._through_channel(self._features(images), qps)
            self.log("train/kbpi", bits.float().mean() / 1000, batch_size=len(images))
        terms = detection_loss(raws, targets, self.network.heads, self.network.seen)
        loss = torch.stack(list(terms.values())).sum()
        if not bool(torch.isfinite(loss)):
            stated = ", ".join(f"{name} {term.item():g}" for name, term in terms.items())
            raise TrainingError(f"the loss is not finite at step {self.global_step} ({stated}); lower learning_rate")
        self.network.seen += len(images) * self.trainer.world_size
        self.log("train/loss", loss, prog_bar=True, batch_size=len(images))
        self.log("train/loss_epoch", loss, on_step=False, on_epoch=True, sync_dist=True, batch_size=len(images))
        self.log_dict({f"train/loss_{name}": term for name, term in terms.items()}, batch_size=len(images))
        return loss

    def _features(self, images: Tensor) -> dict[str, Tensor]:
        assert self.parts is not None
        return dict(zip(self.parts.crossing, self.parts.front((images,)), strict=True))

    def _through_channel(
        self, features: dict[str, Tensor], qps: Sequence[QPOption]
    ) -> tuple[tuple[Tensor, ...], Tensor]:
        """Raw heads and bits (B,) of features coded at one QP a picture."""
        assert self.parts is not None
        assert self.channel is not None
        decoded, bits = self.channel(features, qps)
        return self.parts.back(tuple(decoded.values())), bits

    def _operating_points(self, images: Tensor) -> Iterator[tuple[str, list[Detections], Tensor | None]]:
        """Label, detections and bits (B,) of every QP, the front run once."""
        if self.channel is None:
            yield "plain", self(images), None
            return
        features = self._features(images)
        for label, qp in self.eval_qps.items():
            assert qp is not None
            raws, bits = self._through_channel(features, [qp] * len(images))
            yield label, self._detect(raws), bits

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Detect at every operating point and count the bits."""
        for label, detections, bits in self._operating_points(batch["images"]):
            self._measured(label).update(detections, batch["targets"], bits)

    test_step = validation_step

    def predict_step(self, batch: Batch, batch_idx: int) -> list[dict[str, Any]]:
        """The detections of each picture at every operating point: id, qp (None without a channel), boxes in pixels."""
        return [
            {"id": target["id"], "qp": self.eval_qps[label], **in_pixels(found, target)}
            for label, detections, _ in self._operating_points(batch["images"])
            for found, target in zip(detections, batch["targets"], strict=True)
        ]

    def on_validation_epoch_end(self) -> None:
        """Log mAP and KBPI of every operating point, and the mean mAP, which checkpoints go by."""
        self._report("val")

    def on_test_epoch_end(self) -> None:
        """Likewise."""
        self._report("test")

    def _report(self, stage: str) -> None:
        self.points = [self._point(label, qp) for label, qp in self.eval_qps.items()]
        values = {f"{stage}/map": sum(point.map for point in self.points) / len(self.points)}
        for point in self.points:
            values[f"{stage}/map_{point.label}"] = point.map
            values[f"{stage}/map_area_{point.label}"] = point.map_area
            if point.kbpi is not None:
                values[f"{stage}/kbpi_{point.label}"] = point.kbpi
        # Every rank computed the same numbers; the largest of equal ones is exact, their mean might not be.
        self.log_dict(values, sync_dist=True, reduce_fx="max")

    def _measured(self, label: str) -> OperatingPoint:
        return cast(OperatingPoint, self.measured[label])

    def _point(self, label: str, qp: QPOption | None) -> Point:
        """Gather one operating point from all ranks, and start its metrics anew."""
        values = self._measured(label).compute()
        channel = self.channel
        return Point(
            system="cloud-only" if channel is None else "feature",
            network=str(self.hparams["network"]),
            weights=str(self.trainer.ckpt_path or self.hparams["weights"] or ""),
            split="" if channel is None else channel.split,
            layout="" if channel is None else "tiled",
            codec="" if channel is None else type(channel.codec).__name__,
            bits="" if channel is None else str(channel.bits),
            qp="" if qp is None else str(qp),
            images=int(values["images"]),
            kbpi=None if channel is None else values["kbpi"],
            kbpi_std=None if channel is None else values["kbpi_std"],
            map=values["map"],
            map_area=values["map_area"],
            seed=int(self.hparams["seed"]),
        )
