"""A folder of pictures as data: in all but the boxes as a devkit."""

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lightning_app.data import VOC_CLASSES, Augmentation, Batch, Crops, MultiScale, PicturesDataModule, VOCDataModule
from lightning_app.data.loading import Loader
from lightning_app.errors import DataError

WriteDevkit = Callable[..., Path]
WritePictures = Callable[..., Path]
NAMES = tuple(f"{i:02d}.png" for i in range(10))
SMALL: dict[str, Any] = {"size": 64, "batch_size": 2, "eval_batch_size": 4, "workers": 0}


def with_ranks(data: Any, ranks: int = 1, rank: int = 0, classes: int = 20) -> Any:
    network = SimpleNamespace(network=SimpleNamespace(size=64, channels=3, classes=classes))
    limits = {"max_steps": -1, "max_epochs": 3, "accumulate_grad_batches": 1}
    data.trainer = SimpleNamespace(world_size=ranks, global_rank=rank, lightning_module=network, **limits)
    return data


def epochs(loader: Loader) -> list[list[bytes]]:
    seen = []
    for epoch in range(3):
        loader.sampler.set_epoch(epoch)  # type: ignore[attr-defined]
        seen.append([batch["images"].numpy().tobytes() for batch in loader])
    return seen


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("augment", [None, Augmentation(), Crops()])
def test_a_devkits_pictures_come_from_their_folder_as_they_come_from_the_devkit(
    write_devkit: WriteDevkit, augment: Any, ranks: int
) -> None:
    root = write_devkit(6)
    options = {**SMALL, "batch_size": 1, "augment": augment, "seed": 4}
    scale = MultiScale(every=1, smallest=32, largest=96, finish=1)
    for rank in range(ranks):
        folder = PicturesDataModule(str(root / "VOC2007/JPEGImages"), **options, multi_scale=scale)
        devkit = VOCDataModule(str(root), ["VOC2007/trainval"], **options, multi_scale=scale)
        for data in (folder, devkit):
            with_ranks(data, ranks, rank).setup("fit")
        assert epochs(folder.train_dataloader()) == epochs(devkit.train_dataloader())


def test_every_picture_is_predicted_once_over_all_ranks(write_pictures: WritePictures) -> None:
    root, seen = write_pictures(*NAMES), []
    for rank in range(3):
        data = with_ranks(PicturesDataModule(str(root), **SMALL), 3, rank)
        data.setup("predict")
        seen += [target["id"] for batch in data.predict_dataloader() for target in batch["targets"]]
    assert sorted(seen) == list(NAMES)


def test_training_crops_and_prediction_does_not(write_pictures: WritePictures) -> None:
    data = with_ranks(PicturesDataModule(str(write_pictures(*NAMES)), **SMALL))
    data.setup()
    assert data.datasets["train"].augmentation == Crops(smallest=0.6, flip=True)
    assert [data.datasets[part].augmentation for part in ("test", "predict")] == [None, None]


def test_a_fit_reads_training_pictures_alone_and_has_nothing_to_validate(write_pictures: WritePictures) -> None:
    data = with_ranks(PicturesDataModule(str(write_pictures(*NAMES)), **SMALL))
    data.setup("fit")
    assert set(data.datasets) == {"train"}
    assert data.val_dataloader() == []


@pytest.mark.parametrize(("count", "names"), [(20, VOC_CLASSES), (3, ("class_0", "class_1", "class_2"))])
def test_classes_are_called_as_vocs_if_there_are_twenty_and_else_by_number(
    write_pictures: WritePictures, count: int, names: tuple[str, ...]
) -> None:
    data = with_ranks(PicturesDataModule(str(write_pictures("a.png")), **SMALL), classes=count)
    data.setup("predict")
    assert data.classes == names


def test_classes_that_are_named_keep_their_names(write_pictures: WritePictures, tmp_path: Path) -> None:
    (tmp_path / "two.names").write_text("egg\nhen\n")
    for names in (["egg", "hen"], str(tmp_path / "two.names")):
        data = with_ranks(PicturesDataModule(str(write_pictures("a.png")), **SMALL, classes=names), classes=20)
        data.setup("predict")
        assert data.classes == ("egg", "hen")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_picture_is_one_sentence_from_a_worker_too(write_pictures: WritePictures, workers: int) -> None:
    root = write_pictures(*NAMES)
    (root / "03.png").write_bytes((root / "03.png").read_bytes()[:90])
    data = with_ranks(PicturesDataModule(str(root), **{**SMALL, "workers": workers}))
    data.setup("predict")
    with pytest.raises(DataError, match=f"^{re.escape(str(root))}/03.png cannot be read as a picture: [^\n]*; replace"):
        list(data.predict_dataloader())


def test_no_picture_has_an_object(write_pictures: WritePictures) -> None:
    data = with_ranks(PicturesDataModule(str(write_pictures(*NAMES)), **SMALL))
    data.setup()
    loaders: list[Loader] = [data.train_dataloader(), data.test_dataloader(), data.predict_dataloader()]
    batches: list[Batch] = [batch for loader in loaders for batch in loader]
    assert sum(len(batch["targets"]) for batch in batches) == 30
    assert not any(len(target["boxes"]) for batch in batches for target in batch["targets"])
