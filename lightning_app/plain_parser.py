"""A parser for commands without a config, which says what is wrong in one sentence. It imports nothing slow."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from typing import Any, NoReturn

from lightning_app.errors import OptionError

_UNKNOWN, _MISSING = "unrecognized arguments: ", "the following arguments are required: "
"""How argparse begins these messages."""


class PlainParser(argparse.ArgumentParser):
    """argparse's parser; its subparsers are of this class too."""

    given: Sequence[str] = ()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Keep the arguments, to find what was meant by one that is unknown."""
        self.given = [] if args is None else list(args)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Raise `OptionError` with one sentence."""
        raise OptionError(
            f"{self._unknown(message) or self._in_words(message)} (`{self.prog} --help` lists the options)"
        )

    def _unknown(self, message: str) -> str | None:
        """A sentence on the first option that does not exist, if there is one."""
        known, given = self._options(), self.given
        if message.startswith(_UNKNOWN):  # of a subcommand too
            given = message.removeprefix(_UNKNOWN).split()
        elif self._commands():  # a subcommand's options are its own affair
            return None
        for name in (word.partition("=")[0] for word in given):
            if name.startswith("--") and not any(text.startswith(name) for text in known):  # argparse takes beginnings
                close = difflib.get_close_matches(name, known, n=1)
                return f"there is no option {name}" + (f"; did you mean {close[0]}?" if close else "")
        return None

    def _commands(self) -> list[PlainParser]:
        """The parsers of the subcommands, on all levels."""
        groups = [action for action in self._actions if isinstance(action, argparse._SubParsersAction)]
        below = [parser for group in groups for parser in group.choices.values()]
        return [*below, *(deeper for parser in below for deeper in parser._commands())]

    def _options(self) -> list[str]:
        parsers = [self, *self._commands()]
        return [text for parser in parsers for action in parser._actions for text in action.option_strings]

    def _in_words(self, message: str) -> str:
        if not message.startswith(_MISSING):
            return message
        names = message.removeprefix(_MISSING)
        return f"{names} {'are' if ',' in names else 'is'} missing"
