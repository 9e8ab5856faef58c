"""What is wrong with a command line or a config, in one sentence instead of jsonargparse's pages."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from jsonargparse import ArgumentParser

from lightning_app.errors import OptionError
from lightning_app.shipped import config_names

_REASONS = (
    r"No module named '[\w.]+'",
    r"Import path does not correspond to a subclass of \w+",
    r"Expected an instantiatable class, but is abstract",
    r"Expected a dot import path string",
)
"""Why a class cannot be used, as jsonargparse says it."""
_OURS = ("lightning_app.", "pytorch_lightning.")
"""Packages whose classes a name suffices for; others need their class path."""
_TYPES = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "a text",
}


class OneSentence(ArgumentParser):
    """A parser that says what is wrong in one sentence."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise `OptionError` with the sentence, but in inner parsers, which try one type after the other."""
        if not self.exit_on_error:
            super().error(message, ex)
        parser = getattr(ex, "subcommand_parser", None) or self
        options = [text for action in parser._actions for text in action.option_strings]
        options = [text for text in options if not text.endswith((".help", "+"))]
        command = parser.prog.replace(" [options]", "").replace("__main__.py", "dfc")
        raise OptionError(f"{sentence(message, options)} (`{command} --help` lists the options)") from ex


def sentence(message: str, options: Sequence[str] = ()) -> str:
    """What a message of jsonargparse says, in one sentence.

    Args:
        message: may have many lines: one for each type that was tried.
        options: that the command has.
    """
    key = ".".join(re.findall(r'Parser key "([^"]+)"', message))
    kinds = re.findall(r"given class_path '([^']+)'", message)
    if found := re.search(r"Option '(\w+)' is not accepted", message):
        return _unknown(f"--{key}.{found[1]}", [f"--{key}.{name}" for name in _arguments(kinds)])
    if found := re.search(r"ambiguous option: (\S+) could match (\S+),", message):
        return f"there is no option {found[1]}; did you mean {found[2]}?"
    if found := re.search(r"unrecognized arguments: (\S+)", message):
        return _unknown(found[1], options)
    if found := re.search(r"following arguments are required: ([\w.]+)", message):
        name = f"{key}.{found[1]}".lstrip(".")
        return f"{name if name in ('picture', 'file') else f'--{name}'} is missing"
    if found := re.search(r"File does not exist: '([^']+)'", message):
        return no_config(Path(found[1]))
    if found := re.search("|".join(_REASONS), message):
        return _no_class(key, found[0], message)
    if found := re.search(r"Expected an? (\S.*?)\. Got value: (.*)", message):
        return f"--{key} must be {_in_words(found[1], found[2])}, not {found[2]}"
    if found := re.search(r"Given value: NestedArg\(key='[\w.]*?(\w+)'", message):
        return f"--{key}.{found[1]} belongs to a class that is not named: give --{key} CLASS before it"
    if found := re.search(r"Expected an? <class '([\w.]+)'>.*Given value: (\S+)", message, re.DOTALL):
        return f"--{key} must be {_in_words(found[1], found[2])}, not {found[2]}"
    return " ".join(message.split())


def _unknown(option: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(option.partition("=")[0], list(known), n=1)
    return f"there is no option {option}" + (f"; did you mean {close[0]}?" if close else "")


def no_config(path: Path) -> str:
    """A sentence on a config that is not there, and on the one that was meant."""
    here = {other.stem: str(other) for other in path.parent.glob("*.yaml")}
    names = {name: name for name in config_names()} | here
    close = difflib.get_close_matches(path.stem, names, n=1)
    meant = f"did you mean {names[close[0]]}?" if close else f"give a file, or one of {', '.join(config_names())}"
    return f"the config {path} is not there; {meant}"


def _no_class(key: str, reason: str, message: str) -> str:
    """Of a class that is not known, abstract, of another kind or in no module: those that can be used."""
    values = re.findall(r"Given value: (?:\[.*(?<!=)'(?=\w))?([^\s'\[]+)", message)  # of a list the last name
    bases = [text for text in re.findall(r"Subtypes: \[(?:list\[|<class ')([\w.]+)", message) if "." in text]
    value = next((text for text in values if not text.startswith("NestedArg")), "")
    names = sorted(kind.__name__ for kind in _subclasses(_class(bases[-1]))) if bases else []
    known = f"take one of {', '.join(names)}, or the class path of your own" if names else "give a class path"
    why = "there is no class of this name" if "dot import" in reason else reason
    return f"--{key} {value} cannot be used: {why}; {known}"


def _subclasses(kind: type) -> Iterator[type]:
    one: type
    for one in kind.__subclasses__():
        if not inspect.isabstract(one) and not one.__name__.startswith("_") and one.__module__.startswith(_OURS):
            yield one
        yield from _subclasses(one)


def _arguments(kinds: Sequence[str]) -> list[str]:
    """Names of the arguments of the last class that was tried."""
    return list(inspect.signature(_class(kinds[-1])).parameters) if kinds else []


def _class(path: str) -> type:
    module, _, name = path.rpartition(".")
    found: type = getattr(import_module(module), name)
    return found


def _in_words(kind: str, value: str) -> str:
    if literal := re.search(r"Literal\[(.*)\]", kind):
        return "one of " + literal[1].replace("'", "")
    name = re.sub(r"<class '([\w.]+)'>", r"\1", kind)
    return f'a list, "[{value}]"' if name == "collections.abc.Sequence" else _TYPES.get(name, name)
