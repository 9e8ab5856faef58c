"""The pages on extending: their files and commands are run as they stand, and what they say that one sees is seen."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import TINY

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs/how-to"
BEGINNING = (PAGES / "extend.md").read_text()
RECIPES = {name: (PAGES / f"own-{name}.md").read_text() for name in ("codec", "loss", "transform", "detector")}
FILE = re.compile(r"^`([^`\n]+)`\n\n```\w+\n(.*?)^```$", re.M | re.S)
SEEN = re.compile(r"(?<!`\n\n)^```text\n(.*?)^```$", re.M | re.S)
DFC = Path(sys.executable).with_name("dfc")
Dfc = Callable[..., tuple[int, str, str]]

CODECS = """
from block_dct import BlockDCT
from lightning_app.codecs import Codec

class Shorter(BlockDCT):
    def decode(self, data):
        return super().decode(data)[:-1]

class Unpicklable(BlockDCT):
    def __init__(self):
        super().__init__()
        self.function = lambda: None

class Unfinished(Codec):
    pass
"""
OTHERS = """
from bottleneck import Bottleneck as RightBottleneck
from coding_error import CodingError as RightError
from lightning_app.darknet import RegionOptions
from lightning_app.fx import TracedDetector
from small_net.body import Body as RightBody

class CodingError(RightError):
    def forward(self, record):
        return {"heads": record.raws[0].flatten()[:2] if self.two else record.raws[0].sum() * float("nan")}
    def __init__(self, two: bool):
        super().__init__()
        self.two = two

class Bottleneck(RightBottleneck):
    def restore(self, features, steps):
        return dict(features)

class Infinite(RightBottleneck):
    def reduce(self, features):
        return {name: v / 0 for name, v in super().reduce(features).items()}

class Body(RightBody):
    def forward(self, images):
        raw = super().forward(images)
        return raw if raw.sum() > 0 else -raw

class Detector(TracedDetector):
    def __init__(self, narrow: bool):
        options = RegionOptions(((1.0, 1.0),) * 4, 5)
        super().__init__(RightBody(39) if narrow else Body(40), [options], (160, 160))
"""
RETRAIN, PLAIN = "fit -c configs/demo/retrained.yaml -c tiny.yaml ", "fit -c configs/demo/plain.yaml -c tiny.yaml "
OWN, LOSS_OWN = "--model.channel.qps [32] --model.channel.codec ", "--model.criterion "
THROUGH = "--model.channel.transform "
SAID = {
    "codec": [
        (
            RETRAIN + "--model.channel.codec block_dct.BlockDCT",
            "BlockDCT is never lossless: set qps to such as [22, 32]",
        ),
        (
            RETRAIN + OWN + "block_dct.BlockDCT --model.channel.depth 10",
            "the codec takes 8 bits per sample and the channel gives 10: set its depth",
        ),
        (RETRAIN + OWN + "codecs_wrong.Shorter", "a picture of (159, 320) samples came where (160, 320) were sent"),
        (RETRAIN + OWN + "codecs_wrong.Unpicklable", "Unpicklable cannot go to a worker process: "),
        (RETRAIN + OWN + "bottleneck.Bottleneck", "Import path does not correspond to a subclass of Codec"),
        (RETRAIN + OWN + "codecs_wrong.Unfinished", "Expected an instantiatable class, but is abstract"),
    ],
    "loss": [
        (
            RETRAIN + LOSS_OWN + "others_wrong.CodingError --model.criterion.two true",
            "the term heads of CodingError is of shape (2,): give a tensor of no dimension, such as a mean",
        ),
        (
            RETRAIN + LOSS_OWN + "others_wrong.CodingError --model.criterion.two false",
            "the loss is not finite at step 0 (heads nan); lower learning_rate",
        ),
        (
            RETRAIN + "-c coding_error.yaml --model.criterion.weights '{code: 1}'",
            "the weight code belongs to none of the criteria detection, coding: correct its name",
        ),
        (PLAIN + "-c coding_error.yaml", "CodingError compares features behind a cut: set model.channel"),
    ],
    "transform": [
        (
            RETRAIN + THROUGH + "others_wrong.Bottleneck",
            "Bottleneck restores max_3 of 8×40×40 where the back takes max_3 of 32×40×40",
        ),
        (RETRAIN + THROUGH + "others_wrong.Infinite", "max_3: features are NaN, infinite, or too large to quantise"),
    ],
    "detector": [
        (
            PLAIN + "-c small_net.yaml --model.channel.split nowhere",
            "no layer is named 'nowhere'; the layers are stem.0, stem.1, stem.2, stages.0.0, ",
        ),
        (
            PLAIN + "--model.network others_wrong.Detector --model.network.narrow false",
            "torch.fx cannot trace Body: symbolically traced variables cannot be used as inputs to control flow",
        ),
        (
            PLAIN + "--model.network others_wrong.Detector --model.network.narrow true",
            "a head needs 40 channels, anchors·(5 + classes), and head gives 39",
        ),
        (
            PLAIN + "--model.network small_nets.SmallDetector",
            "is neither a Darknet .cfg nor a detector that can be imported: No module named",
        ),
        (PLAIN + "-c small_net.yaml --model.network.classes 6", "the data has 5 classes and the network 6"),
    ],
}
"""Commands that go wrong, by recipe, and what the page says that they say."""
AFTERWARDS = {
    "codec": [
        (
            ("--codec block_dct.BlockDCT", ""),
            "the .dfc file was coded by a codec of your own: give --codec and its options, as on the mobile side",
        )
    ],
    "transform": [
        (
            ("--transform bottleneck.Bottleneck --transform.channels 8", ""),
            "the .dfc file was made with a transform: give the mobile side's --transform",
        ),
        (
            ("--transform.channels 8", "--transform.channels 4"),
            "holds another transform: give the one that it was trained with, at the split that it was trained at, "
            "or other weights",
        ),
    ],
    "detector": [
        (
            ("--network small_net.SmallDetector", "--network small_net.SmallDetector --network.side 320"),
            "the .dfc file was made with another network, transform or weights, or it is damaged",
        )
    ],
}
"""What is changed in the page's `dfc decode`, by recipe, and what the page says that this says."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
]


