"""The names of the classes that annotations have: those that no list can hold, and those that may be misprints."""

import difflib
from collections.abc import Iterable, Iterator, Mapping

from lightning_app.errors import DataError

RARE = 0.1
"""A class may be a misprint where it has less than this share of the objects of a class with a close name."""
CLOSE = 0.8
"""How close names are at least, by difflib's ratio, 0 to 1; capitals and blanks count nothing."""


def check_classes(names: Iterable[str]) -> None:
    """Raise `DataError` where a name has several lines: files of names have one per line."""
    for name in names:
        if len(name.splitlines()) != 1:
            raise DataError(f"the annotations name a class {name!r}: a name must stand on one line; correct it there")


def misspelt(objects: Mapping[str, int]) -> Iterator[str]:
    """A sentence for each rare class whose name is close to a common one's.

    Args:
        objects: how many there are of each class.
    """
    plain = {name: "".join(name.lower().split()) for name in objects}
    for name, count in sorted(objects.items()):
        common = {plain[other]: other for other, many in objects.items() if other != name and count < RARE * many}
        for close in difflib.get_close_matches(plain[name], common, n=1, cutoff=CLOSE):
            other = common[close]
            yield (
                f"the class {name!r} has {count:,} object(s) and {other!r} has {objects[other]:,}: if one name is a "
                "misprint, correct the annotations and convert them anew"
            )
