"""One picture through an encoder or a decoder of FFmpeg's, by PyAV, in process and on one thread."""

from collections.abc import Mapping
from fractions import Fraction
from typing import cast

import av
import av.error
import numpy as np
from av.codec.codec import UnknownCodecError

from lightning_app.codecs.base import MAX_SAMPLES, Picture, check_depth, sample_type
from lightning_app.errors import CodecError, OptionError

_FORMATS = {8: "gray", 10: "gray10le", 12: "gray12le"}


def grey_format(name: str, encoder: str, depth: int) -> str:
    """The pixel format in which `encoder` takes grey samples.

    Args:
        name: what a user calls the codec.
        encoder: what FFmpeg calls its encoder.
        depth: bits per sample.

    Raises:
        OptionError: PyAV was built without the encoder, or the encoder takes no grey samples of this depth.
    """
    wanted = _FORMATS[check_depth(depth)]
    try:
        formats = [format_.name for format_ in av.Codec(encoder, "w").video_formats or ()]
    except UnknownCodecError:
        raise OptionError(f"{name} is not in this build of PyAV, which has no {encoder}: take HEVC") from None
    if wanted not in formats:
        raise OptionError(
            f"{name} of {depth} grey bits is not in this build of PyAV: its {encoder} has no format {wanted}; take HEVC"
        )
    return wanted


def encode_frame(frame: av.VideoFrame, encoder: str, options: Mapping[str, str]) -> bytes:
    """Code one frame, in its own pixel format, into one stream."""
    context = cast(av.VideoCodecContext, av.CodecContext.create(encoder, "w"))
    context.height, context.width, context.pix_fmt = frame.height, frame.width, frame.format.name
    context.time_base = Fraction(1, 25)  # demanded; it says nothing of one picture
    context.thread_count = 1
    context.options = dict(options)
    frame.pts = 0
    try:
        packets = [*context.encode(frame), *context.encode(None)]
    except av.error.FFmpegError as error:
        raise CodecError(
            f"{encoder} cannot code a picture of {frame.height}×{frame.width}: {error.strerror}"
        ) from error
    return b"".join(bytes(packet) for packet in packets)


def decode_frame(data: bytes, decoder: str) -> av.VideoFrame:
    """Decode a stream of one frame."""
    context = cast(av.VideoCodecContext, av.CodecContext.create(decoder, "r"))
    context.thread_count = 1
    context.options = {"err_detect": "explode", "max_pixels": str(MAX_SAMPLES)}
    try:
        frames = [*context.decode(av.Packet(data)), *context.decode(None)]
    except av.error.FFmpegError as error:
        raise CodecError(f"{len(data)} bytes are not a stream of {decoder}: {error.strerror}") from error
    if len(frames) != 1:
        raise CodecError(f"a payload must hold one picture, not {len(frames)}")
    return frames[0]


def grey_samples(frame: av.VideoFrame, depth: int) -> Picture:
    """The (H, W) samples of a frame, or of its luma."""
    bits = frame.format.components[0].bits
    if bits != depth:
        raise CodecError(f"the payload's samples have {bits} bits, but the codec was made for {depth}")
    rows = np.frombuffer(bytes(frame.planes[0]), sample_type(depth)).reshape(frame.height, -1)  # padded on the right
    return cast(Picture, rows[:, : frame.width].copy())
