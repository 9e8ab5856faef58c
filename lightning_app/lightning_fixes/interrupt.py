"""Ctrl-C in a run of Lightning ends as ``SystemExit(1)``, without a word."""

from __future__ import annotations


def is_of_ctrl_c(end: SystemExit) -> bool:
    """Whether an exit is Lightning's answer to Ctrl-C.

    Seen in Lightning 2.6.6: the Trainer catches KeyboardInterrupt and calls ``sys.exit(1)``, so that a caller can tell
    it from another exit by its context only. This can go when the Trainer raises KeyboardInterrupt again.

    Args:
        end: what came out of the Trainer.
    """
    return isinstance(end.__context__, KeyboardInterrupt)
