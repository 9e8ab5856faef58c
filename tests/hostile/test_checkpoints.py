"""Checkpoints: nothing in them runs, by whatever way they come, and what is cut or changed is refused by name."""

import io
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric.plugins.io import TorchCheckpointIO

from lightning_app.checkpoint import save_checkpoint
from lightning_app.darknet import Network
from lightning_app.errors import WeightsError
from lightning_app.lightning_fixes.checkpoint_files import CheckpointFiles
from lightning_app.trainer import Trainer

SHAPES = Path(__file__).parents[2] / "configs/networks/shapes.cfg"
Mutate = Callable[[np.random.Generator, bytes], bytes]
Dfc = Callable[..., tuple[int, str, str]]
forms = pytest.mark.parametrize(
    "count", [80, pytest.param(2000, marks=[pytest.mark.soak, pytest.mark.slow, pytest.mark.timeout(7200)])]
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("checkpoint") / "a.ckpt"
    save_checkpoint(Network.from_cfg(SHAPES), path, SHAPES)
    return path.read_bytes()


@forms
def test_a_changed_checkpoint_is_refused_by_name_or_gives_the_same_network(
    fuzz: Any, sound: bytes, bytewise: Mutate, count: int
) -> None:
    """A change of what says nothing, such as a date, is no damage."""
    same = fuzz.open("weights", sound, "a.ckpt").said

    def mutate(rng: np.random.Generator, data: bytes) -> bytes:
        """Half of the changes are among the values, where only a checksum can see them."""
        at = int(rng.integers(len(data) // 4, len(data)))
        return bytewise(rng, data) if rng.random() < 0.5 else data[:at] + bytewise(rng, data[at:])

    reports = fuzz.mutated("weights", [sound], "a.ckpt", count, mutate)
    assert {report.said for report in reports if report.outcome == "fine"} <= {same}
    assert sum(report.outcome == "refused" for report in reports) > 0.9 * count


class Bomb:
    """Pickled, it makes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


def hostile(path: Path, sound: bytes, fired: Path) -> Path:
    """A checkpoint that fits in all, and runs a command where it is unpickled without care."""
    content = torch.load(io.BytesIO(sound), weights_only=True)
    torch.save({**content, "bomb": Bomb(fired)}, path)
    return path


def test_the_bomb_goes_off_where_it_is_loaded_without_care(tmp_path: Path, sound: bytes) -> None:
    path = hostile(tmp_path / "bomb.ckpt", sound, tmp_path / "fired")
    torch.load(path, weights_only=False)
    assert (tmp_path / "fired").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["test", "--model.weights", "bomb.ckpt"],
        ["test", "--ckpt_path", "bomb.ckpt"],
        ["test", "--ckpt_path", "bomb.ckpt", "--weights_only", "false"],
        ["fit", "--ckpt_path", "bomb.ckpt"],
    ],
    ids=" ".join,
)
def test_nothing_in_a_checkpoint_runs(
    dfc: Dfc, tiny: tuple[str, ...], tmp_path: Path, sound: bytes, arguments: list[str]
) -> None:
    hostile(Path("bomb.ckpt"), sound, tmp_path / "fired")
    status, _, err = dfc(arguments[0], *tiny, *arguments[1:])
    last = err.strip().splitlines()[-1]
    assert (status, last) == (2, "dfc: bomb.ckpt is no checkpoint of this program: torch cannot load it")
    assert not (tmp_path / "fired").exists()


def test_nothing_in_a_checkpoint_runs_though_the_environment_allows_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sound: bytes
) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    path = hostile(tmp_path / "bomb.ckpt", sound, tmp_path / "fired")
    for address in (str(path), f"file://{path}"):
        with pytest.raises((WeightsError, pickle.UnpicklingError)):
            CheckpointFiles().load_checkpoint(address, weights_only=False)
    assert not (tmp_path / "fired").exists()


def test_a_reader_that_a_user_chose_is_kept() -> None:
    class Own(TorchCheckpointIO):
        pass

    quiet = {"logger": False, "enable_checkpointing": False, "accelerator": "cpu"}
    assert type(Trainer(plugins=[Own()], **quiet).strategy.checkpoint_io) is Own
    assert type(Trainer(**quiet).strategy.checkpoint_io) is CheckpointFiles


@pytest.mark.parametrize("way", ["--model.weights", "--ckpt_path"])
def test_half_a_checkpoint_is_told_in_one_sentence_with_its_name(
    dfc: Dfc, tiny: tuple[str, ...], sound: bytes, way: str
) -> None:
    Path("half.ckpt").write_bytes(sound[: len(sound) // 2])
    status, _, err = dfc("test", *tiny, way, "half.ckpt")
    assert (status, err.strip().splitlines()[-1]) == (
        2, "dfc: half.ckpt is cut short or damaged, or no checkpoint of this program"
    )  # fmt: skip
    assert "Traceback" not in err


def test_a_value_that_changed_on_disk_is_refused(fuzz: Any, sound: bytes) -> None:
    """torch itself loads it: it compares no checksums."""
    with zipfile.ZipFile(io.BytesIO(sound)) as archive:
        values = max((archive.read(entry) for entry in archive.namelist()), key=len)
    at = sound.index(values) + len(values) // 2
    changed = sound[:at] + bytes([sound[at] ^ 64]) + sound[at + 1 :]
    assert "state_dict" in torch.load(io.BytesIO(changed), weights_only=True)
    report = fuzz.open("weights", changed, "a.ckpt")
    assert report.outcome == "refused"
    assert "a.ckpt is damaged: the checksum of archive/data/" in report.said


def test_an_archive_that_unpacks_into_gigabytes_is_refused(fuzz: Any) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(1 << 28))
    report = fuzz.open("weights", file.getvalue(), "a.ckpt")
    assert report.outcome == "refused"
    assert "a.ckpt is no checkpoint of this program: it is compressed" in report.said


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"seen": -1}, "its seen is of another kind"),
        ({"seen": 1.5}, "its seen is of another kind"),
        ({"state_dict": {"network.layers.conv_0.conv.weight": [1]}}, "its state_dict is of another kind"),
        ({"state_dict": {}}, "holds 0 values in 0 tensors and the network needs"),
        ({"state_dict": {3: torch.zeros(1)}}, "its state_dict is of another kind"),
        ({"darknet_version": "0.2.0"}, "its darknet_version is of another kind"),
        ({"hyper_parameters": [1]}, "its hyper_parameters is of another kind"),
    ],
)
def test_contents_of_another_kind_are_refused(
    fuzz: Any, sound: bytes, changes: dict[str, object], sentence: str
) -> None:
    file = io.BytesIO()
    torch.save({**torch.load(io.BytesIO(sound), weights_only=True), **changes}, file)
    report = fuzz.open("weights", file.getvalue(), "a.ckpt")
    assert report.outcome == "refused"
    assert sentence in report.said


@pytest.mark.parametrize("network", [7, ["a"], "/etc/hostname"])
def test_a_checkpoint_names_a_cfg_and_no_other_file(dfc: Dfc, sound: bytes, network: object) -> None:
    content = torch.load(io.BytesIO(sound), weights_only=True)
    torch.save({**content, "hyper_parameters": {"network": network}}, "a.ckpt")
    status, _, err = dfc("weights", "inspect", "a.ckpt")
    assert (status, err) == (2, "dfc: a.ckpt does not say which network it fills; give its .cfg as --network\n")
