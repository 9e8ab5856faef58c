"""What ``dfc weights inspect`` says of a file."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

Dfc = Callable[..., tuple[int, str, str]]
Inspected = Callable[..., tuple[list[list[str]], list[str]]]

CFG = """
[net]
width=32
height=32
channels=1
[convolutional]
batch_normalize=1
filters=2
size=1
activation=leaky
[convolutional]
filters=7
size=1
activation=linear
[region]
anchors=1,1
classes=2
num=1
softmax=1
"""
FIRST = [9, 9, 0.5, 2, 9, 9, 0.25, 4, 3, 5]  # biases, scales, means, variances, weights
SECOND = [*[1] * 7, *range(14)]


@pytest.fixture
def inspected(dfc: Dfc, workplace: Path) -> Inspected:
    """Rows and other lines of ``inspect`` on a file of the given floats."""
    Path("net.cfg").write_text(CFG)

    def inspect(values: list[float], header: bytes, name: str = "a.weights") -> tuple[list[list[str]], list[str]]:
        Path(name).write_bytes(header + np.array(values, "<f4").tobytes())
        status, out, err = dfc("weights", "inspect", name, "--network", "net.cfg")
        assert (status, err) == (0, "")
        return table(out)

    return inspect


def table(out: str) -> tuple[list[list[str]], list[str]]:
    lines = out.splitlines()
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if line.startswith("│")]
    return rows, [line.strip() for line in lines if line[0] not in "┏┃┡│├└"]


OLD = struct.pack("<3iI", 0, 1, 0, 32_000)


def test_shapes_and_statistics_are_those_worked_out_by_hand(inspected: Inspected) -> None:
    assert inspected([*FIRST, *SECOND], OLD) == (
        [
            ["conv_0", "2×1×1×1", "10", "4", "1", "3", "5", "scale 0.5 to 2, variance 0.25 to 4", ""],
            # The mean of 0 … 13, and √((14² - 1) / 12).
            ["conv_1", "7×2×1×1", "21", "6.5", "4.03", "0", "13", "–", ""],
            ["In the file", "", "31", "", "", "", "", "", ""],
        ],
        ["a.weights: Darknet 0.1.0, 32,000 pictures seen"],
    )


def test_the_file_is_counted_whole_and_shared_weights_once(dfc: Dfc, workplace: Path) -> None:
    """A ``[batchnorm]`` has values in the file; a convolution with ``share_index`` has none."""
    first = CFG.replace("filters=2\nsize=1", "filters=1\nsize=1", 1)
    before, after = first.split("[convolutional]\nfilters=7")
    own = "[convolutional]\nbatch_normalize=1\nfilters=1\nsize=1\nactivation=leaky\n"
    shared = own.replace("filters=1", "filters=1\nshare_index=-1")
    Path("net.cfg").write_text(f"{before}[batchnorm]\n{own}{shared}[convolutional]\nfilters=7{after}")
    Path("a.weights").write_bytes(OLD + np.ones(5 + 4 + 5 + 14, "<f4").tobytes())
    status, out, err = dfc("weights", "inspect", "a.weights", "--network", "net.cfg")
    assert (status, err) == (0, "")
    rows, _ = table(out)
    assert [row[:3] for row in rows] == [
        ["conv_0", "1×1×1×1", "5"],
        ["conv_2", "1×1×1×1", "5"],
        ["conv_4", "7×1×1×1", "14"],
        ["In the file", "", "28"],
    ]


def test_layers_that_a_short_file_does_not_reach_are_marked(inspected: Inspected) -> None:
    assert inspected(FIRST, struct.pack("<3iQ", 0, 2, 5, 0), "net.conv.1") == (
        [
            ["conv_0", "2×1×1×1", "10", "4", "1", "3", "5", "scale 0.5 to 2, variance 0.25 to 4", ""],
            ["conv_1", "7×2×1×1", "21", "", "", "", "", "", "not in the file"],
            ["In the file", "", "10", "", "", "", "", "", ""],
        ],
        ["net.conv.1: Darknet 0.2.5, 0 pictures seen", "The file ends before conv_1."],
    )


def test_values_that_are_not_finite_are_pointed_out(inspected: Inspected) -> None:
    spoilt = [*FIRST[:6], float("nan"), 4, float("inf"), 5]
    rows, lines = inspected([*spoilt, *SECOND[:-14], *[float("nan")] * 14], OLD)
    assert rows[0] == ["conv_0", "2×1×1×1", "10", "5", "0", "5", "5", "scale 0.5 to 2, variance 4 to 4", "2 not finite"]
    assert rows[1] == ["conv_1", "7×2×1×1", "21", "–", "–", "–", "–", "–", "14 not finite"]
    assert lines[1:] == ["Values that are not finite: 2 in conv_0, 14 in conv_1; the statistics leave them out."]


def test_a_checkpoint_is_inspected_with_the_network_that_it_was_trained_with(dfc: Dfc, inspected: Inspected) -> None:
    rows, _ = inspected([*FIRST, *SECOND], OLD)
    assert dfc("weights", "convert", "a.weights", "run[last].ckpt", "--network", "net.cfg")[0] == 0
    status, out, _ = dfc("weights", "inspect", "run[last].ckpt")
    assert (status, table(out)) == (0, (rows, ["run[last].ckpt: checkpoint, 32,000 pictures seen"]))
    Path("net.cfg").unlink()
    status, _, err = dfc("weights", "inspect", "run[last].ckpt")
    assert (status, err) == (
        2,
        "dfc: run[last].ckpt fills net.cfg, which is not there; give its .cfg as --network\n",
    )
