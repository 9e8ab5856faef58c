"""``dfc profile`` end to end, on the demo's network."""

import csv
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from lightning_app.profiling.cuts import Cut
from lightning_app.profiling.tables import worth_showing
from lightning_app.records.points import Point, write_points

Dfc = Callable[..., tuple[int, str, str]]
NET = "configs/networks/shapes.cfg"
POINT = Point("feature", NET, "w", "max_3", "tiled", "HEVC", "8", "lossless", 150, 30.0, 1, 0.75, 0.75, 0)
WHOLE = replace(POINT, system="cloud-only", split="", codec="original", depth="", qp="original", kbpi=60.0)


def rows(path: Path) -> dict[str, dict[str, str]]:
    with path.open(newline="") as file:
        return {row.get("name") or row["split"] or row["system"]: row for row in csv.DictReader(file)}


def test_profile_measures_plans_writes_and_draws(dfc: Dfc, workplace: Path) -> None:
    write_points(workplace / "points.csv", [POINT, WHOLE])
    options = "--uplink 3G --points points.csv --repeats 1 --mobile_watts 5 --radio_watts 1.5 --output out"
    status, out, err = dfc("profile", "--network", NET, *options.split())
    assert status == 0, err
    layers, cuts, latency = (rows(workplace / f"out/{name}.csv") for name in ("layers", "cuts", "latency"))
    assert list(layers)[::10] == ["conv_0", "region_10"]
    assert all(float(layer["milliseconds"]) > 0 for layer in layers.values())
    assert list(cuts) == list(layers)[:9]
    assert list(latency) == ["mobile-only", "cloud-only", *cuts]
    assert latency["max_3"]["kbpi"] == "30.0"
    assert latency["max_3"]["size"] == "8-bit tiled HEVC lossless, mAP 75.00 %"
    assert float(latency["max_1"]["kbpi"]) == 16 * 80 * 80 * 32 / 1000
    assert float(latency["cloud-only"]["uplink_seconds"]) == pytest.approx(60 / 1100)
    for name in ("layers", "latency", "energy"):
        with Image.open(workplace / f"out/{name}.png") as figure:
            assert figure.width > 1400
        assert "<svg" in (workplace / f"out/{name}.svg").read_text()
    *_, fastest, frugal = out.splitlines()
    assert fastest.startswith("Over 3G, 1.1 Mbps, the fastest measured split is ")
    assert frugal.startswith("Over 3G, 1.1 Mbps, the most frugal measured split is ")
    assert " ms; 8-bit tiled HEVC" in fastest or " s; 8-bit tiled HEVC" in fastest
    assert " mobile-only (" in fastest
    assert " cloud-only (" in fastest
    assert "raw float32, not measured" in out
    assert "The layers add up to " in out


def test_without_sizes_cloud_only_is_left_out_and_said_to_be(dfc: Dfc, workplace: Path) -> None:
    status, out, err = dfc("profile", "--network", NET, "--repeats", "1")
    assert status == 0, err
    assert "Cloud-only is left out" in out
    assert "cloud-only" not in rows(workplace / "runs/profile/shapes/latency.csv")
    assert not (workplace / "runs/profile/shapes/energy.png").exists()


def test_the_option_goes_before_the_points_for_the_picture(dfc: Dfc, workplace: Path) -> None:
    write_points(workplace / "points.csv", [POINT, WHOLE])
    options = "--points points.csv --qp lossless --picture_kbpi 710 --repeats 1 --output out --passthrough full"
    status, _, err = dfc("profile", "--network", NET, *options.split())
    assert status == 0, err
    assert rows(workplace / "out/latency.csv")["cloud-only"]["kbpi"] == "710.0"
    assert {row["passthrough"] for row in rows(workplace / "out/cuts.csv").values()} == {"full"}


MISTAKES = {
    "--uplink 5G": "an uplink is 3G, LTE, Wi-Fi, or a rate above 0 such as 5Mbps, 800kbps or 1Mbit/s, not '5G'",
    "--repeats 0": "--repeats must be 1 or more, not 0",
    "--picture_kbpi -1": "--picture_kbpi must be above 0, not -1",
    "--qp 32": "--qp says which of the points are taken: give --points too, or leave it out",
    "--points points.csv --qp 33": "no split was measured at QP 33; the points have lossless",
    "--mobile_watts 3": "energy takes both --mobile_watts and --radio_watts; give the other too, or neither",
    "--mobile_factor 0": "--mobile_factor must be above 0, not 0",
    "--device gpu": "--device gpu is not on this machine; give cpu, or cuda where there is a GPU",
    "--device meta": "--device must be cpu, cuda or cuda:N, not meta",
    "--weights a.weights": "a.weights is not there; give a Darknet .weights or a checkpoint",
    "--output points.csv": "points.csv cannot be written to: File exists; give another --output",
}


@pytest.mark.parametrize("options", MISTAKES)
def test_a_mistake_is_told_in_one_sentence(dfc: Dfc, workplace: Path, options: str) -> None:
    write_points(workplace / "points.csv", [POINT])
    status, _, err = dfc("profile", "--network", NET, "--repeats", "1", *options.split())
    assert (status, err) == (2, f"dfc: {MISTAKES[options]}\n")


def test_help_names_the_options_and_imports_no_torch(dfc: Dfc) -> None:
    script = (
        "import sys; from lightning_app.__main__ import main; sys.argv = ['dfc', 'profile', '--help']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print('torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "False"
    words = " ".join(result.stdout.split())
    assert "factor by which the mobile is slower than this device: 1 if the mobile is this device" in words
    assert "3G (1.1 Mbps), LTE (5.85 Mbps), Wi-Fi (18.88 Mbps)" in words
    assert "dfc profile " in dfc("--help")[1]


def test_a_table_of_many_splits_shows_those_where_less_crosses_than_before() -> None:
    cuts = [Cut(f"conv_{i}", (f"conv_{i}",), (1000 - 10 * (i // 10) + i % 10,), (), ()) for i in range(50)]
    assert worth_showing(cuts, {"conv_7"}) == {"conv_0", "conv_7", "conv_10", "conv_20", "conv_30", "conv_40"}
    assert len(worth_showing(cuts[:40], set())) == 40
