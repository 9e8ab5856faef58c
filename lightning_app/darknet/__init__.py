"""Darknet's networks: ``.cfg`` and ``.weights`` in, modules out, cut anywhere.

cfg → build (layers, region) → network ⇄ weights; network → split → front, back; head and loss read the raw output.
"""

from lightning_app.darknet.head import Detections, detect
from lightning_app.darknet.loss import Truth, detection_loss, region_loss
from lightning_app.darknet.network import Network, Passthrough
from lightning_app.darknet.region import RegionOptions
from lightning_app.darknet.split import Split
from lightning_app.darknet.weights import load_weights, save_weights

__all__ = [
    "Detections",
    "Network",
    "Passthrough",
    "RegionOptions",
    "Split",
    "Truth",
    "detect",
    "detection_loss",
    "load_weights",
    "region_loss",
    "save_weights",
]
