"""What an evaluation holds while it runs: counted, since the memory of a process says little on a small test."""

import tracemalloc
import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import pytest
import torch

from lightning_app.data import Target
from lightning_app.evaluation.judge import Judgement
from lightning_app.evaluation.measurement import Measurement
from lightning_app.evaluation.results import summarise
from lightning_app.evaluation.sweep_point import SweepPoint
from lightning_app.measure import OperatingPoint
from lightning_app.records.points import Point
from lightning_app.statistics import Outcomes, draw_counts, load_outcomes, resampled_mean

PICTURES = 16


def judged(boxes: int, index: int) -> tuple[Judgement, Target]:
    """A picture with one object and so many boxes."""
    random = torch.Generator().manual_seed(index)
    corners = torch.rand((boxes, 2), generator=random) / 2
    found = {
        "boxes": torch.cat((corners, corners + 0.3), dim=1),
        "scores": torch.rand(boxes, generator=random),
        "labels": torch.arange(boxes) % 2,
    }
    target = {
        "index": index,
        "size": (100, 100),
        "window": (0.0, 0.0, 1.0, 1.0),
        "boxes": torch.tensor([[0.5, 0.5, 0.4, 0.4]]),
        "voc_boxes": torch.tensor([[30.0, 30.0, 70.0, 70.0]]),
        "labels": torch.tensor([0]),
        "difficult": torch.tensor([False]),
    }
    return Judgement(found, 1.0, 8000), target  # type: ignore[arg-type, return-value]


def held(point: SweepPoint) -> list[int]:
    """Bytes of each tensor that its metrics keep."""
    metrics = (point.point.accuracy, point.point.rate, point.loss)
    tables = [table for metric in metrics for table in metric.metric_state.values()]
    return [rows.untyped_storage().nbytes() for table in tables for rows in table]


@pytest.mark.parametrize("boxes", [1, 300])
def test_an_operating_point_holds_64_bytes_a_picture_however_many_boxes_are_found(boxes: int) -> None:
    with TemporaryFile() as file:
        point = SweepPoint(OperatingPoint(["a", "b"]), lambda: file)
        for start in range(0, PICTURES, 4):
            pairs = [judged(boxes, start + i) for i in range(4)]
            point.update([one for one, _ in pairs], [target for _, target in pairs])
        assert sum(held(point)) <= 64 * PICTURES
        assert len(held(point)) == 4  # not one a batch: each is more than a kilobyte beside its numbers
        point.fetch()
        outcomes = point.point.accuracy.outcomes()
    assert len(outcomes.score) == boxes * PICTURES
    assert sum(column.nbytes for name, column in vars(outcomes).items() if name not in ("images", "truths")) == (
        13 * boxes * PICTURES
    )


def test_the_boxes_that_cocos_rule_needs_lie_on_disk_until_they_are_computed_from() -> None:
    pairs = [judged(300, start) for start in range(8)]
    direct = OperatingPoint(["a", "b"], rules=("voc", "coco"))
    direct.update([one.found for one, _ in pairs], [target for _, target in pairs], torch.full((8,), 8000))
    with ExitStack() as files:
        point = SweepPoint(
            OperatingPoint(["a", "b"], rules=("voc", "coco")), lambda: files.enter_context(TemporaryFile())
        )
        for one, target in pairs:
            point.update([one], [target])
        assert [metric.detections for metric in point.point.of_boxes] == [[], []]
        point.fetch()
        ours, theirs = point.point.compute(), direct.compute()
    assert {name for name in ours if "coco" in name or "75" in name} == {"map_coco", "map75"}
    assert all(torch.equal(ours[name].nan_to_num(-1), theirs[name].nan_to_num(-1)) for name in ours.keys() | theirs)


def test_the_outcomes_of_one_operating_point_are_held_at_a_time(tmp_path: Path) -> None:
    before: list[weakref.ref[Outcomes]] = []

    def measured() -> Iterator[Measurement]:
        for k in range(4):
            assert [one() for one in before] == [None] * k
            index, score = np.arange(9, dtype=np.int32), np.linspace(1, 0, 9, dtype=np.float32)
            outcomes = Outcomes(np.arange(9), np.array([[0, 0, 1]]), index, 0 * index, score, index == k)
            before.append(weakref.ref(outcomes))
            point = Point("feature", "", "", "max_5", "tiled", "HEVC", "8", str(k), 9, 1, 0, 0.5, 0.5, 0)
            yield Measurement(point, [f"{i}" for i in index], outcomes, np.full(9, 8.0), np.ones(9))
            del outcomes

    results = summarise(measured(), 20, 0, tmp_path, ["a"])
    results.write(tmp_path)
    kept = load_outcomes(tmp_path / "outcomes.npz")
    assert [np.flatnonzero(one.hit).tolist() for one in kept.values()] == [[0], [1], [2], [3]]
    assert {path.name for path in tmp_path.iterdir()} == {"images.csv", "bd.csv", "outcomes.npz"}


def test_the_mean_of_resamples_is_taken_of_some_of_them_at_a_time() -> None:
    counts, values = draw_counts(500, 1000, seed=0), np.arange(500.0)
    tracemalloc.start()
    resampled_mean(values, counts)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < counts.nbytes / 2  # in float64 they are four times as large
