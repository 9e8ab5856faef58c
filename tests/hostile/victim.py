"""The process in which broken files are opened: it may die, hang or ask for memory, and the test that started it sees.

It reads a line of JSON a file, ``[kind, path]``, and answers each by one: see `Answer`.
"""

import hashlib
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch

from lightning_app.bitstream import read_container
from lightning_app.boxes import cxcywh_to_xyxy
from lightning_app.checkpoint import load_model
from lightning_app.codecs import HEVC420, Codec, ColourJPEG, PictureCodec, codec_named
from lightning_app.codecs.base import MAX_SAMPLES
from lightning_app.darknet import Network
from lightning_app.data import Augmentation, Key, VOCDataset, read_names, read_picture
from lightning_app.data.annotation import VOC_CLASSES
from lightning_app.data.devkit import read_set
from lightning_app.errors import DfcError
from lightning_app.transmit import detect_from

SHAPES = Path(__file__).parents[2] / "configs/networks/shapes.cfg"
MEMORY = 1 << 30  # bytes, beyond what is in use when a file is opened
SMALL = 1 << 22  # samples of a network that is worth running


class Answer(TypedDict):
    """What a file did, what was said of it, or a digest of what it gave, and the processor's seconds that it took.

    ``refused`` is by an error of ours; ``fine`` is what gave something sound, and ``raised`` all else.
    """

    outcome: str
    said: str
    seconds: float


@cache
def network() -> Network:
    return Network.from_cfg(SHAPES).eval()


def container(path: Path) -> str:
    found = detect_from(read_container(path), network())
    boxes, scores = found["boxes"], found["scores"]
    assert bool(torch.isfinite(boxes).all())
    assert bool((boxes >= 1).all() and (boxes <= 0xFFFF).all())
    assert bool(((scores > 0.005) & (scores <= 1)).all())
    return digest(*(tensor.numpy().tobytes() for tensor in (boxes, scores, found["labels"])))


def payload(path: Path, name: str, depth: int) -> str:
    colour: dict[str, PictureCodec] = {"HEVC420": HEVC420(), "ColourJPEG": ColourJPEG()}
    codec: Codec | PictureCodec = colour[name] if name in colour else codec_named(name, depth)
    picture = codec.decode(path.read_bytes())
    assert 0 < picture.size <= MAX_SAMPLES * (3 if name in colour else 1)
    assert picture.dtype == {8: np.uint8, 32: np.float32}.get(depth, np.uint16)
    assert depth == 32 or picture.max() < 2**depth
    assert picture.ndim == 3 if name in colour else picture.ndim in (2, 3)
    return digest(repr(picture.shape).encode(), picture.tobytes())


def weights(path: Path) -> str:
    filled = Network.from_cfg(SHAPES)
    load_model(filled, path)
    with torch.inference_mode():
        (raw,) = filled.eval()(torch.full((1, 3, 32, 32), 0.5))
    state = [tensor.numpy() for tensor in filled.state_dict().values()]
    assert all(np.isfinite(values).all() for values in state)
    assert not bool(torch.isnan(raw).any()) or max(np.abs(values).max() for values in state) > 1e18
    return digest(*(values.tobytes() for values in state))


def cfg(path: Path) -> str:
    built = Network.from_cfg(path).eval()
    shapes = [(built.sections[0].positive("channels", 3), *built.size), *(node.shape for node in built.nodes)]
    if sum(int(np.prod(shape)) for shape in shapes) < SMALL:
        indices = tuple(node.index for node in built.nodes)
        with torch.inference_mode():
            outputs = built.tapped(torch.zeros(1, *shapes[0]), indices)
        assert [tuple(output.shape[1:]) for output in outputs] == shapes[1:]
    return repr(built.architecture)


def annotation(path: Path) -> str:
    """Through the dataset, as evaluation and as training see it."""
    root, seen = path.parents[2], []
    for augmentation in (None, Augmentation()):
        data = VOCDataset(root, ["VOC2007/test"], (64, 96), augmentation=augmentation, difficult=augmentation is None)
        target = data[Key(0, 0)]["target"]
        edges = cxcywh_to_xyxy(target["boxes"])
        assert bool(torch.isfinite(target["voc_boxes"]).all())
        assert bool((edges > -1e-5).all() and (edges < 1 + 1e-5).all())
        assert augmentation is None or bool((target["boxes"][:, 2:] > 0).all())
        assert bool((target["labels"] >= 0).all() and (target["labels"] < len(VOC_CLASSES)).all())
        seen.append(target["voc_boxes"].numpy().tobytes())
    return digest(*seen)


def picture(path: Path) -> str:
    pixels = read_picture(path)
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3
    return digest(repr(pixels.shape).encode(), pixels.tobytes())


def image_set(path: Path) -> str:
    root = path.parents[3]
    names = read_set(root, f"{path.parents[2].name}/{path.stem}")
    assert not any(".." in Path(name).parts or Path(name).is_absolute() for name in names)
    return repr(names)


def names(path: Path) -> str:
    return repr(read_names(path))


OPENERS: dict[str, Callable[..., str]] = {
    opener.__name__: opener for opener in (container, payload, weights, cfg, annotation, picture, image_set, names)
}


def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()


def opened(kind: str, path: Path) -> Answer:
    opener, *options = kind.split()
    resource.setrlimit(resource.RLIMIT_AS, (in_use() + MEMORY, resource.RLIM_INFINITY))
    start = time.process_time()
    try:
        said, outcome = OPENERS[opener](path, *(int(o) if o.isdecimal() else o for o in options)), "fine"
    except BaseException as error:
        outcome = "refused" if isinstance(error, DfcError) and not any(map(is_of_memory, causes(error))) else "raised"
        said = str(error) if outcome == "refused" else " < ".join(map(repr, causes(error)))
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return {"outcome": outcome, "said": said, "seconds": time.process_time() - start}


def in_use() -> int:
    """Bytes of address space."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def is_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or "allocate memory" in str(error).lower()


if __name__ == "__main__":
    torch.set_num_threads(1)
    for line in sys.stdin:
        kind, name = json.loads(line)
        sys.stdout.write(json.dumps(opened(kind, Path(name))) + "\n")
        sys.stdout.flush()
