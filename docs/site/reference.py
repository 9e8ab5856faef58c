"""Pages that files of the repository state: the configs and the container."""

import ast
import re
from pathlib import Path
from textwrap import dedent


def write(root: Path, pages: Path) -> None:
    """Write all of them.

    Args:
        root: of the repository.
        pages: the folder that they go to.
    """
    _configs(root / "configs", pages / "configs")
    _put(pages / "container.rst", _container(root / "lightning_app/bitstream.py"))


def _configs(folder: Path, pages: Path) -> None:
    names = []
    for path in sorted(folder.rglob("*.*")):
        if path.suffix not in (".yaml", ".cfg", ".sh", ".sbatch"):
            continue
        name = path.relative_to(folder.parent).as_posix()
        text = path.read_text()
        language = {".cfg": "ini", ".yaml": "yaml"}.get(path.suffix, "bash")
        page = name.replace("/", "-")
        names.append(page)
        _put(pages / f"{page}.md", f"# {name}\n\n{opening(text)}\n\n````{{code-block}} {language}\n{text}````\n")
    listed = "\n".join(names)
    _put(
        pages / "README.md",
        "# Every config\n\n`*.yaml` are runs, `networks/*.cfg` are networks, `cluster/` has launchers for several "
        "nodes, and `sweeps/` has sweeps of Weights & Biases. "
        "Each page gives the config's own words, and then all of it."
        f"\n\n```{{toctree}}\n\n{listed}\n```\n",
    )


def opening(text: str) -> str:
    """The comment that a config begins with, as Markdown: what is indented in it is a command."""
    lines = text.removeprefix("#!/usr/bin/env bash\n").splitlines()
    comment = []
    for line in lines:
        if not line.startswith("#") or line.startswith("#SBATCH"):
            break
        comment.append(re.sub("^# ?", "", line))
    return re.sub(
        r"(?m)(?:^ {2}.*\n?)+", lambda block: f"```text\n{dedent(block[0]).rstrip()}\n```\n", "\n".join(comment)
    )


def _container(module: Path) -> str:
    said = ast.get_docstring(ast.parse(module.read_text())) or ""
    return (
        "\n\n".join((_title("The container .dfc", "="), said, "`lightning_app.bitstream` writes and reads it.")) + "\n"
    )


def _title(text: str, line: str) -> str:
    return f"{text}\n{line * len(text)}"


def _put(path: Path, text: str) -> None:
    """Write a file, unless it is there with this text already: Sphinx then need not read it again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
