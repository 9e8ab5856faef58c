"""``dfc evaluate --transforms``: each finds its values and is a curve; weights trained with one are refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lightning_app.checkpoint import TRANSFORM, save_checkpoint
from lightning_app.darknet import Network
from lightning_app.records.differences import read_differences
from lightning_app.records.points import Point, read_points

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers")
Dfc = Callable[..., tuple[int, str, str]]
SHAPES = Path(__file__).parents[2] / "configs/networks/shapes.cfg"
SWEEP = ("--splits", "[max_5]", "--qps", "[22,32]", "--anchor.qps", "[original,22,37]")


def test_weights_that_were_trained_with_a_transform_are_measured_with_no_other(dfc: Dfc, tiny: tuple[str, ...]) -> None:
    path = Path("trained.ckpt")
    save_checkpoint(Network.from_cfg(SHAPES), path, SHAPES)
    given = (*tiny, *SWEEP, "--transforms", "[null,KLT]", "--model.weights", path, "--trainer.limit_test_batches", "0")
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["state_dict"][f"{TRANSFORM}initialised"] = torch.tensor(True)
    torch.save(checkpoint, path)
    status, _, err = dfc("evaluate", *given)
    assert status == 2
    assert (
        "trained.ckpt was trained with a transform, and --transforms would measure it with others: leave the option out"
        " and give that transform as --model.channel.transform, or give weights that were trained without one" in err
    )


def test_transforms_without_a_split_are_a_mistake(dfc: Dfc, tiny: tuple[str, ...]) -> None:
    status, _, err = dfc("evaluate", *tiny, "--transforms", "[KLT]")
    assert status == 2
    assert "the sweep has no split: give --splits, such as [max_7]" in err


@pytest.mark.slow
def test_each_transform_is_measured_as_it_is_by_itself(dfc: Dfc, tiny: tuple[str, ...]) -> None:
    full = json.dumps({"class_path": "KLT", "init_args": {"sensitivity": 1}})
    swept = ("--transforms", f"[null,{full},[KLT,ChannelTruncation]]")
    status, out, err = dfc("evaluate", *tiny, *SWEEP, *swept)
    assert status == 0, err
    names = ["", "KLT(1)", "KLT(0.5) ChannelTruncation(0.75)"]
    points = read_points(Path("runs/evaluation/points.csv"))
    assert [(p.transform, p.qp) for p in points if p.split] == [(name, qp) for name in names for qp in ("22", "32")]
    curves = [" ".join(filter(None, ("max_5", name, "tiled 8-bit HEVC"))) for name in names]
    assert [one.curve for one in read_differences(Path("runs/evaluation/bd.csv"))] == curves
    assert all(f"{curve} against cloud-only HEVC420" in out for curve in curves)
    kinds = {"KLT(1)": full, "": "null"}
    for name, given in kinds.items():
        alone = ("--model.channel.transform", given, "--model.channel.split", "max_5", "--output", f"alone{name}")
        assert dfc("evaluate", *tiny, *SWEEP, *alone)[0] == 0
        found = read_points(Path(f"alone{name}/points.csv"))
        assert _measured(found, name) == _measured(points, name)


def _measured(points: list[Point], transform: str) -> list[tuple[str, float, float]]:
    return [(p.qp, p.kbpi, p.map) for p in points if p.split and p.transform == transform]
