"""What plain Lightning does at its other faults: each test fails when its fault is gone."""

import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from jsonargparse import ArgumentParser
from lightning_fabric.plugins.io import TorchCheckpointIO
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import EMAWeightAveraging, ModelCheckpoint
from pytorch_lightning.cli import LightningCLI
from pytorch_lightning.loggers import CSVLogger
from pytorch_lightning.trainer.connectors.logger_connector import logger_connector

from lightning_app.lightning_fixes import advice
from lightning_app.lightning_fixes.interrupt import is_of_ctrl_c
from lightning_app.lightning_fixes.logged_step import logged_step

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty"),
]
Mended = Callable[[str], str]


def raised_by(call: Callable[[], object]) -> BaseException | None:
    try:
        call()
    except BaseException as error:
        return error
    return None


def test_a_checkpoint_goes_through_the_systems_temporary_folder(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, mended: Mended
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "absent")
    error = raised_by(lambda: TorchCheckpointIO().save_checkpoint({}, workplace / "a.ckpt"))
    assert isinstance(error, FileNotFoundError), mended("checkpoint_files") + ", but for load_checkpoint"
    assert "absent" in error.filename


def test_a_checkpoints_hyperparameters_override_the_command_line(
    workplace: Path, toy: Any, plain: Any, monkeypatch: pytest.MonkeyPatch, mended: Mended
) -> None:
    run = plain()
    run.fit(toy(rate=0.25))
    run.save_checkpoint("a.ckpt")
    options = ["--ckpt_path=a.ckpt", "--model.rate=0.5", "--trainer.logger=false", "--trainer.accelerator=cpu"]
    monkeypatch.setattr(sys, "argv", ["toy", "validate", *options])
    bare: dict[str, Any] = {
        "save_config_callback": None,
        "seed_everything_default": False,
        "auto_configure_optimizers": False,
    }
    cli = LightningCLI(toy, **bare)
    assert cli.model.hparams["rate"] == 0.25, mended("hyperparameters")


def test_a_resumed_run_ignores_another_learning_rate(workplace: Path, toy: Any, plain: Any, mended: Mended) -> None:
    first, resumed = plain(), plain(max_epochs=2)
    first.fit(toy(rate=0.25))
    first.save_checkpoint("a.ckpt")
    resumed.fit(toy(rate=0.5), ckpt_path="a.ckpt")
    assert resumed.optimizers[0].param_groups[0]["lr"] == 0.25, mended("optimizer_options")


def test_a_checkpoint_of_weights_only_has_the_current_weights(
    workplace: Path, toy: Any, plain: Any, mended: Mended
) -> None:
    class Save(Callback):
        def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
            trainer.save_checkpoint("whole.ckpt", weights_only=False)
            trainer.save_checkpoint("weights.ckpt", weights_only=True)

    plain(EMAWeightAveraging(decay=0.5), Save()).fit(toy())
    whole, weights = (torch.load(name, weights_only=True) for name in ("whole.ckpt", "weights.ckpt"))
    assert whole["state_dict"] != whole["current_model_state"]
    assert weights["state_dict"] == whole["current_model_state"], mended("averaged_weights")


class First:
    def __init__(self, depth: int = 1, name: str = "") -> None: ...


class Second(First): ...


def test_another_class_keeps_the_arguments_of_the_class_before_it(mended: Mended) -> None:
    parser = ArgumentParser()
    parser.add_argument("--codec", type=First)
    options = [f"--codec={__name__}.First", "--codec.depth=2", f"--codec={__name__}.Second"]
    assert parser.parse_args(options).codec.init_args.depth == 2, mended("init_args")


