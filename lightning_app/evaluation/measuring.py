"""A batch of pictures over all links: one batch is coded while the one before it is judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from functools import partial
from typing import TypeVar

import torch

from lightning_app.codecs import WorkerPool
from lightning_app.evaluation.coding import Coding, Way
from lightning_app.evaluation.examples import Collector
from lightning_app.evaluation.judge import Judge, Judgement
from lightning_app.evaluation.links import Delivery, FeatureLink, Link, Photo
from lightning_app.evaluation.store import Store
from lightning_app.systems import Collaborative

Made = TypeVar("Made")


class Measuring:
    """Sends pictures over all links, and has judged what the cloud makes of them.

    Args:
        links: all of the evaluation, in the order in which they are measured.
        uncoded: how many operating points take the files as they are.
        pool: of the codec's processes.
        store: of what was coded before.
        judge: of raw outputs.
        collector: of the pictures that are shown.
        threads: in which the network runs, on each picture alone.
        context: of precision, entered in each thread.
    """

    def __init__(
        self,
        links: Sequence[Link],
        uncoded: int,
        pool: WorkerPool,
        store: Store,
        judge: Judge,
        collector: Collector,
        threads: Executor,
        context: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.links, self.uncoded, self.judge, self.collector = links, uncoded, judge, collector
        self.coding = Coding(pool, store, self._prepare)
        self.threads, self.context = threads, context

    @property
    def counts(self) -> tuple[int, int]:
        """How many pictures and sets of features were coded, and how many were found in the store."""
        return self.coding.coded, self.coding.found + self.judge.found

    def begin(self, photos: Sequence[Photo]) -> Iterator[list[Judgement]]:
        """Begin to code a batch; its judgements, of all photos at one operating point after another.

        The pool codes on while the caller is elsewhere. So whoever begins the next batch before taking these judgements
        keeps all cores busy.
        """
        self.collector.begin(photos)
        shown = self.collector.pictures  # which need what arrives, and not only what was found in it
        unseen = [photo for photo in photos if photo.target["index"] not in shown]
        known = {link: self.judge.known(unseen, link) for link in self._ways()}
        left = {link: [photo for photo in photos if photo not in known[link]] for link in known}
        # First, so that one pass of the network, in a thread, gives the features of all cuts too.
        uncoded = self.together(self._judge_uncoded, left.get(None, []))
        deliveries = self.coding.send({link: left[link] for link in self.links})
        return self._judged(photos, known, left, uncoded, deliveries)

    def together(self, function: Callable[..., Made], *arguments: Sequence[object]) -> list[Made]:
        """Call a function for several pictures at once, each in a thread."""

        def call(*one: object) -> Made:
            # The main thread has entered both, which is nothing to another thread.
            with torch.inference_mode(), self.context():
                return function(*one)

        return list(self.threads.map(call, *arguments))

    def _ways(self) -> list[Link | None]:
        """The links, and None for the files as they are."""
        return [*self.links, None] if self.uncoded else [*self.links]

    def _judged(
        self,
        photos: Sequence[Photo],
        known: dict[Link | None, dict[Photo, Judgement]],
        left: dict[Link | None, list[Photo]],
        uncoded: list[Judgement],
        deliveries: Iterator[list[Delivery]],
    ) -> Iterator[list[Judgement]]:
        fresh: dict[Link | None, list[Judgement]] = {None: uncoded} if self.uncoded else {}
        for link, delivery in zip(self.links, deliveries, strict=True):
            fresh[link] = self.together(partial(self._judge_delivery, link), left[link], delivery)
            yield self._in_order(photos, known[link], left[link], fresh[link])
        for _ in range(self.uncoded):
            yield self._in_order(photos, known[None], left[None], uncoded)
        self.judge.keep({(photo, way): one for way in fresh for photo, one in zip(left[way], fresh[way], strict=True)})

    @staticmethod
    def _in_order(
        photos: Sequence[Photo], known: dict[Photo, Judgement], left: list[Photo], fresh: list[Judgement]
    ) -> list[Judgement]:
        judged = known | dict(zip(left, fresh, strict=True))
        return [judged[photo] for photo in photos]

    def _prepare(self, ways: Sequence[Way]) -> None:
        """What the codec takes of the pictures, each in one thread, as everything that sums."""
        systems: dict[Photo, list[Collaborative]] = {}
        for link, photo in ways:
            if isinstance(link, FeatureLink):
                systems.setdefault(photo, []).append(link.system)
        self.together(lambda photo: [photo.codec_inputs(system) for system in systems[photo]], list(systems))

    def _judge_uncoded(self, photo: Photo) -> Judgement:
        judged = self.judge.judge(photo, photo.uncoded(), 8 * photo.file.stat().st_size)
        self.collector.add_uncoded(photo, judged)
        return judged

    def _judge_delivery(self, link: Link, photo: Photo, delivery: Delivery) -> Judgement:
        judged = self.judge.judge(photo, link.raws(photo, delivery), 8 * len(delivery.data))
        self.collector.add(link, photo, delivery, judged)
        return judged
