"""The reduced system: closed forms, asymptotes, and the flow as the limit of the map."""

import numpy as np
import pytest
from scipy.integrate import quad

from lib.models.reduced_response import flow, iterate, time_taken

T = np.geomspace(1, 1e8, 33)


def sigmoid(u):
    return 1 / (1 + np.exp(-u))


@pytest.mark.parametrize("target", [0.5, 0.7, 0.9, 0.99, 1.0])
@pytest.mark.parametrize("start", [-1.0, 0.4])
def test_flow_meets_the_closed_form(target, start):
    slope, rate = np.array([0.5, 1.0, 8.0])[:, None], np.array([0.01, 1.0])
    path = flow(T, start, target, slope, rate)
    assert path.log_error.shape == (3, 2, 33)
    taken = time_taken(start, path.log_error, target, slope[..., None], rate[:, None])
    late = path.log_error > -1e6  # e^(-1e6) is far below any number, its logarithm is not
    np.testing.assert_allclose(np.where(late, taken, T), np.broadcast_to(T, taken.shape), rtol=1e-6)


@pytest.mark.parametrize(("target", "start", "end"), [(1.0, -1.0, 3.0), (0.8, -1.0, 1.2), (0.3, 0.5, -0.7)])
def test_the_closed_form_is_the_integral(target, start, end):
    """Time is the integral of dx over its rate, from text: slope 2, rate 0.3."""
    a, eta = 2.0, 0.3

    def pace(x):
        y = sigmoid(a * x)
        return 1 / (eta * (target - y) * a * y * (1 - y))

    expected = quad(pace, start / a, end / a)[0]
    assert time_taken(start, np.log(abs(target - sigmoid(end))), target, a, eta) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("slope", [0.5, 1.0, 4.0])
def test_asymptote_is_the_same_for_every_slope(slope):
    path = flow(np.array([0.0, 1e10]), 0.0, 1.0, slope, 0.1)
    assert path.response[-1] * 2 * 0.1 * 1e10 == pytest.approx(1, abs=1e-3)
    assert np.exp(path.log_error[-1]) * slope == pytest.approx(path.response[-1] ** 0.5, rel=1e-3)


@pytest.mark.parametrize("target", [0.5, 0.9])
def test_between_the_error_falls_as_an_exponential(target):
    a, eta = 2.0, 0.5
    rate = eta * (a * target * (1 - target)) ** 2
    t = np.array([0.0, 30.0, 50.0]) / rate
    path = flow(t, -0.5, target, a, eta)
    assert -(path.log_error[2] - path.log_error[1]) / (t[2] - t[1]) == pytest.approx(rate, rel=1e-6)
    assert path.response[-1] == pytest.approx((a * target * (1 - target)) ** 2, rel=1e-8)


def test_target_0_mirrors_target_1():
    up, down = flow(T, -0.3, 1.0, 2.0, 0.1), flow(T, 0.3, 0.0, 2.0, 0.1)
    np.testing.assert_allclose(up.response, down.response, rtol=1e-9)


def test_the_map_is_eq_22_and_tends_to_the_flow():
    x, a, eta = 0.2, 2.0, 0.3
    for _ in range(3):
        y = sigmoid(a * x)
        x += eta * (0.8 - y) * a * y * (1 - y)
    y = sigmoid(a * x)
    path = iterate([0, 3], 0.4, 0.8, a, eta)
    assert path.response[-1] == pytest.approx((a * y * (1 - y)) ** 2, rel=1e-12)
    assert path.log_error[-1] == pytest.approx(np.log(abs(0.8 - y)), rel=1e-10)
    apart = []
    for steps in (100, 1_000):
        stepped = iterate([steps], 0.0, 1.0, 1.0, 100 / steps).response[-1]
        apart.append(abs(stepped / flow(np.array([0.0, 100.0]), 0.0, 1.0, 1.0, 1.0).response[-1] - 1))
    assert apart[1] < 0.12 * apart[0] < 0.01


def test_a_long_first_step_saturates_the_map():
    """With a^2 eta = 64 one step takes the output so far that nothing happens for long."""
    path = iterate([1, 1_000], 0.0, 1.0, 8.0, 1.0)
    assert path.response[1] == pytest.approx(path.response[0], rel=0.05)
    assert path.response[1] < 0.1 / (2 * 1_000)


@pytest.mark.parametrize(
    ("t", "start", "target", "message"),
    [
        ([1.0, 1.0], 0.0, 1.0, "increasing"),
        ([-1.0, 1.0], 0.0, 1.0, "increasing"),
        ([0.0, 1.0], 0.0, 1.5, "between 0 and 1"),
        ([0.0, 1.0], 0.0, 0.5, "the target already"),
    ],
)
def test_what_cannot_be_followed_is_named(t, start, target, message):
    with pytest.raises(ValueError, match=message):
        flow(np.array(t), start, target, 1.0, 1.0)


def test_the_closed_form_is_for_targets_above_0():
    with pytest.raises(ValueError, match="by symmetry"):
        time_taken(0.0, -1.0, 0.0, 1.0, 1.0)


def test_epochs_between_whole_ones_are_refused():
    with pytest.raises(ValueError, match="Epochs must be whole numbers"):
        iterate([0.9, 1.9], start=0.0, target=1.0, slope=1.0, rate=0.1)
