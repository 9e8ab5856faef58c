"""What the long run is judged by: a leak is named, noise is not."""

import dataclasses
from pathlib import Path

import numpy as np

from experiments.soak.verdict import draw, growths
from experiments.soak.watch import Row, look


def rows(count: int = 200) -> list[Row]:
    noise = np.random.default_rng(0).normal(0, 3, (count, 2))
    return [
        Row(100 * (i + 1), 30.0 * i, 5 / (i + 1), 900 + a, 700 + b, 60 + i % 2, 30, 6) for i, (a, b) in enumerate(noise)
    ]


def test_a_training_that_holds_what_it_held_passes() -> None:
    assert growths(rows()) == []


def test_a_leak_of_memory_files_threads_or_processes_is_named() -> None:
    for name, leak in (("main_mb", 1), ("others_mb", 1), ("files", 0.05), ("threads", 0.05), ("processes", 0.05)):
        leaking = [
            dataclasses.replace(row, **{name: getattr(row, name) + round(leak * i)}) for i, row in enumerate(rows())
        ]
        (sentence,) = growths(leaking)
        assert sentence.startswith(f"{name} grew from ")


def test_what_grows_while_the_run_settles_does_not_count_and_too_short_a_run_is_told() -> None:
    settling = [dataclasses.replace(row, main_mb=100) if row.step < 1000 else row for row in rows()]
    assert growths(settling) == []
    assert growths(rows(9)) == ["0 rows from step 1,000 on are too few to tell: train longer"]


def test_a_look_sees_this_process(tmp_path: Path) -> None:
    before = look(100, 1.0, 2.0)
    assert before.main_mb > 50
    with (tmp_path / "file").open("w"):
        assert look(200, 2.0, 1.0).files == before.files + 1
    draw([before, look(200, 2.0, 1.0)], tmp_path / "soak.png")
    assert {path.name for path in tmp_path.iterdir()} >= {"soak.png", "soak.svg"}
