"""Weights that the tests of this folder share."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lightning_app.darknet import Network, save_weights
from lightning_app.darknet.layers import Convolution

NETWORKS = Path("configs/networks")


@pytest.fixture
def random_weights(workplace: Path) -> Callable[[Path], Path]:
    """Write random.weights for a .cfg, random also where initial values are 0 or 1, and give its path."""

    def write(cfg: Path) -> Path:
        network = Network.from_cfg(cfg)
        generator = torch.Generator().manual_seed(7)
        with torch.no_grad():
            for layer in network.layers.values():
                if isinstance(layer, Convolution):
                    for tensor in (*layer.parameters(), *layer.buffers()):
                        if tensor.ndim == 1:
                            tensor.uniform_(0.5, 1.5, generator=generator)
        network.seen = 12_345
        save_weights(network, "random.weights")
        return Path("random.weights")

    return write
