"""The tensors that are sent behind each layer, and which layers each side runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path

from lightning_app.graph import IMAGE, Passthrough, SplitDetector, between
from lightning_app.records.rows import write_rows


@dataclass(frozen=True)
class Cut:
    """The network in two, behind one layer.

    Attributes:
        split: name of the layer.
        crossing: names of the layers whose outputs are sent, that one first.
        samples: of each output that is sent.
        mobile: indices of the layers that run on the mobile.
        cloud: indices of the layers that run in the cloud.
    """

    split: str
    crossing: tuple[str, ...]
    samples: tuple[int, ...]
    mobile: tuple[int, ...]
    cloud: tuple[int, ...]

    @property
    def crosses(self) -> str:
        """``max_17 + reorg_27``."""
        return " + ".join(self.crossing)

    @property
    def volume(self) -> int:
        """Samples that cross, of all outputs together."""
        return sum(self.samples)


@dataclass(frozen=True)
class CutRow:
    """A row of ``cuts.csv``: a `Cut`, its lists parted by spaces.

    Attributes:
        split: name of the layer that is cut behind.
        passthrough: ``reduced`` or ``full``.
        crossing: names of the layers whose outputs are sent.
        crossing_samples: of each of them.
        samples: of all together.
        mobile_layers: how many layers run on the mobile.
        cloud_layers: how many layers run in the cloud.
    """

    split: str
    passthrough: str
    crossing: str
    crossing_samples: str
    samples: int
    mobile_layers: int
    cloud_layers: int


def computed_layers(network: SplitDetector) -> tuple[int, ...]:
    """Indices of the layers that an output of the network depends on."""
    return tuple(node.index for node in between(network.nodes, (IMAGE,), network.outputs))


def cuts_of(network: SplitDetector, passthrough: Passthrough) -> list[Cut]:
    """The cut behind every layer that computes something and leaves the cloud something to compute."""
    computed = computed_layers(network)
    nodes = [node for node in network.nodes if node.index in computed and not node.alias]
    cuts = [_cut(network, node.name, passthrough) for node in nodes]
    return [cut for cut in cuts if not all(network.nodes[index].alias for index in cut.cloud)]


def _cut(network: SplitDetector, name: str, passthrough: Passthrough) -> Cut:
    front, back, crossing = network.split(name, passthrough)
    samples = tuple(prod(network.node(layer).shape) for layer in crossing)
    mobile, cloud = (tuple(node.index for node in part.nodes) for part in (front, back))
    return Cut(name, crossing, samples, mobile, cloud)


def write_cuts(path: Path, cuts: Iterable[Cut], passthrough: Passthrough) -> None:
    """Write ``cuts.csv``, and the folders above it."""
    rows = [
        CutRow(
            cut.split,
            passthrough,
            " ".join(cut.crossing),
            " ".join(map(str, cut.samples)),
            cut.volume,
            len(cut.mobile),
            len(cut.cloud),
        )
        for cut in cuts
    ]
    write_rows(path, CutRow, rows)
