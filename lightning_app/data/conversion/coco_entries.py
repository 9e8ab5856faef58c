"""The entries of COCO's lists: images, categories, and annotations with ``bbox``, x, y, width and height in pixels."""

import math
from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from lightning_app.data.conversion.xml import Box

Record = Mapping[str, list[Any]]
LISTS = ("images", "annotations", "categories")
"""What a COCO JSON must have."""


@dataclass(frozen=True)
class Entry:
    """One entry, and what a sentence calls it.

    Attributes:
        name: such as ``annotation 17``, by its id, or ``annotation number 3`` in its list, from 1.
        values: by their keys.
    """

    name: str
    values: Mapping[str, Any]

    def key(self, key: str) -> Hashable:
        """A number or a text that an entry is known by."""
        value = self.values.get(key)
        if not isinstance(value, int | str):
            raise ValueError(
                f"{self.name} has no {key}"
                if value is None
                else f"{self.name} has the {key} {value!r:.60}, which must be a number or a text"
            )
        return value

    def text(self, key: str) -> str:
        """A text that is not empty."""
        text = str(self.key(key)).strip()
        if not text:
            raise ValueError(f"{self.name} has an empty {key}")
        return text

    def number(self, key: str) -> float:
        """A finite number; 0 where there is none."""
        (number,) = self._finite(key, [self.values.get(key) or 0])
        return number

    def box(self) -> tuple[float, ...]:
        """x, y, width and height."""
        values = self.values.get("bbox")
        if not values:
            raise ValueError(f"{self.name} has no bbox: give it the box around its segmentation, or remove it")
        box = self._finite("bbox", values if isinstance(values, list) else [])
        if len(box) != 4:
            raise ValueError(f"{self.name} has the bbox {values!r:.60}, which must be four numbers")
        return box

    def _finite(self, key: str, values: list[Any]) -> tuple[float, ...]:
        try:
            numbers = tuple(float(value) for value in values)
        except (TypeError, ValueError, OverflowError):
            numbers = (math.nan,)
        if not all(map(math.isfinite, numbers)):
            raise ValueError(f"{self.name} has the {key} {self.values[key]!r:.60}, which must be finite numbers")
        return numbers


def entries(record: Record, kind: str) -> dict[Hashable, Entry]:
    """The images or the categories by their ids.

    Raises:
        ValueError: one has no id, or two have one.
    """
    found: dict[Hashable, Entry] = {}
    for entry in _listed(record, kind):
        if found.setdefault(entry.key("id"), entry) is not entry:
            raise ValueError(f"two of its {kind} have the id {entry.values['id']!r}: give each its own")
    return found


def read_boxes(record: Record) -> dict[Hashable, list[Box]]:
    """The boxes by the ids of their images; ``iscrowd`` becomes VOC's difficult.

    Raises:
        ValueError: an annotation lacks something, or is of an image or a category that is not listed.
    """
    images = entries(record, "images")
    names = {number: category.text("name") for number, category in entries(record, "categories").items()}
    found: dict[Hashable, list[Box]] = defaultdict(list)
    for item in _listed(record, "annotations"):
        image, category = item.key("image_id"), item.key("category_id")
        if image not in images:
            raise ValueError(f"{item.name} is of image {image!r}, which is not listed")
        if category not in names:
            raise ValueError(f"{item.name} is of category {category!r}, which is not listed")
        x, y, w, h = item.box()
        found[image].append(Box(names[category], x, y, x + w, y + h, item.number("iscrowd") != 0))
    return found


def _listed(record: Record, kind: str) -> list[Entry]:
    single = {"images": "image", "annotations": "annotation", "categories": "category"}[kind]
    found = []
    for place, values in enumerate(record[kind], start=1):
        if not isinstance(values, dict):
            raise ValueError(f"{single} number {place} is {values!r:.60} and no object with names and values")
        number = values.get("id")
        found.append(Entry(f"{single} number {place}" if number is None else f"{single} {number}", values))
    return found
