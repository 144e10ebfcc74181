"""Extrapolation of bounds on curves whose end is known."""

import numpy as np
import pytest

from lib.measures.extrapolation import extrapolate, fit_offset_power

SIZES = np.array([2_500, 10_000, 40_000, 160_000, 640_000])


@pytest.mark.parametrize("exponent", [0.3, 0.6, 1.0])
def test_a_power_law_ends_where_it_does(exponent):
    found = extrapolate(SIZES, 30 + 100 * SIZES**-exponent, np.full(5, 0.001))
    assert found.bits == pytest.approx(30, abs=0.15)
    assert found.exponent == pytest.approx(exponent, abs=0.03)
    assert found.low <= found.bits <= found.high
    assert found.amplitude == pytest.approx(100, rel=0.3)


def test_a_flat_curve_has_ended():
    found = extrapolate(SIZES, np.full(5, 12.0), np.full(5, 0.01))
    assert found.bits == pytest.approx(12, abs=1e-9)
    assert found.amplitude == 0
    assert found.high - found.low < 0.1


def test_a_rising_curve_is_taken_for_a_flat_one():
    found = extrapolate(SIZES, 12 + np.arange(5) * 0.01, np.full(5, 0.01))
    assert found.amplitude == 0


def test_the_interval_holds_the_end_as_often_as_it_says():
    rng = np.random.default_rng(0)
    error = 0.05
    hits = 0
    for seed in range(60):
        bits = 30 + 200 * SIZES**-0.5 + rng.standard_normal(5) * error
        found = extrapolate(SIZES, bits, np.full(5, error), seed=seed)
        hits += found.low <= 30 <= found.high
    assert hits >= 50


def test_more_noise_widens_the_interval():
    bits = 30 + 200 * SIZES**-0.5
    widths = []
    for error in (0.01, 0.1):
        found = extrapolate(SIZES, bits, np.full(5, error))
        widths.append(found.high - found.low)
    assert widths[0] < widths[1]


@pytest.mark.parametrize(
    ("samples", "bits", "errors", "message"),
    [
        ([1, 2, 3], [1, 1, 1], [1, 1, 1], "3 sample sizes"),
        ([1, 2, 3, 3], [1, 1, 1, 1], [1, 1, 1, 1], "3 sample sizes"),
        ([1, 2, 3, 4], [1, 1, 1, np.nan], [1, 1, 1, 1], "must be finite"),
        ([1, 2, 3, 4], [1, 1, 1, 1], [1, 1, 1, 0], "greater than 0"),
    ],
)
def test_bad_input_is_named(samples, bits, errors, message):
    with pytest.raises(ValueError, match=message):
        extrapolate(samples, bits, errors)


def test_an_offset_power_law_is_found_again():
    widths = np.array([4, 8, 16, 32, 64, 128, 256, 512, 768])
    true = np.array([[1.0, 0.5, 0.2], [3.0, 1.0, 0.0], [0.5, 0.3, -0.1]])  # a, b, c
    a, b, c = true.T[..., None]
    found = fit_offset_power(widths, a / widths**b + c)
    assert np.abs(found.exponent - true[:, 1]).max() < 0.01
    assert np.abs(found.offset - true[:, 2]).max() < 0.01
    assert found.misfit.max() < 1e-3
    np.testing.assert_allclose(found.at(widths), a / widths**b + c, atol=3e-3)


def test_noise_about_an_offset_power_law_is_its_misfit():
    widths = np.geomspace(4, 4000, 200)
    noise = 0.01 * np.random.default_rng(0).standard_normal((5, 200))
    found = fit_offset_power(widths, 2 / widths**0.7 + 0.3 + noise)
    assert found.misfit.mean() == pytest.approx(0.01, rel=0.1)
    assert np.abs(found.offset - 0.3).max() < 0.02


def test_a_curve_that_rises_has_no_amplitude():
    found = fit_offset_power([1, 2, 3, 4], [0.1, 0.2, 0.3, 0.4])
    assert float(found.amplitude) == 0
    assert float(found.offset) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1, 2, 3], [1, 2, 3], "at least four different"),
        ([0, 1, 2, 3], [1, 2, 3, 4], "greater than 0"),
        ([1, 2, 3, 4], [1, 2, 3], "need a finite value at each of 4"),
        ([1, 2, 3, 4], [1, 2, 3, np.nan], "need a finite value"),
    ],
)
def test_offset_power_laws_of_nothing_are_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        fit_offset_power(x, y)
