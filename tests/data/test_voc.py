import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from lightning_app.data import (
    VOC_CLASSES,
    Augmentation,
    Crops,
    Key,
    VOCDataModule,
    VOCDataset,
    collate,
    read_picture,
)
from lightning_app.errors import DataError, OptionError

WriteDevkit = Callable[..., Path]
SIZE = (64, 96)  # height, width: not square, so that a mix-up shows


CLASS_ONLY = "<object><name>{}</name></object>"


def dataset(root: Path, **options: object) -> VOCDataset:
    return VOCDataset(root, ["VOC2007/test"], SIZE, **options)  # type: ignore[arg-type]


def test_a_sample_holds_what_it_promises(write_devkit: WriteDevkit) -> None:
    sample = dataset(write_devkit())[2]
    target = sample["target"]
    assert sample["image"].shape == (3, *SIZE)
    assert sample["image"].dtype == torch.float32
    assert 0.2 < sample["image"].max() <= 1
    torch.testing.assert_close(target["boxes"][0], torch.tensor([25 / 80, 21 / 60, 30 / 80, 30 / 60]))
    assert target["boxes"].dtype == torch.float32
    assert target["voc_boxes"].tolist() == [[11, 7, 41, 37], [41, 31, 61, 51]]
    assert target["labels"].tolist() == [VOC_CLASSES.index("dog"), VOC_CLASSES.index("cat")]
    assert target["difficult"].tolist() == [False, True]
    assert (target["index"], target["id"], target["size"]) == (2, "VOC2007/000003", (60, 80))


@pytest.mark.parametrize(
    ("augmentation", "side", "fixed"),
    [(None, None, True), (Augmentation(), None, False), (Crops(), None, False), (None, 64, False)],
)
def test_an_image_is_fixed_where_neither_its_augmentation_nor_its_size_is_drawn(
    write_devkit: WriteDevkit, augmentation: Any, side: int | None, fixed: bool
) -> None:
    data = dataset(write_devkit(), augmentation=augmentation)
    examples = [data[Key(epoch, 0, side)] for epoch in range(3)]
    assert {example["target"]["fixed"] for example in examples} == {fixed}
    assert not fixed or len({example["image"].numpy().tobytes() for example in examples}) == 1


@pytest.mark.parametrize("augmentation", [None, Augmentation(zoom_min=1, zoom_max=1, jitter=0)])
def test_training_drops_difficult_objects_and_keeps_rows_together(write_devkit: WriteDevkit, augmentation: Any) -> None:
    target = dataset(write_devkit(), difficult=False, augmentation=augmentation)[Key(1, 0)]["target"]
    assert target["labels"].tolist() == [VOC_CLASSES.index("dog")]
    assert target["voc_boxes"].tolist() == [[11, 7, 41, 37]]
    assert len(target["boxes"]) == len(target["difficult"]) == 1


def test_labels_and_original_boxes_follow_the_boxes_that_augmentation_leaves(write_devkit: WriteDevkit) -> None:
    still: dict[str, Any] = {"jitter": 0, "hue": 0, "saturation": 1, "exposure": 1, "flip": False}
    data = dataset(write_devkit(), augmentation=Augmentation(zoom_min=2, zoom_max=2, **still))
    kept = set()
    for epoch in range(60):
        target = data[Key(epoch, 0)]["target"]
        kept.add(tuple(target["labels"].tolist()))
        for label, box in zip(target["labels"].tolist(), target["voc_boxes"].tolist(), strict=True):
            assert box == ([11, 7, 41, 37] if VOC_CLASSES[label] == "dog" else [41, 31, 61, 51])
        assert len(target["boxes"]) == len(target["labels"]) == len(target["difficult"])
    dog, cat = VOC_CLASSES.index("dog"), VOC_CLASSES.index("cat")
    assert {(dog,), (cat,), (dog, cat)} <= kept


