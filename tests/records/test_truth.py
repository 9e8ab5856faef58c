"""Results name what stood for the true boxes, and those of different truths are kept apart."""

import pytest

from lightning_app.errors import DataError
from lightning_app.records.truth import ANNOTATIONS, behind_title, beside_map, check_one_truth, explained, of_teacher

TINY = of_teacher("tiny v2.weights", "5f0c1b2a9d3e")


def test_a_teacher_is_named_beside_map_and_annotations_are_not() -> None:
    assert beside_map(TINY) == " against the teacher tiny v2.weights"
    assert behind_title(TINY) == " (mAP against the teacher tiny v2.weights)"
    assert "what the teacher tiny v2.weights finds in uncoded pictures with a score above 0.5 (5f0c1b2a9d3e)" in (
        explained(TINY)
    )
    assert beside_map(ANNOTATIONS) == behind_title(ANNOTATIONS) == explained(ANNOTATIONS) == ""


def test_one_teacher_in_two_files_is_one_truth() -> None:
    check_one_truth([TINY, of_teacher("copy.ckpt", "5f0c1b2a9d3e"), TINY])
    check_one_truth([ANNOTATIONS, ANNOTATIONS])
    check_one_truth([])


@pytest.mark.parametrize("other", [ANNOTATIONS, of_teacher("tiny v2.weights", "000000000000")])
def test_different_truths_are_refused_by_their_names(other: str) -> None:
    with pytest.raises(DataError, match=rf"of different truths cannot be compared \({TINY}; {other}\): evaluate them"):
        check_one_truth([TINY, TINY, other])
