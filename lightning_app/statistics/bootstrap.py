"""Results over resamples of the pictures (Efron's bootstrap), computed from weights instead of repeated pictures."""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lightning_app.errors import DataError, OptionError
from lightning_app.statistics.outcomes import Floats, Ints, Outcomes
from lightning_app.statistics.recall_levels import TENTHS

Counts: TypeAlias = NDArray[np.integer[Any]]

BLOCK = 2**18
"""Weights worked on at a time: few enough for the processor's cache, enough to make the calls cheap."""
ROWS = 64
"""Resamples whose mean is taken at a time: a product makes float64 of its counts."""


def draw_counts(pictures: int, resamples: int, seed: int) -> NDArray[np.uint16]:
    """How often each picture stands in each resample: as many draws as pictures, with replacement.

    The same arguments give the same counts, so that systems are compared on the same resamples.

    Args:
        pictures: number of pictures I, from 1.
        resamples: number of resamples R, from 1. More of them begin with the fewer.
        seed: of the draws, from 0.

    Returns:
        (R, I), each row of sum I.
    """
    if pictures < 1 or resamples < 1 or seed < 0:
        raise OptionError(
            f"pictures and resamples must be at least 1 and seed at least 0, not {pictures}, {resamples}, {seed}"
        )
    random = np.random.default_rng(seed)
    counts = np.empty((resamples, pictures), np.uint16, order="F")  # as `resampled_map` works on them
    for row in counts:
        row[:] = np.bincount(random.integers(pictures, size=pictures), minlength=pictures)
    return counts


def resampled_map(outcomes: Outcomes, classes: int, counts: Counts, levels: Floats = TENTHS) -> Floats:
    """The mean average precision of each resample.

    It is that of `VOCMeanAveragePrecision` on a data set that holds each picture as often as counted, in which equal
    scores stand in the order that they have in ``outcomes``, the copies of a detection side by side.

    Args:
        outcomes: of I pictures.
        classes: number of classes K.
        counts: (R, I) how often each picture stands in each resample.
        levels: (11,) of recall, by `recall_levels`.

    Returns:
        (R, 2) the 11-point mAP and that of the area under the curve, fractions. A class without a truth in a resample
        is left out of its mean; without any class it is NaN.
    """
    check_counts(counts, len(outcomes.images))
    labels = np.concatenate([np.unique(labels) for labels in (outcomes.truths[:, 1], outcomes.label)])
    if ((labels < 0) | (labels >= classes)).any():
        raise DataError(f"labels must be in 0 … {classes - 1}, not {labels.min():g} … {labels.max():g}")
    parts = [of_class(outcomes, label) for label in range(classes)]
    by_picture = np.ascontiguousarray(counts.T)  # (I, R): of each picture together, since they are added together
    precisions = np.stack([over_blocks(part, by_picture, levels) for part in parts])  # (K, R, 2)
    known = ~np.isnan(precisions)
    number = known.sum(axis=0)  # (R, 2)
    total = np.where(known, precisions, 0).sum(axis=0)
    maps: Floats = np.divide(total, number, out=np.full(number.shape, np.nan), where=number > 0)
    return maps


def resampled_mean(values: Floats, counts: Counts) -> Floats:
    """The mean (R,) of a value of each picture (I,) over each resample: ``counts`` (R, I)."""
    check_counts(counts, len(values))
    values = values.astype(np.float64)
    blocks = np.split(counts, range(ROWS, len(counts), ROWS))
    means: Floats = np.concatenate([block @ values / block.sum(axis=1) for block in blocks])
    return means


def interval(samples: Floats, level: float = 0.95) -> tuple[float, float]:
    """The percentile interval.

    Args:
        samples: (R,), of which NaN are left out.
        level: share of the samples between its ends, above 0 and below 1.

    Returns:
        Lower and upper end; both NaN where all samples are.
    """
    if not 0 < level < 1:
        raise OptionError(f"level must be above 0 and below 1, not {level}")
    known = samples[~np.isnan(samples)]
    if not len(known):
        return np.nan, np.nan
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def interval_about(estimate: float, samples: Floats, level: float = 0.95) -> tuple[float, float]:
    """The percentile interval of the samples' deviations from their median, set about an estimate.

    For a statistic that resampling biases. Mean average precision is one: a picture that stands twice is no second
    source of errors, and the mAP of resamples of 357 pictures lies two points above that of the pictures themselves.

    Args:
        estimate: from the pictures themselves.
        samples: (R,) of the resamples, of which NaN are left out.
        level: share of the samples between its ends, above 0 and below 1.

    Returns:
        Lower and upper end; both NaN where all samples are.
    """
    low, high = interval(samples, level)
    shift = estimate - (float(np.nanmedian(samples)) if not np.isnan(low) else np.nan)
    return low + shift, high + shift


