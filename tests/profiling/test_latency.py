"""Latency and energy, worked by hand."""

import pytest

from lightning_app.errors import OptionError
from lightning_app.profiling.conclusion import ENERGY, LATENCY, best_plan, best_split, conclusion
from lightning_app.profiling.cuts import Cut
from lightning_app.profiling.latency import Plan, Setting, plans_of
from lightning_app.profiling.sizes import Size
from lightning_app.profiling.uplink import parse_uplink

SECONDS = [0.01, 0.03, 0.06, 7.0]
"""The last layer is one that no output depends on."""
CUTS = [
    Cut("a_0", ("a_0",), (500,), (0,), (1, 2)),
    Cut("b_1", ("b_1", "a_0"), (600, 400), (0, 1), (2,)),
]
SIZES = {"a_0": Size(100, "measured", measured=True)}
PICTURE = Size(710, "original", measured=True)
SETTING = Setting(parse_uplink("5Mbps"), mobile_factor=10, cloud_factor=2)


def plans(setting: Setting = SETTING, picture: Size | None = PICTURE) -> dict[str, Plan]:
    pictures = {"cloud-only": picture} if picture else {}
    return {plan.name: plan for plan in plans_of(CUTS, SECONDS, (0, 1, 2), SIZES, pictures, setting)}


def parts(plan: Plan) -> list[float]:
    return [round(x, 9) for x in (plan.mobile_seconds, plan.uplink_seconds, plan.cloud_seconds, plan.seconds)]


def test_latency_is_the_mobiles_the_uplinks_and_the_clouds_time() -> None:
    assert list(plans()) == ["mobile-only", "cloud-only", "a_0", "b_1"]
    assert parts(plans()["mobile-only"]) == [1.0, 0, 0, 1.0]  # 10 · 0.1 s
    assert parts(plans()["cloud-only"]) == [0, 0.142, 0.2, 0.342]  # 710 kbit at 5 Mbps, 2 · 0.1 s
    assert parts(plans()["a_0"]) == [0.1, 0.02, 0.18, 0.3]  # 100 kbit; 10 · 0.01 s; 2 · 0.09 s


def test_a_split_without_a_measured_rate_sends_float32_and_is_marked() -> None:
    plan = plans()["b_1"]
    assert (plan.kbpi, plan.measured, plan.size) == (32, False, "raw float32, not measured")  # 1000 samples
    assert parts(plan) == [0.4, 0.0064, 0.12, 0.5264]


def test_energy_is_the_mobiles_computing_and_sending() -> None:
    found = plans(Setting(parse_uplink("5Mbps"), 10, 2, mobile_watts=5, radio_watts=2))
    assert found["mobile-only"].joules == pytest.approx(5)
    assert found["cloud-only"].joules == pytest.approx(0.284)  # 2 W · 0.142 s
    split = found["a_0"]
    assert (split.mobile_joules, split.radio_joules, split.joules) == pytest.approx((0.5, 0.04, 0.54))


def test_without_watts_there_is_no_energy() -> None:
    assert {plan.joules for plan in plans().values()} == {None}


def test_cloud_only_is_left_out_where_the_pictures_size_is_not_known() -> None:
    assert list(plans(picture=None)) == ["mobile-only", "a_0", "b_1"]


def test_the_best_is_the_least_of_all_and_of_the_splits() -> None:
    found = list(plans(Setting(parse_uplink("5Mbps"), 10, 2, 5, 2)).values())
    assert [best_plan(found, LATENCY).name, best_split(found, LATENCY).name] == ["a_0", "a_0"]
    assert [best_plan(found, ENERGY).name, best_split(found, ENERGY).name] == ["cloud-only", "a_0"]


def test_the_conclusion_compares_the_best_split_with_both_ends() -> None:
    assert conclusion(list(plans().values()), LATENCY, SETTING.uplink) == (
        "Over 5 Mbps, the fastest measured split is a_0 (300 ms; measured): 70.0 % less than mobile-only (1 s) and "
        "12.3 % less than cloud-only (342 ms). No bits were measured at 1 other split(s)."
    )


def test_a_split_whose_bits_nobody_measured_does_not_win_over_one_that_was_measured() -> None:
    sizes = {"b_1": Size(9000, "measured", measured=True)}
    found = list(plans_of(CUTS, SECONDS, (0, 1, 2), sizes, {"cloud-only": PICTURE}, SETTING))
    assert best_plan([plan for plan in found if plan.system == "split"], LATENCY).name == "a_0"
    assert best_split(found, LATENCY).name == "b_1"


def test_the_conclusion_says_where_no_split_is_best_and_where_the_split_was_not_measured() -> None:
    uplink = parse_uplink("LTE")
    found = plans_of(CUTS[1:], SECONDS, (0, 1, 2), {}, {"cloud-only": PICTURE}, Setting(uplink, 10, 0.1))
    assert conclusion(found, LATENCY, uplink) == (
        "Over LTE, 5.85 Mbps, the fastest split is b_1 (411 ms, raw float32, which no codec was measured at): "
        "58.9 % less than mobile-only (1 s) and 3.1 times cloud-only (131 ms); cloud-only is the fastest of all."
    )


def test_a_split_is_compared_with_the_coded_picture_too() -> None:
    uplink = parse_uplink("5Mbps")
    pictures = {"cloud-only": PICTURE, "cloud-only HEVC420": Size(50, "HEVC420 qp32", measured=True)}
    found = plans_of(CUTS, SECONDS, (0, 1, 2), SIZES, pictures, Setting(uplink, 10, 2))
    assert [plan.name for plan in found] == ["mobile-only", "cloud-only", "cloud-only HEVC420", "a_0", "b_1"]
    assert parts(found[2]) == [0, 0.01, 0.2, 0.21]
    assert conclusion(found, LATENCY, uplink).endswith(
        "and 42.9 % more than cloud-only HEVC420 (210 ms); cloud-only HEVC420 is the fastest of all. "
        "No bits were measured at 1 other split(s)."
    )


@pytest.mark.parametrize("name", ["mobile_factor", "cloud_factor", "mobile_watts", "radio_watts"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_factor_or_power_is_above_0(name: str, value: float) -> None:
    options = {"mobile_watts": 1.0, "radio_watts": 1.0, name: value}
    with pytest.raises(OptionError, match=f"--{name} must be above 0, not {value:g}"):
        Setting(parse_uplink("LTE"), **options)


def test_one_power_alone_is_refused() -> None:
    with pytest.raises(OptionError, match="energy takes both --mobile_watts and --radio_watts"):
        Setting(parse_uplink("LTE"), mobile_watts=2)
