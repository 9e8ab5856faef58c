"""Lightning callbacks: what happens around training and evaluation, never the training itself."""

from lightning_app.callbacks.detections import DetectionsWriter
from lightning_app.callbacks.gallery import Gallery
from lightning_app.callbacks.pictures_per_step import PicturesPerStep
from lightning_app.callbacks.rate_accuracy import RateAccuracy

__all__ = ["DetectionsWriter", "Gallery", "PicturesPerStep", "RateAccuracy"]
