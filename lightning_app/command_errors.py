"""What is wrong with a command line or a config, in one sentence instead of jsonargparse's pages."""

from __future__ import annotations

import difflib
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
_NUMBER_OR_WORD = re.compile(
    r"Subtypes: \[<class 'int'>, typing\.Literal\[([^\]]*)\]\](?:(?!Subtypes).)*?Given value: (\S+)", re.DOTALL
)
"""What jsonargparse says of a QP that is none."""
_OURS = ("lightning_app.", "pytorch_lightning.")
"""Packages whose classes a name suffices for; others need their class path."""
_LONG = re.compile(r"^--(?:model\.)?(?:channel\.|data\.)?")
"""What the name of an option has before it in ``fit``, and not in other commands."""
_LIKE = 0.6
"""From which likeness on a name may be what was meant, as in `difflib`."""
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
        group = self._subcommands_action
        if group is not None and (found := re.search(rf"required: ({'|'.join(group.choices)})\.", message)):
            parser, message = group.choices[found[1]], message.replace(f"{found[1]}.", "")
        options = [text for action in parser._actions for text in action.option_strings]
        options = [text for text in options if not text.endswith((".help", "+"))]
        places = {one.dest: str(one.metavar or one.dest) for one in parser._actions if not one.option_strings}
        said = sentence(message, options, places)
        raise OptionError(f"{said} (`{command_of(parser)} --help` lists the options)") from ex


def command_of(parser: ArgumentParser) -> str:
    """The command of a parser, as one types it."""
    return parser.prog.replace(" [options]", "").replace("__main__.py", "dfc")


def sentence(message: str, options: Sequence[str] = (), places: Mapping[str, str] | None = None) -> str:
    """What a message of jsonargparse says, in one sentence.

    Args:
        message: may have many lines: one for each type that was tried.
        options: that the command has.
        places: of the arguments without dashes that it has, the names that the help shows.
    """
    places = places or {}
    key = ".".join(re.findall(r'Parser key "([^"]+)"', message))
    kinds = re.findall(r"given class_path '([^']+)'", message)
    if found := re.search(r"Option '(\w+)' is not accepted", message):
        return _unknown(f"--{key}.{found[1]}", [f"--{key}.{name}" for name in _arguments(kinds)])
    if found := re.search(r"ambiguous option: (\S+) could match (\S+),", message):
        return f"there is no option {found[1]}; did you mean {found[2]}?"
    if found := re.search(r"unrecognized arguments: (\S+)", message):
        return _unknown(found[1], options)
    if found := re.search(r"Problems parsing config: (.*)", message, re.DOTALL):
        return f"a config cannot be read: {' '.join(found[1].split())}"
    if found := re.search(r"does not accept option '([\w.]+)'", message):
        close = difflib.get_close_matches(f"--{found[1]}", options, n=1)
        meant = f"; did you mean {close[0].lstrip('-')}?" if close else ""
        return f"the config has the key {found[1]}, which this command does not know{meant}"
    if found := re.search(r"following arguments are required: ([\w., ]+)", message):
        names = [f"{key}.{name}".lstrip(".") for name in found[1].split(", ")]
        names = [places.get(name, f"--{name}") for name in names]
        return f"{', '.join(names)} {'are' if len(names) > 1 else 'is'} missing"
    if found := re.search(r"to be one of \{(.*)\}, but it was not provided", message):
        return f"a subcommand is missing: give one of {found[1].replace(',', ', ')}"
    if found := re.search(r"argument (\S+): invalid choice: '?(.*?)'? \(choose from (.*)\)", message):
        return _no_choice(places.get(found[1], found[1]), found[2], found[3].replace("'", ""))
    if found := re.search(r"(\S+) not among choices [\[(](.*)[\])]", message):
        return _no_choice(places.get(key, f"--{key}"), found[1].strip("'"), found[2].replace("'", ""))
    if found := re.search(r"argument (\S+): expected (?:one|at least one) argument", message):
        return f"{_without_value(found[1].partition('/')[0])} has no value: write one behind it"
    if "Not of type Path" in message:
        return f"{places.get(key, f'--{key}')} must be the path of a file or a folder"
    if found := re.search(r"File does not exist: '([^']+)'", message):
        return no_config(Path(found[1]))
    if found := re.search("|".join(_REASONS), message):
        return _no_class(key, found[0], message)
    if found := re.search(r"Expected an? <class 'collections.abc.Sequence'>.*Given value: (\[\S*)", message, re.DOTALL):
        return f'--{key} {found[1]} is a list that was cut at a space: put it in quotation marks, as in "[a, b]"'
    if found := re.search(_NUMBER_OR_WORD, message):
        return _no_number_or_word(key, found[2], found[1].replace("'", "").split(", "))
    if found := re.search(r"Expected an? (\S.*?)\. Got value: (.*)", message):
        return f"{places.get(key, f'--{key}')} must be {_in_words(found[1], found[2])}, not {found[2]}"
    if found := re.search(r"Given value: NestedArg\(key='[\w.]*?(\w+)'", message):
        return f"--{key}.{found[1]} belongs to a class that is not named: give --{key} CLASS before it"
    if found := re.search(r"Expected an? <class '([\w.]+)'>.*Given value: (\S+)", message, re.DOTALL):
        return f"--{key} must be {_in_words(found[1], found[2])}, not {found[2]}"
    return " ".join(message.split())


def _without_value(name: str) -> str:
    """The option as it was typed: of an argument of a class, argparse names only the option of the class."""
    words = sys.argv[1:]
    followed = zip(words, [*words[1:], "--"], strict=True)
    bare = [word for word, after in followed if word.startswith(name) and after.startswith("-") and "=" not in word]
    return bare[0] if bare else name


def _no_number_or_word(key: str, value: str, words: Sequence[str]) -> str:
    close = difflib.get_close_matches(value, words, n=1)
    meant = f"; did you mean {close[0]}?" if close else ""
    *others, last = ["whole numbers", *words]
    return f"--{key} takes {', '.join(others)} and {last}, not {value}{meant}"


def _no_choice(name: str, value: str, choices: str) -> str:
    if name == "subcommand":
        close = difflib.get_close_matches(value, choices.split(", "), n=1)
        return f"there is no subcommand {value}" + (f"; did you mean {close[0]}?" if close else f": take {choices}")
    return f"{name} must be one of {choices}, not {value}"


def _unknown(option: str, known: Iterable[str]) -> str:
    if not option.startswith("-"):
        return f"{option} is one argument too many"
    name = option.partition("=")[0]
    likeness = {text: max(_likeness(name, text), _likeness(_LONG.sub("--", name), text)) for text in known}
    close = max(likeness, key=likeness.__getitem__, default="")
    return f"there is no option {option}" + (f"; did you mean {close}?" if likeness.get(close, 0) >= _LIKE else "")


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, other, one).ratio()


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
