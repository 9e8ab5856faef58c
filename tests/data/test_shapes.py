import hashlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightning_app.data import SHAPES, ShapesDataModule, VOCDataset, draw
from lightning_app.errors import DataError, OptionError


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shapes")
    draw(root, 90, 30)
    return root


def dataset(root: Path, part: str = "train") -> VOCDataset:
    return VOCDataset(root, [f"Shapes/{part}"], (160, 160), SHAPES)


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    assert digest(draw(tmp_path / "a", 4, 2)) == digest(draw(tmp_path / "b", 4, 2))


def test_another_seed_gives_other_pictures(tmp_path: Path) -> None:
    one, two = digest(draw(tmp_path / "a", 2, 1)), digest(draw(tmp_path / "b", 2, 1, seed=1))
    assert not set(one.values()) & {value for name, value in two.items() if name.startswith("JPEG")}


def test_a_picture_does_not_depend_on_how_many_there_are(tmp_path: Path) -> None:
    few, many = digest(draw(tmp_path / "a", 2, 1)), digest(draw(tmp_path / "b", 4, 1))
    assert few["JPEGImages/000001.jpg"] == many["JPEGImages/000001.jpg"]


def test_a_set_that_is_there_is_not_drawn_again(tmp_path: Path) -> None:
    folder = draw(tmp_path, 2, 1)
    (folder / "JPEGImages/000000.jpg").unlink()
    draw(tmp_path, 2, 1)
    assert not (folder / "JPEGImages/000000.jpg").exists()


def test_a_set_drawn_otherwise_is_left_alone(tmp_path: Path) -> None:
    folder = draw(tmp_path, 3, 1)
    with pytest.raises(
        DataError, match=r"was drawn with side 160 and not 96\. It is not replaced: .*give another root$"
    ):
        draw(tmp_path, 3, 1, side=96)
    assert len(list((folder / "JPEGImages").iterdir())) == 4
    assert list(tmp_path.iterdir()) == [folder]


def test_an_interrupted_drawing_leaves_no_half_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lightning_app.data import shapes

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shapes, "_annotation", stop)
        with pytest.raises(KeyboardInterrupt):
            draw(tmp_path, 2, 1)
    assert list(tmp_path.iterdir()) == []
    assert len(dataset(draw(tmp_path, 2, 1).parent)) == 2


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "Shapes").mkdir()
    (tmp_path / "Shapes/thesis.txt").write_text("mine")
    with pytest.raises(DataError, match="was not drawn by this program: remove it, or give another root"):
        draw(tmp_path, 2, 1)
    assert (tmp_path / "Shapes/thesis.txt").read_text() == "mine"


def test_a_set_that_another_process_drew_meanwhile_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lightning_app.data import shapes

    draw_into = shapes._draw_into

    def draw_twice(fresh: Path, record: dict[str, int]) -> None:
        draw_into(fresh, record)
        shutil.copytree(fresh, tmp_path / "Shapes")

    monkeypatch.setattr(shapes, "_draw_into", draw_twice)
    folder = draw(tmp_path, 2, 1)
    assert list(tmp_path.iterdir()) == [folder]
    assert len(dataset(tmp_path)) == 2


def test_it_reads_as_a_devkit_of_the_counts_and_sizes_asked_for(drawn: Path) -> None:
    assert (len(dataset(drawn)), len(dataset(drawn, "test"))) == (90, 30)
    assert not set(dataset(drawn).ids) & set(dataset(drawn, "test").ids)
    assert dataset(drawn)[0]["image"].shape == (3, 160, 160)


def test_all_classes_occur_with_one_to_four_plain_objects_and_few_difficult_ones(drawn: Path) -> None:
    data = dataset(drawn)
    annotations = [data.annotation(index) for index in range(len(data))]
    assert {int(label) for item in annotations for label in item.labels} == set(range(len(SHAPES)))
    plain = {int((~item.difficult).sum()) for item in annotations}
    assert plain == {1, 2, 3, 4}
    difficult = sum(int(item.difficult.sum()) for item in annotations)
    assert 3 <= difficult <= 25


def test_plain_objects_overlap_little_and_lie_inside(drawn: Path) -> None:
    data = dataset(drawn)
    for index in range(len(data)):
        annotation = data.annotation(index)
        boxes = annotation.boxes[~annotation.difficult]
        assert boxes.min() >= 1
        assert boxes.max() <= 160
        low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
        high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
        sides = high - low + 1
        shared = (sides * (sides > 0)).prod(2)
        areas = (boxes[:, 2:] - boxes[:, :2] + 1).prod(1)
        unions = areas[:, None] + areas[None] - shared
        assert (shared / unions)[~np.eye(len(boxes), dtype=bool)].max(initial=0) < 0.35


def test_stripes_run_the_way_their_class_says(drawn: Path) -> None:
    data, checked = dataset(drawn), 0
    for index in range(len(data)):
        annotation, image = data.read(index)
        for box, label, difficult in zip(annotation.boxes, annotation.labels, annotation.difficult, strict=True):
            if difficult or SHAPES[label] not in ("rows", "columns"):
                continue
            x, y = ((box[:2] + box[2:]) / 2).astype(int)
            patch = image[y - 8 : y + 8, x - 8 : x + 8].astype(float).mean(2)
            down, across = np.abs(np.diff(patch, axis=0)).mean(), np.abs(np.diff(patch, axis=1)).mean()
            assert (down > across) == (SHAPES[label] == "rows")
            checked += 1
    assert checked > 30


def test_the_module_draws_and_serves_its_own_classes(tmp_path: Path) -> None:
    data = ShapesDataModule(str(tmp_path), train_pictures=4, test_pictures=3, side=96, size=64, batch_size=2, workers=0)
    data.prepare_data()
    data.setup()
    assert data.classes == SHAPES
    assert [batch["images"].shape for batch in data.train_dataloader()] == [(2, 3, 64, 64)] * 2
    assert sum(len(batch["targets"]) for batch in data.test_dataloader()) == 3


@pytest.mark.parametrize("options", [{"train_pictures": 0}, {"test_pictures": 0}, {"side": 32}, {"seed": -1}])
def test_an_option_out_of_range_is_refused_at_construction(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="must be at least"):
        ShapesDataModule(**options)
