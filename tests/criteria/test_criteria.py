"""What training makes small is chosen by class path: the detector's own loss, somebody's own, or a sum of several."""

import csv
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_app.channel import FeatureChannel
from lightning_app.criteria import DetectionLoss, Sum, TrainingRecord, check_terms
from lightning_app.darknet import Network
from lightning_app.errors import OptionError
from lightning_app.systems import CloudOnly, Collaborative

sys.path.insert(0, str(Path(__file__).parent))
own_loss = importlib.import_module("own_loss")

Dfc = Callable[..., tuple[int, str, str]]
SHAPES = Path(__file__).parents[2] / "configs/networks/shapes.cfg"
CHANNEL = ("--model.channel.split", "max_5", "--model.channel.qps", "[lossless,37]")
SUM = """
model:
  criterion:
    class_path: lightning_app.criteria.Sum
    init_args:
      criteria:
        detection: {class_path: lightning_app.criteria.DetectionLoss}
        own: {class_path: own_loss.Consistency, init_args: {share: 0.25}}
      weights: {own: 2.0}
"""


def rows(version: int = 0) -> list[dict[str, float]]:
    """What was logged of each step."""
    with Path(f"runs/demo/plain/version_{version}/metrics.csv").open() as file:
        logged = [row for row in csv.DictReader(file) if row["train/loss"]]
    return [{name: float(value) for name, value in row.items() if value} for row in logged]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_a_loss_of_ones_own_trains_through_the_command_line(dfc: Dfc, tiny: tuple[str, ...]) -> None:
    own = ("--model.criterion", "own_loss.Consistency", "--model.criterion.share", "0.25")
    status, _, err = dfc("fit", *tiny, *CHANNEL, *own)
    assert status == 0, err
    for row in rows():
        expected = row["train/loss_heads"] + 0.25 * row["train/loss_distortion"]
        assert row["train/loss"] == pytest.approx(expected, rel=1e-5)
    state = torch.load("checkpoints/demo/plain/last.ckpt", weights_only=True)["state_dict"]
    assert state["criterion.temperature"].item() != 1  # a parameter of the criterion learns too
    status, _, err = dfc("test", *tiny, *CHANNEL, "--ckpt_path", "checkpoints/demo/plain/last.ckpt")
    assert status == 0, err


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_a_sum_logs_every_term_and_adds_them_up_by_their_weights(dfc: Dfc, tiny: tuple[str, ...]) -> None:
    Path("sum.yaml").write_text(SUM)
    status, _, err = dfc("fit", *tiny, *CHANNEL, "-c", "sum.yaml")
    assert status == 0, err
    for row in rows():
        detection = sum(row[f"train/loss_detection/{term}"] for term in ("box", "objectness", "class", "prior"))
        own = row["train/loss_own/heads"] + 0.25 * row["train/loss_own/distortion"]
        assert row["train/loss"] == pytest.approx(detection + 2 * own, rel=1e-5)


def test_a_sum_of_one_is_that_one_to_the_last_bit() -> None:
    network = Network.from_cfg(SHAPES)
    record = recorded(CloudOnly(network, None))
    alone, (name, terms) = DetectionLoss()(record), ("d", Sum({"d": DetectionLoss()})(record))
    assert {f"{name}/{term}": value.item() for term, value in alone.items()} == {
        term: value.item() for term, value in terms.items()
    }


def recorded(system: CloudOnly | Collaborative, size: int = 2) -> TrainingRecord:
    """One step on drawn images with a box each."""
    boxes, labels = torch.tensor([[0.5, 0.5, 0.3, 0.4]]), torch.tensor([1])
    targets = [{"index": i, "boxes": boxes, "labels": labels, "class_only": labels[:0]} for i in range(size)]
    generator = torch.Generator().manual_seed(0)
    batch: Any = {"images": torch.rand(size, 3, 64, 64, generator=generator), "targets": targets}
    return system.submit(batch, seed=0, epoch=0).result()


def test_without_a_channel_a_record_has_no_features_and_its_heads_are_the_uncoded_ones() -> None:
    record = recorded(CloudOnly(Network.from_cfg(SHAPES), None))
    assert (record.features, record.decoded, record.bits, record.qps) == ({}, {}, None, ())
    assert record.uncoded() is record.raws


def test_the_uncoded_heads_are_those_of_the_whole_network_and_their_gradient_reaches_the_front() -> None:
    network = Network.from_cfg(SHAPES).eval()
    system = Collaborative(network, FeatureChannel("max_5", qps=[42], workers=1, gradient="stop"))
    with system.pool:
        record = recorded(system)
    (uncoded,) = record.uncoded()
    assert torch.equal(uncoded, network(record.images)[0])
    assert not torch.equal(uncoded, record.raws[0])
    uncoded.square().sum().backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None for p in network.layers["conv_0"].parameters())


@pytest.mark.parametrize(
    ("criteria", "weights", "sentence"),
    [
        ({}, None, "Sum needs at least one criterion"),
        ({"a/b": DetectionLoss()}, None, "the criterion's name a/b has a /"),
        ({"a": DetectionLoss()}, {"b": 1.0}, "the weight b belongs to none of the criteria a: correct its name"),
    ],
)
def test_a_sum_that_cannot_be_is_refused(criteria: Any, weights: Any, sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        Sum(criteria, weights)


def test_sums_within_sums_multiply_their_weights() -> None:
    inner = Sum({"own": own_loss.Consistency(0.5)}, {"own": 3.0})
    outer = Sum({"inner": inner, "detection": DetectionLoss()}, {"inner": 2.0})
    assert outer.weight("inner/own/distortion") == 2 * 3 * 0.5
    assert outer.weight("detection/box") == 1


@pytest.mark.slow
def test_a_criterion_that_cannot_train_the_network_is_refused_before_anything_is_done(
    dfc: Dfc, tiny: tuple[str, ...]
) -> None:
    own = ("--model.criterion", "own_loss.Consistency", "--model.network", "configs/networks/yolo-lite.cfg")
    status, _, err = dfc("fit", *tiny, *CHANNEL, *own)
    assert status == 2
    assert "Consistency is for 5 classes, not 20" in err.splitlines()[-1]


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        ({}, "DetectionLoss gives no term: give a dict"),
        (torch.zeros(()), "DetectionLoss gives no term: give a dict"),
        ({"a": 1.0}, "the term a of DetectionLoss is a float: give a tensor of no dimension"),
        ({"a": torch.zeros(4)}, r"the term a of DetectionLoss is of shape \(4,\): give a tensor"),
    ],
)
def test_what_a_criterion_must_give_is_one_sentence(terms: object, told: str) -> None:
    with pytest.raises(OptionError, match=told):
        check_terms(DetectionLoss(), terms)