def commands(text: str) -> list[str]:
    """The ``dfc`` commands of a page, without ``dfc``."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
    return re.findall(r"^dfc (.*)$", "".join(blocks), re.M)


def shorter(command: str) -> str:
    """A command of a page on few drawn pictures."""
    return f"{command} -c tiny.yaml" if command.startswith(("fit", "evaluate")) else command


def run(folder: Path, path: str, *arguments: str | Path) -> tuple[int, str]:
    environment = {**os.environ, "PYTHONPATH": path, "OMP_WAIT_POLICY": "PASSIVE"}
    ended = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pages' files, after their first command."""
    folder = tmp_path_factory.mktemp("begun")
    (folder / "configs").symlink_to(ROOT / "configs")
    written = dict(FILE.findall("\n".join([BEGINNING, *RECIPES.values()])))
    for name, text in {**written, "tiny.yaml": TINY, "codecs_wrong.py": CODECS, "others_wrong.py": OTHERS}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (command,) = commands(BEGINNING)
    status, said = run(folder, str(ROOT), sys.executable, "-m", "lightning_app", *shlex.split(shorter(command)))
    assert status == 0, said
    return folder


@pytest.fixture
def place(workplace: Path, begun: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, from which the pages' classes are imported."""
    for path in begun.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, workplace / path.name)
        elif path.name != "configs":
            shutil.copy(path, workplace)
    monkeypatch.syspath_prepend(workplace)
    return workplace


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_runs_as_it_stands_and_one_sees_what_it_says(
    dfc: Dfc, place: Path, recipe: str, caplog: pytest.LogCaptureFixture
) -> None:
    shown, seen = commands(RECIPES[recipe]), ""
    for command in shown:
        status, out, err = dfc(*shlex.split(shorter(command)))
        assert status == 0, f"{command}: {err}"
        seen += out + err
    seen += caplog.text + "".join(path.read_text() for path in place.rglob("metrics.csv"))
    lines = "".join(SEEN.findall(RECIPES[recipe])).splitlines()
    assert len(lines) > 3
    for line in lines:
        assert re.search(re.escape(line).replace("…", ".+") + r"(?!\w)", seen), f"{line!r} is not in {seen}"
    for (as_it_stands, changed), sentence in AFTERWARDS.get(recipe, []):
        assert as_it_stands in shown[-1]
        assert sentence in RECIPES[recipe]
        status, _, err = dfc(*shlex.split(shown[-1].replace(as_it_stands, changed)))
        assert (status, sentence in err) == (2, True), err


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_mistake_is_told_as_the_recipe_says(dfc: Dfc, place: Path, recipe: str) -> None:
    for command, sentence in SAID[recipe]:
        assert sentence in RECIPES[recipe] + BEGINNING
        status, _, err = dfc(*shlex.split(command))
        assert (status, sentence in err) == (2, True), f"{command}: {err}"


def test_dfc_finds_classes_in_the_current_folder_and_on_pythonpath(begun: Path, tmp_path: Path) -> None:
    weights = ("--weights", "checkpoints/demo/plain/last.ckpt", "--network", "configs/networks/shapes.cfg")
    codec = ("--qp", "32", "--channel.split", "max_3", "--channel.codec", "block_dct.BlockDCT")
    encode = ("encode", "data/shapes/Shapes/JPEGImages/000024.jpg", "-o", "x.dfc", *weights, *codec)
    status, said = run(begun, str(ROOT), DFC, *encode)
    assert (status, "Written to x.dfc" in said) == (0, True), said
    (begun / "block_dct.py").rename(tmp_path / "block_dct.py")
    status, said = run(begun, str(ROOT), DFC, *encode)
    assert (status, "No module named 'block_dct'" in said) == (2, True), said
    assert "`No module named 'block_dct'`" in BEGINNING
    status, said = run(begun, f"{tmp_path}{os.pathsep}{ROOT}", DFC, *encode)
    assert (status, "Written to x.dfc" in said) == (0, True), said
    (tmp_path / "block_dct.py").rename(begun / "block_dct.py")


def test_what_was_coded_is_coded_anew_once_the_file_of_the_class_has_changed(dfc: Dfc, place: Path) -> None:
    for name in ("block_dct", "codecs_wrong"):  # which another test may have imported from its own folder
        sys.modules.pop(name, None)
    assert "finds it again by your class, its file, its settings and its weights" in BEGINNING
    evaluate = (
        "evaluate -c configs/demo/retrained.yaml --model.channel.codec block_dct.BlockDCT --model.channel.qps [32]"
    )
    assert "9 coded, 0 found" in dfc(*shlex.split(shorter(evaluate)))[1]
    assert "0 coded, 9 found" in dfc(*shlex.split(shorter(evaluate)))[1]
    text = (place / "block_dct.py").read_text()
    (place / "block_dct.py").write_text(text.replace("compress(levels", "compress(2 * levels"))
    assert "9 coded, 0 found" in dfc(*shlex.split(shorter(evaluate)))[1]
