"""Laws of decay on curves whose law is known."""

import numpy as np
import pytest

from lib.measures.decay import fit_decay

T = np.geomspace(10, 1_000, 30)


@pytest.mark.parametrize(("beta", "expected"), [(0.0, 0.0), (1.0, 1.0), (0.5, 0.5), (-0.5, -0.5)])
def test_the_shape_of_a_known_law_is_found(beta, expected):
    curve = 5 * T**-0.8 if beta == 0 else np.exp(-((T / 50) ** beta - 1) / beta)
    noisy = curve * np.exp(0.01 * np.random.default_rng(0).normal(size=(20, len(T))))
    found = fit_decay(T, noisy)
    assert found.shape.mean() == pytest.approx(expected, abs=0.02)
    assert (found.misfit <= found.power_misfit).all()
    assert ((found.evidence > 0) == (beta < 0.4)).all() or beta == 0.5


def test_exponents_do_not_depend_on_amplitude_or_leading_axes():
    curves = np.array([1.0, 7.0])[:, None, None] * T ** -np.array([1.0, 1.5])[:, None]
    np.testing.assert_allclose(fit_decay(T, curves).exponent, [[1.0, 1.5]] * 2)


def test_a_curve_that_is_not_positive_has_no_law():
    found = fit_decay(T, np.stack([np.ones_like(T), -np.ones_like(T), np.full_like(T, np.nan)]))
    assert np.isnan(found.exponent).tolist() == [False, True, True]
    assert found.exponent[0] == pytest.approx(0)


@pytest.mark.parametrize("t", [T[:4], T[::-1], np.array([0.0, 1, 2, 3, 4])])
def test_times_that_cannot_be_fitted_are_refused(t):
    with pytest.raises(ValueError, match="at least 5, positive and increasing"):
        fit_decay(t, np.ones(len(t)))


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="have not the 30 moments"):
        fit_decay(T, np.ones(29))
