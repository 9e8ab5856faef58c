"""Distillation: behind the channel the network learns to give what its teacher gives, without any label."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from lightning_app.channel import FeatureChannel
from lightning_app.criteria import DetectionLoss, Distillation, Sum, TrainingRecord
from lightning_app.darknet import Network, save_weights
from lightning_app.errors import OptionError
from lightning_app.systems import CloudOnly, Collaborative

Dfc = Callable[..., tuple[int, str, str]]
SHAPES = Path(__file__).parents[2] / "configs/networks/shapes.cfg"
CHANNEL = ("--model.channel.split", "max_5", "--model.channel.qps", "[lossless,37]")
DISTILLATION = ("--model.criterion", "Distillation")


def shapes(seed: int = 0) -> Network:
    return Network.from_cfg(SHAPES, seed)


def batch(size: int = 2, fixed: bool = False, first: int = 0) -> Any:
    images = torch.rand(size, 3, 64, 64, generator=torch.Generator().manual_seed(first))
    return {"images": images, "targets": [{"index": first + i, "fixed": fixed} for i in range(size)]}


def recorded(system: CloudOnly | Collaborative, of: Any) -> TrainingRecord:
    return system.submit(of, seed=0, epoch=0).result()


def begun(network: Network, **options: Any) -> Distillation:
    criterion = Distillation(**options)
    criterion.check(network, None)
    return criterion


def test_what_starts_from_its_teacher_and_is_not_coded_has_nothing_to_learn() -> None:
    network = shapes().eval()
    terms = begun(network)(recorded(CloudOnly(network, None), batch()))
    assert set(terms) == {f"{side}_{part}" for side in ("coded", "uncoded") for part in ("objectness", "box", "class")}
    assert max(term.item() for term in terms.values()) < 1e-4


def test_coding_parts_the_student_from_its_teacher_and_the_uncoded_heads_stay() -> None:
    network = shapes().eval()
    system = Collaborative(network, FeatureChannel("max_5", qps=[47], workers=1))
    with system.pool:
        terms = begun(network)(recorded(system, batch()))
    assert terms["coded_objectness"].item() > 100 * terms["uncoded_objectness"].item() >= 0


def test_the_teacher_keeps_the_weights_that_training_starts_from() -> None:
    network = shapes().eval()
    criterion, before = begun(network), [p.clone() for p in network.parameters()]
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1.1)
    terms = criterion(recorded(CloudOnly(network, None), batch()))
    assert terms["coded_box"].item() > 0
    assert not list(criterion.parameters())
    assert not criterion.state_dict()
    teacher = criterion._teacher[0].network
    assert all(torch.equal(a, b) for a, b in zip(before, teacher.parameters(), strict=True))
    assert not teacher.training


def test_weights_of_terms_are_options_and_those_of_uncoded_heads_are_multiplied_once_more() -> None:
    criterion = Distillation(objectness=4, box=3, classes=2, uncoded=0.5)
    weights = {name: criterion.weight(name) for name in ("coded_objectness", "coded_box", "coded_class", "uncoded_box")}
    assert weights == {"coded_objectness": 4, "coded_box": 3, "coded_class": 2, "uncoded_box": 1.5}


def test_without_a_weight_the_back_does_not_run_on_uncoded_features() -> None:
    network = shapes()
    system = Collaborative(network, FeatureChannel("max_5", qps=[37], workers=1))
    criterion = begun(network, uncoded=0)
    passes = counted(network)
    with system.pool:
        terms = criterion(recorded(system, batch()))
    assert set(terms) == {"coded_objectness", "coded_box", "coded_class"}
    assert passes[0] == 1


def counted(network: Network) -> list[int]:
    """How often the last layer of a network has run."""
    passes = [0]

    def count(*_: object) -> None:
        passes[0] += 1

    network.layer(network.nodes[-1]).register_forward_hook(count)
    return passes


def teacher_passes(fixed: bool) -> list[int]:
    """The teacher's passes after each of five steps: three batches, then the first two again."""
    network = shapes().eval()
    criterion, system, counts = begun(network), CloudOnly(network, None), []
    passes = counted(criterion._teacher[0].network)  # type: ignore[arg-type]
    for first in (0, 2, 4, 0, 2):
        criterion(recorded(system, batch(fixed=fixed, first=first)))
        counts.append(passes[0])
    return counts


