"""The WordTree of YOLO9000: classes in a hierarchy, told apart among siblings only.

A head gives a logit a class; a softmax over each group of siblings makes it the probability of the class given its
parent. The probability of a class is the product up its path. Source: Darknet's ``src/tree.c``; YOLO9000, section 4.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path

import torch
from torch import Tensor

from lightning_app.errors import CfgError
from lightning_app.text_lines import lines_of

NONE = -1
"""In place of a class or a group that is not there."""


@dataclass(frozen=True)
class WordTree:
    """A hierarchy of K classes in G groups of siblings, at most L levels deep.

    Attributes:
        names: of the classes.
        parents: the parent of each class, `NONE` for a root. A parent stands before its children; siblings stand
            together.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]

    @classmethod
    def read(cls, path: Path) -> WordTree:
        """Read Darknet's tree file: one line per class, with its name and its parent's line, counted from 0, or -1.

        Blank lines at its end are no classes.

        Raises:
            CfgError: the file cannot be read or is no such tree.
        """
        try:
            lines = lines_of(path.read_bytes())
        except OSError as error:
            raise CfgError(f"{path} cannot be read as a tree of classes: {error.strerror}") from error
        except ValueError as error:
            raise CfgError(f"{path} cannot be read as a tree of classes: {error}") from error
        while lines and not lines[-1].strip():
            lines.pop()
        if not lines:
            raise CfgError(
                f"{path} is empty; a tree has one line per class, with its name and the line of its parent, or -1"
            )
        rows = [_row(path, number, line) for number, line in enumerate(lines)]
        parents = tuple(parent for _, parent in rows)
        _check_siblings(path, parents)
        return cls(tuple(name for name, _ in rows), parents)

    def log_softmax(self, logits: Tensor) -> Tensor:
        """Logits (..., K) -> logarithms (..., K) of the probability of each class given its parent."""
        group = self.group.to(logits.device)
        flat = logits.reshape(-1, len(self.names))  # (P, K)
        peak = flat.new_full((len(flat), len(self._starts) - 1), -torch.inf)  # (P, G)
        peak = peak.scatter_reduce(1, group.expand_as(flat), flat.detach(), "amax")
        shifted = flat - peak.index_select(1, group)  # (P, K)
        total = torch.zeros_like(peak).index_add(1, group, shifted.exp())  # (P, G)
        return (shifted - total.log().index_select(1, group)).view(logits.shape)

    def log_probability(self, conditional: Tensor, labels: Tensor) -> Tensor:
        """Logarithms (..., J) of the probability of J classes: the product up the path of each.

        Args:
            conditional: (..., K) what `log_softmax` gives.
            labels: (J,) class numbers.
        """
        path = self.paths.to(labels.device)[labels]  # (J, L)
        return conditional[..., path.clamp(min=0)].masked_fill(path == NONE, 0).sum(dim=-1)

    def log_products(self, conditional: Tensor) -> Tensor:
        """Logarithms (..., K) of the probability of every class: the products up all paths.

        Args:
            conditional: (..., K) what `log_softmax` gives.
        """
        products = conditional.clone()
        for classes, parents in self._levels:
            products[..., classes] += products[..., parents]
        return products

    def top_prediction(self, conditional: Tensor, threshold: float) -> Tensor:
        """The class (P,) that each of P anchors shows: down the tree by the most probable child while that is sure.

        Sure is a product of the probabilities on the path above ``threshold``. Darknet takes for these what are
        products up the path already (``get_region_boxes`` calls ``hierarchy_predictions`` before
        ``hierarchy_top_prediction``), and so stops higher than a product of conditional probabilities would. The best
        root is given even where it is not sure.

        Args:
            conditional: (P, K) what `log_softmax` gives.
            threshold: 0 to 1.
        """
        members, children = self._members.to(conditional.device), self._children.to(conditional.device)
        label = group = torch.zeros(len(conditional), dtype=torch.long, device=conditional.device)  # (P,) of the roots
        probability = product = torch.ones_like(conditional[:, 0])  # (P,)
        for _ in range(self.paths.shape[1]):
            among = members[group]  # (P, S)
            best, place = conditional.gather(1, among.clamp(min=0)).masked_fill(among == NONE, -torch.inf).max(dim=1)
            probability = probability * best.exp()
            product = product * probability
            chosen = (group == 0) | (group != NONE) & (product > threshold)
            label = torch.where(chosen, among.gather(1, place[:, None])[:, 0], label)
            group = children[label]
        return label

    @cached_property
    def group(self) -> Tensor:
        """(K,) the number of the group that each class is in."""
        lengths = torch.tensor(self._starts).diff()
        return torch.repeat_interleave(torch.arange(len(lengths)), lengths)  # (K,)

    @cached_property
    def paths(self) -> Tensor:
        """(K, L) each class, its parent, and so on up to its root; then `NONE`."""
        rows: list[list[int]] = []
        for number, parent in enumerate(self.parents):
            rows.append([number, *(rows[parent] if parent != NONE else [])])
        return _table(rows)

    @cached_property
    def _levels(self) -> list[tuple[Tensor, Tensor]]:
        """The classes of each level below the roots, from the top, and their parents."""
        depth = (self.paths != NONE).sum(dim=1)  # (K,)
        levels = [torch.nonzero(depth == level).flatten() for level in range(2, self.paths.shape[1] + 1)]
        return [(classes, self.paths[classes, 1]) for classes in levels]

    @cached_property
    def _starts(self) -> list[int]:
        """The first class of each group, then K."""
        starts = [0]
        for _, siblings in groupby(self.parents):
            starts.append(starts[-1] + len(list(siblings)))
        return starts

    @cached_property
    def _members(self) -> Tensor:
        """(G, S) the classes of each group; then `NONE`."""
        return _table([list(range(a, b)) for a, b in zip(self._starts, self._starts[1:], strict=False)])

    @cached_property
    def _children(self) -> Tensor:
        """(K,) the group of each class's children, or `NONE`."""
        children = torch.full((len(self.names),), NONE)
        for group, start in enumerate(self._starts[1:-1], start=1):
            children[self.parents[start]] = group
        return children


def _row(path: Path, number: int, line: str) -> tuple[str, int]:
    """Name and parent of the class on line ``number``, counted from 0."""
    match line.split():
        case [name, text] if text.removeprefix("-").isdecimal():
            parent = int(text)
        case _:
            raise CfgError(f"{path}:{number + 1}: expected a name and its parent's line, or -1, found {line!r}")
    if not NONE <= parent < number:
        raise CfgError(f"{path}:{number + 1}: parent {parent} of {name} must be -1 or a line before it, from 0")
    return name, parent


def _check_siblings(path: Path, parents: Iterable[int]) -> None:
    closed: set[int] = set()
    number = 1
    for parent, siblings in groupby(parents):
        if parent in closed:
            raise CfgError(f"{path}:{number}: the children of {parent} must stand together, and began further up")
        closed.add(parent)
        number += len(list(siblings))


def _table(rows: list[list[int]]) -> Tensor:
    """(R, longest) rows of numbers, the shorter ones filled up with `NONE`."""
    longest = max(map(len, rows))
    return torch.tensor([row + [NONE] * (longest - len(row)) for row in rows])
