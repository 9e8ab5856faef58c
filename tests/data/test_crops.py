from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from lightning_app.data import Crops, VOCDataset, training_transform
from lightning_app.data.pixels import Picture
from lightning_app.data.transforms import augment
from lightning_app.errors import OptionError

Dfc = Callable[..., Any]
WriteDevkit = Callable[..., Path]
SIZE = (200, 400)  # height, width
NO_BOXES = np.zeros((0, 4))


def smooth(height: int, width: int) -> Picture:
    """A picture whose colours tell the place: red along the width, green along the height, and blue always 77."""
    picture = np.full((height, width, 3), 77, np.uint8)
    picture[..., 0] = np.linspace(0, 255, width).round()
    picture[..., 1] = np.linspace(0, 255, height).round()[:, None]
    return picture


def drawn(crops: Crops, count: int) -> NDArray[np.float64]:
    """Left, top, right and bottom of crops, as fractions of the picture (count, 4)."""
    rng = np.random.default_rng(1)
    placements = np.array([crops.draw_placement(rng, (100, 130), SIZE) for _ in range(count)])
    (width, height), (left, top) = placements[:, :2].T, placements[:, 2:].T
    return np.stack([-left / width, -top / height, (400 - left) / width, (200 - top) / height], axis=1)


def test_a_crop_lies_inside_the_picture_and_its_sides_and_places_reach_their_ends() -> None:
    crops = drawn(Crops(smallest=0.6), 4000)
    assert crops.min() >= 0
    assert crops.max() <= 1
    for first in (0, 1):
        sides = crops[:, first + 2] - crops[:, first]
        assert 0.597 < sides.min() < 0.605
        assert 0.995 < sides.max() <= 1
        assert abs(sides.mean() - 0.8) < 0.01
        places = crops[:, first] / np.maximum(1 - sides, 1e-9)  # of the room that there is
        assert abs(places[sides < 0.95].mean() - 0.5) < 0.02
        assert crops[:, first].max() > 0.36


def test_the_sides_of_a_crop_are_drawn_each_by_itself() -> None:
    crops = drawn(Crops(), 4000)
    assert abs(np.corrcoef(crops[:, 2] - crops[:, 0], crops[:, 3] - crops[:, 1])[0, 1]) < 0.05


@pytest.mark.parametrize("shape", [(60, 300), (300, 60), (500, 700)])
def test_a_crop_fills_the_input_without_grey_and_keeps_the_colours(shape: tuple[int, int]) -> None:
    transform = training_transform(SIZE, Crops(smallest=0.3))
    for epoch in range(20):
        image, _, _ = augment(transform, smooth(*shape), NO_BOXES, (0, epoch, 0))
        assert image.shape == (*SIZE, 3)
        assert np.all(image[..., 2] == 77)  # grey is 128
        assert np.all(np.abs(np.diff(image.astype(int), axis=0)[..., 0]) <= 1)  # one slope from edge to edge
        assert np.all(np.abs(np.diff(image.astype(int), axis=1)[..., 1]) <= 1)


def test_a_crop_is_a_part_of_the_picture_resized_bilinearly_without_antialias() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (800, 1600, 3), dtype=np.uint8)
    transform = training_transform(SIZE, Crops(smallest=0.5, flip=False))
    image, _, _ = augment(transform, noise, NO_BOXES, (0, 0, 0))
    placement = transform.transforms[0].params["placement"]
    whole = cv2.resize(noise, (placement.width, placement.height), interpolation=cv2.INTER_LINEAR)
    left, top = -placement.left, -placement.top
    assert np.array_equal(image, whole[top : top + 200, left : left + 400])


def test_boxes_move_with_the_pixels_under_them_through_crops_and_flips() -> None:
    picture, corners = np.zeros((120, 160, 3), np.uint8), (40, 30, 100, 90)  # xyxy in pixels
    picture[30:90, 40:100] = 255
    boxes = np.array([corners]) / (160, 120, 160, 120)
    transform = training_transform(SIZE, Crops())
    for epoch in range(20):
        image, moved, rows = augment(transform, picture, boxes, (1, epoch, 0))
        y, x = np.nonzero(image[..., 0] > 127)
        assert rows.tolist() == [0]
        found = np.array([x.min() / 400, y.min() / 200, (x.max() + 1) / 400, (y.max() + 1) / 200])
        np.testing.assert_allclose(moved[0], found, atol=0.011)


