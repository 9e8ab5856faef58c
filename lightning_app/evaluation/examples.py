"""The pictures of a report: kept from the very pass that is measured, so that nothing is coded or computed for them."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image

from lightning_app.detections import in_pixels
from lightning_app.evaluation.judge import Judgement
from lightning_app.evaluation.links import Delivery, FeatureLink, Link, Photo, PictureLink
from lightning_app.records.examples import Box, Example, Examples, Shown, Tiles
from lightning_app.records.points import Point
from lightning_app.systems import CloudOnly, Collaborative
from lightning_app.tile_pictures import Grey, ends, flat, in_range

PICTURES = 4
"""The first so many pictures of the test set are shown."""
CUTS, QPS = 2, 8
"""The first so many curves of features, and the first so many points of each curve, are shown."""
SIDE = 320
"""Pixels of the longer side of a picture, at most."""
SCORE = 0.3
"""A box is shown if its score is above it."""
BOXES = 20
"""Boxes that are shown in one picture, at most."""
QUALITY = {"RGB": 75, "L": 80}
"""Of the JPEGs, by the mode of the picture."""


class Collector:
    """Keeps the first pictures of the test set, each on the rank that measures it.

    Several threads add at once, each another picture.

    Args:
        classes: names of the classes.
        links: all of the evaluation, in the order in which they are measured.
    """

    def __init__(self, classes: Sequence[str], links: Sequence[Link]) -> None:
        self.classes = classes
        self.labels = _chosen(links)
        self.pictures: dict[int, Example] = {}
        self.tiles: dict[str, Tiles] = {}

    def begin(self, photos: Sequence[Photo]) -> None:
        """Take the first pictures of the set out of a batch, with their true boxes."""
        for photo in photos:
            target = photo.target
            if target["index"] < PICTURES:
                height, width = target["size"]
                edges, labels = target["voc_boxes"].tolist(), target["labels"].tolist()
                truths = [Box(tuple(box), self.classes[label]) for box, label in zip(edges, labels, strict=True)]
                picture = jpeg(photo.original)
                self.pictures[target["index"]] = Example(target["id"], target["index"], width, height, picture, truths)

    def add_uncoded(self, photo: Photo, judgement: Judgement) -> None:
        """What is found in the file as it is."""
        self._add(photo, judgement, "cloud-only original", "original")

    def add(self, link: Link, photo: Photo, delivery: Delivery, judgement: Judgement) -> None:
        """What is found behind a link, and what was sent over it."""
        if link not in self.labels or photo.target["index"] not in self.pictures:
            return
        curve, qp = self.labels[link]
        if isinstance(link, PictureLink):
            self._add(photo, judgement, curve, qp, jpeg(np.asarray(delivery.pictures[0], np.uint8)))
            return
        self._add(photo, judgement, curve, qp)
        if photo.target["index"] == 0:
            self._add_tiles(link, photo, delivery)

    def _add(self, photo: Photo, judgement: Judgement, curve: str, qp: str, picture: bytes = b"") -> None:
        example = self.pictures.get(photo.target["index"])
        if example is not None:
            example.shown.append(Shown(curve, qp, judgement.bits, self._boxes(photo, judgement), picture))

    def _boxes(self, photo: Photo, judgement: Judgement) -> list[Box]:
        found = in_pixels(judgement.found, photo.target)
        columns = (found[name].tolist() for name in ("boxes", "labels", "scores"))
        boxes = [Box(tuple(edges), self.classes[k], score) for edges, k, score in zip(*columns, strict=True)]
        sure = [box for box in boxes if box.score is not None and box.score > SCORE]
        return sorted(sure, key=lambda box: -(box.score or 0))[:BOXES]

    def _add_tiles(self, link: FeatureLink, photo: Photo, delivery: Delivery) -> None:
        """The tensor of the split, or the first one that is sent."""
        curve, qp = self.labels[link]
        inputs = photo.codec_inputs(link.system)
        names = [one.name for one in inputs]
        which = names.index(link.channel.wire.split) if link.channel.wire.split in names else 0
        before = flat(inputs[which].picture)
        low, high = ends(before)
        if curve not in self.tiles:
            self.tiles[curve] = Tiles(photo.target["id"], curve, names[which], jpeg(in_range(before, low, high)))
        self.tiles[curve].after[qp] = jpeg(in_range(flat(delivery.pictures[which]), low, high))

    def mine(self) -> Examples:
        """Those of this rank."""
        return Examples(list(self.pictures.values()), list(self.tiles.values()))


def joined(parts: Sequence[Examples]) -> Examples:
    """The examples of all ranks, in the order of the set."""
    pictures = {one.index: one for part in parts for one in part.pictures}
    tiles = {one.curve: one for part in parts for one in part.tiles}
    return Examples([pictures[index] for index in sorted(pictures)], list(tiles.values()))


def jpeg(picture: Grey) -> bytes:
    """A picture (H, W) or (H, W, 3), made smaller where it is larger than `SIDE`."""
    image = Image.fromarray(picture)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    data = BytesIO()
    image.save(data, "JPEG", quality=QUALITY[image.mode], optimize=True)
    return data.getvalue()


def _chosen(links: Sequence[Link]) -> dict[Link, tuple[str, str]]:
    """The links that are shown, with the names of their curves and their QPs."""
    chosen: dict[Link, tuple[str, str]] = {}
    curves: dict[str, list[Link]] = {}
    for link in links:
        curve, features = _curve(link.system, link.qp), isinstance(link, FeatureLink)
        cuts = [name for name, some in curves.items() if isinstance(some[0], FeatureLink)]
        if curve not in curves and features and len(cuts) == CUTS:
            continue
        if len(curves.setdefault(curve, [])) < QPS:
            curves[curve].append(link)
            chosen[link] = curve, str(link.qp)
    return chosen


def _curve(system: Collaborative | CloudOnly, qp: object) -> str:
    columns = system.columns(qp)
    point = Point(system.name, "", "", **columns, qp="", images=0, kbpi=0, kbpi_std=0, map=0, map_area=0, seed=0)
    return point.curve
