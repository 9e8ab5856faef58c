"""The pictures of `mugs`, and the command."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.data.conversion.mugs import NAMES, picture

Dfc = Callable[..., tuple[int, str, str]]
Convert = Callable[..., tuple[int, str, str]]
Refused = Callable[..., str]


@pytest.fixture
def flat(workplace: Path) -> Path:
    """A folder ``my`` of pictures, and no annotations yet."""
    for seed, name in enumerate(NAMES):
        picture(workplace / "my/images" / name, seed)
    return Path("my")


@pytest.fixture
def convert(dfc: Dfc) -> Convert:
    """Run ``dfc data convert`` on a folder."""

    def run(source: Path | str, *options: str | Path, output: str = "own") -> tuple[int, str, str]:
        return dfc("data", "convert", source, "-o", output, *options)

    return run


@pytest.fixture
def refused(convert: Convert) -> Refused:
    """Run it where it must end with one sentence, and give that."""

    def run(*arguments: str | Path) -> str:
        status, _, err = convert(*arguments)
        assert status == 2
        assert err.startswith("dfc: ")
        assert err.count("\n") == 1
        return err

    return run