def spread(samples: Floats) -> float:
    """The standard deviation (population) of the samples (R,) that are not NaN; NaN where all are."""
    known = samples[~np.isnan(samples)]
    return float(known.std()) if len(known) else np.nan


def check_counts(counts: Counts, pictures: int) -> None:
    """Refuse counts of other pictures."""
    if counts.ndim != 2 or counts.shape[1] != pictures:
        raise DataError(f"counts must be (R, {pictures}), one column per picture, not {counts.shape}")


class OfClass(NamedTuple):
    """What counts of one class. A picture is named by its column in the counts."""

    pictures: Ints  # (D,) of the detections by falling score, up to the last hit: those behind it change nothing
    hits: Ints  # (H,) places of the hits among them
    owners: Ints  # (T,) pictures with truths
    truths: Ints  # (T,) their number in each


def of_class(outcomes: Outcomes, label: int) -> OfClass:
    """The part of one class."""
    found = outcomes.label == label
    index, hits = outcomes.index[found], np.flatnonzero(outcomes.hit[found])
    end = hits[-1] + 1 if len(hits) else 0
    truths = outcomes.truths[outcomes.truths[:, 1] == label]
    pictures, owners = (np.searchsorted(outcomes.images, numbers) for numbers in (index[:end], truths[:, 0]))
    return OfClass(pictures, hits, owners, truths[:, 2])


def over_blocks(part: OfClass, counts: Counts, levels: Floats) -> Floats:
    """`average_precisions` (R, 2) of all resamples, some at a time; ``counts`` (I, R) has a row for each picture."""
    between = np.diff(part.hits, prepend=-1).max(initial=1)
    columns = max(1, BLOCK // max(len(part.hits), len(part.owners), between))
    starts = range(0, counts.shape[1], columns)
    blocks = [average_precisions(part, counts[:, start : start + columns], levels) for start in starts]
    return np.concatenate([np.empty((0, 2)), *blocks])


def average_precisions(part: OfClass, counts: Counts, levels: Floats) -> Floats:
    """11-point average and area (R, 2) of one class in each resample, NaN without truths; VOCap.m with weights.

    A detection that stands w times is w points of the curve. Among those of a hit, precision rises, since it is at
    most one; so the best precision at the recall of any of them, or a higher one, is that of the last or of a later
    hit. The curve is therefore needed behind each hit's last copy only, and the detections between two hits are summed.

    Args:
        part: of D detections, of which H are hits.
        counts: (I, R) how often each picture stands in each resample.
        levels: (11,) of recall.
    """
    between = np.empty((len(part.hits), counts.shape[1]), np.int64)  # (H, R) points behind the hit before
    for points, pictures in zip(between, np.split(part.pictures, part.hits + 1), strict=False):
        counts[pictures].sum(axis=0, out=points)
    ranks = between.cumsum(axis=0)
    weights = counts[part.pictures[part.hits]]  # (H, R)
    found = weights.cumsum(axis=0, dtype=np.int64)
    precision = np.divide(found, ranks, out=np.zeros(ranks.shape), where=ranks > 0)
    envelope = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    positives = part.truths @ counts[part.owners]  # (R,)
    recall = found / np.maximum(positives, 1)
    # The first hit that reaches each level, H where none does.
    first = np.stack([(recall < level).sum(axis=0) for level in levels])  # (11, R)
    reached = np.take_along_axis(np.pad(envelope, ((0, 1), (0, 0))), first, axis=0)
    area = (weights * envelope).sum(axis=0) / np.maximum(positives, 1)
    return np.where(positives[:, None] > 0, np.stack((reached.mean(axis=0), area), axis=1), np.nan)
