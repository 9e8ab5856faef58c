"""What the speed suite makes of what it measures; how fast anything is, no test asks."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.clock import in_turns, pairwise
from benchmarks.rows import Row, as_json, as_markdown
from benchmarks.suite import NAMES
from benchmarks.tiles import CHANNELS, as_features, read_tiles
from benchmarks.x265_search import Cost, candidates, frontier
from lightning_app.codecs.x265 import SETTINGS
from lightning_app.pictures import to_pictures, to_samples


def row(ratio: float, sense: str = "≥", bound: float | None = 1.0) -> Row:
    return Row("this", "that", "1/s", 2.0, 1.0, ratio, sense, bound)  # type: ignore[arg-type]


def test_a_ratio_is_judged_by_its_own_bound_and_sense() -> None:
    assert [row(1.0).reached, row(0.99).reached] == [True, False]
    assert [row(1.0, "≤").reached, row(1.01, "≤").reached] == [True, False]
    assert row(5.0, bound=None).reached is None


def test_the_table_says_what_was_missed_and_on_which_machine() -> None:
    text = as_markdown([row(2.0), row(0.5), row(1.0, bound=None)])
    assert "| this | that | 2 1/s | 1 1/s | 2.00 | ≥ 1 | reached |" in text
    assert "| this | that | 2 1/s | 1 1/s | 0.50 | ≥ 1 | **missed** |" in text
    assert text.startswith("# How fast it is\n\nMeasured on: processor ")
    assert json.loads(json.dumps(as_json([row(2.0)])))["rows"][0]["reached"] is True


def test_ways_are_run_in_turns_and_the_warm_up_does_not_count() -> None:
    order: list[str] = []
    seconds = in_turns({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, turns=2)
    assert order == list("ababab")
    assert [len(times) for times in seconds.values()] == [2, 2]
    assert pairwise([1.0, 6.0, 4.0], [1.0, 2.0, 2.0]) == 2


def test_the_frontier_has_no_setting_that_another_beats_in_both() -> None:
    costs = [
        Cost(name, True, rate, time) for name, rate, time in (("a", 5, 10), ("b", 6, 11), ("c", 1, 12), ("d", 1, 13))
    ]
    assert [cost.name for cost in frontier(costs)] == ["a", "c"]


def test_the_search_has_our_settings_and_no_other_twice() -> None:
    found = candidates()
    assert set(SETTINGS) < set(found)
    assert len({tuple(sorted(changes.items())) for changes in found.values()}) == len(found)


@pytest.mark.parametrize("layer", CHANNELS)
def test_the_channel_makes_the_tiles_of_their_features_again(shared: Path, layer: str) -> None:
    tiles = read_tiles(shared, layer)
    made = to_pictures(to_samples(as_features(tiles, layer), 8, False).q, "tiled", 1, 16)
    assert len(tiles) == 4
    assert all(np.count_nonzero(one != other) <= 2 for one, other in zip(tiles, made, strict=True))


def test_every_benchmark_is_a_module_that_says_what_it_measures() -> None:
    for name in NAMES:
        assert Path(__file__).parents[2].joinpath(f"benchmarks/{name}.py").read_text().startswith('"""')
    page = Path(__file__).parents[2].joinpath("benchmarks/README.md").read_text()
    assert [name for name in NAMES if f"| `{name}` |" not in page] == []
