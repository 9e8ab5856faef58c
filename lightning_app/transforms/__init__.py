"""What changes features before they are quantised, and back: a `FeatureTransform`, chosen by its class path."""

from lightning_app.transforms.back_and_forth import BackAndForth
from lightning_app.transforms.bottleneck import Bottleneck
from lightning_app.transforms.chain import Chain
from lightning_app.transforms.correction import Correction
from lightning_app.transforms.gain import ChannelGain
from lightning_app.transforms.klt import KLT
from lightning_app.transforms.selection import ChannelSelection
from lightning_app.transforms.transform import FeatureTransform
from lightning_app.transforms.truncation import ChannelTruncation

__all__ = [
    "KLT",
    "BackAndForth",
    "Bottleneck",
    "Chain",
    "ChannelGain",
    "ChannelSelection",
    "ChannelTruncation",
    "Correction",
    "FeatureTransform",
]
