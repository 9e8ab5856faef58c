"""How long one picture takes from the camera to the boxes, and what it costs the mobile, after Neurosurgeon [3].

Mobile-only runs everything on the mobile, cloud-only sends the picture, a split sends the features. Neither the codec's
time, nor the way of the boxes back, nor the mobile's power while it waits is known here, and none is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lightning_app.errors import OptionError
from lightning_app.profiling.cuts import Cut
from lightning_app.profiling.sizes import Size, raw_size
from lightning_app.profiling.uplink import Uplink


@dataclass(frozen=True)
class Setting:
    """What is assumed of the mobile, the uplink and the cloud.

    Args:
        uplink: between the two.
        mobile_factor: the mobile's time over the measured one, above 0.
        cloud_factor: the cloud's time over the measured one, above 0.
        mobile_watts: that the mobile draws while it computes; None where not known.
        radio_watts: that its radio draws while it sends; None where not known.
    """

    uplink: Uplink
    mobile_factor: float = 10
    cloud_factor: float = 1
    mobile_watts: float | None = None
    radio_watts: float | None = None

    def __post_init__(self) -> None:
        for name in ("mobile_factor", "cloud_factor", "mobile_watts", "radio_watts"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise OptionError(f"--{name} must be above 0, not {value:g}")
        if (self.mobile_watts is None) != (self.radio_watts is None):
            raise OptionError("energy takes both --mobile_watts and --radio_watts; give the other too, or neither")


@dataclass(frozen=True)
class Plan:
    """One way to run the network on one picture; a row of ``latency.csv``.

    Attributes:
        system: ``mobile-only``, ``cloud-only``, ``cloud-only HEVC420`` or ``split``.
        split: layer that the network is cut behind, empty but for a split.
        kbpi: kilobits that the uplink carries, 0 for mobile-only.
        size: where ``kbpi`` is from.
        measured: whether ``kbpi`` was measured.
        mobile_seconds: that the mobile computes.
        uplink_seconds: that the uplink carries.
        cloud_seconds: that the cloud computes.
        seconds: of all three.
        mobile_joules: that the mobile computes with, or None.
        radio_joules: that the mobile sends with, or None.
        joules: of both, or None.
        uplink_mbps: rate of the uplink, megabits a second.
        mobile_factor: the mobile's time over the measured one.
        cloud_factor: the cloud's time over the measured one.
    """

    system: str
    split: str
    kbpi: float
    size: str
    measured: bool
    mobile_seconds: float
    uplink_seconds: float
    cloud_seconds: float
    seconds: float
    mobile_joules: float | None
    radio_joules: float | None
    joules: float | None
    uplink_mbps: float
    mobile_factor: float
    cloud_factor: float

    @property
    def name(self) -> str:
        """``max_7``, or of what is no split the system."""
        return self.split or self.system


def plans_of(
    cuts: Iterable[Cut],
    seconds: Sequence[float],
    computed: Iterable[int],
    sizes: Mapping[str, Size],
    pictures: Mapping[str, Size],
    setting: Setting,
) -> list[Plan]:
    """Mobile-only, cloud-only where the picture's size is known, then every split in the order of the layers.

    Args:
        cuts: of the splits.
        seconds: measured, of each layer.
        computed: indices of the layers that the outputs depend on.
        sizes: of the splits that were measured; the others send float32.
        pictures: what cloud-only sends, by the name of the system; none where it is not known.
        setting: of mobile, uplink and cloud.
    """
    whole = sum(seconds[index] for index in computed)
    plans = [_plan("mobile-only", "", Size(0, "nothing is sent", measured=True), whole, 0, setting)]
    plans += [_plan(system, "", picture, 0, whole, setting) for system, picture in pictures.items()]
    for cut in cuts:
        mobile, cloud = (sum(seconds[index] for index in side) for side in (cut.mobile, cut.cloud))
        size = sizes.get(cut.split) or raw_size(cut.volume)
        plans.append(_plan("split", cut.split, size, mobile, cloud, setting))
    return plans


def _plan(system: str, split: str, size: Size, mobile: float, cloud: float, setting: Setting) -> Plan:
    """``mobile`` and ``cloud`` are measured seconds, before their factors."""
    mobile, cloud = setting.mobile_factor * mobile, setting.cloud_factor * cloud
    uplink = setting.uplink.seconds(size.kbpi)
    computing = sending = joules = None
    if setting.mobile_watts is not None and setting.radio_watts is not None:
        computing, sending = setting.mobile_watts * mobile, setting.radio_watts * uplink
        joules = computing + sending
    return Plan(
        system=system,
        split=split,
        kbpi=size.kbpi,
        size=size.source,
        measured=size.measured,
        mobile_seconds=mobile,
        uplink_seconds=uplink,
        cloud_seconds=cloud,
        seconds=mobile + uplink + cloud,
        mobile_joules=computing,
        radio_joules=sending,
        joules=joules,
        uplink_mbps=setting.uplink.mbps,
        mobile_factor=setting.mobile_factor,
        cloud_factor=setting.cloud_factor,
    )


def latency(plan: Plan) -> float:
    """Seconds from end to end."""
    return plan.seconds


def energy(plan: Plan) -> float:
    """Joules of the mobile; the watts must have been given."""
    assert plan.joules is not None
    return plan.joules
