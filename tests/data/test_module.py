import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from jsonargparse import ArgumentParser
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor
from torch.multiprocessing import reductions

from lightning_app.data import VOC_CLASSES, Batch, VOCDataModule
from lightning_app.data.loading import Loader
from lightning_app.errors import DataError, OptionError

WriteDevkit = Callable[..., Path]


def module(root: object, **options: Any) -> VOCDataModule:
    defaults: dict[str, Any] = {"size": 64, "batch_size": 2, "eval_batch_size": 4, "workers": 0}
    data = VOCDataModule(str(root), **{"train": ["VOC2007/trainval"], **defaults, **options})
    data.prepare_data()
    return data


def seen(loader: Loader) -> list[str]:
    return [target["id"] for batch in loader for target in batch["targets"]]


def with_ranks(data: VOCDataModule, ranks: int, rank: int, size: object = 64) -> VOCDataModule:
    network = SimpleNamespace(network=SimpleNamespace(size=size, channels=3))
    data.trainer = SimpleNamespace(  # type: ignore[assignment]
        world_size=ranks, global_rank=rank, lightning_module=network, accumulate_grad_batches=1
    )
    return data


def test_the_classes_are_public(tmp_path: Path) -> None:
    assert module(tmp_path).classes == VOC_CLASSES


def test_each_stage_reads_only_its_own_sets(write_devkit: WriteDevkit) -> None:
    data = module(write_devkit(), test=["VOC1999/test"])
    data.setup("fit")
    assert set(data.datasets) == {"train", "val"}
    with pytest.raises(DataError, match=r"it has no VOC1999/ImageSets/Main/test\.txt"):
        data.setup("test")


def test_training_augments_drops_difficult_objects_and_the_short_batch(write_devkit: WriteDevkit) -> None:
    data = module(write_devkit(5))
    data.setup("fit")
    batches = list(data.train_dataloader())
    assert [batch["images"].shape for batch in batches] == [(2, 3, 64, 64)] * 2
    assert not any(target["difficult"].any() for batch in batches for target in batch["targets"])
    assert data.datasets["train"].augmentation is not None


def test_evaluation_keeps_every_picture_and_difficult_objects(write_devkit: WriteDevkit) -> None:
    data = module(write_devkit(5))
    data.setup()
    for loader in (data.val_dataloader(), data.test_dataloader(), data.predict_dataloader()):
        assert seen(loader) == [f"VOC2007/{index:06d}" for index in range(1, 6)]
        assert all(target["difficult"].tolist() == [False, True] for batch in loader for target in batch["targets"])


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_every_picture_is_evaluated_once_over_all_ranks(write_devkit: WriteDevkit, ranks: int) -> None:
    root, together = write_devkit(7), []
    for rank in range(ranks):
        data = with_ranks(module(root), ranks, rank)
        data.setup()
        together.append([seen(data.val_dataloader()), seen(data.test_dataloader())])
    for part in (0, 1):
        assert sorted(name for rank in together for name in rank[part]) == [f"VOC2007/{i:06d}" for i in range(1, 8)]


@pytest.mark.parametrize(("size", "expected"), [(96, (96, 96)), ((64, 96), (64, 96))])
def test_the_size_is_the_networks_own_unless_given(write_devkit: WriteDevkit, size: Any, expected: Any) -> None:
    data = with_ranks(module(write_devkit(), size=None), 1, 0, size)
    data.setup("test")
    assert next(iter(data.test_dataloader()))["images"].shape[2:] == expected


def test_without_a_network_the_size_must_be_given(write_devkit: WriteDevkit) -> None:
    with pytest.raises(OptionError, match="size must be given where there is no network"):
        module(write_devkit(), size=None).setup("test")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"size": 100}, "size must be a positive multiple of 32, not 100"),
        ({"size": 0}, "size must be a positive multiple of 32, not 0"),
        ({"batch_size": 0}, "batch_size and eval_batch_size must be at least 1"),
        ({"eval_batch_size": 0}, "batch_size and eval_batch_size must be at least 1"),
        ({"workers": -1}, "workers and seed must be at least 0"),
        ({"seed": -1}, "workers and seed must be at least 0"),
    ],
)
def test_an_option_out_of_range_is_refused_at_construction(tmp_path: Path, options: dict[str, Any], why: str) -> None:
    with pytest.raises(OptionError, match=why):
        module(tmp_path, **options)


