"""Options by the names that they had before: they are still read, and a line says the new name."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import yaml
from jsonargparse import get_loader, set_loader

from lightning_app.errors import OptionError

OPTIONS = {
    "--model.channel.bits": "--model.channel.depth",
    "--channel.bits": "--channel.depth",
    "--bits": "--depths",
    "--model.loss": "--model.criterion.form",
}
"""The old names of options on the command line, and the new ones."""

OF_COMMANDS = {
    "dfc data convert": {"--split": "--train_share"},  # elsewhere the layer behind which a network is cut
    "dfc data download": {"--root": "--folder"},  # elsewhere the devkit itself
}
"""Those of one command."""

CHANNEL = {"bits": "depth"}
"""The old names of keys of a channel in a config, and the new ones."""

SWEEP = {"bits": "depths"}
"""Those of `dfc evaluate`, whose value is a list."""

DETECTION_LOSS = "lightning_app.criteria.DetectionLoss"
"""The criterion whose forms the option ``loss`` named."""

_load = get_loader("yaml")


def renamed_arguments(arguments: Sequence[str], command: str = "") -> list[str]:
    """A command line in which every option has its new name.

    Args:
        arguments: of the command, without its name.
        command: such as ``dfc data convert``.

    >>> renamed_arguments(["--model.channel.split", "max_7"])
    ['--model.channel.split', 'max_7']
    """
    names = OPTIONS | OF_COMMANDS.get(command, {})
    given = {argument.partition("=")[0] for argument in arguments}
    for old in given & names.keys():
        if names[old] in given:
            raise OptionError(f"{old} is the old name of {names[old]}, and both are given: leave out {old}")
    return [word for argument in arguments for word in _renamed(argument, names)]


def _renamed(argument: str, names: dict[str, str]) -> list[str]:
    name, equals, value = argument.partition("=")
    if name not in names:
        return [argument]
    _tell(name, names[name])
    before = [f"--model.criterion={DETECTION_LOSS}"] if name == "--model.loss" else []
    return [*before, f"{names[name]}{equals}{value}"]


def read_old_configs() -> None:
    """From now on a config file, or a value that is written as YAML, may have the old names of keys."""
    set_loader("yaml", read_config, (yaml.YAMLError,))


def read_config(text: str) -> Any:
    """What a config says, with the new names of keys; as jsonargparse reads YAML, where 1e-3 is a number."""
    return renamed_config(_load(text))


def renamed_config(config: Any) -> Any:
    """What YAML gave, in which every key has its new name."""
    if not isinstance(config, dict):
        return config
    renamed = {key: renamed_config(value) for key, value in config.items()}
    if isinstance(renamed.get("channel"), dict):
        renamed["channel"] = _with_new_keys(renamed["channel"], CHANNEL)
    if isinstance(renamed.get("model"), dict):
        renamed["model"] = _with_criterion(renamed["model"])
    if isinstance(renamed.get("bits"), list):
        return _with_new_keys(renamed, SWEEP)
    return _with_new_keys(renamed, CHANNEL) if "split" in renamed else renamed


def _with_criterion(model: dict[str, Any]) -> dict[str, Any]:
    """The key ``loss`` of before, a form, as the criterion that has forms."""
    if model.get("loss") not in ("darknet", "yolov1"):
        return model
    _tell("the key loss", "criterion")
    others = {key: value for key, value in model.items() if key != "loss"}
    return {**others, "criterion": {"class_path": DETECTION_LOSS, "init_args": {"form": model["loss"]}}}


def _with_new_keys(config: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    for old in names.keys() & config.keys():
        if names[old] in config:
            raise OptionError(f"{old} is the old name of {names[old]}, and the config has both: leave out {old}")
        _tell(f"the key {old}", names[old])
    return {names.get(key, key): value for key, value in config.items()}


def _tell(old: str, new: str) -> None:
    print(f"dfc: {old} is now called {new}; the old name is still read", file=sys.stderr)  # noqa: T201
