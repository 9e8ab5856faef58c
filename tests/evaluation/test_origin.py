"""Nothing that an earlier command has measured or trained is replaced without a word."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lightning_app.checkpoint_file import read_checkpoint
from lightning_app.errors import WeightsError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
]

Dfc = Callable[..., tuple[int, str, str]]
POINTS = Path("runs/evaluation/points.csv")
SWEEP = ("--splits", "[max_5]", "--qps", "[lossless]")


@pytest.fixture
def evaluate(dfc: Dfc, tiny: tuple[str, ...], one_epoch: str) -> Callable[..., tuple[int, str, str]]:
    shutil.copy(one_epoch, "trained.ckpt")
    return lambda *options: dfc("evaluate", *tiny, *SWEEP, "--model.weights", "trained.ckpt", *options)


def test_an_evaluation_may_be_run_again_and_one_of_other_options_or_weights_needs_another_folder(
    evaluate: Callable[..., tuple[int, str, str]],
) -> None:
    assert evaluate()[0] == 0
    measured = POINTS.read_bytes()
    assert evaluate()[0] == 0
    status, _, err = evaluate("--splits", "[max_3]")
    assert status == 2
    assert "runs/evaluation holds the results of another evaluation: splits ['max_5'] and not ['max_3']" in err
    assert "give another folder with --output, or move it away" in err
    status, _, err = evaluate("--trainer.limit_test_batches", "1")
    assert (status, "trainer.limit_test_batches" in err) == (2, True)
    with Path("trained.ckpt").open("ab") as file:  # another file by the same name
        file.write(b"0")
    status, _, err = evaluate()
    assert (status, "model.weights trained.ckpt (" in err) == (2, True)
    assert POINTS.read_bytes() == measured


def test_results_of_an_earlier_version_are_not_replaced(evaluate: Callable[..., tuple[int, str, str]]) -> None:
    POINTS.parent.mkdir(parents=True)
    POINTS.write_text("kept")
    status, _, err = evaluate()
    assert (status, "holds the results of an earlier version of dfc" in err) == (2, True)
    assert POINTS.read_text() == "kept"
    assert evaluate("--output", "elsewhere")[0] == 0


def test_a_second_training_keeps_the_checkpoints_of_the_first(
    dfc: Dfc, tiny: tuple[str, ...], one_epoch: str, caplog: pytest.LogCaptureFixture
) -> None:
    trained, kept = Path(one_epoch).read_bytes(), Path("checkpoints/demo/plain-1/last.ckpt")
    assert dfc("fit", *tiny, "--ckpt_path", "last", "--trainer.max_epochs", "1")[0] == 0
    Path("job").mkdir()
    shutil.copy(one_epoch, "job/hpc_ckpt_1.ckpt")  # SLURM has queued the job again, by the same command
    dfc("fit", *tiny, "--trainer.default_root_dir", "job", "--trainer.max_epochs", "1")
    assert not kept.exists()
    Path(one_epoch).write_bytes(trained)
    with caplog.at_level("INFO"):
        assert dfc("fit", *tiny, "--trainer.max_epochs", "1", "--seed_everything", "1")[0] == 0
    assert "plain held the checkpoints of an earlier run: they are kept in " in caplog.text
    assert kept.read_bytes() == trained
    assert torch.load(one_epoch, weights_only=True)["hyper_parameters"]["seed"] == 1
    assert dfc("fit", *tiny, "--trainer.max_epochs", "1")[0] == 0
    assert Path("checkpoints/demo/plain-2/last.ckpt").exists()
    assert kept.read_bytes() == trained


def test_a_training_that_cannot_start_moves_nothing(dfc: Dfc, tiny: tuple[str, ...], one_epoch: str) -> None:
    status, _, err = dfc("fit", *tiny, "--data", "VOCDataModule", "--data.root", "nowhere")
    assert (status, "the folder nowhere is not there" in err) == (2, True)
    assert Path(one_epoch).exists()
    assert not Path("checkpoints/demo/plain-1").exists()


def test_a_run_that_ends_before_its_first_validation_leaves_a_checkpoint_that_can_be_tested_and_resumed(
    dfc: Dfc, tiny: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    rarely = ("--trainer.check_val_every_n_epoch", "10")
    assert dfc("fit", *tiny, *rarely, "--trainer.max_epochs", "1")[0] == 0
    assert "last.ckpt at the end: this run had no validation" in caplog.text
    assert "weights_only" not in caplog.text  # of Lightning, about what nobody has set
    saved = torch.load("checkpoints/demo/plain/last.ckpt", weights_only=True)
    assert saved["global_step"] > 0
    assert dfc("test", *tiny, "--model.weights", "checkpoints/demo/plain/last.ckpt")[0] == 0
    assert dfc("fit", *tiny, *rarely, "--trainer.max_epochs", "2", "--ckpt_path", "last")[0] == 0
    again = torch.load("checkpoints/demo/plain/last.ckpt", weights_only=True)
    assert again["global_step"] == 2 * saved["global_step"]


def test_a_report_on_other_weights_needs_another_folder(dfc: Dfc) -> None:
    points = Path(__file__).parents[2] / "results/demo/plain.csv"
    assert dfc("report", f"plain={points}", "--output", "report")[0] == 0
    page = Path("report/points.md").read_bytes()
    assert dfc("report", f"plain={points}", "--output", "report")[0] == 0
    status, _, err = dfc("report", f"other={points}", "--output", "report")
    assert status == 2
    assert "report holds a report on plain, and this one is on other. It is not replaced: give another folder" in err
    assert Path("report/points.md").read_bytes() == page


def test_a_checkpoint_that_a_later_run_moved_away_is_named(tmp_path: Path) -> None:
    (tmp_path / "own-1").mkdir()
    (tmp_path / "own-1/last.ckpt").write_bytes(b"")
    moved = r"own/last\.ckpt cannot be read: .*; an earlier run's is .*own-1/last\.ckpt$"
    with pytest.raises(WeightsError, match=moved):
        read_checkpoint(tmp_path / "own/last.ckpt")
    with pytest.raises(WeightsError, match=r"best\.ckpt cannot be read: .*; check its name$"):
        read_checkpoint(tmp_path / "own/best.ckpt")
