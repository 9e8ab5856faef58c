"""Darknet's .weights, in and out."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from lightning_app.darknet import Network, load_weights, save_weights
from lightning_app.errors import WeightsError

NETWORKS = Path(__file__).parents[2] / "configs" / "networks"
LITE = NETWORKS / "yolo-lite.cfg"


@pytest.mark.parametrize(
    ("cfg", "weights"),
    [
        ("yolo-lite/tiny-yolov2-trial3.cfg", "yolo-lite/tiny-yolov2-trial3.weights"),
        ("yolo-lite/tiny-yolov2-trial3-noBatch.cfg", "yolo-lite/tiny-yolov2-trial3-noBatch.weights"),
        ("yolo-fastest/yolo-fastest-xl-voc.cfg", "yolo-fastest/yolo-fastest-xl-voc.v1.weights"),
    ],
)
def test_real_weights_are_written_again_byte_for_byte(shared: Path, tmp_path: Path, cfg: str, weights: str) -> None:
    network = Network.from_cfg(shared / "weights" / cfg)
    assert load_weights(network, shared / "weights" / weights) == []
    save_weights(network, tmp_path / "again.weights")
    assert (tmp_path / "again.weights").read_bytes() == (shared / "weights" / weights).read_bytes()


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


def test_a_filter_of_a_group_has_the_weights_of_its_group_alone(cfg: Callable[[str], Path], tmp_path: Path) -> None:
    """14 filters in 2 groups over 4 channels: a bias each, then 2 weights each."""
    path = cfg(
        "[net]\nwidth=32\nheight=32\nchannels=4\n[convolutional]\nfilters=14\nsize=1\ngroups=2\n"
        "activation=linear\n[yolo]\nanchors=1,1,2,2\nclasses=2\nnum=2\n"
    )
    values = np.arange(42, dtype="<f4")
    (tmp_path / "a.weights").write_bytes(struct.pack("<3iI", 0, 1, 0, 0) + values.tobytes())
    network = Network.from_cfg(path)
    assert load_weights(network, tmp_path / "a.weights") == []
    with torch.no_grad():
        (raw,) = network(torch.tensor([1.0, 10, 100, 1000]).view(1, 4, 1, 1))
    biases, weights = values[:14], values[14:].reshape(14, 2)
    assert raw.flatten().tolist() == [*(biases + weights @ [1, 10])[:7], *(biases + weights @ [100, 1000])[7:]]


def test_the_trunk_of_darknet19_starts_yolov2_and_yolo9000(
    randomised: Callable[[Path], Network], yolo9000: Path, tmp_path: Path
) -> None:
    """As ``darknet partial darknet19_448.cfg darknet19_448.weights darknet19_448.conv.23 23``."""
    classifier, path = randomised(NETWORKS / "darknet19_448.cfg"), tmp_path / "darknet19_448.conv.23"
    classifier.seen = 1_000_000
    save_weights(classifier, path, upto=23)
    assert path.stat().st_size == 20 + 4 * 19_831_776
    for cfg, rest in (
        (NETWORKS / "yolov2-voc.cfg", ["conv_23", "conv_24", "conv_26", "conv_29", "conv_30"]),
        (NETWORKS / "yolov2-voc-no-passthrough.cfg", ["conv_23", "conv_24", "conv_25", "conv_26"]),
        (yolo9000, ["conv_23"]),
    ):
        network = Network.from_cfg(cfg)
        assert load_weights(network, path) == rest
        assert network.seen == 0
        last = (other.layers["conv_22"].state_dict()["conv.weight"] for other in (network, classifier))
        assert torch.equal(*last)


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


def test_a_file_cut_off_before_a_layer_is_the_start_of_the_whole_with_nothing_seen(
    randomised: Callable[[Path], Network], tmp_path: Path
) -> None:
    network, whole, start = randomised(LITE), tmp_path / "whole.weights", tmp_path / "start.weights"
    network.seen = 64
    save_weights(network, whole)
    save_weights(network, start, upto=4)
    header, values = start.read_bytes()[:20], start.read_bytes()[20:]
    assert len(values) == 4 * (4 * 16 + 3 * 16 * 9 + 4 * 32 + 16 * 32 * 9)  # conv_0 and conv_2
    assert whole.read_bytes()[20:].startswith(values)
    assert header == struct.pack("<3iQ", 0, 2, 0, 0)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (struct.pack("<3iQ", 0, 2, 0, 0) + bytes(4 * 700), "holds 700 floats and the network needs 574,189"),
        (struct.pack("<3iQ", 0, 2, 0, 0) + bytes(4 * 600_000), "holds 600,000 floats and the network needs 574,189"),
        (struct.pack("<3iQ", 0, 2, 0, 0) + bytes(1001), "is cut off"),
        (b"weights", "is too short for Darknet weights: 7 bytes"),
        (struct.pack("<3iQ", 0, 2, 0, 0) + bytes(4), "it is cut off, or it was made for another .cfg"),
        (
            b"<!DOCTYPE html><html>",
            "is a page of the web and holds no weights: open it in a browser and fetch the file",
        ),
        (b"PK\3\4" + bytes(100), "is a zip or a file of PyTorch's and no Darknet weights"),
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


def test_a_pointer_of_git_lfs_is_called_so(shared: Path) -> None:
    network = Network.from_cfg(shared / "cases/cfg/plain.cfg")
    with pytest.raises(WeightsError, match="is a pointer of Git LFS and holds no weights: fetch the file itself"):
        load_weights(network, shared / "cases/lfs-pointer/tiny.weights")
