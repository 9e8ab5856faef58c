"""Three workarounds as a user meets them, by real commands."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from lightning_app.schedule import rate_factor

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
]
Dfc = Callable[..., Any]


def rates() -> list[float]:
    """The learning rates that the run has logged, one for each step."""
    with Path("runs/demo/plain/version_0/metrics.csv").open() as file:
        return [float(row["lr-SGD/pg1"]) for row in csv.DictReader(file) if row["lr-SGD/pg1"]]


@pytest.mark.slow
def test_a_resumed_run_takes_the_options_of_its_command_line(
    dfc: Dfc, tiny: tuple[str, ...], one_epoch: str, caplog: pytest.LogCaptureFixture
) -> None:
    monitor = ("--trainer.callbacks+=pytorch_lightning.callbacks.LearningRateMonitor", "--model.burn_in", "20")
    others = ("--model.learning_rate", "1e-4", "--model.momentum", "0.5", "--model.weight_decay", "0.01")
    status, _, err = dfc("fit", *tiny, *monitor, *others, "--ckpt_path", one_epoch)
    assert status == 0, err
    assert [line for line in caplog.messages if "takes the place" in line] == [
        "learning_rate 0.0001 takes the place of the checkpoint's 0.002",
        "momentum 0.5 takes the place of the checkpoint's 0.9",
        "weight_decay 0.01 takes the place of the checkpoint's 0.0005",
    ]
    assert rates() == pytest.approx([1e-4 * rate_factor(step + 1, 20, [], 0.1) for step in range(6, 12)])
    kernels, others_ = torch.load(one_epoch, weights_only=True)["optimizer_states"][0]["param_groups"]
    assert [kernels["momentum"], kernels["weight_decay"], others_["weight_decay"]] == [0.5, 0.01, 0]


@pytest.mark.slow
def test_a_run_resumed_with_the_same_options_says_nothing(
    dfc: Dfc, tiny: tuple[str, ...], one_epoch: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert dfc("fit", *tiny, "--ckpt_path", one_epoch).status == 0
    assert "Restoring states" in caplog.text
    assert "takes the place" not in caplog.text


WEIGHTS = """
trainer:
  callbacks+:
    class_path: pytorch_lightning.callbacks.ModelCheckpoint
    init_args: {dirpath: weights, filename: averaged, save_weights_only: true, every_n_train_steps: 6}
"""


@pytest.mark.slow
def test_a_checkpoint_of_weights_only_has_the_averaged_ones(dfc: Dfc, tiny: tuple[str, ...], workplace: Path) -> None:
    (workplace / "weights.yaml").write_text(WEIGHTS)
    status, _, err = dfc("fit", *tiny, "-c", "configs/ema.yaml", "-c", "weights.yaml", "--trainer.max_epochs", "1")
    assert status == 0, err
    paths = ("weights/averaged.ckpt", "checkpoints/demo/plain/last.ckpt")
    weights, whole = (torch.load(path, weights_only=True) for path in paths)
    different = [name for name, tensor in whole["state_dict"].items() if not tensor.equal(weights["state_dict"][name])]
    assert different == []
    assert not {"current_model_state", "averaging_state", "optimizer_states"} & weights.keys()


HEVC = "model: {channel: {codec: {class_path: lightning_app.codecs.HEVC, init_args: {depth: 10, settings: best}}}}"
PNG = "model: {channel: {codec: {class_path: lightning_app.codecs.PNG}}}"


@pytest.fixture
def codec_of(dfc: Dfc, tiny: tuple[str, ...], workplace: Path) -> Callable[..., dict[str, Any]]:
    """The codec that options make of a run with `HEVC`."""
    (workplace / "hevc.yaml").write_text(HEVC)
    (workplace / "png.yaml").write_text(PNG)

    def codec(*options: str) -> dict[str, Any]:
        status, out, err = dfc("fit", *tiny, "-c", "hevc.yaml", *options, "--print_config")
        assert status == 0, err
        found: dict[str, Any] = yaml.safe_load(out)["model"]["channel"]["init_args"]["codec"]
        return found

    return codec


@pytest.mark.parametrize("options", [("-c", "png.yaml"), ("--model.channel.codec", "PNG")], ids=" ".join)
def test_another_class_starts_from_its_own_defaults(codec_of: Any, options: tuple[str, ...]) -> None:
    assert codec_of(*options) == {"class_path": "lightning_app.codecs.PNG", "init_args": {"depth": 8}}
    assert codec_of(*options, "--model.channel.codec.depth", "12")["init_args"] == {"depth": 12}


@pytest.mark.parametrize("name", ["HEVC", "lightning_app.codecs.HEVC", "lightning_app.codecs.hevc.HEVC"])
def test_the_same_class_keeps_what_was_set(codec_of: Any, name: str) -> None:
    options = ("--model.channel.codec", name, "--model.channel.codec.depth", "12")
    assert codec_of(*options)["init_args"] == {"depth": 12, "settings": "best", "prediction": "intra"}
