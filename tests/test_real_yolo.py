"""The acceptance run of a network with [yolo] heads: real VOC pictures and VOC-trained weights."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lightning_app.records.points import read_points

Dfc = Callable[..., tuple[int, str, str]]


@pytest.mark.slow
def test_yolo_fastest_reaches_the_measured_map(dfc: Dfc, shared: Path) -> None:
    """68.1 by OpenCV's rule, which drops anchors of objectness .2 or less; Darknet's keeps them."""
    weights = shared / "weights/yolo-fastest"
    status, _, err = dfc(
        *("test", "-c", "configs/yolo_fastest.yaml", "--data.root", shared / "VOCdevkit"),
        *("--model.network", weights / "yolo-fastest-xl-voc.cfg"),
        *("--model.weights", weights / "yolo-fastest-xl-voc.v1.weights"),
        *("--trainer.enable_progress_bar", "false", "--trainer.enable_model_summary", "false"),
    )
    assert status == 0, err
    (point,) = read_points(Path("runs/yolo_fastest/version_0/points.csv"))
    assert point.images == 357
    assert 100 * point.map == pytest.approx(70.4, abs=0.4)
