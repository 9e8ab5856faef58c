"""Configs, and the names of options in ``fit``, on the command lines of all other commands.

A config of such a command has its options as keys. A config of a training or a measurement holds much of what the
others need: the network, the split, the transform, the classes. So they take it too, and read over what does not
concern them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml
from jsonargparse import ArgumentParser

from lightning_app.command_errors import command_of, no_config
from lightning_app.errors import OptionError
from lightning_app.old_names import read_config
from lightning_app.shipped import find_config

PREFIXES = ("model.channel.", "channel.", "model.", "data.init_args.", "data.")
"""What comes before the name of an option in ``fit``, and not here."""
SECTIONS = ("model", "data", "trainer")
"""Keys by which a config of `dfc fit` and its like is known."""
OF_RUN = frozenset(
    "seed_everything ckpt_path weights_only verbose return_predictions splits depths layouts codecs scalings qps "
    "transforms anchor output cache resamples truth teacher".split()
)
"""The keys beside the sections."""
OF_MODEL = frozenset(
    "network weights channel picture criterion optimizer learning_rate momentum weight_decay schedule burn_in steps "
    "step_scale frozen_statistics score_threshold nms_threshold seed class_map recall_levels metrics".split()
)
"""The keys of ``model``: it would take seconds to ask the class, which needs Lightning."""
OF_CHANNEL = frozenset(
    "split depth qps eval_qps passthrough zero_min scaling levels layout group codec training_codec transform gradient "
    "workers".split()
)
"""The keys of ``model.channel``."""
OF_DATA = frozenset(("root", "classes", "resize"))
"""Keys of ``data`` that other commands have too; a data module of one's own may have any others."""

UNREAD = ("help", "config", "print_config", "print_shtab", "==SUPPRESS==")
"""Options that are none in a config."""


class Known(NamedTuple):
    """What a command takes.

    Attributes:
        command: such as ``dfc encode``.
        options: their names, without the dashes.
        places: names of the arguments without dashes.
        required: names of those that a value of null would not do for.
    """

    command: str
    options: frozenset[str]
    places: frozenset[str]
    required: frozenset[str]

    @property
    def shares(self) -> bool:
        """Whether it has options of ``fit``, so that a config of that is of use."""
        return bool(self.options & (OF_MODEL | OF_CHANNEL | OF_DATA))


def known_of(parser: ArgumentParser) -> Known:
    """What the command of a parser takes."""
    actions = [action for action in parser._actions if action.dest not in UNREAD]
    options = {text[2:] for action in actions for text in action.option_strings if text.startswith("--")}
    places = {action.dest for action in actions if not action.option_strings}
    required = {action.dest for action in actions if action.required}
    return Known(command_of(parser), frozenset(options), frozenset(places), frozenset(required))


def short_names(arguments: Sequence[str], parser: ArgumentParser) -> list[str]:
    """A command line in which every option of ``fit`` has its name here.

    Args:
        arguments: of the command, without its name.
        parser: of the command.
    """
    options = known_of(parser).options
    words = []
    for word in arguments:
        name, equals, value = word.partition("=")
        short = _short(name[2:], options) if name.startswith("--") else ""
        words.append(f"--{short}{equals}{value}" if short else word)
    return words


def options_in(given: str, known: Known) -> dict[str, object]:
    """What a config says to a command: values by the names that the options have here.

    Args:
        given: the config, a file or a name.
        known: what the command takes.

    Raises:
        OptionError: the config is not there, is no mapping in YAML, or has a key that no command knows.
    """
    path = find_config(given)
    try:
        config = read_config(path.read_text("utf-8"))
    except FileNotFoundError:
        raise OptionError(no_config(Path(given))) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise OptionError(f"the config {path} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(config, Mapping):
        raise OptionError(f"the config {path} is not a list of `key: value` pairs: {_instead(known)}")
    try:
        found = dict(_read(config, known))
    except KeyError as error:
        raise OptionError(f"the config {path} has the key {_unknown(error.args[0], known)}") from None
    return {name: value for name, value in found.items() if value is not None or name not in known.required}


def _read(config: Mapping[str, object], known: Known) -> Iterator[tuple[str, object]]:
    """Names and values; a `KeyError` has the key that is not known."""
    own = known.options | known.places
    if any(section in config for section in SECTIONS):  # then `output`, for one, is that of `evaluate`
        own -= OF_RUN
    for key, value in config.items():
        if key in SECTIONS:
            if isinstance(value, Mapping):
                yield from _in_section(value, key, known)
        elif _known(str(key), own):
            yield str(key), value
        elif key not in OF_RUN:
            raise KeyError(str(key))


def _in_section(section: Mapping[str, object], before: str, known: Known) -> Iterator[tuple[str, object]]:
    """What a command takes of a section of ``fit``."""
    keys = {"model": OF_MODEL, "model.channel": OF_CHANNEL}.get(before)
    for key, value in section.items():
        name = f"{before}.{key}"
        if before == "model.channel" and key in ("class_path", "init_args"):  # as --print_config writes it
            if isinstance(value, Mapping):
                yield from _in_section(value, before, known)
        elif short := _short(name, known.options | (known.places if before.startswith("data") else frozenset())):
            yield short, value
        elif keys is not None and key not in keys:
            raise KeyError(name)
        elif isinstance(value, Mapping) and name in ("model.channel", "data.init_args"):
            yield from _in_section(value, name, known)


def _short(name: str, options: frozenset[str]) -> str:
    """The name here of an option of ``fit``; nothing where there is none."""
    rests = (name.removeprefix(prefix) for prefix in PREFIXES if name.startswith(prefix))
    return next((rest for rest in rests if _known(rest, options)), "")


def _known(name: str, options: frozenset[str]) -> bool:
    """Whether the name is an option's or, as ``codec.settings``, an argument's of the class that an option names."""
    parts = name.split(".")
    return any(".".join(parts[:count]) in options for count in range(1, len(parts) + 1))


def _unknown(key: str, known: Known) -> str:
    long = {f"model.{name}" for name in OF_MODEL} | {f"model.channel.{name}" for name in OF_CHANNEL}
    names = long if "." in key else {*known.options, *known.places, *SECTIONS}
    close = difflib.get_close_matches(key, sorted(names), n=1)
    return f"{key}, which no command knows" + (f"; did you mean {close[0]}?" if close else f": {_instead(known)}")


def _instead(known: Known) -> str:
    names = ", ".join(sorted(name for name in known.options | known.places if "." not in name and "+" not in name))
    other = ", or a config of `dfc fit`" if known.shares else ""
    return f"give the options of `{known.command}` as keys ({names}){other}"
