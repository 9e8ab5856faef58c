"""The cloud side: a container through the decoder and the back into detections."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lightning_app.bitstream import Header, SentTensor, unpack
from lightning_app.boxes import WHOLE, input_to_picture, xyxy_to_voc
from lightning_app.channel import receive
from lightning_app.data.resize import letterbox_window
from lightning_app.errors import CodecError
from lightning_app.graph import Detections, Split, SplitDetector
from lightning_app.transmit.agreement import find_codec, model_id


def detect_from(
    data: bytes, network: SplitDetector, score_threshold: float = 0.005, nms_threshold: float = 0.45
) -> Detections:
    """The detections of a picture from its ``.dfc`` container, boxes in VOC's pixels of the original picture.

    Args:
        data: the container.
        network: the same as on the mobile side, in evaluation mode.
        score_threshold: a detection's score must be above it, 0 to 1.
        nms_threshold: IoU above which the worse of two detections of one class goes, 0 to 1.

    Raises:
        CodecError: the container is damaged, or was made with another network or weights.
        OptionError: it was coded by a codec that needs another program or build.
    """
    header, tensors = unpack(data)
    if header.model != model_id(network):
        raise CodecError("the .dfc file was made with another network or other weights: give those of the mobile side")
    split = network.split(_layer(network, header), header.passthrough)
    _check_shapes(network, split, tensors)
    features = receive(header, tensors, find_codec(header.codec, header.depth))
    with torch.inference_mode():
        (found,) = network.detect(split.back(features), score_threshold, nms_threshold)
    window = letterbox_window(header.size, network.size) if header.letterbox else WHOLE
    return {**found, "boxes": xyxy_to_voc(input_to_picture(found["boxes"], window), header.size)}


def _check_shapes(network: SplitDetector, split: Split, tensors: Sequence[SentTensor]) -> None:
    sent = [tensor.shape for tensor in tensors]
    wanted = [network.node(name).shape for name in split.crossing]
    if sent != wanted:
        raise CodecError(f"the .dfc file has tensors of {sent}, and {wanted} cross this cut of the network")


def _layer(network: SplitDetector, header: Header) -> str:
    if header.split >= len(network.nodes):
        raise CodecError(f"the .dfc file was cut behind layer {header.split}, and the network has {len(network.nodes)}")
    return network.nodes[header.split].name
