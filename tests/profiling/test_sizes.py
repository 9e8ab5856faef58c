"""Which measured rate a split, and cloud-only, is given."""

from dataclasses import replace
from pathlib import Path

import pytest

from lightning_app.errors import DataError, OptionError
from lightning_app.profiling.sizes import Size, feature_sizes, picture_sizes, raw_size, read_all
from lightning_app.records.points import Point, write_points

QP32 = Point(
    "feature", "nets/a.cfg", "a.weights", "max_7", "tiled", "HEVC", "8", "32", 357, 37.5, 6.25, 0.376, 0.366, 0
)
QP22 = replace(QP32, qp="22", kbpi=80)
LOSSLESS = replace(QP32, qp="lossless", kbpi=160)
DEEPER = replace(LOSSLESS, depth="10", kbpi=230)
WHOLE = replace(QP32, system="cloud-only", split="", codec="original", depth="", qp="original", kbpi=710.3, map=0.381)
JPEG = replace(WHOLE, codec="JPEG", qp="98", kbpi=900)


def test_a_split_takes_its_lossless_point_of_the_lowest_rate() -> None:
    (size,) = feature_sizes([QP32, DEEPER, LOSSLESS, WHOLE], None).values()
    assert size == Size(160, "8-bit tiled HEVC lossless, mAP 37.60 %", measured=True)


def test_a_split_takes_the_point_of_the_qp_that_was_asked_for() -> None:
    other = replace(LOSSLESS, split="max_11")
    sizes = feature_sizes([LOSSLESS, QP32, QP22, other], "32")
    assert {split: size.kbpi for split, size in sizes.items()} == {"max_7": 37.5}
    assert "qp32" in sizes["max_7"].source


def test_without_a_lossless_point_the_highest_rate_is_taken() -> None:
    assert feature_sizes([QP32, QP22], None)["max_7"].kbpi == 80


def test_a_qp_that_nothing_was_measured_at_is_refused() -> None:
    with pytest.raises(OptionError, match="no split was measured at QP 33; the points have 32, lossless"):
        feature_sizes([QP32, LOSSLESS, WHOLE], "33")


def test_cloud_only_prefers_the_pictures_own_file() -> None:
    original, coded = (Size(710.3, "original, mAP 38.10 %", True), Size(900, "JPEG qp98, mAP 38.10 %", True))
    assert picture_sizes([LOSSLESS, JPEG, WHOLE], None) == {"cloud-only": original, "cloud-only JPEG": coded}
    assert picture_sizes([LOSSLESS, JPEG], None) == {"cloud-only JPEG": coded}
    assert picture_sizes([LOSSLESS, JPEG, WHOLE], "98") == {"cloud-only": original, "cloud-only JPEG": coded}
    assert picture_sizes([LOSSLESS, JPEG, WHOLE], "32") == {"cloud-only": original}
    assert picture_sizes([LOSSLESS], None) == {}


def test_what_was_not_measured_is_float32_and_says_so() -> None:
    assert raw_size(1000) == Size(32, "raw float32, not measured", measured=False)


def test_points_of_another_network_or_split_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    write_points(path, [WHOLE, LOSSLESS])
    assert read_all([path], Path("elsewhere/a.cfg"), {"max_7"}) == [WHOLE, LOSSLESS]
    with pytest.raises(DataError, match=r"was measured on nets/a.cfg, not on b.cfg; leave it out"):
        read_all([path], Path("b.cfg"), {"max_7"})
    with pytest.raises(DataError, match=r"points of the split max_7, which a.cfg is not cut behind"):
        read_all([path], Path("a.cfg"), {"max_3"})


def test_points_of_a_teacher_say_so_and_are_not_mixed_with_others(tmp_path: Path) -> None:
    taught = replace(LOSSLESS, truth="teacher a.weights 5f0c1b2a9d3e")
    (size,) = feature_sizes([taught], None).values()
    assert size.source == "8-bit tiled HEVC lossless, mAP against the teacher a.weights 37.60 %"
    write_points(tmp_path / "a.csv", [taught])
    write_points(tmp_path / "b.csv", [WHOLE])
    with pytest.raises(DataError, match="results of different truths cannot be compared"):
        read_all([tmp_path / "a.csv", tmp_path / "b.csv"], Path("a.cfg"), {"max_7"})


def test_points_of_different_levels_of_recall_are_not_mixed(tmp_path: Path) -> None:
    write_points(tmp_path / "a.csv", [replace(LOSSLESS, recall_levels="arange")])
    write_points(tmp_path / "b.csv", [WHOLE])
    with pytest.raises(DataError, match="different recall levels cannot be compared"):
        read_all([tmp_path / "a.csv", tmp_path / "b.csv"], Path("a.cfg"), {"max_7"})
