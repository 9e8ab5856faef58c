"""Lightning's Trainer, with our own subcommand over model and data: ``evaluate``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from typing import Any, Literal

import pytorch_lightning
from lightning_fabric.plugins.io import TorchCheckpointIO
from pytorch_lightning.utilities import rank_zero_info

from lightning_app.bfloat16 import Bfloat16Advice
from lightning_app.channel import FeatureChannel, QPOption
from lightning_app.checkpoint import check_untransformed
from lightning_app.data import DataModule
from lightning_app.detector import Detector
from lightning_app.errors import OptionError
from lightning_app.evaluation.module import Evaluation
from lightning_app.evaluation.plan import Sweep, plan
from lightning_app.evaluation.teacher import TeacherTruth
from lightning_app.lightning_fixes.checkpoint_files import CheckpointFiles
from lightning_app.lightning_fixes.epoch_count import count_epochs_alike
from lightning_app.picture_channel import PictureChannel
from lightning_app.records.differences import MEANING
from lightning_app.records.examples import EXAMPLES, write_examples
from lightning_app.records.truth import ANNOTATIONS, explained
from lightning_app.report.load_matplotlib import load_matplotlib
from lightning_app.report.web.write import write_web_page
from lightning_app.report.write import write_report
from lightning_app.systems import CloudOnly, Collaborative
from lightning_app.transforms import Chain, FeatureTransform

Transforms = Sequence[FeatureTransform | Sequence[FeatureTransform] | None]
"""As a person writes them: several in a list of their own are a chain."""


class Trainer(pytorch_lightning.Trainer):
    """Lightning's Trainer, which can also measure a network at many operating points (``evaluate``).

    It writes and reads checkpoints by `CheckpointFiles`, unless the user chose another plugin for them.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if type(self.strategy.checkpoint_io) is TorchCheckpointIO:
            self.strategy.checkpoint_io = CheckpointFiles()
        count_epochs_alike(self)
        self.callbacks.append(Bfloat16Advice())  # type: ignore[attr-defined]

    def evaluate(
        self,
        model: Detector,
        datamodule: DataModule,
        splits: Sequence[str] | None = None,
        depths: Sequence[int] | None = None,
        layouts: Sequence[str] | None = None,
        codecs: Sequence[str] | None = None,
        scalings: Sequence[str] | None = None,
        qps: Sequence[QPOption] | None = None,
        transforms: Transforms | None = None,
        anchor: PictureChannel | None = None,
        output: str = "runs/evaluation",
        cache: str = "runs/cache",
        resamples: int = 1000,
        truth: Literal["annotations", "teacher"] = "annotations",
        teacher: str | None = None,
    ) -> None:
        """Measure a network at every combination of splits, depths, layouts, codecs, scalings, QPs and transforms.

        The network on whole pictures is measured beside it. What is null is taken from ``model.channel`` or, without a
        channel, from the paper. Each picture is coded once: started again after a stop, or with other thresholds, the
        command reuses what is in ``cache``: detections too, if the score threshold is the same or a higher one.

        Args:
            model: the detector.
            datamodule: whose test pictures are measured.
            splits: layers to cut behind, such as ``[max_5, max_7]``; ``[]``, or null without ``model.channel``, for
                cloud-only.
            depths: bits per sample of the quantiser, such as ``[8, 10, 12]``.
            layouts: ``tiled``, ``quilted``, ``frames``, or ``frames/8`` for 8 channels per frame.
            codecs: names of codecs, as points.csv has them, such as ``[HEVC, HEVC/best, PNG]``.
            scalings: ranges of the quantiser: ``minmax``, ``zscore``, ``clip``, or ``clip/4`` for 4 levels.
            qps: quantisation parameters, or ``lossless``.
            transforms: feature transforms, such as ``[null, KLT, [KLT, ChannelTruncation]]``: ``null`` for none, a list
                for a chain, and YAML with ``class_path`` and ``init_args`` for other settings than the defaults. Each
                finds its values on training pictures, at each split.
            anchor: picture channel of cloud-only, the curve to compare with; null for ``model.picture`` or,
                without one, only the original files. BD numbers need a curve of it:
                ``--anchor.qps "[original,22,27,32,37]"``.
            output: folder to write points.csv, classes.csv, images.csv, bd.csv, outcomes.npz, the figures and tables,
                and report.html, which has all of them and some pictures.
            cache: folder that keeps the coded pictures for the next evaluation.
            resamples: number of times that the pictures are drawn again, for standard deviations and
                intervals, at least 2.
            truth: source of the true boxes: ``annotations``, those of the data, or ``teacher``, the detections of a
                network in the uncoded pictures with a score above 0.5. Then the data need no boxes, and mAP
                measures the share of the teacher's detections that is still found. Results of different teachers are
                never compared.
            teacher: weights of the teacher, Darknet ``.weights`` or a checkpoint of this program; null for the weights
                that are evaluated. To compare retrained weights with default ones, give both the default
                ones here.

        Raises:
            OptionError: an option is out of its range, there is nothing to sweep over, or transforms are swept and the
                weights were trained with one.
            WeightsError: the teacher's weights cannot be read.
        """
        if resamples < 2:
            raise OptionError(f"resamples must be at least 2, not {resamples}")
        if teacher is not None and truth != "teacher":
            raise OptionError(f"--teacher {teacher} is given, and --truth is {truth}: set --truth to teacher")
        base = model.system.channel if isinstance(model.system, Collaborative) else None
        if transforms is not None and model.hparams["weights"]:
            check_untransformed(Path(model.hparams["weights"]))
        sweep = _sweep(base, splits, depths, layouts, codecs, scalings, qps, transforms)
        others = (depths, layouts, codecs, scalings, qps, transforms)
        if not sweep.splits and any(option is not None for option in others):
            raise OptionError("the sweep has no split: give --splits, such as [max_7]")
        systems, left_out = plan(model.network, sweep, base)
        for sentence in left_out:
            rank_zero_info(sentence)
        picture = anchor or (model.system.picture if isinstance(model.system, CloudOnly) else None)
        cloud_only = CloudOnly(model.network, picture or PictureChannel(qps=["original"]))
        workers = base.pool.asked if base else picture.pool.asked if picture else None
        taught = TeacherTruth.of(model, teacher) if truth == "teacher" else None
        evaluation = Evaluation(model, systems, cloud_only, Path(cache), Path(output), resamples, workers, taught)
        if self.is_global_zero:
            Thread(target=load_matplotlib).start()  # meanwhile, since the figures come last
        with evaluation.held:  # Lightning calls no teardown of the module after an error
            self.test(evaluation, datamodule=datamodule, verbose=False)
        if self.is_global_zero:
            _conclude(evaluation, Path(output))


