"""The gradient through the codec: what each estimator hands on, by hand."""

import pytest
import torch

from lightning_app.gradient import Gradient, add_uniform_noise, attach, surviving_variance


def handed_on(gradient: Gradient, v: torch.Tensor, v_hat: torch.Tensor, upstream: torch.Tensor) -> torch.Tensor | None:
    v = v.clone().requires_grad_()
    decoded = attach(v, v_hat, gradient)
    assert torch.equal(decoded, v_hat)
    if decoded.requires_grad:
        (decoded * upstream).sum().backward()  # type: ignore[no-untyped-call]
    return v.grad


V = torch.tensor([[-1.0, 1.0, -1.0, 1.0], [0.0, 4.0, 0.0, 4.0]]).view(2, 4, 1, 1)  # variances 1 and 4
UPSTREAM = torch.tensor([1.0, -2.0, 3.0, 0.5]).view(1, 4, 1, 1).expand(2, 4, 1, 1)


def test_straight_through_hands_on_the_gradient_unchanged() -> None:
    grad = handed_on("straight_through", V, V + 0.3, UPSTREAM)
    assert grad is not None
    assert torch.equal(grad, UPSTREAM)


def test_stop_hands_on_nothing() -> None:
    assert handed_on("stop", V, V + 0.3, UPSTREAM) is None


def test_scaled_hands_on_the_part_of_the_variance_that_survives() -> None:
    grad = handed_on("scaled", V, V + 0.5, UPSTREAM)  # D = ¼
    assert grad is not None
    expected = torch.stack([UPSTREAM[0] * 0.75, UPSTREAM[1] * 0.9375])
    torch.testing.assert_close(grad, expected)


@pytest.mark.parametrize(("error", "left"), [(0.0, 1.0), (1.0, 0.0), (3.0, 0.0)])
def test_what_survives_lies_between_nothing_and_all(error: float, left: float) -> None:
    assert surviving_variance(V[:1], V[:1] + error).item() == pytest.approx(left)


def test_constant_features_survive_whole_or_not_at_all() -> None:
    constant = torch.full((1, 2, 2, 2), 3.0)
    assert surviving_variance(constant, constant).item() == 1
    assert surviving_variance(constant, constant + 1).item() == 0


def test_noise_is_uniform_over_one_step_of_the_quantiser() -> None:
    v = torch.linspace(-1, 4, 64 * 64).view(1, 1, 64, 64)
    step = 5 / 255
    noise = (add_uniform_noise(v, torch.tensor([step]), [(0, 0, 0)]) - v) / step
    assert noise.abs().max().item() <= 0.5 + 1e-4
    assert noise.mean().item() == pytest.approx(0, abs=0.02)
    assert noise.var().item() == pytest.approx(1 / 12, rel=0.05)


def test_noise_is_drawn_for_each_picture_from_its_own_entropy_alone() -> None:
    v = torch.linspace(0, 1, 24).view(1, 2, 3, 4).expand(3, 2, 3, 4)
    together = add_uniform_noise(v, torch.full((3,), 0.1), [(0, 1, 5), (0, 1, 6), (0, 2, 5)])
    assert torch.equal(together[1:2], add_uniform_noise(v[:1], torch.full((1,), 0.1), [(0, 1, 6)]))
    assert not torch.equal(together[0], together[1])
    assert not torch.equal(together[0], together[2])


def test_noise_lets_the_gradient_through() -> None:
    v = V.clone().requires_grad_()
    (add_uniform_noise(v, torch.ones(2), [(0,), (1,)]) * UPSTREAM).sum().backward()  # type: ignore[no-untyped-call]
    assert v.grad is not None
    assert torch.equal(v.grad, UPSTREAM)
