"""The navigation: what a section's page links to, in its order, so that no list has to be kept beside it."""

import posixpath
import re
from pathlib import Path

LINK = re.compile(r"\]\(([^)#\s:]+\.md)\)")
GENERATED = {"docs/reference/README": ["commands/README", "configs/README", "container", "api/README"]}
"""Pages that are made with the site, and stand behind the links of a section."""


def toctree(root: Path, name: str) -> str:
    """A hidden list of the pages below a section's page, for Sphinx; empty for any other page.

    Args:
        root: of the repository.
        name: of the page, relative to it and without its ending.
    """
    if name.startswith("build/") or not name.endswith("/README"):
        return ""
    entries = below(root, name) + [f"build/pages/{page}" for page in GENERATED.get(name, [])]
    return "\n".join(["", "", "```{toctree}", ":hidden:", "", *(_entry(page) for page in entries), "```", ""])


def _entry(page: str) -> str:
    return "README </README>" if page == "README" else f"/{page}"


def below(root: Path, name: str) -> list[str]:
    """What a page links to in its own folder and outside of ``docs``: of the first page, only the sections."""
    folder = posixpath.dirname(name)
    found = [
        posixpath.normpath(posixpath.join(folder, link)) for link in LINK.findall((root / f"{name}.md").read_text())
    ]
    names = dict.fromkeys(page.removesuffix(".md") for page in found)
    return [page for page in names if page != name and _is_below(page, folder)]


def _is_below(page: str, folder: str) -> bool:
    if folder == "docs":
        return (page.endswith("/README") and page.startswith("docs/")) or "/" not in page
    return page.startswith(f"{folder}/") or (folder == "docs/evidence" and not page.startswith("docs/"))
