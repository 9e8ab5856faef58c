"""The options that published networks have, on a body of few layers: all are understood, and the network trains."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lightning_app.darknet import Network

NET = """[net]
batch=64
subdivisions=8
width=64
height=64
channels=3
momentum=0.949
decay=0.0005
angle=0
saturation=1.5
exposure=1.5
hue=.1
learning_rate=0.0013
burn_in=1000
max_batches=500500
policy=steps
steps=400000,450000
scales=.1,.1
mosaic=1
{net}
[convolutional]
batch_normalize=1
filters=8
size=3
stride=2
pad=1
activation={body}
{before}
[convolutional]
size=1
stride=1
pad=1
filters={filters}
activation={last}
[{head}]
anchors=12,16, 19,36, 40,28, 36,75, 76,55, 72,146, 142,110, 192,243, 459,401
num=9
mask=0,1,2
classes=2
jitter=.3
ignore_thresh=.7
truth_thresh=1
{options}
"""
TINY_7 = """scale_x_y=2.0
objectness_smooth=1
iou_thresh=0.2
iou_normalizer=0.05
cls_normalizer=0.5
obj_normalizer=1.0
iou_loss=ciou
nms_kind=diounms
beta_nms=0.6
new_coords=1
max_delta=2
resize=1.5
random=0"""
V4 = """scale_x_y=1.2
iou_thresh=0.213
cls_normalizer=1.0
iou_normalizer=0.07
iou_loss=ciou
nms_kind=greedynms
beta_nms=0.6
max_delta=5
random=1"""
SQUEEZE = """[avgpool]
[convolutional]
filters=4
size=1
activation=swish
[convolutional]
filters=8
size=1
activation=logistic
[scale_channels]
from=-4
[dropout]
probability=.2
dropblock=1
dropblock_size_rel=.1"""
PARTIAL = """[route]
layers=-1
groups=2
group_id=1
[maxpool]
stride=1
size=5
[route]
layers=-1,-2,0
[convolutional]
filters=8
groups=4
size=3
pad=1
stopbackward=800
activation=mish"""
SPATIAL = "[convolutional]\nfilters=8\nactivation=logistic\n[sam]\nfrom=-2"
DEEP = "[maxpool]\nmaxpool_depth=1\nout_channels=4\nstride=1\nsize=1\n[maxpool]\nsize=2\nstride=2\nantialiasing=1"
WEIGHTED = (
    "[convolutional]\nfilters=8\nactivation=linear\n"
    "[shortcut]\nfrom=-2\nweights_type=per_feature\nweights_normalization=softmax\nactivation=linear"
)
GAUSSIAN = """iou_thresh=0.213
uc_normalizer=1.0
cls_normalizer=1.0
iou_normalizer=0.5
iou_loss=giou
scale_x_y=1.0
random=1
resize=1.5
nms_kind=diounms"""
RESIDUAL, SGDR = "[shortcut]\nfrom=-1\nactivation=leaky", "policy=sgdr\nsgdr_cycle=1000\nsgdr_mult=2"
FILES: dict[str, dict[str, str]] = {
    "yolov4": {"body": "mish", "options": V4, "before": PARTIAL},
    "yolov4-tiny-3l": {"options": V4 + "\nresize=1.5", "before": PARTIAL},
    "yolov4-csp": {"body": "mish", "last": "logistic", "options": TINY_7, "net": "ema_alpha=0.9998\nletter_box=1"},
    "yolov7-tiny": {"last": "logistic", "options": TINY_7, "net": "use_cuda_graph=1\nloss_scale=64"},
    "yolov7": {"body": "swish", "last": "logistic", "options": TINY_7, "net": SGDR},
    "enet-coco": {"body": "swish", "options": "random=0\niou_loss=giou\niou_normalizer=.5", "before": SQUEEZE},
    "yolov3-spp": {"options": "random=1", "net": "try_fix_nan=1"},
    "csresnext50-panet-spp": {"options": V4, "before": RESIDUAL, "net": "dynamic_minibatch=1"},
    "yolov4-sam": {"body": "mish", "options": V4 + "\nuc_normalizer=0.07\nbeta1=0.6", "before": SPATIAL},
    "yolo_v3_tiny_pan3": {"options": V4, "before": DEEP},
    "Gaussian_yolov3_BDD": {"head": "Gaussian_yolo", "filters": "33", "options": GAUSSIAN},
    "bifpn": {"options": V4, "before": WEIGHTED},
}
"""Options as the networks of these names have them. The files themselves are not here."""


@pytest.mark.parametrize("name", FILES)
def test_a_published_networks_options_are_all_understood(cfg: Callable[[str], Path], name: str) -> None:
    options = {"net": "", "body": "leaky", "before": "", "last": "linear", "filters": "21", "head": "yolo"} | FILES[
        name
    ]
    network = Network.from_cfg(cfg(NET.format(**options))).eval()
    with torch.no_grad():
        raws = network(torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
        detections = network.detect(raws, 0.6, 0.45)
    assert len(detections) == 2
    assert all(torch.isfinite(found["boxes"]).all() for found in detections)
    truth = {"boxes": torch.tensor([[0.5, 0.5, 0.3, 0.4]]), "labels": torch.tensor([1])}
    none = torch.zeros(0, dtype=torch.long)
    network.train()
    terms = network.losses(network(torch.rand(1, 3, 64, 64)), [{**truth, "class_only": none}], "darknet", 1)  # type: ignore[typeddict-item]
    total = torch.stack(list(terms.values())).sum()
    total.backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is None or bool(torch.isfinite(p.grad).all()) for p in network.parameters())
    assert torch.isfinite(total)
