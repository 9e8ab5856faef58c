"""Which way to run the network is best, and the sentence that says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from lightning_app.profiling.latency import Plan, energy, latency
from lightning_app.profiling.uplink import Uplink


class Aim(NamedTuple):
    """What is to be small.

    Attributes:
        superlative: ``fastest``.
        cost: of a plan.
        unit: of the cost.
    """

    superlative: str
    cost: Callable[[Plan], float]
    unit: str

    def text(self, plan: Plan) -> str:
        """The cost of a plan with its unit, or thousandths of it, to three digits or more."""
        value, unit = self.cost(plan), self.unit
        if value < 1:
            value, unit = 1000 * value, f"m{unit}"
        return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


LATENCY = Aim("fastest", latency, "s")
ENERGY = Aim("most frugal", energy, "J")


def best_plan(plans: Sequence[Plan], aim: Aim) -> Plan:
    """The plan of the lowest cost; of equals the first."""
    return min(plans, key=aim.cost)


def best_split(plans: Sequence[Plan], aim: Aim) -> Plan:
    """The same, of the splits whose bits were measured; of all, where none was."""
    splits = [plan for plan in plans if plan.system == "split"]
    return best_plan([plan for plan in splits if plan.measured] or splits, aim)


def conclusion(plans: Sequence[Plan], aim: Aim, uplink: Uplink) -> str:
    """Which split is best and by how much, and how many splits nobody has measured.

    Args:
        plans: with at least one split; cloud-only may be absent.
        aim: latency or energy.
        uplink: that they are for.
    """
    split = best_split(plans, aim)
    raw = [plan for plan in plans if plan.system == "split" and not plan.measured]
    compared = [plan for plan in plans if plan not in raw] if split.measured else plans
    best = best_plan(compared, aim)
    size = f"; {split.size}" if split.measured else ", raw float32, which no codec was measured at"
    which = "measured split" if split.measured and raw else "split"
    opening = f"Over {uplink}, the {aim.superlative} {which} is {split.name} ({aim.text(split)}{size}): "
    *others, last = (_against(split, plan, aim) for plan in plans if plan.system != "split")
    against = f"{', '.join(others)} and {last}" if others else last
    end = "" if best == split else f"; {best.name} is the {aim.superlative} of all"
    left_out = f" No bits were measured at {len(raw)} other split(s)." if split.measured and raw else ""
    return f"{opening}{against}{end}.{left_out}"


def _against(split: Plan, other: Plan, aim: Aim) -> str:
    """``38.2 % less than cloud-only (344 ms)``, from twice on ``2.5 times mobile-only (138 ms)``."""
    ratio = aim.cost(split) / aim.cost(other)
    percent = f"{abs(100 * ratio - 100):.1f} % {'less' if ratio < 1 else 'more'} than"
    return f"{percent if ratio < 2 else f'{ratio:.1f} times'} {other.name} ({aim.text(other)})"
