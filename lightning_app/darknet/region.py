"""The options of a ``[region]`` section: what its head means and how it is trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lightning_app.darknet.cfg import Section
from lightning_app.darknet.tree import WordTree


@dataclass(frozen=True)
class RegionOptions:
    """The options of ``[region]`` that decoding and the loss use (``src/parser.c``, ``parse_region``).

    Without a section the defaults are those of yolov2-voc.

    ``jitter``, ``random`` and ``absolute`` of the section describe Darknet's own data loading and are read over, and so
    is ``map``, by which Darknet's training finds the labels of its data in the tree (see `class_map`).

    Attributes:
        anchors: width and height of each prior box, in cells.
        classes: how many classes detections and truths are labelled with.
        bias_match: a truth goes to the anchor of the best shape, instead of to the prediction of the best shape.
        rescore: the objectness target of a truth's anchor is its IoU with the truth, instead of 1.
        thresh: an anchor whose best IoU with any truth is above it is not pulled to objectness 0.
        object_scale: weight of the objectness of an anchor that has a truth.
        noobject_scale: weight of the objectness of every other.
        class_scale: weight of the cross-entropy of the classes.
        coord_scale: weight of the box terms.
        softmax: one class excludes the others, instead of each being there or not by itself.
        tree: the hierarchy that the outputs are the classes of; ``softmax`` is then among siblings.
        mapped: with a tree, the class of the tree that each label stands for; empty where labels are the tree's own.
    """

    anchors: tuple[tuple[float, float], ...]
    classes: int
    bias_match: bool = True
    rescore: bool = True
    thresh: float = 0.6
    object_scale: float = 5
    noobject_scale: float = 1
    class_scale: float = 1
    coord_scale: float = 1
    softmax: bool = True
    tree: WordTree | None = None
    mapped: tuple[int, ...] = ()

    @property
    def logits(self) -> int:
        """K, class outputs of an anchor."""
        return self.classes if self.tree is None else len(self.tree.names)

    @property
    def channels(self) -> int:
        """Channels of the raw head: A·(4 coordinates + objectness + K class outputs)."""
        return len(self.anchors) * (5 + self.logits)

    @classmethod
    def from_section(cls, section: Section) -> RegionOptions:
        """Read and check a ``[region]`` section, and the files that it names.

        Raises:
            CfgError: an option is wrong, or the file of ``tree=`` is missing or wrong.
        """
        if section.integer("coords", 4) != 4:
            raise section.fault(f"coords must be 4, not {section.text('coords')}", "coords")
        return cls(
            anchors=anchor_pairs(section),
            classes=section.positive("classes", 20),
            bias_match=section.flag("bias_match"),
            rescore=section.flag("rescore"),
            thresh=section.real("thresh", 0.5),
            object_scale=section.real("object_scale", 1),
            noobject_scale=section.real("noobject_scale", 1),
            class_scale=section.real("class_scale", 1),
            coord_scale=section.real("coord_scale", 1),
            softmax=section.flag("softmax"),
            tree=_tree(section),
        )


def anchor_pairs(section: Section) -> tuple[tuple[float, float], ...]:
    """Width and height of each of the ``num=`` anchors, in the section's own unit."""
    num = section.positive("num", 1)
    numbers = section.reals("anchors")[: 2 * num]  # Darknet reads no more of them
    if len(numbers) != 2 * num:
        raise section.fault(
            f"anchors= has {len(numbers)} numbers between commas, and num={num} needs {2 * num}, a width and a height "
            "each",
            "anchors",
        )
    if min(numbers) <= 0:
        raise section.fault(f"anchors must be above 0, not {min(numbers):g}", "anchors")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _tree(section: Section) -> WordTree | None:
    if "tree" not in section.options:
        return None
    tree = WordTree.read(_named_file(section, "tree", "data/9k.tree"))
    if len(tree.names) != section.positive("classes", 20):
        raise section.fault(
            f"classes={section.text('classes', '20')} must be {len(tree.names)}, as in its tree", "classes"
        )
    return tree


def _named_file(section: Section, key: str, example: str) -> Path:
    """The file that an option names: in the folder of the ``.cfg``, else in that where the program runs."""
    name = section.text(key)
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise section.fault(
            f"{key}={name} leaves the folder of the .cfg; put the file beside the .cfg and give only its name",
            key,
        )
    for path in (section.file.parent / name, Path(name)):
        if path.is_file():
            return path
    raise section.fault(
        f"{key}={name} is neither beside {section.file.name} nor where the program runs; Darknet has one at {example}",
        key,
    )
