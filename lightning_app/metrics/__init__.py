"""What the program is judged by: VOC's mean average precision, and COCO's, against kilobits per image."""

from lightning_app.metrics.coco_map import COCOMeanAveragePrecision
from lightning_app.metrics.kbpi import KilobitsPerImage
from lightning_app.metrics.loss import PictureLoss
from lightning_app.metrics.voc_map import VOCMeanAveragePrecision, precisions
from lightning_app.statistics import bd_rate

__all__ = [
    "COCOMeanAveragePrecision",
    "KilobitsPerImage",
    "PictureLoss",
    "VOCMeanAveragePrecision",
    "bd_rate",
    "precisions",
]
