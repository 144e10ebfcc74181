"""Unit-root tests: statsmodels and arch as oracles, known series, and series without a test."""

import warnings

import numpy as np
import pytest
import torch
from arch.unitroot import VarianceRatio as ArchVarianceRatio
from statsmodels.stats.multitest import multipletests
from statsmodels.tsa import stattools
from statsmodels.tsa.adfvalues import mackinnonp

from lib.measures.random_walk import random_sign_surrogate
from lib.measures.unit_root import (
    _mackinnon_pvalue,
    adf,
    empirical_pvalue,
    fixed_lag,
    kpss,
    share_rejected,
    thin,
    variance_ratio,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(21)


def zoo(rng: np.random.Generator, times: int) -> np.ndarray:
    """Series of many kinds, (series, time)."""
    noise = rng.standard_normal((40, times))
    walks = noise[:10].cumsum(axis=1)
    shrinking = (noise[10:20] * np.exp(-np.arange(times) / (times / 5))).cumsum(axis=1)
    drifting = (noise[20:25] + 0.5).cumsum(axis=1)
    rare = np.where(rng.random((5, times)) < 0.05, noise[25:30], 0.0).cumsum(axis=1)
    smooth = noise[30:35].cumsum(axis=1).cumsum(axis=1)
    return np.concatenate([walks, shrinking, drifting, rare, smooth, 1e2 + 1e-2 * noise[35:38], noise[38:]])


@pytest.mark.parametrize(("times", "lag"), [(1000, 7), (200, 0), (60, 5), (24, 9)])
@pytest.mark.parametrize("trend", ["c", "ct"])
def test_adf_equals_statsmodels(rng, times, lag, trend):
    series = zoo(rng, times)
    ours = adf(series, lag, trend)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # statsmodels 0.15 says where a short series leaves its design singular
        theirs = np.array([stattools.adfuller(s, maxlag=lag, regression=trend, autolag=None)[:2] for s in series])
    np.testing.assert_allclose(ours.statistic, theirs[:, 0], rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(ours.pvalue, theirs[:, 1], atol=1e-8)


@pytest.mark.parametrize("trend", ["c", "ct"])
def test_pvalues_are_statsmodels_mackinnon_approximation_everywhere(trend):
    grid = np.concatenate([np.linspace(-25, 4, 3001), [-1.61, -2.89, 2.74, 0.7, np.nan]])
    expected = [mackinnonp(t, regression=trend) for t in grid[:-1]]
    pvalue = _mackinnon_pvalue(grid, trend)
    np.testing.assert_allclose(pvalue[:-1], expected, atol=1e-12)
    assert np.isnan(pvalue[-1])


@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.InterpolationWarning")  # table of p-values ends
@pytest.mark.parametrize("lag", [0, 7])
def test_kpss_equals_statsmodels(rng, lag):
    series = zoo(rng, 300)
    ours = kpss(series, lag)
    theirs = np.array([stattools.kpss(s, regression="c", nlags=lag)[:2] for s in series])
    np.testing.assert_allclose(ours.statistic, theirs[:, 0], rtol=1e-8)
    np.testing.assert_allclose(ours.pvalue, theirs[:, 1], rtol=1e-8)
    assert ours.pvalue.min() == 0.01
    assert ours.pvalue.max() == 0.1


@pytest.mark.parametrize("q", [2, 8])
def test_variance_ratio_equals_arch(rng, q):
    series = zoo(rng, 300)
    ours = variance_ratio(series, q)
    theirs = [ArchVarianceRatio(s, lags=q, robust=True, debiased=True) for s in series]
    np.testing.assert_allclose(ours.ratio, [t.vr for t in theirs], rtol=1e-8)
    np.testing.assert_allclose(ours.statistic, [t.stat for t in theirs], rtol=1e-8)
    np.testing.assert_allclose(ours.pvalue, [t.pvalue for t in theirs], atol=1e-12)


def test_variance_ratio_closed_forms(rng):
    noise = rng.standard_normal((4, 100_000))
    np.testing.assert_allclose(variance_ratio(noise.cumsum(axis=1), q=5).ratio, 1, atol=0.02)
    np.testing.assert_allclose(variance_ratio(noise, q=5).ratio, 1 / 5, atol=0.02)  # var of w_t - w_(t-q) stays 2


@pytest.mark.parametrize("lag", [0, 7])
def test_series_without_variation_have_no_test_and_raise_nothing(rng, lag):
    series = rng.standard_normal((4, 100)).cumsum(axis=1)
    series[1], series[3] = 0.1, 0.0
    for result in (adf(series, lag), adf(series, lag, "ct"), kpss(series, lag), variance_ratio(series, 2)):
        np.testing.assert_array_equal(np.isnan(result.statistic), [False, True, False, True])
        np.testing.assert_array_equal(np.isnan(result.pvalue), [False, True, False, True])


def test_series_that_the_regression_explains_exactly_have_no_adf_test():
    time = np.arange(100.0)
    late, early = np.zeros(100), np.zeros(100)
    late[-3:], early[:3] = [1.0, 0.5, 2.0], [1.0, 0.5, 2.0]
    series = np.stack([0.1 * time, np.sin(time / 5), np.exp(-time / 20), late, early])
    assert np.isnan(adf(series, 7).pvalue).all()
    assert np.isnan(variance_ratio(series[0], 2).pvalue)


def test_series_that_move_part_of_the_time_have_a_test(rng):
    """Weights of a perceptron stand still between mistakes, and for ever once it has converged."""
    series = np.zeros((3, 100))
    series[0, -20:] = rng.standard_normal(20).cumsum()
    series[1, 40:60] = rng.standard_normal(20).cumsum()
    series[1, 60:] = series[1, 59]
    series[2, 50:] = 1.0  # one step
    theirs = [stattools.adfuller(s, maxlag=7, autolag=None)[0] for s in series]
    np.testing.assert_allclose(adf(series, 7).statistic, theirs, rtol=1e-8)


def test_results_do_not_depend_on_pieces_kind_layout_or_precision(rng, monkeypatch):
    path = rng.standard_normal((3, 100, 4)).cumsum(axis=1).astype(np.float32)
    whole = [adf(path.swapaxes(1, 2), 3).statistic, kpss(path.swapaxes(1, 2), 3).statistic]
    monkeypatch.setattr("lib.measures.unit_root._ELEMENTS", 500)
    view = torch.from_numpy(path).mT
    pieces = [adf(view, 3).statistic, kpss(view, 3).statistic]
    assert pieces[0].shape == (3, 4)
    assert pieces[0].dtype == np.float64
    np.testing.assert_allclose(pieces, whole, rtol=1e-10)
    assert adf(path[2, :, 1], 3).statistic == pytest.approx(whole[0][2, 1])


def test_sizes_on_known_series(rng):
    """White noise is told from random walks; a random walk is rejected in about 5 %, its displacement always."""
    noise = rng.standard_normal((1000, 500))
    walks = noise.cumsum(axis=1)
    lag = fixed_lag(500)
    assert np.mean(adf(walks, lag).pvalue < 0.05) == pytest.approx(0.05, abs=0.025)
    assert (adf(np.diff(walks, axis=1), lag).pvalue < 0.05).all()
    assert np.mean(variance_ratio(walks, 2).pvalue < 0.05) == pytest.approx(0.05, abs=0.025)
    assert (variance_ratio(noise, 2).pvalue < 0.05).all()
    assert np.mean(kpss(noise, lag).pvalue <= 0.05) == pytest.approx(0.05, abs=0.025)
    assert np.mean(kpss(walks, lag).pvalue <= 0.05) > 0.95


def test_shrinking_steps_break_textbook_pvalues_and_random_signs_mend_them(rng):
    steps = rng.standard_normal((1000, 500)) * np.exp(-np.arange(500) / 100)
    walks = steps.cumsum(axis=1)
    result = adf(walks, 5)
    surrogates = random_sign_surrogate(walks[:, :, None], generator=5)[:, :, 0]
    assert np.mean(result.pvalue < 0.05) > 0.3
    mended = empirical_pvalue(result.statistic, adf(surrogates, 5).statistic)
    assert np.mean(mended < 0.05) == pytest.approx(0.05, abs=0.03)


def test_empirical_pvalue_counts(rng):
    statistic, null = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 3, 50))
    null[0, 1, ::7] = np.nan
    null[0, 2] = np.nan
    null[1, 2, 0] = statistic[1, 2, 0]
    statistic[0, 0, 0] = np.nan
    pvalue = empirical_pvalue(statistic, null)
    assert np.isnan(pvalue[0, 0, 0])
    assert np.isnan(pvalue[0, 2]).all()  # no surrogate, no p-value
    for index in [(0, 0, 1), (0, 1, 2), (1, 2, 0), (1, 2, 3)]:
        pool = null[index[:2]]
        expected = (1 + np.sum(pool <= statistic[index])) / (1 + np.sum(~np.isnan(pool)))
        assert pvalue[index] == pytest.approx(expected)
    np.testing.assert_array_equal(empirical_pvalue(statistic[1, 2], null[1, 2]), pvalue[1, 2])


