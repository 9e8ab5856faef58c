"""Layers are timed after warm-up, by the shortest pass, once the device's work is done. Times are made up."""

from pathlib import Path

import pytest
import torch

from lightning_app.darknet import Network
from lightning_app.profiling.timing import WARM_UP, clock_of, drawn_picture, layer_seconds, whole_seconds

NETWORKS = Path(__file__).parents[2] / "configs/networks"
CPU = torch.device("cpu")


class Slow:
    """A clock that only layers move: layer i takes i + 1 seconds, in a pass of ``slow`` a hundred times that."""

    def __init__(self, network: Network, slow: set[int]) -> None:
        self.now, self.slow = 0.0, slow
        self.calls = dict.fromkeys(network.layers, 0)
        for i, (name, layer) in enumerate(network.layers.items()):
            layer.register_forward_hook(lambda *_, name=name, cost=i + 1: self.spend(name, cost))

    def spend(self, name: str, cost: float) -> None:
        self.now += cost * (100 if self.calls[name] in self.slow else 1)
        self.calls[name] += 1

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def network() -> Network:
    return Network.from_cfg(NETWORKS / "shapes.cfg").eval()


def test_layers_are_timed_after_the_warm_up_and_by_the_shortest_pass(network: Network) -> None:
    clock = Slow(network, slow={*range(WARM_UP), WARM_UP + 1})
    seconds = layer_seconds(network, drawn_picture(network, CPU), 5, clock)
    assert seconds == [i + 1 for i in range(11)]
    assert set(clock.calls.values()) == {WARM_UP + 5}


def test_layers_add_up_to_the_whole(network: Network) -> None:
    clock = Slow(network, slow={*range(WARM_UP), WARM_UP + 1})
    whole = whole_seconds(network, drawn_picture(network, CPU), 3, clock)
    assert whole == sum(i + 1 for i in range(11))
    assert set(clock.calls.values()) == {WARM_UP + 3}


PASSTHROUGH = """[net]
height=32
width=32
channels=3
[convolutional]
filters=4
[maxpool]
size=2
stride=1
[convolutional]
filters=4
[route]
layers=-1,0
[convolutional]
filters=7
[region]
anchors=1,1
num=1
classes=2
"""


def test_the_layers_that_are_timed_give_what_the_network_gives(tmp_path: Path) -> None:
    (tmp_path / "net.cfg").write_text(PASSTHROUGH)
    network = Network.from_cfg(tmp_path / "net.cfg").eval()
    given: list[torch.Tensor] = []
    network.layers["region_5"].register_forward_hook(lambda _, __, output: given.append(output))
    image = drawn_picture(network, CPU)
    layer_seconds(network, image, 1, clock_of(CPU))
    with torch.inference_mode():
        network(image)
    assert torch.equal(given[0], given[-1])


def test_the_picture_is_one_of_the_networks_size_and_always_the_same(network: Network) -> None:
    image = drawn_picture(network, CPU)
    assert image.shape == (1, 3, 160, 160)
    assert 0 <= image.min() < 0.01
    assert 0.99 < image.max() <= 1
    assert torch.equal(image, drawn_picture(network, CPU))


def test_the_clock_of_a_gpu_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "synchronize", waited.append)
    clock_of(CPU)()
    assert not waited
    clock_of(torch.device("cuda:1"))()
    assert waited == [torch.device("cuda:1")]
