"""Pictures with what was found in them at each operating point, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from lightning_app.records.examples import Box, Example, Examples, Shown
from lightning_app.report.web.document import figure, paragraphs, side_by_side
from lightning_app.report.web.markup import Markup, element, joined, jpeg_uri

COLOURS = ("#e6194b", "#3cb44b", "#ffe119", "#4363d8", "#f58231", "#42d4f4", "#f032e6", "#bfef45")
"""Of classes, in the order in which they come."""
UNIT = 320
"""Every picture is drawn as if its longer side had so many units, so that words have one size."""
LETTER = 8.5
"""Units of a letter of a box's word, about."""
EXPLANATION = (
    "The first pictures of the test set. A box is shown if its score is above 0.3. Where features are sent, the cloud "
    "never sees the picture, so the boxes stand on the original one. Where the picture itself is sent, it is shown as "
    "the cloud decoded it."
)


def pictures(by_weights: Mapping[str, Examples]) -> Markup | None:
    """Each picture at every operating point; None where no evaluation kept any."""
    shown = {name: examples for name, examples in by_weights.items() if examples.pictures}
    if not shown:
        return None
    colours = _colours(shown)
    parts = [paragraphs(EXPLANATION)]
    for number, (name, examples) in enumerate(shown.items()):
        parts += [element("h3", name)] if len(by_weights) > 1 else []
        parts += [_example(one, f"picture-{number}-{one.index}", colours) for one in examples.pictures]
    return joined(parts)


def _example(example: Example, anchor: str, colours: Mapping[str, str]) -> Markup:
    """The true boxes and the file as it is, then a row a curve."""
    image = _image(example, example.jpeg, id=anchor)
    again = element("use", href=f"#{anchor}")
    first = [_pane(example, image, example.truths, colours, "True boxes")]
    whole = [shown for shown in example.shown if shown.qp == "original"]
    first += [_pane(example, again, one.boxes, colours, "Uncoded", one.bits) for one in whole]
    rows = [_keys(example, colours), side_by_side(first)]
    for curve, some in groupby((shown for shown in example.shown if shown.qp != "original"), lambda one: one.curve):
        panes = [_pane(example, _seen(example, one, again), one.boxes, colours, _qp(one), one.bits) for one in some]
        rows += [element("h5", curve), side_by_side(panes)]
    return element("article", element("h4", example.picture), *rows)


def _pane(
    example: Example,
    image: Markup,
    boxes: Sequence[Box],
    colours: Mapping[str, str],
    title: str,
    bits: int | None = None,
) -> Markup:
    """A picture with boxes, and what it is."""
    width, height = _size(example)
    words = ", ".join(_words(box) for box in boxes) or "nothing"
    parts = [image, *(_box(example, box, colours[box.name]) for box in boxes)]
    label = f"{example.picture}, {title}: {words}"
    drawn = element("svg", *parts, viewBox=f"0 0 {width} {height}", role="img", aria_label=label)
    cost = "" if bits is None else element("span", f"{bits / 1000:,.1f} kbit")
    return figure(drawn, element("strong", title), cost, class_="pane")


def _seen(example: Example, shown: Shown, original: Markup) -> Markup:
    """The picture as the cloud had it, or the original one."""
    return _image(example, shown.jpeg) if shown.jpeg else original


def _image(example: Example, jpeg: bytes, **attributes: object) -> Markup:
    width, height = _size(example)
    return element("image", href=jpeg_uri(jpeg), width=width, height=height, **attributes)


def _box(example: Example, box: Box, colour: str) -> Markup:
    """A box of VOC, whose pixels are counted from 1 and whose edges belong to it, and its class."""
    scale = UNIT / max(example.width, example.height)
    left, top, right, bottom = (scale * (edge - less) for edge, less in zip(box.edges, (1, 1, 0, 0), strict=True))
    size = {"width": f"{right - left:.1f}", "height": f"{bottom - top:.1f}"}
    frame = element("rect", x=f"{left:.1f}", y=f"{top:.1f}", stroke=colour, **size)
    # The longest word that the box is wide enough for; it stands inside where there is no room above.
    word = next((one for one in (_words(box), box.name) if LETTER * len(one) <= right - left), "")
    place = {"x": f"{max(left, 0) + 3:.1f}", "y": f"{top - 4 if top > 16 else top + 14:.1f}"}
    return element("g", element("title", _words(box)), frame, element("text", word, **place) if word else "")


def _keys(example: Example, colours: Mapping[str, str]) -> Markup:
    """The colours of the classes that are somewhere in a picture's row."""
    names = {box.name for some in (example.truths, *(shown.boxes for shown in example.shown)) for box in some}
    keys = [element("li", name, style=f"--colour: {colours[name]}") for name in colours if name in names]
    return element("ul", *keys, class_="keys")


def _words(box: Box) -> str:
    return box.name if box.score is None else f"{box.name} {box.score:.2f}"


def _size(example: Example) -> tuple[int, int]:
    scale = UNIT / max(example.width, example.height)
    return max(round(scale * example.width), 1), max(round(scale * example.height), 1)


def _qp(shown: Shown) -> str:
    return f"QP {shown.qp}" if shown.qp.isdigit() else shown.qp.capitalize()


def _colours(by_weights: Mapping[str, Examples]) -> dict[str, str]:
    every = (picture for examples in by_weights.values() for picture in examples.pictures)
    boxes = (box for one in every for some in (one.truths, *(shown.boxes for shown in one.shown)) for box in some)
    names = dict.fromkeys(box.name for box in boxes)
    return {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