def test_empirical_pvalue_keeps_pools_apart():
    statistic = np.array([[0.0], [0.0]])
    np.testing.assert_allclose(empirical_pvalue(statistic, np.array([[-1.0, -2.0], [1.0, 2.0]])), [[1], [1 / 3]])
    with pytest.raises(ValueError, match="do not fit"):
        empirical_pvalue(statistic, np.zeros(3))


def test_share_rejected_equals_statsmodels(rng):
    pvalue = rng.random((50, 30)) ** 4
    pvalue[pvalue > 0.9] = np.nan
    pvalue[0] = np.nan
    rejections = share_rejected(pvalue)
    assert np.isnan(rejections.share[0])
    assert rejections.constant_share[0] == 1
    for p, share, constant in zip(pvalue[1:], rejections.share[1:], rejections.constant_share[1:], strict=True):
        tested = p[~np.isnan(p)]
        assert share == pytest.approx(multipletests(tested, 0.05, method="fdr_bh")[0].mean())
        assert constant == pytest.approx(np.isnan(p).mean())
    np.testing.assert_array_equal(share_rejected(pvalue.T, axis=0).share, rejections.share)


def test_thin_keeps_equal_spacing():
    for times in (1, 5, 999, 1000, 1001, 2500):
        index = thin(np.zeros((2, times, 1)), points=1000)
        assert len(index) <= 1000
        assert index[0] == 0
        assert len(set(np.diff(index))) <= 1
    assert len(thin(torch.zeros(1000, 1), points=1000)) == 1000


