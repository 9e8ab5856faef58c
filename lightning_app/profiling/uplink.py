"""The uplink from the mobile to the cloud: a network by name, or its rate."""

from __future__ import annotations

import re
from typing import NamedTuple

from lightning_app.errors import OptionError


class Uplink(NamedTuple):
    """What features or pictures are sent over.

    Attributes:
        name: as it was asked for.
        mbps: its rate, in megabits (10⁶ bits) a second.
        source: where the rate is from.
    """

    name: str
    mbps: float
    source: str

    def seconds(self, kbpi: float) -> float:
        """How long the kilobits of one image are on the way."""
        return kbpi / (1000 * self.mbps)

    def __str__(self) -> str:
        rate = f"{self.mbps:g} Mbps"
        return f"{self.name}, {rate}" if self.name else rate


MEANS = (
    "mean uplink rate in the USA by OpenSignal, State of Mobile Networks, August 2017; as in Hu et al., Dynamic "
    "adaptive DNN surgery for inference acceleration on the edge, INFOCOM 2019, Table I"
)
NAMED = (Uplink("3G", 1.1, MEANS), Uplink("LTE", 5.85, MEANS), Uplink("Wi-Fi", 18.88, MEANS))
"""Rates that later work compares with Neurosurgeon [3] at; Neurosurgeon itself states times of an upload, not rates."""

RATE = re.compile(r"(\d+\.?\d*|\.\d+) ?([kMG])(?:bps|bit/s|b/s)")
MEGABITS = {"k": 1e-3, "M": 1.0, "G": 1e3}


def parse_uplink(text: str) -> Uplink:
    """An uplink from its name or its rate.

    >>> parse_uplink("lte").mbps
    5.85
    >>> parse_uplink("800kbps").mbps
    0.8
    >>> parse_uplink("1 Mbit/s").mbps
    1.0

    Raises:
        OptionError: it is neither.
    """
    for uplink in NAMED:
        if text.lower().replace("wifi", "wi-fi") == uplink.name.lower():
            return uplink
    found = RATE.fullmatch(text.strip())
    if not found or float(found[1]) == 0:
        names = ", ".join(uplink.name for uplink in NAMED)
        raise OptionError(f"an uplink is {names}, or a rate above 0 such as 5Mbps, 800kbps or 1Mbit/s, not {text!r}")
    return Uplink("", float(found[1]) * MEGABITS[found[2]], "given")
