"""Darknet's networks: ``.cfg`` and ``.weights`` in, modules out, cut anywhere.

cfg → build (layers, region, yolo, tree) → network ⇄ weights; head and loss read the raw outputs. A `Network` is a
`lightning_app.graph.SplitDetector`, which cuts it.
"""

from lightning_app.darknet.class_map import use_class_map
from lightning_app.darknet.head import detect
from lightning_app.darknet.headed import HeadedDetector
from lightning_app.darknet.layers import unchanging
from lightning_app.darknet.loss import LossForm, check_form, detection_loss
from lightning_app.darknet.network import Network, read_detector
from lightning_app.darknet.region import RegionOptions
from lightning_app.darknet.region_loss import region_loss
from lightning_app.darknet.tree import WordTree
from lightning_app.darknet.weights import load_weights, save_weights
from lightning_app.darknet.yolo import YoloOptions
from lightning_app.darknet.yolo_loss import yolo_loss
from lightning_app.darknet.yolov1_loss import yolov1_loss

__all__ = [
    "HeadedDetector",
    "LossForm",
    "Network",
    "RegionOptions",
    "WordTree",
    "YoloOptions",
    "check_form",
    "detect",
    "detection_loss",
    "load_weights",
    "read_detector",
    "region_loss",
    "save_weights",
    "unchanging",
    "use_class_map",
    "yolo_loss",
    "yolov1_loss",
]
