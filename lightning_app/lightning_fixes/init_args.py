"""Another class in a later config keeps the arguments of the class before it."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from pkgutil import resolve_name
from typing import Any

from jsonargparse import _typehints
from pytorch_lightning.cli import ArgsType, LightningArgumentParser, LightningCLI

_keep_what_fits: Callable[..., None] = _typehints.discard_init_args_on_class_path_change


class OwnInitArgs(LightningCLI):
    """A LightningCLI in which another ``class_path`` starts from its own defaults.

    Seen in jsonargparse 4.53: it drops only those ``init_args`` that the new class lacks, so that PNG after HEVC at 10
    bits takes 10 bits too. jsonargparse means it so (its issue 460), and has no switch. This can go when it has one.
    """

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Parse with jsonargparse's own rule replaced."""
        _typehints.discard_init_args_on_class_path_change = _keep_nothing
        try:
            super().parse_arguments(parser, args)
        finally:
            _typehints.discard_init_args_on_class_path_change = _keep_what_fits


def _keep_nothing(parser: Any, before: MutableMapping[str, Any] | None, value: MutableMapping[str, Any]) -> None:
    """Drop the arguments of the class before, if the class is another; each has class_path and maybe init_args."""
    named = before and "init_args" in before and before["class_path"]  # without a class_path it is the base class
    if before and named and resolve_name(named) is not resolve_name(value["class_path"]):
        before.pop("init_args")
    _keep_what_fits(parser, before, value)
