"""Checkpoint files, read though they may be damaged, or made to do harm."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from lightning_app.errors import WeightsError


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What Lightning or `save_checkpoint` wrote. Nothing in the file is executed.

    Raises:
        WeightsError: the file cannot be read, is cut short or damaged, or is no checkpoint of a Detector.
    """
    check_archive(path)
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}; {_where_else(path)}") from error
    except Exception as error:  # torch's readers raise all kinds at bytes that are not theirs
        raise WeightsError(f"{path} is no checkpoint of this program: torch cannot load it") from error
    check_content(checkpoint, str(path))
    return cast(dict[str, Any], checkpoint)


def _where_else(path: Path) -> str:
    """What helps where a file is missing: `dfc fit` moves the checkpoints of earlier runs to folders beside theirs."""
    folder = path.parent
    moved = sorted(folder.parent.glob(f"{folder.name}-*/{path.name}"), key=lambda other: other.stat().st_mtime)
    return f"an earlier run's is {moved[-1]}" if moved else "check its name"


def check_archive(path: Path) -> None:
    """Refuse a file of which a part is missing, changed, or larger than it says: torch looks at none of its checksums.

    Raises:
        WeightsError: it cannot be read, or is no whole archive of torch's.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            plain = all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())
            damaged = archive.testzip() if plain else None
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}; {_where_else(path)}") from error
    except Exception as error:  # zipfile raises a dozen types
        raise WeightsError(f"{path} is cut short or damaged, or no checkpoint of this program") from error
    if not plain:
        raise WeightsError(f"{path} is no checkpoint of this program: it is compressed")
    if damaged is not None:
        raise WeightsError(f"{path} is damaged: the checksum of {damaged} in it is wrong")


def check_content(checkpoint: object, source: str) -> None:
    """Refuse what is no checkpoint of a Detector.

    Args:
        checkpoint: what torch loaded.
        source: what to call it.

    Raises:
        WeightsError: a part is missing, or of another kind.
    """
    if not isinstance(checkpoint, dict) or not {"state_dict", "seen"} <= checkpoint.keys():
        raise WeightsError(f"{source} is no checkpoint of this program: it lacks state_dict or seen")
    sound = {
        "state_dict": _is_state(checkpoint["state_dict"]),
        "seen": type(checkpoint["seen"]) is int and checkpoint["seen"] >= 0,
        "darknet_version": _is_version(checkpoint.get("darknet_version", (0, 2, 0))),
        "hyper_parameters": isinstance(checkpoint.get("hyper_parameters", {}), dict),
    }
    if not all(sound.values()):
        wrong = ", ".join(name for name, is_sound in sound.items() if not is_sound)
        raise WeightsError(f"{source} is no checkpoint of this program: its {wrong} is of another kind")


def _is_state(state: object) -> bool:
    return isinstance(state, dict) and all(
        isinstance(name, str) and isinstance(tensor, Tensor) and _is_plain(tensor) for name, tensor in state.items()
    )


def _is_plain(tensor: Tensor) -> bool:
    return tensor.layout == torch.strided and tensor.device.type != "meta" and not tensor.is_complex()


def _is_version(numbers: object) -> bool:
    return isinstance(numbers, (tuple, list)) and len(numbers) == 3 and all(type(number) is int for number in numbers)
