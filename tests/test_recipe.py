"""Darknet's training, from the first picture to the last step: what no single part can show."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from lightning_app.darknet import Network, detection_loss
from lightning_app.data import ShapesDataModule
from lightning_app.detector import Detector

Dfc = Callable[..., tuple[int, str, str]]
SHAPES = str(Path(__file__).parents[1] / "configs/networks/shapes.cfg")


def fit(detector: Detector, data: ShapesDataModule, accumulated: int = 1, callback: Callback | None = None) -> Trainer:
    """Train for one epoch, and for nothing else."""
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=1,
        accumulate_grad_batches=accumulated,
        use_distributed_sampler=False,
        callbacks=callback,
        limit_val_batches=0,
        log_every_n_steps=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(detector, datamodule=data)
    return trainer


def update_layers(network: Network, updates: dict[str, Tensor], batch: int, rate: float, decay: float) -> None:
    """``update_convolutional_layer`` of convolutional_layer.c, with momentum .9."""
    for name, parameter in network.named_parameters():
        if name.endswith("conv.weight"):
            updates[name] += -decay * batch * parameter
        parameter.add_(updates[name], alpha=rate / batch)
        updates[name] *= 0.9


def add_updates(network: Network, updates: dict[str, Tensor], images: Tensor, targets: list[dict[str, Tensor]]) -> None:
    """One ``forward_network`` and ``backward_network`` of a subdivision: Darknet sums over its pictures."""
    terms = detection_loss(network(images), targets, network.heads, 0)  # type: ignore[arg-type]
    summed = torch.stack(list(terms.values())).sum() * len(images)
    gradients = torch.autograd.grad(summed, list(network.parameters()))
    for (name, _), gradient in zip(network.named_parameters(), gradients, strict=True):
        updates[name] -= gradient


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_a_run_takes_darknets_steps_to_the_same_weights_and_statistics(tmp_path: Path) -> None:
    """Four steps of 8 pictures in 2 subdivisions of 4: the rate burns in over two and falls at the third."""
    data = ShapesDataModule(str(tmp_path), train_pictures=32, test_pictures=1, batch_size=4, workers=0)
    detector = Detector(SHAPES, learning_rate=2e-3, weight_decay=0.5, burn_in=2, steps=[3])
    assert fit(detector, data, accumulated=2).global_step == 4

    network = Network.from_cfg(SHAPES).train()
    initial = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
    updates = {name: torch.zeros_like(parameter) for name, parameter in network.named_parameters()}
    batches = list(data.train_dataloader())
    for step, rate in enumerate((2e-3 / 16, 2e-3, 2e-4, 2e-4)):
        for batch in batches[2 * step : 2 * step + 2]:
            add_updates(network, updates, batch["images"], batch["targets"])
        with torch.no_grad():
            update_layers(network, updates, 8, rate, decay=0.5)

    trained = detector.network.state_dict()
    assert len(batches) == 8
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(trained[name], tensor, rtol=1e-4, atol=3e-5)
    assert all((trained[name] - tensor).abs().max() > 1e-4 for name, tensor in initial.items())


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_the_warm_up_ends_before_the_subdivision_that_completes_its_pictures(tmp_path: Path) -> None:
    """``*net.seen += net.batch`` comes before ``forward_region_layer`` asks ``*(net.seen) < 12800``.

    After 12,788 pictures, in subdivisions of 4, it is 12,792, then 12,796, and then 12,800, which is not less.
    """
    data = ShapesDataModule(str(tmp_path), train_pictures=16, test_pictures=1, batch_size=4, workers=0)
    priors: list[float] = []

    class Priors(Callback):
        def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *_: object) -> None:
            priors.append(float(trainer.callback_metrics["train/loss_prior"]))

    detector = Detector(SHAPES, learning_rate=0)
    detector.network.seen = 12_788
    fit(detector, data, callback=Priors())
    assert [prior > 0 for prior in priors] == [True, True, False, False]


def test_batch_norm_keeps_a_hundredth_of_each_subdivisions_statistics() -> None:
    """``rolling = .99 · rolling + .01 · own`` for each subdivision by itself, not for the step as a whole."""
    layer = Network.from_cfg(SHAPES).train().layers["conv_0"]
    first, second = torch.rand(2, 4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for images in (first, 3 * second):
            layer(images)
        ours, theirs = layer.conv(first), layer.conv(3 * second)  # type: ignore[operator]
    means = [output.mean((0, 2, 3)) for output in (ours, theirs)]
    variances = [output.transpose(0, 1).flatten(1).var(1, correction=1) for output in (ours, theirs)]
    running_mean, running_var = layer.norm.running_mean, layer.norm.running_var  # type: ignore[union-attr]
    torch.testing.assert_close(running_mean, 0.99 * 0.01 * means[0] + 0.01 * means[1])
    torch.testing.assert_close(running_var, 0.99 * (0.99 + 0.01 * variances[0]) + 0.01 * variances[1])


def test_the_shipped_run_is_that_of_yolov2_voc_cfg(dfc: Dfc) -> None:
    """The [net] and [region] sections of Darknet's yolov2-voc.cfg, and what its code has for constants."""
    status, out, err = dfc("fit", "-c", "configs/voc_yolov2.yaml", "--print_config")
    assert status == 0, err
    run = yaml.safe_load(out)
    model, data, trainer = run["model"], run["data"]["init_args"], run["trainer"]
    assert (model["learning_rate"], model["momentum"], model["weight_decay"]) == (0.001, 0.9, 0.0005)
    assert (model["burn_in"], model["steps"], model["step_scale"]) == (1000, [40_000, 60_000], 0.1)
    assert (trainer["max_steps"], trainer["callbacks"][0]["init_args"]["pictures"]) == (80_200, 64)
    assert trainer["callbacks"][0]["class_path"] == "lightning_app.callbacks.PicturesPerStep"
    assert data["batch_size"] == 64 // 8
    assert data["train"] == ["VOC2007/trainval", "VOC2012/trainval"]
    assert data["augment"]["init_args"] == {
        "jitter": 0.3, "zoom_min": 0.25, "zoom_max": 2.0, "hue": 0.1, "saturation": 1.5, "exposure": 1.5, "flip": True,
    }  # fmt: skip
    assert data["multi_scale"] == {"every": 10, "smallest": 320, "largest": 608, "finish": 200}
    assert (model["score_threshold"], model["nms_threshold"]) == (0.005, 0.45)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_the_shipped_run_leaves_its_last_step_though_no_validation_follows_it(
    dfc: Dfc, tiny: tuple[str, ...], workplace: Path
) -> None:
    """130 pictures are 2 steps of 64 an epoch; the third ends the run in the middle of the second epoch."""
    shipped = ("-c", "configs/voc_yolov2.yaml", *tiny[2:], "--model.network", "configs/networks/shapes.cfg")
    few = ("--data.train_pictures", "130", "--data.batch_size", "8", "--data.multi_scale.every", "1")
    small = ("--data.multi_scale.smallest", "32", "--data.multi_scale.largest", "96", "--data.multi_scale.finish", "1")
    short = ("--trainer.max_steps", "3", "--trainer.max_epochs", "-1", "--trainer.check_val_every_n_epoch", "10")
    status, _, err = dfc("fit", *shipped, "--model.channel=null", *few, *small, *short)
    assert status == 0, err
    last = torch.load("checkpoints/voc_yolov2/last.ckpt", weights_only=True)
    assert (last["global_step"], last["seen"]) == (3, 192)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain", "retrained"])
def test_the_demo_trains_with_the_augmentation_that_its_results_were_made_with(
    dfc: Callable[..., tuple[int, str, str]], name: str
) -> None:
    status, out, err = dfc("fit", "-c", f"configs/demo/{name}.yaml", "--print_config")
    assert status == 0, err
    augment = yaml.safe_load(out)["data"]["init_args"]["augment"]["init_args"]
    assert (augment["zoom_min"], augment["zoom_max"], augment["jitter"], augment["flip"]) == (0.25, 2.0, 0.3, True)
