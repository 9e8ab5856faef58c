"""Pictures through their codecs, in all worker processes at once, each coded only if it never was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from lightning_app.codecs import WorkerPool, code, decode
from lightning_app.evaluation.links import Delivery, Link, Photo
from lightning_app.evaluation.store import Store

Way = tuple[Link, Photo]
"""One picture over one link."""


class Coding:
    """Sends photos over links.

    Args:
        pool: of the worker processes.
        store: of what was coded before.
        prepare: is called before anything is coded, with the pictures and the ways that they will be coded for.

    Attributes:
        coded: how many pictures, or sets of tensors, were coded.
        found: how many were in the store.
    """

    def __init__(self, pool: WorkerPool, store: Store, prepare: Callable[[Sequence[Way]], None]) -> None:
        self.pool, self.store, self.prepare = pool, store, prepare
        self.coded = self.found = 0

    def send(self, photos: Mapping[Link, Sequence[Photo]]) -> Iterator[list[Delivery]]:
        """What arrives of each link's photos, one link after another.

        The workers begin at once, and go on to the next link while the caller is at one. A link's pictures are kept
        before they are given: a kill loses what was coded since, at most these photos.
        """
        keys = {(link, photo): link.key(photo) for link, its in photos.items() for photo in its}
        known = self.store.find(keys.values())
        self.prepare([way for way, key in keys.items() if key not in known])
        calls = [
            call
            for (link, photo), key in keys.items()
            for call in (_decoding(link, photo, known[key]) if key in known else _coding(link, photo))
        ]
        return self._deliveries(photos, keys, known, self.pool.stream(calls))

    def _deliveries(
        self,
        photos: Mapping[Link, Sequence[Photo]],
        keys: Mapping[Way, bytes],
        known: Mapping[bytes, bytes],
        results: Iterator[Any],
    ) -> Iterator[list[Delivery]]:
        for link, its in photos.items():
            fresh, deliveries = {}, []
            for photo in its:
                key = keys[link, photo]
                if key in known:
                    pictures = list(islice(results, len(link.open(photo, known[key]))))
                    deliveries.append(Delivery(known[key], pictures))
                    continue
                coded = list(islice(results, len(link.pictures(photo))))
                fresh[key] = link.seal(photo, [one.data for one in coded])
                deliveries.append(Delivery(fresh[key], [one.picture for one in coded]))
            self.store.put(fresh)
            self.coded, self.found = self.coded + len(fresh), self.found + len(its) - len(fresh)
            yield deliveries


def _coding(link: Link, photo: Photo) -> list[tuple[Any, ...]]:
    """The calls that encode the sent tensors, and decode them."""
    return [(code, link.codec, picture, link.codec_qp) for picture in link.pictures(photo)]


def _decoding(link: Link, photo: Photo, sealed: bytes) -> list[tuple[Any, ...]]:
    """The calls that decode what was sent."""
    return [(decode, link.codec, data) for data in link.open(photo, sealed)]
