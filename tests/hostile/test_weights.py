"""Darknet's weights: cut, changed, sparse or NaN, they are refused by name or fill the network with numbers."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lightning_app.darknet import Network, save_weights

SHAPES = Path(__file__).parents[2] / "configs/networks/shapes.cfg"
Mutate = Callable[[np.random.Generator, bytes], bytes]
forms = pytest.mark.parametrize(
    "count", [80, pytest.param(2000, marks=[pytest.mark.soak, pytest.mark.slow, pytest.mark.timeout(7200)])]
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("weights") / "a.weights"
    save_weights(Network.from_cfg(SHAPES), path)
    return path.read_bytes()


@forms
def test_changed_weights_are_refused_by_name_or_are_numbers(
    fuzz: Any, sound: bytes, bytewise: Mutate, count: int
) -> None:
    def mutate(rng: np.random.Generator, data: bytes) -> bytes:
        changed = bytewise(rng, data)
        return changed if rng.random() < 0.5 else (changed + data[len(changed) :])[: len(data)]  # of the right length

    outcomes = {report.outcome for report in fuzz.mutated("weights", [sound], "a.weights", count, mutate)}
    assert outcomes == {"fine", "refused"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_numbers_are_refused_with_their_layer(fuzz: Any, sound: bytes, value: float) -> None:
    report = fuzz.open("weights", sound[:-4] + struct.pack("<f", value), "a.weights")
    assert report.outcome == "refused"
    assert f"{fuzz.folder / 'a.weights'} has values in conv_9 that are NaN or infinite" in report.said


def test_a_variance_without_a_root_is_refused_with_its_layer(fuzz: Any, tmp_path: Path) -> None:
    network = Network.from_cfg(SHAPES)
    with torch.no_grad():
        network.state_dict()["layers.conv_2.norm.running_var"][3] = -1
    save_weights(network, tmp_path / "b.weights")
    report = fuzz.open("weights", (tmp_path / "b.weights").read_bytes(), "a.weights")
    assert report.outcome == "refused"
    assert "has values in conv_2 that are NaN or infinite, or variances below -1e-5" in report.said


def test_a_file_of_64_gigabytes_is_refused_unread(fuzz: Any) -> None:
    path = fuzz.folder / "huge.weights"
    with path.open("wb") as file:
        file.truncate(1 << 36)
    outcome, said, seconds = fuzz.victim.open("weights", path)
    assert outcome == "refused"
    assert f"{path} holds 17,179,869,180 floats and the network needs 72,984" in said
    assert seconds < 1
