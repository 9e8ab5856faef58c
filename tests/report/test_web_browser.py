"""report.html in a real browser, at the widths of a desk and of a phone, in light and in dark."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lightning_app.records.comparisons import Comparison
from lightning_app.records.differences import Difference
from lightning_app.records.examples import Examples
from lightning_app.records.points import Point
from lightning_app.report.web.write import write_web_page
from lightning_app.report.write import write_comparisons_report, write_report

if TYPE_CHECKING:
    from tests.report.chromium import Browser

Systems = dict[str, tuple[list[Point], list[Difference]]]
SPEC = importlib.util.spec_from_file_location("chromium", Path(__file__).with_name("chromium.py"))
COMPARED = Comparison("retrained", "control", "max_5", "max_5 tiled 8-bit HEVC", "37", 3, *(0.5,) * 12)
LONG = "runs/a_name/without/any/place/to/break/" + "x" * 90
DESK, PHONE = 1280, 390
WIDTHS = pytest.mark.parametrize("width", [DESK, PHONE])
COLUMN = "[...document.querySelectorAll('table.sortable tbody tr')].map(row => row.cells[%d].textContent)"
HEAD = "document.querySelectorAll('table.sortable thead th')[%d]"

pytestmark = [
    pytest.mark.skipif(shutil.which("chromium") is None, reason="no browser: apt-get install -y chromium"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert SPEC is not None
    assert SPEC.loader is not None
    module = importlib.util.module_from_spec(SPEC)
    SPEC.loader.exec_module(module)
    with module.Browser(tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.fixture(scope="module")
def page(systems: Systems, examples: Examples, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a name that is longer than a phone is wide."""
    folder = tmp_path_factory.mktemp("report")
    named = {"default": systems["default"], LONG: systems["retrained"]}
    write_report(named, folder)
    write_comparisons_report([COMPARED], folder)
    return write_web_page(named, folder, [COMPARED], {"default": examples, LONG: examples})


@WIDTHS
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_is_wider_than_the_page_but_what_scrolls_by_itself(
    browser: Browser, page: Path, width: int, dark: bool
) -> None:
    browser.open(page, width, dark)
    browser.value("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert browser.value("document.documentElement.clientWidth") == width
    assert browser.value("document.documentElement.scrollWidth") == width
    frames = "[...document.querySelectorAll('.scroll')]"
    assert browser.value(f"{frames}.every(one => one.getBoundingClientRect().right <= innerWidth)")
    if width == PHONE:
        assert browser.value(f"{frames}.some(one => one.scrollWidth > one.clientWidth)")


@WIDTHS
def test_every_figure_and_picture_is_drawn_inside_the_page(browser: Browser, page: Path, width: int) -> None:
    browser.open(page, width)
    shown = "[...document.querySelectorAll('figure svg, figure img')]"
    boxes = browser.value(f"{shown}.map(one => one.getBoundingClientRect()).map(b => [b.left, b.right, b.height])")
    assert len(boxes) == 3 + 2 * (2 * 5 + 3)
    assert [box for box in boxes if not (0 <= box[0] < box[1] <= width and box[2] > 40)] == []
    assert browser.value("[...document.images].every(one => one.complete && one.naturalWidth > 0)")


@WIDTHS
def test_the_page_asks_for_nothing_and_breaks_none_of_its_own_rules(browser: Browser, page: Path, width: int) -> None:
    browser.open(page, width)
    assert browser.requests() == [page.resolve().as_uri()]
    assert browser.complaints() == []
    # What a stranger puts into the page is not run, and what it names is not fetched.
    evil = page.with_name("evil.html")
    stranger = "<script>document.title = 'run'</script><img src='a.jpg'><link rel=stylesheet href='a.css'>"
    evil.write_text(page.read_text().replace("<main>", f"<main>{stranger}"))
    browser.open(evil, width)
    assert browser.value("document.title") == "Accuracy against bits"
    assert len(browser.complaints()) >= 3


def test_a_click_on_the_name_of_a_column_sorts_by_all_digits_and_another_the_other_way_round(
    browser: Browser, page: Path, systems: Systems
) -> None:
    browser.open(page, DESK)
    rates = sorted(point.kbpi for some, _ in systems.values() for point in some)
    assert browser.value(f"{HEAD % 3}.textContent") == "KBPI"
    assert browser.value(f"{HEAD % 3}.getAttribute('aria-sort')") is None
    browser.value(f"{HEAD % 3}.querySelector('button').click()")
    assert browser.value(COLUMN % 3) == [f"{rate:.2f}" for rate in rates]
    assert browser.value(f"{HEAD % 3}.getAttribute('aria-sort')") == "ascending"
    browser.value(f"{HEAD % 3}.querySelector('button').click()")
    assert browser.value(COLUMN % 3) == [f"{rate:.2f}" for rate in reversed(rates)]
    assert browser.value(f"{HEAD % 3}.getAttribute('aria-sort')") == "descending"
    browser.value(f"{HEAD % 2}.querySelector('button').click()")
    qps = browser.value(COLUMN % 2)
    assert list(dict.fromkeys(qps)) == ["original", "lossless", "22", "27", "32", "37", "42", "47"]
    assert browser.value(f"{HEAD % 3}.getAttribute('aria-sort')") is None
    assert browser.complaints() == []


def test_a_click_on_the_name_of_a_text_sorts_by_its_words(browser: Browser, page: Path) -> None:
    browser.open(page, PHONE)
    browser.value(f"{HEAD % 1}.querySelector('button').click()")
    systems = browser.value(COLUMN % 1)
    assert systems == sorted(systems, key=lambda text: [int(w) if w.isdigit() else w for w in text.split()[:1]])
    assert systems[0].startswith("cloud-only")
    assert systems[-1].startswith("max_9")


def test_without_a_script_the_table_is_plain(browser: Browser, page: Path) -> None:
    browser.open(page, DESK, script=False)
    found = browser("DOM.getDocument", depth=0)["root"]["nodeId"]
    assert browser("DOM.querySelectorAll", nodeId=found, selector="th button")["nodeIds"] == []
    assert len(browser("DOM.querySelectorAll", nodeId=found, selector="table.sortable tbody tr")["nodeIds"]) == 55
    browser.open(page, DESK)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_words_stand_out_from_what_is_behind_them(browser: Browser, page: Path, dark: bool) -> None:
    """WCAG 2 asks for a contrast of 4.5 between small words and their ground."""
    browser.open(page, DESK, dark)
    colours = browser.value(
        "['p', 'td', 'dd', 'nav a', 'figcaption', 'th button'].map(name => { const one = document.querySelector(name);"
        " const ground = getComputedStyle(one.closest('section, nav a') ?? document.body).backgroundColor;"
        " return [getComputedStyle(one).color, ground]; })"
    )
    assert [pair for pair in colours if contrast(*pair) < 4.5] == []


def contrast(one: str, other: str) -> float:
    """Of two colours, 1 to 21, as WCAG 2 defines it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    shares = [int(part) / 255 for part in colour[4:-1].split(",")]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
