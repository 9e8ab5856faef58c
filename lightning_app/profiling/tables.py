"""Tables of layers, cuts and plans for a person."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.markup import escape
from rich.table import Table

from lightning_app.profiling.conclusion import ENERGY, LATENCY, best_plan, best_split
from lightning_app.profiling.cuts import Cut
from lightning_app.profiling.latency import Plan
from lightning_app.profiling.layers import Layer

MANY = 40
"""Splits that a table shows all of."""


def layer_table(layers: Sequence[Layer], whole_milliseconds: float) -> Table:
    """What each layer gives and costs.

    Args:
        layers: of the network.
        whole_milliseconds: of the network run as one, the shortest pass.
    """
    table = Table(title=f"Layers, one picture on {escape(layers[0].device)}", title_justify="left")
    table.add_column("Layer")
    for name in ("Output C×N×M", "Samples", "MMAC", "Cumulative %", "ms", "Cumulative %"):
        table.add_column(name, justify="right")
    for layer in layers:
        shape = f"{layer.channels}×{layer.rows}×{layer.columns}"
        macs, time = f"{100 * layer.cumulative_macs:.1f}", f"{100 * layer.cumulative_time:.1f}"
        mmac = f"{layer.macs / 1e6:,.1f}" if layer.macs else "–"
        table.add_row(layer.name, shape, f"{layer.samples:,}", mmac, macs, f"{layer.milliseconds:.2f}", time)
    table.add_section()
    total = f"{sum(layer.macs for layer in layers) / 1e6:,.1f}"
    table.add_row("All layers", "", "", total, "", f"{sum(layer.milliseconds for layer in layers):.2f}", "")
    table.add_row("Run as one", "", "", "", "", f"{whole_milliseconds:.2f}", "")
    return table


def worth_showing(cuts: Sequence[Cut], always: Collection[str]) -> set[str]:
    """Splits for a table: all of a few; of many those that send less than every earlier one, and ``always``."""
    if len(cuts) <= MANY:
        return {cut.split for cut in cuts}
    least = float("inf")
    shown = set(always)
    for cut in cuts:
        if cut.volume < least:
            least = cut.volume
            shown.add(cut.split)
    return shown


def cut_table(cuts: Sequence[Cut], shown: Collection[str], passthrough: str) -> Table:
    """The tensors that are sent behind each layer of ``shown``."""
    title = f"Cut sets, passthrough {passthrough}{_left_out(len(cuts), shown)}"
    table = Table(title=title, title_justify="left")
    table.add_column("Split")
    table.add_column("Sends")
    table.add_column("Samples of each", justify="right")
    table.add_column("Samples", justify="right")
    for cut in cuts:
        if cut.split in shown:
            each = " + ".join(f"{samples:,}" for samples in cut.samples)
            table.add_row(cut.split, cut.crosses, each, f"{cut.volume:,}")
    return table


def plan_table(plans: Sequence[Plan], shown: Collection[str], title: str) -> Table:
    """Latency, and energy where the watts are known, the best plan and the best split in bold.

    Args:
        plans: mobile-only, cloud-only and the splits.
        shown: the splits to show.
        title: the setting.
    """
    splits = sum(plan.system == "split" for plan in plans)
    table = Table(title=escape(title + _left_out(splits, shown)), title_justify="left")
    table.add_column("Runs as")
    for name in ("KBPI", "Mobile ms", "Uplink ms", "Cloud ms", "Latency ms"):
        table.add_column(name, justify="right")
    aims = (LATENCY,) if plans[0].joules is None else (LATENCY, ENERGY)
    if ENERGY in aims:
        table.add_column("Energy mJ", justify="right")
    table.add_column("KBPI is from")
    table.add_column("")
    best = [(aim, best_plan(plans, aim), best_split(plans, aim)) for aim in aims]
    for plan in plans:
        if plan.system == "split" and plan.split not in shown:
            continue
        marks = [f"◄ {aim.superlative}" for aim, first, _ in best if plan == first]
        marks += [f"◄ {aim.superlative} split" for aim, first, split in best if plan == split != first]
        table.add_row(*_cells(plan), "\n".join(marks), style="bold" if marks else "" if plan.measured else "dim")
    return table


def _cells(plan: Plan) -> list[str]:
    seconds = (plan.mobile_seconds, plan.uplink_seconds, plan.cloud_seconds, plan.seconds)
    cells = [plan.name, f"{plan.kbpi:,.1f}", *(f"{1000 * value:,.1f}" for value in seconds)]
    if plan.joules is not None:
        cells.append(f"{1000 * plan.joules:,.1f}")
    return [*cells, escape(plan.size)]


def _left_out(splits: int, shown: Collection[str]) -> str:
    if len(shown) == splits:
        return ""
    return (
        f"; {len(shown)} of {splits} splits: those that send less than all earlier ones, those measured, and the best"
    )
