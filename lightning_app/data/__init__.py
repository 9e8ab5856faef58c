"""Pictures and boxes: VOC devkits, shapes, folders of pictures, augmentations, and Lightning's data modules over them.

The data modules, and with them Lightning, are imported when they are asked for: the loader's workers do without. So is
albumentations, without which all but training does.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from lightning_app.data.annotation import VOC_CLASSES, Annotation, read_annotation
from lightning_app.data.augmentation import Augmentation, Crops
from lightning_app.data.channels import as_channels, check_channels
from lightning_app.data.devkit import read_picture
from lightning_app.data.examples import Batch, Example, ExampleDataset, Key, Target, collate, to_tensor
from lightning_app.data.folder import PicturesDataset
from lightning_app.data.multi_scale import MultiScale
from lightning_app.data.names import read_names
from lightning_app.data.painting import SHAPES
from lightning_app.data.resize import Resize, fit_picture
from lightning_app.data.samplers import EpochSampler, EvenBatches, ShardSampler
from lightning_app.data.shapes import draw
from lightning_app.data.voc import VOCDataset

if TYPE_CHECKING:
    from lightning_app.data.module import DataModule
    from lightning_app.data.pictures_module import PicturesDataModule
    from lightning_app.data.shapes_module import ShapesDataModule
    from lightning_app.data.transforms import training_transform
    from lightning_app.data.voc_module import VOCDataModule
else:
    _LATER = {
        "DataModule": "module",
        "PicturesDataModule": "pictures_module",
        "ShapesDataModule": "shapes_module",
        "VOCDataModule": "voc_module",
        "training_transform": "transforms",
    }

    def __getattr__(name: str) -> object:
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)


__all__ = [
    "SHAPES",
    "VOC_CLASSES",
    "Annotation",
    "Augmentation",
    "Batch",
    "Crops",
    "DataModule",
    "EpochSampler",
    "EvenBatches",
    "Example",
    "ExampleDataset",
    "Key",
    "MultiScale",
    "PicturesDataModule",
    "PicturesDataset",
    "Resize",
    "ShapesDataModule",
    "ShardSampler",
    "Target",
    "VOCDataModule",
    "VOCDataset",
    "as_channels",
    "check_channels",
    "collate",
    "draw",
    "fit_picture",
    "read_annotation",
    "read_names",
    "read_picture",
    "to_tensor",
    "training_transform",
]
