"""How sure a result is: resamples of the pictures, and Bjøntegaard differences. Nothing here imports torch."""

from lightning_app.statistics.bd import BD, BDInterval, Span, bd_interval, bd_map, bd_rate, compare
from lightning_app.statistics.bootstrap import (
    draw_counts,
    interval,
    interval_about,
    resampled_map,
    resampled_mean,
    spread,
)
from lightning_app.statistics.outcomes import Outcomes, load_outcomes, load_truths, outcomes_file

__all__ = [
    "BD",
    "BDInterval",
    "Outcomes",
    "Span",
    "bd_interval",
    "bd_map",
    "bd_rate",
    "compare",
    "draw_counts",
    "interval",
    "interval_about",
    "load_outcomes",
    "load_truths",
    "outcomes_file",
    "resampled_map",
    "resampled_mean",
    "spread",
]
