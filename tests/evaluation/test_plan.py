"""Which combinations a sweep has, and which values are mistakes."""

from pathlib import Path

import pytest

from lightning_app.channel import FeatureChannel
from lightning_app.codecs import HEVC
from lightning_app.darknet import Network
from lightning_app.errors import OptionError
from lightning_app.evaluation.plan import Sweep, plan
from lightning_app.transforms import KLT, Bottleneck, Chain, ChannelTruncation

SHAPES = Path(__file__).parents[2] / "configs/networks/shapes.cfg"


@pytest.fixture(scope="module")
def network() -> Network:
    return Network.from_cfg(SHAPES)


def test_every_combination_is_a_system_at_all_its_qps(network: Network) -> None:
    sweep = Sweep(["max_3", "max_5"], [8, 10], ["tiled", "frames/2"], ["HEVC", "HEVC/best"], qps=["lossless", 32])
    systems, left_out = plan(network, sweep, None)
    assert left_out == []
    assert len({tuple(s.columns(None).values()) for s in systems}) == 16
    assert {s.channel.wire.codec.depth for s in systems if s.channel.wire.depth == 10} == {10}
    assert {s.channel.wire.group for s in systems if s.channel.wire.layout == "frames"} == {2}
    assert all(list(s.qps) == ["lossless", "qp32"] for s in systems)


def test_what_a_codec_cannot_do_is_left_out_and_said(network: Network) -> None:
    sweep = Sweep(["max_3"], [8, 12], ["tiled"], ["HEVC", "PNG", "JPEG"], qps=["lossless", 22, 22])
    systems, left_out = plan(network, sweep, None)
    assert [(s.channel.wire.depth, str(s.channel.wire.codec), list(s.qps)) for s in systems] == [
        (8, "HEVC", ["lossless", "qp22"]),
        (8, "PNG", ["lossless"]),
        (8, "JPEG", ["qp22"]),
        (12, "HEVC", ["lossless", "qp22"]),
        (12, "PNG", ["lossless"]),
    ]
    assert left_out[0].startswith("max_3 tiled 8 PNG 22 is left out: PNG")
    assert left_out[-1].startswith("max_3 tiled 12 JPEG is left out: JPEG takes 8 bits per sample, not 12")
    assert len(left_out) == 4


@pytest.mark.parametrize(
    ("sweep", "sentence"),
    [
        (Sweep(["max_3", "max_8"]), "no layer is named 'max_8'"),
        (Sweep(["max_3"], depths=[8, 9]), "depth must be 8, 10 or 12, not 9"),
        (Sweep(["max_3"], codecs=["HEVC", "H264"]), "no codec is named H264: take one of HEVC, PNG"),
        (Sweep(["max_3"], codecs=["HEVC/bst"]), "settings must be paper, best, faster or fastest, not bst"),
        (Sweep(["max_3"], codecs=["HEVC/best/intra/x"]), "no codec is named HEVC/best/intra/x"),
        (Sweep(["max_3"], layouts=["tiled/2"]), "a layout is tiled, quilted, frames, or frames/8"),
        (Sweep(["max_3"], layouts=["frames/7"]), "group=7 must divide the 32 channels"),
        (Sweep(["max_3"], qps=[22, 60]), "QP must be lossless or 0 to 51, not 60"),
        (
            Sweep(["max_3"], scalings=["clip/x"]),
            "a scaling is minmax, zscore, clip, or clip/4 for 4 levels, not",
        ),
        (Sweep(["max_3"], scalings=["minmax", "clip/1"]), "levels must be 2 to 256 at 8 bits, not 1"),
        (Sweep(["max_3"], codecs=["PNG"], qps=["lossless", 30]), "PNG"),
        (
            Sweep(["max_3"], transforms=[None, Bottleneck(33)]),
            "would send more channels than the 32 of max_3",
        ),
        (Sweep(["max_3"], transforms=[]), "--transforms is empty: give at least one value, or leave it out"),
        (Sweep(["max_3"], qps=[]), "--qps is empty"),
        (
            Sweep(["max_3"], transforms=[Bottleneck(8), Bottleneck(8, sensitivity=1)]),
            r"two transforms with other settings would both be called Bottleneck\(8/1/1\)",
        ),
    ],
)
def test_a_value_that_fits_no_combination_is_a_mistake(network: Network, sweep: Sweep, sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        plan(network, sweep, None)


def test_no_splits_leave_the_cloud_only_way(network: Network) -> None:
    assert plan(network, Sweep(), None) == ([], [])


def test_a_channel_says_what_the_sweep_does_not(network: Network) -> None:
    codec = HEVC(settings="best", prediction="inter")
    base = FeatureChannel("max_5", qps=[22], eval_qps=[37], passthrough="full", layout="frames", group=4, codec=codec)
    ((system,), _) = plan(network, Sweep.of(base), base)
    wire = system.channel.wire
    assert (wire.split, wire.layout, wire.group, system.channel.qps) == ("max_5", "frames", 4, (37,))
    assert wire.codec is codec
    assert wire.passthrough == "full"


def test_the_same_combination_under_two_names_is_one_system(network: Network) -> None:
    sweep = Sweep(["max_3", "max_3"], layouts=["frames", "frames/1"], codecs=["HEVC", "HEVC/paper"], qps=[22, 22])
    systems, left_out = plan(network, sweep, None)
    assert (len(systems), left_out) == (1, [])


def test_each_transform_is_an_axis_and_has_values_of_its_own_at_each_split(network: Network) -> None:
    transforms = [None, KLT(), Chain([KLT(), ChannelTruncation()]), KLT(0.5)]
    sweep = Sweep(["max_3", "max_5"], depths=[8, 10], qps=["lossless"], transforms=transforms)
    systems, left_out = plan(network, sweep, None)
    assert left_out == []
    named: dict[tuple[str, str], set[int]] = {}
    for system in systems:
        columns = system.columns(None)
        named.setdefault((columns["split"], columns["transform"]), set()).add(id(system.channel.transform))
    of_one = ["", "KLT(0.5)", "KLT(0.5) ChannelTruncation(0.75)"]
    assert list(named) == [(split, name) for split in ("max_3", "max_5") for name in of_one]
    assert len(systems) == 12
    assert all(len(some) == 1 for some in named.values())  # both depths share the values
    assert len({one for (_, name), some in named.items() if name for one in some}) == 4  # which no split shares
    assert transforms[1] is not None
    assert transforms[1].shapes is None  # what was given is not touched


def test_the_transform_that_came_with_the_weights_is_not_copied(network: Network) -> None:
    base = FeatureChannel("max_5", transform=KLT())
    ((system,), _) = plan(network, Sweep.of(base), base)
    assert system.channel.transform is base.transform


def test_a_depth_is_not_taken_for_a_qp(network: Network) -> None:
    sweep = Sweep(["max_3"], depths=[8, 10], codecs=["JPEG"], qps=[10, 90])
    with pytest.raises(OptionError, match="JPEG takes 8 bits per sample, not 10"):
        plan(network, sweep, None)
