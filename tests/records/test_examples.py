"""Pictures of an evaluation as a file, there and back."""

import json
from pathlib import Path

import pytest

from lightning_app.errors import DataError
from lightning_app.records.examples import JPEG, Box, Example, Examples, Shown, Tiles, read_examples, write_examples

BOX = Box((1.0, 2.0, 30.5, 40.0), "dog", 0.75)
SHOWN = Shown("max_5 tiled 8-bit HEVC", "22", 1234, [BOX])
EXAMPLE = Example("VOC2007/000001", 0, 353, 500, JPEG + b"a", [Box((1.0, 1.0, 2.0, 2.0), "cat")], [SHOWN])
TILES = Tiles("VOC2007/000001", SHOWN.curve, "max_5", JPEG + b"b", {"22": JPEG + b"c"})
EXAMPLES = Examples([EXAMPLE], [TILES])


def test_examples_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "examples.json"
    write_examples(path, EXAMPLES)
    assert read_examples(path) == EXAMPLES
    assert EXAMPLES.size == 3 * len(JPEG) + 3


@pytest.mark.parametrize(
    "change",
    [
        {"pictures": 3},
        {"tiles": [{}]},
        {"pictures": [{**json.loads('{"picture": "a", "index": 0, "width": 0, "height": 5, "jpeg": "/9j/"}')}]},
        {"tiles": [{"picture": "a", "curve": "b", "layer": "c", "before": "https://example.org/a.jpg", "after": {}}]},
        {"tiles": [{"picture": "a", "curve": "b", "layer": "c", "before": "PHN2Zz4=", "after": {}}]},  # an SVG
        {"tiles": [{"picture": "a", "curve": "b", "layer": "c", "before": "/9j/", "after": []}]},
    ],
)
def test_another_json_is_refused_by_name(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "examples.json"
    path.write_text(json.dumps({"pictures": [], "tiles": [], **change}))
    with pytest.raises(DataError, match=r"examples\.json is no examples\.json that `dfc evaluate` wrote: .*remove it"):
        read_examples(path)


@pytest.mark.parametrize("text", ["", "[]", "[" * 100_000, "\x00"])
def test_what_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "examples.json").write_text(text)
    with pytest.raises(DataError, match="is no examples"):
        read_examples(tmp_path / "examples.json")
