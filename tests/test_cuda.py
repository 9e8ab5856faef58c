"""The same on a GPU, where there is one."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lightning_app.channel import FeatureChannel
from lightning_app.records.points import read_points

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
]


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_the_channel_gives_on_a_gpu_what_it_gives_on_a_cpu(bits: int) -> None:
    channel = FeatureChannel(depth=bits, workers=1)
    v = torch.randn(2, 8, 16, 16, generator=torch.Generator().manual_seed(0))
    with channel.pool:
        on_cpu, cpu_bits = channel({"max_7": v}, ["lossless", 32])
        on_gpu, gpu_bits = channel({"max_7": v.cuda().requires_grad_()}, ["lossless", 32])
    on_gpu["max_7"].sum().backward()
    assert torch.equal(gpu_bits, cpu_bits)
    torch.testing.assert_close(on_gpu["max_7"].detach().cpu(), on_cpu["max_7"])


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
def test_fit_and_test_run_on_a_gpu(
    dfc: Callable[..., tuple[int, str, str]], tiny: tuple[str, ...], precision: str
) -> None:
    gpu = ("--trainer.accelerator", "gpu", "--trainer.devices", "1", "--trainer.precision", precision)
    channel = ("--model.channel.split", "max_5", "--model.channel.qps", "[lossless,37]")
    status, _, err = dfc("fit", *tiny, *channel, *gpu)
    assert status == 0, err
    status, _, err = dfc("test", *tiny, *channel, *gpu, "--ckpt_path", "checkpoints/demo/plain/last.ckpt")
    assert status == 0, err
    assert len(read_points(Path("runs/demo/plain/version_1/points.csv"))) == 2