def test_a_plain_index_is_epoch_zero(write_devkit: WriteDevkit) -> None:
    data = dataset(write_devkit(), augmentation=Augmentation())
    assert torch.equal(data[1]["image"], data[Key(0, 1)]["image"])


def test_the_same_key_gives_the_same_sample_whatever_came_before(write_devkit: WriteDevkit) -> None:
    root = write_devkit()
    first = dataset(root, augmentation=Augmentation())
    other = dataset(root, augmentation=Augmentation())
    for index in (3, 0, 5):
        other[Key(7, index)]
    np.random.seed(9)  # noqa: NPY002 - the global state must not matter
    one, two = first[Key(2, 4)], other[Key(2, 4)]
    assert torch.equal(one["image"], two["image"])
    assert torch.equal(one["target"]["boxes"], two["target"]["boxes"])


def test_epochs_pictures_and_seeds_are_augmented_differently(write_devkit: WriteDevkit) -> None:
    root = write_devkit()
    data = dataset(root, augmentation=Augmentation())
    other = dataset(root, augmentation=Augmentation(), seed=1)
    images = [data[Key(0, 0)], data[Key(1, 0)], data[Key(0, 1)], other[Key(0, 0)]]
    assert len({image["image"].numpy().tobytes() for image in images}) == 4


def only_classes(root: Path, name: str = "000001") -> None:
    path = root / f"VOC2007/Annotations/{name}.xml"
    path.write_text(
        re.sub("<object>.*</object>", CLASS_ONLY.format("dog") + CLASS_ONLY.format("cat"), path.read_text())
    )


@pytest.mark.parametrize("augmentation", [None, Augmentation()])
def test_a_picture_of_known_classes_alone_has_no_boxes(
    write_devkit: WriteDevkit, augmentation: Augmentation | None
) -> None:
    root = write_devkit(2)
    only_classes(root)
    data = dataset(root, augmentation=augmentation, difficult=False)
    unboxed, boxed = data[0]["target"], data[1]["target"]
    assert unboxed["class_only"].tolist() == [VOC_CLASSES.index("dog"), VOC_CLASSES.index("cat")]
    assert unboxed["class_only"].dtype == torch.int64
    assert unboxed["boxes"].shape == unboxed["voc_boxes"].shape == (0, 4)
    assert unboxed["labels"].shape == unboxed["difficult"].shape == (0,)
    assert boxed["class_only"].shape == (0,)
    assert data[0]["image"].shape == (3, *SIZE)


def test_measuring_needs_boxes_and_training_and_predicting_do_not(write_devkit: WriteDevkit) -> None:
    root = write_devkit(2)
    only_classes(root)
    data = VOCDataModule(str(root), ["VOC2007/trainval"], size=64, batch_size=1, workers=0)
    data.setup()
    assert any(len(target["class_only"]) for batch in data.train_dataloader() for target in batch["targets"])
    assert any(len(target["class_only"]) for batch in data.predict_dataloader() for target in batch["targets"])
    for loader in (data.val_dataloader(), data.test_dataloader()):
        with pytest.raises(DataError, match=r"000001\.xml says what is in its picture and not where.*: draw its boxes"):
            list(loader)


def test_training_shuffles_the_objects_of_a_picture_anew_in_each_epoch(write_devkit: WriteDevkit) -> None:
    root = write_devkit(1)
    path = root / "VOC2007/Annotations/000001.xml"
    path.write_text(path.read_text().replace("<difficult>1", "<difficult>0"))
    data = dataset(root, augmentation=Augmentation(jitter=0, zoom_min=1, zoom_max=1), difficult=False)
    orders = [tuple(data[Key(epoch, 0)]["target"]["labels"].tolist()) for epoch in range(40)]
    dog, cat = VOC_CLASSES.index("dog"), VOC_CLASSES.index("cat")
    assert set(orders) == {(dog, cat), (cat, dog)}
    assert 10 < orders.count((dog, cat)) < 30
    for epoch in range(5):  # and a box keeps its label
        target = data[Key(epoch, 0)]["target"]
        assert target["voc_boxes"][target["labels"] == dog].tolist() == [[11, 7, 41, 37]]
        assert target["boxes"][target["labels"] == dog][0, 2].item() == pytest.approx(30 / 80, abs=0.01)


