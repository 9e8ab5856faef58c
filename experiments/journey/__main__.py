"""``python -m experiments.journey``: one picture from the phone to the cloud, each stage as a small picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from experiments.journey.pictures import error, samples, small, with_boxes
from experiments.journey.stages import FLOAT, Row, original_size, read_network, stages
from lightning_app.channel import QPOption
from lightning_app.data.annotation import VOC_CLASSES
from lightning_app.records.rows import write_rows

QPS: list[QPOption] = ["lossless", 22, 32, 37, 42, 47]
SHOWN = ("32", "42")
"""QPs whose tiles and boxes are drawn."""


def main() -> None:
    """Write the pictures and ``journey.csv``."""
    parser = argparse.ArgumentParser(prog="python -m experiments.journey", description=__doc__)
    parser.add_argument("--picture", type=Path, required=True, help="any picture")
    parser.add_argument("--network", type=Path, default=Path("configs/networks/yolo-lite.cfg"), help="of VOC's classes")
    parser.add_argument("--weights", type=Path, required=True, help="of the network: .weights or .ckpt")
    parser.add_argument("--split", default="max_5", help="layer behind which one tensor crosses")
    parser.add_argument("--results", type=Path, default=Path("results/journey"), help="folder of pictures and table")
    options = parser.parse_args()
    network = read_network(options.network, options.weights)
    _, (whole,) = stages(network, options.picture, options.split, ["lossless"], FLOAT)
    before, coded = stages(network, options.picture, options.split, QPS)
    folder: Path = options.results
    folder.mkdir(parents=True, exist_ok=True)
    small(options.picture)[0].save(folder / "picture.jpg", quality=80)
    with_boxes(options.picture, whole.found, VOC_CLASSES).save(folder / "boxes-uncoded.jpg", quality=80)
    samples(before).save(folder / "samples.png", optimize=True)
    for stage in coded:
        if stage.row.qp in SHOWN:
            samples(stage.samples).save(folder / f"samples-{stage.row.qp}.png", optimize=True)
            error(before, stage.samples).save(folder / f"error-{stage.row.qp}.png", optimize=True)
            with_boxes(options.picture, stage.found, VOC_CLASSES).save(folder / f"boxes-{stage.row.qp}.jpg", quality=80)
    write_rows(folder / "journey.csv", Row, [whole.row, *(stage.row for stage in coded)])
    width, height, size = original_size(options.picture)
    print(f"{options.picture.name}: {width}×{height} pixels, {size} bytes; written to {folder}")  # noqa: T201


if __name__ == "__main__":
    main()
