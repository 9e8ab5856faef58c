"""One VOC annotation file, read and checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn, Self
from xml.etree.ElementTree import Element, ParseError  # the types only: defusedxml does the parsing

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import parse
from numpy.typing import NDArray

from lightning_app.errors import DataError
from lightning_app.text_lines import text_of

VOC_CLASSES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
LARGEST = 2**24
"""Numbers are below it: float32 holds whole pixels up to it."""
EDGES = ("xmin", "ymin", "xmax", "ymax")
OUTLINES = ("polygon", "robndbox")
"""What some tools write in place of a ``<bndbox>``: outlines, and boxes that are turned."""
YES_OR_NO = {"": 0, "false": 0, "unspecified": 0, "true": 1}
"""What ``<difficult>`` says in words, in small letters."""
Others = Literal["refuse", "ignore"]
"""What to do with an object whose class is not listed."""
SIZELESS = "`dfc data convert` makes a devkit that states the sizes of the pictures"
"""What to do about an annotation without them."""
MANY = 20
"""Most classes that an error names."""


@dataclass(frozen=True)
class Annotation:
    """The G objects of a picture, or the J classes of one that nobody drew boxes in.

    Attributes:
        boxes: (G, 4) xyxy in VOC's pixels: the first is 1, both edges belong to the box.
        labels: (G,) places in the list of classes.
        difficult: (G,) VOC's mark: neither trained on nor counted.
        class_only: (J,) places in the list of classes, of objects without a box; where there are any, G is 0.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        unlisted: names of the classes of the objects that were left out because nobody listed their class, one each.
    """

    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    difficult: NDArray[np.bool_]
    class_only: NDArray[np.int64]
    width: int
    height: int
    unlisted: tuple[str, ...] = ()

    @classmethod
    def empty(cls, width: int, height: int) -> Self:
        """Of a picture of which nothing is known but its size."""
        labels, none = np.zeros(0, np.int64), np.zeros(0, np.bool_)
        return cls(np.zeros((0, 4), np.float32), labels, none, labels, width, height)


def read_annotation(path: Path, classes: tuple[str, ...] = VOC_CLASSES, others: Others = "refuse") -> Annotation:
    """Read a VOC annotation.

    An ``<object>`` without a ``<bndbox>`` is somewhere in the picture: such pictures train the classes alone
    (YOLO9000's joint training).

    Args:
        path: the .xml file.
        classes: names of the classes, in the order of their labels.
        others: ``ignore`` leaves out the objects of any other class, as if nobody had drawn them.

    Raises:
        DataError: the file cannot be read, says something that cannot be, or has an object of another class, which is
            not to be ignored.
    """
    return annotation_in(parse_annotation(path), path, classes, others)


def annotation_in(root: Element, path: Path, classes: tuple[str, ...], others: Others = "refuse") -> Annotation:
    """The annotation of a parsed file, as `read_annotation` reads it.

    Args:
        root: the file's root element.
        path: of the file, for errors.
        classes: names of the classes, in the order of their labels.
        others: what to do with objects of any other class.
    """
    width, height = _side(root, "size/width", path), _side(root, "size/height", path)
    # Direct children only: VOC2012's <part>s (heads, hands) are inside <object> and have names and boxes too.
    named = [(item, _text(item, "name", path)) for item in root.findall("object")]
    unlisted = tuple(name for _, name in named if name not in classes)
    if unlisted and others == "refuse":
        _fail(path, f"the class {unlisted[0]!r} is not among {shown(classes)}")
    objects = [item for item, name in named if name in classes]
    boxed = [item for item in objects if item.find("bndbox") is not None]
    boxless = [item for item in objects if item.find("bndbox") is None]
    for outline in OUTLINES:
        if any(item.find(outline) is not None for item in boxless):
            _fail(path, f"an object has a <{outline}> and no <bndbox>: give it the box around its {outline}")
    if boxed and boxless:
        _fail(path, f"{len(boxless)} of its {len(objects)} objects have no <bndbox>: draw them all, or remove them all")
    if any(_difficult(item, path) for item in boxless):
        _fail(path, "an object without <bndbox> is marked difficult, which is said of boxes: remove it or the mark")
    return Annotation(
        boxes=np.array([_box(item, width, height, path) for item in boxed], np.float32).reshape(-1, 4),  # (G, 4)
        labels=np.array([_label(item, classes, path) for item in boxed], np.int64),  # (G,)
        difficult=np.array([_difficult(item, path) for item in boxed], np.bool_),  # (G,)
        class_only=np.array([_label(item, classes, path) for item in boxless], np.int64),  # (J,)
        width=width,
        height=height,
        unlisted=unlisted,
    )


def of_no_area(boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which of the boxes (G, 4) xyxy end where they begin, as a click leaves them (G,): they count nowhere."""
    return np.asarray((boxes[:, 2:] == boxes[:, :2]).any(axis=1), np.bool_)


def leave_picture(annotation: Annotation) -> NDArray[np.bool_]:
    """Which of the boxes have a part outside their picture (G,)."""
    last = np.array([annotation.width, annotation.height] * 2, np.float32)
    inside = (np.ones(4, np.float32) <= annotation.boxes) & (annotation.boxes <= last)  # (G, 4)
    return np.asarray(~inside.all(axis=1), np.bool_)


def named_classes(path: Path) -> list[str]:
    """The classes that a VOC annotation names, one for each object; none of a file that cannot be read."""
    try:
        return [(item.findtext("name") or "").strip() for item in parse_annotation(path).findall("object")]
    except DataError:
        return []


def shown(classes: Sequence[str]) -> str:
    """Names of classes for an error, `MANY` of them at most."""
    return ", ".join(classes[:MANY]) + (f" and {len(classes) - MANY} more" if len(classes) > MANY else "")


def parse_annotation(path: Path) -> Element:
    """The root element of an .xml file.

    Raises:
        DataError: it cannot be read.
    """
    try:
        root = parse(path).getroot()
    except DefusedXmlException:
        _fail(path, "it declares entities, which no VOC annotation does")
    except FileNotFoundError:
        raise DataError(f"the annotation {path} is not there") from None
    except (ParseError, OSError, LookupError, ValueError) as error:
        _fail(path, f"it cannot be read ({' '.join(str(error).split())}{_no_text(path)})")
    assert isinstance(root, Element)
    return root


def _no_text(path: Path) -> str:
    """Why a file that is no XML is no text either, for the end of a sentence; "" where it is text."""
    try:
        text_of(path.read_bytes())
    except OSError:
        return ""
    except ValueError as error:
        return f"; {error}"
    return ""


def _box(item: Element, width: int, height: int, path: Path) -> list[float]:
    """Edges that may leave the picture in part, as some tools write them; ``dfc data check`` tells of these too."""
    box = [_number(item, f"bndbox/{edge}", path) for edge in EDGES]
    xmin, ymin, xmax, ymax = box
    if xmax < xmin or ymax < ymin:
        _fail(path, f"the box {xmin:g} {ymin:g} {xmax:g} {ymax:g} ends before it begins")
    if xmax < 1 or ymax < 1 or xmin > width or ymin > height:
        _fail(path, f"the box {xmin:g} {ymin:g} {xmax:g} {ymax:g} has no part in its {width}×{height} pixels")
    return box


def _label(item: Element, classes: tuple[str, ...], path: Path) -> int:
    name = _text(item, "name", path)
    if classes.count(name) > 1:
        first, second = [place for place, known in enumerate(classes, start=1) if known == name][:2]
        _fail(
            path,
            f"{name!r} is the name of class {first} and of class {second}: name each class once, or give the keys of "
            "the .tree",
        )
    return classes.index(name)


def _difficult(item: Element, path: Path) -> bool:
    # VOC always says it; many tools that write VOC's format leave it out for "no".
    text = item.findtext("difficult")
    if text is None or text.strip().lower() in YES_OR_NO:
        return text is not None and YES_OR_NO[text.strip().lower()] != 0
    return _number(item, "difficult", path) != 0


def _side(root: Element, tag: str, path: Path) -> int:
    if not root.findtext(tag, "").strip():
        _fail(path, f"<{root.tag}> has no <{tag}>; {SIZELESS}")
    side = _number(root, tag, path)
    if side < 1:
        _fail(path, f"<{tag}> is {side:g}, and must be at least one pixel; {SIZELESS}")
    return int(side)


def _number(item: Element, tag: str, path: Path) -> float:
    text = _text(item, tag, path)
    try:
        value = float(text)  # VOC2012 has fractions of pixels
    except ValueError:
        _fail(path, f"<{tag}> is {text!r}, and must be a number")
    if not abs(value) < LARGEST:  # nor NaN
        _fail(path, f"<{tag}> is {text!r}, and must be finite and below {LARGEST:,}")
    return value


def _text(item: Element, tag: str, path: Path) -> str:
    text = (item.findtext(tag) or "").strip()
    if not text:
        _fail(path, f"<{item.tag}> has no <{tag}>")
    return text


def _fail(path: Path, why: str) -> NoReturn:
    raise DataError(f"{path} is no usable VOC annotation: {why}") from None
