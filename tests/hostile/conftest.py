"""Broken files by the hundred, each opened in a process that may not survive it."""

import json
import os
import re
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

VICTIM = Path(__file__).with_name("victim.py")
PATIENCE = 120  # seconds of the clock, after which a file has hung the process that opened it
LIMIT = 5  # seconds of the processor

Mutate = Callable[[np.random.Generator, bytes], bytes]


class Report(NamedTuple):
    """One file, and what it did: ``fine``, ``refused``, or anything that no file may do."""

    data: bytes
    outcome: str
    said: str
    seconds: float


class Victim:
    """The process that opens files, started anew when one has ended it."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None

    def open(self, kind: str, path: Path) -> tuple[str, str, float]:
        """What a file does to it: outcome, what was said, and seconds."""
        if self.process is None:
            few = {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}  # arenas would count as memory in use
            self.process = subprocess.Popen(
                [sys.executable, VICTIM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | few
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([kind, str(path)]) + "\n")
        self.process.stdin.flush()
        answered, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline() if answered else ""
        if not line:
            return self.end("hung" if not answered else "died"), "", 0.0
        answer = json.loads(line)
        return answer["outcome"], answer["said"], answer["seconds"]

    def end(self, how: str = "ended") -> str:
        """End the process; how it came to its end."""
        process, self.process = self.process, None
        if process is None:
            return how
        if how == "hung":
            process.kill()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.stdout.close()
        return f"{how} with status {process.wait()}"


@pytest.fixture(scope="session")
def victim() -> Iterator[Victim]:
    running = Victim()
    yield running
    running.end()


class Fuzz:
    """Mutates files and has them opened.

    Args:
        victim: that opens them.
        folder: where they lie.
    """

    def __init__(self, victim: Victim, folder: Path) -> None:
        self.victim, self.folder = victim, folder

    def open(self, kind: str, data: bytes, name: str) -> Report:
        """Open one file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return Report(data, *self.victim.open(kind, path))

    def mutated(self, kind: str, files: Sequence[bytes], name: str, count: int, mutate: Mutate) -> list[Report]:
        """Open ``count`` mutations of some sound files, in turn; number ``i`` depends on ``i`` alone.

        Raises:
            AssertionError: one did what no file may; it is kept beside, and the message names it.
        """
        reports = []
        for i in range(count):
            report = self.open(kind, mutate(np.random.default_rng([7, i]), files[i % len(files)]), name)
            reports.append(report)
            if (fault := faults(report, Path(name).stem if named(kind) else "")) is not None:
                kept = self.folder / f"fault-{i}-{Path(name).name}"
                kept.write_bytes(report.data)
                raise AssertionError(f"{kind}, mutation {i} ({kept}): {fault}")
        return reports


def named(kind: str) -> bool:
    """Whether what opens the file knows its name."""
    return kind.split()[0] not in ("container", "payload")


def faults(report: Report, name: str) -> str | None:
    """What is wrong with what a file did."""
    if report.outcome not in ("fine", "refused"):
        return f"{report.outcome}: {report.said}"
    if report.seconds > LIMIT:
        return f"took {report.seconds:.1f} s"
    if report.outcome == "refused" and ("\n" in report.said or name not in report.said):
        return f"is refused by no sentence with its name: {report.said}"
    return None


@pytest.fixture
def fuzz(victim: Victim, tmp_path: Path) -> Fuzz:
    return Fuzz(victim, tmp_path)


HOSTILE_BYTES = [
    bytes(size)
    for size in (1, 4)
] + [
    b"\xff", b"\x7f", b"\x80", b"\xff" * 4, b"\x00\x00\x00\x80", b"\x80\x00\x00\x00", b"\x00\x00\xc0\x7f",
    b"\x80\x80\x80\x80\x08", b"\xff\xff\xff\xff\x0f", b"\x00\x00\x01", b"\x00\x00\x80\x7f", b"\xff\xff\x7f\x7f",
]  # fmt: skip
"""Zeros, ones, 2³¹, NaN, infinity and the largest float32, as fixed numbers and as varints, and a start code."""


def mutate_bytes(rng: np.random.Generator, data: bytes) -> bytes:
    """One to three changes: bits, bytes, cuts, parts moved; half of them in the first 64 bytes."""
    for _ in range(rng.integers(1, 4)):
        if not data:
            return data
        near = len(data) if rng.random() < 0.5 else min(len(data), 64)
        at = int(rng.integers(near))
        size = int(rng.integers(1, 1 + min(64, len(data) - at)))
        change = rng.integers(7)
        if change == 0:
            data = data[:at] + bytes([data[at] ^ 1 << rng.integers(8)]) + data[at + 1 :]
        elif change == 1:
            data = data[:at] + rng.bytes(size) + data[at + size :]
        elif change == 2:
            data = data[: rng.integers(len(data))]
        elif change == 3:
            data = data[:at] + data[at + size :]
        elif change == 4:
            data = data[:at] + data[at : at + size] * int(rng.integers(2, 4)) + data[at + size :]
        elif change == 5:
            hostile = HOSTILE_BYTES[rng.integers(len(HOSTILE_BYTES))]
            data = data[:at] + hostile + data[at + len(hostile) :]
        else:
            data = data[:at] + rng.bytes(size) + data[at:]
    return data


NUMBERS = [
    b"0", b"-1", b"1", b"2", b"3", b"0.5", b"-0", b"2147483648", b"4294967297", b"99999999999999999999", b"1e308",
    b"1e-320", b"nan", b"inf", b"-inf", b"1e999", b"", b"x", b"1_0", b"0x10", "٣".encode(), b"65536", b"1000", b"33",
]  # fmt: skip


def mutate_text(rng: np.random.Generator, data: bytes) -> bytes:
    """One to three changes: a number another, a line or tag left out, doubled or moved; or as `mutate_bytes`."""
    for _ in range(rng.integers(1, 4)):
        change = rng.integers(5)
        if change <= 1 and (found := list(re.finditer(rb"[-+]?\d+\.?\d*", data))):
            number = found[rng.integers(len(found))]
            data = data[: number.start()] + NUMBERS[rng.integers(len(NUMBERS))] + data[number.end() :]
        elif change <= 3:
            parts = re.split(rb"(?<=\n)|(?<=>)(?=<)", data)
            at = int(rng.integers(len(parts)))
            parts[at : at + 1] = [[], [parts[at]] * 2, [parts[rng.integers(len(parts))]]][rng.integers(3)]
            data = b"".join(parts)
        else:
            data = mutate_bytes(rng, data)
    return data


@pytest.fixture
def bytewise() -> Mutate:
    return mutate_bytes


@pytest.fixture
def textwise() -> Mutate:
    return mutate_text
