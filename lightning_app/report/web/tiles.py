"""Feature pictures before and after coding, side by side."""

from __future__ import annotations

from collections.abc import Mapping

from lightning_app.records.examples import Examples, Tiles
from lightning_app.report.web.document import figure, paragraphs, side_by_side
from lightning_app.report.web.markup import Markup, element, joined, jpeg_uri

EXPLANATION = (
    "What the codec gets of the first picture, and what it gives back: each small square is one channel. The contrast "
    "is stretched, the same for all pictures of a row."
)


def tiles(by_weights: Mapping[str, Examples]) -> Markup | None:
    """A row a cut; None where no evaluation kept any."""
    shown = {name: examples.tiles for name, examples in by_weights.items() if examples.tiles}
    if not shown:
        return None
    parts = [paragraphs(EXPLANATION)]
    for name, some in shown.items():
        parts += [element("h3", name)] if len(by_weights) > 1 else []
        parts += [_row(one) for one in some]
    return joined(parts)


def _row(tile: Tiles) -> Markup:
    panes = [_pane(tile, tile.before, "Before coding")]
    panes += [_pane(tile, jpeg, f"QP {qp}" if qp.isdigit() else qp.capitalize()) for qp, jpeg in tile.after.items()]
    title = element("h4", f"{tile.curve}: {tile.layer} of {tile.picture}")
    return element("article", title, side_by_side(panes))


def _pane(tile: Tiles, jpeg: bytes, title: str) -> Markup:
    alt = f"The channels of {tile.layer} of {tile.picture}, {title}"
    image = element("img", src=jpeg_uri(jpeg), alt=alt)
    return figure(image, element("strong", title), class_="pane")
