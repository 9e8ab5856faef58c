"""Pictures through their codecs, in all worker processes at once, each coded only if it never was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from lightning_app.codecs import WorkerPool, code, decode
from lightning_app.evaluation.routes import Received, Route, Sample
from lightning_app.evaluation.store import Store


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
        """What arrives of all samples, a route at a time; the workers go on to the next while the caller is at one.

        A route's pictures are kept before they are given: a kill loses what was coded since, at most these samples.
        """
        keys = {(route, sample): route.key(sample) for route in routes for sample in samples}
        known = self.store.find(keys.values())
        calls = [
            call
            for (route, sample), key in keys.items()
            for call in (_decoding(route, known[key]) if key in known else _coding(route, sample))
        ]
        results = self.pool.stream(calls)
        for route in routes:
            fresh, received = {}, []
            for sample in samples:
                key = keys[route, sample]
                if key in known:
                    pictures = list(islice(results, len(route.open(known[key]))))
                    received.append(Received(known[key], pictures))
                    continue
                coded = list(islice(results, len(route.pictures(sample))))
                fresh[key] = route.seal(sample, [one.data for one in coded])
                received.append(Received(fresh[key], [one.picture for one in coded]))
            self.store.put(fresh)
            self.coded, self.found = self.coded + len(fresh), self.found + len(samples) - len(fresh)
            yield received


def _coding(route: Route, sample: Sample) -> list[tuple[Any, ...]]:
    """The calls that encode what crosses, and decode it."""
    return [(code, route.codec, picture, route.codec_qp) for picture in route.pictures(sample)]


def _decoding(route: Route, sealed: bytes) -> list[tuple[Any, ...]]:
    """The calls that decode what crossed."""
    return [(decode, route.codec, data) for data in route.open(sealed)]