def test_training_takes_whole_optimiser_steps(write_devkit: WriteDevkit) -> None:
    data = with_ranks(module(write_devkit(11)), 1, 0, 64)
    data.trainer.accumulate_grad_batches = 2  # type: ignore[union-attr]
    data.setup("fit")
    assert len(data.train_dataloader()) == 4  # 5 batches of 2 would leave half a step


def test_an_absent_year_is_left_out_and_a_line_says_so(
    write_devkit: WriteDevkit, caplog: pytest.LogCaptureFixture
) -> None:
    root = write_devkit()
    module(root, train=["VOC2007/trainval", "VOC2012/trainval"]).setup("fit")
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [f"VOC2012 is not in {root}: training on VOC2007/trainval only, 6 pictures"]


def test_a_picture_that_is_tested_once_and_listed_twice_is_told(
    write_devkit: WriteDevkit, caplog: pytest.LogCaptureFixture
) -> None:
    root = write_devkit(3)
    (root / "VOC2007/ImageSets/Main/test.txt").write_text("000001\n000003\n000001\n")
    module(root, test=("VOC2007/test",)).setup("test")
    told = "VOC2007/test lists 1 picture(s) more than once, the first is VOC2007/000001: each counts once"
    assert told in caplog.text


def test_a_year_without_its_list_is_an_error_even_if_another_is_whole(write_devkit: WriteDevkit) -> None:
    root = write_devkit()
    (root / "VOC2012").mkdir()
    with pytest.raises(DataError, match=r"it has no VOC2012/ImageSets/Main/trainval\.txt"):
        module(root, train=["VOC2007/trainval", "VOC2012/trainval"]).setup("fit")


def test_two_years_are_joined(write_devkit: WriteDevkit) -> None:
    root = write_devkit()
    write_devkit(3, "VOC2012")
    data = module(root, train=["VOC2007/trainval", "VOC2012/trainval"])
    data.setup("fit")
    assert len(data.datasets["train"]) == 9
    assert data.datasets["train"].ids[-1] == "VOC2012/000003"


def test_a_root_without_any_year_is_no_devkit(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=re.escape(f"{tmp_path} is no VOC devkit: it has no VOC2007/ImageSets")):
        module(tmp_path).setup("fit")


def test_a_batch_larger_than_the_training_set_is_refused(write_devkit: WriteDevkit) -> None:
    data = module(write_devkit(3), batch_size=4)
    data.setup("fit")
    with pytest.raises(OptionError, match="lower batch_size · accumulate_grad_batches to at most 3"):
        data.train_dataloader()


class Watch(LightningModule):
    """Notes what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.network = SimpleNamespace(size=64, channels=3)
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.trained: list[tuple[int, str, float]] = []
        self.validated: list[tuple[str, float]] = []

    def training_step(self, batch: Batch) -> Tensor:
        sums = batch["images"].sum((1, 2, 3)).tolist()
        self.trained += [(self.current_epoch, t["id"], s) for t, s in zip(batch["targets"], sums, strict=True)]
        return self.weight * 0

    def validation_step(self, batch: Batch) -> None:
        sums = batch["images"].sum((1, 2, 3)).tolist()
        self.validated += [(t["id"], s) for t, s in zip(batch["targets"], sums, strict=True)]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0)


def fit(root: object, workers: int, epochs: int) -> Watch:
    watch = Watch()
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        use_distributed_sampler=False,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=1,
    )
    trainer.fit(watch, datamodule=module(root, size=None, workers=workers, eval_batch_size=2))
    return watch


quiet = pytest.mark.filterwarnings("ignore:.*does not have many workers")
"""Lightning's advice on loader workers."""


