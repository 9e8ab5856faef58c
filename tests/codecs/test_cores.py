"""The cores of a process, and those that control groups grant, from files as the kernel writes them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lightning_app.codecs.cores import available_cores, granted_cores

ROOT = Path(__file__).parents[2]
V2 = "sys/fs/cgroup"
V1 = "sys/fs/cgroup/cpu,cpuacct"


def kernel(root: Path, memberships: str, files: dict[str, str]) -> Path:
    """A root with ``/proc/self/cgroup`` and files of control groups."""
    for name, text in {"proc/self/cgroup": memberships, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n")
    return root


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("150000 100000", 1), ("50000 100000", 0), ("800000 100000", 8), ("max 100000", sys.maxsize)],
)
def test_a_containers_quota_is_what_it_grants(tmp_path: Path, quota: str, cores: int) -> None:
    assert granted_cores(kernel(tmp_path, "0::/", {f"{V2}/cpu.max": quota})) == cores


def test_the_least_of_the_groups_around_a_process_counts(tmp_path: Path) -> None:
    quotas = {"job/step": "max 100000", "job": "300000 100000", "other": "100000 100000"}
    files = {f"{V2}/{group}/cpu.max": quota for group, quota in quotas.items()}
    assert granted_cores(kernel(tmp_path, "0::/job/step", files)) == 3


@pytest.mark.parametrize("path", ["/docker/1f", "/"])  # the host's name of the group, and the container's own
@pytest.mark.parametrize(("quota", "cores"), [("250000", 2), ("-1", sys.maxsize)])
def test_quotas_of_version_1_count_too(tmp_path: Path, path: str, quota: str, cores: int) -> None:
    files = {f"{V1}/cpu.cfs_quota_us": quota, f"{V1}/cpu.cfs_period_us": "100000"}
    memberships = f"5:memory:{path}\n4:cpu,cpuacct:{path}\n3:cpuset:{path}\n0::{path}"
    assert granted_cores(kernel(tmp_path, memberships, files)) == cores


def test_no_more_than_the_affinity_and_no_less_than_one(tmp_path: Path) -> None:
    assert available_cores(tmp_path) == len(os.sched_getaffinity(0))
    kernel(tmp_path, "0::/", {f"{V2}/cpu.max": "9900000 100000"})
    assert available_cores(tmp_path) == len(os.sched_getaffinity(0))
    kernel(tmp_path, "0::/", {f"{V2}/cpu.max": "50000 100000"})
    assert available_cores(tmp_path) == 1


def test_available_cores_are_those_of_this_process() -> None:
    script = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from lightning_app.codecs import available_cores; print(available_cores())"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert run.stdout == "1\n"
    assert available_cores() == len(os.sched_getaffinity(0))
