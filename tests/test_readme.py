"""The commands that README and the configs show are commands."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README, FEATURES = ROOT / "README.md", ROOT / "docs/reference/features.md"
OWN_CLASSES = {ROOT / f"docs/how-to/own-{name}.md" for name in ("codec", "loss", "transform", "detector")}
"""Their commands name classes that a reader writes; tests/test_extending.py runs them."""
COMMAND = re.compile(
    r"(?:^[# ]*(?:WANDB_MODE=offline )?|`)"
    r"dfc ((?:fit|validate|test|predict|evaluate) +-c [^`\n]*?)(?: {3,}#.*)?(?:`|$)",
    re.M,
)
PAGES = [
    page
    for page in [README, *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "configs").rglob("*.yaml"))]
    if page not in OWN_CLASSES and (page.suffix == ".yaml" or COMMAND.search(page.read_text()))
]
SHOWN = [(page, command) for page in PAGES for command in COMMAND.findall(page.read_text()) if "..." not in command]
TABLE = FEATURES.read_text()
WORDS = {word: " ".join(re.findall(rf"`{word}`[^`]*`dfc ([^`]*)`", TABLE)[0].split()) for word in ("TEST", "FIT")}
SHOWN += [
    (FEATURES, f"{start} {' '.join(options.split())}")
    for word, start in WORDS.items()
    for options in re.findall(rf"`{word} ([^`]*)`", TABLE)
]


@pytest.mark.slow
@pytest.mark.parametrize(("page", "command"), SHOWN, ids=lambda value: getattr(value, "name", None))
def test_a_shown_command_is_understood(dfc: Callable[..., tuple[int, str, str]], page: Path, command: str) -> None:
    status, out, err = dfc(*shlex.split(command), "--print_config")
    assert status == 0, f"{page.name}: {command}: {err}"
    assert re.search(r"network: .*\.cfg", out)


def test_readme_and_every_config_show_commands() -> None:
    assert {page for page, _ in SHOWN} == set(PAGES)
    assert len(SHOWN) > 10


OWN = re.findall(r"`dfc ((?:encode|decode|weights|data|report) [^`]*)`", TABLE)


@pytest.mark.slow
@pytest.mark.parametrize("command", [command for command in OWN if "download" not in command])
def test_our_own_commands_of_the_table_miss_a_file_and_no_option(
    dfc: Callable[..., tuple[int, str, str]], command: str
) -> None:
    status, _, err = dfc(*shlex.split(command))
    assert "usage:" not in err
    assert status == (0 if "make" in command else 2), err
    assert status == 0 or re.fullmatch(r"dfc: (the folder )?\S+ (cannot be read|is no).*\n", err), err


@pytest.mark.slow
def test_the_profiles_that_are_shown_run(dfc: Callable[..., tuple[int, str, str]]) -> None:
    points = str(ROOT / "results/voc-subset/yolo-lite/default/points.csv")
    shown = re.findall(r"`dfc (profile [^`]*)`", TABLE)
    assert len(shown) == 2
    for number, command in enumerate(shown):
        arguments = shlex.split(command.replace("runs/evaluation/points.csv", points))
        status, out, err = dfc(*arguments, "--repeats", "1", "--output", str(number))
        assert status == 0, err
        assert ("the fastest split is", "the fastest measured split is")[number] in out
        made = {path.name for path in Path(str(number)).iterdir()}
        assert made >= {"layers.csv", "cuts.csv", "latency.csv"}


def test_the_table_shows_our_own_commands() -> None:
    assert {command.split()[0] for command in OWN} == {"encode", "decode", "weights", "data", "report"}


LINKING = [
    *sorted(ROOT.glob("*.md")),
    *(page for folder in ("docs", "benchmarks", "results") for page in sorted((ROOT / folder).rglob("*.md"))),
]


@pytest.mark.parametrize("page", LINKING, ids=lambda page: page.name)
def test_a_pages_links_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text())
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert missing == []


def test_every_page_of_the_documentation_is_reached_from_readme() -> None:
    found: set[Path] = set()
    left = [README]
    while left:
        page = left.pop()
        targets = {(page.parent / target).resolve() for target in re.findall(r"\]\(([^)#]+)\)", page.read_text())}
        targets |= {file for target in targets if target.is_dir() for file in target.glob("*.md")}
        left += [target for target in targets - found if target.suffix == ".md"]
        found |= targets
    assert [page for page in sorted((ROOT / "docs").rglob("*.md")) if page not in found] == []


def test_the_words_of_readme_are_explained_and_not_measured() -> None:
    _, _, rest = README.read_text("utf-8").partition("## Words")
    rows = [line.split("|")[1:3] for line in rest.partition("\n## ")[0].splitlines() if line.startswith("| ")]
    explained = {word.strip(): meaning.strip() for word, meaning in rows}
    assert explained["KBPI"].startswith("kilobits per image")
    assert all(meaning[0].isalpha() for word, meaning in explained.items() if word not in ("", "---"))
