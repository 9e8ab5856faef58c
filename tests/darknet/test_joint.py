"""Labels without boxes and labels in a tree, by hand: one cell or two, and few classes."""

import math

import pytest
import torch

from lightning_app.darknet import RegionOptions, WordTree, region_loss
from lightning_app.graph import Truth

#  animal ── dog ── hound, terrier      thing ── cup, pen
#         └─ cat
TREE = WordTree(("animal", "thing", "dog", "cat", "hound", "terrier", "cup", "pen"), (-1, -1, 0, 0, 2, 2, 1, 1))
OPTIONS = RegionOptions(((1.0, 1.0),), 8, True, True, 0.6, 5, 1, 2, 1, tree=TREE)
NONE = torch.zeros(0, dtype=torch.long)


def labelled(*names: str) -> Truth:
    return {
        "boxes": torch.zeros(0, 4),
        "labels": NONE,
        "class_only": torch.tensor([TREE.names.index(n) for n in names]),
    }


def drawn(*names: str) -> Truth:
    """Objects that each fill the picture."""
    labels = torch.tensor([TREE.names.index(n) for n in names])
    return {"boxes": torch.tensor([[0.5, 0.5, 1.0, 1.0]] * len(names)), "labels": labels, "class_only": NONE}


def two_cells() -> torch.Tensor:
    """σ(to) = ½ and 1/5 side by side; all classes alike but for P(hound | dog) = 1/4 and 7/8."""
    raw = torch.zeros(1, 13, 1, 2)
    raw[0, 4, 0] = torch.tensor([0, -math.log(4)])
    raw[0, 5 + TREE.names.index("hound"), 0] = torch.tensor([-math.log(3), math.log(7)])
    return raw


def trained(raw: torch.Tensor, truth: Truth) -> list[list[str]]:
    """The names of the classes that have a gradient, in each cell."""
    raw = raw.clone().requires_grad_()
    torch.stack(list(region_loss(raw, [truth], OPTIONS, 12_800).values())).sum().backward()  # type: ignore[no-untyped-call]
    assert raw.grad is not None
    cells = raw.grad[0, 5:, 0].t()
    return [[TREE.names[i] for i in torch.nonzero(cell).flatten().tolist()] for cell in cells]


def test_a_box_trains_each_group_on_the_path_of_its_label() -> None:
    """P(animal) = P(dog | animal) = ½, P(hound | dog) = ¼."""
    terms = region_loss(two_cells()[..., :1], [drawn("hound")], OPTIONS, 12_800)
    assert terms["class"].item() == pytest.approx(2 * (math.log(2) + math.log(2) + math.log(4)))
    assert trained(two_cells()[..., :1], drawn("hound")) == [["animal", "thing", "dog", "cat", "hound", "terrier"]]


def test_two_boxes_of_one_anchor_train_both_paths_and_of_siblings_the_later() -> None:
    """Hound then cup: the root group takes thing; dog, hound and cup keep theirs."""
    terms = region_loss(two_cells()[..., :1], [drawn("hound", "cup")], OPTIONS, 12_800)
    assert terms["class"].item() == pytest.approx(2 * (math.log(2) + math.log(2) + math.log(4) + math.log(2)))
    raw = two_cells()[..., :1].clone().requires_grad_()
    region_loss(raw, [drawn("hound", "cup")], OPTIONS, 12_800)["class"].backward()  # type: ignore[no-untyped-call]
    assert raw.grad is not None
    assert raw.grad[0, 5:7, 0, 0].tolist() == pytest.approx([1, -1])  # class_scale · (½ - target)


def test_a_label_trains_the_anchor_that_shows_it_best_and_only_the_classes_on_its_path() -> None:
    """A hound: ½ · ¼ · ¼ in the first cell, 1/5 · ¼ · 7/8 in the second; a cup: ½ · ¼ and 1/5 · ¼."""
    assert trained(two_cells(), labelled("hound")) == [[], ["animal", "thing", "dog", "cat", "hound", "terrier"]]
    assert trained(two_cells(), labelled("cup")) == [["animal", "thing", "cup", "pen"], []]


def test_a_label_pulls_every_other_anchor_to_objectness_0_and_has_no_box_or_prior_term() -> None:
    terms = region_loss(two_cells(), [labelled("hound")], OPTIONS, 0)
    assert terms["objectness"].item() == pytest.approx(0.5 * (1 / 2) ** 2)
    assert terms["class"].item() == pytest.approx(2 * (math.log(2) + math.log(2) - math.log(7 / 8)))
    assert terms["box"] == terms["prior"] == 0


def test_every_label_of_a_picture_takes_part() -> None:
    both = region_loss(two_cells(), [labelled("hound", "cup")], OPTIONS, 0)
    assert both["objectness"] == 0
    alone = [region_loss(two_cells(), [labelled(name)], OPTIONS, 0)["class"].item() for name in ("hound", "cup")]
    assert both["class"].item() == pytest.approx(sum(alone))


def test_pictures_with_and_without_boxes_are_averaged_together() -> None:
    raw = torch.cat([two_cells(), two_cells().flip(3), two_cells()])
    truths = [drawn("cup"), labelled("hound"), drawn("cat")]
    together = region_loss(raw, truths, OPTIONS, 0)
    alone = [region_loss(raw[i : i + 1], [truth], OPTIONS, 0) for i, truth in enumerate(truths)]
    for name, term in together.items():
        assert term.item() == pytest.approx(sum(terms[name].item() for terms in alone) / 3)
