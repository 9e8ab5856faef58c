"""`dfc doctor` says what this machine has, and tries each codec."""

from collections.abc import Callable

import pytest

from lightning_app.codecs.table import BY_NAME
from lightning_app.doctor import examine


def test_every_codec_is_tried_at_every_depth(dfc: Callable[..., tuple[int, str, str]]) -> None:
    status, out, err = dfc("doctor")
    assert (status, err) == (0, "")
    found = dict(line.split(":", 1) for line in out.splitlines())
    for name in BY_NAME:
        assert found[f"codec {name}"].strip().endswith("bits")
    assert found["codec HEVC"].strip() == "8, 10, 12 bits"
    assert found["codec JPEG"].strip() == "8 bits"
    assert "granted, of" in found["cores"]
    assert float(found["free disk"].split()[0]) > 0
    assert all(text.strip() and "not installed" not in text for text in found.values())


def test_a_codec_that_cannot_code_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightning_app.codecs.jpegxl.find_spec", lambda _: None)
    assert dict(examine())["codec JPEGXL"] == (
        "cannot code: JPEGXL needs libjxl: pip install pillow-jxl-plugin, or take JPEGLS"
    )


def test_the_login_of_weights_and_biases_is_told_without_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "0123456789")
    assert dict(examine())["W&B"] == "a key is in WANDB_API_KEY"
    monkeypatch.delenv("WANDB_API_KEY")
    monkeypatch.setenv("HOME", "/nowhere")
    assert dict(examine())["W&B"].startswith("not logged in")


def test_a_package_with_the_same_import_name_is_called_a_conflict(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "conflict" not in dict(examine())
    monkeypatch.setattr("lightning_app.doctor.NAMESAKE", "pytorch-lightning")
    assert dict(examine())["conflict"].startswith("pytorch-lightning is installed and has the same import name: remove")
