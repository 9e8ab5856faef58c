"""The commit that results are stamped with."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with the module in its place, and a file that is no part of the program."""
    for folder in ("lightning_app", "codecs", "callbacks"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
    shutil.copy(ROOT / "lightning_app/provenance.py", tmp_path / "lightning_app")
    (tmp_path / "README.md").write_text("one")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first")
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def commit(folder: Path) -> str:
    command = [sys.executable, "-B", "-c", "from lightning_app.provenance import program_commit as c; print(c())"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def test_only_a_change_of_the_program_makes_its_commit_dirty(checkout: Path) -> None:
    head = git(checkout, "rev-parse", "--short=12", "HEAD")
    assert commit(checkout) == head
    (checkout / "README.md").write_text("two")
    assert commit(checkout) == head
    (checkout / "codecs/__init__.py").write_text("# changed\n")
    assert commit(checkout) == f"{head}-dirty"


def test_a_program_inside_another_repository_has_no_commit(checkout: Path) -> None:
    git(checkout, "rm", "-q", "--cached", "-r", "lightning_app")
    assert commit(checkout) == ""
