"""Curves over epochs: hand-made curves with known peaks, knees and turns, and noise with none."""

import numpy as np
import pytest

from lib.measures.curves import (
    _scatter,
    fall_after,
    knee,
    partial_tau,
    peak,
    running_mean,
    sign_changes,
    turning_points,
)
from lib.measures.statistics import kendall_tau

EPOCHS = np.arange(51.0)
NAN = np.nan


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def hump(at: float, back: float = 0.02) -> np.ndarray:
    """Return a curve that rises fast to 2 at epoch `at` and falls slowly from there on."""
    return np.where(at > EPOCHS, 2 - 2 * (1 - EPOCHS / at) ** 2, 2 - back * (EPOCHS - at))


def test_running_mean_is_a_convolution_inside_and_shorter_at_the_ends(rng):
    x = rng.standard_normal((2, 3, 20))
    expected = np.apply_along_axis(np.convolve, -1, x, np.ones(5) / 5, mode="valid")
    np.testing.assert_allclose(running_mean(x, 5)[..., 2:-2], expected)
    np.testing.assert_allclose(running_mean(x)[..., 0], x[..., :2].mean(-1))
    np.testing.assert_allclose(running_mean(x)[..., -1], x[..., -2:].mean(-1))
    np.testing.assert_array_equal(running_mean(x, 1), x)


def test_running_mean_leaves_missing_epochs_out():
    np.testing.assert_array_equal(running_mean(np.array([NAN, 2.0, 4.0, NAN, 8.0])), [NAN, 3.0, 3.0, NAN, 8.0])


@pytest.mark.parametrize("at", [3, 10, 25, 44])
def test_peak_is_found_where_the_curve_turns(at):
    found = peak(hump(at))
    assert abs(found.epoch - at) <= 1
    assert found.interior
    assert found.height == pytest.approx(2, abs=0.25)


@pytest.mark.parametrize("curve", [EPOCHS, -EPOCHS, np.sqrt(EPOCHS), np.exp(-EPOCHS)])
def test_a_monotone_curve_has_its_peak_at_an_end_and_none_inside(curve):
    found = peak(curve)
    assert found.epoch in (0, 50)
    assert not found.interior
    assert not peak(curve, errors=0.0).interior


def test_a_flat_or_noisy_curve_has_seldom_an_interior_peak(rng):
    assert not peak(np.ones(51)).interior
    # the largest of some fifty noises lies more than two standard errors above both ends more often than it should:
    # it is the epoch that is then meaningless, so a verdict also asks where the peak lies
    inside = peak(rng.standard_normal((400, 51))).interior
    assert inside.mean() < 0.6
    levelled = np.minimum(EPOCHS, 20) / 10 + 0.01 * rng.standard_normal((400, 51))
    assert peak(levelled).interior.mean() < 0.6
    # with errors over seeds that go together at all epochs, a levelled curve does not turn
    assert peak(levelled, errors=0.05).interior.mean() < 0.05


def test_peak_by_its_errors():
    curve = np.array([0.0, 1.0, 1.0, 1.0, 0.8, 0.8])
    assert peak(curve, errors=0.05).interior
    assert not peak(curve, errors=0.2).interior
    one_sided = np.array([0.0, 0.0, 0.0, 0.0, 0.9, 0.9])
    assert not peak(curve, errors=one_sided).interior


def test_scatter_is_the_standard_deviation_of_noise_about_a_line(rng):
    noise = 0.3 * rng.standard_normal((2000, 51))
    assert _scatter(EPOCHS + noise).mean() == pytest.approx(0.3, rel=0.05)


def test_peaks_of_many_curves_are_those_of_each():
    curves = np.stack([hump(5), hump(20), EPOCHS]).reshape(3, 1, 51).repeat(2, axis=1)
    found = peak(curves)
    for index in np.ndindex(3, 2):
        alone = peak(curves[index])
        assert found.epoch[index] == alone.epoch
        assert found.interior[index] == alone.interior


