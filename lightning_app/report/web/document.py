"""The frame of the page: its head, its rules, and the parts in a row."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files

from lightning_app.report.web.markup import Markup, element, joined


def document(title: str, head: Markup, sections: Mapping[str, Markup | None]) -> str:
    """A whole page.

    Args:
        title: of the page.
        head: what stands above all sections.
        sections: by their headings; None for one that has nothing to show.
    """
    shown = {heading: section for heading, section in sections.items() if section is not None}
    links = [element("a", heading, href=f"#{_anchor(heading)}") for heading in shown]
    parts = [
        element("section", element("h2", heading, id=f"{_anchor(heading)}-title"), section, **_named(heading))
        for heading, section in shown.items()
    ]
    header = element("header", element("h1", title), head, element("nav", *links, aria_label="Parts of the report"))
    body = element("body", header, element("main", *parts), element("script", Markup(_script())))
    return f"<!DOCTYPE html>\n{element('html', _head(title), body, lang='en')}\n"


def _head(title: str) -> Markup:
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy()),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Markup(_file("style.css"))),
    )


def policy() -> str:
    """What a browser may load for the page: nothing but what is in it, and no script but ours."""
    digest = b64encode(sha256(_script().encode()).digest()).decode()
    allowed = ("img-src data:", "style-src 'unsafe-inline'", f"script-src 'sha256-{digest}'")
    return "; ".join(("default-src 'none'", *allowed, "base-uri 'none'", "form-action 'none'"))


def figure(content: Markup, *caption: str, **attributes: object) -> Markup:
    """A picture with what is said below it."""
    return element("figure", content, element("figcaption", *caption), **attributes)


def scrolling(content: Markup, label: str) -> Markup:
    """What may be wider than a phone: it scrolls by itself, by the keyboard too."""
    return element("div", content, class_="scroll", role="region", aria_label=label, tabindex="0")


def side_by_side(panes: Sequence[Markup]) -> Markup:
    """Pictures in a row, and in several where they have no room."""
    return element("div", *panes, class_="panes", style=f"--panes: {len(panes)}")


def paragraphs(*texts: str) -> Markup:
    """Each text as a paragraph; empty ones are left out."""
    return joined(element("p", text) for text in texts if text)


def _named(heading: str) -> dict[str, object]:
    return {"id": _anchor(heading), "aria_labelledby": f"{_anchor(heading)}-title"}


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-")


def _script() -> str:
    return _file("sort.js")


def _file(name: str) -> str:
    return (files("lightning_app.report.web") / name).read_text("utf-8")
