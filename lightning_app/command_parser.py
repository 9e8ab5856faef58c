"""The parser of the commands that are not Lightning's: jsonargparse's, with ``--config`` and mistakes in a sentence."""

from __future__ import annotations

import json
from argparse import HelpFormatter
from collections.abc import Mapping
from typing import Any

from jsonargparse import Namespace
from jsonargparse._actions import ActionConfigFile

from lightning_app.command_config import known_of, options_in, short_names
from lightning_app.command_errors import OneSentence, command_of
from lightning_app.command_help import Help
from lightning_app.errors import OptionError
from lightning_app.old_names import renamed_arguments

CONFIG = "config in YAML with options of this command as keys; may be repeated; what stands later wins"
SHARED = (
    "config of `dfc fit` or `dfc test`, of which this command reads only what concerns it, or a YAML file with options "
    "of this command as keys; may be repeated; what stands later wins"
)


class ReadConfig(ActionConfigFile):
    """Reads a config of the command's own, or one of ``fit``."""

    def __call__(self, parser: Any, cfg: Any, values: Any, option_string: str | None = None) -> None:  # noqa: ARG002
        """Set what the config says; an argument without dashes that was given stays."""
        known = known_of(parser)
        found = options_in(values, known)
        many = {action.dest for action in parser._actions if action.nargs in ("+", "*")}
        kept = {
            name: _listed(value) if name in many else value
            for name, value in found.items()
            if name not in known.places or not cfg.get(name)
        }
        try:
            self.apply_config(parser, cfg, self.dest, json.dumps(kept, default=str))
        except OptionError as error:
            raise OptionError(f"the config {values}: {error}") from error
        for action in parser._actions:
            if action.nargs == "?" and action.dest in kept:  # else argparse would set its default again
                action.default = cfg.get(action.dest)


def _listed(value: object) -> object:
    """What an option that takes several has in a config: a list, or one value, or names with values."""
    if isinstance(value, Mapping):
        return [f"{name}={one}" for name, one in value.items()]
    return [value] if isinstance(value, str) else value


class CommandParser(OneSentence):
    """The parser of one command, or of one that has subcommands.

    Args:
        prog: the command, such as ``dfc data check``; none for the arguments of a class, for which jsonargparse makes
            a parser inside.
        description: what it does.
        config: whether it has ``-c`` and ``--config``, and ``--print_config``.
    """

    def __init__(
        self, prog: str | None = None, description: str | None = None, *, config: bool = True, **kwargs: Any
    ) -> None:
        how: dict[str, Any] = {"formatter_class": Help, "allow_abbrev": True} | kwargs
        super().__init__(prog=prog, description=description, **how)
        self.is_command = prog is not None
        if config and self.is_command:
            self.add_argument("-c", "--config", action=ReadConfig, metavar="CONFIG", help=CONFIG)

    def subcommand(self, parser: CommandParser, summary: str) -> CommandParser:
        """Add the parser of a subcommand, whose name is the last word of its command."""
        command = parser.prog
        below = self._subcommands_action or self.add_subcommands(dest="subcommand", title="subcommands", description="")
        below.add_subcommand(command.split()[-1], parser, help=summary)
        parser.prog = command  # as one types it
        return parser

    def format_help(self, formatter: HelpFormatter | None = None) -> str:
        """The help; only now it is known which options there are."""
        for action in self._actions:
            if isinstance(action, ReadConfig) and known_of(self).shares:
                action.help = SHARED
        return super().format_help(formatter)

    def parse_args(self, args: Any = None, namespace: Any = None, **kwargs: Any) -> Namespace:  # type: ignore[override]
        """Parse a command line, in which options may have their old names and those of ``fit``."""
        if self.is_command and self._subcommands_action is None:
            args = short_names(renamed_arguments(args, command_of(self)), self)
        return super().parse_args(args, namespace, **kwargs)
