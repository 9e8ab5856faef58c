"""Who asks for bfloat16 on a CPU is told where it is slower."""

import logging
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from lightning_app.bfloat16 import Bfloat16Advice, speed_of_bfloat16
from lightning_app.darknet import Network
from lightning_app.darknet.layers import Convolution
from lightning_app.graph import SplitDetector

SHAPES = Path(__file__).parents[1] / "configs/networks/shapes.cfg"
Said = Callable[..., list[str]]


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Said:
    """What is said before a run at a speed of bfloat16."""

    def found(speed: float, precision: str = "bf16-mixed", device: str = "cpu") -> list[str]:
        strategy = SimpleNamespace(root_device=torch.device(device))
        trainer: Any = SimpleNamespace(precision=precision, strategy=strategy)
        module: Any = SimpleNamespace(network=Network.from_cfg(SHAPES))
        caplog.clear()
        with caplog.at_level(logging.INFO, logger="pytorch_lightning.utilities.rank_zero"):
            Bfloat16Advice(lambda _: speed).on_test_start(trainer, module)
        return caplog.messages

    return found


def test_a_slower_bfloat16_is_said_in_one_line_with_the_ratio_and_what_to_type(said: Said) -> None:
    assert said(0.5) == ["bfloat16 has 0.50 of the speed of float32 on this CPU: --trainer.precision 32-true is faster"]


def test_nothing_is_said_where_bfloat16_is_not_slower_or_was_not_asked_for_or_a_gpu_computes(said: Said) -> None:
    assert said(1.3) == said(0.95) == []
    assert said(0.5, precision="32-true") == said(0.5, precision="16-mixed") == []
    assert said(0.5, device="cuda") == []


@pytest.mark.parametrize("command", ["test", "predict"])
def test_a_run_in_bfloat16_is_measured_once(
    command: str, dfc: Callable[..., tuple[int, str, str]], tiny: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[SplitDetector] = []

    def speed(network: SplitDetector) -> float:
        measured.append(network)
        return 1.0

    monkeypatch.setattr("lightning_app.bfloat16.speed_of_bfloat16", speed)
    assert dfc(command, *tiny, "--trainer.precision", "bf16-mixed")[0] == 0
    assert len(measured) == 1
    assert dfc(command, *tiny)[0] == 0
    assert len(measured) == 1


def test_the_measurement_runs_the_network_in_both_as_a_run_does_and_changes_nothing() -> None:
    network = Network.from_cfg(SHAPES).eval()
    before, kinds = (
        {name: value.clone() for name, value in network.state_dict().items()},
        set[tuple[str, torch.dtype, object]](),
    )
    for name, part in network.named_modules():
        if isinstance(part, Convolution):
            part.register_forward_hook(lambda layer, _, given, name=name: kinds.add((name, given.dtype, layer.fixed)))
    random = torch.get_rng_state()
    assert speed_of_bfloat16(network) > 0
    assert {kind for _, kind, _ in kinds} == {torch.float32, torch.bfloat16}
    assert all(fixed is not None for *_, fixed in kinds)
    assert not any(part.fixed for part in network.modules() if isinstance(part, Convolution))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
