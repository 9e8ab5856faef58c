"""The WordTree against plain transcriptions of tree.c and region_layer.c, and by hand."""

import math
import random
from pathlib import Path

import pytest
import torch

from lightning_app.darknet import WordTree
from lightning_app.errors import CfgError

#   0 animal ── 2 dog ── 5 terrier
#            │        └─ 6 hound
#            ├─ 3 cat
#            └─ 4 bird
#   1 thing
PARENTS = (-1, -1, 0, 0, 0, 2, 2)
TREE = WordTree(("animal", "thing", "dog", "cat", "bird", "terrier", "hound"), PARENTS)
# 3/4 and 1/4; 1/2, 1/4, 1/4; 9/10 and 1/10, each group moved by a constant that a softmax does not see.
LOGITS = torch.tensor([math.log(p) + 3 for p in (3, 1)] + [math.log(p) for p in (2, 1, 1)] + [math.log(9) - 50, -50.0])


def write(folder: Path, text: str) -> Path:
    path = folder / "small.tree"
    path.write_text(text)
    return path


def grown(classes: int, seed: int) -> WordTree:
    """A random tree: siblings together, parents before their children."""
    draw = random.Random(seed)
    parents = [-1] * draw.randint(1, 3)
    waiting = list(range(len(parents)))
    while len(parents) < classes:
        parent = waiting.pop(draw.randrange(len(waiting)))
        children = draw.randint(1, 6)
        waiting.extend(range(len(parents), len(parents) + children))
        parents.extend([parent] * children)
    return WordTree(tuple(f"n{i}" for i in range(len(parents))), tuple(parents))


def groups(parents: tuple[int, ...]) -> tuple[list[int], list[int], dict[int, int]]:
    """``read_tree``: offset and size of each group, and the group of each class's children."""
    offsets: list[int] = []
    sizes: list[int] = []
    child: dict[int, int] = {}
    last = None
    for number, parent in enumerate(parents):
        if parent != last:
            offsets.append(number)
            sizes.append(0)
            child[parent] = len(offsets) - 1
            last = parent
        sizes[-1] += 1
    return offsets, sizes, child


def hierarchy_predictions(x: list[float], parents: tuple[int, ...]) -> None:
    for j, parent in enumerate(parents):
        if parent >= 0:
            x[j] *= x[parent]


def hierarchy_top_prediction(x: list[float], parents: tuple[int, ...], thresh: float) -> int:
    offsets, sizes, child = groups(parents)
    p, group = 1.0, 0
    while True:
        best, best_i = 0.0, 0
        for i in range(sizes[group]):
            index = i + offsets[group]
            if x[index] > best:
                best, best_i = x[index], index
        if p * best > thresh:
            p *= best
            if best_i not in child:
                return best_i
            group = child[best_i]
        elif group == 0:
            return best_i
        else:
            return parents[offsets[group]]


@pytest.mark.parametrize("end", ["", "\n", "\n\n \n"])
def test_darknets_file_is_read_however_it_ends(tmp_path: Path, end: str) -> None:
    lines = [f"{name} {parent}" for name, parent in zip(TREE.names, PARENTS, strict=True)]
    assert WordTree.read(write(tmp_path, "\n".join(lines) + end)) == TREE


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("", "small.tree", "is empty"),
        ("\n", "small.tree", "is empty"),
        ("animal -1\ndog", "small.tree:2", "expected a name and its parent's line"),
        ("animal -1\n\ndog 0", "small.tree:2", "expected a name and its parent's line"),
        ("animal -1\ndog zero", "small.tree:2", "expected a name and its parent's line"),
        ("animal 0", "small.tree:1", "parent 0 of animal must be -1 or a line before it"),
        ("animal -1\ndog 2\nhound 1", "small.tree:2", "parent 2 of dog must be -1 or a line before it"),
        ("animal -1\ndog -2", "small.tree:2", "parent -2 of dog must be -1 or a line before it"),
        ("animal -1\ndog 0\nhound 1\ncat 0", "small.tree:4", "the children of 0 must stand together"),
        ("animal -1\ndog 0\nthing -1", "small.tree:3", "the children of -1 must stand together"),
    ],
)
def test_a_file_that_is_no_tree_is_refused_by_its_line(tmp_path: Path, text: str, where: str, message: str) -> None:
    with pytest.raises(CfgError) as refused:
        WordTree.read(write(tmp_path, text))
    assert f"{where}" in str(refused.value)
    assert message in str(refused.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CfgError, match="cannot be read as a tree of classes"):
        WordTree.read(tmp_path / "none.tree")