def test_a_batch_stacks_pictures_and_lists_targets(write_devkit: WriteDevkit) -> None:
    data = dataset(write_devkit())
    batch = collate([data[0], data[1]])
    assert batch["images"].shape == (2, 3, *SIZE)
    assert [target["id"] for target in batch["targets"]] == ["VOC2007/000001", "VOC2007/000002"]


def test_a_set_file_may_have_columns_and_blank_lines(write_devkit: WriteDevkit) -> None:
    root = write_devkit()
    (root / "VOC2007/ImageSets/Main/test.txt").write_text("000001  1\n\n000003 -1 \n\n")
    assert dataset(root).ids == ["VOC2007/000001", "VOC2007/000003"]


def test_a_folder_that_is_no_devkit_is_said_to_be_none(tmp_path: Path) -> None:
    expected = f"{tmp_path} is no VOC devkit: it has no VOC2007/ImageSets/Main/test.txt; give the folder"
    with pytest.raises(DataError, match=re.escape(expected)):
        dataset(tmp_path)


def test_an_empty_set_and_a_wrong_name_are_errors(write_devkit: WriteDevkit) -> None:
    root = write_devkit()
    (root / "VOC2007/ImageSets/Main/test.txt").write_text("\n")
    with pytest.raises(DataError, match="lists no pictures"):
        dataset(root)
    with pytest.raises(OptionError, match="named like VOC2007/test, not 'test'"):
        VOCDataset(root, ["test"], SIZE)


def test_a_broken_picture_is_an_error_with_its_path(write_devkit: WriteDevkit) -> None:
    data = dataset(write_devkit())
    whole = data.root / "VOC2007/JPEGImages/000001.jpg"
    whole.write_bytes(whole.read_bytes()[:400])
    (data.root / "VOC2007/JPEGImages/000002.jpg").write_text("no picture")
    for index in (0, 1):
        with pytest.raises(DataError, match=rf"00000{index + 1}\.jpg cannot be read as a picture"):
            data[index]


@pytest.mark.parametrize("name", ["JPEGImages/000002.jpg", "Annotations/000003.xml"])
def test_a_listed_file_that_is_missing_is_an_error_before_anything_is_read(
    write_devkit: WriteDevkit, name: str
) -> None:
    root = write_devkit()
    (root / "VOC2007" / name).unlink()
    with pytest.raises(DataError, match=f"{name} is missing: the devkit's lists name it"):
        dataset(root)


def test_training_drops_boxes_thinner_than_a_pixel_that_no_logarithm_could_take(write_devkit: WriteDevkit) -> None:
    root = write_devkit()
    path = root / "VOC2007/Annotations/000001.xml"
    path.write_text(path.read_text().replace("<xmax>41</xmax>", "<xmax>11.01</xmax>"))
    assert len(dataset(root)[0]["target"]["boxes"]) == 2
    assert len(dataset(root, difficult=False)[0]["target"]["boxes"]) == 0


def test_a_box_that_ends_where_it_begins_counts_nowhere(write_devkit: WriteDevkit) -> None:
    root = write_devkit()
    path = root / "VOC2007/Annotations/000001.xml"
    path.write_text(path.read_text().replace("<xmax>41</xmax>", "<xmax>11</xmax>"))
    for difficult, left in ((True, [VOC_CLASSES.index("cat")]), (False, [])):
        target = dataset(root, difficult=difficult)[0]["target"]
        assert target["labels"].tolist() == left
        assert len(target["voc_boxes"]) == len(left)


