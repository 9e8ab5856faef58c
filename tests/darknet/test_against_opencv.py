"""Our networks against OpenCV's importer of Darknet's files, which we did not write.

It adds 1e-6 to the variances of batch norm, and so do our networks here (docs/decisions/batch-norm-eps.md). It has no
relu6 and no ``tree=``, leaves out ``scale=`` of ``[upsample]``, and its ``[dropout]`` hands on its input, as
ours does outside training.
"""

from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
import torch

from lightning_app.darknet import Network, load_weights, save_weights
from lightning_app.darknet.head import class_probabilities, decode_boxes, objectness_probabilities, take_apart
from lightning_app.graph import Node
from tests.darknet.opencvs_eps import set_opencvs_eps

Make = Callable[[Path], Network]

NET = "[net]\nwidth=64\nheight=32\nchannels=3\n"
FIRST = "[convolutional]\nfilters=8\nsize=3\nstride=2\npad=1\nbatch_normalize=1\nactivation=leaky\n"
HEAD = (
    "[convolutional]\nfilters=14\nsize=1\nactivation=linear\n[region]\nanchors=1,1,2,2\nclasses=2\nnum=2\nsoftmax=1\n"
)
FIVE = "[convolutional]\nfilters=16\nsize=5\nactivation=leaky\n"
THREE = "[convolutional]\nfilters=8\nsize=3\npad=1\nactivation=linear\n"
BODIES = {
    "activation": "[convolutional]\nfilters=16\nsize=3\npad=1\nactivation={}\n",
    "no padding": FIVE,
    "padding": FIVE + "padding=1\n",
    "pad before padding": FIVE + "pad=1\npadding=1\n",
    "groups": FIVE + "pad=1\ngroups=4\n",
    "depthwise": THREE + "groups=8\nstride=2\nbatch_normalize=1\n",
    "pooling over three": "[maxpool]\nsize=3\nstride=2\n",
    "pooling in place": "[maxpool]\nsize=5\nstride=1\n",
    "reorg": "[reorg]\nstride=2\n",
    "route of one": THREE + "[route]\nlayers=-2\n",
    "route of many": THREE + THREE + "[route]\nlayers=-1,0,-2\n",
    "route of a group": THREE + "[route]\nlayers=-1\ngroups=2\ngroup_id=1\n",
    "shortcut": THREE + THREE + "[shortcut]\nfrom=-3\nactivation={}\n",
    "shortcut from the first": THREE + THREE + "[shortcut]\nfrom=0\n",
    "dropout": THREE + "[dropout]\nprobability=.5\n",
    "dropout beside a shortcut": THREE + "[dropout]\nprobability=.5\n[shortcut]\nfrom=-3\n",
    "upsample": THREE + "[upsample]\nstride=2\n",
    "squeeze and excitation": "[avgpool]\n[convolutional]\nfilters=4\nsize=1\nactivation=relu\n"
    "[convolutional]\nfilters=8\nsize=1\nactivation=logistic\n[scale_channels]\nfrom=-4\n" + THREE,
    "spatial attention": THREE + "[convolutional]\nfilters=8\nsize=1\nactivation=logistic\n[sam]\nfrom=-2\n" + THREE,
    "passthrough": "[maxpool]\nsize=2\nstride=2\n"
    + THREE
    + "[route]\nlayers=0\n[reorg]\nstride=2\n[route]\nlayers=-1,-3\n",
}
"""The layers between a first convolution and the head; ``{}`` stands for an activation."""


def made_by(network: Network, index: int) -> Node:
    """The node whose output a layer hands on: the convolution before a head."""
    node = network.nodes[index]
    return made_by(network, node.inputs[0]) if node.alias else node


def largest_difference(network: Network, cfg: Path, weights: Path, size: tuple[int, int]) -> float:
    """Over all outputs for a picture of the size, each relative to its largest value."""
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(1))
    set_opencvs_eps(network)
    with torch.no_grad():
        ours = network.eval()(image)
    net = cv2.dnn.readNetFromDarknet(str(cfg), str(weights))
    net.setInput(image.numpy())
    theirs = net.forward([made_by(network, index).name for index in network.outputs])
    return max(float(abs(a.numpy() - b).max() / abs(b).max()) for a, b in zip(ours, theirs, strict=True))


def difference_on_random_weights(cfg: Path, randomised: Make, folder: Path) -> float:
    network = randomised(cfg)
    save_weights(network, folder / "random.weights")
    return largest_difference(network, cfg, folder / "random.weights", size=(64, 96))


