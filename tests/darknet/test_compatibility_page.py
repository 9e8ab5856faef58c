"""docs/reference/compatibility.md says of Darknet's sections, options and activations what the program's tables say."""

from collections.abc import Iterable
from pathlib import Path

from lightning_app.darknet.activations import ACTIVATIONS
from lightning_app.darknet.sections import _BUILDERS
from lightning_app.darknet.vocabulary import (
    ALIASES,
    KNOWN_KEYS,
    OF_ANY_LAYER,
    READ_OVER,
    REFUSED_ACTIVATIONS,
    REFUSED_OPTIONS,
    REFUSED_SECTIONS,
)

PAGE = Path(__file__).parents[2] / "docs/reference/compatibility.md"


def coded(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names, key=str.lower)) or "none"


def section(kind: str) -> str:
    others = [f"`[{name}]`" for name, stands_for in ALIASES.items() if stands_for == kind]
    return ", ".join([f"`[{kind}]`", *others])


def rows() -> list[str]:
    """Every row of every table, in the order of the page."""
    built = [
        f"| {section(kind)} | {coded(keys)} | {coded(READ_OVER.get(kind, ()))} |" for kind, keys in KNOWN_KEYS.items()
    ]
    sections = [f"| {section(kind)} | {reason} |" for kind, reason in REFUSED_SECTIONS.items()]
    options = [
        f"| `{key}` of `[{kind}]` | {reason} |"
        for kind, keys in REFUSED_OPTIONS.items()
        for key, reason in keys.items()
    ]
    activations = [f"| `{name}` | {reason} |" for name, reason in REFUSED_ACTIVATIONS.items()]
    return [*built, *sections, *options, *activations]


def test_the_page_has_every_row_of_the_tables_and_no_other() -> None:
    text = PAGE.read_text()
    tables = [line for line in text.splitlines() if line.startswith("| `")]
    assert tables == rows()
    assert f"Activations that are built: {coded(ACTIVATIONS)}." in text
    assert f"in the section of any layer: {coded(OF_ANY_LAYER)}." in text


def test_every_section_is_built_or_refused_and_none_both() -> None:
    assert set(KNOWN_KEYS) == set(_BUILDERS) | {"net"}
    assert not set(KNOWN_KEYS) & set(REFUSED_SECTIONS)
    assert set(ALIASES.values()) <= set(KNOWN_KEYS) | set(REFUSED_SECTIONS)
    assert set(READ_OVER) | set(REFUSED_OPTIONS) <= set(KNOWN_KEYS)
    for kind, keys in KNOWN_KEYS.items():
        stated = [keys, READ_OVER.get(kind, frozenset()), frozenset(REFUSED_OPTIONS.get(kind, ()))]
        assert sum(map(len, stated)) == len(frozenset.union(*stated)), kind
