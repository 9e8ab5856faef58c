# ruff: noqa: A005  (the import name is lightning_app.codecs: nothing is shadowed)
"""Picture codecs for features, and the processes that run them.

Workers import this package, so it needs numpy and av only; PNG, JPEG and JPEGXL import
their libraries when they first code.
"""

from lightning_app.codecs.avc import AVC
from lightning_app.codecs.base import QP, Codec, Picture
from lightning_app.codecs.colour import PictureCodec
from lightning_app.codecs.cores import available_cores
from lightning_app.codecs.hevc import HEVC
from lightning_app.codecs.hevc420 import HEVC420
from lightning_app.codecs.hm import HM
from lightning_app.codecs.jpeg import JPEG, ColourJPEG
from lightning_app.codecs.jpegls import JPEGLS
from lightning_app.codecs.jpegxl import JPEGXL
from lightning_app.codecs.lzma2 import LZMA
from lightning_app.codecs.png import PNG
from lightning_app.codecs.pool import CodecPool, CodedPicture, check_picklable, code, decode
from lightning_app.codecs.raw import Raw
from lightning_app.codecs.table import codec_named
from lightning_app.codecs.workers import WorkerPool

__all__ = [
    "AVC",
    "HEVC",
    "HEVC420",
    "HM",
    "JPEG",
    "JPEGLS",
    "JPEGXL",
    "LZMA",
    "PNG",
    "QP",
    "Codec",
    "CodecPool",
    "CodedPicture",
    "ColourJPEG",
    "Picture",
    "PictureCodec",
    "Raw",
    "WorkerPool",
    "available_cores",
    "check_picklable",
    "code",
    "codec_named",
    "decode",
]
