"""The gallery of an offline run, read back: boxes against annotations and `dfc predict`, features against the codec."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from lightning_app.callbacks import Gallery
from lightning_app.callbacks.feature_pictures import GAP, requantize, side_by_side
from lightning_app.callbacks.gallery import on_one_canvas
from lightning_app.channel import FeatureChannel
from lightning_app.codecs import HEVC
from lightning_app.darknet import Network
from lightning_app.data import SHAPES, VOCDataset, read_annotation
from lightning_app.errors import OptionError
from lightning_app.quantize import dequantize, quantize
from lightning_app.tiling import tile

ROOT = Path(__file__).parents[2]
QPS = {"lossless": None, "qp37": 37}
offline = pytest.mark.filterwarnings("ignore:.*does not have many workers")


def edges(box: dict[str, Any]) -> list[float]:
    assert box["domain"] == "pixel"
    return [box["position"][edge] for edge in ("minX", "minY", "maxX", "maxY")]


@pytest.mark.slow
@offline
def test_true_boxes_of_the_gallery_are_those_of_the_annotations(fit: Any) -> None:
    for label in QPS:
        ids = fit.logged.history[f"val/gallery_{label}/captions"]
        assert len(ids) == 9
        for name, shown in zip(ids, fit.logged.boxes(f"val/gallery_{label}", "ground_truth"), strict=True):
            (path,) = fit.folder.rglob(f"Annotations/{name.rpartition('/')[2]}.xml")
            truth = read_annotation(path, SHAPES)
            assert [edges(box) for box in shown] == [
                [x1 - 1, y1 - 1, x2, y2] for x1, y1, x2, y2 in truth.boxes.tolist()
            ]
            assert [box["class_id"] for box in shown] == truth.labels.tolist()


@pytest.mark.slow
@offline
def test_predicted_boxes_of_the_gallery_are_those_of_dfc_predict(fit: Any) -> None:
    fit.command(fit.folder, "predict", "--ckpt_path", "checkpoints/demo/plain/last.ckpt")
    (path,) = fit.folder.rglob("detections.json")
    found = {(picture["id"], str(picture["qp"])): picture["detections"] for picture in json.loads(path.read_text())}
    counts = []
    for label, qp in QPS.items():
        ids = fit.logged.history[f"val/gallery_{label}/captions"]
        for name, shown in zip(ids, fit.logged.boxes(f"val/gallery_{label}", "predictions"), strict=True):
            wanted = [one for one in found[name, str(qp or "lossless")] if one["score"] > fit.threshold]
            boxes = [[one["box"][0] - 1, one["box"][1] - 1, *one["box"][2:]] for one in wanted]
            np.testing.assert_allclose([edges(box) for box in shown], boxes, atol=1e-3)
            assert [SHAPES[box["class_id"]] for box in shown] == [one["class"] for one in wanted]
            scores = [one["score"] for one in wanted]
            assert [box["scores"]["score"] for box in shown] == pytest.approx(scores, abs=1e-5)
            captions = [f"{one['class']} {one['score']:.2f}" for one in wanted]
            assert [box["box_caption"] for box in shown] == captions
            counts.append((len(found[name, str(qp or "lossless")]), len(wanted)))
    assert any(0 < above < all_ for all_, above in counts)


@pytest.mark.slow
@offline
def test_the_gallery_shows_the_original_pictures(fit: Any) -> None:
    for name, shown in zip(
        fit.logged.history["val/gallery_qp37/captions"], fit.logged.pictures("val/gallery_qp37"), strict=True
    ):
        (path,) = fit.folder.rglob(f"JPEGImages/{name.rpartition('/')[2]}.jpg")
        assert np.abs(shown.astype(int) - np.asarray(Image.open(path)).astype(int)).mean() < 8  # kept as JPEG


@pytest.mark.slow
@offline
def test_feature_pictures_are_what_the_front_gives_and_what_the_codec_makes_of_it(fit: Any) -> None:
    state = torch.load(fit.folder / "checkpoints/demo/plain/last.ckpt", weights_only=True)["state_dict"]
    network = Network.from_cfg(ROOT / "configs/networks/shapes.cfg").eval()
    network.load_state_dict({name.removeprefix("network."): value for name, value in state.items()})
    front, _, _ = network.split("max_5")
    (root,) = (path.parent for path in fit.folder.rglob("Shapes"))
    dataset = VOCDataset(root, ["Shapes/test"], network.size, SHAPES)
    with torch.no_grad():
        (features,) = front((torch.stack([dataset[index]["image"] for index in range(9)]),))
    fronts = tile(quantize(features, 8)[0]).numpy()
    for label, qp in QPS.items():
        captions = fit.logged.history[f"val/features_{label}/captions"]
        for front_picture, picture, caption in zip(
            fronts, fit.logged.pictures(f"val/features_{label}"), captions, strict=True
        ):
            width = (picture.shape[1] - GAP) // 2
            before, after = picture[:, :width], picture[:, width + GAP :]
            np.testing.assert_array_equal(before, front_picture)
            payload = HEVC().encode(before, qp)
            np.testing.assert_array_equal(after, HEVC().decode(payload))
            where, shown_label, cost = caption.split(", ")
            assert where.startswith("max_5 of Shapes/")
            assert shown_label == label
            assert 8 * len(payload) / 1000 < float(cost.removesuffix(" kilobits")) < 8 * len(payload) / 1000 + 0.5
            assert (before == after).all() == (qp is None)


@pytest.mark.slow
@offline
def test_the_gallery_and_weights_and_biases_change_nothing_of_a_run(fit: Any, tmp_path: Path) -> None:
    fit.command(tmp_path, "fit")
    (with_them,), (without,) = fit.folder.rglob("version_0/metrics.csv"), tmp_path.rglob("metrics.csv")
    assert with_them.read_text() == without.read_text()


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_the_samples_that_a_codec_decoded_are_recovered_exactly(bits: int) -> None:
    every = torch.arange(2**bits, dtype=torch.int32).reshape(1, 1, 16, -1).repeat(3, 1, 1, 1)
    lo, hi = torch.tensor([-0.125, 3.0, -1e4]), torch.tensor([17.3, 3.001, 2e4])
    assert torch.equal(requantize(dequantize(every, lo, hi, bits), lo, hi, bits), every)


def test_a_constant_tensor_has_the_sample_zero() -> None:
    constant = torch.full((1, 1, 2, 2), 5.0)
    assert not requantize(constant, torch.tensor([5.0]), torch.tensor([5.0]), 8).any()


@pytest.mark.parametrize("bits", [10, 12])
def test_deep_samples_are_shown_by_their_upper_8_bits(bits: int) -> None:
    v = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    upper = tile(quantize(v, bits)[0].int() >> (bits - 8)).numpy()
    for picture, wanted in zip(side_by_side(v, v, FeatureChannel(depth=bits)), upper, strict=True):
        np.testing.assert_array_equal(np.asarray(picture)[:, :16], wanted)
        np.testing.assert_array_equal(np.asarray(picture)[:, 16 + GAP :], wanted)


def test_float_samples_are_shown_on_the_scale_of_the_original() -> None:
    v = torch.linspace(-1, 3, 256).reshape(1, 1, 16, 16)
    (picture,) = side_by_side(v, 2 * v, FeatureChannel(depth=32, qps=["lossless"]))
    before, after = np.asarray(picture)[:, :16], np.asarray(picture)[:, 16 + GAP :]
    np.testing.assert_array_equal(before.ravel(), np.arange(256))
    np.testing.assert_array_equal(after.ravel(), np.clip(np.round(2 * np.linspace(-1, 3, 256) * 63.75 + 63.75), 0, 255))


def test_layouts_are_shown_as_they_cross_and_a_video_as_tiles() -> None:
    v = torch.rand(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    samples = quantize(v, 8)[0]
    shown = {"tiled": tile(samples), "quilted": tile(samples, "quilted"), "frames": tile(samples)}
    for layout, wanted in shown.items():
        (picture,) = side_by_side(v, v, FeatureChannel(layout=layout))  # type: ignore[arg-type]
        np.testing.assert_array_equal(np.asarray(picture)[:, :32], wanted[0].numpy())


def test_a_minimum_that_is_not_sent_is_black() -> None:
    v = torch.linspace(1, 2, 4).reshape(1, 1, 2, 2)
    (picture,) = side_by_side(v, v, FeatureChannel(zero_min=True))
    assert np.asarray(picture)[0, 0] == 128


def test_pictures_of_different_sizes_share_a_canvas_and_keep_their_pixels() -> None:
    wide, high = np.full((2, 5), 7, np.uint8), np.full((4, 3), 9, np.uint8)
    shown = [np.asarray(image) for image in on_one_canvas([Image.fromarray(wide), Image.fromarray(high)])]
    assert [image.shape for image in shown] == [(4, 5), (4, 5)]
    np.testing.assert_array_equal(shown[0][:2, :5], wide)
    np.testing.assert_array_equal(shown[1][:4, :3], high)
    assert sum(int(image.sum()) for image in shown) == 7 * 10 + 9 * 12


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({"pictures": 0}, "pictures must be at least 1, not 0"), ({"threshold": 1.5}, "threshold must be from 0 to 1")],
)
def test_a_gallery_of_nothing_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        Gallery(**options)