def test_objects_of_classes_that_are_not_listed_are_left_out_where_that_is_asked_for(write_devkit: WriteDevkit) -> None:
    root = write_devkit()
    with pytest.raises(DataError, match="the class 'dog' is not among cat"):
        dataset(root, classes=("cat",))[0]
    target = dataset(root, classes=("cat",), other_classes="ignore")[0]["target"]
    assert target["labels"].tolist() == [0]
    assert target["voc_boxes"].tolist() == [[41, 31, 61, 51]]
    assert len(dataset(root, classes=("bird",), other_classes="ignore")[0]["target"]["boxes"]) == 0


def test_a_picture_of_another_size_than_its_annotation_is_an_error(write_devkit: WriteDevkit) -> None:
    data = dataset(write_devkit())
    Image.new("RGB", (60, 80)).save(data.root / "VOC2007/JPEGImages/000001.jpg")
    with pytest.raises(DataError, match="has 60×80 pixels where its annotation says 80×60"):
        data[0]


def test_an_exif_orientation_is_left_alone(write_devkit: WriteDevkit) -> None:
    data = dataset(write_devkit())
    picture = Image.new("RGB", (80, 60))
    picture.paste((255, 255, 255), (0, 0, 40, 60))
    exif = Image.Exif()
    exif[0x0112] = 3  # "turn by 180 degrees to show"
    picture.save(data.root / "VOC2007/JPEGImages/000001.jpg", exif=exif)
    pixels = data.read(0)[1]
    assert pixels[:, :30].min() > 200
    assert pixels[:, 50:].max() < 50


@pytest.mark.parametrize("mode", ["L", "CMYK", "P", "RGBA", "1", "LA"])
def test_every_colour_mode_is_read_as_rgb(tmp_path: Path, mode: str) -> None:
    kind = "JPEG" if mode in ("L", "CMYK") else "PNG"
    transparent = {"transparency": bytes([0, 128])} if mode == "P" else {}  # Pillow warns on converting these
    path = tmp_path / "a.jpg"
    Image.new("RGB", (16, 8), (255, 255, 255)).convert(mode).save(path, kind, **transparent)
    pixels = read_picture(path)
    assert pixels.shape == (8, 16, 3)
    assert pixels.dtype == np.uint8
    assert pixels.min() > 250


def test_the_real_devkit_has_the_counts_that_were_published_with_it(shared: Path) -> None:
    trainval = VOCDataset(shared / "VOCdevkit", ["VOC2007/trainval"], SIZE)
    test = dataset(shared / "VOCdevkit")
    annotations = [data.annotation(index) for data in (trainval, test) for index in range(len(data))]
    assert (len(trainval), len(test)) == (474, 357)
    assert sum(len(annotation.boxes) for annotation in annotations) == 2241
    assert sum(int(annotation.difficult.sum()) for annotation in annotations) == 396
    assert {int(label) for annotation in annotations for label in annotation.labels} == set(range(20))


def test_real_pictures_and_their_sizes_fit_their_annotations(shared: Path) -> None:
    data = dataset(shared / "VOCdevkit")
    for index in range(0, len(data), 40):
        sample = data[index]
        assert sample["image"].shape == (3, *SIZE)
        edges = sample["target"]["boxes"][:, :2] - sample["target"]["boxes"][:, 2:] / 2
        assert edges.min() >= -1e-6


def test_a_picture_that_is_listed_twice_counts_once_and_is_trained_on_twice(write_devkit: WriteDevkit) -> None:
    root = write_devkit(3)
    (root / "VOC2007/ImageSets/Main/test.txt").write_text("000001\n000003\n000001\n")
    measured, trained = (dataset(root, boxes_needed=needed) for needed in (True, False))
    assert (measured.ids, measured.repeated) == (["VOC2007/000001", "VOC2007/000003"], ["VOC2007/000001"])
    assert (trained.ids.count("VOC2007/000001"), trained.repeated) == (2, [])
