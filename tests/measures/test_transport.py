"""Transport: exact limits and scipy as oracle."""

import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance

from lib.measures.transport import quantiles, straightness, wasserstein1, wasserstein_between_halves


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(22)


def test_distance_is_that_of_scipy(rng):
    a, b = rng.standard_normal((2, 3, 50)), rng.standard_normal((2, 3, 50)) ** 3
    distance = wasserstein1(a, torch.from_numpy(b))
    assert distance.shape == (2, 3)
    assert distance[1, 2] == pytest.approx(wasserstein_distance(a[1, 2], b[1, 2]))
    np.testing.assert_allclose(wasserstein1(b, a), distance)


def test_distance_of_shifted_scaled_and_shuffled_samples(rng):
    x = rng.standard_normal(100)
    assert wasserstein1(x, rng.permutation(x)) == 0
    assert wasserstein1(x, x + 2.5) == pytest.approx(2.5)
    assert wasserstein1(x, 3 * x) == pytest.approx(2 * np.abs(x).mean())


def test_distance_to_one_reference_broadcasts(rng):
    path = rng.standard_normal((7, 30))
    np.testing.assert_allclose(wasserstein1(path, path[0]), [wasserstein1(row, path[0]) for row in path])


def test_halves_of_one_sample_differ_by_sampling_alone(rng):
    x = rng.standard_normal((20, 10_001))
    floor = wasserstein_between_halves(x, generator=1)
    assert floor.shape == (20,)
    assert (floor > 0).all()
    other = wasserstein1(x[:10], x[10:]).mean()
    assert floor.mean() / other == pytest.approx(np.sqrt(2), rel=0.25)
    np.testing.assert_array_equal(wasserstein_between_halves(torch.from_numpy(x), generator=1), floor)
    assert wasserstein_between_halves(np.array([1.0, 4.0]), generator=0) == 3


def test_quantiles_are_those_of_numpy(rng, monkeypatch):
    monkeypatch.setattr("lib.measures.transport._ELEMENTS", 50)
    x, levels = rng.standard_normal((4, 3, 21)), [0.0, 0.05, 0.5, 0.93, 1.0]
    expected = np.moveaxis(np.quantile(x, levels, axis=-1), 0, -1)
    np.testing.assert_allclose(quantiles(x, levels), expected)
    np.testing.assert_allclose(quantiles(torch.from_numpy(x), np.array(levels)), expected)


def test_straightness_is_path_length_over_net_distance(rng):
    path = rng.standard_normal((2, 6, 40)).cumsum(axis=1)
    steps = sum(wasserstein1(path[1, t], path[1, t + 1]) for t in range(5))
    assert straightness(path)[1] == pytest.approx(steps / wasserstein1(path[1, 0], path[1, 5]))
    assert (straightness(path) >= 1).all()
    spread = np.linspace(1, 3, 5)[:, None] * rng.standard_normal(40)
    assert straightness(rng.permuted(spread, axis=1)) == pytest.approx(1)  # order of weights does not matter


def test_straightness_without_net_distance():
    still, back = np.zeros((3, 4)), np.array([[0.0], [1.0], [0.0]])
    assert np.isnan(straightness(still))
    assert straightness(back) == np.inf


def test_errors_name_the_value():
    with pytest.raises(ValueError, match="differ in size"):
        wasserstein1(np.zeros(3), np.zeros(4))
    with pytest.raises(ValueError, match="1 weights has no halves"):
        wasserstein_between_halves(np.zeros(1), generator=0)
    with pytest.raises(ValueError, match=r"levels \[1.5\]"):
        quantiles(np.zeros(3), [1.5])
    with pytest.raises(ValueError, match="not 1"):
        straightness(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="empty"):
        wasserstein1(np.zeros(0), np.zeros(0))
