"""A VOC devkit of pictures that are annotated in another way: VOC's .xml without sets, YOLO text, or COCO JSON.

source (which pictures, what each is called, in which set) ► voc | yolo | coco (its annotation) ► devkit (written whole
or not at all).
"""

from lightning_app.data.conversion.devkit import NAMES, Converted, convert
from lightning_app.data.conversion.source import YEAR, Findings

__all__ = ["NAMES", "YEAR", "Converted", "Findings", "convert"]
