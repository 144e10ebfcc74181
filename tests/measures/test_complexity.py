"""Complexity-entropy plane, limit curves and laws: closed forms first, then ordpy and scipy as oracles."""

import math

import numpy as np
import ordpy
import pytest
from scipy import stats

from lib.measures.complexity import FAMILIES, complexity_entropy, family_probabilities, gaussian_curve, limit_curves
from lib.measures.entropy import (
    jensen_shannon,
)
from lib.measures.histogram import histogram

PUBLISHED = np.array([1 / 3, 1 / 15, 4 / 15, 2 / 15, 1 / 5, 0])


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(24)


def distributions(rng: np.random.Generator, shape: tuple[int, ...], bins: int) -> np.ndarray:
    """Of all degrees of order, some bins empty."""
    p = rng.dirichlet(np.full(bins, 0.3), shape)
    p[..., 0] = 0
    return p / p.sum(axis=-1, keepdims=True)


# -- entropy


def test_published_place_in_the_plane():
    place = complexity_entropy(PUBLISHED)
    assert place.h == pytest.approx(0.83144548, abs=1e-8)
    assert place.c == pytest.approx(0.16576717, abs=1e-8)
    assert (place.bins, place.base) == (6, 2)


def test_places_are_those_of_ordpy(rng):
    p = distributions(rng, (5, 4), 24)
    ours = complexity_entropy(p)
    theirs = np.array([[ordpy.complexity_entropy(row, dx=4, probs=True) for row in rows] for rows in p])
    np.testing.assert_allclose(ours.h, theirs[..., 0])
    np.testing.assert_allclose(ours.c, theirs[..., 1])


@pytest.mark.parametrize("bins", [2, 10, 258])
def test_no_complexity_in_full_order_and_in_full_disorder(bins):
    order, disorder = complexity_entropy(np.eye(bins)[-1]), complexity_entropy(np.ones(bins))
    assert order.complexity == order.c == order.h == 0
    assert order.d == pytest.approx(1)
    assert disorder.complexity == pytest.approx(0, abs=1e-15)
    assert disorder.d == pytest.approx(0, abs=1e-15)
    assert disorder.h == pytest.approx(1)


def test_both_complexities_are_their_products_and_know_their_units(rng):
    p = distributions(rng, (6,), 100)
    bits, nats = complexity_entropy(p), complexity_entropy(p, base=math.e)
    np.testing.assert_allclose(bits.complexity, bits.entropy * bits.disequilibrium)
    np.testing.assert_allclose(bits.complexity, nats.complexity / math.log(2) ** 2)
    np.testing.assert_allclose(bits.disequilibrium, jensen_shannon(p, np.ones(100)))
    for small in ("h", "d", "c"):
        np.testing.assert_allclose(getattr(bits, small), getattr(nats, small))
        assert ((getattr(bits, small) >= 0) & (getattr(bits, small) <= 1)).all()
    # all bins are the alphabet: empty ones lower h
    assert complexity_entropy(np.append(PUBLISHED, 0)).h < complexity_entropy(PUBLISHED).h
    counts = np.round(1e6 * p)
    np.testing.assert_allclose(complexity_entropy(counts).c, bits.c, atol=1e-4)


# -- limit curves


@pytest.mark.parametrize("dx", [3, 4])
def test_curves_pass_through_the_points_of_ordpy(dx):
    bins = math.factorial(dx)
    curves = limit_curves(bins, points=20_001)
    lowest = ordpy.minimum_complexity_entropy(dx=dx, size=50)
    highest = ordpy.maximum_complexity_entropy(dx=dx, m=5)
    np.testing.assert_allclose(np.interp(lowest[:, 0], curves.entropy, curves.minimum), lowest[:, 1], atol=2e-5)
    # ordpy runs its parameter to 1/n only: between its segments it has gaps, its points all lie on the curve
    np.testing.assert_allclose(np.interp(highest[:, 0], curves.entropy, curves.maximum), highest[:, 1], atol=2e-4)


@pytest.mark.parametrize("bins", [2, 3, 7, 256])
def test_every_distribution_lies_between_the_curves(rng, bins):
    curves = limit_curves(bins, points=5_001)
    p = np.concatenate([rng.dirichlet(np.full(bins, a), 300) for a in (0.02, 0.1, 1.0, 10.0)])
    place = complexity_entropy(p)
    assert (place.c >= np.interp(place.h, curves.entropy, curves.minimum) - 1e-5).all()
    assert (place.c <= np.interp(place.h, curves.entropy, curves.maximum) + 2e-4).all()
    assert (curves.minimum <= curves.maximum + 1e-9).all()


@pytest.mark.parametrize("bins", [2, 6, 258])
def test_ends_of_the_curves_and_their_units(bins):
    curves, bits = limit_curves(bins, points=101), limit_curves(bins, points=101, normalised=False)
    assert (curves.entropy[0], curves.entropy[-1]) == (0, 1)
    for curve in (curves.minimum, curves.maximum, bits.minimum, bits.maximum):
        np.testing.assert_allclose(curve[[0, -1]], 0, atol=1e-12)
        assert (curve[1:-1] > 0).all()
    np.testing.assert_allclose(bits.entropy, curves.entropy * math.log2(bits.bins))
    largest = complexity_entropy(np.eye(bins)[0]).disequilibrium
    np.testing.assert_allclose(bits.maximum, curves.maximum * math.log2(bins) * largest)
    nats = limit_curves(bins, points=101, normalised=False, base=math.e)
    np.testing.assert_allclose(nats.minimum, bits.minimum * math.log(2) ** 2, atol=1e-15)


