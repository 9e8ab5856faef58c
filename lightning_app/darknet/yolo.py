"""The options of a ``[yolo]`` section, YOLOv3's head and its later forms, and of a ``[Gaussian_yolo]``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from lightning_app.darknet.cfg import Section
from lightning_app.darknet.region import anchor_pairs

BoxLoss = Literal["mse", "iou", "giou", "diou", "ciou"]
"""By AlexeyAB's names of ``iou_loss=``."""

NMS_KINDS = ("default", "greedynms", "diounms")
"""The first two drop a box that overlaps a better one of its class; the third looks at the distance too."""

Point = Literal["center", "left_top", "right_bottom"]
"""By AlexeyAB's names of ``yolo_point=``."""


@dataclass(frozen=True)
class YoloOptions:
    """The options of ``[yolo]`` that decoding and the loss use.

    Source: ``parse_yolo`` in ``src/parser.c`` of pjreddie/darknet (2018) and, for the later keys, of
    AlexeyAB/darknet. ``jitter``, ``random`` and ``resize`` describe Darknet's own data loading and are read over. So is
    ``truth_thresh``, by which AlexeyAB's training chooses more anchors where it is below 1.

    Attributes:
        priors: width and height of the prior boxes of all heads, in cells of this one.
        mask: which of them are this head's anchors.
        classes: K, how many.
        ignore_thresh: an anchor whose best IoU with any truth is above it is not pulled to objectness 0.
        iou_thresh: beside the best prior of a truth, anchors of a shape IoU above this train by it too; 1 for none.
        scale_x_y: how far a centre can leave its cell: σ(tx) is stretched by it about ½.
        iou_loss: form of the box term.
        iou_normalizer: weight of the box term.
        obj_normalizer: weight of objectness.
        cls_normalizer: weight of the classes.
        max_truths: boxes per picture that train.
        new_coords: the layer before gives values of 0 to 1 already, its activation being ``logistic``, and a side is
            (2·value)² anchors, as in Scaled-YOLOv4 and YOLOv7.
        diou_nms: β of ``nms_kind=diounms``: what counts as overlap is the IoU less (d/c)^β, of the squared distance of
            the centres over that of the hull's corners; None for the IoU alone.
    """

    priors: tuple[tuple[float, float], ...]
    mask: tuple[int, ...]
    classes: int
    ignore_thresh: float = 0.5
    iou_thresh: float = 1.0
    scale_x_y: float = 1.0
    iou_loss: BoxLoss = "mse"
    iou_normalizer: float = 1.0
    obj_normalizer: float = 1.0
    cls_normalizer: float = 1.0
    max_truths: int = 90
    new_coords: bool = False
    diou_nms: float | None = None

    @property
    def anchors(self) -> tuple[tuple[float, float], ...]:
        """Width and height of this head's anchors, in cells."""
        return tuple(self.priors[i] for i in self.mask)

    @property
    def channels(self) -> int:
        """Channels of the raw head: A·(4 coordinates + objectness + K classes)."""
        return len(self.mask) * (5 + self.classes)

    @classmethod
    def from_section(cls, section: Section, stride: tuple[float, float]) -> YoloOptions:
        """Read and check a ``[yolo]`` section.

        Args:
            section: of the ``.cfg``.
            stride: width and height of this head's cells in pixels of the network's input, the unit of ``anchors=``.
        """
        return cls(**_common(section, stride))


@dataclass(frozen=True)
class GaussianOptions(YoloOptions):
    """The options of ``[Gaussian_yolo]``, whose coordinates each come with an uncertainty (arXiv 1904.04620).

    Source: ``parse_gaussian_yolo`` of AlexeyAB/darknet.

    Attributes:
        uc_normalizer: weight of the term by which the uncertainties learn.
        point: where in a box the place lies that the head states.
    """

    uc_normalizer: float = 1.0
    point: Point = "center"

    @property
    def channels(self) -> int:
        """Channels of the raw head: A·(4 coordinates, an uncertainty each, objectness, K classes)."""
        return len(self.mask) * (9 + self.classes)

    @classmethod
    def from_section(cls, section: Section, stride: tuple[float, float]) -> GaussianOptions:
        """Read and check a ``[Gaussian_yolo]`` section; the arguments are those of ``[yolo]``."""
        return cls(
            **_common(section, stride),
            uc_normalizer=section.real("uc_normalizer", 1),
            point=cast(Point, _one_of(section, "yolo_point", "center", get_args(Point))),
        )


def _common(section: Section, stride: tuple[float, float]) -> dict[str, Any]:
    """What the sections of both heads have."""
    priors = tuple((w / stride[0], h / stride[1]) for w, h in anchor_pairs(section))
    iou_loss = _one_of(section, "iou_loss", "mse", get_args(BoxLoss))
    nms_kind = _one_of(section, "nms_kind", "default", NMS_KINDS)
    if section.real("scale_x_y", 1) <= 0:
        raise section.fault(f"scale_x_y must be positive, not {section.text('scale_x_y')}", "scale_x_y")
    return {
        "priors": priors,
        "mask": _mask(section, len(priors)),
        "classes": section.positive("classes", 20),
        "ignore_thresh": section.real("ignore_thresh", 0.5),
        "iou_thresh": section.real("iou_thresh", 1),
        "scale_x_y": section.real("scale_x_y", 1),
        "iou_loss": cast(BoxLoss, iou_loss),
        "iou_normalizer": section.real("iou_normalizer", 1 if iou_loss == "mse" else 0.75),
        "obj_normalizer": section.real("obj_normalizer", 1),
        "cls_normalizer": section.real("cls_normalizer", 1),
        "max_truths": section.positive("max", 90),
        "new_coords": section.flag("new_coords"),
        "diou_nms": section.real("beta_nms", 0.6) if nms_kind == "diounms" else None,
    }


def _mask(section: Section, priors: int) -> tuple[int, ...]:
    if "mask" not in section.options:
        return tuple(range(priors))
    mask = tuple(section.integers("mask"))
    if not mask or len(set(mask)) != len(mask) or not set(mask) <= set(range(priors)):
        raise section.fault(
            f"mask={section.text('mask')} must list anchors, each from 0 to {priors - 1} and once", "mask"
        )
    return mask


def _one_of(section: Section, key: str, default: str, choices: tuple[str, ...]) -> str:
    value = section.text(key, default)
    if value not in choices:
        raise section.fault(f"{key}={value} is not supported; supported are {', '.join(choices)}", key)
    return value