def test_the_teacher_runs_once_for_a_batch_and_never_again_where_the_images_are_the_same_in_every_epoch() -> None:
    assert teacher_passes(fixed=False) == [1, 2, 3, 4, 5]
    assert teacher_passes(fixed=True) == [1, 2, 3, 3, 3]


def test_outputs_that_are_kept_are_those_of_a_pass() -> None:
    network = shapes().eval()
    teacher = begun(network)._teacher[0]
    one = batch(4, fixed=True)
    with torch.no_grad():
        first, again = (teacher(one["images"], one["targets"]) for _ in range(2))
        backwards = teacher(one["images"].flip(0), one["targets"][::-1])
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[0].flip(0), backwards[0])


def test_no_more_outputs_are_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightning_app.criteria.teacher.ROOM", 10)
    assert teacher_passes(fixed=True) == [1, 2, 3, 4, 5]


def test_a_teacher_of_its_own_weights_is_read(tmp_path: Path) -> None:
    other = shapes(seed=1)
    save_weights(other, tmp_path / "other.weights")
    network = shapes().eval()
    criterion = begun(network, teacher=str(tmp_path / "other.weights"))
    images = batch()["images"]
    with torch.no_grad():
        (expected,) = other.eval()(images)
        (given,) = criterion._teacher[0](images, batch()["targets"])
    assert torch.equal(expected, given)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"teacher_network": "x.cfg"}, "teacher_network needs the weights of that network"),
        ({"box": -1}, "box, classes and uncoded must be at least 0"),
    ],
)
def test_options_that_cannot_be_are_refused(options: Any, told: str) -> None:
    with pytest.raises(OptionError, match=told):
        Distillation(**options)


def test_with_labels_it_is_one_part_of_a_sum() -> None:
    network = shapes().eval()
    total = Sum({"labels": DetectionLoss(), "teacher": Distillation()}, {"teacher": 0.5})
    total.check(network, None)
    assert total.weight("teacher/uncoded_objectness") == 2.5
    boxes, labels = torch.tensor([[0.5, 0.5, 0.3, 0.4]]), torch.tensor([1])
    of = batch()
    for target in of["targets"]:
        target |= {"boxes": boxes, "labels": labels, "class_only": labels[:0]}
    terms = total(recorded(CloudOnly(network, None), of))
    assert {"labels/box", "teacher/coded_box"} <= set(terms)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_a_run_without_labels_learns_through_the_codec_and_its_checkpoint_has_no_teacher(
    dfc: Dfc, tiny: tuple[str, ...]
) -> None:
    status, _, err = dfc("fit", *tiny, *CHANNEL, *DISTILLATION, "--model.learning_rate", "1e-5")
    assert status == 0, err
    state: dict[str, Tensor] = torch.load("checkpoints/demo/plain/last.ckpt", weights_only=True)["state_dict"]
    assert not [name for name in state if name.startswith("criterion")]
    assert len(state) == len(shapes().state_dict())


@pytest.mark.slow
def test_a_teacher_of_another_network_is_refused_in_a_sentence(dfc: Dfc, tiny: tuple[str, ...]) -> None:
    cfg = SHAPES.read_text().replace("classes=5", "classes=4").replace("filters=40", "filters=36")
    Path("four.cfg").write_text(cfg)
    save_weights(Network.from_cfg("four.cfg"), Path("four.weights"))
    other = ("--model.criterion.teacher", "four.weights", "--model.criterion.teacher_network", "four.cfg")
    status, _, err = dfc("fit", *tiny, *CHANNEL, *DISTILLATION, *other)
    assert status == 2
    assert "the teacher has heads of 36×" in err.splitlines()[-1]
