"""The lines of a text file that a person brings, from any editor of any system."""

from __future__ import annotations

import codecs
import re
from typing import Literal

Errors = Literal["strict", "replace"]

_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
"""``str.splitlines`` ends a line at ten other characters too, which a comment in another encoding may seem to hold."""

LFS_POINTER = b"version https://git"
"""How a pointer of Git LFS begins."""


def lines_of(data: bytes, errors: Errors = "strict") -> list[str]:
    """The lines of a text in UTF-8, without their ends and without a byte order mark.

    Raises:
        ValueError: as `text_of`.
    """
    return [line.rstrip("\r\n") for line in split_lines(text_of(data, errors))]


def text_of(data: bytes, errors: Errors = "strict") -> str:
    """A text in UTF-8, without a byte order mark.

    Args:
        data: the bytes of the file.
        errors: ``replace`` takes bytes that are no UTF-8 for unknown characters.

    Raises:
        ValueError: it is no such text; the message says what it is, and what to do.
    """
    if data.startswith(LFS_POINTER):
        raise ValueError(
            "it is a pointer of Git LFS: fetch the file itself, by `git lfs pull` in its repository or from its page "
            "there"
        )
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError("it is text in UTF-16: save it as UTF-8")
    if data[:200].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise ValueError("it is a page of the web: fetch the file itself, on many pages by the link `Raw`")
    if b"\0" in data:
        raise ValueError("it is no text: it has bytes of the value 0")
    try:
        return data.decode("utf-8-sig", errors)
    except UnicodeDecodeError as error:
        line = len(split_lines(data[: error.start + 1].decode("latin-1")))
        raise ValueError(f"line {line} is no text in UTF-8: save the file as UTF-8") from None


def split_lines(text: str) -> list[str]:
    r"""The lines with their ends, which are those of any system.

    >>> split_lines("a\r\nb\n\nc")
    ['a\r\n', 'b\n', '\n', 'c']
    """
    return _LINE.findall(text)
