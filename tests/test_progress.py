"""What takes long says on a terminal how long it still takes, and writes nothing into a log."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DRAW = "from lightning_app.data.shapes import draw; draw('s', 3, 2)"
CONVERT = """
from pathlib import Path
from lightning_app.data.shapes import draw
from lightning_app.data.conversion import Findings, convert
folder = draw("s", 3, 2)
convert(folder / "JPEGImages", Path("own"), Findings(), folder / "Annotations")
"""
UNPACK = """
import tarfile
from hashlib import sha256
from pathlib import Path
from lightning_app.data.download import Archive, fetch, unpack
Path("VOCdevkit").mkdir()
Path("VOCdevkit/a").write_text("a")
with tarfile.open("a.tar", "w") as archive:
    archive.add("VOCdevkit")
data = Path("a.tar").read_bytes()
unpack(fetch(Archive("http://x.example/a.tar", len(data), sha256(data).hexdigest(), ()), Path()), Path("."))
"""
PROFILE = f"""
import torch
from lightning_app.darknet import Network
from lightning_app.profiling.timing import clock_of, drawn_picture, layer_seconds, whole_seconds
network = Network.from_cfg({str(ROOT / "configs/networks/shapes.cfg")!r}).eval()
cpu = torch.device("cpu")
for time in (layer_seconds, whole_seconds):
    time(network, drawn_picture(network, cpu), 1, clock_of(cpu))
"""
WORK = "from lightning_app.progress import working\nwith working('Exporting whole.onnx'): pass"
CASES = {
    DRAW: ["Drawing pictures"],
    CONVERT: ["Drawing pictures", "Reading annotations", "Writing pictures"],
    UNPACK: ["Checking", "Unpacking"],
    PROFILE: ["Timing the layers", "Timing the network"],
    WORK: ["Exporting whole.onnx"],
}


def on_terminal(script: str, folder: Path) -> str:
    """What a script writes to stderr where that is a terminal."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen([sys.executable, "-c", script], cwd=folder, stderr=theirs, env=environment)
    os.close(theirs)
    said = b""
    while part := _read(ours):
        said += part
    os.close(ours)
    assert process.wait() == 0, said.decode()
    return said.decode()


def _read(end: int) -> bytes:
    try:
        return os.read(end, 1 << 16)
    except OSError:  # Linux says so that nobody writes any more
        return b""


@pytest.mark.parametrize("script", CASES, ids=["draw", "convert", "unpack", "profile", "export"])
def test_a_terminal_gets_a_bar_with_the_time_to_go_and_a_log_gets_nothing(tmp_path: Path, script: str) -> None:
    for name in ("terminal", "log"):
        (tmp_path / name).mkdir()
    said = on_terminal(script, tmp_path / "terminal")
    assert [title for title in CASES[script] if title not in said] == []
    assert "0:00:00" in said
    command = [sys.executable, "-c", script]
    options = {"cwd": tmp_path / "log", "env": {**os.environ, "PYTHONPATH": str(ROOT)}}
    log = subprocess.run(command, capture_output=True, text=True, check=True, **options)  # type: ignore[call-overload]
    assert (log.stdout, log.stderr) == ("", "")
