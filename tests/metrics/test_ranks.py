import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("one_rank.py")


def run(shares: str, store: Path) -> list[dict[str, Any]]:
    """What each rank prints."""
    ranks = [
        subprocess.Popen(
            [sys.executable, "-W", "error", SCRIPT, str(rank), shares, store],
            cwd=SCRIPT.parents[2],
            env={"PYTHONPATH": str(SCRIPT.parents[2]), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(shares.count(",") + 1)
    ]
    try:
        printed = [rank.communicate(timeout=200) for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
    assert [rank.returncode for rank in ranks] == [0] * len(ranks), "\n".join(errors for _, errors in printed)
    return [json.loads(out) for out, _ in printed]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return run("13", tmp_path_factory.mktemp("alone") / "store")[0]


@pytest.mark.slow
def test_the_one_process_has_something_to_compare_with(alone: dict[str, Any]) -> None:
    assert alone["images"] == 13
    assert 0.1 < alone["map"] < 0.9
    assert alone["kbpi"] == pytest.approx(8 * (1000 + 37 * sum(i**3 for i in range(13)) / 13) / 1000)


@pytest.mark.slow
@pytest.mark.parametrize("shares", ["13,0", "4,9", "4,0,9", "0,12,1"])
def test_ranks_of_unequal_length_compute_what_one_process_does(
    shares: str, alone: dict[str, Any], tmp_path: Path
) -> None:
    assert run(shares, tmp_path / "store") == [alone] * (shares.count(",") + 1)


@pytest.mark.slow
def test_ranks_without_any_picture_compute_nan_without_a_warning(tmp_path: Path) -> None:
    for result in run("0,0", tmp_path / "store"):
        assert result["images"] == 0
        assert str([result["map"], result["kbpi"]]) == "[nan, nan]"
