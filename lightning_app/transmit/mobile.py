"""The mobile side: a picture through the front and the codec into a container."""

from __future__ import annotations

from pathlib import Path

import torch

from lightning_app.bitstream import pack
from lightning_app.channel import FeatureChannel, QPOption
from lightning_app.data import Resize, fit_picture, read_picture, to_tensor
from lightning_app.errors import OptionError
from lightning_app.graph import SplitDetector
from lightning_app.transmit.agreement import find_codec, model_id


def encode_picture(
    file: Path, network: SplitDetector, channel: FeatureChannel, qp: QPOption, resize: Resize = "plain"
) -> bytes:
    """The ``.dfc`` container of a picture.

    Args:
        file: the picture.
        network: in evaluation mode.
        channel: where to cut it, and how to code what crosses.
        qp: at which to code.
        resize: how the picture is brought to the network's input.

    Raises:
        DataError: the picture cannot be read.
        OptionError: it is too large for a container, or the codec does not code at the QP or would not be decoded.
    """
    find_codec(type(channel.codec).__name__, channel.depth)
    rgb = read_picture(file)
    if max(rgb.shape) > 0xFFFF:
        raise OptionError(f"{file} is larger than 65535 pixels a side: make it smaller")
    image, _ = fit_picture(rgb, network.size, resize)
    split = network.split(channel.split, channel.passthrough)
    with torch.inference_mode():
        crossing = split.front((to_tensor(image)[None],))
        sent = channel.encode(dict(zip(split.crossing, crossing, strict=True)), qp)
    size = (rgb.shape[0], rgb.shape[1])
    return pack(channel.header(qp, model_id(network), size, letterbox=resize == "letterbox"), sent)
