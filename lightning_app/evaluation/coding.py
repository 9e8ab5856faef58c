"""Pictures through their codecs, in all worker processes at once, each coded only if it never was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from lightning_app.codecs import WorkerPool, decode, encode
from lightning_app.evaluation.routes import Received, Route, Sample
from lightning_app.evaluation.store import Store

IN_HAND = 16
"""Pictures a worker that are coded between two commits to the store, and lost to a kill."""


class Coding:
    """Sends samples over routes.

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

    def send(self, samples: Sequence[Sample], routes: Sequence[Route]) -> Iterator[list[Received]]:
        """What arrives of all samples, a route at a time."""
        ways = {(route, sample): route.key(sample) for route in routes for sample in samples}
        known = self.store.find(ways.values())
        missing = {key: way for way, key in ways.items() if key not in known}
        self.coded, self.found = self.coded + len(missing), self.found + len(ways) - len(missing)
        for fresh in self._encode(missing):
            self.store.put(fresh)
            known |= fresh
        for route in routes:
            yield self._decode(route, [known[ways[route, sample]] for sample in samples])

    def _encode(self, missing: Mapping[bytes, tuple[Route, Sample]]) -> Iterator[dict[bytes, bytes]]:
        """What crosses on each way, by its key, some at a time: what is in hand when the process ends is lost."""
        items = list(missing.items())
        for start in range(0, len(items), IN_HAND * self.pool.workers):
            some = items[start : start + IN_HAND * self.pool.workers]
            pictures = [(route, picture) for _, (route, sample) in some for picture in route.pictures(sample)]
            tasks = [(route.codec, picture, route.codec_qp) for route, picture in pictures]
            payloads = iter(self.pool.run(encode, tasks))
            yield {
                key: route.seal(sample, list(islice(payloads, len(route.pictures(sample)))))
                for key, (route, sample) in some
            }

    def _decode(self, route: Route, sealed: Sequence[bytes]) -> list[Received]:
        """What each container or payload of a route holds, decoded."""
        payloads = [route.open(data) for data in sealed]
        pictures = iter(self.pool.run(decode, [(route.codec, one) for several in payloads for one in several]))
        return [
            Received(data, list(islice(pictures, len(several)))) for data, several in zip(sealed, payloads, strict=True)
        ]
