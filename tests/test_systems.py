"""The two systems on real modules: how often each part runs, what is sent, what is trained."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from lightning_app.boxes import WHOLE
from lightning_app.channel import FeatureChannel
from lightning_app.codecs import HEVC, HEVC420, ColourJPEG
from lightning_app.darknet import Network
from lightning_app.data import Batch, Target, fit_picture, read_picture, to_tensor
from lightning_app.errors import OptionError
from lightning_app.picture_channel import PictureChannel
from lightning_app.systems import CloudOnly, Collaborative

SHAPES = Path(__file__).parents[1] / "configs/networks/shapes.cfg"


@pytest.fixture
def network() -> Network:
    return Network.from_cfg(SHAPES).eval()


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    """Two JPEG files of different sizes, one of odd sides, and what the loader makes of them."""
    files = []
    for i, (height, width) in enumerate([(75, 100), (48, 61)]):
        rows, cols = np.mgrid[:height, :width]
        rgb = np.stack([rows * 3 % 256, cols * 2 % 256, (rows + cols) % 256], axis=-1).astype(np.uint8)
        files.append(tmp_path / f"{i}.jpg")
        Image.fromarray(rgb).save(files[-1], quality=95)
    images = torch.stack([to_tensor(fit_picture(read_picture(file), (64, 64))[0]) for file in files])
    return {"images": images, "targets": [target(i, file) for i, file in enumerate(files)]}


def target(index: int, file: Path) -> Target:
    empty, none = torch.zeros(0, 4), torch.zeros(0, dtype=torch.long)
    return {
        "boxes": empty, "labels": none, "difficult": none.bool(), "voc_boxes": empty, "class_only": none,
        "window": WHOLE, "fixed": True, "index": index, "id": str(index), "file": str(file), "size": (64, 64),
    }  # fmt: skip


def test_the_front_runs_once_and_the_back_once_a_qp(network: Network, batch: Batch) -> None:
    channel = FeatureChannel(split="max_5", eval_qps=["lossless", 22, 32, 42], workers=1)
    system = Collaborative(network, channel)
    runs = {"conv_0": 0, "conv_6": 0}

    def count(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            runs[name] += 1

        return hook

    for name in runs:
        network.layers[name].register_forward_hook(count(name))
    with torch.no_grad(), channel.pool:
        points = list(system.operating_points(batch, "plain"))
    assert [point.label for point in points] == ["lossless", "qp22", "qp32", "qp42"]
    assert [len(point.raws[0]) for point in points] == [2] * 4
    totals = [int(point.bits.sum()) for point in points]
    assert totals == sorted(totals, reverse=True)
    assert runs == {"conv_0": 1, "conv_6": 4}


def test_without_a_codec_the_cloud_gets_the_original_files(network: Network, batch: Batch) -> None:
    with torch.no_grad():
        ((label, raws, bits),) = CloudOnly(network, None).operating_points(batch, "plain")
        expected = network(batch["images"])
    assert label == "plain"
    assert torch.equal(raws[0], expected[0])
    assert bits.tolist() == [8 * Path(t["file"]).stat().st_size for t in batch["targets"]]


def test_the_original_files_are_one_operating_point_among_coded_pictures(network: Network, batch: Batch) -> None:
    picture = PictureChannel(qps=["original", "lossless", 22, 42], workers=1)
    with torch.no_grad(), picture.pool:
        points = {point.label: point for point in CloudOnly(network, picture).operating_points(batch, "plain")}
        ((_, raws, bits),) = CloudOnly(network, None).operating_points(batch, "plain")
    assert list(points) == ["original", "lossless", "qp22", "qp42"]
    assert torch.equal(points["original"].raws[0], raws[0])
    assert torch.equal(points["original"].bits, bits)
    assert (points["qp22"].bits > points["qp42"].bits).all()
    errors = [(points[label].raws[0] - raws[0]).abs().mean().item() for label in ("lossless", "qp22", "qp42")]
    assert errors == sorted(errors)
    assert errors[-1] > 0


def test_each_picture_is_coded_at_its_own_size(batch: Batch) -> None:
    picture = PictureChannel(qps=[32], workers=1)
    files = [Path(t["file"]) for t in batch["targets"]]
    with picture.pool:
        pictures, bits = picture.send(files, 32)
    assert [rgb.shape for rgb in pictures] == [(75, 100, 3), (48, 61, 3)]
    assert bits == [8 * len(HEVC420().encode(read_picture(file), 32)) for file in files]


def test_jpeg_qualities_are_operating_points(network: Network, batch: Batch) -> None:
    picture = PictureChannel(ColourJPEG(), qps=[90, 20], workers=1)
    with torch.no_grad(), picture.pool:
        fine, coarse = CloudOnly(network, picture).operating_points(batch, "plain")
    assert (fine.bits > coarse.bits).all()


def test_rates_that_the_codec_does_not_know_are_refused() -> None:
    with pytest.raises(OptionError, match="QP must be lossless or 0 to 51, not 60"):
        PictureChannel(qps=[60])
    with pytest.raises(OptionError, match="qps names no rate"):
        PictureChannel(qps=[])


def test_training_sends_gradients_through_the_codec_to_the_first_layer(network: Network, batch: Batch) -> None:
    channel = FeatureChannel(split="max_5", qps=[37], workers=1)
    with channel.pool:
        record = Collaborative(network, channel).submit(batch, seed=0, epoch=0).result()
    record.raws[0].square().sum().backward()  # type: ignore[no-untyped-call]
    assert record.bits is not None
    first = network.layers["conv_0"].conv
    assert isinstance(first, nn.Conv2d)
    assert first.weight.grad is not None
    assert first.weight.grad.abs().sum() > 0


def test_what_would_fail_at_the_first_picture_is_refused_at_once(network: Network) -> None:
    with pytest.raises(OptionError, match="group=7 must divide the 32 channels that are sent"):
        Collaborative(network, FeatureChannel(split="max_5", layout="frames", group=7))
    with pytest.raises(OptionError, match="nothing behind conv_9 can learn: cut earlier"):
        Collaborative(network, FeatureChannel(split="conv_9", gradient="stop"))


def test_a_network_in_float64_stays_so_through_the_channel(network: Network, batch: Batch) -> None:
    channel = FeatureChannel(split="max_5", qps=[37], workers=1)
    with torch.no_grad(), channel.pool:
        doubled: Batch = {**batch, "images": batch["images"].double()}
        record = Collaborative(network.double(), channel).submit(doubled, seed=0, epoch=0).result()
    assert record.raws[0].dtype == torch.float64


def test_what_points_csv_says_of_each_system(network: Network) -> None:
    frames = Collaborative(network, FeatureChannel(split="max_5", layout="frames", group=4, depth=10))
    assert frames.columns(22) == {
        "split": "max_5", "layout": "frames/4", "codec": "HEVC", "depth": "10", "passthrough": "reduced",
        "zero_min": "false", "scaling": "minmax", "transform": "",
    }  # fmt: skip
    best = FeatureChannel(split="max_5", codec=HEVC(settings="best"))
    assert Collaborative(network, best).columns(22)["codec"] == "HEVC/best"
    picture = CloudOnly(network, PictureChannel())
    assert [picture.columns(qp)["codec"] for qp in ("original", 32)] == ["original", "HEVC420"]
    assert set(CloudOnly(network, None).columns(None).values()) == {"", "original"}