@pytest.fixture
def own_ctrl_c() -> Iterator[None]:
    """Lightning makes the process deaf to Ctrl-C; this gives it back."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_ends_as_an_exit_with_status_1(own_ctrl_c: None, toy: Any, plain: Any, mended: Mended) -> None:
    class CtrlC(Callback):
        def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
            signal.raise_signal(signal.SIGINT)

    end = raised_by(lambda: plain(CtrlC()).fit(toy()))
    assert isinstance(end, SystemExit), mended("interrupt")
    assert end.code == 1
    assert is_of_ctrl_c(end)


def test_torch_warns_of_what_lightning_asks_it_for(toy: Any, plain: Any, mended: Mended) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        plain().fit(toy())
    deprecated = [str(one.message) for one in caught if "LeafSpec" in str(one.message)]
    assert deprecated, mended("leaf_spec") + ", and its line in pyproject.toml"


def test_a_run_begins_with_advice_that_nobody_asked_for(
    plain: Any, mended: Mended, caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger(advice.LOGGER)
    before = list(logger.filters)
    logger.filters.clear()
    with caplog.at_level("INFO"):
        plain()
        assert "TPU available: False" in caplog.text, mended("advice")
        caplog.clear()
        advice.leave_out_advice()
        plain()
    assert "GPU available: " in caplog.text
    assert not [line for line in caplog.messages if line.startswith(advice.LEFT_OUT)]
    logger.filters[:] = before


def test_a_run_without_a_logger_is_told_of_a_package_that_it_does_not_need(plain: Any, mended: Mended) -> None:
    told = []
    for prepare in (lambda: None, advice.leave_out_advice):
        logger_connector.warning_cache.clear()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            prepare()  # type: ignore[no-untyped-call]
            plain(logger=True)
        told.append([one for one in caught if str(one.message).startswith(advice.TENSORBOARD)])
    assert told[0], mended("advice")
    assert not told[1]


def test_the_metrics_of_an_epochs_end_are_logged_at_a_step_without_a_public_name(
    tmp_path: Path, toy: Any, plain: Any, mended: Mended
) -> None:
    steps: list[tuple[int, int]] = []

    class Logger(CSVLogger):
        def log_metrics(self, metrics: Any, step: int | None = None) -> None:
            steps.append((step or 0, run.global_step))
            assert step == logged_step(run)

    run = plain(logger=Logger(tmp_path), log_every_n_steps=1)
    run.fit(toy())
    assert steps == [(3, 4)], mended("logged_step")


def test_lightning_imports_torchs_compiler_and_all_of_scipys_signals(mended: Mended) -> None:
    code = "import sys, pytorch_lightning; print('torch._dynamo' in sys.modules, 'scipy.signal' in sys.modules)"
    imported = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert imported == "True True\n", mended("slow_imports")


def test_save_last_leaves_out_the_epochs_that_are_not_the_best(workplace: Path, toy: Any, plain: Any) -> None:
    best = ModelCheckpoint(".", monitor="score", mode="max", save_last=True)
    plain(best, max_epochs=3, enable_checkpointing=True).fit(toy())
    last = torch.load("last.ckpt", weights_only=True)["epoch"]
    assert last == 0, "Lightning has mended this: remove the second ModelCheckpoint of the configs"


LEFT_ALONE = """
import sys
import time
from pathlib import Path
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.demos.boring_classes import BoringModel

class Failing(Callback):
    def on_fit_start(self, trainer, module):
        if trainer.global_rank == 0:
            while not Path("second").exists():
                time.sleep(0.01)
            raise ValueError("the first rank fails")
        Path("second.part").write_text(str(__import__("os").getpid()))
        Path("second.part").rename("second")
        time.sleep(600)

Trainer(accelerator="cpu", devices=2, strategy="ddp", logger=False, enable_checkpointing=False, callbacks=Failing(),
        enable_model_summary=False).fit(BoringModel())
"""


@pytest.mark.slow
def test_a_rank_that_fails_leaves_the_one_that_it_started(workplace: Path, mended: Mended) -> None:
    Path("run.py").write_text(LEFT_ALONE)
    first = subprocess.Popen(
        [sys.executable, "run.py"],
        env={**os.environ, "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert first.wait(timeout=120) == 1
        time.sleep(1)
        second = int(Path("second").read_text())
        assert Path(f"/proc/{second}").exists(), mended("ranks") + ", but for is_of_another"
    finally:
        os.killpg(first.pid, signal.SIGKILL)
