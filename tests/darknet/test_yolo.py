"""What a ``[yolo]`` section may say."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lightning_app.darknet import YoloOptions
from lightning_app.darknet.cfg import read_cfg
from lightning_app.errors import CfgError

SECTION = """
[net]
[yolo]
anchors = 16,32,  48,64,  160,96
num=3
{options}
"""


def yolo(cfg: Callable[[str], Path], options: str, stride: float = 16) -> YoloOptions:
    return YoloOptions.from_section(read_cfg(cfg(SECTION.format(options=options)))[-1], (stride, stride))


def test_anchors_are_pixels_in_the_cfg_and_cells_here(cfg: Callable[[str], Path]) -> None:
    options = yolo(cfg, "mask=2,0\nclasses=4")
    assert options.priors == ((1, 2), (3, 4), (10, 6))
    assert options.anchors == ((10, 6), (1, 2))
    assert options.channels == 2 * 9


def test_the_defaults_are_darknets(cfg: Callable[[str], Path]) -> None:
    options = yolo(cfg, "")
    assert options == YoloOptions(((1, 2), (3, 4), (10, 6)), (0, 1, 2), 20)
    assert (options.ignore_thresh, options.iou_thresh, options.scale_x_y, options.max_truths) == (0.5, 1, 1, 90)
    assert (options.iou_loss, options.iou_normalizer) == ("mse", 1)
    assert yolo(cfg, "iou_loss=giou").iou_normalizer == 0.75


def test_every_option_is_read(cfg: Callable[[str], Path]) -> None:
    text = """mask=1,2
classes=4
ignore_thresh=.7
truth_thresh=1
iou_thresh=.213
scale_x_y=1.05
iou_loss=ciou
iou_normalizer=.07
obj_normalizer=.4
cls_normalizer=.6
nms_kind=greedynms
beta_nms=.6
max=200
jitter=.3
resize=1.5
random=1"""
    expected = YoloOptions(((1, 2), (3, 4), (10, 6)), (1, 2), 4, 0.7, 0.213, 1.05, "ciou", 0.07, 0.4, 0.6, 200)
    assert yolo(cfg, text) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("num=4", "option num= of [yolo] is given twice"),
        ("mask=0,3", "mask=0,3 must list anchors, each from 0 to 2 and once"),
        ("mask=1,1", "mask=1,1 must list anchors, each from 0 to 2 and once"),
        ("mask=", "must list anchors"),
        ("scale_x_y=0", "scale_x_y must be positive, not 0"),
        ("iou_loss=l1", "iou_loss=l1 is not supported; supported are mse, iou, giou, diou, ciou"),
        ("nms_kind=cornersnms", "nms_kind=cornersnms is not supported; supported are default, greedynms, diounms"),
        ("max=0", "max must be at least 1"),
        ("new_coords=2", "new_coords must be 0 or 1, not 2"),
        ("obj_normaliser=1", "option obj_normaliser= of [yolo] is not supported; did you mean obj_normalizer=?"),
    ],
)
def test_what_is_not_supported_is_refused_by_its_line(cfg: Callable[[str], Path], options: str, message: str) -> None:
    with pytest.raises(CfgError) as refused:
        yolo(cfg, options)
    assert "net.cfg:" in str(refused.value)
    assert message in str(refused.value)
