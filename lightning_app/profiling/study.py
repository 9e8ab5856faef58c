"""One run of ``dfc profile``: measure, plan, write and print."""

from __future__ import annotations

import platform
import sys
from math import prod
from pathlib import Path
from typing import NamedTuple

import torch
from jsonargparse import Namespace
from rich.console import Console

from lightning_app.darknet import Network
from lightning_app.errors import OptionError
from lightning_app.profiling.conclusion import ENERGY, LATENCY, best_split, conclusion
from lightning_app.profiling.cuts import Cut, computed_layers, cuts_of, write_cuts
from lightning_app.profiling.figures import energy_figure, latency_figure, layer_figure
from lightning_app.profiling.latency import Plan, Setting, plans_of
from lightning_app.profiling.layers import Layer, layer_rows
from lightning_app.profiling.sizes import Size, feature_sizes, picture_sizes, read_all
from lightning_app.profiling.tables import cut_table, layer_table, plan_table, worth_showing
from lightning_app.profiling.timing import clock_of, drawn_picture, layer_seconds, whole_seconds
from lightning_app.provenance import program_commit
from lightning_app.records.rows import write_rows
from lightning_app.report.canvas import save
from lightning_app.weights.files import read

WIDE = 160
"""Columns of a table that goes to a file or a pipe, which have no width."""

CLOUD_ONLY = "cloud-only"
NO_CLOUD = (
    "Cloud-only is left out: how many kilobits its picture takes is not known; give --picture_kbpi, or points of whole "
    "pictures."
)


class LayerTiming(NamedTuple):
    """A network whose layers were timed.

    Attributes:
        layers: a row each.
        seconds: of each layer, in its shortest pass.
        whole: seconds of the network run as one, in its shortest pass.
    """

    layers: list[Layer]
    seconds: list[float]
    whole: float


def profile(options: Namespace) -> None:
    """Run the command.

    Args:
        options: of the command line, checked.
    """
    setting = Setting(
        options.uplink, options.mobile_factor, options.cloud_factor, options.mobile_watts, options.radio_watts
    )
    device = _device(options.device)
    network = _network(options.network, options.weights)
    cuts = cuts_of(network, options.passthrough)
    if not cuts:
        raise OptionError(f"{options.network} has no layer to split behind that leaves the cloud something to compute")
    sizes, pictures = _sizes(options, cuts)
    measured = _measure(network, device, options.repeats)
    plans = plans_of(cuts, measured.seconds, computed_layers(network), sizes, pictures, setting)
    _write(options.output, measured.layers, cuts, plans, options.passthrough)
    _draw(options.output, network, measured.layers, plans, setting)
    _print(options, measured, cuts, plans, setting)


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise OptionError(f"--device {name} is not on this machine; give cpu, or cuda where there is a GPU") from error
    if device.type not in ("cpu", "cuda"):
        raise OptionError(f"--device must be cpu, cuda or cuda:N, not {name}")
    return device


def _network(cfg: Path, weights: Path | None) -> Network:
    network = Network.from_cfg(cfg) if weights is None else read(weights, cfg).network
    for sentence in network.notes:
        print(sentence, file=sys.stderr)  # noqa: T201
    return network.eval()


def _sizes(options: Namespace, cuts: list[Cut]) -> tuple[dict[str, Size], dict[str, Size]]:
    """Measured sizes by split, and those of the picture by system."""
    points = read_all(options.points, options.network, {cut.split for cut in cuts})
    sizes = feature_sizes(points, options.qp)
    if options.picture_kbpi is not None:
        return sizes, {CLOUD_ONLY: Size(options.picture_kbpi, "--picture_kbpi", measured=True)}
    return sizes, picture_sizes(points, options.qp)


def _measure(network: Network, device: torch.device, repeats: int) -> LayerTiming:
    network = network.to(device)
    image, clock = drawn_picture(network, device), clock_of(device)
    with network.unchanging():
        seconds = layer_seconds(network, image, repeats, clock)
        whole = whole_seconds(network, image, repeats, clock)
    return LayerTiming(layer_rows(network, seconds, _device_name(device), program_commit()), seconds, whole)


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{_processor()}, {torch.get_num_threads()} threads"


def _processor() -> str:
    """As Linux names it: ``platform.processor()`` is often empty there."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _write(output: Path, layers: list[Layer], cuts: list[Cut], plans: list[Plan], passthrough: str) -> None:
    try:
        write_rows(output / "layers.csv", Layer, layers)
        write_cuts(output / "cuts.csv", cuts, passthrough)  # type: ignore[arg-type]
        write_rows(output / "latency.csv", Plan, plans)
    except OSError as error:
        raise OptionError(f"{output} cannot be written to: {error.strerror}; give another --output") from error


def _draw(output: Path, network: Network, layers: list[Layer], plans: list[Plan], setting: Setting) -> None:
    picture = network.channels * prod(network.size)
    save(layer_figure(layers, picture), output / "layers")
    save(latency_figure(plans, LATENCY, _words(setting)), output / "latency")
    if setting.mobile_watts is not None:
        watts = f"{setting.mobile_watts:g} W computing, {setting.radio_watts:g} W sending"
        save(energy_figure(plans, ENERGY, f"{_words(setting)}; {watts}"), output / "energy")


def _words(setting: Setting) -> str:
    return (
        f"uplink {setting.uplink}; mobile {setting.mobile_factor:g}×, cloud {setting.cloud_factor:g}× the measured time"
    )


def _print(options: Namespace, measured: LayerTiming, cuts: list[Cut], plans: list[Plan], setting: Setting) -> None:
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    aims = (LATENCY, ENERGY) if setting.mobile_watts is not None else (LATENCY,)
    notable = {plan.split for plan in plans if plan.system == "split" and plan.measured}
    notable |= {best_split(plans, aim).split for aim in aims}
    shown = worth_showing(cuts, notable)
    console.print(layer_table(measured.layers, 1000 * measured.whole))
    console.print(_agreement(measured), soft_wrap=True, markup=False)
    console.print(cut_table(cuts, shown, options.passthrough))
    console.print(plan_table(plans, shown, f"One picture, {_words(setting)}"))
    if not any(plan.system.startswith(CLOUD_ONLY) for plan in plans):
        console.print(NO_CLOUD, soft_wrap=True, markup=False)
    console.print(f"Written to {options.output}", soft_wrap=True, markup=False)
    for aim in aims:
        console.print(conclusion(plans, aim, setting.uplink), soft_wrap=True, markup=False)


def _agreement(measured: LayerTiming) -> str:
    """How the sum of the layers compares with the network run as one."""
    ratio = sum(measured.seconds) / measured.whole
    doubt = ""
    if not 0.8 < ratio < 1.25:
        doubt = ": the machine was busy, a GPU waited behind every layer, or --repeats are too few"
    return f"The layers add up to {100 * ratio:.0f} % of the network run as one{doubt}."
