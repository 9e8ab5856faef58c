"""Uplinks by name and by rate."""

import pytest

from lightning_app.errors import OptionError
from lightning_app.profiling.uplink import parse_uplink


@pytest.mark.parametrize(
    ("text", "mbps"),
    [("3G", 1.1), ("LTE", 5.85), ("wi-fi", 18.88), ("WiFi", 18.88), ("5Mbps", 5), ("800 kbps", 0.8), ("1.5Gbps", 1500)],
)
def test_an_uplink_has_a_name_or_a_rate(text: str, mbps: float) -> None:
    assert parse_uplink(text).mbps == pytest.approx(mbps)


def test_a_named_rate_says_where_it_is_from() -> None:
    assert "OpenSignal" in parse_uplink("LTE").source
    assert str(parse_uplink("LTE")) == "LTE, 5.85 Mbps"
    assert str(parse_uplink("800kbps")) == "0.8 Mbps"


def test_kilobits_take_their_time() -> None:
    assert parse_uplink("5Mbps").seconds(710) == pytest.approx(0.142)


@pytest.mark.parametrize("text", ["5G", "5", "0Mbps", "-5Mbps", "5MBps", "fast", "", "1e3kbps"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="an uplink is 3G, LTE, Wi-Fi, or a rate above 0 such as 5Mbps"):
        parse_uplink(text)