def _conclude(evaluation: Evaluation, folder: Path) -> None:
    """Write the files that `RateAccuracy` does not write, draw the figures, and print what was done."""
    results = evaluation.results
    weights = Path(results.points[0].weights).name or "initial weights"
    systems = {weights: (results.points, results.differences)}
    write_examples(folder / EXAMPLES, evaluation.examples)
    written = [*results.write(folder), folder / EXAMPLES, *write_report(systems, folder)]
    written.append(write_web_page(systems, folder, examples={weights: evaluation.examples}))
    print(f"Written to {folder}: {', '.join(path.name for path in written)}")  # noqa: T201
    truth, (boxes, pictures) = results.points[0].truth, results.objects
    if truth != ANNOTATIONS:
        print(f"{explained(truth)} They are {boxes:,} boxes in {pictures:,} pictures.")  # noqa: T201
    for difference in results.differences:
        print(difference.block)  # noqa: T201
    if results.differences:
        print(MEANING)  # noqa: T201
    else:
        print('No BD numbers: they need lossy points and --anchor.qps "[original,22,27,32,37]"')  # noqa: T201
    coded, found = evaluation.counts
    print(f"Pictures and sets of features: {coded:,} coded, {found:,} found in {evaluation.cache}")  # noqa: T201


def _sweep(
    base: FeatureChannel | None,
    splits: Sequence[str] | None,
    depths: Sequence[int] | None,
    layouts: Sequence[str] | None,
    codecs: Sequence[str] | None,
    scalings: Sequence[str] | None,
    qps: Sequence[QPOption] | None,
    transforms: Transforms | None,
) -> Sweep:
    """The options that were given; for the others those of the channel or, without a channel, of the paper."""
    default = Sweep() if base is None else Sweep.of(base)
    return Sweep(
        default.splits if splits is None else splits,
        default.depths if depths is None else depths,
        default.layouts if layouts is None else layouts,
        default.codecs if codecs is None else codecs,
        default.scalings if scalings is None else scalings,
        default.qps if qps is None else qps,
        default.transforms if transforms is None else [_one(transform) for transform in transforms],
    )


def _one(transform: FeatureTransform | Sequence[FeatureTransform] | None) -> FeatureTransform | None:
    return transform if transform is None or isinstance(transform, FeatureTransform) else Chain(transform)
