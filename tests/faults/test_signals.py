"""Trainings that are asked to stop: they say so in a sentence, leave nothing behind, and resume to the same bits."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
Fit = Callable[..., subprocess.CompletedProcess[str]]
SCONTROL = """\
#!/bin/sh
echo "$@" >>requeued
"""
JOB = {"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "dfc", "SLURM_NTASKS": "1", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}
JOB |= {"SLURM_NODEID": "0", "SLURM_NODELIST": "127.0.0.1", "SLURM_NNODES": "1", "SLURM_NTASKS_PER_NODE": "1"}


def at_work_in(folder: Path) -> list[int]:
    """Processes that are at work in a folder."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit() and path.name != str(os.getpid()):
            try:
                if (path / "cwd").resolve() == folder.resolve():
                    found.append(int(path.name))
            except OSError:
                continue
    return found


def check_stopped(run: subprocess.CompletedProcess[str], status: int, sentence: str, folder: Path) -> None:
    assert run.returncode == status, run.stderr
    assert run.stderr.strip().splitlines()[-1] == sentence
    assert "Traceback" not in run.stderr
    end = time.monotonic() + 2
    while at_work_in(folder) and time.monotonic() < end:
        time.sleep(0.05)
    assert at_work_in(folder) == []


def test_a_training_stopped_by_ctrl_c_sigterm_and_slurm_ends_where_an_undisturbed_one_does(
    fit: Fit, differing: Callable[[], list[str]], tmp_path: Path
) -> None:
    go_on = "the same command with --ckpt_path last goes on from checkpoints/steps/last.ckpt"
    run = fit("--ckpt_path", "last", name="SIGINT", batch=6, to="group")
    check_stopped(run, 130, f"dfc: stopped by Ctrl-C: step 4 is done; {go_on}", tmp_path)
    run = fit("--ckpt_path", "last", name="SIGTERM", batch=9, hook="on_validation_batch_start", to="all")
    check_stopped(run, 143, f"dfc: stopped by SIGTERM: step 7 is done; {go_on}", tmp_path)

    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/scontrol").write_text(SCONTROL)
    (tmp_path / "bin/scontrol").chmod(0o755)
    job = {**JOB, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    last = tmp_path / "checkpoints/steps/last.ckpt"
    own = ("--trainer.default_root_dir", "job")
    run = fit("--ckpt_path", str(last), *own, environment=job, name="SIGUSR1", batch=17, to="all")
    sentence = "dfc: stopped by SIGUSR1: step 9 is done; the job is in the queue again and will go on from there"
    check_stopped(run, 138, sentence, tmp_path)
    assert (tmp_path / "requeued").read_text() == "requeue 7\n"
    last.unlink()
    run = fit(*own, environment=job)
    assert run.returncode == 0, run.stderr
    assert "job/hpc_ckpt_1.ckpt" in run.stderr + run.stdout
    assert differing() == []


def test_two_ranks_of_which_one_is_told_stop_at_the_same_step(fit: Fit, tmp_path: Path) -> None:
    run = fit("--trainer.devices", "2", name="SIGTERM", batch=2, rank=1)
    sentence = "the same command with --ckpt_path last goes on from checkpoints/steps/last.ckpt"
    check_stopped(run, 143, f"dfc: stopped by SIGTERM: step 2 is done; {sentence}", tmp_path)
    assert torch.load(tmp_path / "checkpoints/steps/last.ckpt", weights_only=True)["global_step"] == 2


LEFT_OPEN = """
import multiprocessing
from lightning_app.data import ShapesDataModule

if __name__ == "__main__":
    data = ShapesDataModule(root="data", size=64, train_pictures=8, test_pictures=1, batch_size=2, workers=1)
    data.prepare_data()
    data.setup("fit")
    batches = iter(data.train_dataloader())
    next(batches)
    batches.gi_frame.f_locals["self"]._iterator._shutdown = True  # nobody tells the worker but the end of the process
    print(len(multiprocessing.active_children()))
"""


def test_a_program_that_leaves_its_loader_open_still_ends(tmp_path: Path) -> None:
    (tmp_path / "open.py").write_text(LEFT_OPEN)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "open.py"]
    run = subprocess.run(
        command, cwd=tmp_path, env=environment, text=True, capture_output=True, check=False, timeout=120
    )
    assert (run.returncode, run.stdout) == (0, "1\n"), run.stderr
    end = time.monotonic() + 2
    while at_work_in(tmp_path) and time.monotonic() < end:
        time.sleep(0.05)
    assert at_work_in(tmp_path) == []


def test_a_second_ctrl_c_stops_at_once(fit: Fit, tmp_path: Path) -> None:
    (tmp_path / "twice.yaml").write_text(
        "trainer: {callbacks+: {class_path: signalling.Signalling, init_args: {name: SIGINT, batch: 6}}}"
    )
    run = fit("-c", "twice.yaml", name="SIGINT", batch=6)
    check_stopped(run, 130, NOT_KEPT, tmp_path)


NOT_KEPT = (
    "dfc: stopped by Ctrl-C: the same command starts from the beginning; evaluate reuses what is in its cache, "
    "and fit goes on with --ckpt_path last"
)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_evaluation_that_is_stopped_says_so_and_leaves_no_process(
    dfc: Callable[..., object], tiny: tuple[str, ...], workplace: Path, number: signal.Signals, status: int
) -> None:
    sweep = ("--splits", "[max_3,max_5]", "--depths", "[8,10,12]", "--data.test_pictures", "400")
    command = [sys.executable, "-m", "lightning_app", "evaluate", *tiny, *sweep]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True) as run:
        try:
            end = time.monotonic() + 60
            while not any(kept.stat().st_size > 32_768 for kept in workplace.glob("runs/cache/*.sqlite")):  # pictures
                assert run.poll() is None
                assert time.monotonic() < end
                time.sleep(0.01)
            os.killpg(run.pid, number)
            _, err = run.communicate(timeout=60)
        finally:
            run.kill()  # else a failure would wait for the end of the evaluation
    name = "Ctrl-C" if number is signal.SIGINT else number.name
    finished = subprocess.CompletedProcess(command, run.returncode, "", err)
    check_stopped(finished, status, NOT_KEPT.replace("Ctrl-C", name), workplace)
