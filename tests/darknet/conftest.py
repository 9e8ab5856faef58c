"""Networks that the tests of this folder share."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lightning_app.darknet import Network
from lightning_app.darknet.layers import Convolution

NETWORKS = Path(__file__).parents[2] / "configs" / "networks"
SMALL = ("shapes", "yolo-lite", "yolov2-tiny-voc", "yolov3-tiny-voc")
"""Networks whose weights are made, written and read in a moment."""


@pytest.fixture(
    params=[
        pytest.param(path, id=path.stem, marks=() if path.stem in SMALL else pytest.mark.slow)
        for path in sorted(NETWORKS.glob("*.cfg"))
    ]
)
def shipped(request: pytest.FixtureRequest) -> Path:
    """Each network that we ship."""
    path: Path = request.param
    return request.getfixturevalue("yolo9000") if path.stem == "yolo9000" else path


@pytest.fixture
def yolo9000(tmp_path: Path) -> Path:
    """The shipped YOLO9000, beside a tree of as many classes as Darknet's: ten roots, ten children each, and so on."""
    path = Path(shutil.copy(NETWORKS / "yolo9000.cfg", tmp_path))
    (tmp_path / "9k.tree").write_text("".join(f"n{number:08} {number // 10 - 1}\n" for number in range(9418)))
    return path


@pytest.fixture
def cfg(tmp_path: Path) -> Callable[[str], Path]:
    """Write a .cfg of the given text."""

    def write(text: str) -> Path:
        path = tmp_path / "net.cfg"
        path.write_text(text)
        return path

    return write


@pytest.fixture(scope="session")
def randomised() -> Callable[[Path], Network]:
    """Make a network in evaluation mode with random values also where initial ones are 0 or 1."""

    def make(path: Path) -> Network:
        network = Network.from_cfg(path).eval()
        generator = torch.Generator().manual_seed(7)
        with torch.no_grad():
            for layer in network.layers.values():
                if isinstance(layer, Convolution):
                    parts: list[torch.Tensor] = [p for p in layer.parameters() if p.ndim == 1]
                    parts += [b for b in layer.buffers() if b.is_floating_point()]
                    for tensor in parts:
                        tensor.uniform_(0.5, 1.5, generator=generator)
        return network

    return make
