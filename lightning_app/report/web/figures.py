"""The figures as SVG inside the page: each has names of its own, and nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

from lightning_app.report.web.document import figure
from lightning_app.report.web.markup import Markup, element, joined

CAPTIONS = {
    "fig5": "mAP against kilobits per image where the features, or the pictures, are coded with loss. Right is more "
    "bits, up is more accuracy.",
    "fig4": "mAP against kilobits per image where the features are coded without loss.",
    "penalty": "What coding costs in loss: the loss of coded pictures less that of uncoded ones, against QP.",
}
"""What each figure shows, by the name of its file."""

_LEFT_OUT = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>|<!--.*?-->|<style.*?</style>", re.DOTALL)
_NAMES = re.compile(r'(\sid="|\shref="#|url\(#)')


def figures(folder: Path, names: list[str]) -> Markup | None:
    """The figures of a folder; None where there is none.

    Args:
        folder: of a report.
        names: of the files, without their ending; those that are not there are left out.
    """
    shown = [name for name in names if (folder / f"{name}.svg").is_file()]
    if not shown:
        return None
    made = [figure(inline(folder / f"{name}.svg", CAPTIONS[name]), CAPTIONS[name], class_="drawn") for name in shown]
    return element("div", joined(made), class_="figures")


def inline(path: Path, label: str) -> Markup:
    """A figure of matplotlib's as an element of a page.

    Args:
        path: of the SVG.
        label: for who cannot see it.
    """
    text = _LEFT_OUT.sub("", path.read_text("utf-8")).strip()
    text = re.sub(r"\s+", " ", text.replace("xlink:href", "href"))
    text = _NAMES.sub(lambda found: f"{found[1]}{path.stem}-", text)  # two figures name their parts alike
    box = re.search(r'viewBox="([\d. -]+)"', text)
    assert box is not None
    content = text.partition(">")[2].removesuffix("</svg>")
    return element("svg", Markup(content), viewBox=box[1], role="img", aria_label=label)
