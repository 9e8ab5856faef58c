"""Looking at processes from outside: who is there, whose child, and whether it has ended."""

import importlib
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

WaitUntilDead = Callable[[set[int], float], set[int]]
Descendants = Callable[[int], set[int]]


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Codecs with faults; spawned workers inherit sys.path and import them by it."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module("faulty_codecs")


@pytest.fixture
def wait_until_dead() -> WaitUntilDead:
    """Wait for processes to end, for so many seconds at most; give those that have not."""

    def wait(processes: set[int], seconds: float) -> set[int]:
        end = time.monotonic() + seconds
        while (left := {process for process in processes if is_alive(process)}) and time.monotonic() < end:
            time.sleep(0.02)
        return left

    return wait


@pytest.fixture
def descendants() -> Descendants:
    """All processes that a process has started, and that they have."""

    def find(process: int) -> set[int]:
        parents = {int(path.name): parent(path) for path in Path("/proc").iterdir() if path.name.isdigit()}
        found, fresh = set[int](), {process}
        while fresh := {child for child, its in parents.items() if its in fresh} - found:
            found |= fresh
        return found

    return find


def is_alive(process: int) -> bool:
    """A zombie has ended: whoever adopted it has not looked yet."""
    fields = stat(Path(f"/proc/{process}"))
    return bool(fields) and fields[0] not in "ZX"


def parent(path: Path) -> int | None:
    fields = stat(path)
    return int(fields[1]) if fields else None


def stat(path: Path) -> list[str]:
    """State, parent, … of a process; nothing if it is gone."""
    try:
        return (path / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
