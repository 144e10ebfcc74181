"""Laws of decay on curves whose law is known."""

import numpy as np
import pytest

from lib.measures.decay import LAWS, fit_decay, held_out_errors, neighbour_ratio

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


LAWS_MADE = {
    "power law": 2 * T**-0.3,
    "exponential": 2 * np.exp(-T / 200),
    "stretched exponential": 2 * np.exp(-((T / 100) ** 0.5)),
    "power law and constant": 0.3 * T**-0.8 + 0.2,
}


@pytest.mark.parametrize("law", LAWS)
def test_a_law_does_not_miss_its_own_curve(law):
    missed = held_out_errors(T, LAWS_MADE[law])
    assert missed[law] < 4e-3  # of a law on a grid, its spacing
    for other in ("power law", "exponential"):
        if other != law:
            assert missed[other] > 5 * missed[law]


def test_held_out_errors_are_those_of_fits_without_the_moment():
    y = 2 * T**-0.3 * np.exp(0.1 * np.random.default_rng(0).standard_normal(len(T)))
    misses = []
    for out in range(len(T)):
        kept = np.arange(len(T)) != out
        line = np.polyfit(np.log(T[kept]), np.log(y[kept]), 1)
        misses.append(np.log(y[out]) - np.polyval(line, np.log(T[out])))
    assert held_out_errors(T, y)["power law"] == pytest.approx(np.sqrt(np.mean(np.square(misses))))


def test_freedom_is_no_advantage_where_it_is_not_needed():
    noise = np.exp(0.05 * np.random.default_rng(1).standard_normal((200, len(T))))
    missed = held_out_errors(T, T**-0.3 * noise)
    assert missed["power law"].mean() < missed["stretched exponential"].mean()
    assert missed["power law"].mean() < missed["power law and constant"].mean()
    assert missed["power law"].shape == (200,)


def test_curves_that_are_not_positive_miss_nothing_known():
    missed = held_out_errors(T, np.stack([T**-1.0, -T]))
    assert np.isnan(missed["exponential"]).tolist() == [False, True]


def test_residuals_of_a_power_law_are_strangers_to_their_neighbours():
    noise = np.exp(0.05 * np.random.default_rng(2).standard_normal((400, len(T))))
    assert neighbour_ratio(T, 3 * T**-0.4 * noise).mean() == pytest.approx(2, abs=0.1)
    assert neighbour_ratio(T, LAWS_MADE["power law and constant"]) < 0.5
    assert np.isnan(neighbour_ratio(T, -T))


def test_a_curve_that_does_not_fall_has_no_shape():
    assert np.isnan(fit_decay(np.arange(1.0, 8), np.full(7, 0.1)).shape)


def test_times_that_are_none_are_refused():
    with pytest.raises(ValueError, match="at least 5, positive and increasing"):
        fit_decay(np.array([1.0, 2, np.nan, 4, 5]), np.ones(5))
