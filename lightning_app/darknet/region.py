"""The options of a ``[region]`` section: what its head means and how it is trained."""

from __future__ import annotations

from dataclasses import dataclass

from lightning_app.darknet.cfg import Section


@dataclass(frozen=True)
class RegionOptions:
    """The options of ``[region]`` that decoding and the loss use (``src/parser.c``, ``parse_region``).

    ``jitter``, ``random`` and ``absolute`` of the section describe Darknet's own data loading and are read over.

    Attributes:
        anchors: width and height of each prior box, in cells.
        classes: K, how many.
        bias_match: a truth goes to the anchor of the best shape, instead of to the prediction of the best shape.
        rescore: the objectness target of a truth's anchor is its IoU with the truth, instead of 1.
        thresh: an anchor whose best IoU with any truth is above it is not pulled to objectness 0.
        object_scale: weight of the objectness of an anchor that has a truth.
        noobject_scale: weight of the objectness of every other.
        class_scale: weight of the cross-entropy of the classes.
        coord_scale: weight of the box terms.
    """

    anchors: tuple[tuple[float, float], ...]
    classes: int
    bias_match: bool
    rescore: bool
    thresh: float
    object_scale: float
    noobject_scale: float
    class_scale: float
    coord_scale: float

    @property
    def channels(self) -> int:
        """Channels of the raw head: A·(4 coordinates + objectness + K classes)."""
        return len(self.anchors) * (5 + self.classes)

    @classmethod
    def from_section(cls, section: Section) -> RegionOptions:
        """Read and check a ``[region]`` section."""
        numbers, num = section.reals("anchors"), section.positive("num", 1)
        if len(numbers) != 2 * num or min(numbers, default=0) <= 0:
            raise section.fault(f"num={num} needs {2 * num} positive anchors, found {len(numbers)} numbers")
        if section.integer("coords", 4) != 4:
            raise section.fault(f"coords must be 4, not {section.text('coords')}")
        if not section.flag("softmax"):
            raise section.fault("softmax=0 is not supported; the classes of a YOLOv2 head are a softmax=1")
        return cls(
            anchors=tuple(zip(numbers[::2], numbers[1::2], strict=True)),
            classes=section.positive("classes", 20),
            bias_match=section.flag("bias_match"),
            rescore=section.flag("rescore"),
            thresh=section.real("thresh", 0.5),
            object_scale=section.real("object_scale", 1),
            noobject_scale=section.real("noobject_scale", 1),
            class_scale=section.real("class_scale", 1),
            coord_scale=section.real("coord_scale", 1),
        )
