"""Batch norm adds 1e-5 to the variance inside the root, as the programs did that trained the published weights."""

import json
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from lightning_app.checkpoint import load_model
from lightning_app.darknet import Network

VARIANCES = (1.0, 1e-3, 1e-5, 1e-6, 0.0, -7e-44)
CFG = (
    "[net]\nwidth=4\nheight=4\nchannels=3\n"
    "[convolutional]\nbatch_normalize=1\nfilters=6\nsize=1\npad=1\nactivation=linear\n"
    "[region]\nanchors=1,1\nclasses=1\ncoords=4\nnum=1\nsoftmax=1\n"
)


def write_weights(path: Path, variances: Sequence[float]) -> Path:
    """A 1×1 convolution of three channels to six: bias ½, scale 2, mean 1, weights 3, 0, 0 in each."""
    columns = ([0.5] * 6, [2.0] * 6, [1.0] * 6, variances, [3.0, 0.0, 0.0] * 6)
    path.write_bytes(struct.pack("<3iQ", 0, 2, 5, 0) + b"".join(struct.pack(f"<{len(c)}f", *c) for c in columns))
    return path


def outputs(cfg: Path, weights: Path) -> list[float]:
    """A sample a channel, for a picture of ¾ in its first channel and 0 in the others."""
    network = Network.from_cfg(cfg).eval()
    assert load_model(network, weights) == []
    image = torch.zeros(1, 3, 4, 4)
    image[:, 0] = 0.75
    with torch.no_grad():
        (raw,) = network(image)
    assert torch.equal(raw, raw[..., :1, :1].expand_as(raw))
    return [float(sample) for sample in raw[0, :, 0, 0]]


def test_batch_norm_adds_a_hundred_thousandth_to_the_variance_inside_the_root(
    cfg: Callable[[str], Path], tmp_path: Path
) -> None:
    """(3 · ¾ - 1) · 2 / √(variance + .00001) + ½; with .000001, or outside the root, the small ones are far off."""
    found = outputs(cfg(CFG), write_weights(tmp_path / "a.weights", VARIANCES))
    assert found == pytest.approx([2.9999875, 79.164597, 559.51699, 754.27836, 791.06942, 791.06942], rel=1e-6)


@pytest.mark.parametrize("name", ["eps", "variance-below-zero"])
def test_weights_like_published_ones_with_small_variances_give_what_darknet_gives(shared: Path, name: str) -> None:
    folder = shared / "cases" / name
    if not folder.is_dir():
        pytest.skip(f"no weights with small variances: {folder} is not there")
    expected = json.loads((folder / "expected.json").read_text())["output"]
    assert outputs(folder / "one-convolution.cfg", folder / "one-convolution.weights") == pytest.approx(
        expected, rel=1e-4
    )
