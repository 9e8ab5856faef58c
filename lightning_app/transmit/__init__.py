"""One picture over the wire: the mobile side writes a ``.dfc`` file, and the cloud side reads it."""

from lightning_app.transmit.cloud import detect_from
from lightning_app.transmit.mobile import encode_picture

__all__ = ["detect_from", "encode_picture"]
