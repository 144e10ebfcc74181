r"""Surrogates of binary activity: what is left of a quantity when one property is kept and the others are destroyed.

In the order of what they keep of z, shape (bin, unit):

- `permuted`: each unit's number of events, nothing else;
- `shifted`: each unit's train, against the others' shifted around a circle;
- `pairwise`: each unit's rate and the covariance of every pair, by a dichotomised Gaussian;
- `thinned`: everything, at lower rates.

A quantity that a surrogate has as well needs no more than the surrogate keeps to explain it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

Seed = int | np.random.Generator

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)
_LARGEST = 0.99  # correlation of two units before the threshold


def permuted(z: ArrayLike, seed: Seed) -> NDArray[np.uint8]:
    """Put the bins of each unit in an order of its own.

    Parameters
    ----------
    z
        0 and 1, shape (bin, unit).
    seed
        Seed or generator.

    Returns
    -------
    ndarray
        uint8, of the same shape, with each unit's number of ones.

    Raises
    ------
    ValueError
        If `z` is no table of 0 and 1.

    Examples
    --------
    >>> z = np.array([[1, 0], [1, 0], [0, 1], [0, 0]])
    >>> permuted(z, seed=0).sum(0)
    array([2, 1], dtype=uint64)
    """
    return np.random.default_rng(seed).permuted(_require(z), axis=0)


def shifted(z: ArrayLike, seed: Seed, *, groups: ArrayLike | None = None, least: int = 1) -> NDArray[np.uint8]:
    """Shift each unit's train around a circle by a lag of its own.

    Rates, and what each unit's train has of memory, stay; correlation between units goes, but for what all of them do
    so slowly that a shift does not matter.

    Parameters
    ----------
    z
        0 and 1, shape (bin, unit).
    seed
        Seed or generator.
    groups
        Label of each bin's stretch of time, such as its epoch: each is a circle of its own. One circle by default.
    least
        Smallest lag, in bins, in either direction.

    Returns
    -------
    ndarray
        uint8, of the same shape.

    Raises
    ------
    ValueError
        If `z` is no table of 0 and 1, labels do not fit, or a stretch is not longer than two such lags.

    Examples
    --------
    >>> z = np.array([[1, 0], [0, 0], [0, 1], [0, 0]])
    >>> shifted(z, seed=0).sum(0)
    array([1, 1], dtype=uint64)
    """
    z = _require(z)
    rng = np.random.default_rng(seed)
    labels = np.zeros(len(z), dtype=np.int64) if groups is None else np.asarray(groups)
    if labels.shape != (len(z),):
        raise ValueError(f"Labels of shape {labels.shape} do not fit {len(z)} bins: give one per bin.")
    found = np.empty_like(z)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        if len(rows) < 2 * least + 1:
            raise ValueError(f"{len(rows)} bins cannot be shifted by {least} either way: {2 * least + 1} are needed.")
        lag = rng.integers(least, len(rows) - least + 1, z.shape[1])
        place = (np.arange(len(rows))[:, None] - lag) % len(rows)
        found[rows] = np.take_along_axis(z[rows], place, axis=0)
    return found


def thinned(z: ArrayLike, rates: ArrayLike, seed: Seed) -> NDArray[np.uint8]:
    """Remove events at random until each unit has a given rate.

    Parameters
    ----------
    z
        0 and 1, shape (bin, unit).
    rates
        Share of bins in which each unit is to be active, shape (unit,); units with fewer events keep all of theirs.
    seed
        Seed or generator.

    Returns
    -------
    ndarray
        uint8, of the same shape.

    Raises
    ------
    ValueError
        If `z` is no table of 0 and 1, or rates do not fit or are not from 0 to 1.

    Examples
    --------
    >>> thinned(np.ones((10, 2)), [0.3, 1.0], seed=0).sum(0)
    array([ 3, 10], dtype=uint64)
    """
    z = _require(z)
    wanted = np.asarray(rates, dtype=np.float64)
    if wanted.shape != (z.shape[1],) or not ((wanted >= 0) & (wanted <= 1)).all():
        raise ValueError(f"Rates of shape {wanted.shape} do not fit {z.shape[1]} units, or are not from 0 to 1.")
    # events are ranked at random, those without one come last: the first so many are kept
    rank = np.where(z > 0, np.random.default_rng(seed).random(z.shape), 2.0).argsort(0).argsort(0)
    return (z * (rank < np.rint(wanted * len(z)))).astype(np.uint8)


def pairwise(z: ArrayLike, seed: Seed) -> NDArray[np.uint8]:
    r"""Draw activity with the rates and pairwise covariances of the given one, and nothing beyond them.

    A Gaussian of correlation R is compared with thresholds. Each entry of R is that at which

    .. math:: \Phi_2(h_i, h_j; R_{ij}) = p_{ij}, \qquad
              \Phi_2(h, k; R) = \Phi(h) \Phi(k) + \int_0^R \phi_2(h, k; r) dr,

    with :math:`p_{ij}` the share of bins in which both units are active and :math:`\Phi(h_i)` the rate of one. If the
    entries together are no correlation matrix, the nearest in its eigenvectors is taken.

    Parameters
    ----------
    z
        0 and 1, shape (bin, unit).
    seed
        Seed or generator.

    Returns
    -------
    ndarray
        uint8, of the same shape, its bins independent.

    Raises
    ------
    ValueError
        If `z` is no table of 0 and 1.

    Notes
    -----
    The dichotomised Gaussian is close to the distribution of most entropy with these moments and can be drawn from at
    once. A pair that was never active together counts as half a coincidence, or as independent where that is less: at
    low rates it tells next to nothing, and as excluded it would bend all other pairs out of shape.

    Source: Macke, Berens, Ecker, Tolias and Bethge (2009), Neural Computation 21, 397.

    Examples
    --------
    >>> common = np.random.default_rng(0).random((20_000, 1)) < 0.2
    >>> z = np.random.default_rng(1).random((20_000, 3)) < np.where(common, 0.5, 0.1)
    >>> made = pairwise(z, seed=2)
    >>> bool(abs(np.cov(made.T) - np.cov(z.T)).max() < 0.01)
    True
    """
    z = _require(z)
    rates = z.mean(0)
    together = z.T.astype(np.float64) @ z / len(z)
    independent = np.outer(rates, rates)
    together = np.maximum(together, np.minimum(0.5 / len(z), independent))
    level = ndtri(np.clip(rates, 0.5 / len(z), 1 - 0.5 / len(z)))
    h, k = level[:, None], level[None]
    low, high = np.full_like(together, -_LARGEST), np.full_like(together, _LARGEST)
    for _ in range(40):  # halving, all pairs at once: the probability rises with the correlation
        middle = (low + high) / 2
        above = independent + _beyond_independence(h, k, middle) > together
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    correlation = (low + high) / 2
    np.fill_diagonal(correlation, 1)
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.maximum(values, 1e-9))
    root /= np.linalg.norm(root, axis=1, keepdims=True)  # back to variances of 1
    x = np.random.default_rng(seed).standard_normal(z.shape) @ root.T
    constant = (rates == 0) | (rates == 1)
    return np.where(constant, z[:1], x < level).astype(np.uint8)


def _beyond_independence(h: NDArray, k: NDArray, correlation: NDArray) -> NDArray[np.float64]:
    """Return the integral of the bivariate normal density over its correlation, from 0 on."""
    total = np.zeros(np.broadcast_shapes(h.shape, k.shape, correlation.shape))
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        r = correlation * (node + 1) / 2
        left = 1 - r**2
        total += weight * np.exp(-(h**2 - 2 * r * h * k + k**2) / (2 * left)) / np.sqrt(left)
    return total * correlation / (4 * np.pi)


def _require(z: ArrayLike) -> NDArray[np.uint8]:
    table = np.asarray(z)
    if table.ndim != 2 or 0 in table.shape or not np.isin(table, (0, 1)).all():
        raise ValueError(f"Activity of shape {table.shape} is no table of 0 and 1: give (bin, unit), 1 where active.")
    return table.astype(np.uint8)
