"""What changes features before they are quantised, and back: a `FeatureTransform`, chosen by its class path."""

from lightning_app.transforms.channel_affine import ChannelAffine
from lightning_app.transforms.transform import FeatureTransform

__all__ = ["ChannelAffine", "FeatureTransform"]
