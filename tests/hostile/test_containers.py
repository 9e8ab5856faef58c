"""Containers: what the checksum sees, what is behind it, and what a person is told."""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lightning_app.bitstream import MAX_BYTES, SentTensor, pack
from lightning_app.channel import FeatureChannel, codec_qp
from lightning_app.codecs import codec_named
from lightning_app.darknet import Network, save_weights
from lightning_app.identity import model_id

SHAPES = Path(__file__).parents[2] / "configs/networks/shapes.cfg"
SYSTEMS: list[dict[str, Any]] = [
    {"qps": [32]},
    {"qps": ["lossless"], "depth": 10, "layout": "quilted"},
    {"qps": [27], "layout": "frames", "group": 8},
    {"qps": ["lossless"], "codec": "Raw", "depth": 32},
    *(
        {"qps": ["lossless"], "codec": name, "depth": depth}
        for name, depth in (("PNG", 8), ("LZMA", 12), ("JPEGLS", 10), ("JPEGXL", 8))
    ),
    {"qps": [50], "codec": "JPEG"},
    {"qps": [30], "codec": "AVC"},
]
forms = pytest.mark.parametrize(
    "count", [120, pytest.param(5000, marks=[pytest.mark.soak, pytest.mark.slow, pytest.mark.timeout(7200)])]
)
Mutate = Callable[[np.random.Generator, bytes], bytes]


@pytest.fixture(scope="module")
def network() -> Network:
    return Network.from_cfg(SHAPES).eval()


@pytest.fixture(scope="module")
def containers(network: Network) -> list[bytes]:
    """A picture's container by every kind of codec and layout."""
    return [written(network, **system) for system in SYSTEMS]


def written(network: Network, qps: list[Any], codec: str = "HEVC", depth: int = 8, **options: Any) -> bytes:
    channel = FeatureChannel("max_5", depth, qps, codec=codec_named(codec, depth), workers=1, **options)
    split = network.split("max_5")
    with torch.inference_mode():
        (features,) = split.front((torch.rand(1, 3, *network.size, generator=torch.Generator().manual_seed(0)),))
    (sent,) = channel.codec_inputs({"max_5": features})
    data = channel.wire.codec.encode(sent.picture, codec_qp(qps[0]))
    return pack(
        channel.header(qps[0], model_id(network), (48, 64)),
        [SentTensor(sent.shape, sent.lo, sent.hi, data)],
    )


def sealed(data: bytes, model: int) -> bytes:
    return data + (zlib.crc32(data) ^ model).to_bytes(4, "little")


@forms
def test_a_changed_container_is_refused_by_its_checksum(
    fuzz: Any, containers: list[bytes], bytewise: Mutate, count: int
) -> None:
    reports = fuzz.mutated("container", containers, "a.dfc", count, bytewise)
    assert all(report.outcome == "refused" for report in reports if report.data not in containers)


@forms
def test_lies_under_a_right_checksum_are_refused_or_give_boxes_inside_the_picture(
    fuzz: Any, network: Network, containers: list[bytes], bytewise: Mutate, count: int
) -> None:
    """Whoever makes a file to do harm computes its checksum too."""
    start, model = containers[0][:2], model_id(network)  # these are kept: other ones end the reading
    bodies = [data[2:-4] for data in containers]

    def lie(rng: np.random.Generator, data: bytes) -> bytes:
        return sealed(start + bytewise(rng, data), model)

    reports = fuzz.mutated("container", bodies, "a.dfc", count, lie)
    outcomes = {report.outcome for report in reports}
    assert outcomes == {"fine", "refused"}


def test_sound_containers_are_fine(fuzz: Any, containers: list[bytes]) -> None:
    assert [fuzz.open("container", data, "a.dfc").outcome for data in containers] == ["fine"] * len(containers)


def test_a_file_larger_than_any_container_is_refused_unread(fuzz: Any) -> None:
    path = fuzz.folder / "huge.dfc"
    with path.open("wb") as file:
        file.truncate(1 << 36)
    outcome, said, _ = fuzz.victim.open("container", path)
    assert (outcome, said) == ("refused", f"{path} has more than {MAX_BYTES:,} bytes, the most of a .dfc file")


def test_a_person_is_told_of_a_broken_container_in_one_sentence_with_its_name(
    dfc: Callable[..., tuple[int, str, str]], network: Network, containers: list[bytes], bytewise: Mutate
) -> None:
    save_weights(network, "a.weights")
    Path("five.names").write_text("a\nb\nc\nd\ne\n")
    model = ("--network", "configs/networks/shapes.cfg", "--weights", "a.weights", "--classes", "five.names")
    sound, model_number = containers[0], model_id(network)
    broken = {
        "cut.dfc": sound[:-30],
        "flipped.dfc": sound[:40] + bytes([sound[40] ^ 1]) + sound[41:],
        "of-another-model.dfc": sealed(sound[:-4], model_number ^ 1),
        "of-no-codec.dfc": sealed(sound[:4] + b"\0" + sound[5:-4], model_number),
        "without-payload.dfc": sealed(sound[:18], model_number),
        "empty.dfc": b"",
    }
    for name, data in broken.items():
        Path(name).write_bytes(data)
        status, out, err = dfc("decode", name, *model)
        assert (status, out, err.count("\n")) == (2, "", 1), name
        assert err.startswith(f"dfc: {name}: "), name
    Path("sound.dfc").write_bytes(sound)
    assert dfc("decode", "sound.dfc", *model)[0] == 0