@pytest.mark.slow
@quiet
def test_training_is_the_same_with_any_number_of_workers_and_new_in_each_epoch(write_devkit: WriteDevkit) -> None:
    root = write_devkit()
    before = torch.random.get_rng_state()
    none, one, two = (fit(root, workers, epochs=3) for workers in (0, 1, 2))
    assert none.trained == one.trained == two.trained
    assert none.validated == one.validated == two.validated
    epochs = [[entry[1:] for entry in none.trained if entry[0] == epoch] for epoch in range(3)]
    assert [len(epoch) for epoch in epochs] == [6, 6, 6]
    assert len({frozenset(epoch) for epoch in epochs}) == 3
    assert len({tuple(name for name, _ in epoch) for epoch in epochs}) == 3
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.slow
@quiet
def test_a_worker_sends_one_tensor_for_each_batch_and_its_targets_are_those_of_no_worker(
    write_devkit: WriteDevkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, opened = write_devkit(), []
    of_tensor: Callable[..., object] = reductions.rebuild_storage_fd

    def rebuild(*arguments: Any) -> Any:  # opens a file and a connection
        opened.append(arguments)
        return of_tensor(*arguments)

    monkeypatch.setattr(reductions, "rebuild_storage_fd", rebuild)
    batches = {}
    for workers in (0, 1):
        data = module(root, workers=workers)
        data.setup("test")
        batches[workers] = list(data.test_dataloader())
    assert len(opened) == len(batches[1]) > 1
    alone, sent = ([target for batch in batches[workers] for target in batch["targets"]] for workers in (0, 1))
    for one, other in zip(alone, sent, strict=True):
        assert one.keys() == other.keys()
        assert sum(isinstance(value, Tensor) for value in other.values()) == 5
        for name, value in one.items():
            assert type(value) is type(other[name]), name
            assert torch.equal(value, other[name]) if isinstance(value, Tensor) else value == other[name], name


def break_a_picture(root: Any) -> None:
    path = root / "VOC2007/JPEGImages/000002.jpg"
    path.write_bytes(path.read_bytes()[:400])


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_picture_is_one_sentence_from_a_worker_too(write_devkit: WriteDevkit, workers: int) -> None:
    root = write_devkit()
    break_a_picture(root)
    data = module(root, workers=workers)
    data.setup("test")
    with pytest.raises(DataError) as caught:
        list(data.test_dataloader())
    assert str(caught.value).startswith(f"{root}/VOC2007/JPEGImages/000002.jpg cannot be read as a picture: ")
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_killed_run_leaves_no_loader_process_behind(write_devkit: WriteDevkit, tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(
        "import os, multiprocessing, signal, sys\n"
        "from lightning_app.data import VOCDataModule\n"
        "if __name__ == '__main__':\n"
        "    data = VOCDataModule(sys.argv[1], size=64, eval_batch_size=1, workers=2)\n"
        "    data.setup('test')\n"
        "    batches = iter(data.test_dataloader())\n"
        "    next(batches)\n"
        "    from multiprocessing.forkserver import _forkserver\n"
        "    workers = [child.pid for child in multiprocessing.active_children()]\n"
        "    print(*workers, _forkserver._forkserver_pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, str(script), str(write_devkit())]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    # To a file: the workers would hold a pipe open, and reading it would wait for their end.
    with (tmp_path / "pids").open("w+") as output:
        subprocess.run(command, env=environment, stdout=output, check=False)
        output.seek(0)
        pids = [int(word) for word in output.read().split()]
    assert len(pids) == 3
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.mark.slow
@quiet
def test_prediction_through_lightning_sees_every_picture_once(write_devkit: WriteDevkit) -> None:
    class Names(Watch):
        def predict_step(self, batch: Batch) -> list[str]:
            return [target["id"] for target in batch["targets"]]

    trainer = Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, use_distributed_sampler=False)
    predictions = trainer.predict(Names(), datamodule=module(write_devkit(5), size=None))
    assert predictions == [[f"VOC2007/{i:06d}" for i in range(1, 5)], ["VOC2007/000005"]]


def test_every_option_is_an_argument_with_its_help() -> None:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(VOCDataModule, "data")
    options = ["--data.root", "x", "--data.train", "[VOC2007/train]", "--data.augment.zoom_min", "0.5"]
    config = parser.parse_args(options)
    data = parser.instantiate(config).data
    assert data.sets["train"] == ("VOC2007/train",)
    assert (data.augment.zoom_min, data.augment.jitter) == (0.5, 0.3)
    assert parser.instantiate(parser.parse_args(["--data.root=x", "--data.augment=null"])).data.augment is None
    assert parser.instantiate(parser.parse_args(["--data.root=x"])).data.augment.zoom_max == 2
    text = " ".join(parser.format_help().split())
    assert "a multiple of 32" in text
    assert "results do not depend on it" in text
    assert "null for none" in text


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Augmentation", "as a fraction of the colour circle, in [0, 0.5]"),
        ("Crops", "as a fraction of the picture's side, in [0.1, 1]"),
    ],
)
def test_the_augmentations_have_their_own_help(capsys: pytest.CaptureFixture[str], name: str, why: str) -> None:
    parser = ArgumentParser()
    parser.add_class_arguments(VOCDataModule, "data")
    with pytest.raises(SystemExit):
        parser.parse_args(["--data.augment.help", name])
    text = " ".join(capsys.readouterr().out.split())
    assert why in text
