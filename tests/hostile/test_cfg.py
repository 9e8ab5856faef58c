"""Networks' descriptions: changed ones are refused by name or build a network that gives what it says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

NETWORKS = Path(__file__).parents[2] / "configs/networks"
Mutate = Callable[[np.random.Generator, bytes], bytes]
forms = pytest.mark.parametrize(
    "count", [100, pytest.param(2000, marks=[pytest.mark.soak, pytest.mark.slow, pytest.mark.timeout(7200)])]
)


def small(name: str) -> bytes:
    """A shipped network at 64×64, so that it can run."""
    text = (NETWORKS / name).read_text()
    for side in ("width", "height"):
        line = next(line for line in text.splitlines() if line.startswith(f"{side}="))
        text = text.replace(line, f"{side}=64", 1)
    return text.encode()


@forms
def test_a_changed_cfg_is_refused_by_name_or_builds_what_it_says(fuzz: Any, textwise: Mutate, count: int) -> None:
    files = [small(name) for name in ("shapes.cfg", "yolov3-tiny-voc.cfg", "yolo-lite.cfg")]
    outcomes = {report.outcome for report in fuzz.mutated("cfg", files, "net.cfg", count, textwise)}
    assert outcomes == {"fine", "refused"}


NET = "[net]\nwidth=64\nheight=64\n"
CONV = "[convolutional]\nfilters=7\nactivation=linear\n"
REGION = "[region]\nanchors=1,1\nclasses=2\nnum=1\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (NET.replace("64", "2147483648") + CONV + REGION, "height must be an integer, of nine digits at most, not"),
        (NET.replace("64", "99999") + CONV + REGION, "would make 3×99999×99999 samples, more than"),
        (NET + CONV.replace("7", "200000000") + REGION, "brings the network to 600,000,000 weights, more than"),
        (NET + (CONV + "size=3000\npad=1\n") + REGION, "brings the network to 189,000,000 weights"),
        (NET + CONV + "padding=100000\n" + REGION, "would make 3×200064×200064 samples"),
        (NET + CONV + "size=3\npad=1\ndilation=100000\n" + REGION, "would make 3×200064×200064 samples"),
        (NET + CONV + "[local_avgpool]\nsize=100001\nstride=1\n" + REGION, "would make 7×100064×100064 samples"),
        (NET + CONV + "[maxpool]\nsize=100001\nstride=1\n" + REGION, "would make 7×100064×100064 samples"),
        (NET + CONV + "[upsample]\nstride=100000\n" + REGION, "would make 7×6400000×6400000 samples"),
        (NET + CONV + REGION.replace("1,1", "1,nan"), "anchors must be a number, not 'nan'"),
        (NET + CONV + REGION.replace("1,1", "1,1e999"), "anchors must be a number, not '1e999'"),
        (NET + CONV.replace("7", "0_7") + REGION, "filters must be an integer, of nine digits at most, not '0_7'"),
        (NET + CONV + REGION + "thresh=inf\n", "thresh must be a number, not 'inf'"),
        (NET + CONV + REGION + "tree=../../secret\n", "tree=../../secret leaves the folder of the .cfg"),
        (NET + CONV + REGION + "tree=/etc/passwd\n", "tree=/etc/passwd leaves the folder of the .cfg"),
    ],
)
def test_what_a_cfg_may_not_claim_is_said(fuzz: Any, text: str, sentence: str) -> None:
    report = fuzz.open("cfg", text.encode(), "net.cfg")
    assert report.outcome == "refused"
    assert sentence in report.said
    assert "net.cfg" in report.said


@pytest.mark.soak
@pytest.mark.slow
def test_a_network_of_the_most_weights_takes_less_than_a_gigabyte(fuzz: Any) -> None:
    text = NET + CONV.replace("7", "1100") + (CONV.replace("7", "10000") + "size=3\n") + CONV + REGION
    report = fuzz.open("cfg", text.encode(), "net.cfg")
    assert report.outcome == "fine", report.said
