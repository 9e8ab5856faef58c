"""A rank that fails leaves the ranks that it has started alone."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from pytorch_lightning import Trainer

from lightning_app.errors import RankError, Stopped

SIGNS = ("/gloo/", "Connection was likely closed", "remote process exit")
"""What gloo, the store that ranks meet at, and NCCL say when another rank is gone."""


@contextmanager
def ending_together(trainer: Trainer) -> Iterator[None]:
    """Run what all ranks run; if this rank fails, end those that it has started.

    Seen in Lightning 2.6.6: its launcher ends its own rank and the others when one that it has started fails. When its
    own rank fails it leaves them to find out, which over NCCL takes them minutes. The call of ``kill`` can go when
    Lightning makes it. `is_of_another` stays: the reason of the first rank that failed must not be buried.

    Args:
        trainer: of this rank.

    Raises:
        RankError: another rank failed first.
    """
    try:
        yield
    except Stopped:  # as the others were, and they end by themselves
        raise
    except Exception as error:
        if trainer.strategy.launcher is not None:
            trainer.strategy.launcher.kill(signal.SIGKILL)
        if is_of_another(error):
            raise RankError("this rank ends because another one has: what that one said last is the reason") from error
        raise


def is_of_another(error: Exception) -> bool:
    """Whether an error only says that another rank is gone.

    >>> is_of_another(RuntimeError("[third_party/gloo/gloo/transport/tcp/pair.cc:553] Connection closed by peer"))
    True
    """
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in SIGNS)
