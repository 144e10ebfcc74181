"""Extrapolation of bounds on curves whose end is known."""

import numpy as np
import pytest

from lib.measures.extrapolation import extrapolate

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
