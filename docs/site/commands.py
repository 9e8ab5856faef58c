"""Pages with the help of every command, from the program itself: ``python docs/site/commands.py FOLDER``."""

import os
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from lightning_app.__main__ import main

COMMANDS = {
    "fit": [
        ["fit"],
        ["fit", "--model.channel.help"],
        ["fit", "--data.help", "VOCDataModule"],
        ["fit", "--data.help", "ShapesDataModule"],
        ["fit", "--data.help", "PicturesDataModule"],
    ],
    **{name: [[name]] for name in ("validate", "test", "predict", "evaluate")},
    **{name: [[name]] for name in ("encode", "decode", "show", "profile", "report")},
    "weights": [["weights"], ["weights", "inspect"], ["weights", "convert"], ["weights", "onnx"]],
    "data": [["data"], *(["data", name] for name in ("convert", "adapt", "check", "download", "make"))],
    "doctor": [["doctor"]],
    "completion": [["completion"]],
}
"""Each command, with the command lines whose help its page shows."""


def write(pages: Path) -> None:
    """Write a page for each command, and one that lists them.

    Args:
        pages: the folder that they go to.
    """
    pages.mkdir(parents=True, exist_ok=True)
    for command, lines in COMMANDS.items():
        parts = [f"# dfc {command}"]
        for line in lines:
            asked = line if any(word.endswith(".help") for word in line) else [*line, "--help"]
            parts += [f"## dfc {' '.join(asked)}" if len(lines) > 1 else "", f"```text\n{said(asked)}\n```"]
        (pages / f"{command}.md").write_text("\n\n".join(part for part in parts if part) + "\n")
    listed = "\n".join(COMMANDS)
    (pages / "README.md").write_text(
        f"# Every command\n\n```text\n{said(['--help'])}\n```\n\n```{{toctree}}\n\n{listed}\n```\n"
    )


def said(arguments: list[str]) -> str:
    """What ``dfc`` prints for these arguments."""
    text = StringIO()
    sys.argv = ["dfc", *arguments]
    with redirect_stdout(text):
        try:
            status: object = main()
        except SystemExit as ended:
            status = ended.code
    if status:
        raise SystemExit(f"dfc {' '.join(arguments)}: status {status}")
    return text.getvalue().strip()


if __name__ == "__main__":
    os.environ["COLUMNS"] = "100"
    write(Path(sys.argv[1]))
