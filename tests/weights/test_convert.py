"""``dfc weights convert``: both ways bit for bit, Darknet's ``partial``, and what it refuses."""

import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lightning_app.checkpoint import load_model
from lightning_app.darknet import Network, load_weights, save_weights
from lightning_app.weights.files import writing

Dfc = Callable[..., tuple[int, str, str]]
LITE = Path("configs/networks/yolo-lite.cfg")
SHAPES = Path("configs/networks/shapes.cfg")


@pytest.mark.parametrize("version", [(0, 1, 0), (0, 2, 5)])
def test_weights_to_a_checkpoint_and_back_are_the_same_bytes(
    dfc: Dfc, random_weights: Callable[[Path], Path], version: tuple[int, int, int]
) -> None:
    network = Network.from_cfg(LITE)
    load_weights(network, random_weights(LITE))
    network.version = version
    save_weights(network, "a.weights")
    assert dfc("weights", "convert", "a.weights", "a.ckpt", "--network", LITE) == (0, "Written to a.ckpt\n", "")
    assert dfc("weights", "convert", "a.ckpt", "again/b.weights") == (0, "Written to again/b.weights\n", "")
    assert Path("again/b.weights").read_bytes() == Path("a.weights").read_bytes()
    assert sorted(path.name for path in Path().rglob("*a.*")) == ["a.ckpt", "a.weights"]


def test_real_weights_to_a_checkpoint_and_back_are_the_same_bytes(dfc: Dfc, shared: Path) -> None:
    source = shared / "weights/yolo-lite/tiny-yolov2-trial3.weights"
    assert dfc("weights", "convert", source, "a.ckpt", "--network", LITE)[0] == 0
    assert dfc("weights", "convert", "a.ckpt", "b.weights")[0] == 0
    assert Path("b.weights").read_bytes() == source.read_bytes()


def detected(dfc: Dfc, tiny: tuple[str, ...], *options: str | Path) -> str:
    """What ``predict`` finds in the tiny run's test pictures."""
    Path("predict.yaml").write_text("trainer: {callbacks: [{class_path: lightning_app.callbacks.DetectionsWriter}]}")
    status, out, err = dfc("predict", *tiny, "-c", "predict.yaml", "--model.score_threshold", "0.0001", *options)
    assert status == 0, err
    return Path(out.rpartition("Written to ")[2].strip()).read_text()


@pytest.mark.slow
def test_a_trained_checkpoint_becomes_weights_that_detect_alike_and_a_checkpoint_that_train_and_test_take(
    dfc: Dfc, tiny: tuple[str, ...], one_epoch: str
) -> None:
    trained = Path(one_epoch)
    assert dfc("weights", "convert", trained, "a.weights") == (0, "Written to a.weights\n", "")
    network, other = Network.from_cfg(SHAPES), Network.from_cfg(SHAPES, seed=1)
    load_model(network, trained)
    load_model(other, Path("a.weights"))
    assert network.seen == other.seen == 24  # one epoch
    for name, tensor in network.state_dict().items():
        assert name.endswith("num_batches_tracked") or torch.equal(other.state_dict()[name], tensor), name

    assert dfc("weights", "convert", "a.weights", "a.ckpt", "--network", SHAPES)[0] == 0
    expected = detected(dfc, tiny, "--model.weights", trained)
    assert expected.count("score") > 9
    assert expected != detected(dfc, tiny)
    assert detected(dfc, tiny, "--model.weights", "a.weights") == expected
    assert detected(dfc, tiny, "--model.weights", "a.ckpt") == expected
    assert detected(dfc, tiny, "--ckpt_path", "a.ckpt") == expected
    assert dfc("test", *tiny, "--ckpt_path", "a.ckpt")[0] == 0
    shutil.rmtree("checkpoints")
    assert dfc("fit", *tiny, "--model.weights", "a.ckpt", "--trainer.max_epochs", "1")[0] == 0
    load_model(network, next(Path("checkpoints").rglob("last.ckpt")))
    assert network.seen == 24 + 24


def test_upto_writes_the_layers_before_it_alone_with_no_pictures_seen(
    dfc: Dfc, random_weights: Callable[[Path], Path]
) -> None:
    source = random_weights(LITE)
    # conv_4, after max_3, is the first that --upto 3 leaves out, and --upto 4 too.
    floats = 4 * 16 + 3 * 16 * 9 + 4 * 32 + 16 * 32 * 9
    expected = struct.pack("<3iQ", 0, 2, 0, 0) + source.read_bytes()[20 : 20 + 4 * floats]
    for upto in (3, 4):
        path = Path(f"lite.conv.{upto}")
        assert dfc("weights", "convert", source, path, "--network", LITE, "--upto", upto)[0] == 0
        assert path.read_bytes() == expected
    assert dfc("weights", "convert", source, "lite.conv.5", "--network", LITE, "--upto", 5)[0] == 0
    assert Path("lite.conv.5").stat().st_size == len(expected) + 4 * (4 * 64 + 32 * 64 * 9)
    assert dfc("weights", "convert", "lite.conv.5", "lite.conv.4b", "--network", LITE, "--upto", 4)[0] == 0
    assert Path("lite.conv.4b").read_bytes() == expected


