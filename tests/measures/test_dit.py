"""Entropies, divergences, complexity and information of discrete distributions: all are those of the package dit."""

import dit
import numpy as np
import pytest
import torch

from lib.measures.complexity import complexity_entropy
from lib.measures.entropy import jensen_shannon, kl_divergence, shannon_entropy
from lib.measures.mutual_information import binned_information

BINS = 12


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(29)


def as_dit(p: np.ndarray) -> dit.Distribution:
    """A distribution over all cells of an array, empty ones too, for dit's disequilibrium counts them."""
    found = dit.Distribution(list(np.ndindex(p.shape)), p.ravel().tolist())
    found.make_dense()
    return found


def distributions(rng: np.random.Generator, number: int) -> np.ndarray:
    """From nearly even to nearly all in one bin; every second one has empty bins."""
    p = np.stack([rng.dirichlet(np.full(BINS, concentration)) for concentration in np.geomspace(0.1, 100, number)])
    p[::2, 1:4] = 0
    return p / p.sum(1, keepdims=True)


def test_place_in_the_plane(rng):
    p = distributions(rng, 8)
    place, theirs = complexity_entropy(p), [as_dit(row) for row in p]
    np.testing.assert_allclose(place.entropy, [dit.shannon.entropy(each) for each in theirs])
    np.testing.assert_allclose(place.d, [dit.other.disequilibrium(each) for each in theirs])
    np.testing.assert_allclose(place.c, [dit.other.LMPR_complexity(each) for each in theirs])


def test_divergences(rng):
    p, q = distributions(rng, 8), rng.dirichlet(np.ones(BINS), 8)
    pairs = [(as_dit(one), as_dit(other)) for one, other in zip(p, q, strict=True)]
    kl = [dit.divergences.kullback_leibler_divergence(*pair) for pair in pairs]
    np.testing.assert_allclose(kl_divergence(p, q), kl)
    jsd = [dit.divergences.jensen_shannon_divergence(list(pair)) for pair in pairs]
    np.testing.assert_allclose(jensen_shannon(p, q), jsd)


def test_information_of_a_channel(rng):
    """A layer of two units with three values each, and a label that depends on them: the plug-in is the table's."""
    t = torch.from_numpy(rng.integers(0, 3, (4000, 2)).astype(float))
    y = torch.from_numpy((t.sum(1).numpy() + rng.integers(0, 2, 4000)) // 2).long()
    table = np.zeros((3, 3, 3))
    np.add.at(table, (*t.long().numpy().T, y.numpy()), 1 / 4000)
    channel = as_dit(table)
    found = binned_information(t, y, bins=3)
    assert found.with_labels == pytest.approx(dit.shannon.mutual_information(channel, [0, 1], [2]))
    assert found.with_input == pytest.approx(dit.shannon.entropy(channel, [0, 1]))  # deterministic: all of H(T)
    assert shannon_entropy(table.sum((0, 1))) == pytest.approx(dit.shannon.entropy(channel, [2]))
