"""Random-walk measures: exact limits, a naive loop, and simulated walks whose law is known."""

import numpy as np
import pytest
import torch

from lib.measures.random_walk import (
    msd_by_lag,
    msd_exponent,
    pca_projection,
    random_sign_surrogate,
    random_walk_variance_share,
    rosenblatt_msd,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


def walk(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Pure random walks (..., time, weight)."""
    return rng.standard_normal(shape).cumsum(axis=-2)


def test_msd_equals_the_naive_loop(rng):
    path = walk(rng, 2, 3, 12, 4)
    msd = msd_by_lag(path, [1, 5, 11])
    assert msd.shape == (2, 3, 3)
    for i, lag in enumerate([1, 5, 11]):
        windows = [np.sum((path[1, 2, t + lag] - path[1, 2, t]) ** 2) for t in range(12 - lag)]
        assert msd[1, 2, i] == pytest.approx(np.mean(windows))


def test_msd_does_not_depend_on_pieces_kind_or_memory_layout(rng, monkeypatch):
    path = walk(rng, 5, 2, 30, 3)
    expected = msd_by_lag(path, [1, 7])
    monkeypatch.setattr("lib.measures.random_walk._ELEMENTS", 100)
    np.testing.assert_array_equal(msd_by_lag(path, [1, 7]), expected)
    np.testing.assert_array_equal(msd_by_lag(torch.from_numpy(path), [1, 7]), expected)
    transposed = torch.from_numpy(path.swapaxes(2, 3).copy()).mT
    np.testing.assert_array_equal(msd_by_lag(transposed, [1, 7]), expected)


def test_msd_leaves_its_input_alone_and_takes_read_only_arrays(rng):
    path = walk(rng, 20, 2)
    path.setflags(write=False)
    before = path.copy()
    msd_by_lag(path, [1])
    random_sign_surrogate(path, 0)
    pca_projection(path)
    np.testing.assert_array_equal(path, before)


def test_exponents_of_diffusive_ballistic_and_confined_paths(rng):
    lags = [1, 2, 4, 8, 16, 32]
    time = np.arange(2000.0)[:, None]
    assert msd_exponent(lags, msd_by_lag(walk(rng, 2000, 300), lags)) == pytest.approx(1, abs=0.02)
    assert msd_exponent(lags, msd_by_lag(time * [3.0, 4.0], lags)) == pytest.approx(2)
    assert msd_exponent(lags, msd_by_lag(rng.standard_normal((2000, 300)), lags)) == pytest.approx(0, abs=0.01)


def test_exponent_of_a_path_that_stood_still_is_nan():
    msd = np.stack([msd_by_lag(np.zeros((10, 2)), [1, 2]), [1.0, 2.0]])
    exponent = msd_exponent([1, 2], msd)
    assert np.isnan(exponent[0])
    assert exponent[1] == pytest.approx(1)


def test_rosenblatt_identity_on_the_rule_itself(rng):
    inputs, rate = rng.standard_normal((500, 6)), 0.3
    labels = np.where(inputs @ rng.standard_normal(6) + rng.standard_normal(500) > 0, 1, -1)
    path, mistaken = [np.zeros(6)], []
    for x, y in zip(inputs, labels, strict=True):
        mistaken.append(y * (path[-1] @ x) <= 0)
        path.append(path[-1] + rate * y * x * mistaken[-1])
    share = np.mean(mistaken)
    squared_norm = np.mean(np.sum(inputs[mistaken] ** 2, axis=1))
    assert 0.05 < share < 0.5
    assert rosenblatt_msd(rate, share, squared_norm) == pytest.approx(msd_by_lag(np.array(path), [1])[0])
    assert rosenblatt_msd(rate, torch.tensor(share), torch.tensor(squared_norm)) == pytest.approx(
        rosenblatt_msd(rate, share, squared_norm)
    )


def test_surrogate_keeps_start_lengths_and_lines_of_steps(rng):
    path = walk(rng, 4, 50, 3)
    surrogate = random_sign_surrogate(path, generator=1)
    np.testing.assert_array_equal(surrogate[:, 0], path[:, 0])
    ratio = np.diff(surrogate, axis=1) / np.diff(path, axis=1)
    np.testing.assert_allclose(np.abs(ratio), 1)
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[..., :1], ratio.shape))  # one sign for all weights
    assert len(np.unique(np.sign(ratio[..., 0]), axis=0)) == 4  # chains have signs of their own
    assert 0.4 < np.mean(ratio > 0) < 0.6


def test_surrogate_is_reproducible_and_the_same_for_arrays_tensors_and_pieces(rng, monkeypatch):
    path = walk(rng, 4, 2, 20, 3)
    expected = random_sign_surrogate(path, generator=3)
    np.testing.assert_array_equal(random_sign_surrogate(path, generator=np.random.default_rng(3)), expected)
    monkeypatch.setattr("lib.measures.random_walk._ELEMENTS", 100)
    tensor = random_sign_surrogate(torch.from_numpy(path), generator=3)
    assert isinstance(tensor, torch.Tensor)
    np.testing.assert_array_equal(tensor.numpy(), expected)
    assert not np.array_equal(random_sign_surrogate(path, generator=4), expected)


def test_surrogate_of_a_straight_line_is_diffusive():
    line = np.broadcast_to(np.arange(1000.0)[:, None], (200, 1000, 1))
    msd = msd_by_lag(random_sign_surrogate(line, generator=0), [1, 2, 4, 8]).mean(axis=0)
    assert msd_exponent([1, 2, 4, 8], msd) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("shape", [(30, 8), (8, 30)])
def test_projection_equals_singular_value_decomposition(rng, shape):
    path = walk(rng, *shape)
    projection = pca_projection(path, components=3)
    u, s, _ = np.linalg.svd(path - path.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(projection.coordinates), np.abs(u * s)[:, :3], atol=1e-9)
    np.testing.assert_allclose(projection.variance_share, (s**2 / np.sum(s**2))[:3])
    assert (projection.coordinates[-1] >= 0).all()


def test_projection_of_many_chains_and_of_one_that_stood_still(rng):
    paths = walk(rng, 3, 2, 20, 5)
    paths[1, 1] = 1.0
    projection = pca_projection(paths)
    assert projection.coordinates.shape == (3, 2, 20, 2)
    assert projection.variance_share.shape == (3, 2, 2)
    assert np.isnan(projection.variance_share[1, 1]).all()
    np.testing.assert_allclose(projection.coordinates[2, 0], pca_projection(paths[2, 0]).coordinates)


def test_variance_shares_of_a_high_dimensional_random_walk(rng):
    shares = pca_projection(walk(rng, 400, 8000), components=4).variance_share
    np.testing.assert_allclose(shares, random_walk_variance_share(np.arange(1, 5)), rtol=0.1)
    assert random_walk_variance_share(np.arange(1, 100_000)).sum() == pytest.approx(1, abs=1e-4)


def test_errors_name_the_value():
    path = np.zeros((5, 2))
    with pytest.raises(ValueError, match="lag 5 does not fit a path of 5 time points"):
        msd_by_lag(path, [1, 5])
    with pytest.raises(ValueError, match="lag 0"):
        msd_by_lag(path, [0])
    with pytest.raises(ValueError, match="axes"):
        msd_by_lag(np.zeros(5), [1])
    with pytest.raises(ValueError, match="empty"):
        msd_by_lag(np.zeros((0, 5, 2)), [1])
    with pytest.raises(ValueError, match="3 lags do not fit"):
        msd_exponent([1, 2, 3], np.ones(2))
    with pytest.raises(ValueError, match="no slope"):
        msd_exponent([2, 2], np.ones(2))
    with pytest.raises(ValueError, match="3 components"):
        pca_projection(path, components=3)
    with pytest.raises(ValueError, match="component 0"):
        random_walk_variance_share(0)


def test_lags_between_time_points_are_refused():
    with pytest.raises(ValueError, match="whole numbers of time points"):
        msd_by_lag(np.arange(10.0)[:, None], np.geomspace(1, 9, 6))


def test_a_path_that_stands_still_has_no_shares():
    assert np.isnan(pca_projection(np.full((1, 3, 4), 0.1)).variance_share).all()
