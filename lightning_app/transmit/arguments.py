"""Configs, and the names of options in ``fit``, on the command lines of ``encode``, ``decode`` and ``show``.

A config of a training or a measurement holds all that the two sides need: the network, the split and the transform. So
these commands take it too, and read over what is only for training.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import yaml
from jsonargparse import ArgumentParser

from lightning_app.command_errors import no_config
from lightning_app.errors import OptionError
from lightning_app.old_names import renamed_arguments, renamed_config
from lightning_app.shipped import find_config

CONFIG = ("-c", "--config")
PREFIXES = ("model.", "data.init_args.", "data.")
"""What comes before the name of an option in ``fit``, and not here."""


def add_config(parser: ArgumentParser) -> None:
    """Add ``--config``, which `with_configs` replaces by what is in the file."""
    parser.add_argument(
        *CONFIG,
        metavar="CONFIG",
        help="config of `dfc fit` or `dfc test`, from which network, channel and thresholds are taken; may be repeated",
    )


def with_configs(arguments: Sequence[str], parser: ArgumentParser) -> list[str]:
    """A command line in which every config is replaced by its options, and every option has its name here.

    Args:
        arguments: of the command, without its name.
        parser: of the command.

    Raises:
        OptionError: a config is not there, or is no mapping in YAML.
    """
    known = {text[2:] for action in parser._actions for text in action.option_strings if text.startswith("--")}
    words: list[str] = []
    left = iter(renamed_arguments(arguments))
    for word in left:
        name, equals, value = word.partition("=")
        if name in CONFIG and (path := value if equals else next(left, "")):
            words += (f"--{option}={text}" for option, text in _options(path, known))
        elif name.startswith("--") and (short := _short(name[2:], known)):
            words.append(f"--{short}{equals}{value}")
        else:
            words.append(word)
    return words


def _options(given: str, known: set[str]) -> Iterator[tuple[str, str]]:
    """Names and values, as a command line has them, of what is known of a config."""
    path = find_config(given)
    try:
        config = renamed_config(yaml.safe_load(path.read_text("utf-8")))
    except FileNotFoundError:
        raise OptionError(no_config(Path(given))) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise OptionError(f"the config {path} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(config, Mapping):
        raise OptionError(f"the config {path} is not a list of `key: value` pairs: give a config of `dfc fit`")
    for name, value in _flat(config, "", known):
        yield name, value if isinstance(value, str) else json.dumps(value)


def _flat(config: Mapping[str, object], before: str, known: set[str]) -> Iterator[tuple[str, object]]:
    for key, value in config.items():
        name = f"{before}{key}"
        if short := _short(name, known):
            yield short, value
        elif isinstance(value, Mapping):
            yield from _flat(value, f"{name}.", known)


def _short(name: str, known: set[str]) -> str:
    """The name here of an option of ``fit``; nothing where there is none. ``decode`` has no others of the channel."""
    for prefix in PREFIXES:
        if name.startswith(prefix):
            rest = name.removeprefix(prefix)
            return _known(rest, known) or _known(rest.removeprefix("channel."), known)
    return ""


def _known(name: str, known: set[str]) -> str:
    """The name, if it is an option's or, as ``codec.settings``, an argument's of the class that an option names."""
    parts = name.split(".")
    heads = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
    return name if (heads - {"channel"}) & known else ""
