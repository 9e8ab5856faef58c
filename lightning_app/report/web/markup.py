"""HTML that cannot hold what a user did not mean as HTML: every text is escaped where an element takes it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from html import escape

VOID = frozenset({"meta", "img", "rect", "image", "use", "line", "circle"})
"""Elements without content; those of SVG are closed by their stroke."""


class Markup(str):
    """HTML, escaped already."""

    __slots__ = ()


def element(kind: str, /, *children: str, **attributes: object) -> Markup:
    """An element with its children; a child that is no `Markup` is text.

    Args:
        kind: of the element, such as ``td``.
        children: text or elements.
        attributes: ``class_`` is ``class`` and ``aria_label`` is ``aria-label``; None and False are left out, True has
            no value.
    """
    words = [kind]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        words.append(key if value is True else f'{key}="{escape(str(value))}"')
    if kind in VOID:
        return Markup(f"<{' '.join(words)}/>")
    return Markup(f"<{' '.join(words)}>{joined(children)}</{kind}>")


def joined(parts: Iterable[str], between: str = "") -> Markup:
    """Texts and elements, one behind another."""
    return Markup(escape(between).join(part if isinstance(part, Markup) else escape(part) for part in parts))


def jpeg_uri(jpeg: bytes) -> str:
    """A JPEG as an address that holds it."""
    return f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"
