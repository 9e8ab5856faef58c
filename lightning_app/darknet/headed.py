"""A detector whose outputs are read by Darknet's heads, whatever computes them."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from lightning_app.darknet.build import HeadOptions
from lightning_app.darknet.head import detect
from lightning_app.darknet.imitation import imitation_terms
from lightning_app.darknet.loss import check_form, detection_loss, form_named
from lightning_app.darknet.region import RegionOptions
from lightning_app.darknet.yolo import GaussianOptions, YoloOptions
from lightning_app.dropout import Dropout, reseed_each
from lightning_app.errors import OptionError
from lightning_app.graph import Detections, SplitDetector, Truth


class HeadedDetector(SplitDetector):
    """A `SplitDetector` with ``[region]`` or ``[yolo]`` heads: what it detects, and how it is trained.

    Attributes:
        heads: the options of each head, in the order of the outputs.
    """

    heads: tuple[HeadOptions, ...]

    @property
    def classes(self) -> int:
        """K, how many classes the network tells apart."""
        return self.heads[0].classes

    def detect(self, raws: Sequence[Tensor], score_threshold: float, nms_threshold: float) -> list[Detections]:
        """The detections of each picture, as `lightning_app.darknet.detect` finds them."""
        return detect(raws, self.heads, score_threshold, nms_threshold)

    def losses(self, raws: Sequence[Tensor], truths: Sequence[Truth], form: str, seen: int) -> dict[str, Tensor]:
        """The terms of `lightning_app.darknet.detection_loss`."""
        return detection_loss(raws, truths, self.heads, seen, form_named(form))

    def imitation(self, raws: Sequence[Tensor], teachers: Sequence[Tensor]) -> dict[str, Tensor]:
        """The terms of `lightning_app.darknet.imitation.imitation_terms`: ``objectness``, ``box`` and ``class``."""
        return imitation_terms(raws, teachers, self.heads)

    def check_teacher(self, teacher: SplitDetector) -> None:
        """Raise `OptionError` where the teacher's heads have other shapes, anchors or kinds of classes."""
        super().check_teacher(teacher)
        theirs = [_meaning(head) for head in teacher.heads] if isinstance(teacher, HeadedDetector) else None
        if theirs != [_meaning(head) for head in self.heads]:
            raise OptionError(
                "the teacher's anchors or classes differ from the network's: "
                "give a teacher with the same anchors and classes"
            )

    def check_form(self, form: str) -> None:
        """Raise `OptionError` where a head has no such form of the loss."""
        check_form(self.heads, form_named(form))

    def check_classes(self, classes: Sequence[str]) -> None:
        """Raise `OptionError` where the data's classes are not the network's, or are its tree's in another order.

        Names belong to the classes of a tree by their position, as Darknet's ``data/9k.names`` to ``data/9k.tree``, and
        a name may occur twice. Elsewhere it may not.
        """
        trees = [head.tree for head in self.heads if isinstance(head, RegionOptions) and head.tree and not head.mapped]
        if not trees:
            super().check_classes(classes)
        self.check_number_of_classes(len(classes))
        for tree in trees:
            _check_keys(tuple(classes), tree.names)

    def reseed(self, *entropy: int) -> None:
        """Start the draws of every dropout anew, as a function of these numbers and the layer's index only.

        Args:
            entropy: 0 or more each, such as the seed, epoch, batch and rank of a training step.
        """
        layers = ((node.index, self.layer(node)) for node in self.nodes)
        reseed_each([(index, layer) for index, layer in layers if isinstance(layer, Dropout)], entropy)


def _meaning(head: HeadOptions) -> tuple[object, ...]:
    """All of a head's options on which it depends what its raw outputs say."""
    if isinstance(head, YoloOptions):
        point = head.point if isinstance(head, GaussianOptions) else None
        return "yolo", head.anchors, head.classes, head.scale_x_y, head.new_coords, point
    return "region", head.anchors, head.logits, head.softmax, head.tree


def _check_keys(classes: tuple[str, ...], keys: tuple[str, ...]) -> None:
    """Refuse the keys of a tree in another order; any other names are taken by their position."""
    if classes != keys and set(classes) & set(keys):
        raise OptionError(
            "the data's classes are some of the tree's, in another order; set data.classes to the .tree file, or to a "
            ".names file with a line for each line of the tree"
        )
