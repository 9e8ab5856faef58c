"""What ``docs/evidence/supply.md`` and ``requirements.lock`` say of the pinned packages."""

import importlib.util
import re
from pathlib import Path

import av._core  # type: ignore[import-not-found, unused-ignore]

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/evidence/supply.md").read_text()
SPEC = importlib.util.spec_from_file_location("licences", Path(__file__).with_name("licences.py"))
assert SPEC is not None
assert SPEC.loader is not None
licences = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(licences)


def test_the_page_states_the_licence_of_every_pinned_package_as_installed() -> None:
    assert licences.table() in PAGE


def test_every_package_but_torch_is_pinned_by_hashes_too() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pinned = {as_locked(name): pin for name, pin in licences.pins((ROOT / "requirements.txt").read_text()).items()}
    assert licences.pins(lock) | {"torch": pinned["torch"]} == pinned
    entries = re.split(r"\n(?=\S)", lock.split("make lock\n")[1].strip())
    assert len(entries) == len(pinned) - 1
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in entries)


def as_locked(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_wheel_that_codes_carries_x264_and_x265_as_the_page_says() -> None:
    codec = av._core.library_meta["libavcodec"]
    assert {"--enable-libx264", "--enable-libx265"} <= set(codec["configuration"].split())
    assert codec["license"] == "LGPL version 3 or later"
    for said in ("x264", "x265", "LGPL version 3 or later", "GPL"):
        assert said in PAGE
