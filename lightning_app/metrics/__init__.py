"""What the program is judged by: VOC's mean average precision against kilobits per image."""

from lightning_app.metrics.kbpi import KilobitsPerImage
from lightning_app.metrics.voc_map import VOCMeanAveragePrecision

__all__ = ["KilobitsPerImage", "VOCMeanAveragePrecision"]
