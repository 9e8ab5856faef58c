"""What may stand behind each option: its choices, names that come with the program, or files."""

from __future__ import annotations

import argparse
import re
from shlex import quote

import jsonargparse
import shtab
from jsonargparse._completions import prepare_actions_context, shtab_prepare_actions

from lightning_app.shipped import config_names, network_names

DEEP = re.compile(r"--trainer\.(?!logger\.)\w+\.|--trainer\.logger\.\w+\.|--\S+\._")
"""Options that jsonargparse finds and nobody types: arguments of Lightning's plugins, and private ones."""
ELDER, TWIN = "--model.channel.codec", "--model.channel.training_codec"
"""Two options that take the same classes."""
UNSAID = ("null", "None")
"""Values that are choices, and are what is taken if nothing is given."""
OURS = re.compile(r"(?:lightning_app|pytorch_lightning)\.(?:\w+\.)*(\w+)")
"""Class paths for which the class's name will do."""


def complete_values(parser: argparse.ArgumentParser) -> None:
    """Note at each argument of a parser what may stand there, and add the arguments of its classes.

    Args:
        parser: is only good for a script afterwards.
    """
    if isinstance(parser, jsonargparse.ArgumentParser):
        with prepare_actions_context("zsh", "dfc", []):  # as zsh has them: with choices in place of bash functions
            shtab_prepare_actions(parser)
        _add_twin(parser)
    for action in parser._actions:
        if "--print_config" in action.option_strings:
            action.nargs = 0  # its value is rare, and stands behind a `=`
        if not isinstance(action, argparse._SubParsersAction) and action.nargs != 0:
            _complete(action)


def _add_twin(parser: argparse.ArgumentParser) -> None:
    """Give one option the values and arguments of another: jsonargparse adds those of a class once in an option."""
    options = dict(parser._option_string_actions)
    if TWIN in options:
        options[TWIN].choices = options[ELDER].choices
        for name in options:
            if name.startswith(f"{ELDER}."):
                parser.add_argument(TWIN + name.removeprefix(ELDER)).choices = options[name].choices


def _complete(action: argparse.Action) -> None:
    names = action.option_strings
    action.option_strings = [name for name in names if name.startswith("-") and not name.endswith("+")]
    if names and (not action.option_strings or DEEP.match(names[0])):
        action.help = argparse.SUPPRESS
        return
    if names and action.nargs == "+":  # behind the first value shtab's bash would complete no option
        action.nargs = None
    words = [OURS.sub(r"\1", str(word)) for word in action.choices or () if str(word) not in UNSAID]
    action.choices = list(dict.fromkeys(words)) or None
    if "-c" in names:
        action.complete = _names_or_files("configs", config_names())  # type: ignore[attr-defined]
    elif names and names[0] in ("--network", "--model.network", "--model.criterion.teacher_network"):
        action.complete = _names_or_files("networks", network_names())  # type: ignore[attr-defined]
    elif not action.choices:
        action.complete = shtab.FILE  # type: ignore[attr-defined]


def _names_or_files(kind: str, names: list[str]) -> dict[str, str | dict[str, str]]:
    """Names that come with the program, or files; shtab's bash tells by the function's name that some are files."""
    function = f"_dfc_files_or_{kind}"
    words = quote(" ".join(names))
    bash = f'{function}() {{ compgen -W {words} -- "$1"; compgen -f -- "$1"; }}'
    zsh = f"{function}() {{ compadd -- {' '.join(names)}; _files; }}"
    return {"bash": function, "zsh": function, "preamble": {"bash": bash, "zsh": zsh}}
