import colorsys
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from lightning_app.data import pixels as P
from lightning_app.data import transforms as T
from lightning_app.data.augmentation import DARKNET, Augmentation, Placement
from lightning_app.errors import OptionError

CANVAS = (200, 400)  # height, width


def picture(height: int = 60, width: int = 80) -> P.Picture:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.slow
def test_importing_albumentations_asks_nobody_for_a_newer_one() -> None:
    code = (
        "import socket, urllib.request\n"
        "def refuse(*_, **__): raise SystemExit('the network was used')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse; urllib.request.OpenerDirector.open = refuse\n"
        "import lightning_app.data.transforms\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "NO_ALBUMENTATIONS_UPDATE"}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


class Draws:
    """A generator that returns what a test has worked out by hand."""

    def __init__(self, stretch: tuple[float, float], zoom: float, place: tuple[float, float]) -> None:
        self.stretch, self.zoom, self.place = stretch, zoom, place

    def uniform(self, _low: float, _high: float, count: int | None = None) -> object:
        return np.array(self.stretch) if count else self.zoom

    def random(self, _count: int) -> object:
        return np.array(self.place)


@pytest.mark.parametrize(
    ("picture_size", "draws", "expected"),
    [
        # aspect 80·1.25 / (60·.8) = 2.0833: wide, so zoom·400 wide and 200/2.0833 = 96 high; left 200·.5, top 104·.25
        ((60, 80), Draws((0.25, -0.2), 0.5, (0.5, 0.25)), Placement(200, 96, 100, 26)),
        # aspect 60/80 = .75: high, so zoom·200 high; the room is 400-300 and 200-400, that is negative
        ((80, 60), Draws((0, 0), 2.0, (0.5, 0.75)), Placement(300, 400, 50, -150)),
    ],
)
def test_a_placement_is_the_one_worked_out_by_hand(picture_size: Any, draws: Any, expected: Any) -> None:
    assert DARKNET.draw_placement(draws, picture_size, CANVAS) == expected


def test_placed_boxes_are_those_worked_out_by_hand() -> None:
    boxes = np.array([[0.0, 0.0, 1.0, 1.0, 7.0], [0.25, 0.5, 0.75, 1.0, 8.0]])
    placed = P.place_boxes(boxes, Placement(200, 96, 100, 26), CANVAS)
    # x: (f·200 + 100) / 400; y: (f·96 + 26) / 200; the fifth column stays
    expected = [[0.25, 0.13, 0.75, 0.61, 7.0], [0.375, 0.37, 0.625, 0.61, 8.0]]
    np.testing.assert_allclose(placed, expected)


@pytest.mark.parametrize("placement", [Placement(200, 96, 100, 26), Placement(300, 400, 50, -150)])
def test_the_picture_lies_where_its_box_lies_and_grey_around_it(placement: Placement) -> None:
    white = np.full((60, 80, 3), 255, np.uint8)
    placed = P.place(white, placement, CANVAS)
    left, top, right, bottom = P.place_boxes(np.array([[0.0, 0.0, 1.0, 1.0]]), placement, CANVAS)[0]
    expected = np.full((*CANVAS, 3), 128, np.uint8)
    y = slice(max(0, round(top * 200)), min(200, round(bottom * 200)))
    x = slice(max(0, round(left * 400)), min(400, round(right * 400)))
    expected[y, x] = 255
    assert np.array_equal(placed, expected)


@pytest.mark.parametrize("placement", [Placement(160, 120, 100, 26), Placement(800, 600, -250, -150)])
def test_each_pixel_lies_where_a_box_around_it_lies(placement: Placement) -> None:
    ramp = np.zeros((60, 80, 3), np.uint8)
    ramp[..., 0], ramp[..., 1] = 3 * np.arange(80), 4 * np.arange(60)[:, None]
    placed = P.place(ramp, placement, CANVAS)
    for row, column in ((20, 30), (25, 40), (30, 50)):
        centre = np.array([[column + 0.5, row + 0.5] * 2]) / (80, 60, 80, 60)
        x, y = (P.place_boxes(centre, placement, CANVAS)[0, :2] * (400, 200)).astype(int)
        assert np.abs(placed[y, x, :2].astype(int) - (3 * column, 4 * row)).max() <= 2


def test_draws_stay_in_their_ranges_and_reach_their_ends() -> None:
    rng = np.random.default_rng(1)
    drawn = np.array([DARKNET.draw_placement(rng, (100, 100), (400, 400)) for _ in range(4000)])
    larger = drawn[:, :2].max(1) / 400
    aspects = drawn[:, 0] / drawn[:, 1]
    assert 0.249 < larger.min() < 0.27
    assert 1.97 < larger.max() < 2.001
    assert 0.53 < aspects.min() < 0.6  # 0.7 / 1.3 = 0.538
    assert 1.7 < aspects.max() < 1.87  # 1.3 / 0.7 = 1.857
    room = 400 - drawn[:, :2]
    assert np.all(drawn[:, 2:] * np.sign(room) >= 0)
    assert np.all(np.abs(drawn[:, 2:]) <= np.abs(room))


def test_no_distortion_leaves_the_colours_within_rounding() -> None:
    assert np.abs(P.distort(picture(), 0, 1, 1).astype(int) - picture()).max() <= 1


def test_a_third_of_the_circle_turns_red_to_green_and_blue_to_red() -> None:
    colours = np.array([[[255, 0, 0], [0, 0, 255]]], np.uint8)
    assert P.distort(colours, 1 / 3, 1, 1).tolist() == [[[0, 255, 0], [255, 0, 0]]]


def test_exposure_multiplies_and_clips_and_saturation_moves_from_grey() -> None:
    colours = np.array([[[100, 100, 100], [200, 200, 200], [200, 100, 100]]], np.uint8)
    assert P.distort(colours, 0, 1, 1.5).tolist() == [[[150, 150, 150], [255, 255, 255], [255, 150, 150]]]
    assert P.distort(colours, 0, 1.5, 1).tolist() == [[[100, 100, 100], [200, 200, 200], [200, 50, 50]]]


@pytest.mark.parametrize(("hue", "saturation", "exposure"), [(-0.1, 1.4, 1.3), (0.1, 0.7, 0.8), (-0.5, 1, 1)])
def test_distortion_equals_the_standard_library_s_colours(hue: float, saturation: float, exposure: float) -> None:
    distorted = P.distort(picture(), hue, saturation, exposure)
    for before, after in zip(picture().reshape(-1, 3)[::7], distorted.reshape(-1, 3)[::7], strict=True):
        h, s, v = colorsys.rgb_to_hsv(*(before / 255))
        rgb = colorsys.hsv_to_rgb((h + hue) % 1, s * saturation, v * exposure)
        expected = np.array([255 * min(max(part, 0), 1) for part in rgb])
        assert np.abs(expected - after).max() <= 1


def test_colours_are_drawn_in_darknets_ranges() -> None:
    """``rand_uniform(-hue, hue)``, and ``rand_scale``: ``rand_uniform(1, s)``, or one over it as often."""
    distort = T.Distort(Augmentation())
    distort.set_random_seed(0)
    drawn = [distort.get_params() for _ in range(4000)]
    hues = np.array([draw["hue"] for draw in drawn])
    assert -0.1 <= hues.min() < -0.099
    assert 0.099 < hues.max() <= 0.1
    for name in ("saturation", "exposure"):
        factors = np.array([draw[name] for draw in drawn])
        assert 1 / 1.5 <= factors.min() < 0.67
        assert 1.497 < factors.max() <= 1.5
        assert 1900 < (factors > 1).sum() < 2100
        assert abs(factors[factors > 1].mean() - 1.25) < 0.02
        assert abs((1 / factors[factors < 1]).mean() - 1.25) < 0.02


STILL = Augmentation(jitter=0, zoom_min=1, zoom_max=1, hue=0, saturation=1, exposure=1)


def test_a_flip_mirrors_picture_and_boxes_in_half_of_the_draws() -> None:
    transform = T.training_transform((60, 80), STILL)
    boxes, flips = np.array([[0.1, 0.2, 0.4, 0.9]]), 0
    for epoch in range(60):
        image, moved, _ = T.augment(transform, picture(), boxes, (0, epoch, 0))
        flipped = np.array_equal(np.rint(image), picture()[:, ::-1])
        expected = [[0.6, 0.2, 0.9, 0.9]] if flipped else boxes
        np.testing.assert_allclose(moved, expected, atol=1e-6)
        flips += flipped
    assert 20 <= flips <= 40


def test_the_colours_do_not_follow_the_placement() -> None:
    transform = T.training_transform((64, 64))
    hues, aspects = [], []
    for epoch in range(200):
        T.augment(transform, picture(), np.zeros((0, 4)), (0, epoch, 0))
        place, distort = (step.params for step in transform.transforms[:2])
        hues.append(distort["hue"])
        aspects.append(place["placement"].width / place["placement"].height)
    assert abs(np.corrcoef(hues, aspects)[0, 1]) < 0.3


def test_boxes_that_leave_the_picture_are_cut_or_dropped_and_rows_tell_which() -> None:
    transform = T.training_transform((100, 100), Augmentation(zoom_min=2, zoom_max=2, jitter=0, flip=False))
    boxes = np.array([[0.0, 0.0, 0.2, 0.2], [0.4, 0.4, 0.6, 0.6], [0.8, 0.8, 1.0, 1.0], [0.5, 0.5, 0.5, 0.5]])
    for epoch in range(20):
        _, moved, rows = T.augment(transform, picture(90, 90), boxes, (3, epoch, 1))
        assert moved.min() >= 0
        assert moved.max() <= 1
        assert len(moved) == len(rows)
        assert 3 not in rows  # of no size
        assert {0, 2} - set(rows)  # they cannot both be in a view of half the picture
        if 1 in rows:
            middle = moved[list(rows).index(1)]
            assert np.all(middle[2:] - middle[:2] <= 0.4 + 1e-6)


def test_a_sliver_under_a_thousandth_is_dropped_and_a_wider_one_is_kept() -> None:
    transform = T.training_transform((100, 100), Augmentation(**{**vars(STILL), "flip": False}))
    boxes = np.array([[0.5, 0.1, 0.5009, 0.9], [0.5, 0.1, 0.5011, 0.9], [0.1, 0.5, 0.9, 0.5009]])
    assert T.augment(transform, picture(90, 90), boxes, (0, 0, 0))[2].tolist() == [1]


def test_a_picture_without_boxes_goes_through() -> None:
    _, moved, rows = T.augment(T.training_transform((64, 64)), picture(), np.zeros((0, 4)), (0, 0, 0))
    assert moved.shape == (0, 4)
    assert rows.shape == (0,)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"jitter": 1.0}, "jitter must be in"),
        ({"zoom_min": 0.0}, "zoom_min must be in"),
        ({"zoom_min": 3.0}, "zoom_min must be in"),
        ({"hue": 0.6}, "hue must be in"),
        ({"saturation": 0.9}, "must be at least 1"),
        ({"exposure": 0.9}, "must be at least 1"),
    ],
)
def test_an_augmentation_out_of_range_is_refused(options: dict[str, Any], why: str) -> None:
    with pytest.raises(OptionError, match=why):
        Augmentation(**options)
