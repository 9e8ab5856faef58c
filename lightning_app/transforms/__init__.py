"""What changes features before they are quantised, and back: a `FeatureTransform`, chosen by its class path."""

from lightning_app.transforms.chain import Chain
from lightning_app.transforms.correction import Correction
from lightning_app.transforms.klt import KLT
from lightning_app.transforms.transform import FeatureTransform

__all__ = ["KLT", "Chain", "Correction", "FeatureTransform"]
