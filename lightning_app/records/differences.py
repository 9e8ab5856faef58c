"""Curves compared with their anchor, as rows of ``bd.csv``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lightning_app.records.rows import read_rows, write_rows
from lightning_app.records.truth import ANNOTATIONS, beside_map

MEANING = """\
A minus means fewer bits at the same mAP, a plus means more. The brackets are 95 % intervals over the pictures.
bd.csv has the other measures too: BD-mAP, and the paper's cubic fits."""
"""What a person must know of the blocks of differences."""


@dataclass(frozen=True)
class Difference:
    """A rate–accuracy curve against its anchor; a row of ``bd.csv``. Rates differ in percent, negative where less.

    Attributes:
        curve: what is compared, as ``Point.curve`` names it.
        split: layer that the network is cut behind, empty for cloud-only.
        weights: path of the weights or checkpoint.
        anchor: what it is compared with.
        bd_kbpi_cubic: BD-KBPI-mAP by cubic fits, the paper's measure, in percent; None where it means nothing.
        bd_kbpi: BD-KBPI-mAP by PCHIP on the monotone envelopes, in percent, or None.
        bd_kbpi_low: lower end of its 95 % interval over resamples of the pictures, in percent, or None.
        bd_kbpi_high: its upper end, or None.
        bd_map: mean difference of mAP over the logarithm of the rate, a fraction, or None.
        bd_map_low: lower end of its 95 % interval, or None.
        bd_map_high: its upper end, or None.
        map_share: range of mAP that both curves have, over which ``bd_kbpi`` is averaged, as a fraction of the wider
            range, or None.
        rate_share: range of log rate that both have, over which ``bd_map`` is averaged, likewise, or None.
        note: sentences that say why a number is missing or to be doubted, empty where nothing is.
        truth: what stood for the true boxes, as ``Point.truth``.
    """

    curve: str
    split: str
    weights: str
    anchor: str
    bd_kbpi_cubic: float | None = None
    bd_kbpi: float | None = None
    bd_kbpi_low: float | None = None
    bd_kbpi_high: float | None = None
    bd_map: float | None = None
    bd_map_low: float | None = None
    bd_map_high: float | None = None
    note: str = ""
    truth: str = ANNOTATIONS
    map_share: float | None = None
    rate_share: float | None = None

    @property
    def block(self) -> str:
        """Two lines for a person, the curve's name and its bits, and one more for a note."""
        number = "–" if self.bd_kbpi is None else f"{self.bd_kbpi:+.2f} %"
        if self.bd_kbpi_low is not None and self.bd_kbpi_high is not None:
            number += f" [{self.bd_kbpi_low:+.2f} to {self.bd_kbpi_high:+.2f}]"
        lines = [f"BD-KBPI-mAP{beside_map(self.truth)} {number}", self.note]
        return "\n  ".join([f"{self.curve} against {self.anchor}:", *filter(None, lines)])


def write_differences(path: Path, differences: Iterable[Difference]) -> None:
    """Write ``bd.csv``, and the folders above it."""
    write_rows(path, Difference, differences)


def read_differences(path: Path) -> list[Difference]:
    """Read a ``bd.csv``; it may hold no row.

    Raises:
        DataError: the file cannot be read or lacks a column.
    """
    return read_rows(path, Difference, "bd.csv that `dfc evaluate` wrote")
