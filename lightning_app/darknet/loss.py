"""The loss of a network: the terms of all its heads, each by the rules of its kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from torch import Tensor

from lightning_app.darknet.build import HeadOptions
from lightning_app.darknet.gaussian_loss import gaussian_loss
from lightning_app.darknet.region import RegionOptions
from lightning_app.darknet.region_loss import region_loss
from lightning_app.darknet.yolo import GaussianOptions, YoloOptions
from lightning_app.darknet.yolo_loss import yolo_loss
from lightning_app.darknet.yolov1_loss import yolov1_loss
from lightning_app.errors import OptionError
from lightning_app.graph import Truth

LossForm = Literal["darknet", "yolov1"]


def detection_loss(
    raws: Sequence[Tensor],
    truths: Sequence[Truth],
    heads: Sequence[HeadOptions],
    seen: int,
    form: LossForm = "darknet",
) -> dict[str, Tensor]:
    """The terms of the loss of all heads, added up by their names.

    Args:
        raws: the outputs of the network, each (B, A·(5 + K), N, M).
        truths: the objects of each picture.
        heads: the options of each head.
        seen: pictures that the network was trained on, these included.
        form: ``darknet``, each head as its source has it, or ``yolov1``, Eq. (1) of the paper.

    Raises:
        OptionError: the heads cannot be trained by this form, or by labels without boxes.
    """
    check_form(heads, form)
    if any(len(truth["class_only"]) for truth in truths) and not all(map(_has_tree, heads)):
        raise OptionError("labels without boxes train only [region] heads with tree=; leave out pictures without boxes")
    terms: dict[str, Tensor] = {}
    for raw, options in zip(raws, heads, strict=True):
        for name, term in _head_loss(raw, truths, options, seen, form).items():
            terms[name] = terms[name] + term if name in terms else term
    return terms


def form_named(name: str) -> LossForm:
    """The form of a name.

    Raises:
        OptionError: there is none.
    """
    if name not in get_args(LossForm):
        raise OptionError(f"the form of the loss must be darknet or yolov1, not {name}")
    return name  # type: ignore[return-value]


def check_form(heads: Sequence[HeadOptions], form: LossForm) -> None:
    """Refuse a form of the loss that a head does not have, with an OptionError."""
    if form == "yolov1" and any(isinstance(head, YoloOptions) or _has_tree(head) for head in heads):
        raise OptionError("the yolov1 loss is for [region] heads without tree=; leave the loss at darknet")


def _has_tree(options: HeadOptions) -> bool:
    return isinstance(options, RegionOptions) and options.tree is not None


def _head_loss(
    raw: Tensor, truths: Sequence[Truth], options: HeadOptions, seen: int, form: LossForm
) -> dict[str, Tensor]:
    if isinstance(options, GaussianOptions):
        return gaussian_loss(raw, truths, options)
    if isinstance(options, YoloOptions):
        return yolo_loss(raw, truths, options)
    return yolov1_loss(raw, truths, options) if form == "yolov1" else region_loss(raw, truths, options, seen)
