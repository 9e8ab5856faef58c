"""The licences of the pinned packages, from their installed metadata: ``licences.py PAGE`` renews the page's table."""

from __future__ import annotations

import re
import sys
from importlib.metadata import distribution
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[2] / "requirements.txt"
TABLE = re.compile(r"^\| package \|.*\n(?:\|.*\n)+", re.M)
OSI = "License :: OSI Approved :: "


def pins(requirements: str) -> dict[str, str]:
    """Version by name.

    >>> pins("# why\\ntorch==2.13.0\\n")
    {'torch': '2.13.0'}
    """
    return dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", requirements, re.M))


def licence(name: str) -> str:
    """What a package says of itself: its SPDX expression, else its one line, its classifiers, its licence's heading."""
    package = distribution(name)

    def field(key: str) -> list[str]:
        return package.metadata.get_all(key) or []

    for stated in (*field("License-Expression"), *field("License")):
        if "\n" not in stated.strip():
            return stated.strip()
    classified = [line.removeprefix(OSI) for line in field("Classifier") if line.startswith(OSI)]
    texts = (package.read_text(f"licenses/{file}") or "" for file in field("License-File"))
    return ", ".join(classified) or next(texts).strip().split("\n")[0]


def table() -> str:
    """A row a pinned package."""
    found = pins(REQUIREMENTS.read_text())
    rows = [f"| {name} | {version} | {licence(name)} |\n" for name, version in found.items()]
    return "".join(["| package | version | licence |\n", "| --- | --- | --- |\n", *rows])


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(TABLE.sub(lambda _: table(), page.read_text()))
