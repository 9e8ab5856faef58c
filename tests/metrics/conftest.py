"""Pictures as short tuples, and what the metric makes of them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lightning_app.metrics import VOCMeanAveragePrecision

Box = tuple[float, ...]
Found = tuple[Box, float, int]  # box, score, label
Truth = tuple[Box, int, bool]  # box, label, difficult
Pair = tuple[list[Found], list[Truth]]


@pytest.fixture(scope="session")
def pair() -> Callable[..., tuple[dict[str, Tensor], dict[str, Any]]]:
    """A prediction and a target as the metric takes them."""
    return as_pair


@pytest.fixture(scope="session")
def measure() -> Callable[..., dict[str, Tensor]]:
    """The metric of pictures, in any order and in batches of any size."""
    return measured


@pytest.fixture(scope="session")
def separated() -> Callable[[int, int, int], list[Pair]]:
    """Pictures in which VOC's and COCO's rules agree."""
    return drawn_apart


def as_pair(found: list[Found], truths: list[Truth], index: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    return (
        {
            "boxes": torch.tensor([box for box, _, _ in found], dtype=torch.float32).reshape(-1, 4),
            "scores": torch.tensor([score for _, score, _ in found], dtype=torch.float32),
            "labels": torch.tensor([label for _, _, label in found], dtype=torch.long),
        },
        {
            "boxes": torch.tensor([box for box, _, _ in truths], dtype=torch.float32).reshape(-1, 4),
            "labels": torch.tensor([label for _, label, _ in truths], dtype=torch.long),
            "difficult": torch.tensor([difficult for _, _, difficult in truths], dtype=torch.bool),
            "index": index,
        },
    )


def measured(
    pictures: list[Pair], classes: int = 1, order: list[int] | None = None, batch: int = 3
) -> dict[str, Tensor]:
    metric = VOCMeanAveragePrecision([str(k) for k in range(classes)])
    order = list(range(len(pictures))) if order is None else order
    for start in range(0, len(order), batch):
        pairs = [as_pair(*pictures[index], index) for index in order[start : start + batch]]
        metric.update([prediction for prediction, _ in pairs], [target for _, target in pairs])
    return metric.compute()


def drawn_apart(seed: int, truths_a_class: int, classes: int) -> list[Pair]:
    """Pictures in which VOC's and COCO's rules agree: nothing is difficult and no detection reaches two truths."""
    rng = np.random.default_rng(seed)
    pictures: list[Pair] = [([], []) for _ in range(truths_a_class)]
    for label in range(classes):
        for place in rng.choice(truths_a_class * 4, truths_a_class, replace=False):
            found, truths = pictures[int(place) // 4]
            x, y, w, h = 100.0 * (place % 4) + 1, 100.0 * label + 1, *map(float, rng.integers(20, 60, 2))
            truths.append(((x, y, x + w, y + h), label, False))
            for _ in range(rng.integers(0, 4)):
                dx, dy, dw, dh = map(float, rng.integers(-9, 10, 4))
                found.append(
                    ((x + dx, y + dy, x + dx + w + dw, y + dy + h + dh), float(rng.integers(1, 33)) / 32, label)
                )
    return pictures
