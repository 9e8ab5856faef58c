"""While a batch's features are coded the front runs on the next: sooner, and to the same weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Trainer
from torch import Tensor

from lightning_app import detector as detector_module
from lightning_app.channel import FeatureChannel
from lightning_app.criteria import Criterion, DetectionLoss, TrainingRecord
from lightning_app.data import ShapesDataModule
from lightning_app.detector import Detector
from lightning_app.gradient import Gradient
from lightning_app.systems import Collaborative

SHAPES = Path(__file__).parents[1] / "configs/networks/shapes.cfg"

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers")


@pytest.fixture
def cfg(tmp_path: Path) -> str:
    """The demo's network with dropout in its front and in its back."""
    dropout = "[dropout]\nprobability=.25\n\n"
    first, *others = SHAPES.read_text().split("[maxpool]")
    path = tmp_path / "dropout.cfg"
    path.write_text(f"{first}{dropout}[maxpool]" + f"{dropout}[maxpool]".join(others))
    return str(path)


def fit(detector: Detector, folder: Path, **options: Any) -> Trainer:
    """Two epochs of 24 pictures by 4, three batches to a step of the optimiser."""
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=2,
        use_distributed_sampler=False,
        log_every_n_steps=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **{"accumulate_grad_batches": 3, "limit_val_batches": 0, **options},
    )
    data = ShapesDataModule(str(folder), train_pictures=24, test_pictures=2, batch_size=4, workers=0, size=64)
    trainer.fit(detector, datamodule=data)
    return trainer


class BothPaths(DetectionLoss):
    """Asks for the uncoded heads too."""

    def forward(self, record: TrainingRecord) -> dict[str, Tensor]:
        ((coded,), (uncoded,)) = record.raws, record.uncoded()
        return {**super().forward(record), "heads": (coded - uncoded).square().mean()}


def detector_of(cfg: str, gradient: Gradient = "noise", criterion: Criterion | None = None) -> Detector:
    channel = FeatureChannel("max_5", gradient=gradient, workers=1)
    return Detector(cfg, channel=channel, criterion=criterion, burn_in=0)


def watch(detector: Detector) -> list[str]:
    """What runs in training, in order: F the front, B the back, U the optimiser."""
    events: list[str] = []

    def note(letter: str) -> Callable[..., None]:
        def hook(*_: object) -> None:
            if detector.training:
                events.append(letter)

        return hook

    assert isinstance(detector.system, Collaborative)
    detector.system.front.register_forward_pre_hook(note("F"))
    detector.system.back.register_forward_pre_hook(note("B"))
    detector.on_before_optimizer_step = lambda *_: events.append("U")  # type: ignore[method-assign]
    return events


def test_the_next_batchs_front_runs_before_this_ones_back_and_never_across_a_step(tmp_path: Path) -> None:
    detector = detector_of(str(SHAPES))
    events = watch(detector)
    fit(detector, tmp_path)
    assert "".join(events) == "FFBFBBU" * 4


@pytest.mark.parametrize(
    ("options", "order"),
    [
        ({"accumulate_grad_batches": 1}, "FBU" * 12),
        ({"limit_train_batches": 4, "val_check_interval": 3}, "FFBFBBUFBU" * 2),
        ({"limit_val_batches": 1, "val_check_interval": 2}, ("FFBBFBU" + "FBFFBBU") * 2),
        (
            {"limit_val_batches": 1, "val_check_interval": 4, "check_val_every_n_epoch": None},
            "FFBFBBU" + "FBFFBBU" + "FFBBFBU" + "FFBFBBU",
        ),
    ],
    ids=["no accumulation", "an epoch cut short", "a validation", "a validation by steps"],
)
def test_what_changes_weights_or_reads_statistics_is_waited_for(
    tmp_path: Path, options: dict[str, Any], order: str
) -> None:
    detector = detector_of(str(SHAPES))
    events = watch(detector)
    fit(detector, tmp_path, **options)
    assert "".join(events) == order


@pytest.mark.parametrize(("criterion", "backs"), [(DetectionLoss, 1), (BothPaths, 2)])
def test_looking_ahead_changes_no_weight_statistic_or_loss(
    tmp_path: Path, cfg: str, monkeypatch: pytest.MonkeyPatch, criterion: type[Criterion], backs: int
) -> None:
    ahead, plain = (detector_of(cfg, "straight_through", criterion()) for _ in range(2))
    events = watch(ahead), watch(plain)
    logged = [dict(fit(ahead, tmp_path).callback_metrics)]
    monkeypatch.setattr(detector_module, "goes_on", lambda *_: False)
    logged.append(dict(fit(plain, tmp_path).callback_metrics))
    orders = [order.replace("B", "B" * backs) * 4 for order in ("FFBFBBU", "FBFBFBU")]
    assert ["".join(some) for some in events] == orders
    state, other = ahead.state_dict(), plain.state_dict()
    assert [name for name, tensor in state.items() if not torch.equal(tensor, other[name])] == []
    assert logged[0] == logged[1]
    assert "train/kbpi" in logged[0]
