"""Entropy and divergences: closed forms and limit cases first, then scipy as the oracle."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from lib.measures.complexity import family_probabilities
from lib.measures.entropy import (
    halves,
    jensen_shannon,
    kl_between_halves,
    kl_divergence,
    kl_from_counts,
    miller_madow,
    shannon_entropy,
)

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


@pytest.mark.parametrize("bins", [1, 2, 5, 256])
def test_entropy_of_the_uniform_is_the_logarithm_of_its_bins(bins):
    assert shannon_entropy(np.ones(bins)) == pytest.approx(math.log2(bins))
    assert shannon_entropy(np.full(bins, 7), base=math.e) == pytest.approx(math.log(bins))
    assert shannon_entropy(np.eye(bins)[0]) == 0


def test_entropy_is_that_of_scipy(rng):
    p = distributions(rng, (3, 4), 50)
    np.testing.assert_allclose(shannon_entropy(p), stats.entropy(p, base=2, axis=-1))
    np.testing.assert_allclose(shannon_entropy(1000 * p, base=10), stats.entropy(p, base=10, axis=-1))


def test_entropy_of_a_binned_gaussian_is_the_closed_form_less_log_width():
    sd, width = 0.3, 0.01
    edges = np.arange(-400, 401) * width
    p = family_probabilities("gaussian", edges, mean=0.0123, sd=sd)
    closed = 0.5 * math.log2(2 * math.pi * math.e * sd**2) - math.log2(width)
    assert shannon_entropy(p) == pytest.approx(closed, abs=1e-4)


def test_miller_madow_removes_the_bias_of_few_values(rng):
    counts = rng.multinomial(500, np.full(64, 1 / 64), size=2_000)
    plug_in, corrected = shannon_entropy(counts).mean(), miller_madow(counts).mean()
    assert plug_in == pytest.approx(6 - 63 / (2 * 500) / math.log(2), abs=0.005)  # known bias
    assert corrected == pytest.approx(6, abs=0.005)
    padded = np.concatenate([counts, np.zeros((2_000, 36), int)], axis=-1)  # bins out of reach change nothing
    np.testing.assert_allclose(miller_madow(padded), miller_madow(counts))


# -- divergences


def test_jensen_shannon_of_equal_half_overlapping_and_disjoint():
    p = np.array([1, 1, 0, 0])
    assert jensen_shannon(p, p) == 0
    assert jensen_shannon(p, [0, 1, 1, 0]) == pytest.approx(0.5)
    assert jensen_shannon(p, [0, 0, 3, 3]) == pytest.approx(1)
    assert jensen_shannon(p, [0, 0, 3, 3], base=math.e) == pytest.approx(math.log(2))


def test_jensen_shannon_is_the_square_of_scipys_distance(rng):
    p, q = distributions(rng, (2, 3), 20), distributions(rng, (3,), 20)
    ours = jensen_shannon(p, q)
    np.testing.assert_allclose(ours, jensenshannon(p, np.broadcast_to(q, p.shape), base=2, axis=-1) ** 2)
    np.testing.assert_allclose(ours, jensen_shannon(q, p))  # symmetric
    order = rng.permutation(20)
    np.testing.assert_allclose(ours, jensen_shannon(p[..., order], q[..., order]))
    assert (ours > 0).all()
    assert (ours <= 1).all()


def test_kl_divergence(rng):
    p, q = rng.dirichlet(np.ones(9), (2, 3)), rng.dirichlet(np.ones(9), 3)
    np.testing.assert_allclose(kl_divergence(p, q), stats.entropy(p, np.broadcast_to(q, p.shape), base=2, axis=-1))
    np.testing.assert_array_equal(kl_divergence(p, p), 0)
    assert kl_divergence([1, 1], [1, 0]) == np.inf
    assert kl_divergence([1, 0], [1, 1]) == 1


def test_kl_of_two_gaussians_is_the_closed_form():
    edges = np.linspace(-10, 10, 4_001)
    p, q = (family_probabilities("gaussian", edges, mean=mean, sd=sd) for mean, sd in ((0, 1), (0.5, 1.5)))
    closed = math.log(1.5) + (1 + 0.25) / (2 * 1.5**2) - 0.5
    assert kl_divergence(p, q, base=math.e) == pytest.approx(closed, abs=1e-4)


def test_kl_from_counts_smooths_both(rng):
    a, b = rng.poisson(2, (3, 16)), rng.poisson(2, (3, 16))
    for pseudocount in (0.5, 1.0):
        expected = stats.entropy(a + pseudocount, b + pseudocount, base=2, axis=-1)
        np.testing.assert_allclose(kl_from_counts(a, b, pseudocount), expected)
    np.testing.assert_array_equal(kl_from_counts(a, a), 0)
    assert kl_from_counts([5, 0], [0, 5], pseudocount=0) == np.inf
    assert np.isfinite(kl_from_counts([5, 0], [0, 5]))


# -- complexity


def test_halves_are_two_parts_of_one_sample(rng):
    counts = rng.poisson(3, (4, 3, 21))
    first, second = halves(counts, rng)
    np.testing.assert_array_equal(first + second, counts)
    assert (first >= 0).all()
    assert (second >= 0).all()
    np.testing.assert_array_equal(first.sum(axis=-1), counts.sum(axis=-1) // 2)
    np.testing.assert_array_equal(halves(counts, 5)[0], halves(counts, 5)[0])


def test_halves_have_the_moments_of_drawing_without_replacement(rng):
    counts = np.array([50, 0, 7, 1, 120, 22])
    n, drawn, repeats = counts.sum(), counts.sum() // 2, 40_000
    first, _ = halves(np.broadcast_to(counts, (repeats, 6)), rng)
    p = counts / n
    covariance = drawn * (n - drawn) / (n - 1) * (np.diag(p) - np.outer(p, p))
    np.testing.assert_allclose(first.mean(axis=0), drawn * p, atol=5 * np.sqrt(covariance.max() / repeats))
    np.testing.assert_allclose(np.cov(first.T), covariance, atol=0.05 * covariance.max())


def test_floor_between_halves_is_what_independent_samples_show(rng):
    p = family_probabilities("gaussian", np.linspace(-3, 3, 65), mean=0, sd=1)
    n = 20_000
    floor = kl_between_halves(rng.multinomial(n, p), rng, repeats=50)
    pairs = rng.multinomial(n // 2, p, size=(2, 200))
    assert floor.kl == pytest.approx(kl_from_counts(*pairs).mean(), rel=0.15)
    assert floor.jsd == pytest.approx(jensen_shannon(*pairs).mean(), rel=0.15)
    assert floor.jsd == pytest.approx(63 / (4 * n / 2) / math.log(2), rel=0.15)  # chi squared / (8 n) per half
    assert floor.kl_sd == pytest.approx(kl_from_counts(*pairs).std(), rel=0.5)
    difference = np.abs(shannon_entropy(pairs[0]) - shannon_entropy(pairs[1]))
    assert floor.entropy_difference == pytest.approx(difference.mean(), rel=0.4)
    several = kl_between_halves(rng.multinomial(n, p, size=(2, 3)), rng, repeats=2)
    assert several.jsd.shape == several.jsd_sd.shape == several.entropy_difference_sd.shape == (2, 3)


# -- families


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: shannon_entropy([]), "no bins"),
        (lambda: shannon_entropy(3.0), "no bins"),
        (lambda: shannon_entropy([1, -1]), "negative"),
        (lambda: shannon_entropy([1, np.nan]), "nan"),
        (lambda: shannon_entropy([[1, 2], [0, 0]]), "sum to 0"),
        (lambda: shannon_entropy([1, 2], base=1), "base 1"),
        (lambda: miller_madow([0.2, 0.3]), "not probabilities"),
        (lambda: miller_madow([0.5, 0.5]), "not probabilities"),
        (lambda: kl_divergence([1, 2], [1, 2, 3]), "common edges"),
        (lambda: jensen_shannon([1, 2], [1, 2, 3]), "common edges"),
        (lambda: kl_from_counts([1, 2], [1, 2], pseudocount=-1), "pseudo-count"),
        (lambda: kl_from_counts([1, 2], [0, 0]), "sum to 0"),
        (lambda: halves([0.5, 0.5], 0), "whole counts"),
        (lambda: halves([1, 0], 0), "at least 2 values"),
        (lambda: kl_between_halves([5, 5], 0, repeats=1), "use 2 or more"),
    ],
)
def test_bad_input_is_refused_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()
