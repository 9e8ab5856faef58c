"""Pictures and boxes: VOC devkits, drawn shapes, Darknet's augmentation, and Lightning's data modules over them."""

from lightning_app.data.annotation import VOC_CLASSES, Annotation, read_annotation
from lightning_app.data.devkit import read_picture
from lightning_app.data.module import VOCDataModule
from lightning_app.data.multi_scale import MultiScale
from lightning_app.data.names import read_names
from lightning_app.data.painting import SHAPES
from lightning_app.data.resize import Resize, fit_picture
from lightning_app.data.samplers import EpochSampler, EvenBatches, ShardSampler
from lightning_app.data.shapes import ShapesDataModule, draw
from lightning_app.data.transforms import Augmentation, training_transform
from lightning_app.data.voc import Batch, Key, Sample, Target, VOCDataset, collate, to_tensor

__all__ = [
    "SHAPES",
    "VOC_CLASSES",
    "Annotation",
    "Augmentation",
    "Batch",
    "EpochSampler",
    "EvenBatches",
    "Key",
    "MultiScale",
    "Resize",
    "Sample",
    "ShapesDataModule",
    "ShardSampler",
    "Target",
    "VOCDataModule",
    "VOCDataset",
    "collate",
    "draw",
    "fit_picture",
    "read_annotation",
    "read_names",
    "read_picture",
    "to_tensor",
    "training_transform",
]