def test_siblings_share_a_softmax_and_others_do_not() -> None:
    expected = [3 / 4, 1 / 4, 1 / 2, 1 / 4, 1 / 4, 9 / 10, 1 / 10]
    assert TREE.log_softmax(LOGITS).exp().tolist() == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_the_softmax_of_a_large_tree_is_that_of_each_group(seed: int) -> None:
    tree = grown(500, seed)
    logits = 30 * torch.randn(2, 3, len(tree.names), generator=torch.Generator().manual_seed(seed))
    offsets, sizes, _ = groups(tree.parents)
    expected = [logits[..., o : o + s].log_softmax(dim=-1) for o, s in zip(offsets, sizes, strict=True)]
    torch.testing.assert_close(tree.log_softmax(logits), torch.cat(expected, dim=-1))


def test_the_gradient_of_the_softmax_is_that_of_each_group() -> None:
    tree = grown(40, 0)
    logits = torch.randn(3, len(tree.names), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.autograd.gradcheck(tree.log_softmax, logits.requires_grad_())


def test_logits_far_apart_stay_finite() -> None:
    logits = LOGITS + torch.tensor([1e4, 1e4, -1e4, -1e4, -1e4, 0, 0])
    logits.requires_grad_()
    values = TREE.log_softmax(logits)
    values.sum().backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert torch.isfinite(values).all()
    assert torch.isfinite(logits.grad).all()


def test_a_probability_is_the_product_up_the_path() -> None:
    probability = TREE.log_probability(TREE.log_softmax(LOGITS), torch.tensor([5, 1, 3])).exp()
    assert probability.tolist() == pytest.approx([3 / 4 * 1 / 2 * 9 / 10, 1 / 4, 3 / 4 * 1 / 4])


@pytest.mark.parametrize(
    ("threshold", "name"),
    [
        (0.8, "animal"),  # 3/4 is not above it; the best root is given all the same
        (0.3, "animal"),  # 3/4, then 3/4 · (3/4 · 1/2) = .28
        (0.28, "dog"),  # and then .28 · (3/4 · 1/2 · 9/10) = .095
        (0.09, "terrier"),
    ],
)
def test_the_top_prediction_goes_down_while_it_is_sure(threshold: float, name: str) -> None:
    (label,) = TREE.top_prediction(TREE.log_softmax(LOGITS[None]), threshold)
    assert TREE.names[label] == name


def test_the_best_root_is_given_even_where_it_is_not_sure() -> None:
    logits = LOGITS.clone()
    logits[1] += math.log(9)  # P(thing) = ¾
    (label,) = TREE.top_prediction(TREE.log_softmax(logits[None]), 0.8)
    assert TREE.names[label] == "thing"


@pytest.mark.parametrize("threshold", [0.001, 0.05, 0.5])
@pytest.mark.parametrize("seed", range(4))
def test_the_top_prediction_is_darknets(seed: int, threshold: float) -> None:
    tree = grown(120, seed)
    logits = 4 * torch.randn(50, len(tree.names), generator=torch.Generator().manual_seed(seed))
    conditional = tree.log_softmax(logits)
    expected = []
    for row in conditional.double().exp().tolist():
        hierarchy_predictions(row, tree.parents)
        expected.append(hierarchy_top_prediction(row, tree.parents, threshold))
    assert tree.top_prediction(conditional, threshold).tolist() == expected
    assert len(set(expected)) > 2


def test_a_tree_of_one_level_is_a_plain_softmax() -> None:
    tree = WordTree(("a", "b", "c"), (-1, -1, -1))
    logits = torch.tensor([[0.5, 2.0, -1.0]])
    torch.testing.assert_close(tree.log_softmax(logits), logits.log_softmax(dim=1))
    assert tree.top_prediction(tree.log_softmax(logits), 0.5).tolist() == [1]


def test_no_anchors_give_no_labels() -> None:
    assert TREE.top_prediction(TREE.log_softmax(torch.zeros(0, 7)), 0.5).shape == (0,)
