"""Every picture and annotation of a training is read once before it starts: none ends it in the middle of an epoch."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from rich.console import Console
from rich.progress import track

from lightning_app.data.annotation import Others
from lightning_app.data.check import CheckedPicture, unlisted_classes
from lightning_app.data.examples import ExampleDataset
from lightning_app.data.set_overlap import remark_on_validation
from lightning_app.errors import DataError

MOST = 50
"""Sentences about faulty files that are printed, at most."""
REMEDY = (
    "give --data.classes {names}, in the order of the network's classes, or train without these objects by "
    "--data.other_classes ignore"
)
"""What to do about classes that are not listed."""

Places = Mapping[str, tuple[ExampleDataset, int]]
"""Where each picture is, by its id."""


def check_before_fit(
    datasets: Sequence[ExampleDataset], classes: Sequence[str], others: Others, bar: bool
) -> list[str]:
    """Read all pictures of a training, several at a time, each once.

    Args:
        datasets: to train on and, if the training has them, to validate on.
        classes: that are listed.
        others: what to do with objects of other classes.
        bar: show the progress, where stderr is a terminal.

    Returns:
        what a person should know, a sentence each.

    Raises:
        DataError: files cannot be used, which are printed to stderr before, `MOST` at most; or an object's class is not
            listed.
    """
    places: Places = {data.ids[index]: (data, index) for data in datasets for index in range(len(data))}
    console = Console(stderr=True)
    hidden = not (bar and console.is_terminal)
    title, total = "Checking the pictures", len(places)
    checked = dict(track(_read(places), title, total, console=console, transient=True, disable=hidden))
    faults = [fault for picture in checked.values() for fault in picture.faults]
    remedy = REMEDY if others == "refuse" else "they are left out"
    unlisted = unlisted_classes(checked, classes, remedy)
    refused = [unlisted] if unlisted is not None and others == "refuse" else []
    if faults:
        for sentence in [*faults[:MOST], *refused]:
            console.print(sentence, soft_wrap=True, markup=False, highlight=False)
        first = f", the first {MOST} of them" if len(faults) > MOST else ""
        raise DataError(
            f"{len(faults) + len(refused)} problem(s) of the data, listed above{first}: mend them, or take the "
            "pictures out of the data"
        )
    if refused:
        raise DataError(refused[0])
    train, *validated = (data.ids for data in datasets)
    told = [unlisted, *(remark_on_validation(train, ids) for ids in validated)]
    return [sentence for sentence in told if sentence is not None]


def _read(places: Places) -> Iterator[tuple[str, CheckedPicture]]:
    """Decoding pictures is most of the work, and is done outside Python's lock."""
    pool = ThreadPoolExecutor()
    try:
        yield from zip(places, pool.map(lambda place: place[0].check(place[1]), places.values()), strict=True)
    finally:
        pool.shutdown(cancel_futures=True)
