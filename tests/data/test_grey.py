"""A network with ``channels=1`` sees grey pictures, in every command."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from lightning_app.darknet import Network, read_detector, save_weights
from lightning_app.data import Augmentation, VOCDataset, as_channels, to_tensor
from lightning_app.data.pixels import to_grey
from lightning_app.errors import CfgError, OptionError
from lightning_app.evaluation.links import Model, Photo, PictureLink
from lightning_app.picture_channel import PictureChannel
from lightning_app.systems import CloudOnly

Dfc = Callable[..., tuple[int, str, str]]
SETS = '["Blobs/trainval"]'
pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers")


@pytest.fixture
def colours() -> np.ndarray:
    """Every seventeenth level of red, green and blue, all together."""
    levels = np.arange(0, 256, 17, dtype=np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1)  # (16, 16, 16, 3)
    return grid.reshape(64, 64, 3)


def test_grey_is_a_level_away_at_most_from_what_opencv_and_stb_image_read(colours: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(colours).save(tmp_path / "a.png")
    opencv = np.asarray(cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_GRAYSCALE))
    ours = to_grey(colours)
    assert np.ptp(ours, axis=2).max() == 0
    assert np.abs(ours[..., 0] - opencv.astype(int)).max() <= 1
    r, g, b = (colours[..., channel].astype(int) for channel in range(3))
    stb = (77 * r + 150 * g + 29 * b) >> 8
    assert np.abs(stb - ours[..., 0].astype(int)).max() <= 1


def test_the_grey_of_a_real_photograph_is_opencvs_but_for_rounding(shared: Path) -> None:
    file = shared / "VOCdevkit/VOC2007/JPEGImages/000001.jpg"
    opencv = np.asarray(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)).astype(int)
    difference = np.abs(to_grey(np.array(Image.open(file)))[..., 0] - opencv)
    assert np.mean(difference <= 1) > 0.98
    assert difference.mean() < 0.5


def test_a_colour_picture_is_left_as_it_is_and_other_channels_are_refused(colours: np.ndarray) -> None:
    assert as_channels(colours, 3) is colours
    with pytest.raises(OptionError, match="takes pictures of 4 channels: give one with channels=1"):
        as_channels(colours, 4)


def test_a_cfg_of_four_channels_is_refused_at_its_line(shared: Path, tmp_path: Path) -> None:
    path = tmp_path / "four.cfg"
    path.write_text((shared / "cases/cfg/grey.cfg").read_text().replace("channels=1", "channels=4"))
    with pytest.raises(CfgError, match=r"four\.cfg:4: \[net\] channels must be 3, for colour pictures, or 1, for grey"):
        read_detector(path)


def test_the_exposure_changes_a_grey_example_and_hue_and_saturation_do_not(shared: Path) -> None:
    """As Darknet does, which turns the colours of pictures of three channels alone."""

    def example(augmentation: Augmentation) -> torch.Tensor:
        data = VOCDataset(shared / "cases/own-classes", ["Blobs/trainval"], (64, 64), ("round", "square"), augmentation)
        data.channels = 1
        return data[0]["image"]

    still = {"jitter": 0.0, "zoom_min": 1.0, "zoom_max": 1.0, "flip": False}
    plain = example(Augmentation(hue=0, saturation=1, exposure=1, **still))  # type: ignore[arg-type]
    assert plain.shape == (1, 64, 64)
    turned = example(Augmentation(hue=0.5, saturation=3, exposure=1, **still))  # type: ignore[arg-type]
    lighter = example(Augmentation(hue=0, saturation=1, exposure=3, **still))  # type: ignore[arg-type]
    assert torch.equal(turned, plain)
    assert not torch.equal(lighter, plain)


def test_the_cloud_only_way_codes_the_grey_picture_in_fewer_bits(shared: Path) -> None:
    file = shared / "VOCdevkit/VOC2007/JPEGImages/000001.jpg"
    with (channel := PictureChannel(qps=[32], workers=1)).pool:
        (grey,), (bits,) = channel.send([file], 32, channels=1)
        _, (colour,) = channel.send([file], 32)
    assert bits < colour
    assert np.ptp(grey, axis=2).max() <= 2  # no colour came through the codec


def test_every_command_runs_a_grey_network(dfc: Dfc, shared: Path, workplace: Path) -> None:
    """On pictures of colour; a picture's boxes are the same from ``predict`` as from ``encode`` and ``decode``."""
    cfg = workplace / "grey.cfg"
    # Two classes for the two of the devkit, on the network of the case.
    text = (shared / "cases/cfg/grey.cfg").read_text()
    cfg.write_text(text.replace("classes=1", "classes=2").replace("filters=12", "filters=14"))
    devkit = Path(shutil.copytree(shared / "cases/own-classes", workplace / "devkit"))
    network = read_detector(cfg)
    save_weights(network, workplace / "grey.weights")
    assert next(network.parameters()).shape[1] == 1
    common = ("-c", "configs/yolo_lite.yaml", "--model.network", cfg, "--data.root", devkit,
              "--data.classes", '["round","square"]', "--data.workers", "0",
              "--trainer.accelerator", "cpu", "--trainer.enable_progress_bar", "false")  # fmt: skip
    sets = ("--data.train", SETS, "--data.val", SETS, "--data.test", SETS, "--data.predict", SETS)
    weights, cut = ("--model.weights", workplace / "grey.weights"), ("--model.channel.split", "conv_0")
    done = dfc("fit", *common, *sets, *weights, *cut, "--model.channel.qps", "[32]", "--trainer.max_epochs", "1",
               "--data.batch_size", "2", "--trainer.enable_model_summary", "false",
               "--trainer.log_every_n_steps", "1")  # fmt: skip
    assert done[0] == 0, done[2]
    done = dfc("test", *common, *sets, *weights, "--model.picture.qps", "[original,32]")
    assert done[0] == 0, done[2]
    done = dfc("evaluate", *common, *sets, *weights, "--splits", "[conv_0]", "--qps", "[lossless]",
               "--anchor.qps", "[original,32]")  # fmt: skip
    assert done[0] == 0, done[2]
    done = dfc("predict", *common, *sets, *weights, *cut, "--model.channel.qps", "[lossless]",
               "--data.eval_batch_size", "1", "--model.score_threshold", "0.2")  # fmt: skip
    assert done[0] == 0, done[2]
    rows = json.loads(Path(done[1].split("Written to ")[1].strip()).read_text())
    (row,) = [row for row in rows if row["id"] == "Blobs/0"]
    sides = ("--network", cfg, "--weights", workplace / "grey.weights")
    done = dfc("encode", devkit / "Blobs/JPEGImages/0.jpg", "-o", "x.dfc", *sides, "--channel.split", "conv_0")
    assert done[0] == 0, done[2]
    Path("two.names").write_text("round\nsquare\n")
    done = dfc("decode", "x.dfc", *sides, "--classes", "two.names", "--score_threshold", "0.2")
    assert done[0] == 0, done[2]
    assert row["detections"] == json.loads(Path("x.json").read_text())
    assert len(row["detections"]) > 0