def test_fixed_lag_is_schwerts_rule():
    assert [fixed_lag(n) for n in (1, 50, 100, 500, 1000, 10_000)] == [1, 3, 4, 5, 7, 12]


def test_errors_name_the_value():
    series = np.random.default_rng(0).standard_normal((2, 30))
    with pytest.raises(ValueError, match="30 time points are too short"):
        adf(series, lag=14)
    with pytest.raises(ValueError, match="trend 'n' is unknown"):
        adf(series, lag=1, trend="n")
    with pytest.raises(ValueError, match="lag -1"):
        adf(series, lag=-1)
    with pytest.raises(ValueError, match="lag -1"):
        kpss(series, lag=-1)
    with pytest.raises(ValueError, match="nan or infinite"):
        kpss(np.array([1.0, np.inf, 2.0]), lag=1)
    with pytest.raises(ValueError, match="window of 1 steps"):
        variance_ratio(series, q=1)
    with pytest.raises(ValueError, match="alpha 5"):
        share_rejected(np.array([0.1]), alpha=5)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        share_rejected(np.array([1.1]))
    with pytest.raises(ValueError, match="thinned to 0"):
        thin(np.zeros((3, 1)), points=0)
    with pytest.raises(ValueError, match="0 time points has no lag"):
        fixed_lag(0)
