"""``dfc show``: every byte of a container has a name, and its tile is what the cloud decodes."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightning_app.bitstream import read_header, unpack
from lightning_app.channel import FeatureChannel, QPOption
from lightning_app.codecs import codec_named
from lightning_app.darknet import Network, save_weights
from lightning_app.errors import CodecError
from lightning_app.identity import model_id
from lightning_app.systems import Collaborative
from lightning_app.transmit import encode_picture
from lightning_app.transmit.parts import with_network, without_network

SHAPES = Path(__file__).parents[2] / "configs/networks/shapes.cfg"
Dfc = Callable[..., tuple[int, str, str]]
MODEL = ("--network", "configs/networks/shapes.cfg", "--weights", "a.weights")
CASES: dict[str, tuple[QPOption, dict[str, object]]] = {
    "tiled": (32, {}),
    "quilted": ("lossless", {"depth": 10, "layout": "quilted"}),
    "frames": (27, {"layout": "frames", "group": 8}),
    "PNG": ("lossless", {"codec": codec_named("PNG", 8)}),
    "float": ("lossless", {"codec": codec_named("Raw", 32), "depth": 32}),
}
cases = pytest.mark.parametrize("case", CASES)


@pytest.fixture(scope="module")
def network() -> Network:
    return Network.from_cfg(SHAPES).eval()


@pytest.fixture(scope="module")
def containers(network: Network, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    path = tmp_path_factory.mktemp("picture") / "a.png"
    Image.radial_gradient("L").convert("RGB").crop((0, 0, 200, 120)).save(path)
    made = {}
    for case, (qp, options) in CASES.items():
        channel = FeatureChannel(split="max_5", qps=[qp], workers=1, **options)  # type: ignore[arg-type]
        with channel.pool:
            made[case] = encode_picture(path, Collaborative(network, channel), qp)
    return made


@pytest.fixture
def files(containers: dict[str, bytes], network: Network, workplace: Path) -> Path:
    """All of them in the current folder, beside the weights."""
    save_weights(network, workplace / "a.weights")
    for case, data in containers.items():
        (workplace / f"{case}.dfc").write_bytes(data)
    return workplace


def parts(out: str) -> dict[str, int]:
    """The bytes of each part, as printed."""
    rows = re.findall(r"^  (\S.*?) +([\d,]+) +[\d.]+ %$", out, re.MULTILINE)
    return {name: int(size.replace(",", "")) for name, size in rows}


@cases
def test_the_parts_are_all_bytes_of_the_file(containers: dict[str, bytes], network: Network, case: str) -> None:
    data = containers[case]
    shapes = list(network.shapes(network.split("max_5").crossing).values())
    header, tensors = unpack(data, model_id(network), shapes)
    found = with_network(header, tensors, ["max_5"])
    assert sum(part.size for part in found) == len(data)
    assert sum(part.size for part in without_network(header, data)) == len(data)
    assert all(part.size > 0 for part in found)


def test_a_tensor_by_hevc_costs_26_bytes_beside_its_slices_where_one_side_needs_two(dfc: Dfc, files: Path) -> None:
    status, out, err = dfc("show", "tiled.dfc", *MODEL)
    assert status == 0, err
    size = Path("tiled.dfc").stat().st_size
    assert f"tiled.dfc: {size:,} bytes, {8 * size / 1000:.2f} kilobits" in out
    found = parts(out)
    assert {name: found[name] for name in found if name != "payload's slices"} == {
        "container's header": 10,
        "range": 8,
        "payload's header": 4,
        "checksum": 4,
    }
    assert found["payload's slices"] == size - 26


def test_the_settings_are_printed_and_the_layers_name_where_the_network_is_known(dfc: Dfc, files: Path) -> None:
    bare, whole = dfc("show", "frames.dfc"), dfc("show", "frames.dfc", *MODEL)
    said = dict(re.findall(r"^(\S.*?): +(\S.*)$", bare[1], re.MULTILINE))
    assert said["picture"] == "200×120 pixels, stretched for the network"
    assert (said["layout"], said["depth"], said["codec"], said["QP"]) == ("frames/8", "8 bits per sample", "HEVC", "27")
    assert (said["cut behind"], said["transform"]) == ("layer 5", "none")
    assert "Give --network and --weights to check the file" in bare[1]
    more = dict(re.findall(r"^(\S.*?): +(\S.*)$", whole[1], re.MULTILINE))
    assert more["cut behind"] == "max_5, layer 5"
    assert re.fullmatch(r"paper, intra, 8 bits, \d+×\d+×\d+ samples", more["HEVC of max_5"])


@cases
def test_the_tile_is_what_the_cloud_decodes(
    dfc: Dfc, files: Path, containers: dict[str, bytes], network: Network, case: str
) -> None:
    status, out, err = dfc("show", f"{case}.dfc", *MODEL, "-o", "deep/tile.png")
    assert status == 0, err
    assert out.endswith("Written to deep/tile.png\n")
    drawn = np.asarray(Image.open("deep/tile.png"))
    (shape,) = network.shapes(network.split("max_5").crossing).values()
    assert drawn.dtype == np.uint8
    assert drawn.size == np.prod(shape)
    header = read_header(containers[case])
    if header.depth == 8 and header.layout == "tiled":
        _, (tensor,) = unpack(containers[case], model_id(network), [shape])
        decoded = codec_named(header.codec, 8).decode(tensor.payload)
        samples = decoded[: drawn.shape[0], : drawn.shape[1]].astype(float)
        low, high = np.percentile(samples, (1, 99))
        assert np.array_equal(drawn, np.rint(255 * ((samples - low) / (high - low)).clip(0, 1)))
    assert (drawn.min(), drawn.max()) == (0, 255)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["tiled.dfc", "-o", "a.png"], "a .dfc file has no shapes, so that -o needs the mobile side's --network and"),
        (["tiled.dfc", *MODEL, "-o", "a.jpg"], "the tile is written as a PNG, and a.jpg does not end in .png"),
        (["tiled.dfc", *MODEL[:2]], "--weights is missing: give both, or none of the two"),
        (["tiled.dfc", *MODEL[2:]], "--network is missing: give both, or none of the two"),
        (["configs/networks/shapes.cfg"], "shapes.cfg: this is no .dfc file: it does not begin with the bytes DF C2"),
        (["absent.dfc"], "absent.dfc cannot be read: No such file or directory"),
        (["damaged.dfc", *MODEL, "-o", "a.png"], "damaged.dfc: the .dfc file was made with another network"),
        (["tiled.dfc", *MODEL, "--transform", "KLT"], "the .dfc file was made without a transform: leave out"),
    ],
)
def test_a_users_mistake_gets_one_sentence_and_writes_nothing(
    dfc: Dfc, files: Path, arguments: list[str], sentence: str
) -> None:
    data = bytearray(Path("tiled.dfc").read_bytes())
    data[40] ^= 1
    Path("damaged.dfc").write_bytes(data)
    status, _, err = dfc("show", *arguments)
    assert (status, err.count("\n")) == (2, 1), err
    assert sentence in err
    assert not Path("a.png").exists()


@cases
def test_a_container_that_is_cut_short_or_changed_is_refused_in_words_or_adds_up(
    containers: dict[str, bytes], case: str
) -> None:
    data = containers[case]
    random = np.random.default_rng(0)
    for _ in range(200):
        changed = bytearray(data[: random.integers(2, len(data) + 1)])
        changed[random.integers(2, max(3, min(len(changed), 16))) % len(changed)] = random.integers(256)
        try:
            found = without_network(read_header(bytes(changed)), bytes(changed))
        except CodecError:
            continue
        assert sum(part.size for part in found) == len(changed)
        assert min(part.size for part in found) >= 0
