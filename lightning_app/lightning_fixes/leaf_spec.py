"""torch warns of what Lightning asks it for."""

from __future__ import annotations

import warnings


def ignore_deprecated_leaf_spec() -> None:
    """Keep a warning from the user, who can do nothing about it.

    Seen in Lightning 2.6.6 with torch 2.13: the loader's limits go through a class of ``torch.utils._pytree`` whose use
    torch calls deprecated. This can go, together with the line of pyproject.toml, when Lightning asks ``is_leaf()``.
    """
    warnings.filterwarnings("ignore", "`isinstance\\(treespec, LeafSpec\\)`", module="pytorch_lightning")
