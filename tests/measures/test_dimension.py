"""Effective dimension: closed forms first, then scikit-learn's principal components as the oracle."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from lib.measures.dimension import effective_dimension, effective_dimensions


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(8)


def ball(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    """Points spread evenly over a k-dimensional ball."""
    directions = rng.standard_normal((n, k))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True) * rng.random((n, 1)) ** (1 / k)


def by_scikit_learn(x: np.ndarray) -> float:
    r = PCA(svd_solver="full").fit(x).explained_variance_ratio_
    return float(np.exp(-(r[r > 0] * np.log(r[r > 0])).sum()))


@pytest.mark.parametrize("k", [1, 3, 10])
def test_a_ball_in_a_larger_space_has_its_own_dimension(rng, k):
    turned, _ = np.linalg.qr(rng.standard_normal((32, 32)))
    found = effective_dimension(ball(rng, 50_000, k) @ turned[:k])
    assert found.dimension == pytest.approx(k, rel=2e-3)
    assert found.ratios[:k].sum() == pytest.approx(1)
    assert found.samples == 50_000


def test_two_unequal_directions_in_closed_form():
    x = np.zeros((4, 5))
    x[:2, 0], x[2:, 1] = (3, -3), (1, -1)
    found = effective_dimension(x)
    assert found.dimension == pytest.approx(np.exp(-(0.9 * np.log(0.9) + 0.1 * np.log(0.1))))
    assert found.variance == pytest.approx(5)  # (2 * 9 + 2 * 1) / 4, population covariance


@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_it_is_that_of_scikit_learn_wherever_the_data_lies(rng, shift):
    x = rng.standard_normal((3000, 20)) @ rng.standard_normal((20, 20)) + shift
    assert effective_dimension(x).dimension == pytest.approx(by_scikit_learn(x - shift), rel=1e-6)


def test_arrays_tensors_and_batches_give_the_same(rng):
    x = rng.standard_normal((5000, 7)).astype(np.float32) * np.arange(1, 8, dtype=np.float32)
    whole = effective_dimension(x)
    others = [
        torch.from_numpy(x),
        torch.from_numpy(x).requires_grad_(),
        np.array_split(x, 13),
        (b for b in (x[:1], x[1:])),
    ]
    for other in [*others, np.asfortranarray(x), x[::-1]]:
        found = effective_dimension(other)
        assert found.dimension == pytest.approx(whole.dimension, rel=1e-9)
        assert found.samples == 5000


def test_large_data_is_read_in_blocks(rng, monkeypatch):
    monkeypatch.setattr("lib.measures.dimension._NUMBERS", 64)
    x = rng.standard_normal((1001, 5))
    assert effective_dimension(x).dimension == pytest.approx(by_scikit_learn(x), rel=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e8])
def test_what_never_varies_has_no_dimension(value):
    found = effective_dimension(np.full((100, 4), value))
    assert (found.dimension, found.variance) == (0.0, 0.0)
    x = np.full((100, 4), value)
    x[::2, 2] += 1
    assert effective_dimension(x).dimension == pytest.approx(1)


def test_half_precision_is_summed_in_double(rng):
    x = torch.from_numpy(rng.standard_normal((20_000, 6))).to(torch.bfloat16)
    assert effective_dimension(x).dimension == pytest.approx(effective_dimension(x.double()).dimension, rel=1e-12)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((0, 3)), "no samples"),
        ([], "no samples"),
        (np.zeros(5), "no table of samples and units"),
        (np.zeros((5, 0)), "no table of samples and units"),
        ([np.zeros((2, 3)), np.zeros((2, 4))], "4 units and the one before 3"),
        (np.array([[1.0, np.nan], [0.0, 1.0]]), "nan or infinite"),
        (np.array([[np.inf, 0.0], [0.0, 1.0]]), "nan or infinite"),
    ],
)
def test_bad_input_is_refused_in_words(x, message):
    with pytest.raises(ValueError, match=message):
        effective_dimension(x)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_it_is_the_same_on_a_gpu(rng):
    x = torch.from_numpy(rng.standard_normal((10_000, 16)))
    assert effective_dimension(x.cuda()).dimension == pytest.approx(effective_dimension(x).dimension, rel=1e-9)


def test_many_at_once_are_each_as_it_is_alone(rng):
    x = rng.standard_normal((3, 2, 50, 6)).astype(np.float32) @ rng.standard_normal((6, 6)).astype(np.float32) + 100
    x[0, 0] = 7.3  # does not vary
    x[1, 1, :, 2:] = 0  # units that do not vary
    expected = [[effective_dimension(each).dimension for each in row] for row in x]
    np.testing.assert_allclose(effective_dimensions(x), expected, rtol=1e-6)
    np.testing.assert_allclose(effective_dimensions(torch.from_numpy(x)), expected, rtol=1e-6)
    assert expected[0][0] == 0


def test_many_at_once_refuse_what_one_refuses():
    with pytest.raises(ValueError, match=r"shape \(3, 0, 2\) hold no samples"):
        effective_dimensions(np.ones((3, 0, 2)))
    with pytest.raises(ValueError, match="a diverged network has no dimension"):
        effective_dimensions(np.full((2, 3, 2), np.nan))
