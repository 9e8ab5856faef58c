"""The loss of all heads of a network: the sum of theirs, in float32, and what it refuses."""

from dataclasses import replace

import pytest
import torch

from lightning_app.darknet import (
    LossForm,
    RegionOptions,
    WordTree,
    YoloOptions,
    detection_loss,
    region_loss,
    yolo_loss,
    yolov1_loss,
)
from lightning_app.darknet.build import HeadOptions
from lightning_app.errors import OptionError
from lightning_app.graph import Truth

REGION = RegionOptions(((1.0, 1.5), (3.0, 2.0)), 3, True, True, 0.6, 5, 1, 1, 1)
TREE = replace(REGION, tree=WordTree(("animal", "dog", "cat"), (-1, 0, 0)))
YOLO = YoloOptions(((1.0, 1.5), (3.0, 2.0), (2.0, 4.0)), (0, 2), 3, iou_loss="ciou", iou_thresh=0.2)
TRUTH: Truth = {
    "boxes": torch.tensor([[0.3, 0.4, 0.3, 0.35], [0.6, 0.5, 0.2, 0.7]]),
    "labels": torch.tensor([2, 0]),
    "class_only": torch.zeros(0, dtype=torch.long),
}
LABELLED: Truth = {
    "boxes": torch.zeros(0, 4),
    "labels": torch.zeros(0, dtype=torch.long),
    "class_only": torch.tensor([1]),
}


def raw_head(options: HeadOptions, side: int) -> torch.Tensor:
    return torch.randn(1, options.channels, side, side, generator=torch.Generator().manual_seed(side))


def test_the_terms_of_all_heads_are_added_up_by_their_names() -> None:
    coarse, fine = raw_head(YOLO, 3), raw_head(REGION, 5)
    terms = detection_loss((coarse, fine), [TRUTH], (YOLO, REGION), seen=0)
    by_head = (yolo_loss(coarse, [TRUTH], YOLO), region_loss(fine, [TRUTH], REGION, 0))
    assert list(terms) == ["box", "objectness", "class", "prior"]
    for name, term in terms.items():
        assert term.item() == pytest.approx(sum(part[name].item() for part in by_head if name in part))


def test_the_yolov1_form_is_eq_1() -> None:
    raw = raw_head(REGION, 4)
    assert detection_loss((raw,), [TRUTH], (REGION,), 0, "yolov1") == yolov1_loss(raw, [TRUTH], REGION)


@pytest.mark.parametrize("options", [YOLO, TREE])
def test_the_yolov1_form_is_refused_for_other_heads(options: HeadOptions) -> None:
    with pytest.raises(OptionError, match=r"the yolov1 loss is for \[region\] heads without tree="):
        detection_loss((raw_head(options, 4),), [TRUTH], (options,), 0, "yolov1")


@pytest.mark.parametrize(("options", "form"), [(YOLO, "darknet"), (REGION, "darknet"), (REGION, "yolov1")])
def test_labels_without_boxes_are_refused_where_there_is_no_tree(options: HeadOptions, form: LossForm) -> None:
    with pytest.raises(OptionError, match=r"labels without boxes train only \[region\] heads with tree="):
        detection_loss((raw_head(options, 4),), [LABELLED], (options,), 0, form)


def test_labels_without_boxes_train_a_tree() -> None:
    raw = raw_head(TREE, 4)
    assert detection_loss((raw,), [LABELLED], (TREE,), 0) == region_loss(raw, [LABELLED], TREE, 0)


@pytest.mark.parametrize(
    ("options", "form"), [(REGION, "darknet"), (REGION, "yolov1"), (TREE, "darknet"), (YOLO, "darknet")]
)
def test_a_raw_head_in_bfloat16_has_its_loss_in_float32(options: HeadOptions, form: LossForm) -> None:
    raw = raw_head(options, 4).bfloat16()
    terms = detection_loss((raw,), [TRUTH], (options,), 0, form)
    assert terms == detection_loss((raw.float(),), [TRUTH], (options,), 0, form)
    assert {term.dtype for term in terms.values()} == {torch.float32}


@pytest.mark.parametrize(
    ("options", "form"), [(REGION, "darknet"), (REGION, "yolov1"), (TREE, "darknet"), (YOLO, "darknet")]
)
def test_a_few_steps_down_the_gradient_find_the_objects(options: HeadOptions, form: LossForm) -> None:
    raw = torch.zeros(1, options.channels, 4, 4, requires_grad=True)
    losses = []
    for _ in range(60):
        loss = torch.stack(list(detection_loss((raw,), [TRUTH], (options,), 12_800, form).values())).sum()
        (gradient,) = torch.autograd.grad(loss, raw)
        raw = (raw - 0.2 * gradient).detach().requires_grad_()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]
