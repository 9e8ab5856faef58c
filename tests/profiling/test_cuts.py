"""What crosses behind each layer, and who runs what."""

import csv
from pathlib import Path

from lightning_app.darknet import Network
from lightning_app.profiling.cuts import computed_layers, cuts_of, write_cuts


def test_the_passthrough_of_yolov2_crosses_behind_max_17(yolov2: Network) -> None:
    reduced = {cut.split: cut for cut in cuts_of(yolov2, "reduced")}["max_17"]
    full = {cut.split: cut for cut in cuts_of(yolov2, "full")}["max_17"]
    assert (reduced.crosses, reduced.samples, reduced.volume) == ("max_17 + reorg_27", (86_528, 43_264), 129_792)
    assert (full.crosses, full.samples) == ("max_17 + conv_16", (86_528, 346_112))
    assert {25, 26, 27} <= set(reduced.mobile)
    assert {25, 26, 27} <= set(full.cloud)


def test_each_layer_runs_on_one_side(yolov2: Network) -> None:
    for cut in cuts_of(yolov2, "reduced"):
        assert sorted(cut.mobile + cut.cloud) == list(computed_layers(yolov2)) == list(range(32))


def test_no_cut_is_behind_a_layer_that_hands_on_its_input_or_that_leaves_the_cloud_nothing(yolov2: Network) -> None:
    names = [node.name for node in yolov2.nodes if node.name not in ("route_25", "conv_30", "region_31")]
    assert [cut.split for cut in cuts_of(yolov2, "reduced")] == names


def test_cuts_are_written_one_a_row(yolov2: Network, tmp_path: Path) -> None:
    write_cuts(tmp_path / "run/cuts.csv", cuts_of(yolov2, "reduced"), "reduced")
    with (tmp_path / "run/cuts.csv").open(newline="") as file:
        rows = {row["split"]: row for row in csv.DictReader(file)}
    assert len(rows) == 29
    assert rows["max_17"] == {
        "split": "max_17",
        "passthrough": "reduced",
        "crossing": "max_17 reorg_27",
        "crossing_samples": "86528 43264",
        "samples": "129792",
        "mobile_layers": "21",
        "cloud_layers": "11",
    }
