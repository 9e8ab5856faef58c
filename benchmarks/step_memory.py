"""Two steps of training of yolov2-voc, by batches of 8 of 416×416, in this process alone: its peak is their memory.

``python -m benchmarks.step_memory torch`` takes torch's own batch norm and max pooling, one layer after another.
"""

from __future__ import annotations

import sys

import torch
from torch import nn

from lightning_app.darknet import Network
from lightning_app.darknet.layers import Convolution
from lightning_app.darknet.pooling import MaxPool
from lightning_app.graph import Truth
from lightning_app.optimizer import make_optimizer

CFG, BATCH, STEPS = "configs/networks/yolov2-voc.cfg", 8, 2
OPTIONS = {"optimizer": "sgd", "learning_rate": 1e-6, "momentum": 0.9, "weight_decay": 5e-4}


class _Own(nn.BatchNorm2d):
    """Torch's own."""


def main() -> None:
    """Forward, loss, backward and the optimiser, as a fit has them; the first step makes what the optimiser keeps."""
    network = Network.from_cfg(CFG).train()
    if sys.argv[1:] == ["torch"]:
        _take_torchs_own(network)
    optimizer = make_optimizer(network.parameters(), OPTIONS)
    images = torch.rand(BATCH, 3, *network.size)
    truth: Truth = {
        "boxes": torch.tensor([[0.5, 0.5, 0.2, 0.3]]),
        "labels": torch.tensor([1]),
        "class_only": torch.tensor([], dtype=torch.long),
    }
    for _ in range(STEPS):
        terms = network.losses(network(images), [truth] * BATCH, "darknet", 10**6)
        torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()


def _take_torchs_own(network: Network) -> None:
    for name, layer in network.layers.items():
        if isinstance(layer, Convolution) and isinstance(layer.norm, nn.BatchNorm2d):
            layer.norm.__class__ = _Own
        if type(layer) is MaxPool:
            network.layers[name] = nn.MaxPool2d(layer.size, layer.stride)


if __name__ == "__main__":
    main()
