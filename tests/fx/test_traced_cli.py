"""A detector that is not Darknet's through every command: only its class path is given."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lightning_app.records.points import Point, read_points

Dfc = Callable[..., tuple[int, str, str]]
CHECKPOINT = "checkpoints/demo/plain/last.ckpt"
NETWORK = ("--model.network", "resnet_detector.ResNetDetector", "--data.size", "64")
CHANNEL = ("--model.channel.split", "layer2", "--model.channel.qps", "[lossless,37]")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
]


def points(path: str) -> dict[str, Point]:
    return {point.name: point for point in read_points(Path(path))}


def test_it_is_trained_through_the_channel_evaluated_encoded_and_decoded(dfc: Dfc, tiny: tuple[str, ...]) -> None:
    run = (*tiny, *NETWORK, *CHANNEL, "--data.eval_batch_size", "1")
    status, _, err = dfc("fit", *run)
    assert status == 0, err
    status, _, err = dfc("test", *run, "--ckpt_path", CHECKPOINT)
    assert status == 0, err
    status, _, err = dfc("evaluate", *run, "--model.weights", CHECKPOINT, "--splits", "[stem,layer2,layer3]")
    assert status == 0, err
    tested, evaluated = points("runs/demo/plain/version_1/points.csv"), points("runs/evaluation/points.csv")
    for name, point in tested.items():
        assert (evaluated[name].kbpi, evaluated[name].map) == (point.kbpi, point.map)
        assert point.network == "resnet_detector.ResNetDetector"
    assert len(evaluated) == 3 * 2 + 1

    model = ("--network", "resnet_detector.ResNetDetector", "--weights", CHECKPOINT)
    picture = "data/shapes/Shapes/JPEGImages/000024.jpg"
    status, _, err = dfc("encode", picture, "-o", "x.dfc", *model, "--channel.split", "layer2", "--qp", "37")
    assert status == 0, err
    Path("classes.txt").write_text("a\nb\nc\nd\ne\n")
    status, _, err = dfc(
        "decode", "x.dfc", "-o", "x.json", *model, "--classes", "classes.txt", "--score_threshold", "1e-6"
    )
    assert status == 0, err
    Path("predict.yaml").write_text("trainer: {callbacks: [{class_path: lightning_app.callbacks.DetectionsWriter}]}")
    one = (
        "-c",
        "predict.yaml",
        "--trainer.limit_predict_batches",
        "1",
        "--model.channel.qps",
        "[37]",
        "--model.score_threshold",
        "1e-6",
    )
    assert dfc("predict", *run, *one, "--model.weights", CHECKPOINT)[0] == 0
    (predicted,) = json.loads(next(Path("runs").rglob("detections.json")).read_text())
    found = json.loads(Path("x.json").read_text())
    assert found
    assert [(one["score"], one["box"]) for one in found] == [
        (one["score"], one["box"]) for one in predicted["detections"]
    ]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--model.network", "resnet_detector.Absent"], "resnet_detector.Absent is neither a Darknet .cfg nor"),
        ([*NETWORK, "--model.channel.split", "layer9"], "no layer is named 'layer9'; the layers are stem, mul, relu"),
        ([*NETWORK, "--model.weights", "a.weights"], "a.weights is no checkpoint of this program, and ResNetDetector"),
        ([*NETWORK, "--model.network.classes", "4"], "the data has 5 classes and the network 4"),
    ],
)
def test_a_mistake_is_answered_by_one_sentence(
    dfc: Dfc, tiny: tuple[str, ...], options: list[str], sentence: str
) -> None:
    Path("a.weights").write_bytes(bytes(64))
    status, _, err = dfc("test", *tiny, *options)
    assert status == 2
    assert sentence in err.strip().splitlines()[-1]
    assert "Traceback" not in err
