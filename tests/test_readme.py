"""The commands that README and the configs show are commands."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "configs").rglob("*.yaml"))]
COMMAND = re.compile(
    r"(?:^[# ]*(?:WANDB_MODE=offline )?|`)"
    r"dfc ((?:fit|validate|test|predict|evaluate) +-c [^`\n]*?)(?: {3,}#.*)?(?:`|$)",
    re.M,
)
README = (ROOT / "README.md").read_text()
SHOWN = [(page, command) for page in PAGES for command in COMMAND.findall(page.read_text()) if "..." not in command]
(TEST,) = re.findall(r"`TEST` stands for `dfc ([^`]*)`", README)
SHOWN += [(ROOT / "README.md", f"{TEST} {options}") for options in re.findall(r"`TEST ([^`]*)`", README)]


@pytest.mark.slow
@pytest.mark.parametrize(("page", "command"), SHOWN, ids=lambda value: getattr(value, "name", None))
def test_a_shown_command_is_understood(dfc: Callable[..., tuple[int, str, str]], page: Path, command: str) -> None:
    status, out, err = dfc(*shlex.split(command), "--print_config")
    assert status == 0, f"{page.name}: {command}: {err}"
    assert re.search(r"network: .*\.cfg", out)


def test_readme_and_every_config_show_commands() -> None:
    assert {page for page, _ in SHOWN} == set(PAGES)
    assert len(SHOWN) > 10


OWN = re.findall(r"`dfc ((?:encode|decode|weights|data|report) [^`]*)`", README)


@pytest.mark.slow
@pytest.mark.parametrize("command", [command for command in OWN if "download" not in command])
def test_our_own_commands_of_the_table_miss_a_file_and_no_option(
    dfc: Callable[..., tuple[int, str, str]], command: str
) -> None:
    status, _, err = dfc(*shlex.split(command))
    assert "usage:" not in err
    assert status == (0 if "make" in command else 2), err
    assert status == 0 or re.fullmatch(r"dfc: \S+ (cannot be read|is no).*\n", err), err


@pytest.mark.slow
def test_the_profile_that_is_shown_runs(dfc: Callable[..., tuple[int, str, str]]) -> None:
    (command,) = re.findall(r"`dfc (profile [^`]*)`", README)
    status, out, err = dfc(*shlex.split(command), "--repeats", "1", "--output", "profile")
    assert status == 0, err
    assert "the fastest split is" in out
    assert {path.name for path in Path("profile").iterdir()} >= {"layers.csv", "cuts.csv", "latency.csv", "energy.png"}


def test_the_table_shows_our_own_commands() -> None:
    assert {command.split()[0] for command in OWN} == {"encode", "decode", "weights", "data", "report"}


def test_readme_leaves_nothing_to_fill_in() -> None:
    text = (ROOT / "README.md").read_text()
    assert not re.search(r"\b[A-Z]+_(TABLE|TEXT)\b", text)
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (ROOT / target).exists(), target
