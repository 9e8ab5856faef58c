"""Curves against the cloud-only one, with intervals."""

from dataclasses import replace

import numpy as np
import pytest

from lightning_app.evaluation.resampling import ResampledPoint, differences
from lightning_app.records.points import Point

POINT = Point("feature", "a.cfg", "", "max_5", "tiled", "HEVC", "8", "22", 9, 100, 1, 0.5, 0.5, 0)
CLOUD = replace(POINT, system="cloud-only", split="", layout="", depth="", codec="HEVC420")
RATES = {"22": 80.0, "27": 60.0, "32": 40.0, "37": 20.0}


def curve(point: Point, maps: list[float], spread: float) -> list[ResampledPoint]:
    moves = np.linspace(-spread, spread, 50)
    return [
        ResampledPoint(replace(point, qp=qp, kbpi=rate, map=value), np.full(50, rate), value + moves)
        for (qp, rate), value in zip(RATES.items(), maps, strict=True)
    ]


def test_a_number_that_is_not_there_has_no_interval() -> None:
    anchor = curve(CLOUD, [0.80, 0.78, 0.74, 0.70], 0)
    (near,) = differences(anchor, curve(POINT, [0.79, 0.77, 0.73, 0.69], 0.03))
    assert near.bd_kbpi == pytest.approx(11.6, abs=3)
    assert near.bd_kbpi_low is not None
    (apart,) = differences(anchor, curve(POINT, [0.69, 0.67, 0.63, 0.59], 0.03))
    assert apart.bd_kbpi is None
    assert (apart.bd_kbpi_low, apart.bd_kbpi_high) == (None, None)
    assert "share no range of mAP" in apart.note or "overlap" in apart.note
    assert "resamples" not in apart.note
