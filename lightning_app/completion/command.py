"""``dfc completion``: the script by which bash or zsh completes ``dfc``."""

from __future__ import annotations

from lightning_app.command_parser import CommandParser

SHELLS = ("bash", "zsh")


def run(arguments: list[str]) -> None:
    """Parse a command line and run it."""
    options = make_parser().parse_args(arguments)
    # It imports all of the program, which the help does without.
    from lightning_app.completion.script import script

    print(script(options.shell))  # noqa: T201


def make_parser() -> CommandParser:
    """The options of ``dfc completion``."""
    parser = CommandParser(
        "dfc completion",
        "Print a script. With it, the Tab key of the shell completes commands, options and values of dfc. "
        "The script lists them all: print it again after an upgrade of dfc.",
        config=False,
    )
    parser.add_argument("shell", choices=SHELLS, help="your shell")
    return parser
