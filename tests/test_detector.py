"""The Lightning module's own parts: what is decayed, at which rate, and what must not change."""

from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback, Trainer
from torch import nn

from lightning_app.channel import FeatureChannel
from lightning_app.criteria import DetectionLoss
from lightning_app.darknet import Network, save_weights
from lightning_app.darknet.layers import Convolution
from lightning_app.data import Batch, ShapesDataModule
from lightning_app.detector import Detector
from lightning_app.errors import OptionError
from lightning_app.picture_channel import PictureChannel
from lightning_app.schedule import rate_factor
from lightning_app.systems import Collaborative

SHAPES = str(Path(__file__).parents[1] / "configs/networks/shapes.cfg")


def test_decay_is_on_the_weights_of_convolutions_alone() -> None:
    detector = Detector(SHAPES, learning_rate=0.5, momentum=0.8, weight_decay=0.25, burn_in=0)
    optimizer = detector.configure_optimizers()["optimizer"]
    decayed, others = optimizer.param_groups
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.25, 0)
    assert {id(p) for p in decayed["params"]} == {id(m.weight) for m in detector.modules() if isinstance(m, nn.Conv2d)}
    assert len(decayed["params"]) + len(others["params"]) == len(list(detector.parameters()))
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.5]
    assert [group["momentum"] for group in optimizer.param_groups] == [0.8, 0.8]


def test_the_rate_burns_in_and_falls_at_darknets_iterations() -> None:
    detector = Detector(SHAPES)
    configured = detector.configure_optimizers()
    optimizer, schedule = configured["optimizer"], configured["lr_scheduler"]["scheduler"]
    assert configured["lr_scheduler"]["interval"] == "step"
    assert optimizer.param_groups[0]["lr"] == pytest.approx(1e-3 * 1e-12)  # the first update: (1 / 1000)⁴
    for _ in range(499):
        optimizer.step()
        schedule.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(1e-3 / 16)
    factors = [rate_factor(i, 1000, (40_000, 60_000), 0.1) for i in (1000, 39_999, 40_000, 59_999, 60_000, 80_200)]
    assert factors == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def drawn_batch(size: int) -> Batch:
    """Drawn images, of which only the numbers are known."""
    targets = [{"index": i} for i in range(size)]
    return {"images": torch.rand(size, 3, 64, 64), "targets": targets}  # type: ignore[typeddict-item]


def test_a_front_that_must_not_learn_keeps_weights_and_statistics_through_a_training_step() -> None:
    detector = Detector(SHAPES, channel=FeatureChannel(split="max_5", gradient="stop", qps=[37], workers=1))
    assert isinstance(detector.system, Collaborative)
    before = {name: tensor.clone() for name, tensor in detector.network.state_dict().items()}
    with detector.system.channel.pool:
        raws = detector.system.submit(drawn_batch(2), seed=0, epoch=0).result().raws
    configured = detector.configure_optimizers()
    torch.stack([raw.square().sum() for raw in raws]).sum().backward()  # type: ignore[no-untyped-call]
    configured["optimizer"].step()
    changed = {n.split(".")[1] for n, t in detector.network.state_dict().items() if not torch.equal(t, before[n])}
    assert changed == {node.name for node in detector.system.back.nodes if node.name.startswith("conv")}


def test_a_network_without_a_head_is_no_detector() -> None:
    with pytest.raises(OptionError, match="is no detector: it has no"):
        Detector(str(Path(SHAPES).with_name("darknet19.cfg")))


def test_a_form_of_the_loss_that_the_heads_do_not_have_is_refused_at_once() -> None:
    with pytest.raises(OptionError, match="the yolov1 loss is for"):
        Detector(str(Path(SHAPES).with_name("yolov3-tiny-voc.cfg")), criterion=DetectionLoss("yolov1"))


def test_features_and_pictures_are_not_sent_both() -> None:
    with pytest.raises(OptionError, match="set one to null"):
        Detector(SHAPES, channel=FeatureChannel(), picture=PictureChannel())


def test_a_checkpoint_carries_plain_values_alone(tmp_path: Path) -> None:
    detector = Detector(SHAPES, channel=FeatureChannel(split="max_5"))
    assert "channel" not in detector.hparams
    torch.save({"hyper_parameters": dict(detector.hparams)}, tmp_path / "a.ckpt")
    assert torch.load(tmp_path / "a.ckpt", weights_only=True)["hyper_parameters"]["network"] == SHAPES


def test_the_user_is_told_what_a_short_file_leaves_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    short = tmp_path / "short.weights"
    save_weights(Network.from_cfg(SHAPES), short, upto=8)
    Detector(SHAPES, str(short))
    (told,) = [record.getMessage() for record in caplog.records]
    assert told == f"{short} ends before conv_8, conv_9: the layers named here keep their initial values."


class Broken(Callback):
    """Ends a validation in an error, as Ctrl-C in a notebook would."""

    def on_validation_batch_end(self, *_: object) -> None:
        raise ZeroDivisionError


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_after_an_error_in_a_validation_another_run_begins_with_weights_that_may_change(tmp_path: Path) -> None:
    quiet: dict[str, Any] = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    data = ShapesDataModule(str(tmp_path), train_pictures=4, test_pictures=2, batch_size=2, workers=0, size=64)
    detector = Detector(SHAPES)
    with pytest.raises(ZeroDivisionError):
        Trainer(accelerator="cpu", callbacks=[Broken()], **quiet).validate(detector, datamodule=data)
    fixed: list[bool] = []

    class Noting(Callback):
        def on_train_start(self, *_: object) -> None:
            fixed.extend(layer.fixed is not None for layer in detector.modules() if isinstance(layer, Convolution))

    options = {**quiet, "enable_model_summary": False, "max_steps": 1, "limit_val_batches": 0, "log_every_n_steps": 1}
    Trainer(accelerator="cpu", callbacks=[Noting()], **options).fit(detector.train(), datamodule=data)
    assert fixed
    assert not any(fixed)
