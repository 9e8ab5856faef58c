"""The evaluation of one network as a Lightning module: each picture at every operating point."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, cast

import torch
import torch.distributed
from pytorch_lightning import Callback, LightningModule
from torch import nn

from lightning_app.callbacks import RateAccuracy
from lightning_app.callbacks.codec_pool import CodecPoolLifetime
from lightning_app.codecs import WorkerPool
from lightning_app.criteria import DetectionLoss
from lightning_app.data import Batch, ExampleDataset, Target
from lightning_app.detector import Detector, check_run
from lightning_app.evaluation.bar import tracked_below
from lightning_app.evaluation.examples import Collector, joined
from lightning_app.evaluation.judge import Judge, Judgement
from lightning_app.evaluation.links import FeatureLink, Link, Model, Photo, PictureLink
from lightning_app.evaluation.measurement import Measurement
from lightning_app.evaluation.measuring import Measuring
from lightning_app.evaluation.results import Results, summarise
from lightning_app.evaluation.store import Store
from lightning_app.evaluation.sweep_point import SweepPoint
from lightning_app.evaluation.teacher import TeacherTruth
from lightning_app.identity import source_key
from lightning_app.initial_values import find_values
from lightning_app.measure import OfCoco, OperatingPoint, of_accuracy, of_coco
from lightning_app.metrics import precisions
from lightning_app.provenance import program_commit
from lightning_app.records.classes import ClassRow, class_rows
from lightning_app.records.differences import Difference
from lightning_app.records.examples import Examples
from lightning_app.records.points import Point
from lightning_app.records.truth import ANNOTATIONS
from lightning_app.systems import CloudOnly, Collaborative
from lightning_app.unannotated import check_measurable


class Evaluation(LightningModule):
    """Measures a detector's network at the operating points of systems that cut it, and whole.

    The network runs on each picture alone and, on a CPU, in one thread, several pictures at once: sums of floats in
    another order differ, and so would the bits. Thus no result depends on the batch, the cores or the ranks, and what
    was coded once is right for every later evaluation.

    Args:
        detector: whose network, thresholds and loss are taken.
        systems: that cut the network, each at its QPs.
        anchor: the cloud-only way.
        cache: folder of what was coded and found before, and of files that last as long as the run.
        folder: where ``points.csv`` and the outcomes go.
        resamples: of the pictures, for intervals.
        workers: codec processes; None for the machine's cores, shared between its ranks.
        teacher: whose detections are the true boxes; None for those that the data has.

    Attributes:
        examples: pictures to look at, once all are measured.
        held: the cache, the files, the threads and the fixed weights, from `setup` on; whoever tests closes it.
    """

    def __init__(
        self,
        detector: Detector,
        systems: Sequence[Collaborative],
        anchor: CloudOnly,
        cache: Path,
        folder: Path,
        resamples: int,
        workers: int | None,
        teacher: TeacherTruth | None = None,
    ) -> None:
        super().__init__()
        self.network, self.options = detector.network, detector.hparams
        forms = (part.form for part in detector.criterion.modules() if isinstance(part, DetectionLoss))
        self.form = next(forms, "darknet")
        self.systems = nn.ModuleList(systems)  # whose transforms go to the device
        self.anchor, self.cache, self.folder, self.resamples = anchor, cache, folder, resamples
        self.teacher, self.truth = teacher, ANNOTATIONS
        self.links: list[Link] = [FeatureLink(system, qp) for system in systems for qp in system.qps.values()]
        for qp in anchor.qps.values():
            if qp is not None and qp != "original":
                self.links.append(PictureLink(anchor, qp))
        self.pool = WorkerPool(workers)
        self.results, self.examples = Results(), Examples()
        self.counts = [0, 0]
        self.begun: tuple[Sequence[Target], Iterator[list[Judgement]]] | None = None
        self.held = ExitStack()

    @property
    def points(self) -> list[Point]:
        """The operating points, once all pictures are measured."""
        return self.results.points

    @property
    def class_rows(self) -> list[ClassRow]:
        """What each class reached at each of them."""
        return self.results.class_rows

    @property
    def differences(self) -> list[Difference]:
        """The curves against the cloud-only one."""
        return self.results.differences

    def configure_callbacks(self) -> list[Callback]:
        """The codec's processes live as long as the run; ``points.csv`` goes to a folder of its own."""
        return [CodecPoolLifetime(self.pool), RateAccuracy(str(self.folder))]

    def setup(self, stage: str) -> None:  # noqa: ARG002
        """Name the network, open the cache, and make the metrics of every operating point."""
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        check_run(self.network, self.trainer.precision, data.classes)
        if self.teacher is None:
            check_measurable(data)
        device = self.trainer.strategy.root_device.type
        versions = [torch.__version__, version("opencv-python-headless")]  # that compute, and resize the pictures
        layout = "channels last, a layer as one call"  # of CPUs; sums are rounded by it
        setting = [self.trainer.precision, device, layout, source_key(type(self.network)), *versions]
        digest = hashlib.sha256(repr(setting).encode())
        for part in self.network.identity():
            digest.update(part)
        self._find_values()  # before anything asks for the identity of what is sent
        self.model = Model(self.network, digest.hexdigest(), data.resize)
        names = {name for link in self.links if isinstance(link, FeatureLink) for name in link.system.crossing}
        self.taps = tuple(sorted(self.network.node(name).index for name in names))
        self.held.enter_context(self.network.unchanging())
        if self.teacher is not None:
            self.truth = self.teacher.truth(data.datasets["test"].size, data.resize, self.trainer.precision)
            if self.teacher.network is not self.network:
                self.held.enter_context(self.teacher.network.unchanging())
        store = self.held.enter_context(Store(self.cache, self.global_rank))
        thresholds = self.options["score_threshold"], self.options["nms_threshold"]
        judge = Judge(self.network, self.form, *thresholds, store)
        points = [OperatingPoint(data.classes, *of_accuracy(self.options)) for _ in self._ways()]
        self.measured = nn.ModuleList(SweepPoint(point, self._file) for point in points)
        self.collector = Collector(data.classes, self.links)
        # torch keeps the number of its threads for each of ours.
        threads = self.pool.workers if device == "cpu" else 1
        executor = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
        at_once = self.held.enter_context(executor)
        uncoded, context = len(self._ways()) - len(self.links), self.trainer.precision_plugin.forward_context
        self.measuring = Measuring(self.links, uncoded, self.pool, store, judge, self.collector, at_once, context)

    def _file(self) -> BinaryIO:
        return cast(BinaryIO, self.held.enter_context(TemporaryFile(dir=self.cache)))

    def _find_values(self) -> None:
        """Of transforms that the weights came without; in one thread, as everything that sums."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        for system in self.systems:
            find_values(
                cast(Collaborative, system),
                self.trainer.datamodule.example_dataloader,  # type: ignore[attr-defined]
                self.trainer.strategy.root_device,
            )
        torch.set_num_threads(threads)

    def test_step(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002
        """Begin to send a batch over every link; measure what the cloud makes of the one before."""
        images, targets = batch["images"], batch["targets"]
        photos = [Photo(images[i : i + 1], target, self.model, self.taps) for i, target in enumerate(targets)]
        if self.teacher is not None:
            targets = self.measuring.together(self.teacher.target, photos)
            for photo, target in zip(photos, targets, strict=True):
                photo.target = target
        begun = self.measuring.begin(photos)
        self._finish()
        self.begun = targets, begun

    def _ways(self) -> list[tuple[Collaborative | CloudOnly, object]]:
        """System and QP of every operating point: those that code, then the files as they are."""
        uncoded = [(self.anchor, qp) for qp in self.anchor.qps.values() if qp in (None, "original")]
        return [*((link.system, link.qp) for link in self.links), *uncoded]

    def _finish(self) -> None:
        """Measure what became of the batch that was begun last."""
        if self.begun is None:
            return
        targets, judged = self.begun
        # By strict, zip asks for one more than there are: the iterator goes to its end, where it keeps what it judged.
        for measured, judgements in zip(self.measured, judged, strict=True):
            cast(SweepPoint, measured).update(judgements, targets)
        self.begun = None

    def on_test_epoch_end(self) -> None:
        """Gather from all ranks, and draw the conclusions on the first."""
        self._finish()
        module = self.trainer.datamodule  # type: ignore[attr-defined]
        measurements = (
            self._gather(cast(SweepPoint, measured), *way, module.datasets["test"])
            for measured, way in zip(self.measured, self._ways(), strict=True)
        )
        if self.trainer.is_global_zero:
            seed = int(self.options["seed"])
            shown = tracked_below(self.trainer, measurements, "Resampling", len(self.measured))
            self.results = summarise(shown, self.resamples, seed, self.folder, module.classes)
        else:
            # Each step of the generator gathers from all ranks, which is a collective call: a rank that left one out
            # would leave the first one waiting for ever.
            deque(measurements, maxlen=0)
        self.examples = joined(self._from_all_ranks(self.collector.mine()))
        counts = torch.tensor(self.measuring.counts, device=self.device)
        self.counts = self.trainer.strategy.reduce(counts, reduce_op="sum").tolist()

    def _from_all_ranks(self, mine: Examples) -> list[Examples]:
        if self.trainer.world_size == 1:
            return [mine]
        parts = [Examples()] * self.trainer.world_size
        torch.distributed.all_gather_object(parts, mine)
        return parts

    def _gather(
        self, measured: SweepPoint, system: Collaborative | CloudOnly, qp: object, data: ExampleDataset
    ) -> Measurement:
        measured.fetch()
        accuracy, rate, loss = measured.point.accuracy, measured.point.rate, measured.loss
        with accuracy.sync_context(), rate.sync_context(), loss.sync_context():
            outcomes, bits, losses = accuracy.outcomes(), rate.by_picture()[:, 1], loss.by_picture()[:, 1]
        values = {**rate.compute(), **precisions(outcomes, len(accuracy.classes), accuracy.levels)}
        coco = measured.point.coco
        by_coco = OfCoco() if coco is None else of_coco(coco.compute())
        # Before the next point is gathered: the outcomes of all pictures are most of the memory of this program.
        measured.reset()
        point = Point(
            system=system.name,
            network=str(self.options["network"]),
            weights=str(self.options["weights"] or ""),
            **system.columns(qp),
            qp="" if qp is None else str(qp),
            images=len(bits),
            kbpi=float(values["kbpi"]),
            kbpi_std=float(values["kbpi_std"]),
            map=float(values["map"]),
            map_area=float(values["map_area"]),
            seed=int(self.options["seed"]),
            loss=float(losses.mean()),
            commit=program_commit(),
            truth=self.truth,
            recall_levels=str(self.options["recall_levels"]),
            **by_coco,
        )
        ids = [data.ids[index] for index in outcomes.images]
        return Measurement(point, ids, outcomes, bits, losses, class_rows(point.name, accuracy.classes, values))
