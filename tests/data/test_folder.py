import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from lightning_app.data import Crops, Key, PicturesDataset
from lightning_app.data.devkit import SUFFIXES
from lightning_app.data.folder import find_pictures
from lightning_app.errors import DataError

WritePictures = Callable[..., Path]
SIZE = (64, 96)  # height, width
FORMATS = {".jfif": "JPEG", ".jpe": "JPEG", ".jpg": "JPEG", ".pbm": "PPM", ".pgm": "PPM", ".pnm": "PPM", ".tif": "TIFF"}


def test_pictures_come_from_all_subfolders_in_the_order_of_their_codes(write_pictures: WritePictures) -> None:
    root = write_pictures("b.png", "a.jpg", "a/c.jpg", "a/d/e.JPG", "Z.jpeg", "ä.webp", "a-b.bmp", "10.tif", "9.TIFF")
    assert find_pictures(root) == [
        "10.tif", "9.TIFF", "Z.jpeg", "a-b.bmp", "a.jpg", "a/c.jpg", "a/d/e.JPG", "b.png", "ä.webp",
    ]  # fmt: skip


def test_hidden_files_and_other_files_are_left_out(write_pictures: WritePictures) -> None:
    root = write_pictures("a.jpg", ".b.jpg", "._a.jpg", ".thumbnails/a.jpg", "trip/.c.png")
    (root / "list.txt").write_text("a.jpg")
    (root / "a.jpg.txt").write_text("")
    assert find_pictures(root) == ["a.jpg"]


def test_links_to_folders_are_followed_once_and_not_in_a_ring(write_pictures: WritePictures) -> None:
    root = write_pictures("real/a.jpg", "real/deep/b.jpg")
    other = write_pictures("c.jpg", folder="elsewhere")
    for link, target in (("link", root / "real"), ("real/up", root), ("other", other), ("real/self", root / "real")):
        (root / link).symlink_to(target, target_is_directory=True)
    assert find_pictures(root) == ["link/a.jpg", "link/deep/b.jpg", "other/c.jpg"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_of_every_suffix_is_found_and_read(tmp_path: Path, suffix: str) -> None:
    mode = {".pbm": "1", ".pgm": "L"}.get(suffix, "RGB")
    Image.new(mode, (20, 10), "white").save(tmp_path / f"a{suffix}", FORMATS.get(suffix))
    annotation, image = PicturesDataset(tmp_path, SIZE).read(0)
    assert image.shape == (10, 20, 3)
    assert image.min() > 250
    assert (annotation.width, annotation.height, len(annotation.boxes)) == (20, 10, 0)


def test_a_folder_that_cannot_be_searched_is_refused_with_the_remedy(write_pictures: WritePictures) -> None:
    root = write_pictures("a.jpg")
    (root / "empty").mkdir()
    for name, why in (("none", "No such file or directory"), ("a.jpg", "Not a directory")):
        sentence = f"the folder {root / name} cannot be read: {why}; give a folder of pictures that you may read"
        with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
            find_pictures(root / name)
    with pytest.raises(DataError, match=r"the folder .*/empty holds no picture: give one of files that end in \.bmp"):
        find_pictures(root / "empty")


def test_a_subfolder_that_may_not_be_read_is_named(write_pictures: WritePictures) -> None:
    root = write_pictures("a.jpg", "locked/b.jpg")
    (root / "locked").chmod(0)
    if os.access(root / "locked", os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(DataError, match=r"the folder .*/locked cannot be read: Permission denied"):
        find_pictures(root)


def test_an_example_has_its_picture_and_no_objects(write_pictures: WritePictures) -> None:
    root = write_pictures("a.png", "trip/b.png")
    example = PicturesDataset(root, SIZE)[1]
    target = example["target"]
    assert example["image"].shape == (3, *SIZE)
    assert (target["id"], target["index"], target["file"]) == ("trip/b.png", 1, str(root / "trip/b.png"))
    assert (target["size"], target["fixed"]) == ((60, 80), True)
    assert target["boxes"].shape == target["voc_boxes"].shape == (0, 4)
    assert target["labels"].shape == target["difficult"].shape == target["class_only"].shape == (0,)


def test_an_augmented_example_depends_on_the_seed_the_epoch_and_the_picture_alone(
    write_pictures: WritePictures,
) -> None:
    root = write_pictures("a.png", "b.png")

    def drawn(seed: int, epoch: int, index: int) -> bytes:
        data = PicturesDataset(root, SIZE, Crops(), seed=seed)
        return data[Key(epoch, index)]["image"].numpy().tobytes()

    assert drawn(0, 0, 0) == drawn(0, 0, 0)
    assert len({drawn(0, 0, 0), drawn(1, 0, 0), drawn(0, 1, 0), drawn(0, 0, 1)}) == 4


@pytest.mark.parametrize("content", [b"", b"no picture", None])
def test_a_picture_that_cannot_be_read_is_named_with_the_remedy(
    write_pictures: WritePictures, content: bytes | None
) -> None:
    path = write_pictures("a.jpg") / "a.jpg"
    path.write_bytes(path.read_bytes()[:400] if content is None else content)
    with pytest.raises(DataError) as caught:
        PicturesDataset(path.parent, SIZE)[0]
    assert str(caught.value).startswith(f"{path} cannot be read as a picture: ")
    assert str(caught.value).endswith("; replace it, or take it out of the folder")
    assert "\n" not in str(caught.value)
