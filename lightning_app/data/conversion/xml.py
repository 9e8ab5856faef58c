"""VOC's annotation of boxes that were stored in another way."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape


@dataclass(frozen=True)
class Box:
    """One object.

    Attributes:
        name: its class.
        left: in pixels from the picture's left edge, which is 0.
        top: in pixels from the upper edge.
        right: where the box ends.
        bottom: where the box ends.
        difficult: VOC's mark: neither trained on nor counted.
    """

    name: str
    left: float
    top: float
    right: float
    bottom: float
    difficult: bool = False

    def inside(self, width: int, height: int) -> "Box | None":
        """The part in a picture of so many pixels; None where that is no wider or no higher than one pixel."""
        left, top = max(self.left, 0.0), max(self.top, 0.0)
        right, bottom = min(self.right, float(width)), min(self.bottom, float(height))
        if not (right - left > 1 and bottom - top > 1):
            return None
        return Box(self.name, left, top, right, bottom, self.difficult)


def annotation(picture: str, width: int, height: int, boxes: Sequence[Box]) -> bytes:
    """The annotation of a picture.

    VOC's pixels begin at 1 and both edges belong to the box: what covers the first ten pixels goes from 1 to 10.

    Args:
        picture: name of its file.
        width: in pixels.
        height: in pixels.
        boxes: inside of it.
    """
    objects = "".join(_object(box) for box in boxes)
    size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    return f"<annotation>\n  <filename>{escape(picture)}</filename>\n  {size}\n{objects}</annotation>\n".encode()


def _object(box: Box) -> str:
    edges = (("xmin", box.left + 1), ("ymin", box.top + 1), ("xmax", box.right), ("ymax", box.bottom))
    bndbox = "".join(f"<{edge}>{value:.10g}</{edge}>" for edge, value in edges)
    return (
        f"  <object>\n    <name>{escape(box.name)}</name>\n    <difficult>{box.difficult:d}</difficult>\n"
        f"    <bndbox>{bndbox}</bndbox>\n  </object>\n"
    )
