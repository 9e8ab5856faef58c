"""A truth without a width or a height trains nothing, in every loss: the logarithm of its size is infinite."""

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import pytest
import torch

from lightning_app.darknet import RegionOptions, YoloOptions, region_loss, yolo_loss, yolov1_loss
from lightning_app.darknet.gaussian_loss import gaussian_loss
from lightning_app.darknet.yolo import BoxLoss, GaussianOptions
from lightning_app.graph import Truth

PRIORS = ((1.0, 1.5), (3.0, 2.0))
REGION = RegionOptions(PRIORS, 2)
YOLO = YoloOptions(PRIORS, (0, 1), 2)
GAUSSIAN = GaussianOptions(PRIORS, (0, 1), 2)
Loss = Callable[[torch.Tensor, list[Truth]], dict[str, torch.Tensor]]
LOSSES: dict[str, tuple[int, Loss]] = {
    "region": (14, lambda raw, truths: region_loss(raw, truths, REGION, 0)),
    "region without bias_match": (
        14,
        lambda raw, truths: region_loss(raw, truths, replace(REGION, bias_match=False), 0),
    ),
    "yolov1": (14, lambda raw, truths: yolov1_loss(raw, truths, REGION)),
    "gaussian": (22, lambda raw, truths: gaussian_loss(raw, truths, GAUSSIAN)),
    "new_coords": (14, lambda raw, truths: yolo_loss(raw, truths, replace(YOLO, new_coords=True))),
}


def _yolo(kind: BoxLoss, iou_thresh: float) -> tuple[int, Loss]:
    options = replace(YOLO, iou_loss=kind, iou_thresh=iou_thresh)
    return 14, lambda raw, truths: yolo_loss(raw, truths, options)


KINDS: tuple[BoxLoss, ...] = get_args(BoxLoss)
LOSSES |= {f"yolo {kind} {t}": _yolo(kind, t) for kind in KINDS for t in (1.0, 0.2)}


def truth(*boxes: tuple[float, float, float, float]) -> Truth:
    none = torch.zeros(0, dtype=torch.long)
    labels = torch.arange(len(boxes)) % 2
    return {"boxes": torch.tensor(boxes).reshape(-1, 4), "labels": labels, "class_only": none}


@pytest.mark.parametrize("name", LOSSES)
def test_a_truth_without_area_is_as_if_it_were_not_there(name: str) -> None:
    channels, loss = LOSSES[name]
    raw = torch.rand(2, channels, 4, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    whole, other = (0.3, 0.4, 0.3, 0.5), (0.7, 0.7, 0.2, 0.2)
    flat = [(0.3, 0.4, 0.0, 0.5), (0.7, 0.2, 0.3, 0.0), (0.1, 0.9, 0.0, 0.0)]
    with_flat = loss(raw, [truth(whole, other, *flat), truth(*flat)])
    without = loss(raw, [truth(whole, other), truth()])
    gradients = [torch.autograd.grad(torch.stack(list(t.values())).sum(), raw)[0] for t in (with_flat, without)]
    assert {key: term.item() for key, term in with_flat.items()} == {key: term.item() for key, term in without.items()}
    assert torch.equal(*gradients)
    assert torch.isfinite(gradients[0]).all()
