"""The cores that this process may use."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path


def available_cores(root: Path = Path("/")) -> int:
    """The cores of this process's affinity, or what its control groups grant of processor time if that is less.

    Args:
        root: of the file system whose ``proc`` and ``sys`` say it.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, granted_cores(root)))


def granted_cores(root: Path) -> int:
    """Cores' worth of time that control groups grant, rounded down; as good as no limit where they set none.

    A group has at most what the groups around it have. In a container that sees only its own groups, the outermost is
    the container's.
    """
    try:
        memberships = (root / "proc/self/cgroup").read_text("utf-8").splitlines()  # "number:controllers:path"
    except OSError:
        return sys.maxsize
    quotas = [sys.maxsize]
    for line in memberships:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        mounted = root / "sys/fs/cgroup" / controllers  # version 2 has no controllers here
        for folder in _upwards(mounted, path):
            quotas += _quota_v1(folder) if controllers else _quota_v2(folder)
    return min(quotas)


def _upwards(mounted: Path, path: str) -> Iterator[Path]:
    folder = mounted / path.lstrip("/")
    yield folder
    while folder != mounted:
        folder = folder.parent
        yield folder


def _quota_v2(folder: Path) -> list[int]:
    try:
        quota, period = (folder / "cpu.max").read_text("ascii").split()
        return [int(quota) // int(period)]
    except (OSError, ValueError):  # no such group here, or "max"
        return []


def _quota_v1(folder: Path) -> list[int]:
    try:
        quota, period = (int((folder / f"cpu.cfs_{name}_us").read_text("ascii")) for name in ("quota", "period"))
    except (OSError, ValueError):
        return []
    return [quota // period] if quota > 0 else []  # -1 is no limit