def test_peak_with_missing_epochs():
    curve = hump(10)
    curve[[0, 4, 50]] = NAN
    found = peak(np.stack([curve, np.full(51, NAN)]))
    assert abs(found.epoch[0] - 10) <= 1
    assert found.interior.tolist() == [True, False]
    assert np.isnan([found.epoch[1], found.height[1]]).all()


@pytest.mark.parametrize("length", [1, 2])
def test_too_short_a_curve_has_no_interior_peak(length):
    assert not peak(np.arange(float(length))).interior


def test_knee_of_an_exponential_fall_is_the_closed_form():
    # 1 - exp(-e / s) reaches 0.9 of its final value at e = -s log(1 - 0.9 (1 - exp(-50 / s)))
    for scale in (1.0, 4.0, 30.0):
        expected = np.ceil(-scale * np.log(1 - 0.9 * (1 - np.exp(-50 / scale))))
        assert knee(np.exp(-EPOCHS / scale)) == expected
    assert knee(50 - EPOCHS) == 45
    assert knee(50 - EPOCHS, share=1.0) == 50
    assert knee(0.1 * (50 - EPOCHS), share=0.5) == 25


def test_knee_leaves_missing_epochs_out_and_needs_a_fall():
    late = np.exp(-EPOCHS)
    late[0] = NAN
    assert knee(late) == 4
    found = knee(np.stack([EPOCHS, np.ones(51), np.full(51, NAN)]))
    assert np.isnan(found).all()


def test_fall_after_is_the_rest_of_the_fall():
    assert fall_after(50 - EPOCHS, 10) == pytest.approx(0.8)
    assert fall_after(np.array([2.0, 0.5, 1.0]), 1) == pytest.approx(-0.5)
    assert np.isnan(fall_after(EPOCHS, 10))
    np.testing.assert_allclose(fall_after(np.array([[NAN, 4.0, 1.0, 0.0], [8.0, NAN, 1.0, 0.0]]), 2), [0.25, 0.125])
    assert np.isnan(fall_after(np.array([8.0, NAN, 1.0, 0.0]), 1))


def test_sign_changes_skip_what_has_no_sign():
    values = np.array([[0.0, 1.0, NAN, -1.0, 0.05, -1.0, 1.0], [-1.0, -2.0, 3.0, 0.0, -0.01, 2.0, 0.0]])
    assert [row.nonzero()[0].tolist() for row in sign_changes(values, 0.1)] == [[3, 6], [2]]
    assert sign_changes(values).nonzero()[0].tolist() == [0, 0, 0, 0, 1, 1, 1]


def test_turning_points_are_inner_extrema():
    wave = np.cos(EPOCHS * np.pi / 10)
    assert turning_points(wave).nonzero()[0].tolist() == [10, 20, 30, 40]
    assert not turning_points(EPOCHS).any()
    assert not turning_points(wave, tolerance=1.0).any()


def test_partial_tau_removes_what_the_epoch_explains(rng):
    trend = np.linspace(0, 4, 40)
    x, y = trend + rng.standard_normal((2, 300, 40))
    assert kendall_tau(x, y).mean() > 0.3
    assert abs(partial_tau(x, y, trend).mean()) < abs(kendall_tau(x, y).mean()) / 3
    np.testing.assert_allclose(partial_tau(x, x, trend), 1)
    assert np.isnan(partial_tau(trend, y, trend)).all()


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="no curve"):
        running_mean(np.empty((3, 0)))
    with pytest.raises(ValueError, match="window of 4 epochs has no middle"):
        running_mean(EPOCHS, 4)
    with pytest.raises(ValueError, match="standard error is negative"):
        peak(EPOCHS, errors=-1.0)
    with pytest.raises(ValueError, match="share of 0"):
        knee(EPOCHS, share=0)
    with pytest.raises(ValueError, match="no epoch 51 in curves of 51"):
        fall_after(EPOCHS, 51)
    with pytest.raises(ValueError, match="tolerance is negative"):
        sign_changes(EPOCHS, -1.0)
    with pytest.raises(ValueError, match="curve of 1 epoch has no direction"):
        turning_points(np.ones(1))
