"""Surrogates keep what they say and destroy the rest."""

import numpy as np
import pytest

from lib.data.exact import CommonFactor
from lib.measures.surrogates import pairwise, permuted, shifted, thinned

SYSTEM = CommonFactor(units=8, rate=0.1, correlation=0.5)
Z = SYSTEM.draw_series(20_000, seed=0, memory=0.95)


def covariance(z):
    return np.cov(z.T)[np.triu_indices(z.shape[1], 1)]


def memory(z):
    return np.array([np.corrcoef(each[:-1], each[1:])[0, 1] for each in z.T.astype(float)])


def test_permuted_bins_keep_rates_only():
    made = permuted(Z, seed=1)
    np.testing.assert_array_equal(made.sum(0), Z.sum(0))
    assert np.abs(covariance(made)).max() < 0.003 < covariance(Z).min()
    assert np.abs(memory(made)).max() < 0.03 < memory(Z).min()


def test_shifted_trains_keep_their_memory():
    made = shifted(Z, seed=1, least=200)
    np.testing.assert_array_equal(made.sum(0), Z.sum(0))
    np.testing.assert_allclose(memory(made), memory(Z), atol=0.01)
    assert np.abs(covariance(made)).max() < 0.25 * covariance(Z).min()


def test_trains_are_shifted_within_their_stretch():
    groups = np.repeat([0, 1], 10_000)
    made = shifted(Z, seed=1, groups=groups)
    for group in (0, 1):
        np.testing.assert_array_equal(made[groups == group].sum(0), Z[groups == group].sum(0))


def test_lags_reach_from_the_least_on_either_way():
    one = np.zeros((7, 4_000), dtype=int)
    one[0] = 1
    assert set(shifted(one, seed=0, least=3).argmax(0)) == {3, 4}


def test_thinned_units_have_the_rates_asked_for():
    rates = np.linspace(0, 0.2, 8)
    made = thinned(Z, rates, seed=1)
    np.testing.assert_array_equal(made.sum(0), np.minimum(np.rint(rates * len(Z)), Z.sum(0)))
    assert (made <= Z).all()


def test_pairs_are_kept_and_nothing_more():
    made = pairwise(Z, seed=1)
    np.testing.assert_allclose(made.mean(0), Z.mean(0), atol=0.006)
    np.testing.assert_allclose(covariance(made), covariance(Z), atol=0.005)
    assert np.abs(memory(made)).max() < 0.03


def test_sparse_pairs_that_never_met_leave_the_others_as_they_are():
    z = CommonFactor(units=48, rate=0.006, correlation=0.2).draw_series(6_000, seed=0, memory=0.0)
    met = z.T.astype(int) @ z
    assert (met == 0).mean() > 0.4
    given, made = covariance(z).sum(), covariance(pairwise(z, seed=1)).sum()
    assert made == pytest.approx(given, rel=0.2)


def test_parity_has_no_pairs_to_keep():
    z = np.random.default_rng(0).integers(0, 2, (20_000, 3))
    z[:, 2] = z[:, 0] ^ z[:, 1]
    made = pairwise(z, seed=0)
    assert (made.sum(1) % 2).mean() == pytest.approx(0.5, abs=0.02)


def test_constant_units_and_excluded_pairs_stay():
    z = np.zeros((4_000, 4), dtype=int)
    z[::2, 1], z[1::2, 2], z[:, 3] = 1, 1, 1
    made = pairwise(z, seed=0)
    assert made[:, 0].sum() == 0
    assert made[:, 3].all()
    assert (made[:, 1] & made[:, 2]).mean() < 0.06


@pytest.mark.parametrize("make", [permuted, pairwise, shifted, lambda z, seed: thinned(z, [0.1], seed)])
@pytest.mark.parametrize("z", [[0, 1], np.zeros((0, 3)), [[0.5]], [[np.nan]]])
def test_what_is_no_activity_is_named(make, z):
    with pytest.raises(ValueError, match="no table of 0 and 1"):
        make(z, 0)


def test_what_cannot_be_made_is_named():
    with pytest.raises(ValueError, match="2 bins cannot be shifted by 1"):
        shifted([[0], [1]], 0)
    with pytest.raises(ValueError, match="do not fit 3 bins"):
        shifted([[0], [1], [0]], 0, groups=[0])
    for rates in ([0.1, 0.2], [1.5]):
        with pytest.raises(ValueError, match="do not fit 1 units"):
            thinned([[0], [1], [0]], rates, 0)
