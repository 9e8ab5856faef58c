"""The sweeps for Weights & Biases: by W&B's own schema and substitution, and by the real command line."""

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from wandb.sdk.launch.sweeps.utils import create_sweep_command_args

from lightning_app.channel import FeatureChannel
from lightning_app.darknet import Network
from lightning_app.systems import Collaborative

ROOT = Path(__file__).parents[1]
SWEEPS = sorted((ROOT / "configs/sweeps").glob("*.yaml"))
SCHEMA = Draft7Validator(json.loads((ROOT / "tests/wandb_sweep_schema.json").read_text()))

sweeps = pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.name)


def choices(sweep: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parameters of every run of a grid."""
    parameters = sweep["parameters"]
    values = [parameter.get("values", [parameter.get("value")]) for parameter in parameters.values()]
    for combination in itertools.product(*values):
        yield dict(zip(parameters, combination, strict=True))


def command(sweep: dict[str, Any], chosen: dict[str, Any]) -> list[str]:
    """What an agent runs: as `Agent._command_run` of wandb, which needs a server, by its function for the options."""
    args = create_sweep_command_args({"args": {name: {"value": value} for name, value in chosen.items()}})
    filled = {**args, "env": ["/usr/bin/env"], "interpreter": ["python"], "program": [sweep["program"]]}
    words: list[str] = []
    for word in map(str, sweep["command"]):
        words += filled.get(word[2:-1], []) if word.startswith("${") and word.endswith("}") else [word]
    return words


def test_there_is_a_sweep() -> None:
    assert SWEEPS


@sweeps
def test_a_sweep_is_what_wandb_sweep_accepts(path: Path) -> None:
    sweep = yaml.safe_load(path.read_text())
    assert [error.message for error in SCHEMA.iter_errors(sweep)] == []
    assert all(isinstance(word, str) for word in sweep["command"])
    assert sweep["metric"]["goal"] == "maximize"


def test_the_schema_refuses_what_wandb_refuses() -> None:
    good = yaml.safe_load(SWEEPS[0].read_text())
    mistakes: list[dict[str, Any]] = [
        {"method": "gird"},
        {"parameters": {"a b": {"value": 1}}},
        {"metric": {}},
        {"commands": []},
    ]
    for wrong in mistakes:
        assert not SCHEMA.is_valid({**good, **wrong}), wrong


@pytest.mark.slow
@sweeps
def test_dfc_understands_every_value_of_a_grid(dfc: Callable[..., tuple[int, str, str]], path: Path) -> None:
    sweep = yaml.safe_load(path.read_text())
    assert sweep["method"] == "grid"
    unseen = {(name, value) for chosen in choices(sweep) for name, value in chosen.items()}
    for chosen in choices(sweep):
        if not unseen & set(chosen.items()):
            continue  # a sample in which each value occurs
        unseen -= set(chosen.items())
        words = command(sweep, chosen)
        assert words[:2] == ["/usr/bin/env", "dfc"]
        status, out, err = dfc(*words[2:], "--print_config")
        assert status == 0, err
        config = yaml.safe_load(out)
        network = Network.from_cfg(ROOT / config["model"]["network"])
        Collaborative(network, FeatureChannel(**config["model"]["channel"]["init_args"]))
        for name, value in chosen.items():
            assert find(config, name) == yaml.safe_load(value), name


def find(config: Any, name: str) -> Any:
    """A value of the whole config by its short name, in which ``init_args`` is left out."""
    for part in name.split("."):
        config = config[part] if part in config else config["init_args"][part]
    return config
