"""Darknet's .weights, in and out."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from lightning_app.darknet import Network, load_weights, save_weights
from lightning_app.errors import WeightsError

LITE = Path(__file__).parents[2] / "configs/networks/yolo-lite.cfg"


@pytest.mark.parametrize("name", ["tiny-yolov2-trial3", "tiny-yolov2-trial3-noBatch"])
def test_real_weights_are_written_again_byte_for_byte(shared: Path, tmp_path: Path, name: str) -> None:
    source = shared / "weights" / "yolo-lite" / name
    network = Network.from_cfg(source.with_suffix(".cfg"))
    load_weights(network, source.with_suffix(".weights"))
    save_weights(network, tmp_path / "again.weights")
    assert (tmp_path / "again.weights").read_bytes() == source.with_suffix(".weights").read_bytes()


@pytest.mark.parametrize(("version", "count"), [((0, 1, 0), "<I"), ((0, 2, 5), "<Q"), ((2, 0, 0), "<Q")])
def test_both_widths_of_the_header_are_read_and_written(
    randomised: Callable[[Path], Network], tmp_path: Path, version: tuple[int, int, int], count: str
) -> None:
    network, path = randomised(LITE), tmp_path / "a.weights"
    network.version = version
    network.seen = 32_013_312
    save_weights(network, path)
    assert path.read_bytes()[:12] == struct.pack("<3i", *version)
    assert struct.unpack_from(count, path.read_bytes(), 12) == (32_013_312,)
    other = Network.from_cfg(LITE, seed=1)
    load_weights(other, path)
    assert (other.version, other.seen) == (version, 32_013_312)
    for name, tensor in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(other.state_dict()[name], tensor), name


def test_values_stand_in_darknets_order(cfg: Callable[[str], Path], tmp_path: Path) -> None:
    path = cfg(
        "[net]\nwidth=32\nheight=32\nchannels=1\n[convolutional]\nbatch_normalize=1\nfilters=7\nsize=1\n"
        "activation=linear\n[region]\nanchors=1,1\nclasses=2\nnum=1\nsoftmax=1\n"
    )
    values = np.arange(35, dtype="<f4")
    (tmp_path / "a.weights").write_bytes(struct.pack("<3iI", 0, 1, 0, 0) + values.tobytes())
    network = Network.from_cfg(path)
    load_weights(network, tmp_path / "a.weights")
    layer = network.layers["conv_0"]
    names = ("norm.bias", "norm.weight", "norm.running_mean", "norm.running_var", "conv.weight")
    read = [layer.state_dict()[name].flatten().tolist() for name in names]
    assert read == values.reshape(5, 7).tolist()


def test_a_short_file_fills_the_layers_that_it_reaches(randomised: Callable[[Path], Network], tmp_path: Path) -> None:
    save_weights(randomised(LITE), tmp_path / "whole.weights")
    first_two = 20 + 4 * (4 * 16 + 3 * 16 * 9 + 4 * 32 + 16 * 32 * 9)
    (tmp_path / "short.weights").write_bytes((tmp_path / "whole.weights").read_bytes()[:first_two])
    network = Network.from_cfg(LITE)
    untouched = network.layers["conv_4"].state_dict()["conv.weight"].clone()
    missing = load_weights(network, tmp_path / "short.weights")
    assert missing == ["conv_4", "conv_6", "conv_8", "conv_10", "conv_11"]
    assert torch.equal(network.layers["conv_4"].state_dict()["conv.weight"], untouched)
    expected = randomised(LITE).layers["conv_2"].state_dict()["conv.weight"]
    assert torch.equal(network.layers["conv_2"].state_dict()["conv.weight"], expected)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (struct.pack("<3iQ", 0, 2, 0, 0) + bytes(4 * 700), "holds 700 floats and the network needs 574,189"),
        (struct.pack("<3iQ", 0, 2, 0, 0) + bytes(4 * 600_000), "holds 600,000 floats and the network needs 574,189"),
        (struct.pack("<3iQ", 0, 2, 0, 0) + bytes(1001), "is cut off"),
        (b"weights", "is too short for Darknet weights: 7 bytes"),
    ],
)
def test_weights_that_do_not_fit_are_refused_with_both_counts(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "bad.weights").write_bytes(content)
    with pytest.raises(WeightsError) as error:
        load_weights(Network.from_cfg(LITE), tmp_path / "bad.weights")
    assert sentence in str(error.value)
    assert "bad.weights" in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"absent\.weights cannot be read"):
        load_weights(Network.from_cfg(LITE), tmp_path / "absent.weights")


def test_initial_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(1)
    first = Network.from_cfg(LITE, seed=5).state_dict()
    torch.manual_seed(2)
    again, other = Network.from_cfg(LITE, seed=5).state_dict(), Network.from_cfg(LITE, seed=6).state_dict()
    key = "layers.conv_10.conv.weight"
    assert torch.equal(first[key], again[key])
    assert not torch.equal(first[key], other[key])
    assert first[key].std().item() == pytest.approx((2 / (128 * 9)) ** 0.5, rel=0.01)
