"""Plain resize and letterbox, by hand."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from lightning_app.boxes import WHOLE, cxcywh_to_xyxy
from lightning_app.data import Target, VOCDataModule, VOCDataset, fit_picture
from lightning_app.data.augmentation import Placement
from lightning_app.data.resize import Resize, letterbox, letterbox_window
from lightning_app.detections import in_pixels

WriteDevkit = Callable[..., Path]
GREY = 128


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_a_plain_resize_is_bilinear_without_antialias() -> None:
    image = np.zeros((1, 8, 3), np.uint8)
    image[0, 3] = 200
    # Output pixel i samples at 4·i + 1.5, between pixels 4·i + 1 and 4·i + 2: the bright one is not seen.
    assert fit_picture(image, (1, 2))[0][0, :, 0].tolist() == [0, 0]
    image[0, 2] = 100
    assert fit_picture(image, (1, 2))[0][0, :, 0].tolist() == [50, 0]


def test_a_plain_resize_fills_the_whole_input() -> None:
    fitted, window = fit_picture(picture(375, 500), (224, 320), "plain")
    assert np.array_equal(fitted, cv2.resize(picture(375, 500), (320, 224), interpolation=cv2.INTER_LINEAR))
    assert window == WHOLE


@pytest.mark.parametrize(
    ("original", "size", "placement", "window"),
    [
        # 416/500 < 416/375: 416 wide, 375·416/500 = 312 high; 104 rows are left over, 52 above.
        ((375, 500), (416, 416), Placement(416, 312, 0, 52), (0, 52 / 416, 1, 364 / 416)),
        ((500, 375), (416, 416), Placement(312, 416, 52, 0), (52 / 416, 0, 364 / 416, 1)),
        # 333·416/500 = 277.06, cut to 277; of the 139 rows 69 are above, and 69.5 by correct_region_boxes.
        ((333, 500), (416, 416), Placement(416, 277, 0, 69), (0, 69.5 / 416, 1, 346.5 / 416)),
        # 320/375 = .853 < 224/200 = 1.12: 320 wide, 200·320/375 = 170.67, cut to 170; 54 rows are left over.
        ((200, 375), (224, 320), Placement(320, 170, 0, 27), (0, 27 / 224, 1, 197 / 224)),
        ((300, 300), (416, 416), Placement(416, 416, 0, 0), WHOLE),
        ((2, 3000), (416, 416), Placement(416, 1, 0, 207), (0, 207.5 / 416, 1, 208.5 / 416)),
    ],
)
def test_a_letterbox_is_the_one_worked_out_by_hand(
    original: tuple[int, int],
    size: tuple[int, int],
    placement: Placement,
    window: tuple[float, float, float, float],
) -> None:
    assert letterbox(original, size) == placement
    assert letterbox_window(original, size) == pytest.approx(window)


def test_a_letterboxed_picture_lies_in_its_window_and_grey_around_it() -> None:
    fitted, window = fit_picture(picture(375, 500), (416, 416), "letterbox")
    assert window == (0, 0.125, 1, 0.875)
    assert np.array_equal(fitted[52:364], cv2.resize(picture(375, 500), (416, 312), interpolation=cv2.INTER_LINEAR))
    assert np.all(fitted[:52] == GREY)
    assert np.all(fitted[364:] == GREY)


@pytest.mark.parametrize("original", [(375, 500), (500, 375), (333, 500), (281, 500), (500, 334), (64, 64)])
@pytest.mark.parametrize("size", [(416, 416), (256, 320)])
def test_a_letterbox_is_that_of_opencv(original: tuple[int, int], size: tuple[int, int]) -> None:
    parameters = cv2.dnn.Image2BlobParams()
    parameters.size = (size[1], size[0])
    parameters.paddingmode = cv2.dnn.DNN_PMODE_LETTERBOX
    parameters.borderValue = (GREY,) * 3
    expected = cv2.dnn.blobFromImageWithParams(picture(*original), parameters)[0].transpose(1, 2, 0)
    assert np.array_equal(fit_picture(picture(*original), size, "letterbox")[0], expected)


def one_dog(root: Path, resize: Resize) -> Target:
    """A dog at 11 7 41 37 in a picture of 80×60, and a cat at 41 31 61 51, for an input of 96×96."""
    target: Target = VOCDataset(root, ["VOC2007/test"], (96, 96), resize=resize)[0]["target"]
    return target


def test_letterboxed_boxes_are_those_worked_out_by_hand(write_devkit: WriteDevkit) -> None:
    target = one_dog(write_devkit(1), "letterbox")
    # 80×60 becomes 96×72 with 12 rows above: x = (11 - 1) / 80, y = (12 + 72 · (7 - 1) / 60) / 96, …
    expected = [10 / 80, (12 + 7.2) / 96, 40 / 80, (12 + 43.2) / 96]
    assert cxcywh_to_xyxy(target["boxes"])[0].tolist() == pytest.approx(expected)
    assert target["window"] == (0, 12 / 96, 1, 84 / 96)


@pytest.mark.parametrize("resize", ["plain", "letterbox"])
@pytest.mark.parametrize("shape", [(80, 60), (60, 80), (77, 50), (50, 50)])
def test_found_boxes_come_back_to_the_pixels_of_the_original(
    write_devkit: WriteDevkit, resize: Resize, shape: tuple[int, int]
) -> None:
    root = write_devkit(1)
    width, height = shape
    Image.new("RGB", shape).save(root / "VOC2007/JPEGImages/000001.jpg")
    path = root / "VOC2007/Annotations/000001.xml"
    text = path.read_text().replace("<width>80", f"<width>{width}").replace("<height>60", f"<height>{height}")
    path.write_text(text.replace("<xmax>61", "<xmax>50").replace("<ymax>51", "<ymax>50"))
    target = one_dog(root, resize)
    boxes = cxcywh_to_xyxy(target["boxes"])
    found = in_pixels({"boxes": boxes, "scores": torch.ones(2), "labels": target["labels"]}, target)
    torch.testing.assert_close(found["boxes"], target["voc_boxes"])


def test_a_box_found_on_the_grey_is_cut_to_the_picture(write_devkit: WriteDevkit) -> None:
    target = one_dog(write_devkit(1), "letterbox")
    found = in_pixels(
        {"boxes": torch.tensor([[0.0, 0, 1, 1]]), "scores": torch.ones(1), "labels": torch.zeros(1)}, target
    )
    assert found["boxes"].tolist() == [[1, 1, 80, 60]]


def test_the_data_module_letterboxes_what_it_does_not_augment(write_devkit: WriteDevkit) -> None:
    train = ["VOC2007/trainval"]
    data = VOCDataModule(str(write_devkit(2)), train, size=96, batch_size=2, workers=0, resize="letterbox")
    data.setup()
    loaders = (data.val_dataloader(), data.test_dataloader(), data.predict_dataloader())
    for batch in (next(iter(loader)) for loader in loaders):
        assert batch["targets"][0]["window"] == (0, 12 / 96, 1, 84 / 96)
        assert torch.all(batch["images"][:, :, :12] == GREY / 255)
    assert {target["window"] for batch in data.train_dataloader() for target in batch["targets"]} == {WHOLE}
