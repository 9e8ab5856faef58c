from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightning_app.errors import DataError
from lightning_app.statistics import Outcomes, load_outcomes, load_truths, outcomes_file


def some(seed: int, detections: int = 40) -> Outcomes:
    rng = np.random.default_rng(seed)
    images = np.array([3, 5, 2**24 - 1])
    return Outcomes(
        images,
        truths=np.array([[3, 0, 1], [3, 19, 7], [5, 2, 1]]),
        index=rng.choice(images, detections).astype(np.int32),
        label=rng.integers(20, size=detections, dtype=np.int32),
        score=np.sort(rng.random(detections, dtype=np.float32))[::-1],
        hit=rng.random(detections) < 0.5,
    )


def outcomes(images: Any, truths: list[list[int]], *detections: tuple[int, int, float, bool]) -> Outcomes:
    """From rows of index, label, score and hit."""
    found = np.array([*detections], [("index", "i4"), ("label", "i4"), ("score", "f4"), ("hit", "?")])
    columns = {name: found[name] for name in ("index", "label", "score", "hit")}
    return Outcomes(np.array(images, int), np.array(truths, int).reshape(-1, 3), **columns)


def save(path: Path, classes: Sequence[str], **kept: Any) -> None:
    with outcomes_file(path, classes) as add:
        for name, one in kept.items():
            add(name, one, f"truth of {name}")


def test_outcomes_come_back_from_their_file_as_they_were(tmp_path: Path) -> None:
    kept = {"max_11 tiled hevc 8 bits, QP 22": some(1), "": outcomes([], []), "wolke/×": some(2, detections=0)}
    save(tmp_path / "deep" / "outcomes.npz", ["aeroplane", "Fahrrad ü"], **kept)
    found = load_outcomes(tmp_path / "deep" / "outcomes.npz")
    assert list(found) == list(kept)
    assert load_truths(tmp_path / "deep" / "outcomes.npz") == {name: f"truth of {name}" for name in kept}
    for name, one in kept.items():
        for field, was in vars(one).items():
            came = getattr(found[name], field)
            assert np.array_equal(was, came)
            assert was.dtype == came.dtype
    with np.load(tmp_path / "deep" / "outcomes.npz", allow_pickle=False) as file:
        assert file["classes"].tolist() == ["aeroplane", "Fahrrad ü"]


def test_outcomes_of_an_earlier_version_are_of_annotations(tmp_path: Path) -> None:
    save(tmp_path / "outcomes.npz", ["a"], one=some(1), other=some(2))
    with np.load(tmp_path / "outcomes.npz", allow_pickle=False) as file:
        before = {name: array for name, array in file.items() if name != "truths"}
    np.savez(tmp_path / "outcomes.npz", **before)
    assert load_truths(tmp_path / "outcomes.npz") == {"one": "annotations", "other": "annotations"}


def test_a_file_that_cannot_be_written_whole_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.npz"
    save(path, ["a"], old=some(1))
    with pytest.raises(AttributeError):
        save(path, ["a"], new=some(2), broken=None)
    assert list(load_outcomes(path)) == ["old"]
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_such_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.npz"
    save(path, ["a"], one=some(1))
    whole = path.read_bytes()
    wrong = [b"", b"not a zip", whole[:-30], whole[:60] + bytes(40) + whole[100:]]
    for content in wrong:
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"outcomes\.npz is no file of outcomes"):
            load_outcomes(path)
    for arrays in ({"other": np.zeros(3)}, {"names": np.array(["x"])}, {"names": np.array([{}], object)}):
        np.savez(path, **arrays)
        with pytest.raises(DataError, match=r"outcomes\.npz is no file of outcomes"):
            load_outcomes(path)
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(DataError, match=r"outcomes\.npz is no file of outcomes"):
        load_outcomes(path)
    with pytest.raises(DataError, match=r"missing\.npz is no file of outcomes"):
        load_outcomes(tmp_path / "missing.npz")


@pytest.mark.parametrize(
    ("images", "truths", "detections", "message"),
    [
        ([1, 1], [], [], "in rising order, each only once"),
        ([2, 1], [], [], "in rising order, each only once"),
        ([1, 2], [[3, 0, 1]], [], "of the images of their outcomes"),
        ([1, 2], [], [(0, 0, 0.5, True)], "of the images of their outcomes"),
        ([1, 2], [], [(1, 0, 0.5, True), (1, 0, 0.6, True)], "by falling score"),
        ([[1], [2]], [], [], r"images \(I,\), truths \(T, 3\)"),
    ],
)
def test_tables_that_would_be_read_wrongly_are_refused(
    images: Any, truths: list[list[int]], detections: list[tuple[int, int, float, bool]], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        outcomes(images, truths, *detections)


@pytest.mark.parametrize("wrong", [{"truths": np.zeros((1, 2), np.int64)}, {"hit": np.zeros(3, bool)}])
def test_tables_with_columns_missing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"truths \(T, 3\) and index, label, score and hit \(D,\)"):
        replace(some(1), **wrong)
