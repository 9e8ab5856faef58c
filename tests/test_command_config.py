"""Every command takes ``--config``: its own options as keys, or a config of ``fit``, whose names it knows."""

from collections.abc import Callable, Iterator
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonargparse import ArgumentParser
from pytorch_lightning.cli import LightningArgumentParser

from lightning_app.__main__ import OF_LIGHTNING
from lightning_app.channel import FeatureChannel
from lightning_app.cli import CLI, make_parser
from lightning_app.command_config import OF_CHANNEL, OF_MODEL, OF_RUN, SECTIONS, known_of, options_in, short_names
from lightning_app.completion.script import parsers, subcommands
from lightning_app.detector import Detector
from lightning_app.errors import OptionError
from lightning_app.shipped import config_names

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
KLT = {"class_path": "KLT", "init_args": {"sensitivity": 0.5}}
NET = "configs/networks/shapes.cfg"
OPTIONLESS = {"doctor", "completion"}
"""Commands that take no options."""


def parser(*names: str) -> ArgumentParser:
    made = ArgumentParser(prog="dfc test")
    for name in names:
        made.add_argument(name)
    return made


MOBILE = parser("picture", "--network", "--weights", "--resize", "--split", "--depth", "--transform")
CLOUD = parser("file", "--network", "--weights", "--nms_threshold", "--transform", "--codec")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "run.yaml"
    path.write_text(CONFIG)
    return path


def read(config: Path, parser: ArgumentParser = CLOUD) -> dict[str, object]:
    return options_in(str(config), known_of(parser))


def printed(dfc: Dfc, *arguments: str | Path) -> dict[str, object]:
    """The options of a command, as its ``--print_config`` prints them."""
    status, out, err = dfc(*arguments, "--print_config")
    assert (status, err) == (0, "")
    found: dict[str, object] = yaml.safe_load(out)
    return found


def refused(dfc: Dfc, *arguments: str | Path) -> str:
    status, out, err = dfc(*arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    return err


def test_a_config_gives_what_a_side_needs_and_nothing_of_the_training(config: Path) -> None:
    mobile = {"network": "net.cfg", "split": "max_7", "depth": 10, "transform": KLT, "resize": "letterbox"}
    assert read(config, MOBILE) == mobile
    assert read(config) == {"network": "net.cfg", "nms_threshold": 0.3, "transform": KLT}


def test_a_config_as_it_is_printed_gives_the_same(config: Path) -> None:
    written = yaml.safe_load(CONFIG)
    channel = {"class_path": "FeatureChannel", "init_args": written["model"]["channel"]}
    config.write_text(yaml.safe_dump({**written, "model": {**written["model"], "channel": channel, "weights": None}}))
    assert read(config, MOBILE)["split"] == "max_7"
    assert read(config)["transform"] == KLT


def test_a_null_stands_for_no_value_where_one_is_needed(config: Path) -> None:
    config.write_text("model: {network: net.cfg, weights: null, channel: {transform: null}}")
    needs = parser("file", "--transform")
    needs.add_argument("--weights", required=True)
    assert read(config, needs) == {"transform": None}


def test_what_an_evaluation_writes_to_is_no_concern_of_another_command(config: Path) -> None:
    writes = parser("--network", "--output")
    config.write_text("network: a.cfg\nqps: [32]\noutput: here\n")
    assert read(config, writes) == {"network": "a.cfg", "output": "here"}
    config.write_text("model: {network: a.cfg}\nqps: [32]\noutput: runs/evaluation\n")
    assert read(config, writes) == {"network": "a.cfg"}


def test_an_option_has_its_name_in_fit_too() -> None:
    given = ["--model.network", "a.cfg", "--model.weights=w", "--model.channel.split", "max_5", "--data.resize=plain"]
    said = ["--network", "a.cfg", "--weights=w", "--split", "max_5", "--resize=plain"]
    assert short_names(given, MOBILE) == said
    codec = ["--model.channel.codec", "HEVC", "--model.channel.codec.settings=best"]
    assert short_names(codec, CLOUD) == ["--codec", "HEVC", "--codec.settings=best"]
    assert short_names(["--channel.transform.keep", "1"], MOBILE) == ["--transform.keep", "1"]


def test_an_option_that_is_only_for_training_is_no_option_here() -> None:
    assert short_names(["--model.learning_rate", "1"], CLOUD) == ["--model.learning_rate", "1"]


def test_the_keys_of_trainings_and_measurements_are_those_of_their_commands() -> None:
    dests = {action.dest for one in subcommands(make_parser()).values() for action in one._actions}
    dests = {name.partition(".")[0] for name in dests} - {"help", "config", "print_config", "==SUPPRESS=="}
    assert dests == OF_RUN | set(SECTIONS)
    assert set(signature(Detector).parameters) == OF_MODEL
    assert set(signature(FeatureChannel).parameters) == OF_CHANNEL


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1, 2]", r"is not a list of `key: value` pairs: give the options of `dfc test` as keys \(codec, file, "),
        ("a: [", r"cannot be read: while parsing"),
        (None, r"run.yaml is not there; give a file, or one of "),
        ("foo: 1", r"run.yaml has the key foo, which no command knows: give the options of `dfc test` as keys \(codec"),
        ("netwrok: a.cfg", r"has the key netwrok, which no command knows; did you mean network\?$"),
        ("model: {netwrok: a}", r"has the key model.netwrok, which no command knows; did you mean model.network\?$"),
        ("model: {channel: {splt: a}}", r"key model.channel.splt, which no .*; did you mean model.channel.split\?$"),
    ],
)
def test_what_is_no_config_is_refused_in_one_sentence(config: Path, text: str | None, said: str) -> None:
    if text is None:
        config.unlink()
    else:
        config.write_text(text)
    with pytest.raises(OptionError, match=said) as raised:
        read(config)
    assert "\n" not in str(raised.value)


