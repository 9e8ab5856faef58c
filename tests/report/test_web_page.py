"""report.html as text: what is in it, that it asks for nothing, and that no name can be more than a name."""

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lightning_app.records.comparisons import Comparison
from lightning_app.records.differences import Difference, write_differences
from lightning_app.records.examples import Box, Examples, write_examples
from lightning_app.records.points import Point, write_points
from lightning_app.report.web.write import ROOM, write_web_page
from lightning_app.report.write import write_comparisons_report, write_report

Dfc = Callable[..., tuple[int, str, str]]
Systems = dict[str, tuple[list[Point], list[Difference]]]
COMPARED = Comparison("retrained", "control", "max_5", "max_5 tiled 8-bit HEVC", "37", 3, *(0.5,) * 12)
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>'\"&"


class Seen(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def values(self, *names: str) -> list[str]:
        return [value or "" for _, attributes in self.found for name, value in attributes.items() if name in names]


def page(
    systems: Systems,
    folder: Path,
    comparisons: list[Comparison] | None = None,
    examples: dict[str, Examples] | None = None,
) -> str:
    write_report(systems, folder)
    if comparisons:
        write_comparisons_report(comparisons, folder)
    return write_web_page(systems, folder, comparisons or [], examples).read_text()


def table(text: str, kind: str) -> list[list[str]]:
    """The rows of the first table of a kind, without their tags."""
    body = re.findall(rf"<table{kind}>.*?<tbody>(.*?)</tbody>", text)[0]
    rows = re.findall(r"<tr>(.*?)</tr>", body)
    return [[re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<t[dh].*?>(.*?)</t[dh]>", row)] for row in rows]


@pytest.fixture(scope="module")
def whole(systems: Systems, examples: Examples, tmp_path_factory: pytest.TempPathFactory) -> str:
    return page(systems, tmp_path_factory.mktemp("report"), [COMPARED], {"default": examples})


def test_nothing_in_the_page_is_elsewhere(whole: str) -> None:
    seen = Seen(whole)
    addresses = seen.values("href", "xlink:href", "src", "srcset", "action", "poster", "data")
    assert len(addresses) > 100
    assert [one for one in addresses if not one.startswith(("#", "data:image/jpeg;base64,"))] == []
    assert "http" not in whole.replace("http-equiv", "")
    assert re.findall(r"url\((?!#)", whole) == []
    assert "@import" not in whole
    assert {"link", "iframe", "object", "embed", "base"} & {tag for tag, _ in seen.found} == set()
    assert [name for _, attributes in seen.found for name in attributes if name.startswith("on")] == []


def test_the_page_forbids_every_request_and_every_script_but_its_own(whole: str) -> None:
    (policy,) = (a["content"] for _, a in Seen(whole).found if a.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.split(" ", 1) for rule in str(policy).split("; "))
    assert rules.pop("script-src").startswith("'sha256-")
    assert rules == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": "'unsafe-inline'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_every_link_inside_the_page_leads_to_one_place(whole: str) -> None:
    seen = Seen(whole)
    names = seen.values("id")
    assert len(names) == len(set(names))
    links = {one[1:] for one in seen.values("href") if one.startswith("#")}
    links |= set(re.findall(r"url\(#(.*?)\)", whole))
    assert len(links) > 20
    assert links - set(names) == set()


def test_no_name_can_be_more_than_a_name(systems: Systems, examples: Examples, tmp_path: Path) -> None:
    points, differences = systems["default"]
    point = replace(points[1], network=EVIL, weights=EVIL, split=EVIL, layout=EVIL, codec=EVIL, transform=EVIL)
    point = replace(point, commit=EVIL, truth=f"teacher {EVIL} 5f0c1b2a9d3e", qp="22")
    bad = replace(differences[0], curve=EVIL, split=EVIL, weights=EVIL, anchor=EVIL, note=EVIL, truth=point.truth)
    shown = [
        replace(one, curve=EVIL, qp=EVIL, boxes=[Box((1, 1, 9, 9), EVIL, 0.5)]) for one in examples.pictures[0].shown
    ]
    picture = replace(examples.pictures[0], picture=EVIL, truths=[Box((1, 1, 9, 9), EVIL)], shown=shown)
    tiles = [replace(one, picture=EVIL, curve=EVIL, layer=EVIL, after={EVIL: one.before}) for one in examples.tiles]
    compared = replace(COMPARED, ours=EVIL, theirs=EVIL, curve=EVIL, qp=EVIL, split=EVIL, truth=point.truth)
    text = page({EVIL: ([point], [bad]), "b": ([], [])}, tmp_path, [compared], {EVIL: Examples([picture], tiles)})
    seen = Seen(text)
    assert len([tag for tag, _ in seen.found if tag == "script"]) == 1
    assert text.count("alert(1)") == text.count("&lt;script&gt;alert(1)") + text.count("onerror=alert(1)&gt;")
    assert [attributes for tag, attributes in seen.found if "onerror" in attributes or tag == "b"] == []
    assert text.count("&lt;/script&gt;&lt;script&gt;alert(1)") > 20
    assert EVIL in "".join(seen.words)  # it is read as it was written


def test_the_table_has_a_row_a_point_with_the_numbers_of_the_csv(systems: Systems, tmp_path: Path) -> None:
    text = page(systems, tmp_path)
    rows = table(text, ' class="sortable"')
    points = [(name, point) for name, (some, _) in systems.items() for point in some]
    assert [row[:3] for row in rows] == [[name, point.curve, point.qp] for name, point in points]
    assert [row[3] for row in rows] == [f"{point.kbpi:.2f}" for _, point in points]
    assert [row[5] for row in rows] == [f"{100 * point.map:.2f}" for _, point in points]
    body = re.findall(r'<table class="sortable">.*?<tbody>(.*?)</tbody>', text)[0]
    sorted_by = [re.findall(r'data-value="(.*?)"', row) for row in re.findall(r"<tr>(.*?)</tr>", body)]
    names = ("kbpi", "kbpi_std", "map", "map_std", "map_low", "map_area", "loss")
    assert [row[1:] for row in sorted_by] == [[repr(getattr(point, name)) for name in names] for _, point in points]


def test_differences_stand_with_their_intervals_and_are_drawn_on_one_scale(systems: Systems, tmp_path: Path) -> None:
    text = page(systems, tmp_path)
    rows = table(text, "")
    assert len(rows) == 5
    assert rows[0] == [
        *("default", "max_7 tiled 8-bit HEVC", "cloud-only HEVC420"),
        *("−57.90 [−61.10 to −53.80]", "", "−58.21", "+4.12 [+3.72 to +4.62]"),
    ]
    assert rows[1][1] == "max_5 tiled 8-bit HEVC1"
    assert rows[1][5] == "–"
    assert text.count("The cubic through these points is not monotone") == 1  # one note for both
    dots = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', text)]
    values = [one.bd_kbpi or 0 for _, (_, some) in systems.items() for one in some]
    assert sorted(range(5), key=dots.__getitem__) == sorted(range(5), key=values.__getitem__)


def test_pictures_stand_with_their_boxes_at_each_qp_and_are_there_once(whole: str, examples: Examples) -> None:
    labels = [one for one in Seen(whole).values("aria-label") if one.startswith("VOC2007/000001")]
    assert labels == [
        "VOC2007/000001, True boxes: dog",
        "VOC2007/000001, Uncoded: dog 0.75, cat 0.50",
        "VOC2007/000001, QP 22: dog 0.75",
        "VOC2007/000001, QP 42: nothing",
        "VOC2007/000001, QP 42: dog 0.75",
    ]
    assert "120.4 kbit" in whole
    images = re.findall(r'<image href="(.*?)"', whole)
    assert len(images) == 2 * 2  # each picture, and how the cloud-only way had it
    assert whole.count('href="#picture-0-1"') == 3
    alts = [one for one in Seen(whole).values("alt") if one]
    assert [alt.rpartition(", ")[2] for alt in alts] == ["Before coding", "QP 22", "QP 42"]


def test_a_page_has_no_part_that_is_empty(systems: Systems, tmp_path: Path) -> None:
    points, _ = systems["default"]
    seen = Seen(page({"a": ([replace(points[0], qp="")], [])}, tmp_path))
    assert [a["id"] for tag, a in seen.found if tag == "section"] == ["points"]
    assert len([tag for tag, _ in seen.found if tag == "th"]) == len({"System", "QP", "KBPI", "std"}) + 4


def test_pictures_for_which_there_is_no_room_are_told(systems: Systems, examples: Examples, tmp_path: Path) -> None:
    large = replace(examples.pictures[0], jpeg=examples.pictures[0].jpeg + bytes(ROOM - examples.size - 10))
    first = Examples([large, examples.pictures[1]], examples.tiles)
    text = page(systems, tmp_path, None, {"default": first, "retrained": examples})
    assert "There is no room for the pictures of retrained: make a report of them on their own." in text
    assert len(text) < 3_000_000
    assert "There is no room" not in page(systems, tmp_path, None, {"default": examples, "retrained": examples})


def test_the_same_systems_give_the_same_bytes(systems: Systems, examples: Examples, tmp_path: Path) -> None:
    pages = [page(systems, tmp_path / name, [COMPARED], {"default": examples}) for name in "ab"]
    assert pages[0] == pages[1]


def test_report_shows_the_pictures_that_an_evaluation_left(
    dfc: Dfc, workplace: Path, systems: Systems, examples: Examples
) -> None:
    for name, (points, differences) in systems.items():
        write_points(workplace / name / "points.csv", points)
        write_differences(workplace / name / "bd.csv", differences)
    write_examples(workplace / "default/examples.json", examples)
    assert dfc("report", "a=default", "b=retrained", "--output", "out")[0] == 0
    text = (workplace / "out/report.html").read_text()
    assert "VOC2007/000001, True boxes: dog" in text
    (workplace / "default/examples.json").write_text("{}")
    status, _, err = dfc("report", "a=default", "b=retrained", "--output", "out2")
    assert (status, err.count("\n")) == (2, 1)
    assert "default/examples.json is no examples.json that `dfc evaluate` wrote" in err
    assert not Path("out2").exists()
