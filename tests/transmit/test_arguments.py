"""``encode``, ``decode`` and ``show`` take the configs of ``fit``, and its names of options."""

from collections.abc import Callable
from pathlib import Path

import pytest
from jsonargparse import ArgumentParser

from lightning_app.errors import OptionError
from lightning_app.transmit.arguments import with_configs

Dfc = Callable[..., tuple[int, str, str]]

CONFIG = """
seed_everything: 3
model:
  network: net.cfg
  learning_rate: 0.1
  nms_threshold: 0.3
  criterion: {class_path: Rate}
  picture: {codec: JPEG}
  channel: {split: max_7, bits: 10, qps: [22], transform: {class_path: KLT, init_args: {sensitivity: 0.5}}}
data: {class_path: Pictures, init_args: {root: there, resize: letterbox}}
trainer: {max_epochs: 3}
"""


def parser(*names: str) -> ArgumentParser:
    made = ArgumentParser()
    for name in names:
        made.add_argument(f"--{name}")
    return made


MOBILE = parser("network", "weights", "resize", "channel", "channel.split", "channel.depth", "channel.transform")
CLOUD = parser("network", "weights", "nms_threshold", "transform", "codec")


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "run.yaml"
    path.write_text(CONFIG)
    return str(path)


KLT = '{"class_path": "KLT", "init_args": {"sensitivity": 0.5}}'


def test_a_config_gives_what_a_side_needs_and_nothing_of_the_training(config: str) -> None:
    mobile = ["--channel.split=max_7", "--channel.depth=10", f"--channel.transform={KLT}", "--resize=letterbox"]
    assert with_configs(["x.jpg", "-c", config, "--qp", "32"], MOBILE) == [
        *("x.jpg", "--network=net.cfg"),
        *mobile,
        *("--qp", "32"),
    ]
    assert with_configs([f"--config={config}"], CLOUD) == [
        "--network=net.cfg",
        "--nms_threshold=0.3",
        f"--transform={KLT}",
    ]


def test_an_option_has_its_name_in_fit_too() -> None:
    given = ["--model.network", "a.cfg", "--model.weights=w", "--model.channel.split", "max_5", "--data.resize=plain"]
    said = ["--network", "a.cfg", "--weights=w", "--channel.split", "max_5", "--resize=plain"]
    assert with_configs(given, MOBILE) == said
    codec = ["--model.channel.codec", "HEVC", "--model.channel.codec.settings=best"]
    assert with_configs(codec, CLOUD) == ["--codec", "HEVC", "--codec.settings=best"]
    assert with_configs(["--model.channel.transform.keep", "1"], MOBILE) == ["--channel.transform.keep", "1"]


def test_an_option_that_is_only_for_training_is_no_option_here() -> None:
    assert with_configs(["--model.learning_rate", "1"], CLOUD) == ["--model.learning_rate", "1"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1, 2]", r"is not a list of `key: value` pairs: give a config of `dfc fit`$"),
        ("a: [", r"cannot be read: while parsing"),
        (None, r"run.yaml is not there; give a file, or one of "),
    ],
)
def test_what_is_no_config_is_refused_in_one_sentence(config: str, text: str | None, said: str) -> None:
    if text is None:
        Path(config).unlink()
    else:
        Path(config).write_text(text)
    with pytest.raises(OptionError, match=said) as raised:
        with_configs(["-c", config], CLOUD)
    assert "\n" not in str(raised.value)


def test_a_picture_is_sent_by_the_configs_of_its_training(dfc: Dfc, workplace: Path, shared: Path) -> None:
    weights = ("--model.weights", str(shared / "weights/yolo-lite/tiny-yolov2-trial3.weights"))
    picture = str(shared / "VOCdevkit/VOC2007/JPEGImages/000001.jpg")
    options = ("--network", "configs/networks/yolo-lite.cfg", "--weights", weights[1])
    by_config = ("-c", "yolo_lite", *weights)
    for name, given in (("options", (*options, "--channel.split")), ("config", (*by_config, "--model.channel.split"))):
        status, _, err = dfc("encode", picture, "-o", f"{name}.dfc", "--qp", "32", *given, "max_7")
        assert (status, err) == (0, "")
        status, _, err = dfc("decode", f"{name}.dfc", *given[:-1])
        assert (status, err) == (0, "")
    assert (workplace / "config.dfc").read_bytes() == (workplace / "options.dfc").read_bytes()
    assert (workplace / "config.json").read_text() == (workplace / "options.json").read_text()
    assert "cut behind:         max_7, layer 7" in dfc("show", "config.dfc", *by_config)[1]
