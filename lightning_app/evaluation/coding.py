"""Pictures through their codecs, in all worker processes at once, each coded only if it never was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from lightning_app.codecs import WorkerPool, code, decode
from lightning_app.evaluation.links import Delivery, Link, Photo
from lightning_app.evaluation.store import Store


class Coding:
    """Sends photos over links.

    Args:
        pool: of the worker processes.
        store: of what was coded before.

    Attributes:
        coded: how many pictures, or sets of tensors, were coded.
        found: how many were in the store.
    """

    def __init__(self, pool: WorkerPool, store: Store) -> None:
        self.pool, self.store = pool, store
        self.coded = self.found = 0

    def send(self, photos: Sequence[Photo], links: Sequence[Link]) -> Iterator[list[Delivery]]:
        """What arrives of all photos, one link after another; the workers go on to the next while the caller is at one.

        A link's pictures are kept before they are given: a kill loses what was coded since, at most these photos.
        """
        keys = {(link, photo): link.key(photo) for link in links for photo in photos}
        known = self.store.find(keys.values())
        calls = [
            call
            for (link, photo), key in keys.items()
            for call in (_decoding(link, photo, known[key]) if key in known else _coding(link, photo))
        ]
        results = self.pool.stream(calls)
        for link in links:
            fresh, deliveries = {}, []
            for photo in photos:
                key = keys[link, photo]
                if key in known:
                    pictures = list(islice(results, len(link.open(photo, known[key]))))
                    deliveries.append(Delivery(known[key], pictures))
                    continue
                coded = list(islice(results, len(link.pictures(photo))))
                fresh[key] = link.seal(photo, [one.data for one in coded])
                deliveries.append(Delivery(fresh[key], [one.picture for one in coded]))
            self.store.put(fresh)
            self.coded, self.found = self.coded + len(fresh), self.found + len(photos) - len(fresh)
            yield deliveries


def _coding(link: Link, photo: Photo) -> list[tuple[Any, ...]]:
    """The calls that encode the sent tensors, and decode them."""
    return [(code, link.codec, picture, link.codec_qp) for picture in link.pictures(photo)]


def _decoding(link: Link, photo: Photo, sealed: bytes) -> list[tuple[Any, ...]]:
    """The calls that decode what crossed."""
    return [(decode, link.codec, data) for data in link.open(photo, sealed)]
