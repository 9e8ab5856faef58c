"""The commands that README and the configs show are commands."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "configs").rglob("*.yaml"))]
COMMAND = re.compile(r"^[# ]*(?:WANDB_MODE=offline )?dfc ((?:fit|validate|test|predict) +-c .*?)(?: {3,}#.*)?$", re.M)
SHOWN = [(page, command) for page in PAGES for command in COMMAND.findall(page.read_text()) if "..." not in command]


@pytest.mark.slow
@pytest.mark.parametrize(("page", "command"), SHOWN, ids=lambda value: getattr(value, "name", None))
def test_a_shown_command_is_understood(dfc: Callable[..., tuple[int, str, str]], page: Path, command: str) -> None:
    status, out, err = dfc(*shlex.split(command), "--print_config")
    assert status == 0, f"{page.name}: {command}: {err}"
    assert "network: configs/networks/" in out


def test_readme_and_every_config_show_commands() -> None:
    assert {page for page, _ in SHOWN} == set(PAGES)
    assert len(SHOWN) > 10


def test_readme_leaves_nothing_to_fill_in() -> None:
    text = (ROOT / "README.md").read_text()
    assert not re.search(r"\b[A-Z]+_(TABLE|TEXT)\b", text)
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (ROOT / target).exists(), target
