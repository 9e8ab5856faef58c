"""How networks lie in memory, and what torch's compiler makes of them."""

from pathlib import Path
from shutil import which

import pytest
import torch

from lightning_app.darknet import Network

SHAPES = Path(__file__).parents[2] / "configs/networks/shapes.cfg"


def test_kernels_lie_channels_last_on_a_cpu_however_they_were_moved() -> None:
    network = Network.from_cfg(SHAPES)
    for _ in range(2):
        kernels = [p for p in network.parameters() if p.ndim == 4]
        assert all(kernel.is_contiguous(memory_format=torch.channels_last) for kernel in kernels)
        network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]


def test_a_state_that_is_loaded_lies_as_the_network_does() -> None:
    network = Network.from_cfg(SHAPES)
    state = {name: value.clone().contiguous() for name, value in Network.from_cfg(SHAPES, seed=1).state_dict().items()}
    network.load_state_dict(state)
    for name, value in network.state_dict().items():
        assert torch.equal(value, state[name])
        assert value.ndim != 4 or value.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.slow
@pytest.mark.skipif(which("g++") is None, reason="torch's compiler needs g++")
@pytest.mark.filterwarnings("ignore")  # of torch's own compiler
def test_the_compiled_network_gives_the_same_heads() -> None:
    network = Network.from_cfg(SHAPES).eval()
    image = torch.rand(1, 3, *network.size, generator=torch.Generator().manual_seed(0))
    compiled = torch.compile(network, options={"freezing": True}, fullgraph=True)
    with torch.no_grad():
        (ours,), (theirs,) = network(image), compiled(image)
    assert torch.allclose(ours, theirs, atol=1e-4)
