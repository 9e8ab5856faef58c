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
from lightning_app.statistics.recall_levels import TENTHS, RecallLevels, check_same_levels, recall_levels

__all__ = [
    "BD",
    "TENTHS",
    "BDInterval",
    "Outcomes",
    "RecallLevels",
    "Span",
    "bd_interval",
    "bd_map",
    "bd_rate",
    "check_same_levels",
    "compare",
    "draw_counts",
    "interval",
    "interval_about",
    "load_outcomes",
    "load_truths",
    "outcomes_file",
    "recall_levels",
    "resampled_map",
    "resampled_mean",
    "spread",
]
