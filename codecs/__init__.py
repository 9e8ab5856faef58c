# ruff: noqa: A005  (the import name is lightning_app.codecs: nothing is shadowed)
"""Picture codecs for features, and the processes that run them.

Workers import this package, so it needs numpy and av only.
"""

from lightning_app.codecs.base import QP, Codec, Picture
from lightning_app.codecs.hevc import HEVC
from lightning_app.codecs.pool import CodecPool, Coded, available_cores

__all__ = ["HEVC", "QP", "Codec", "CodecPool", "Coded", "Picture", "available_cores"]
