"""What layers give and cost, counted."""

from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from lightning_app.darknet import Network
from lightning_app.profiling.layers import layer_macs, layer_rows

NETWORKS = Path(__file__).parents[2] / "configs/networks"
GROUPED = """[net]
height=16
width=24
channels=3
[convolutional]
filters=8
size=3
stride=2
pad=1
[convolutional]
filters=12
size=3
pad=1
groups=4
[convolutional]
filters=7
size=1
[region]
anchors=1,1
num=1
classes=2
"""


def test_macs_of_yolov2_are_those_of_darknet(yolov2: Network) -> None:
    rows = {row.name: row for row in layer_rows(yolov2, [1.0] * 32)}
    assert round(sum(row.macs for row in rows.values()) / 1e9, 2) == 14.68
    assert round(rows["max_11"].cumulative_macs, 3) == 0.294
    assert round(rows["max_17"].cumulative_macs, 3) == 0.469
    assert rows["region_31"].cumulative_macs == 1
    assert rows["reorg_27"].macs == rows["max_1"].macs == 0


def test_volumes_of_yolov2_are_those_of_the_paper(yolov2: Network) -> None:
    rows = {row.name: row for row in layer_rows(yolov2, [1.0] * 32)}
    volumes = [rows[name].samples for name in ("max_3", "max_7", "max_11", "max_17", "reorg_27")]
    assert volumes == [692_224, 346_112, 173_056, 86_528, 43_264]
    assert (rows["max_7"].channels, rows["max_7"].rows, rows["max_7"].columns) == (128, 52, 52)


@pytest.mark.parametrize("name", ["yolo-lite.cfg", "grouped.cfg"])
def test_macs_are_half_of_what_torch_counts_as_flops(name: str, tmp_path: Path) -> None:
    (tmp_path / "grouped.cfg").write_text(GROUPED)
    network = Network.from_cfg((tmp_path if name == "grouped.cfg" else NETWORKS) / name).eval()
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.rand(1, 3, *network.size))
    assert 2 * sum(layer_macs(network)) == counter.get_total_flops() > 0


def test_times_are_milliseconds_and_their_cumulative_fraction(yolov2: Network) -> None:
    seconds = [0.003, 0.001] + [0.0] * 30
    rows = layer_rows(yolov2, seconds, "a GPU", "abc")
    assert [row.milliseconds for row in rows[:3]] == [3, 1, 0]
    assert [row.cumulative_time for row in rows[:3]] == [0.75, 1, 1]
    assert {(row.device, row.commit) for row in rows} == {("a GPU", "abc")}
