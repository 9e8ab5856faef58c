import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("one_rank.py")


ALONE, WITHOUT = "13", "0,0"
UNEQUAL = ("13,0", "4,9", "4,0,9", "0,12,1")
"""Pictures of each rank."""
RANKS = 3


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What each rank prints, by the shares; the same three processes take all of them, one after another."""
    every = (ALONE, *UNEQUAL, WITHOUT)
    folder = tmp_path_factory.mktemp("stores")
    ranks = [
        subprocess.Popen(
            [sys.executable, "-W", "error", SCRIPT, str(rank), folder, *every],
            cwd=SCRIPT.parents[2],
            env={"PYTHONPATH": str(SCRIPT.parents[2]), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(RANKS)
    ]
    try:
        printed = [rank.communicate(timeout=200) for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
    assert [rank.returncode for rank in ranks] == [0] * RANKS, "\n".join(errors for _, errors in printed)
    results = [json.loads(out) for out, _ in printed]
    return {shares: [result[shares] for result in results if shares in result] for shares in every}


@pytest.mark.slow
def test_the_one_process_has_something_to_compare_with(computed: dict[str, list[dict[str, Any]]]) -> None:
    (alone,) = computed[ALONE]
    assert alone["images"] == 13
    assert 0.1 < alone["map"] < 0.9
    assert 0.01 < alone["map_coco"] < alone["map"]
    assert alone["kbpi"] == pytest.approx(8 * (1000 + 37 * sum(i**3 for i in range(13)) / 13) / 1000)


@pytest.mark.slow
@pytest.mark.parametrize("shares", UNEQUAL)
def test_ranks_of_unequal_length_compute_what_one_process_does(
    computed: dict[str, list[dict[str, Any]]], shares: str
) -> None:
    assert computed[shares] == computed[ALONE] * (shares.count(",") + 1)


@pytest.mark.slow
def test_ranks_without_any_picture_compute_nan_without_a_warning(computed: dict[str, list[dict[str, Any]]]) -> None:
    assert len(computed[WITHOUT]) == 2
    for result in computed[WITHOUT]:
        assert result["images"] == 0
        assert str([result["map"], result["map_coco"], result["kbpi"]]) == "[nan, nan, nan]"
