"""The cloud side: a container through the decoder and the back into detections."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lightning_app.bitstream import ContainerHeader, read_header, unpack
from lightning_app.boxes import WHOLE, input_to_picture, xyxy_to_voc
from lightning_app.channel import receive
from lightning_app.codecs import Codec
from lightning_app.data.resize import letterbox_window
from lightning_app.errors import CodecError
from lightning_app.graph import Detections, Split, SplitDetector
from lightning_app.identity import model_id
from lightning_app.transforms import FeatureTransform
from lightning_app.transforms.shapes import sent_shapes
from lightning_app.transmit.agreement import find_codec


def detect_from(
    data: bytes,
    network: SplitDetector,
    score_threshold: float = 0.005,
    nms_threshold: float = 0.45,
    transform: FeatureTransform | None = None,
    codec: Codec | None = None,
) -> Detections:
    """The detections of a picture from its ``.dfc`` container, boxes in VOC's pixels of the original picture.

    Args:
        data: the container.
        network: the same as on the mobile side, in evaluation mode.
        score_threshold: a detection's score must be above it, 0 to 1.
        nms_threshold: IoU above which the worse of two detections of one class goes, 0 to 1.
        transform: the same as on the mobile side, built and with its weights; None for none.
        codec: the same as on the mobile side; None for the one that the container names.

    Raises:
        CodecError: the container is damaged, or was made with another network, transform or weights.
        OptionError: it was coded by a codec that is not made by its name, and that nobody gave.
    """
    header = read_header(data)
    check_transform(header, transform)
    split = split_of(header, network)
    shapes = sent_shapes(transform, network.shapes(split.crossing))
    header, tensors = unpack(data, model_id(network, transform), list(shapes.values()))
    codec = find_codec(header, codec)
    with torch.inference_mode(), network.unchanging():
        features = dict(zip(split.crossing, receive(header, tensors, codec), strict=True))
        if transform is not None:
            features = transform.restore(features, torch.tensor([codec.step(header.qp)]))
        raws: Sequence[Tensor] = split.back(tuple(features[name] for name in split.crossing))
        (found,) = network.detect(raws, score_threshold, nms_threshold)
    window = letterbox_window(header.size, network.size) if header.letterbox else WHOLE
    return {**found, "boxes": xyxy_to_voc(input_to_picture(found["boxes"], window), header.size)}


def split_of(header: ContainerHeader, network: SplitDetector) -> Split:
    """The network cut where a container was.

    Raises:
        CodecError: the network has no such layer.
    """
    if header.split >= len(network.nodes):
        raise CodecError(f"the .dfc file was cut behind layer {header.split}, and the network has {len(network.nodes)}")
    return network.split(network.nodes[header.split].name, header.passthrough)


def check_transform(header: ContainerHeader, transform: FeatureTransform | None) -> None:
    """Raise `CodecError` where a container was made with a transform and none is given, or the other way round."""
    if header.transformed != (transform is not None):
        made, give = ("with", "give the mobile side's") if header.transformed else ("without", "leave out")
        raise CodecError(f"the .dfc file was made {made} a transform: {give} --transform")