def test_a_grey_example_is_the_grey_picture(shared: Path) -> None:
    data = VOCDataset(shared / "cases/own-classes", ["Blobs/trainval"], (80, 96), ("round", "square"))
    colour = data[0]["image"]
    data.channels = 1
    grey = data[0]["image"]
    picture = (colour.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()  # of the network's size: not resized
    assert torch.equal(grey, to_tensor(to_grey(picture), 1))
    assert Network.from_cfg(shared / "cases/cfg/grey.cfg").eval()(grey[None, :, :64, :64])[0].shape == (1, 12, 16, 16)


def test_a_teacher_of_colour_pictures_is_refused_for_a_grey_network(shared: Path) -> None:
    grey, colour = (read_detector(shared / f"cases/cfg/{name}.cfg") for name in ("grey", "plain"))
    with pytest.raises(OptionError, match="the teacher takes pictures of 3 channels and the network of 1: take a"):
        grey.check_teacher(colour)


def test_an_evaluations_cache_keeps_the_grey_picture_apart_from_the_colour_one(shared: Path) -> None:
    data = VOCDataset(shared / "cases/own-classes", ["Blobs/trainval"], (64, 64), ("round", "square"))
    keys, coded = [], []
    for name in ("plain", "grey"):
        network = read_detector(shared / f"cases/cfg/{name}.cfg")
        example = data[0]
        photo = Photo(example["image"][None], example["target"], Model(network, name, "plain"), ())
        link = PictureLink(CloudOnly(network, PictureChannel(qps=[32])), 32)
        keys.append(link.key(photo))
        coded += link.pictures(photo)
    assert keys[0] != keys[1]
    assert np.ptp(coded[0], axis=2).max() > 0
    assert np.ptp(coded[1], axis=2).max() == 0
