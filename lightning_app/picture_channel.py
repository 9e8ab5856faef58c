"""The cloud-only way: the picture itself is coded, the whole network runs in the cloud (Fig. 4 and 5)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from lightning_app.codecs import HEVC420, CodecPool, PictureCodec
from lightning_app.data import as_channels, read_picture
from lightning_app.errors import OptionError

PictureQP = int | Literal["lossless", "original"]
"""A rate as a person writes it; ``original`` is the file as it is."""

RGB = npt.NDArray[np.uint8]
"""(H, W, 3)."""


class PictureChannel:
    """Sends whole pictures through a real codec, at their own size, before the network's resize.

    Args:
        codec: codec of the pictures; null for HEVC in 4:2:0.
        qps: list of the QPs to measure: quantisation parameters of 0 to 51 for HEVC, qualities of 1 to 100 for JPEG, or
            ``original``, the bytes of the original file.
        workers: number of codec processes; null for one per core of the machine, shared between its ranks.
    """

    def __init__(
        self,
        codec: PictureCodec | None = None,
        qps: Sequence[PictureQP] = ("original", 22, 27, 32, 37),
        workers: int | None = None,
    ) -> None:
        self.codec = codec or HEVC420()
        if not qps:
            raise OptionError("qps names no rate; give at least one, such as [original, 32]")
        for qp in qps:
            if qp != "original":
                self.codec.check_qp(None if qp == "lossless" else qp)
        self.qps = tuple(qps)
        self.pool = CodecPool(self.codec, workers)

    def send(self, files: Sequence[Path], qp: PictureQP, channels: int = 3) -> tuple[list[RGB], list[int]]:
        """What the cloud gets of B pictures, RGB (H, W, 3), and the bits that each cost.

        Args:
            files: the pictures.
            qp: one of ``qps``.
            channels: of the network's input: for 1 the pictures are made grey before they are coded.
        """
        pictures = [as_channels(read_picture(file), channels) for file in files]
        if qp == "original":
            return pictures, [8 * file.stat().st_size for file in files]
        coded = self.pool.code(pictures, [None if qp == "lossless" else qp] * len(files))
        return [np.asarray(result.picture, np.uint8) for result in coded], [8 * len(result.data) for result in coded]
