"""Runs that are killed at random moments, and resumed: they end as if nothing had happened."""

import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
Fit = Callable[..., subprocess.CompletedProcess[str]]
BATCHES = 24
HOOKS = ("on_train_batch_start", "on_train_batch_end", "on_validation_batch_start")


Moment = tuple[int, str]
"""A batch, counted over all epochs, and a hook of it."""


def drawn(kills: int) -> list[Moment]:
    rng = random.Random(kills)
    return [(batch, rng.choice(HOOKS)) for batch in sorted(rng.choices(range(2, BATCHES), k=kills))]


IN_THE_MIDDLE_OF_A_STEP = (5, "on_train_batch_start")


BEFORE_AN_EPOCH_ENDS = (6, "on_validation_batch_start")
BEFORE_THE_LAST_ENDS = (13, "on_validation_batch_start")
BETWEEN = ("--trainer.val_check_interval", "5")  # of 12 batches: no validation follows an epoch's last step
BY_STEPS = ("--trainer.max_epochs", "-1", "--trainer.max_steps", "9")


@pytest.mark.parametrize(
    ("options", "moments"),
    [
        ((), [IN_THE_MIDDLE_OF_A_STEP, IN_THE_MIDDLE_OF_A_STEP, BEFORE_AN_EPOCH_ENDS, BEFORE_THE_LAST_ENDS]),
        (BY_STEPS, [BEFORE_AN_EPOCH_ENDS, (13, "on_train_batch_end")]),
        pytest.param(BETWEEN, [(12, "on_train_batch_start"), (13, "on_train_batch_start")], marks=pytest.mark.soak),
        pytest.param((), drawn(20), marks=pytest.mark.soak),
        pytest.param(BY_STEPS, [moment for moment in drawn(20) if moment[0] < 18], marks=pytest.mark.soak),
    ],
    ids=["4 kills", "2 kills by steps", "2 kills, validated in between", "20 kills", "12 kills by steps"],
)
def test_a_training_killed_at_any_moment_ends_at_the_same_bits(
    fit: Fit, differing: Callable[..., list[str]], options: tuple[str, ...], moments: list[Moment]
) -> None:
    for batch, hook in moments:
        run = fit("--ckpt_path", "last", *options, name="SIGKILL", batch=batch, hook=hook)
        assert run.returncode in (0, -signal.SIGKILL), run.stderr
    run = fit("--ckpt_path", "last", *options)
    assert run.returncode == 0, run.stderr
    assert differing(*options) == []


SWEEP = ("--splits", "[max_3,max_5]", "--depths", "[8,10]", "--qps", "[lossless,22,37]", "--data.eval_batch_size", "1")
PIECES = 9 * 12  # pictures by operating points
FILES = ("points.csv", "classes.csv", "images.csv", "bd.csv")


def kept() -> int:
    return sum(
        int(sqlite3.connect(path).execute("SELECT count(*) FROM coded").fetchone()[0])
        for path in Path("runs/cache").glob("*.sqlite")
        if sqlite3.connect(path).execute("SELECT name FROM sqlite_master").fetchone()
    )


@pytest.mark.soak  # two kills, in every run of the tests: tests/evaluation/test_evaluate.py
def test_an_evaluation_killed_at_20_moments_writes_the_same_files_and_codes_nothing_kept_again(
    dfc: Callable[..., Any], tiny: tuple[str, ...]
) -> None:
    command = [sys.executable, "-m", "lightning_app", "evaluate", *tiny, *SWEEP]
    for least in sorted(random.Random(0).sample(range(1, PIECES - 4), 20)):
        run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while kept() < least and run.poll() is None:
            time.sleep(0.01)
        run.send_signal(signal.SIGKILL)
        run.wait()
    before = kept()
    result = dfc("evaluate", *tiny, *SWEEP)
    assert result.status == 0, result.err
    assert re.findall(r"(\d+) coded, (\d+) found", result.out) == [(str(PIECES - before), str(before))]
    Path("runs/cache").rename("old")
    assert dfc("evaluate", *tiny, *SWEEP, "--output", "whole").status == 0
    for name in FILES:
        assert Path("runs/evaluation", name).read_bytes() == Path("whole", name).read_bytes()