@pytest.mark.slow
def test_upto_23_of_yolov2_is_as_long_as_darknet19_448_conv_23(
    dfc: Dfc, random_weights: Callable[[Path], Path]
) -> None:
    cfg = Path("configs/networks/yolov2-voc.cfg")
    source = random_weights(cfg)
    assert dfc("weights", "convert", source, "net.conv.23", "--network", cfg, "--upto", 23)[0] == 0
    assert Path("net.conv.23").stat().st_size == 20 + 4 * 19_831_776
    status, out, _ = dfc("weights", "inspect", "net.conv.23", "--network", cfg)
    assert (status, out.splitlines()[-1]) == (
        0,
        "The file ends before conv_23, conv_24, conv_26, conv_29, conv_30.",
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["random.weights", "random.weights", "--upto", "4"], "random.weights is already there and is not overwritten"),
        (["random.weights", "there.ckpt"], "there.ckpt is already there and is not overwritten; move it away or give"),
        (["random.weights", "b.weights"], "are of one kind: name the target b.weights.ckpt, or give --upto"),
        (["there.ckpt", "b.ckpt"], "there.ckpt and b.ckpt are of one kind: name the target b.weights"),
        (["random.weights", "b.ckpt", "--upto", "4"], "a checkpoint holds the whole network: give --upto with Darknet"),
        (["random.weights", "b.weights", "--upto", "0"], "--upto must be from 1 to 13, the network's number of layers"),
        (["random.weights", "b.weights", "--upto", "14"], "the network's number of layers, not 14"),
        (["short.weights", "b.ckpt"], "ends before conv_2, conv_4, conv_6, conv_8, conv_10, conv_11; train from it"),
        (["short.weights", "b.weights", "--upto", "3"], "short.weights ends before conv_2; train from it first, or"),
        (["absent.weights", "b.ckpt"], "absent.weights is not there; give a Darknet .weights or a checkpoint"),
        (["there.ckpt", "b.weights"], "there.ckpt is cut short or damaged, or no checkpoint of this program"),
        (["list.ckpt", "b.weights"], "list.ckpt is no checkpoint of this program: it lacks state_dict or seen"),
        (
            ["kinds.ckpt", "b.weights"],
            "kinds.ckpt is no checkpoint of this program: its state_dict is of another kind",
        ),
        (["shapes.ckpt", "b.weights"], "made for another .cfg"),
        (["random.weights", "there.ckpt/b.ckpt"], "there.ckpt/b.ckpt cannot be written: File exists; choose another"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence_and_nothing_is_written(
    dfc: Dfc, workplace: Path, random_weights: Callable[[Path], Path], arguments: list[str], sentence: str
) -> None:
    save_weights(Network.from_cfg(SHAPES), "shapes.weights")
    assert dfc("weights", "convert", "shapes.weights", "shapes.ckpt", "--network", SHAPES)[0] == 0
    Path("there.ckpt").write_bytes(b"no checkpoint")
    torch.save([1], "list.ckpt")
    torch.save({"state_dict": {"network.a": "b"}, "seen": 0}, "kinds.ckpt")
    Path("short.weights").write_bytes(random_weights(LITE).read_bytes()[: 20 + 4 * (4 * 16 + 3 * 16 * 9)])
    before = {path: path.read_bytes() for path in workplace.iterdir() if path.is_file()}
    status, out, err = dfc("weights", "convert", *arguments, "--network", LITE)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert sentence in err
    assert {path: path.read_bytes() for path in workplace.iterdir() if path.is_file()} == before


def test_darknet_weights_need_their_network_named(dfc: Dfc, random_weights: Callable[[Path], Path]) -> None:
    status, _, err = dfc("weights", "convert", random_weights(LITE), "a.ckpt")
    assert (status, err) == (
        2,
        "dfc: random.weights does not say which network it fills; give its .cfg as --network\n",
    )


def write_half(path: Path) -> None:
    with writing(path) as part:
        part.write_bytes(b"half")
        raise ZeroDivisionError


def test_a_file_takes_its_name_only_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.weights"
    with pytest.raises(ZeroDivisionError):
        write_half(path)
    assert list(tmp_path.iterdir()) == []
    with writing(path) as part:
        part.write_bytes(b"whole")
        assert not path.exists()
    assert [found.read_bytes() for found in tmp_path.iterdir()] == [b"whole"]


@pytest.mark.parametrize("name", ["a.weights", "a.ckpt"])
def test_a_full_disk_is_said_in_one_sentence(dfc: Dfc, random_weights: Callable[[Path], Path], name: str) -> None:
    """/dev/full is a disk without room: what is written first lies beside the target, under this name."""
    source = {"a.weights": "b.ckpt", "a.ckpt": random_weights(LITE)}[name]
    assert dfc("weights", "convert", random_weights(LITE), "b.ckpt", "--network", LITE)[0] == 0
    Path(f".{name}.part").symlink_to("/dev/full")
    status, _, err = dfc("weights", "convert", source, name, "--network", LITE)
    assert (status, err) == (
        2,
        f"dfc: {name} cannot be written: No space left on device; choose another place\n",
    )
    assert not Path(name).exists()
