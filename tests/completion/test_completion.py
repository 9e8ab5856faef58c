"""What the Tab key gives, asked of a real bash that has read the script."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lightning_app.__main__ import COMMANDS, OF_LIGHTNING
from lightning_app.completion.command import SHELLS
from lightning_app.completion.script import parsers, subcommands
from lightning_app.shipped import config_names, network_names

INSTALL = Path(__file__).parents[2] / "docs/start/install.md"
ASK = 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _shtab_dfc; printf "%s\\n" "${COMPREPLY[@]}"'
"""Says what stands in the place of the last word of a line."""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The file of each shell's script, by a process of its own: the classes of other tests would be offered too."""
    files = {shell: tmp_path_factory.mktemp("completion") / shell for shell in SHELLS}
    for shell, file in files.items():
        run = [sys.executable, "-m", "lightning_app", "completion", shell]
        done = subprocess.run(run, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        file.write_text(done.stdout)
    return files


@pytest.fixture
def completed(scripts: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Completed":
    """What bash gives for a command line, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return Completed(scripts["bash"])


class Completed:
    def __init__(self, file: Path) -> None:
        self.file = file

    def __call__(self, *words: str) -> list[str]:
        run = ["bash", "--norc", "-c", ASK, str(self.file), "dfc", *words]
        done = subprocess.run(run, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        return [line for line in done.stdout.splitlines() if line]


def test_every_command_is_completed(completed: Completed) -> None:
    assert set(completed("")) == {*COMMANDS, *OF_LIGHTNING}
    assert completed("eva") == ["evaluate"]


def test_every_parser_belongs_to_a_command() -> None:
    assert set(parsers()) == {*COMMANDS, *OF_LIGHTNING}


@pytest.mark.parametrize(
    ("command", "names"),
    [("data", {"convert", "adapt", "check", "download", "make"}), ("weights", {"inspect", "convert", "onnx"})],
)
def test_subcommands_are_completed(completed: Completed, command: str, names: set[str]) -> None:
    assert set(completed(command, "")) == names
    assert set(subcommands(parsers()[command])) == names


@pytest.mark.parametrize("command", OF_LIGHTNING)
@pytest.mark.parametrize(
    ("begun", "whole"),
    [
        ("--model.channel.sp", "--model.channel.split"),
        ("--model.channel.transfor", "--model.channel.transform"),
        ("--model.channel.cod", "--model.channel.codec"),
        ("--model.channel.codec.sett", "--model.channel.codec.settings"),
        ("--data.roo", "--data.root"),
        ("--data.trai", "--data.train"),
        ("--trainer.devi", "--trainer.devices"),
        ("--trainer.max_st", "--trainer.max_steps"),
        ("--trainer.logger.na", "--trainer.logger.name"),
    ],
)
def test_options_of_classes_within_classes_are_completed(
    completed: Completed, command: str, begun: str, whole: str
) -> None:
    assert whole in completed(command, "-c", "yolo_lite", begun)


def test_options_of_our_own_commands_are_completed(completed: Completed) -> None:
    assert completed("profile", "--mobile_w") == ["--mobile_watts"]
    assert completed("weights", "onnx", "--pass") == ["--passthrough"]
    assert completed("encode", "x.jpg", "--spl") == ["--split"]
    assert completed("data", "make", "--test") == ["--test_pictures"]


def test_options_follow_one_that_takes_several_values_or_none(completed: Completed) -> None:
    assert completed("profile", "--points", "points.csv", "--rep") == ["--repeats"]
    assert completed("fit", "--print_config", "--data.roo") == ["--data.root"]


def test_choices_are_completed_by_the_names_that_one_types(completed: Completed) -> None:
    assert completed("fit", "--model.channel.codec", "HE") == ["HEVC"]
    assert completed("fit", "--model.channel.passthrough", "") == ["reduced", "full"]
    assert completed("fit", "--data", "Sha") == ["ShapesDataModule"]
    assert "null" not in completed("fit", "--model.channel.transform", "")
    assert completed("completion", "") == ["bash", "zsh"]


def test_the_codec_of_training_is_completed_as_the_codec(completed: Completed) -> None:
    for option in ("--model.channel.training_codec", "--model.channel.codec"):
        assert completed("fit", option, "HE") == ["HEVC"]
        assert completed("fit", f"{option}.settings", "fastes") == ["fastest"]
        assert completed("fit", f"{option}.sett") == [f"{option}.settings"]


def test_names_of_configs_and_networks_are_completed_and_files(completed: Completed) -> None:
    for command, option in (("fit", "-c"), ("fit", "--config"), ("encode", "--config")):
        assert completed(command, option, "") == config_names()
    for command, option in (("fit", "--model.network"), ("profile", "--network"), ("encode", "--network")):
        assert completed(command, option, "") == network_names()
    Path("yolo_mine.yaml").touch()
    assert completed("fit", "-c", "yolo_") == ["yolo_fastest", "yolo_lite", "yolo_mine.yaml"]
    assert completed("fit", "--model.network", "yolo_") == ["yolo_mine.yaml"]


def test_all_else_is_completed_by_files(completed: Completed) -> None:
    Path("mine.weights").touch()
    for line in (("fit", "--model.weights"), ("fit", "--data.root"), ("show",), ("report",), ("data", "check")):
        assert completed(*line, "mi") == ["mine.weights"]


def test_what_nobody_types_is_left_out(completed: Completed) -> None:
    options = completed("fit", "--")
    assert [option for option in options if "+" in option or "._" in option or " " in option] == []
    assert [option for option in options if option.startswith("--trainer.strategy.")] == []


def test_the_script_starts_no_python(scripts: dict[str, Path]) -> None:
    for file in scripts.values():
        assert "python" not in file.read_text()


def test_zsh_understands_its_script(scripts: dict[str, Path]) -> None:
    try:
        subprocess.run(["zsh", "-n", scripts["zsh"]], check=True)
    except FileNotFoundError:
        pytest.skip("zsh is not installed")
    assert scripts["zsh"].read_text().startswith("#compdef dfc\n")


@pytest.mark.slow
def test_the_line_of_the_installation_makes_every_new_bash_complete(tmp_path: Path) -> None:
    line = next(line for line in INSTALL.read_text().splitlines() if line.startswith("dfc completion bash"))
    environment = {**os.environ, "HOME": str(tmp_path), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-c", line], env=environment, check=True)
    new = ["bash", "--rcfile", str(tmp_path / ".bashrc"), "-i", "-c", "complete -p dfc"]
    done = subprocess.run(new, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "complete -o bashdefault -F _shtab_dfc dfc\n"


def test_another_shell_is_told_those_that_there_are() -> None:
    run = [sys.executable, "-m", "lightning_app", "completion", "csh"]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "shell must be one of bash, zsh, not csh" in done.stderr
