"""Collision entropy against direct counts of pairs, and against closed forms."""

import itertools
import math

import numpy as np
import pytest

from lib.measures.collisions import collision_entropy


def by_pairs(z, groups):
    """Coincidences and pairs, counted one by one."""
    pairs = [(a, b) for a, b in itertools.combinations(range(len(z)), 2) if groups[a] != groups[b]]
    return sum((z[a] == z[b]).all() for a, b in pairs), len(pairs)


@pytest.mark.parametrize("grouped", [False, True])
def test_coincidences_are_those_of_pairs_of_different_groups(grouped):
    rng = np.random.default_rng(0)
    z = rng.integers(0, 2, (60, 3))
    groups = rng.integers(0, 7, 60) if grouped else np.arange(60)
    found = collision_entropy(z, groups=groups if grouped else None)
    coincidences, pairs = by_pairs(z, groups)
    assert (found.coincidences, found.pairs) == (coincidences, pairs)
    assert found.bits == pytest.approx(-math.log2(coincidences / pairs))


def test_uniform_patterns_have_their_entropy():
    z = np.random.default_rng(1).integers(0, 2, (20_000, 20))
    found = collision_entropy(z)
    assert found.bits == pytest.approx(20, abs=4 * found.standard_error)
    assert 0 < found.standard_error < 0.2


def test_it_is_below_the_entropy_of_biased_units():
    p = 0.1
    z = np.random.default_rng(2).random((20_000, 12)) < p
    found = collision_entropy(z)
    exact = -12 * math.log2(p**2 + (1 - p) ** 2)
    assert found.bits == pytest.approx(exact, abs=4 * found.standard_error)
    assert found.bits < -12 * (p * math.log2(p) + (1 - p) * math.log2(1 - p))


@pytest.mark.parametrize(("p", "most"), [(0.2, 1.3), (0.5, 1.6)])
def test_the_error_is_that_of_repeated_draws(p, most):
    """Of uniform patterns, p = 0.5, it is too large by up to the root of 2: the first term is 0 there."""
    rng = np.random.default_rng(3)
    groups = np.arange(600) // 3
    found = [collision_entropy(np.repeat(rng.random((200, 6)) < p, 3, 0), groups=groups) for _ in range(200)]
    spread = np.std([each.bits for each in found])
    assert 0.8 < np.mean([each.standard_error for each in found]) / spread < most


def test_packed_patterns_are_the_same():
    z = np.random.default_rng(4).integers(0, 2, (500, 11), dtype=np.uint8)
    assert collision_entropy(np.packbits(z, axis=1), units=11) == collision_entropy(z)


def test_without_a_coincidence_there_is_no_bound():
    found = collision_entropy(np.eye(4))
    assert (found.bits, found.coincidences, found.pairs) == (math.inf, 0, 6)
    assert math.isnan(found.standard_error)


@pytest.mark.parametrize(
    ("z", "groups", "message"),
    [
        (np.zeros((4, 2)), [0, 0, 0, 0], "of one group"),
        (np.full((4, 2), 2), None, "Patterns hold 2"),
        (np.zeros((4, 2)), [0, 1], "Groups of shape"),
        (np.zeros(4), None, "are no sets"),
    ],
)
def test_bad_input_is_named(z, groups, message):
    with pytest.raises(ValueError, match=message):
        collision_entropy(z, groups=groups)
