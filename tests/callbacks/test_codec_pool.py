"""How ranks share the cores between their codec processes."""

import os
import subprocess
import sys

import pytest

from lightning_app.callbacks.codec_pool import ranks_on_these_cores

RANK = """
import os
import torch
from lightning_app.callbacks.codec_pool import ranks_on_these_cores
torch.distributed.init_process_group("gloo")
os.write(1, f"ranks here: {ranks_on_these_cores()}\\n".encode())  # whole, beside the other rank's
torch.distributed.destroy_process_group()
"""


def two_ranks(launcher: str) -> str:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--no-python", "--nproc-per-node", "2"]
    command = [*torchrun, "sh", "-c", f'exec {launcher} "$@"', "sh", sys.executable, "-c", RANK]
    variables = {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", **os.environ}
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stdout


def test_a_run_of_one_rank_has_its_cores_to_itself() -> None:
    assert ranks_on_these_cores() == 1


@pytest.mark.slow
def test_ranks_that_may_run_on_the_same_cores_share_them() -> None:
    assert two_ranks("").count("ranks here: 2") == 2


@pytest.mark.slow
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is one core only")
def test_ranks_with_cores_of_their_own_do_not_share_them() -> None:
    first, second = sorted(os.sched_getaffinity(0))[:2]
    assert (
        two_ranks(f'taskset -c $(test "$LOCAL_RANK" = 0 && echo {first} || echo {second})').count("ranks here: 1") == 2
    )
