"""Pictures through their codecs, in all worker processes at once, each coded only if it never was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from lightning_app.codecs import WorkerPool, decode, encode
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

    def send(self, samples: Sequence[Sample], routes: Sequence[Route]) -> list[list[Received]]:
        """What arrives of each sample over each route: as many lists as routes, each as long as ``samples``."""
        ways = [(route, sample) for route in routes for sample in samples]
        keys = [route.key(sample) for route, sample in ways]
        known = self.store.find(keys)
        missing = {key: way for key, way in zip(keys, ways, strict=True) if key not in known}
        self.coded, self.found = self.coded + len(missing), self.found + len(ways) - len(missing)
        if missing:
            fresh = dict(zip(missing, self._encode(list(missing.values())), strict=True))
            self.store.put(fresh)
            known |= fresh
        received = self._decode([(route, known[key]) for (route, _), key in zip(ways, keys, strict=True)])
        return [list(islice(received, len(samples))) for _ in routes]

    def _encode(self, ways: Sequence[tuple[Route, Sample]]) -> Iterator[bytes]:
        """What crosses on each way."""
        pictures = [route.pictures(sample) for route, sample in ways]
        tasks = [
            (route.codec, picture, route.codec_qp)
            for (route, _), several in zip(ways, pictures, strict=True)
            for picture in several
        ]
        payloads = iter(self.pool.run(encode, tasks))
        for (route, sample), several in zip(ways, pictures, strict=True):
            yield route.seal(sample, list(islice(payloads, len(several))))

    def _decode(self, ways: Sequence[tuple[Route, bytes]]) -> Iterator[Received]:
        """What each container or payload holds, decoded."""
        payloads = [route.open(data) for route, data in ways]
        tasks = [(route.codec, one) for (route, _), several in zip(ways, payloads, strict=True) for one in several]
        pictures = iter(self.pool.run(decode, tasks))
        for (_, data), several in zip(ways, payloads, strict=True):
            yield Received(data, list(islice(pictures, len(several))))
