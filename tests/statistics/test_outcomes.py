from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightning_app.errors import DataError
from lightning_app.statistics import Outcomes, load_outcomes, save_outcomes


def some(seed: int, detections: int = 40) -> Outcomes:
    rng = np.random.default_rng(seed)
    images = np.array([3, 5, 2**24 - 1])
    scores = np.sort(rng.random(detections, dtype=np.float32).astype(np.float64))[::-1]
    found = [
        rng.choice(images, detections),
        rng.integers(20, size=detections),
        scores,
        rng.integers(2, size=detections),
    ]
    return Outcomes(images, np.array([[3, 0, 1], [3, 19, 7], [5, 2, 1]]), np.stack(found, axis=1))


def test_outcomes_come_back_from_their_file_as_they_were(tmp_path: Path) -> None:
    empty = Outcomes(np.zeros(0, np.int64), np.zeros((0, 3), np.int64), np.zeros((0, 4)))
    kept = {"max_11 tiled hevc 8 bits, QP 22": some(1), "": empty, "wolke/×": some(2, detections=0)}
    save_outcomes(tmp_path / "deep" / "outcomes.npz", kept, ["aeroplane", "Fahrrad ü"])
    found = load_outcomes(tmp_path / "deep" / "outcomes.npz")
    assert list(found) == list(kept)
    for name, one in kept.items():
        for field in ("images", "truths", "detections"):
            was, came = getattr(one, field), getattr(found[name], field)
            assert np.array_equal(was, came)
            assert was.dtype == came.dtype
    with np.load(tmp_path / "deep" / "outcomes.npz", allow_pickle=False) as file:
        assert file["classes"].tolist() == ["aeroplane", "Fahrrad ü"]


def test_a_file_that_cannot_be_written_whole_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "outcomes.npz"
    save_outcomes(path, {"old": some(1)}, ["a"])

    def full(file: Any, **_: Any) -> None:
        file.write(b"PK")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="no space left"):
        save_outcomes(path, {"new": some(2)}, ["a"])
    assert list(load_outcomes(path)) == ["old"]
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_such_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.npz"
    save_outcomes(path, {"one": some(1)}, ["a"])
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
        ([1, 1], [], [], "ascending, each once"),
        ([2, 1], [], [], "ascending, each once"),
        ([1, 2], [[3, 0, 1]], [], "of the images of their outcomes"),
        ([1, 2], [], [[0, 0, 0.5, 1]], "of the images of their outcomes"),
        ([1, 2], [], [[1, 0, 0.5, 1], [1, 0, 0.6, 1]], "by falling score"),
        ([[1], [2]], [], [], r"images \(I,\), truths \(T, 3\)"),
    ],
)
def test_tables_that_would_be_read_wrongly_are_refused(
    images: Any, truths: list[list[int]], detections: list[list[float]], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        Outcomes(
            np.array(images), np.array(truths, np.int64).reshape(-1, 3), np.array(detections, np.float64).reshape(-1, 4)
        )


def test_tables_with_columns_missing_are_refused() -> None:
    with pytest.raises(DataError, match=r"truths \(T, 3\) and detections \(D, 4\)"):
        Outcomes(np.array([1]), np.zeros((0, 3), np.int64), np.zeros((1, 5)))
    with pytest.raises(DataError, match=r"truths \(T, 3\) and detections \(D, 4\)"):
        Outcomes(np.array([1]), np.zeros((1, 2), np.int64), np.zeros((0, 4)))
