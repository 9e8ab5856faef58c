"""Our networks against OpenCV's importer of Darknet's files, which we did not write."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from lightning_app.darknet import Network, load_weights, save_weights

GROUPED = """
[net]
width=64
height=32
channels=3
[convolutional]
filters=8
size=3
stride=2
pad=1
batch_normalize=1
activation=leaky
[convolutional]
filters=16
size=3
pad=1
groups=4
activation=leaky
[maxpool]
size=2
stride=2
[convolutional]
filters=32
size=3
pad=1
stride=2
activation=linear
[route]
layers=-2
[reorg]
stride=2
[route]
layers=-1,-3
[convolutional]
filters=14
size=1
activation=linear
[region]
anchors=1,1,2,2
classes=2
num=2
softmax=1
"""


def raw_head_by_opencv(cfg: Path, weights: Path, image: torch.Tensor, layer: str) -> np.ndarray:
    net = cv2.dnn.readNetFromDarknet(str(cfg), str(weights))
    net.setInput(image.numpy())
    return np.asarray(net.forward(layer))


def largest_difference(network: Network, cfg: Path, weights: Path) -> float:
    """Relative to the largest value of the raw head."""
    image = torch.rand(1, 3, *network.size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        ours = network.eval()(image)[0].numpy()
    theirs = raw_head_by_opencv(cfg, weights, image, network.nodes[-2].name)
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def test_every_shipped_network_gives_opencvs_raw_head_on_random_weights(
    shipped: Path, randomised: Callable[[Path], Network], tmp_path: Path
) -> None:
    network = randomised(shipped)
    save_weights(network, tmp_path / "random.weights")
    assert largest_difference(network, shipped, tmp_path / "random.weights") < 1e-4


def test_groups_strides_and_reorg_give_opencvs_raw_head(
    cfg: Callable[[str], Path], randomised: Callable[[Path], Network], tmp_path: Path
) -> None:
    path = cfg(GROUPED)
    network = randomised(path)
    save_weights(network, tmp_path / "random.weights")
    assert largest_difference(network, path, tmp_path / "random.weights") < 1e-4


@pytest.mark.parametrize("name", ["tiny-yolov2-trial3", "tiny-yolov2-trial3-noBatch"])
def test_real_weights_give_opencvs_raw_head(shared: Path, name: str) -> None:
    cfg, weights = (shared / "weights" / "yolo-lite" / f"{name}{suffix}" for suffix in (".cfg", ".weights"))
    network = Network.from_cfg(cfg)
    assert load_weights(network, weights) == []
    assert largest_difference(network, cfg, weights) < 1e-4
