"""Intervals over seeds and rank correlation: scipy as oracle, coverage by simulation."""

import numpy as np
import pytest
from scipy import stats

from lib.measures.statistics import difference_interval, kendall_tau, seed_interval


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(23)


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_seeds_give_no_interval(n):
    estimate = seed_interval(np.ones((3, n)))
    np.testing.assert_array_equal(estimate.mean, [1, 1, 1])
    assert np.isnan(estimate.low).all()
    assert np.isnan(estimate.high).all()
    assert estimate.n == n


@pytest.mark.parametrize("n", [3, 4])
def test_three_or_four_seeds_give_students_interval(rng, n):
    values = rng.standard_normal((2, n))
    estimate = seed_interval(values, level=0.9)
    for row, low, high in zip(values, estimate.low, estimate.high, strict=True):
        assert (low, high) == pytest.approx(stats.t.interval(0.9, n - 1, loc=row.mean(), scale=stats.sem(row)))


def test_bootstrap_equals_scipys_percentile_interval(rng):
    values = rng.standard_exponential(30)
    ours = seed_interval(values, resamples=20_000)
    theirs = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=20_000, random_state=1)
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.02)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.02)
    assert ours.mean == pytest.approx(values.mean())
    assert ours.n == 30


def test_bootstrap_is_reproducible_and_does_not_depend_on_pieces(rng, monkeypatch):
    values = rng.standard_normal((3, 4, 6))
    expected = seed_interval(values, resamples=1000)
    monkeypatch.setattr("lib.measures.statistics._CELLS", 2000)
    again = seed_interval(values, resamples=1000)
    np.testing.assert_allclose(again.low, expected.low, rtol=1e-12)
    assert again.low.shape == (3, 4)
    np.testing.assert_allclose(seed_interval(values[1, 2], resamples=1000).high, expected.high[1, 2])
    assert not np.array_equal(seed_interval(values, seed=1, resamples=1000).low, expected.low)


@pytest.mark.parametrize(("n", "share"), [(4, 0.95), (5, 0.84), (20, 0.93)])
def test_coverage_of_the_mean(rng, n, share):
    estimate = seed_interval(rng.standard_normal((4000, n)), resamples=1000)
    assert np.mean((estimate.low < 0) & (estimate.high > 0)) == pytest.approx(share, abs=0.02)


def test_equal_values_have_an_interval_of_no_width():
    for n in (3, 5):
        estimate = seed_interval(np.full(n, 0.1))
        assert (estimate.low, estimate.high) == pytest.approx((0.1, 0.1))


def test_a_nan_stays_in_its_row(rng):
    for n in (3, 6):
        values = rng.standard_normal((2, n))
        values[0, 1] = np.nan
        estimate = seed_interval(values)
        np.testing.assert_array_equal(np.isnan(estimate.low), [True, False])
        np.testing.assert_array_equal(np.isnan(estimate.mean), [True, False])


def test_paired_difference_is_the_interval_of_differences(rng):
    values, control = rng.standard_normal((2, 3, 8))
    ours, expected = difference_interval(values, control), seed_interval(values - control)
    np.testing.assert_array_equal(ours.low, expected.low)
    np.testing.assert_array_equal(ours.high, expected.high)
    shared = 10 * rng.standard_normal(8)  # what a pair shares cancels
    np.testing.assert_allclose(difference_interval(values + shared, control + shared).low, expected.low)


def test_unpaired_difference_of_few_seeds_is_welchs_interval(rng):
    values, control = rng.standard_normal(4), 3 * rng.standard_normal(6)
    estimate = difference_interval(values, control, paired=False)
    a, b = values.var(ddof=1) / 4, control.var(ddof=1) / 6
    freedom = (a + b) ** 2 / (a**2 / 3 + b**2 / 5)
    margin = stats.t.ppf(0.975, freedom) * np.sqrt(a + b)
    assert estimate.n == 4
    assert estimate.high - estimate.mean == pytest.approx(margin)
    assert stats.ttest_ind(values, control, equal_var=False).statistic == pytest.approx(estimate.mean / np.sqrt(a + b))
    still = difference_interval(np.full(3, 2.0), np.full(3, 0.5), paired=False)
    assert (still.low, still.high) == (1.5, 1.5)


def test_unpaired_bootstrap_of_the_difference(rng):
    values, control = 2 + rng.standard_normal(400), rng.standard_normal(100)
    estimate = difference_interval(values, control, paired=False)
    margin = 1.96 * np.sqrt(values.var(ddof=1) / 400 + control.var(ddof=1) / 100)
    assert estimate.mean == pytest.approx(values.mean() - control.mean())
    assert estimate.high - estimate.mean == pytest.approx(margin, rel=0.05)
    assert estimate.n == 100
    assert np.isnan(difference_interval(values, control[:2], paired=False).low)


def test_kendall_tau_is_that_of_scipy(rng):
    x, y = rng.standard_normal((5, 12)), rng.integers(0, 4, (5, 12))
    tau = kendall_tau(x, y)
    np.testing.assert_allclose(tau, [stats.kendalltau(a, b).statistic for a, b in zip(x, y, strict=True)])
    np.testing.assert_allclose(kendall_tau(np.arange(12), y), [stats.kendalltau(np.arange(12), b).statistic for b in y])
    assert kendall_tau(np.arange(5), np.arange(5) ** 3) == pytest.approx(1)


def test_kendall_tau_of_what_does_not_vary_is_nan():
    tau = kendall_tau(np.arange(3), np.array([[1.0, 1.0, 1.0], [1.0, np.nan, 2.0], [1.0, 2.0, 3.0]]))
    np.testing.assert_array_equal(tau, [np.nan, np.nan, 1])


def test_errors_name_the_value():
    with pytest.raises(ValueError, match="no seed"):
        seed_interval(np.zeros((3, 0)))
    with pytest.raises(ValueError, match="level 95"):
        seed_interval(np.zeros(3), level=95)
    with pytest.raises(ValueError, match="do not fit"):
        difference_interval(np.zeros(3), np.zeros(4))
    with pytest.raises(ValueError, match="do not fit"):
        kendall_tau(np.zeros(3), np.zeros(4))
