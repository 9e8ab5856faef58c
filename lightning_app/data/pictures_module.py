"""A folder of pictures as a Lightning data module."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from lightning_app.data.annotation import VOC_CLASSES
from lightning_app.data.augmentation import Augmentation, Crops
from lightning_app.data.folder import PicturesDataset
from lightning_app.data.module import STAGES, DataModule
from lightning_app.data.multi_scale import MultiScale
from lightning_app.data.resize import Resize


class PicturesDataModule(DataModule):
    """Any folder of pictures. Nobody has drawn boxes in them, so that only a criterion without boxes can train on them.

    Nothing is validated. ``predict`` writes what is found in the pictures; ``test`` and ``validate`` need annotations,
    and so does ``evaluate`` but for ``--truth teacher``.

    Args:
        root: the folder of the pictures, which may have subfolders; hidden files are left out.
        size: side of the network's input in pixels, a multiple of 32; null for the network's own.
        batch_size: number of training pictures per step on each rank, at least 1.
        eval_batch_size: number of pictures per step on each rank in prediction, at least 1.
        workers: number of processes on each rank that load pictures, at least 0; results do not depend on it.
        augment: random changes of the training pictures: crops and flips; by the class path ``Augmentation``,
            Darknet's; null for none.
        multi_scale: training at sizes that change with the optimiser's steps; null for ``size`` at every step.
        resize: way to bring pictures that are not augmented to the network's input: ``plain`` stretches them over
            it, ``letterbox`` keeps their aspect ratio in the middle of a grey input, as Darknet since April 2017.
        classes: names of the network's classes, in the order of its labels, or a file of them: ``.names``, one per
            line, or the ``.tree`` of a YOLO9000; null for VOC's if the network has 20 classes, else class_0,
            class_1 and so on. Training does not use them.
        seed: seed of the order, the sizes and the augmentation, at least 0.
    """

    annotated = False
    stages: ClassVar[Mapping[str, tuple[str, ...]]] = {**STAGES, "fit": ("train",), "validate": ()}

    def __init__(
        self,
        root: str,
        size: int | None = None,
        batch_size: int = 8,
        eval_batch_size: int = 16,
        workers: int = 2,
        augment: Augmentation | Crops | None = Crops(),  # noqa: B008  (frozen)
        multi_scale: MultiScale | None = None,
        resize: Resize = "plain",
        classes: str | Sequence[str] | None = None,
        seed: int = 0,
    ) -> None:
        names = VOC_CLASSES if classes is None else classes
        super().__init__(size, batch_size, eval_batch_size, workers, augment, multi_scale, resize, names, seed)
        self.root, self.unnamed = root, classes is None

    def setup(self, stage: str | None = None) -> None:
        """Find the pictures that the stage needs, and name the network's classes."""
        super().setup(stage)
        if self.unnamed and self.trainer is not None:
            count: int = self.trainer.lightning_module.network.classes  # type: ignore[union-attr, assignment]
            self.classes = VOC_CLASSES if count == len(VOC_CLASSES) else tuple(f"class_{i}" for i in range(count))

    def val_dataloader(self) -> Any:
        """None: there is nothing to validate against."""
        return []

    def _dataset(self, part: str, size: tuple[int, int]) -> PicturesDataset:
        return PicturesDataset(self.root, size, self.augment if part == "train" else None, self.resize, self.seed)
