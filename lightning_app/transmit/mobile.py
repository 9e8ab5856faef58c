"""The mobile side: a picture through the front and the codec into a container."""

from __future__ import annotations

from pathlib import Path

import torch

from lightning_app.bitstream import pack
from lightning_app.channel import QPOption
from lightning_app.data import Resize, as_channels, fit_picture, read_picture, to_tensor
from lightning_app.errors import OptionError
from lightning_app.identity import model_id
from lightning_app.systems import Collaborative


def encode_picture(file: Path, system: Collaborative, qp: QPOption, resize: Resize = "plain") -> bytes:
    """The ``.dfc`` container of a picture.

    Args:
        file: the picture.
        system: the network, in evaluation mode, cut, and the channel behind its front.
        qp: at which to code.
        resize: how the picture is brought to the network's input.

    Raises:
        DataError: the picture cannot be read.
        OptionError: it is too large for a container, or the codec does not code at the QP.
    """
    network, channel = system.network, system.channel
    rgb = read_picture(file)
    if max(rgb.shape) > 0xFFFF:
        raise OptionError(f"{file} is larger than 65535 pixels a side: make it smaller")
    image, _ = fit_picture(as_channels(rgb, network.channels), network.size, resize)
    with torch.inference_mode(), network.unchanging():
        sent = channel.encode(system.features(to_tensor(image, network.channels)[None]), qp)
    size, model = (rgb.shape[0], rgb.shape[1]), model_id(network, channel.transform)
    return pack(channel.header(qp, model, size, letterbox=resize == "letterbox"), sent)
