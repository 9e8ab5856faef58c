"""The documentation as a site: what `make docs` takes from the pages and from the program, without its packages."""

import csv
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

from lightning_app.__main__ import COMMANDS, OF_LIGHTNING

ROOT = Path(__file__).parents[2]
FOLDERS = ("docs", "benchmarks", "results")
LINKING = [*sorted(ROOT.glob("*.md")), *(page for folder in FOLDERS for page in sorted((ROOT / folder).rglob("*.md")))]


def module(name: str) -> ModuleType:
    """A file of docs/site, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / f"docs/site/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


SECTIONS, REFERENCE, HELP = module("sections"), module("reference"), module("commands")


def anchors(page: Path) -> set[str]:
    """What a link may name in a page, as GitHub and the site make it of the headings."""
    headings = re.findall(r"(?m)^#+ (.*)$", page.read_text("utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", LINKING, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_link_to_a_heading_leads_to_one(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s:]*)#([^)\s]+)\)", page.read_text("utf-8"))
    wrong = [(to, name) for to, name in links if name not in anchors((page.parent / to) if to else page)]
    assert wrong == []


def test_every_page_stands_in_the_navigation_once() -> None:
    found: list[str] = []
    left = ["docs/README"]
    while left:
        page = left.pop()
        found.append(page)
        left += SECTIONS.below(ROOT, page) if page.endswith("/README") else []
    pages = {path.relative_to(ROOT).with_suffix("").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert pages - set(found) == set()
    assert len(found) == len(set(found))


def test_every_command_has_its_help_on_a_page() -> None:
    assert set(HELP.COMMANDS) == {*COMMANDS, *OF_LIGHTNING}


def test_the_help_that_is_shown_is_what_the_command_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["dfc"])
    assert "--output FOLDER" in HELP.said(["profile", "--help"])
    with pytest.raises(SystemExit, match="status 2"):
        HELP.said(["profile", "--no-such-option"])


def test_every_config_and_the_container_are_on_a_page(tmp_path: Path) -> None:
    REFERENCE.write(ROOT, tmp_path)
    configs = [path for path in sorted((ROOT / "configs").rglob("*")) if path.is_file()]
    for path in configs:
        page = tmp_path / "configs" / f"{path.relative_to(ROOT).as_posix().replace('/', '-')}.md"
        assert path.read_text() in page.read_text()
    assert "CRC-32" in (tmp_path / "container.rst").read_text()


def test_a_configs_opening_comment_is_text_and_commands() -> None:
    page = REFERENCE.opening("# What it is.\n#\n#   dfc fit -c x.yaml\n#\n# More.\nseed: 0\n# no more\n")
    assert page == "What it is.\n\n```text\ndfc fit -c x.yaml\n```\n\nMore."


def test_what_makes_the_site_is_pinned_and_is_not_torch() -> None:
    pins = [line for line in (ROOT / "docs/requirements.txt").read_text().splitlines() if not line.startswith("#")]
    assert [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)] == []
    assert {"furo", "myst-parser", "Sphinx"} <= {pin.partition("==")[0] for pin in pins}
    assert not any(pin.lower().startswith(("torch", "nvidia")) for pin in pins)


def test_ci_builds_the_site_with_warnings_as_errors() -> None:
    assert "make docs\n" in (ROOT / ".ci/run").read_text()
    assert "--fail-on-warning" in (ROOT / "Makefile").read_text()


def test_the_journey_states_the_numbers_of_its_table() -> None:
    page = (ROOT / "docs/understand/journey.md").read_text()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ")]
    with (ROOT / "results/journey/journey.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 7
    for row in rows:
        numbers = [f"{int(row['container']):,}", f"{float(row['kilobits']):,.2f}", f"{float(row['changed'])} %"]
        assert [*numbers, f"{float(row['error']):.2f}", row["boxes"]] in [line[1:] for line in cells]


def test_the_journeys_pictures_are_small() -> None:
    pictures = sorted((ROOT / "results/journey").glob("*.[jp][pn]g"))
    assert len(pictures) == 9
    assert sum(path.stat().st_size for path in pictures) < 400_000
    for path in pictures:
        with Image.open(path) as picture:
            assert max(picture.size) <= 320


@pytest.mark.slow
def test_the_journey_is_made_by_one_command(shared: Path, tmp_path: Path) -> None:
    picture = shared / "VOCdevkit/VOC2007/JPEGImages/000028.jpg"
    weights = shared / "weights/yolo-lite/tiny-yolov2-trial3.weights"
    command = [sys.executable, "-m", "experiments.journey", "--results", str(tmp_path)]
    subprocess.run([*command, "--picture", str(picture), "--weights", str(weights)], cwd=ROOT, check=True)
    made, kept = ({path.name for path in folder.iterdir()} for folder in (tmp_path, ROOT / "results/journey"))
    assert made == kept
