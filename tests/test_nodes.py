"""The shipped launchers over two nodes that are both this machine: real torchrun, and a stand-in for ``srun``."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CLUSTER = ROOT / "configs/cluster"
CHANNEL = ("--model.channel.split", "max_3", "--model.channel.qps", "[lossless,32]")
# As `srun` does in a job of two nodes with a task on each.
SRUN = """\
#!/usr/bin/env bash
while [[ $1 == --* ]]; do
    [[ $1 == *=* ]] || shift
    shift
done
for task in 0 1; do
    SLURM_PROCID=$task SLURM_NODEID=$task SLURM_LOCALID=0 "$@" &
done
wait -n && wait -n
"""
JOB = {
    "SLURM_JOB_ID": "1",
    "SLURM_JOB_NAME": "dfc",
    "SLURM_NNODES": "2",
    "SLURM_NTASKS": "2",
    "SLURM_NTASKS_PER_NODE": "1",
    "SLURM_CPUS_PER_TASK": "1",
    "SLURM_NODELIST": "127.0.0.1",
}

Dfc = Callable[..., tuple[int, str, str]]

pytestmark = pytest.mark.slow


@pytest.fixture
def measured_by_one(dfc: Dfc, tiny: tuple[str, ...]) -> str:
    """The points.csv of one rank."""
    status, _, err = dfc("test", *tiny, *CHANNEL, "--trainer.logger.name", "one")
    assert status == 0, err
    return Path("runs/demo/one/version_0/points.csv").read_text()


def start(command: list[str | Path], **variables: str) -> subprocess.Popen[str]:
    path = f"{Path(sys.executable).parent}:{variables.pop('PATH', '')}:{os.environ['PATH']}"
    given = {"PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", **variables}
    return subprocess.Popen(command, env=given, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def finish(*processes: subprocess.Popen[str]) -> None:
    """Wait for them; both ranks must have met."""
    try:
        printed = [process.communicate(timeout=300)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0] * len(processes), "\n".join(printed)
    assert all(f"MEMBER: {rank}/2" in "".join(printed) for rank in (1, 2))


def test_two_nodes_of_torchrun_measure_what_one_rank_does(measured_by_one: str, tiny: tuple[str, ...]) -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        main = f"127.0.0.1:{found.getsockname()[1]}"
    command: list[str | Path] = [CLUSTER / "torchrun.sh", "test", *tiny, *CHANNEL, "--trainer.logger.name", "two"]
    finish(*(start(command, NODES="2", NODE=node, GPUS="1", MAIN=main) for node in ("0", "1")))
    assert Path("runs/demo/two/version_0/points.csv").read_text() == measured_by_one


def test_a_slurm_job_of_two_nodes_measures_what_one_rank_does(
    measured_by_one: str, tiny: tuple[str, ...], tmp_path: Path
) -> None:
    srun = tmp_path / "bin/srun"
    srun.parent.mkdir()
    srun.write_text(SRUN)
    srun.chmod(0o755)
    command: list[str | Path] = [CLUSTER / "slurm.sbatch", "test", *tiny, *CHANNEL, "--trainer.logger.name", "two"]
    finish(start(command, PATH=str(srun.parent), **JOB))
    assert Path("runs/demo/two/version_0/points.csv").read_text() == measured_by_one