def test_every_shipped_network_gives_opencvs_output_on_random_weights(
    shipped: Path, randomised: Make, tmp_path: Path
) -> None:
    plain = tmp_path / "plain.cfg"
    plain.write_text(shipped.read_text().replace("tree=9k.tree\n", ""))
    assert difference_on_random_weights(plain, randomised, tmp_path) < 1e-4


@pytest.mark.parametrize(
    ("body", "activation"),
    [
        *((body, "linear") for body in BODIES),
        *(("activation", name) for name in ("leaky", "relu", "logistic", "mish", "swish", "tanh")),
        *(("shortcut", name) for name in ("leaky", "relu", "logistic", "mish", "swish")),
    ],
)
def test_each_kind_of_layer_gives_opencvs_output(
    cfg: Callable[[str], Path], randomised: Make, tmp_path: Path, body: str, activation: str
) -> None:
    path = cfg(NET + FIRST + BODIES[body].format(activation) + HEAD)
    assert difference_on_random_weights(path, randomised, tmp_path) < 1e-4


V4 = "[yolo]\nmask=1,2\nanchors=5,6, 10,12, 20,24\nnum=3\nclasses=2\nscale_x_y={}\nnew_coords={}\n"


@pytest.mark.parametrize(("scale_x_y", "new_coords"), [("1", 0), ("1.2", 0), ("2.0", 1), ("1.05", 1)])
def test_the_boxes_and_scores_of_a_yolo_head_are_opencvs(
    cfg: Callable[[str], Path], randomised: Make, tmp_path: Path, scale_x_y: str, new_coords: int
) -> None:
    """OpenCV's layer gives, for every anchor of every cell, cxcywh, objectness, and the scores above 0.2."""
    last = f"[convolutional]\nfilters=14\nsize=1\nactivation={'logistic' if new_coords else 'linear'}\n"
    path = cfg(NET + FIRST + THREE + last + V4.format(scale_x_y, new_coords))
    network = randomised(path)
    set_opencvs_eps(network)
    save_weights(network, tmp_path / "random.weights")
    image = torch.rand(1, 3, *network.size, generator=torch.Generator().manual_seed(1))
    net = cv2.dnn.readNetFromDarknet(str(path), str(tmp_path / "random.weights"))
    net.setInput(image.numpy())
    theirs = torch.from_numpy(net.forward()).view(*network.nodes[-1].shape[1:], 2, 7)  # (N, M, A, 5+K)
    with torch.no_grad():
        raws = network(image)
    (options,) = network.heads
    head = take_apart(raws[0], options)
    boxes = decode_boxes(head, options)[0].permute(1, 2, 0, 3)  # (N, M, A, 4)
    torch.testing.assert_close(boxes, theirs[..., :4], rtol=1e-4, atol=1e-5)
    sure = objectness_probabilities(head.objectness, options)[..., None]
    scores = (sure * class_probabilities(head.classes, options))[0].permute(1, 2, 0, 3)  # (N, M, A, K)
    shown = theirs[..., 5:] > 0
    assert shown.any()
    torch.testing.assert_close(scores[shown], theirs[..., 5:][shown], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cost", ["", "[cost]\ntype=sse\n"])
def test_a_classifier_gives_opencvs_probabilities(
    cfg: Callable[[str], Path], randomised: Make, tmp_path: Path, cost: str
) -> None:
    path = cfg(NET + FIRST + THREE + "[avgpool]\n[softmax]\ngroups=1\n" + cost)
    assert difference_on_random_weights(path, randomised, tmp_path) < 1e-4


@pytest.mark.parametrize("name", ["yolo-lite/tiny-yolov2-trial3", "yolo-lite/tiny-yolov2-trial3-noBatch"])
def test_real_weights_give_opencvs_raw_head(shared: Path, name: str) -> None:
    cfg, weights = (shared / "weights" / f"{name}{suffix}" for suffix in (".cfg", ".weights"))
    network = Network.from_cfg(cfg)
    assert load_weights(network, weights) == []
    assert largest_difference(network, cfg, weights, network.size) < 1e-4


def test_real_weights_give_opencvs_raw_heads_where_there_are_two(shared: Path) -> None:
    folder = shared / "weights" / "yolo-fastest"
    cfg, weights = folder / "yolo-fastest-xl-voc.cfg", folder / "yolo-fastest-xl-voc.v1.weights"
    network = Network.from_cfg(cfg)
    assert load_weights(network, weights) == []
    assert len(network.outputs) == 2
    assert largest_difference(network, cfg, weights, network.size) < 1e-4
