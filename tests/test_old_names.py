"""What had another name before is still read, with a line that says the new one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lightning_app.errors import OptionError
from lightning_app.old_names import renamed_arguments, renamed_config
from lightning_app.records.points import read_points

Dfc = Callable[..., tuple[int, str, str]]
HEAD = "system,network,weights,split,layout,codec,{},qp,images,kbpi,kbpi_std,map,map_area,seed\n"
ROW = "feature,n.cfg,w.ckpt,max_7,tiled,HEVC,10,22,9,1.5,.5,.25,.25,0\n"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_the_depth_is_read_by_its_old_name_from_the_command_line_and_from_a_config(
    dfc: Dfc, tiny: tuple[str, ...]
) -> None:
    channel = ("--model.channel.split", "max_5", "--model.channel.qps", "[37]")
    Path("old.yaml").write_text("model: {channel: {split: max_5, bits: 10, qps: [37]}}\n")
    for old in (["--model.channel.bits", "10"], ["--model.channel.bits=10"], ["-c", "old.yaml"]):
        status, out, err = dfc("test", *tiny, *channel, *old)
        assert status == 0, err
        assert "Split at max_5, 10 bits tiled" in out
        assert err.count("is now called") == 1
    status, out, err = dfc("evaluate", *tiny, "--splits", "[max_5]", "--qps", "[37]", "--bits", "[10,12]")
    assert status == 0, err
    assert "dfc: --bits is now called --depths; the old name is still read" in err
    assert {point.depth for point in read_points(Path("runs/evaluation/points.csv"))} == {"10", "12", ""}


def test_an_old_option_beside_the_new_one_is_refused() -> None:
    sentence = "--model.channel.bits is the old name of --model.channel.depth, and both are given: leave out"
    with pytest.raises(OptionError, match=sentence):
        renamed_arguments(["--model.channel.bits=10", "--model.channel.depth", "12"])


def test_an_option_of_one_command_is_read_by_its_old_name_there(dfc: Dfc) -> None:
    status, _, err = dfc("data", "convert", "nowhere", "-o", "x", "--split", "2")
    assert status == 2
    assert "dfc: --split is now called --train_share; the old name is still read\n" in err
    assert renamed_arguments(["--split", "max_7"], "dfc weights onnx") == ["--split", "max_7"]
    assert renamed_arguments(["--root=data"], "dfc data download") == ["--folder=data"]


def test_a_table_with_the_old_column_is_read_with_a_line_that_says_the_new_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("bits", "depth"):
        (tmp_path / f"{name}.csv").write_text(HEAD.format(name) + ROW)
    assert read_points(tmp_path / "depth.csv") == read_points(tmp_path / "bits.csv")
    assert capsys.readouterr().err == f"{tmp_path}/bits.csv: the column bits is now called depth\n"


def test_only_the_channels_keys_and_the_sweeps_are_renamed() -> None:
    own = {"trainer": {"callbacks": [{"class_path": "a.B", "init_args": {"bits": 8}}]}}
    assert renamed_config(own) == own
    assert renamed_config({"evaluate": {"splits": ["max_7"], "bits": [8]}}) == {
        "evaluate": {"splits": ["max_7"], "depths": [8]}
    }


def test_an_old_name_beside_the_new_one_is_refused() -> None:
    with pytest.raises(OptionError, match="bits is the old name of depth, and the config has both: leave out bits"):
        renamed_config({"model": {"channel": {"depth": 8, "bits": 10}}})
