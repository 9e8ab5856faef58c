"""The help of the commands that are not Lightning's, as a reader sees it."""

import re
from collections.abc import Callable

import pytest

Dfc = Callable[..., tuple[int, str, str]]
SHORT = (
    *("encode", "decode", "show", "profile", "report", "weights", "weights inspect", "weights convert", "weights onnx"),
    *("data", "data convert", "data adapt", "data check", "data download", "data make", "doctor", "completion"),
)


@pytest.fixture
def helped(dfc: Dfc) -> Callable[[str], str]:
    """The help of a command, with single spaces."""
    return lambda command: " ".join(dfc(*command.split(), "--help")[1].split())


@pytest.mark.parametrize("command", SHORT)
def test_no_help_leaks_a_name_of_the_program_or_a_type_of_python(helped: Callable[[str], str], command: str) -> None:
    text = helped(command)
    assert text.startswith(f"usage: dfc {command}")
    assert re.findall(r"type: |<class|\bnull\)|\b_\w+\(|lightning_app|Linked|``|Union|Optional\[", text) == []


def test_an_option_is_told_in_words(helped: Callable[[str], str]) -> None:
    assert "that of its shortest one (a whole number, default: 10)" in helped("profile")
    assert "--network NET.cfg Darknet .cfg of the network (required)" in helped("profile")
    encode = helped("encode")
    assert "negative features are refused (default: false)" in encode
    (codecs, *_) = re.findall(r"\(classes: (AVC[^)]*)\)", encode)  # and those that other tests have made
    assert {"AVC", "HEVC", "HM", "JPEG", "JPEGLS", "JPEGXL", "LZMA", "PNG", "Raw"} <= set(codecs.split(", "))


def test_a_config_of_a_training_is_offered_where_it_is_of_use(helped: Callable[[str], str]) -> None:
    for command in ("encode", "profile", "weights onnx", "data check"):
        assert "config of `dfc fit` or `dfc test`" in helped(command)
    assert "config of `dfc fit`" not in helped("report")
    assert "config in YAML with options of this command as keys" in helped("report")


def test_the_help_of_fit_says_what_the_seed_is_for_and_shows_no_inner_name(helped: Callable[[str], str]) -> None:
    text = helped("fit")
    assert "seed of every draw: initial weights, QPs, the order of the pictures" in text
    assert re.findall(r"\b_\w+\(|Linked", text) == []
