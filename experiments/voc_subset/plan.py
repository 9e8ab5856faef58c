"""What is trained and measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

QPS = "[lossless,22,27,32,37,42,47]"
ANCHOR = "[original,22,27,32,37,42,47]"
SEEDS = (0, 1, 2)

UNIFORM = "[lossless,22,27,32,37]"
TOWARDS_37 = "[lossless,22,27,32,37,37,37]"


@dataclass(frozen=True)
class Training:
    """How a network is retrained; its control is trained so without the codec.

    Attributes:
        name: of its folder.
        learning_rate: constant behind the burn-in.
        epochs: over the training pictures.
        qps: that are drawn from; one that stands three times is drawn three times as often.
        gradient: through the codec; ``stop`` freezes the layers in front of it.
    """

    name: str
    learning_rate: float = 1e-4
    epochs: int = 3
    qps: str = TOWARDS_37
    gradient: str = "straight_through"

    def options(self, split: str | None) -> list[str]:
        """Of ``dfc fit``; those of the control without a split."""
        options = ["--model.learning_rate", f"{self.learning_rate:g}", "--trainer.max_epochs", f"{self.epochs}"]
        if split is None:
            return [*options, "--model.channel=null"]
        channel = {"split": split, "qps": self.qps, "gradient": self.gradient}
        return options + [text for name, value in channel.items() for text in (f"--model.channel.{name}", value)]


CANDIDATES = (
    Training("uniform", qps=UNIFORM),
    Training("towards-37"),
    Training("towards-37-rate-3e-4", learning_rate=3e-4),
    Training("towards-37-front-frozen", gradient="stop"),
    Training("towards-37-twice-as-long", epochs=6),
)
"""The paper draws its QPs uniformly; the others change one thing each."""


@dataclass(frozen=True)
class Subject:
    """A network of the experiment.

    Attributes:
        name: of its folder.
        config: of its runs.
        network: its ``.cfg``.
        weights: trained on VOC.
        splits: cuts to measure.
        retrained: cuts to retrain at.
    """

    name: str
    config: str
    network: Path
    weights: Path
    splits: tuple[str, ...]
    retrained: tuple[str, ...]


def subjects(weights: Path) -> tuple[Subject, Subject]:
    """YOLO-LITE and YOLO-Fastest XL, by the folder of their weights."""
    lite = Subject(
        "yolo-lite",
        "configs/yolo_lite.yaml",
        Path("configs/networks/yolo-lite.cfg"),
        weights / "yolo-lite/tiny-yolov2-trial3.weights",
        ("max_5", "max_7", "max_9"),
        ("max_5", "max_7", "max_9"),
    )
    fastest = Subject(
        "yolo-fastest-xl",
        "configs/yolo_fastest.yaml",
        weights / "yolo-fastest/yolo-fastest-xl-voc.cfg",
        weights / "yolo-fastest/yolo-fastest-xl-voc.v1.weights",
        ("shortcut_21", "shortcut_34", "shortcut_80"),
        ("shortcut_21",),
    )
    return lite, fastest