def test_half_of_the_crops_are_mirrored_and_none_where_flip_is_off() -> None:
    def mirrored(crops: Crops) -> int:
        transform = training_transform(SIZE, crops)
        images = [augment(transform, smooth(60, 80), NO_BOXES, (0, epoch, 0))[0] for epoch in range(100)]
        return sum(int(image[0, 0, 0]) > int(image[0, -1, 0]) for image in images)

    assert 35 <= mirrored(Crops()) <= 65
    assert mirrored(Crops(flip=False)) == 0


def test_whole_crops_without_flips_are_the_picture_that_evaluation_sees(write_devkit: WriteDevkit) -> None:
    root: Path = write_devkit(count=2)
    whole, plain = (
        VOCDataset(root, ["VOC2007/test"], (64, 96), augmentation=augmentation)
        for augmentation in (Crops(smallest=1, flip=False), None)
    )
    for index in range(2):
        assert bool((whole[index]["image"] == plain[index]["image"]).all())


@pytest.mark.parametrize("smallest", [0.09, 1.1, float("nan")])
def test_crops_out_of_range_are_refused(smallest: float) -> None:
    with pytest.raises(OptionError, match="smallest must be in"):
        Crops(smallest=smallest)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"class_path": "lightning_app.data.Crops", "init_args": {"smallest": 0.7}}, {"smallest": 0.7, "flip": True}),
        ("Crops", {"smallest": 0.6, "flip": True}),
    ],
)
@pytest.mark.parametrize("data", ["VOCDataModule", "ShapesDataModule"])
def test_a_config_takes_crops_by_their_class_path(
    dfc: Dfc, workplace: Path, data: str, stated: Any, expected: dict[str, Any]
) -> None:
    options = {"data": {"class_path": f"lightning_app.data.{data}", "init_args": {"root": "here", "augment": stated}}}
    (workplace / "crops.yaml").write_text(yaml.safe_dump(options))
    config = "configs/yolo_lite.yaml", "-c", "crops.yaml"
    status, out, err = dfc("fit", "-c", *config, "--print_config")
    assert status == 0, err
    assert yaml.safe_load(out)["data"]["init_args"]["augment"] == {
        "class_path": "lightning_app.data.Crops",
        "init_args": expected,
    }


def test_crops_of_the_command_line_are_printed_so_that_they_can_be_read_again(dfc: Dfc, workplace: Path) -> None:
    options = "--data.augment", "Crops", "--data.augment.smallest", "0.5"
    status, out, err = dfc("fit", "-c", "configs/voc_yolov2.yaml", *options, "--print_config")
    assert status == 0, err
    assert yaml.safe_load(out)["data"]["init_args"]["augment"]["init_args"] == {"smallest": 0.5, "flip": True}
    (workplace / "printed.yaml").write_text(out)
    assert dfc("fit", "-c", "printed.yaml", "--print_config").out == out


@pytest.mark.parametrize("stated", [{"zoom_min": 0.5}, {"class_path": "Augmentation", "init_args": {"zoom_min": 0.5}}])
def test_darknets_options_need_no_class_path(dfc: Dfc, workplace: Path, stated: Any) -> None:
    (workplace / "own.yaml").write_text(yaml.safe_dump({"data": {"init_args": {"augment": stated}}}))
    status, out, err = dfc("fit", "-c", "configs/yolo_lite.yaml", "-c", "own.yaml", "--print_config")
    assert status == 0, err
    augment = yaml.safe_load(out)["data"]["init_args"]["augment"]
    assert augment["class_path"] == "lightning_app.data.Augmentation"
    assert (augment["init_args"]["zoom_min"], augment["init_args"]["zoom_max"]) == (0.5, 2.0)