def leaves() -> Iterator[tuple[str, ArgumentParser]]:
    """Each command and subcommand that runs, with its parser."""
    for name, found in parsers().items():
        below = subcommands(found)
        for one, inner in below.items() if below else ((name, found),):
            assert isinstance(inner, ArgumentParser)
            yield (f"{name} {one}" if below else name), inner


def test_every_command_that_takes_options_takes_a_config() -> None:
    names = {"-c", "--config", "--print_config"}
    without = {name for name, found in leaves() if not names <= set(found._option_string_actions)}
    assert without == OPTIONLESS


def test_a_key_that_no_command_knows_gets_one_sentence_in_each(dfc: Dfc, workplace: Path) -> None:
    (workplace / "run.yaml").write_text("colour: blue\n")
    for name, _ in leaves():
        if name not in OPTIONLESS:
            given = ("-c", "yolo_lite", "-c", "run.yaml") if name in parsers() else ("-c", "run.yaml")
            assert " has the key colour, which " in refused(dfc, *name.split(), *given), name


def test_options_are_looked_for_of_the_command_that_is_asked_for_only(
    dfc: Dfc, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, prepare = [], CLI._prepare_subcommand_parser

    def noting(cli: CLI, klass: type, subcommand: str, **options: Any) -> LightningArgumentParser:
        looked.append(subcommand)
        return prepare(cli, klass, subcommand, **options)

    monkeypatch.setattr(CLI, "_prepare_subcommand_parser", noting)
    _, out, _ = dfc("evaluate", "--help")
    assert looked == ["evaluate"]
    assert "--splits" in out


@pytest.mark.parametrize("config", config_names())
def test_every_config_that_comes_with_the_program_is_read_by_every_command(config: str) -> None:
    for name, found in leaves():
        if name not in {*OF_LIGHTNING, *OPTIONLESS}:
            known = known_of(found)
            heads = {option.partition(".")[0] for option in options_in(config, known)}
            assert heads <= known.options | known.places, name


def test_profile_reads_the_config_of_a_training(dfc: Dfc) -> None:
    options = printed(dfc, "profile", "-c", "yolo_lite", "--uplink", "3G")
    assert options["network"] == "configs/networks/yolo-lite.cfg"
    assert (options["uplink"], options["passthrough"]) == ("3G", "reduced")


def test_a_command_reads_its_own_options_from_a_config_and_one_that_stands_later_wins(
    dfc: Dfc, workplace: Path
) -> None:
    (workplace / "phone.yaml").write_text("uplink: 800kbps\nmobile_factor: 4\nqp: 32\npoints: [a.csv]\n")
    given = ("profile", "-c", "yolo_lite", "-c", "phone.yaml")
    assert printed(dfc, *given) | {"uplink": "800kbps", "mobile_factor": 4, "qp": 32, "points": ["a.csv"]} == printed(
        dfc, *given
    )
    assert printed(dfc, *given, "--uplink", "3G", "--network", NET)["uplink"] == "3G"
    assert printed(dfc, *given, "--uplink", "3G", "--network", NET)["network"] == NET


def test_an_option_may_be_shortened_as_long_as_one_is_meant(dfc: Dfc) -> None:
    assert printed(dfc, "profile", "--netw", NET)["network"] == NET
    assert "did you mean --mobile_" in refused(dfc, "profile", "--network", NET, "--mobile", "1")


def test_what_profile_measures_is_what_its_config_says(dfc: Dfc, workplace: Path) -> None:
    (workplace / "run.yaml").write_text(f"model: {{network: {NET}, channel: {{passthrough: full}}}}\nrepeats: 1\n")
    status, out, err = dfc("profile", "-c", "run.yaml", "--uplink", "3G", "-o", "out")
    assert (status, err) == (0, "")
    assert "uplink 3G" in out
    assert (workplace / "out/latency.csv").is_file()


def test_a_value_of_a_config_that_cannot_be_is_told_with_the_file(dfc: Dfc, workplace: Path) -> None:
    (workplace / "run.yaml").write_text("repeats: many\n")
    said = "the config run.yaml: --repeats must be a whole number, not many"
    assert said in refused(dfc, "profile", "--network", NET, "-c", "run.yaml")
    (workplace / "run.yaml").write_text("model: {network: {class_path: small_net.SmallDetector}}\n")
    said = "the config run.yaml: --network must be the path of a file"
    assert said in refused(dfc, "profile", "-c", "run.yaml")


def test_a_report_is_drawn_from_a_config(dfc: Dfc, workplace: Path) -> None:
    (workplace / "report.yaml").write_text("systems: [a=nowhere/points.csv]\noutput: pages\n")
    assert printed(dfc, "report", "-c", "report.yaml") == {
        "systems": ["a=nowhere/points.csv"],
        "output": "pages",
        "comparisons": None,
    }
    assert "nowhere/points.csv" in refused(dfc, "report", "-c", "report.yaml")


@pytest.mark.parametrize("systems", ["a=nowhere", "[a=nowhere]", "{a: nowhere}"])
def test_what_takes_several_takes_one_in_a_config_too(dfc: Dfc, workplace: Path, systems: str) -> None:
    (workplace / "report.yaml").write_text(f"systems: {systems}\n")
    assert printed(dfc, "report", "-c", "report.yaml")["systems"] == ["a=nowhere"]
    (workplace / "phone.yaml").write_text("points: a.csv\n")
    assert printed(dfc, "profile", "-c", "yolo_lite", "-c", "phone.yaml")["points"] == ["a.csv"]


def test_an_argument_without_dashes_wins_over_a_config_behind_it(dfc: Dfc) -> None:
    assert printed(dfc, "data", "check", "-c", "own")["root"] == "data/own"
    assert printed(dfc, "data", "check", "mine", "-c", "own")["root"] == "mine"
    adapted = ("data", "adapt", "-c", "own", "-o", "x.cfg")
    assert printed(dfc, *adapted)["root"] == "data/own"
    assert printed(dfc, *adapted, "mine")["root"] == "mine"


def test_what_is_printed_is_a_config(dfc: Dfc, workplace: Path) -> None:
    given = ("encode", "x.jpg", "-c", "yolo_lite", "--weights", "w.ckpt", "--split", "max_5", "--transform", "KLT")
    options = printed(dfc, *given)
    (workplace / "printed.yaml").write_text(yaml.safe_dump(options))
    assert (options["picture"], options["split"]) == ("x.jpg", "max_5")
    assert printed(dfc, "encode", "-c", "printed.yaml") == options


def test_onnx_takes_the_split_of_a_config(dfc: Dfc, workplace: Path) -> None:
    (workplace / "run.yaml").write_text(f"model: {{network: {NET}, channel: {{split: max_3, qps: [22]}}}}\n")
    assert printed(dfc, "weights", "onnx", "w.ckpt", "-c", "run.yaml", "-o", "x")["split"] == "max_3"


def test_a_picture_is_sent_by_the_configs_of_its_training(dfc: Dfc, workplace: Path, shared: Path) -> None:
    weights = ("--model.weights", str(shared / "weights/yolo-lite/tiny-yolov2-trial3.weights"))
    picture = str(shared / "VOCdevkit/VOC2007/JPEGImages/000001.jpg")
    options = ("--network", "configs/networks/yolo-lite.cfg", "--weights", weights[1])
    by_config = ("-c", "yolo_lite", *weights)
    for name, given in (("options", (*options, "--split")), ("config", (*by_config, "--model.channel.split"))):
        status, _, err = dfc("encode", picture, "-o", f"{name}.dfc", "--qp", "32", *given, "max_7")
        assert (status, err) == (0, "")
        status, _, err = dfc("decode", f"{name}.dfc", *given[:-1])
        assert (status, err) == (0, "")
    assert (workplace / "config.dfc").read_bytes() == (workplace / "options.dfc").read_bytes()
    assert (workplace / "config.json").read_text() == (workplace / "options.json").read_text()
    assert "cut behind:         max_7, layer 7" in dfc("show", "config.dfc", *by_config)[1]
