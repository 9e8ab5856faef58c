"""What the tests of pools code, and what they see of a pool's processes."""

import multiprocessing
import time
from pathlib import Path

import numpy as np

from lightning_app.codecs import QP, CodedPicture, Picture


def pictures(count: int, side: int = 64) -> list[Picture]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (side, side + 8 * (i % 3))).astype(np.uint8) for i in range(count)]


def qps(count: int) -> list[QP]:
    return [(None, 22, 27, 32, 37)[i % 5] for i in range(count)]


def payloads(coded: list[CodedPicture]) -> list[bytes]:
    return [one.data for one in coded]


def worker_ids() -> set[int]:
    return {child.pid for child in multiprocessing.active_children() if child.pid}


def is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"  # a zombie has ended: whoever adopted it has not looked yet


def wait_until_dead(processes: set[int], seconds: float) -> set[int]:
    end = time.monotonic() + seconds
    while (left := {p for p in processes if is_alive(p)}) and time.monotonic() < end:
        time.sleep(0.05)
    return left