def test_with_two_bins_both_curves_are_one():
    curves = limit_curves(2)
    np.testing.assert_allclose(curves.minimum, curves.maximum, atol=1e-12)


# -- halves


@pytest.mark.parametrize("name", FAMILIES)
def test_families_are_the_laws_of_scipy(name):
    mean, sd, kurtosis = 0.3, 0.7, 1.5
    freedom = 4 + 6 / kurtosis
    law = {
        "gaussian": stats.norm(mean, sd),
        "laplace": stats.laplace(mean, sd / 2**0.5),
        "uniform": stats.uniform(mean - sd * 3**0.5, 2 * sd * 3**0.5),
        "student t": stats.t(freedom, mean, sd * ((freedom - 2) / freedom) ** 0.5),
    }[name]
    expected = law.stats("mvk")
    np.testing.assert_allclose(expected[:2], [mean, sd**2])  # the oracle has the moments asked for
    if name == "student t":
        assert expected[2] == pytest.approx(kurtosis)
    edges = np.concatenate([[-np.inf], np.linspace(-4, 5, 33), [np.inf]])
    p = family_probabilities(name, edges, mean=mean, sd=sd, kurtosis=kurtosis)
    np.testing.assert_allclose(p, np.diff(law.cdf(edges)), atol=1e-14)
    # finite ends take what lies beyond
    p = family_probabilities(name, edges[5:-5], mean=mean, sd=sd, kurtosis=kurtosis)
    assert p.sum() == pytest.approx(1)
    assert p[0] == pytest.approx(law.cdf(edges[6]))


def test_student_t_tends_to_the_gaussian():
    edges = np.linspace(-5, 5, 41)
    gaussian = family_probabilities("gaussian", edges, mean=0, sd=1)
    for kurtosis in (-1.2, 0.0):
        np.testing.assert_array_equal(
            family_probabilities("student t", edges, mean=0, sd=1, kurtosis=kurtosis), gaussian
        )
    for kurtosis in (1e-9, 1.01e-6, 1e-5):
        near = family_probabilities("student t", edges, mean=0, sd=1, kurtosis=kurtosis)
        np.testing.assert_allclose(near, gaussian, atol=1e-5)


@pytest.mark.parametrize("name", FAMILIES)
def test_families_over_leading_axes_are_the_loop(rng, name):
    edges = np.sort(rng.standard_normal((2, 3, 12)), axis=-1)
    mean, sd, kurtosis = rng.standard_normal((2, 3)), rng.uniform(0.5, 2, (2, 3)), rng.uniform(-1, 3, (2, 3))
    together = family_probabilities(name, edges, mean=mean, sd=sd, kurtosis=kurtosis)
    for i in np.ndindex(2, 3):
        alone = family_probabilities(name, edges[i], mean=mean[i], sd=sd[i], kurtosis=kurtosis[i])
        np.testing.assert_allclose(together[i], alone)
    assert family_probabilities(name, edges[0, 0], mean=mean, sd=sd, kurtosis=kurtosis).shape == (2, 3, 11)


def test_far_tails_are_alike_on_both_sides():
    p = family_probabilities("gaussian", np.arange(-30.0, 31.0), mean=0, sd=1)
    np.testing.assert_array_equal(p, p[::-1])
    assert p[-1] == pytest.approx(stats.norm.sf(29), rel=1e-10)


def test_a_sample_is_nearest_to_its_own_family(rng):
    values = {
        "gaussian": rng.standard_normal(200_000),
        "laplace": rng.laplace(size=200_000),
        "uniform": rng.uniform(size=200_000),
    }
    for own, sample in values.items():
        h = histogram(sample, 128)
        distance = {
            name: float(
                jensen_shannon(
                    h.counts, family_probabilities(name, h.edges, mean=sample.mean(), sd=sample.std(), kurtosis=0.0)
                )
            )
            for name in FAMILIES
            if name != "student t"
        }
        assert min(distance, key=distance.__getitem__) == own
        assert distance[own] < 0.001


def test_gaussians_lie_on_their_own_curve():
    law = np.diff(stats.norm(0, 0.2).cdf(np.linspace(-1, 1, 257)))
    found, curve = complexity_entropy(law), gaussian_curve(256)
    assert np.interp(found.h, curve.h, curve.c) == pytest.approx(float(found.c), abs=1e-4)
    assert (np.diff(curve.h) > -1e-9).all()
    assert curve.h[0] < 0.15
    assert curve.h[-1] == pytest.approx(1, abs=1e-3)


# -- bad input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: complexity_entropy([3]), "use 2 or more"),
        (lambda: limit_curves(1), "use 2 or more"),
        (lambda: limit_curves(5, points=1), "use 2 or more"),
        (lambda: family_probabilities("cauchy", [0, 1], mean=0, sd=1), "unknown"),
        (lambda: family_probabilities("gaussian", [0, 1], mean=0, sd=0), "not positive"),
        (lambda: family_probabilities("gaussian", [0, 1], mean=np.nan, sd=1), "not finite"),
        (lambda: family_probabilities("gaussian", [1, 0], mean=0, sd=1), "increase"),
        (lambda: family_probabilities("student t", [0, 1], mean=0, sd=1), "kurtosis"),
        (lambda: family_probabilities("student t", [0, 1], mean=0, sd=1, kurtosis=np.inf), "kurtosis"),
    ],
)
def test_bad_input_is_refused_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()
