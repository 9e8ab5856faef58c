"""What stands in a weights file: a row a convolution, and the sentences below the table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from rich.markup import escape
from rich.table import Table
from torch import Tensor, nn

from lightning_app.darknet import Network
from lightning_app.darknet.layers import Convolution
from lightning_app.darknet.weights import stored_tensors
from lightning_app.weights.files import LoadedWeights, is_checkpoint

ABSENT = "not in the file"


def layer_table(path: Path, loaded: LoadedWeights) -> Table:
    """Shapes and statistics of a weights file.

    Args:
        path: of the file.
        loaded: what it gave.
    """
    table = Table(title=escape(_title(path, loaded.network)), title_justify="left")
    table.add_column("Layer")
    for name in ("Weights", "Values", "Mean", "Std", "Min", "Max"):
        table.add_column(name, justify="right")
    table.add_column("Batch norm")
    table.add_column("Note")
    stored = stored_tensors(loaded.network)
    values = {name: sum(tensor.numel() for tensor in tensors) for name, tensors in stored.items()}
    for name, layer in _convolutions(loaded.network):
        count = values[name]
        shape = "×".join(map(str, layer.conv.weight.shape))
        if name in loaded.missing:
            table.add_row(name, shape, f"{count:,}", *[""] * 5, ABSENT, style="dim")
            continue
        spoilt = _not_finite(stored[name])
        note = f"[bold red]{spoilt:,} not finite[/]" if spoilt else ""
        table.add_row(name, shape, f"{count:,}", *_statistics(layer.conv.weight), _batch_norm(layer), note)
    table.add_section()
    total = sum(count for name, count in values.items() if name not in loaded.missing)
    table.add_row("In the file", "", f"{total:,}")
    return table


def remarks(loaded: LoadedWeights) -> list[str]:
    """What a person should know beside the table, a sentence each."""
    found = []
    if loaded.missing:
        found.append(f"The file ends before {', '.join(loaded.missing)}.")
    counts = {name: _not_finite(tensors) for name, tensors in stored_tensors(loaded.network).items()}
    spoilt = [f"{count:,} in {name}" for name, count in counts.items() if count]
    if spoilt:
        found.append(f"Values that are not finite: {', '.join(spoilt)}; the statistics leave them out.")
    return found


def _title(path: Path, network: Network) -> str:
    kind = "checkpoint" if is_checkpoint(path) else f"Darknet {'.'.join(map(str, network.version))}"
    return f"{path.name}: {kind}, {network.seen:,} pictures seen"


def _convolutions(network: Network) -> list[tuple[str, Convolution]]:
    """Those with weights of their own."""
    named = [(name, layer) for name, layer in network.layers.items() if isinstance(layer, Convolution)]
    return [(name, layer) for name, layer in named if not layer.shares]


def _not_finite(tensors: Sequence[Tensor]) -> int:
    return sum(int((~torch.isfinite(tensor)).sum()) for tensor in tensors)


def _statistics(weights: Tensor) -> list[str]:
    """Mean, standard deviation, minimum and maximum of the finite ones."""
    values = weights.detach()[torch.isfinite(weights)].double()
    if len(values) == 0:
        return ["–"] * 4
    return [f"{x:.3g}" for x in (values.mean(), values.std(correction=0), values.min(), values.max())]


def _batch_norm(layer: Convolution) -> str:
    if not isinstance(layer.norm, nn.BatchNorm2d):
        return "–"
    assert layer.norm.running_var is not None
    return f"scale {_range(layer.norm.weight)}, variance {_range(layer.norm.running_var)}"


def _range(values: Tensor) -> str:
    finite = values[torch.isfinite(values)]
    return f"{finite.min():.2g} to {finite.max():.2g}" if len(finite) else "–"
