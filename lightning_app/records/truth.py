"""What stood for the true boxes of the pictures when a result was measured: the column ``truth`` of the CSV files."""

from __future__ import annotations

from collections.abc import Iterable

from lightning_app.errors import DataError

ANNOTATIONS = "annotations"
"""The data set's own boxes."""
TEACHER_SCORE = 0.5
"""What a teacher finds is a true box if its score is above this."""


def of_teacher(file: str, digest: str) -> str:
    """``teacher tiny.weights 5f0c1b2a9d3e``.

    Args:
        file: name of the teacher's weights, for a person.
        digest: of all that the teacher's boxes depend on beside the pictures, without a space.
    """
    return f"teacher {file} {digest}"


def is_taught(truth: str) -> bool:
    """Whether the true boxes are a teacher's."""
    return truth != ANNOTATIONS


def beside_map(truth: str) -> str:
    """What a title adds to mAP: nothing for annotations, `` against the teacher tiny.weights`` for a teacher."""
    return f" against the {truth.rpartition(' ')[0]}" if is_taught(truth) else ""


def behind_title(truth: str) -> str:
    """The same where mAP was named before: `` (mAP against the teacher tiny.weights)``."""
    return f" (mAP{beside_map(truth)})" if is_taught(truth) else ""


def explained(truth: str) -> str:
    """A sentence on a teacher; nothing on annotations."""
    if not is_taught(truth):
        return ""
    teacher, _, digest = truth.rpartition(" ")
    return (
        f"The true boxes are what the {teacher} finds in uncoded pictures with a score above {TEACHER_SCORE} "
        f"({digest}): mAP says how much of that is still found, not how much of what annotations show."
    )


def check_one_truth(truths: Iterable[str]) -> None:
    """Refuse results of different truths; two files of the same teacher are one truth.

    Raises:
        DataError: the truths differ.
    """
    of_digest = {truth.rpartition(" ")[2]: truth for truth in truths}
    if len(of_digest) > 1:
        raise DataError(
            f"results of different truths cannot be compared ({'; '.join(of_digest.values())}): "
            "evaluate them all with the same --truth and --teacher"
        )
