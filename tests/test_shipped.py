"""Configs and networks that come with the program are found by name, from any folder."""

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from lightning_app.darknet import Network
from lightning_app.darknet.cfg import read_cfg
from lightning_app.errors import CfgError
from lightning_app.shipped import FOLDER, config_names, find_config, find_network, network_names, with_found_configs

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("given", ["yolo_lite", "yolo_lite.yaml", "configs/yolo_lite.yaml"])
def test_a_config_has_its_name_and_its_path_in_the_repository(given: str) -> None:
    assert find_config(given) == FOLDER / "yolo_lite.yaml"


@pytest.mark.parametrize("given", ["yolo-lite", "yolo-lite.cfg", "configs/networks/yolo-lite.cfg"])
def test_a_network_has_its_name_and_its_path_in_the_repository(given: str) -> None:
    assert find_network(given) == FOLDER / "networks/yolo-lite.cfg"
    assert len(read_cfg(given)) == len(Network.from_cfg(REPOSITORY / "configs/networks/yolo-lite.cfg").sections)


def test_a_file_of_the_current_folder_comes_first(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    mine = tmp_path / "configs/yolo_lite.yaml"
    mine.write_text("model: {}\n")
    assert find_config("configs/yolo_lite.yaml").resolve() == mine
    assert find_config("yolo_lite") == FOLDER / "yolo_lite.yaml"


def test_a_folder_of_the_name_does_not_hide_a_network(tmp_path: Path) -> None:
    (tmp_path / "yolo-lite").mkdir()
    assert find_network("yolo-lite") == FOLDER / "networks/yolo-lite.cfg"


@pytest.mark.parametrize("given", ["/configs/yolo_lite.yaml", "other/yolo_lite.yaml", "networks/yolo-lite.cfg", ""])
def test_any_other_path_stays_as_it_is(given: str) -> None:
    assert find_config(given) == Path(given)


def test_every_way_to_give_a_config_is_looked_up() -> None:
    found = str(FOLDER / "distil.yaml")
    given = ["fit", "-c", "distil", "--config", "distil", "-c=distil", "--config=distil", "--trainer.logger", "distil"]
    expected = ["fit", "-c", found, "--config", found, f"-c={found}", f"--config={found}", "--trainer.logger", "distil"]
    assert with_found_configs(given) == expected


def test_every_config_and_network_of_the_repository_has_a_name() -> None:
    configs = {path.stem for path in (REPOSITORY / "configs").glob("*.yaml")}
    assert configs <= set(config_names())
    assert {path.stem for path in (REPOSITORY / "configs/networks").glob("*.cfg")} == set(network_names())


def test_a_network_that_is_not_there_is_answered_by_the_one_that_was_meant() -> None:
    with pytest.raises(CfgError, match=r"^the network yolov2_voc is not there; did you mean yolov2-voc\?$"):
        read_cfg("yolov2_voc")
    with pytest.raises(
        CfgError, match=r"^the network q.cfg is not there; give a file, or one of darknet19, .*yolo9000"
    ):
        read_cfg("q.cfg")


@pytest.mark.slow
def test_the_wheel_works_outside_the_repository(tmp_path: Path) -> None:
    source, wheels, installed = tmp_path / "source", tmp_path / "wheels", tmp_path / "installed"
    source.mkdir()
    for name in ("lightning_app", "codecs", "callbacks", "configs"):
        shutil.copytree(REPOSITORY / name, source / name, symlinks=True)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source / name)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*build, "--wheel-dir", wheels, source], check=True)
    (wheel,) = wheels.iterdir()
    ZipFile(wheel).extractall(installed)

    def python(*arguments: str) -> str:
        environment = {"PYTHONPATH": str(installed)}
        return subprocess.check_output([sys.executable, "-P", *arguments], text=True, env=environment)

    assert "network: configs/networks/shapes.cfg" in python(
        "-m", "lightning_app", "fit", "-c=demo/plain", "--print_config"
    )
    statement = "from lightning_app.darknet.cfg import read_cfg; print(read_cfg('configs/networks/shapes.cfg')[0].file)"
    assert Path(python("-c", statement).strip()) == installed / "lightning_app/configs/networks/shapes.cfg"
