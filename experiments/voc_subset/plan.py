"""What is trained and measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

QPS = "[lossless,22,27,32,35,37,39,42,44,47]"
"""Denser where the curves part."""
ANCHOR = "[original,22,27,32,37,42,47]"
SEEDS = (0, 1, 2)

LABELLED = ("VOC2007/trainval",)
WIDE = ("VOC2007/trainval", "VOC2012/train", "VOC2012/val")
"""For what needs no labels: of the 3,426 pictures of VOC2012 most show six of the twenty classes."""
HALF = ("VOC2007/train", "VOC2012/train", "VOC2012/val")
"""For the choice: without the pictures on which it is made."""
HELD_OUT, TEST = "VOC2007/val", "VOC2007/test"

DISTIL = "configs/distil.yaml"
KLT, CORRECTION = ("lightning_app.transforms.KLT", "lightning_app.transforms.Correction")
ALONE = ("--model.criterion", "lightning_app.criteria.Distillation")
"""Distillation without the rate."""


@dataclass(frozen=True)
class Way:
    """A way of training, as configs and options of ``dfc fit``.

    Attributes:
        name: of its folder and its rows.
        configs: on top of the network's.
        options: that differ from the configs.
        pictures: that it is trained on.
        cuts: how many of the network's cuts it is trained at, from the first on; 0 for once, without a channel.
        seeds: one run each.
        measured: further options of ``dfc evaluate``.
    """

    name: str
    configs: tuple[str, ...] = (DISTIL,)
    options: tuple[str, ...] = ()
    pictures: tuple[str, ...] = WIDE
    cuts: int = 3
    seeds: tuple[int, ...] = SEEDS
    measured: tuple[str, ...] = ()


def transforms(*written: str) -> tuple[str, ...]:
    """The option that chains transforms, each in JSON."""
    chain = f'{{"class_path":"lightning_app.transforms.Chain","init_args":{{"transforms":[{",".join(written)}]}}}}'
    return ("--model.channel.transform", chain)


def klt(sensitivity: float) -> str:
    """In JSON."""
    return f'{{"class_path":"{KLT}","init_args":{{"sensitivity":{sensitivity:g}}}}}'


NO_TRANSFORM = ("--model.channel.transform", "null")
CORRECTED = f'{{"class_path":"{CORRECTION}"}}'

WHOLE = ("--model.channel", "null")

DISTILLED = Way("distilled")
CONTROL = Way("control", options=(*ALONE, *WHOLE), cuts=0, measured=(*WHOLE, "--model.criterion", "null"))
UNTRAINED = Way("KLT only", options=("--model.learning_rate", "0", "--trainer.max_steps", "1"), seeds=(0,))
"""The transform's initial values, and the weights as they are."""
LABELS = Way(
    "labels",
    configs=(),
    options=(
        *("--model.learning_rate", "1e-4", "--trainer.max_epochs", "3"),
        *("--model.channel.qps", "[lossless,22,27,32,37,37,37]"),
    ),
    pictures=LABELLED,
    cuts=1,
)
"""What the first edition of this experiment chose; where coding costs most."""
STAND_IN = Way(
    "stand-in",
    options=(
        *("--model.channel.codec", "experiments.voc_subset.block_dct.BlockDCT"),
        *("--model.channel.eval_qps", "[22]"),
    ),
    cuts=1,
    seeds=(0,),
)
"""A DCT with a quantiser trains in HEVC's place; HEVC tests."""
WAYS = (CONTROL, DISTILLED, UNTRAINED, LABELS, STAND_IN)

CANDIDATES = (
    DISTILLED,
    Way("plain KLT", options=transforms(klt(0), CORRECTED), measured=transforms(klt(0), CORRECTED)),
    Way("KLT of full sensitivity", options=transforms(klt(1), CORRECTED), measured=transforms(klt(1), CORRECTED)),
    Way("without Rate", options=ALONE),
    Way("without Correction", options=transforms(klt(0.5)), measured=transforms(klt(0.5))),
    Way("without KLT", options=transforms(CORRECTED), measured=transforms(CORRECTED)),
    Way("Distillation alone", options=(*ALONE, *NO_TRANSFORM), measured=NO_TRANSFORM),
)
"""Ways to distil; the others change one thing each, and the last leaves out everything."""


@dataclass(frozen=True)
class Subject:
    """A network of the experiment.

    Attributes:
        name: of its folder.
        config: of its runs.
        network: its ``.cfg``.
        weights: trained on VOC.
        splits: cuts to train at and to measure.
    """

    name: str
    config: str
    network: Path
    weights: Path
    splits: tuple[str, ...]


def subjects(weights: Path) -> tuple[Subject, Subject]:
    """YOLO-LITE and YOLO-Fastest XL, by the folder of their weights."""
    lite = Subject(
        "yolo-lite",
        "configs/yolo_lite.yaml",
        Path("configs/networks/yolo-lite.cfg"),
        weights / "yolo-lite/tiny-yolov2-trial3.weights",
        ("max_5", "max_7", "max_9"),
    )
    fastest = Subject(
        "yolo-fastest-xl",
        "configs/yolo_fastest.yaml",
        weights / "yolo-fastest/yolo-fastest-xl-voc.cfg",
        weights / "yolo-fastest/yolo-fastest-xl-voc.v1.weights",
        ("shortcut_21", "shortcut_34", "shortcut_80"),
    )
    return lite, fastest
