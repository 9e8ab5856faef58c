"""Pictures that a list names more than once, or that two lists name which should share none."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

APART = (("train", "val"), ("train", "test"), ("val", "test"), ("trainval", "test"))
"""Parts of a devkit that should share no picture."""


LEAK = "a network looks better than it is where it is tested on what it was trained on"
"""Why two lists should share no picture."""


def remarks_on_sets(sets: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """A sentence about each list, and about each pair of lists, that a person may not have meant so.

    Args:
        sets: the picture ids of each image set, such as ``VOC2007/test``.
    """
    for name, ids in sets.items():
        if repeated := repeated_in(ids):
            yield (
                f"{name} lists {len(repeated):,} picture(s) more than once, the first is {repeated[0]}: "
                "a test counts it once, a training takes it as often as it is listed"
            )
    for name, ids in sets.items():
        year, _, part = name.rpartition("/")
        for other in (f"{year}/{later}" for earlier, later in APART if earlier == part and f"{year}/{later}" in sets):
            shared = shared_by(ids, sets[other])
            if shared and not (part == "val" and set(ids) == set(sets[other])):  # one list for both, and known so
                yield f"{name} and {other} share {len(shared):,} picture(s), the first is {shared[0]}: {LEAK}"


def remark_on_validation(train: Sequence[str], val: Sequence[str]) -> str | None:
    """A sentence about pictures that a training would also be validated on; None where there are none."""
    shared = shared_by(train, val)
    if not shared:
        return None
    return f"{len(shared):,} picture(s) are both trained and validated on, the first is {shared[0]}: {LEAK}"


def repeated_in(ids: Sequence[str]) -> list[str]:
    """The ids that are there more than once, each once, in their order."""
    return [name for name, count in Counter(ids).items() if count > 1]


def shared_by(ids: Sequence[str], others: Sequence[str]) -> list[str]:
    """The ids that both lists have, each once, in the order of the first list."""
    there = set(others)
    return list(dict.fromkeys(name for name in ids if name in there))
