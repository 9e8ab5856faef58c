"""What tells one model, and one codec, from another: numbers and words that depend on all that they compute with."""

from __future__ import annotations

import hashlib
import inspect
import zlib
from pathlib import Path

from lightning_app.codecs.base import Coder
from lightning_app.graph import SplitDetector
from lightning_app.transforms import FeatureTransform


def model_id(network: SplitDetector, transform: FeatureTransform | None = None) -> int:
    """CRC-32 of all that the two sides must share: the network with its weights, and the transform with its own."""
    crc = 0
    for part in network.identity():
        crc = zlib.crc32(part, crc)
    for part in () if transform is None else transform.identity():
        crc = zlib.crc32(part, crc)
    return crc


def codec_key(codec: Coder) -> str:
    """A codec in words, with all its settings: two that may give other bytes for one picture have other keys."""
    kind = type(codec)
    return f"{kind.__module__}.{kind.__qualname__} {sorted(vars(codec).items())} {source_key(kind)}"


def source_key(kind: type) -> str:
    """A digest of the file of a class that is not ours, which may change between two evaluations; else nothing."""
    if kind.__module__.startswith("lightning_app."):
        return ""
    try:
        return hashlib.sha256(Path(inspect.getfile(kind)).read_bytes()).hexdigest()
    except (OSError, TypeError):  # typed into a shell, or built in
        return ""
