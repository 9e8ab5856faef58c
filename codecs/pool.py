"""A codec in worker processes: pictures really encoded and really decoded, one picture per core."""

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from lightning_app.codecs.base import QP, Coder, Picture
from lightning_app.codecs.workers import WorkerPool
from lightning_app.errors import CodecError, OptionError
from lightning_app.pending import Pending


@dataclass(frozen=True, eq=False)
class CodedPicture:
    """One picture's way through a codec.

    Attributes:
        data: the payload; every byte of it counts.
        picture: what the decoder made of it, of the shape that was coded.
    """

    data: bytes
    picture: Picture


class CodecPool(WorkerPool):
    """Workers that code pictures with one codec.

    Args:
        codec: what each worker encodes and decodes with.
        workers: worker processes, 1 or more; None for the machine's cores.

    Raises:
        OptionError: the codec cannot be pickled.
    """

    def __init__(self, codec: Coder, workers: int | None = None) -> None:
        super().__init__(workers)
        check_picklable(codec)
        self.codec = codec

    def __reduce__(self) -> tuple[Callable[..., "CodecPool"], tuple[Any, ...]]:
        return type(self), (self.codec, self.asked)

    def code(self, pictures: Sequence[Picture], qps: Sequence[QP]) -> list[CodedPicture]:
        """`submit`, and wait for the result."""
        return self.submit(pictures, qps).result()

    def submit(
        self, pictures: Sequence[Picture], qps: Sequence[QP], codec: Coder | None = None
    ) -> Pending[list[CodedPicture]]:
        """Encode and decode each picture at its QP, in the workers, while the caller goes on.

        Args:
            pictures: what the codec takes, of any shapes.
            qps: one QP per picture; None is lossless.
            codec: what the workers code with; None for the pool's codec.

        Returns:
            what became of each picture, in the order of `pictures`. Its ``result()`` raises `CodecError` if a picture
            cannot be coded, or if workers keep dying; the pool stays usable.

        Raises:
            CodecError: there are more or fewer QPs than pictures.
        """
        if len(pictures) != len(qps):
            raise CodecError(f"{len(pictures)} pictures need as many QPs, not {len(qps)}")
        # The longest first, so that no core waits long for the last: large pictures at low QPs.
        order = sorted(range(len(qps)), key=lambda i: (-pictures[i].size, -1 if qps[i] is None else qps[i]))
        coder = codec or self.codec
        coding = self.stream([(code, coder, pictures[i], qps[i]) for i in order])
        return Pending(lambda: [one for _, one in sorted(zip(order, coding, strict=True), key=itemgetter(0))])


def check_picklable(codec: Coder) -> None:
    """Raise `OptionError` where a codec cannot go to a worker process."""
    # Told here: where the executor cannot send a call, its thread may end in a traceback of its own.
    try:
        pickle.dumps(codec)
    except Exception as error:  # pickle raises all kinds
        kind = type(codec).__name__
        raise OptionError(f"{kind} cannot go to a worker process: {error}; keep only plain settings in it") from error


def code(codec: Coder, picture: Picture, qp: QP) -> CodedPicture:
    """`codec.encode` and then `codec.decode`, as a function that a worker calls."""
    data = codec.encode(picture, qp)
    return CodedPicture(data, codec.decode(data))


def decode(codec: Coder, data: bytes) -> Picture:
    """`codec.decode`, as a function that a worker calls."""
    return codec.decode(data)
