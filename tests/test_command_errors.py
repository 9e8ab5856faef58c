"""A mistake on the command line gets one sentence that says what to type instead."""

from collections.abc import Callable
from pathlib import Path

import pytest

Dfc = Callable[..., tuple[int, str, str]]
TEST = ("test", "-c", "configs/yolo_lite.yaml", "--data.root", "VOCdevkit")
RUN = ("evaluate", "-c", "yolo_lite")
MODEL = ("--network", "a.cfg", "--weights", "w")
CHANNEL = (*TEST, "--model.channel.split", "max_7")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fitt",), "there is no command fitt; did you mean fit? (`dfc --help` lists the commands)"),
        (("test", "-c", "configs/yolo_lit.yaml"), "yolo_lit.yaml is not there; did you mean "),
        (("test", "--data.rooot", "a"), "there is no option --data.rooot; did you mean --data.root?"),
        ((*TEST, "--model.chanel.split", "a"), "no option --model.chanel.split; did you mean --model.channel?"),
        ((*CHANNEL, "--model.channel.splt", "a"), "did you mean --model.channel.split?"),
        (
            (*CHANNEL, "--model.channel.codec", "HEVCC"),
            "HEVCC cannot be used: there is no class of this name; take",
        ),
        ((*CHANNEL, "--model.channel.codec", "Codec"), "but is abstract; take one of AVC, HEVC, HM, JPEG,"),
        (
            (*CHANNEL, "--model.channel.codec", "no.such.Codec"),
            "no.such.Codec cannot be used: No module named 'no'; take",
        ),
        (("evaluate", *TEST[1:], "--transforms", "[null,KLTT]"), "KLTT cannot be used: there is no class of this name"),
        (
            ("evaluate", *TEST[1:], "--transforms", "[[KLT,Truncation]]"),
            "--transforms Truncation cannot be used: there is no class of this name; take one of BackAndForth,",
        ),
        (("evaluate", *TEST[1:], "--transforms", "KLT"), '--transforms must be a list, "[KLT]", not KLT'),
        ((*CHANNEL, "--model.channel.depth", "many"), "--model.channel.depth must be a whole number, not many"),
        (
            (*CHANNEL, "--model.channel.training_codec.settings", "fastest"),
            "--model.channel.training_codec.settings belongs to a class that is not named: "
            "give --model.channel.training_codec CLASS before it",
        ),
        ((*CHANNEL, "--model.channel.qps", "33"), '--model.channel.qps must be a list, "[33]", not 33'),
        ((*CHANNEL, "--model.channel.scaling", "log"), "scaling must be one of minmax, zscore, clip, not log"),
        ((*TEST, "--model.learning_rate", "fast"), "--model.learning_rate must be a number, not fast"),
        (("evaluate", *TEST[1:], "--split", "[max_7]"), "there is no option --split; did you mean --splits?"),
        (("test", "--model.network", "a.cfg"), "--data.root is missing"),
        (("encode", "x", *MODEL, "--channel.splt", "a"), "did you mean --split?"),
        (("profile", "--netwrok", "a.cfg"), "there is no option --netwrok; did you mean --network?"),
        (("profile",), "--network is missing (`dfc profile --help` lists the options)"),
        (("report",), "NAME=FOLDER is missing"),
        (("data", "check", "a", "--drw", "b"), "there is no option --drw; did you mean --draw?"),
        (("data", "check", "a", "--classes", "b", "--drw", "c"), "no option --drw; did you mean --draw?"),
        (("weights", "inspct", "a"), "there is no subcommand inspct; did you mean inspect? (`dfc weights --help`"),
        (("data", "draw"), "there is no subcommand draw: take download, check, make, convert, adapt"),
        (("data",), "a subcommand is missing: give one of download, check, make, convert, adapt"),
        (("weights", "inspect"), "FILE is missing (`dfc weights inspect --help` lists the options)"),
        (("data", "check", "a", "b"), "b is one argument too many (`dfc data check --help` lists the options)"),
        (("data", "download", "coco"), "SET must be one of voc, not coco"),
        (("data", "download", "voc", "--years", "2008"), "--years must be one of 2007, 2012, not 2008"),
        (("profile", *MODEL[:2], "--passthrough", "all"), "--passthrough must be one of reduced, full, not all"),
        (("profile", *MODEL[:2], "--repeats", "many"), "--repeats must be a whole number, not many"),
        (("profile", "--network"), "--network has no value: write one behind it"),
        (("encode",), "picture, --network, --weights are missing (`dfc encode --help` lists the options)"),
        (
            ("test", "-c", "yolo_lite", "-c", "odd.yaml"),
            "has the key model.netwrok, which this command does not know; did",
        ),
        (("test", "-c", "yolo_lite", "-c", "torn.yaml"), "a config cannot be read: while parsing a flow node"),
        (("test", "-c", "yolo_lite", "more"), "more is one argument too many"),
        (("fit", "--data.root", "a"), "--model.network is missing (`dfc fit --help` lists the options)"),
        (("decode", "x", *MODEL, "--weigths", "w"), "no option --weigths; did you mean --weights?"),
        (("decode", "x", *MODEL[:2]), "--weights is missing"),
        (
            (*RUN, "--model.channel.qps", "[lossles,22]"),
            "takes whole numbers and lossless, not lossles; did you mean loss",
        ),
        (
            (*RUN, "--anchor.qps", "[orignal,22]"),
            "--anchor.qps takes whole numbers, lossless and original, not orignal; did",
        ),
        ((*RUN, "--qps", "[3.5]"), "--qps takes whole numbers and lossless, not 3.5 ("),
        (
            (*RUN, "--splits", "[max_5,", "max_7]"),
            "--splits [max_5, is a list that was cut at a space: put it in quotation",
        ),
        ((*RUN, "--splits"), "dfc: --splits has no value: write one behind it"),
        ((*RUN, "--model.channel.split"), "dfc: --model.channel.split has no value: write one behind it"),
        ((*RUN, "--model.score_threshold", "3"), "score_threshold must be 0 to 1, not 3"),
    ],
)
def test_a_mistake_gets_one_line_that_says_what_to_type(
    dfc: Dfc, workplace: Path, arguments: tuple[str, ...], said: str
) -> None:
    (workplace / "odd.yaml").write_text("model: {netwrok: a.cfg}\n")
    (workplace / "torn.yaml").write_text("model: [\n")
    status, out, err = dfc(*arguments)
    assert (status, out) == (2, "")
    assert said in err
    assert err.startswith("dfc: ")
    assert err.count("\n") == 1
