"""The drawn shapes as a Lightning data module."""

from lightning_app.data.augmentation import Augmentation, Crops
from lightning_app.data.multi_scale import MultiScale
from lightning_app.data.painting import SHAPES
from lightning_app.data.shapes import YEAR, check_drawing, draw
from lightning_app.data.voc_module import VOCDataModule

# Darknet's smallest zoom would take the stripes of a small picture away.
MILD = Augmentation(zoom_min=0.6, zoom_max=1.4)


class ShapesDataModule(VOCDataModule):
    """Shapes on clouds, drawn by this program where they are not there yet: five classes in small pictures.

    Args:
        root: the devkit to make, whose folder Shapes holds the pictures.
        train_pictures: number of pictures to train on, at least 1.
        test_pictures: number of pictures to validate and test on, at least 1.
        side: side of a drawn picture in pixels, at least 64.
        size: side of the network's input in pixels, a multiple of 32; null for the network's own.
        batch_size: number of training pictures per step on each rank, at least 1.
        eval_batch_size: number of pictures per step on each rank in validation, test and prediction, at least 1.
        workers: number of processes on each rank that load pictures, at least 0; results do not depend on it.
        augment: random changes of the training pictures: Darknet's; by the class path ``Crops``, only crops and flips;
            null for none.
        multi_scale: training at sizes that change with the optimiser's steps; null for ``size`` at every step.
        seed: seed of the order, the sizes and the augmentation, at least 0; the pictures are the same for every seed.
    """

    def __init__(
        self,
        root: str = "data/shapes",
        train_pictures: int = 600,
        test_pictures: int = 150,
        side: int = 160,
        size: int | None = None,
        batch_size: int = 8,
        eval_batch_size: int = 16,
        workers: int = 2,
        augment: Augmentation | Crops | None = MILD,
        multi_scale: MultiScale | None = None,
        seed: int = 0,
    ) -> None:
        check_drawing(train_pictures, test_pictures, seed, side)
        super().__init__(
            root,
            train=[f"{YEAR}/train"],
            val=[f"{YEAR}/test"],
            test=[f"{YEAR}/test"],
            predict=[f"{YEAR}/test"],
            size=size,
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            workers=workers,
            augment=augment,
            multi_scale=multi_scale,
            classes=SHAPES,
            seed=seed,
        )
        self.pictures = train_pictures, test_pictures
        self.side = side

    def prepare_data(self) -> None:
        """Draw the set if it is not there."""
        draw(self.root, *self.pictures, side=self.side)
