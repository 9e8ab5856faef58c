"""Which version of the program made a result."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path


@cache
def program_commit() -> str:
    """The git commit of the program's own files, ``-dirty`` where they were changed; empty outside a checkout."""
    folder = Path(__file__).parent
    # A virtual environment may lie inside somebody else's repository.
    if _git(folder, "ls-files", "--error-unmatch", Path(__file__).name) is None:
        return ""
    commit = _git(folder, "rev-parse", "--short=12", "HEAD") or ""
    changed = _git(folder.parent, "diff", "--quiet", "HEAD", "--", "lightning_app", "codecs", "callbacks") is None
    return f"{commit}-dirty" if changed else commit


def _git(folder: Path, *arguments: str) -> str | None:
    """What git answers; None if it refuses or is not there."""
    try:
        result = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return result.stdout.strip()
