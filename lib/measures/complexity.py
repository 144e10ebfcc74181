"""Statistical complexity of binned distributions: their place in the complexity-entropy plane, its limits, and laws.

Distributions are as in `lib.measures.entropy`: counts or probabilities, bins last, any leading axes. Explained in the
chapter on the weights of a multilayer perceptron.

Two complexities are in use. That of López-Ruiz, Mancini and Calbet in the form :math:`C = H \\cdot \\mathrm{JSD}`, in
bits squared, and the normalised one of Martin, Plastino and Rosso, in [0, 1]. For a given number of bins one is a
constant times the other, from one number of bins to another it is not: `complexity_entropy` returns both, each with its
two factors.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import entr, ndtr, rel_entr, stdtr

from lib.measures.entropy import jensen_shannon, logarithm, normalised, shannon_entropy

FAMILIES = ("gaussian", "laplace", "student t", "uniform")
"""Names of the laws that `family_probabilities` knows."""


@dataclass(frozen=True)
class ComplexityEntropy:
    """Entropy, disequilibrium and complexity, unnormalised (capitals) and normalised to [0, 1] (small letters)."""

    entropy: np.ndarray  # (...), H, in units of log(base)
    disequilibrium: np.ndarray  # (...), D, Jensen-Shannon divergence from the uniform distribution, units of log(base)
    complexity: np.ndarray  # (...), C = H D, in squared units of log(base)
    h: np.ndarray  # (...), H / log(bins)
    d: np.ndarray  # (...), D over its largest possible value
    c: np.ndarray  # (...), h d
    bins: int  # size of the alphabet, whether all its bins are occupied or not
    base: float


@dataclass(frozen=True)
class LimitCurves:
    """Smallest and largest complexity that a distribution of given entropy can have."""

    entropy: np.ndarray  # (point,), from 0 to that of the uniform distribution
    minimum: np.ndarray  # (point,)
    maximum: np.ndarray  # (point,)
    bins: int
    normalised: bool


def complexity_entropy(counts: np.ndarray, base: float = 2) -> ComplexityEntropy:
    r"""Place of a distribution in the complexity-entropy plane, by both definitions.

    With U the uniform distribution over all n bins:

    .. math:: D = \mathrm{JSD}(P, U), \quad C = H D; \qquad
        h = \frac{H}{\log n}, \quad d = \frac{D}{D_\mathrm{max}}, \quad c = h d, \qquad
        D_\mathrm{max} = -\tfrac12 \Big[ \tfrac{n+1}{n} \log(n+1) + \log n - 2 \log(2n) \Big]

    where :math:`D_\mathrm{max}` is the divergence of a single occupied bin. Both complexities are 0 for a single
    occupied bin and for the uniform distribution. h, d and c do not depend on the base.

    Parameters
    ----------
    counts
        Counts or probabilities, shape (..., bin), at least 2 bins. All bins count as the alphabet, also empty ones.
    base
        Base of the logarithm for `entropy`, `disequilibrium` and `complexity`.

    Returns
    -------
    ComplexityEntropy
        Arrays of shape (...).

    Raises
    ------
    ValueError
        As `lib.measures.entropy.shannon_entropy`, and if there are fewer than 2 bins.

    Notes
    -----
    With many bins and few values C drifts towards H: keep the number of each with the result.
    Sources: López-Ruiz, Mancini and Calbet (1995), Physics Letters A 209, 321; Martin, Plastino and Rosso (2006),
    Physica A 369, 439. h and c as ``ordpy.complexity_entropy(p, probs=True)`` of a distribution over all n! patterns.

    Examples
    --------
    >>> place = complexity_entropy(np.array([1 / 3, 1 / 15, 4 / 15, 2 / 15, 1 / 5, 0]))
    >>> print(place.h.round(8), place.c.round(8))
    0.83144548 0.16576717
    """
    p = normalised(counts)
    bins = p.shape[-1]
    _require_bins(bins)
    entropy = shannon_entropy(p, base)
    disequilibrium = jensen_shannon(p, np.ones(bins), base)
    h, d = entropy * logarithm(base) / math.log(bins), disequilibrium * logarithm(base) / _largest_divergence(bins)
    return ComplexityEntropy(entropy, disequilibrium, entropy * disequilibrium, h, d, h * d, bins, base)


def limit_curves(bins: int, points: int = 201, normalised: bool = True, base: float = 2) -> LimitCurves:
    r"""Smallest and largest complexity for each entropy, over all distributions on `bins` bins.

    Both are reached by one bin of probability p beside k bins that share the rest evenly: the minimum with
    :math:`k = n - 1` and :math:`p \ge 1/n`, the maximum with :math:`p \le 1/(k + 1)` and the other bins empty, where
    k + 1 is the smallest number of bins that can have this entropy.

    Parameters
    ----------
    bins
        Number n of bins, at least 2.
    points
        Number of equally spaced entropies, at least 2.
    normalised
        Whether h and c, in [0, 1], or H and C in units of log(base).
    base
        Base of the logarithm.

    Returns
    -------
    LimitCurves
        `entropy`, `minimum` and `maximum`, each of shape (point,).

    Raises
    ------
    ValueError
        If there are fewer than 2 bins or points, or the base is not above 1.

    Notes
    -----
    p is found by bisection for each entropy, so both curves are exact, the corners of the upper one included.
    Source: Martin, Plastino and Rosso (2006), Physica A 369, 439; compare ``ordpy.maximum_complexity_entropy``.

    Examples
    --------
    >>> curves = limit_curves(bins=6, points=3)
    >>> curves.entropy, curves.minimum.round(3), curves.maximum.round(3)
    (array([0. , 0.5, 1. ]), array([0.  , 0.22, 0.  ]), array([0.   , 0.283, 0.   ]))
    """
    _require_bins(bins)
    if points < 2:
        raise ValueError(f"{points} points draw no curve; use 2 or more")
    unit, highest = logarithm(base), math.log(bins)
    entropy = np.linspace(0, highest, points)  # nats

    # smallest number of others so that one more bin reaches the entropy; the last is exact
    others = np.clip(np.ceil(np.exp(entropy) * (1 - 1e-12)) - 1, 1, bins - 1)
    upper = _divergence(_solve(entropy, others, np.zeros(points), 1 / (others + 1)), others, bins)
    all_others = np.full(points, bins - 1.0)
    lower = _divergence(_solve(entropy, all_others, np.ones(points), 1 / (all_others + 1)), all_others, bins)
    scale_h, scale_d = (highest, _largest_divergence(bins)) if normalised else (unit, unit)
    minimum, maximum = (entropy / scale_h * divergence / scale_d for divergence in (lower, upper))
    return LimitCurves(entropy / scale_h, minimum, maximum, bins, normalised)


def _two_levels(p: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Entropy in nats of one bin of probability p beside `others` bins that share the rest."""
    return entr(p) + others * entr((1 - p) / others)


def _solve(entropy: np.ndarray, others: np.ndarray, below: np.ndarray, above: np.ndarray) -> np.ndarray:
    """The p between `below` (entropy too low) and `above` (too high) that gives the entropy, by bisection."""
    for _ in range(100):
        middle = (below + above) / 2
        low = _two_levels(middle, others) < entropy
        below, above = np.where(low, middle, below), np.where(low, above, middle)
    return np.asarray((below + above) / 2)


def _divergence(p: np.ndarray, others: np.ndarray, bins: int) -> np.ndarray:
    """Jensen-Shannon divergence in nats of the same distribution from the uniform one, the bins left over empty."""
    u, rest = 1 / bins, (1 - p) / others

    def term(x: np.ndarray) -> np.ndarray:
        middle = (x + u) / 2
        return np.asarray(rel_entr(x, middle) + rel_entr(u, middle))

    empty = bins - 1 - others
    return np.asarray(np.maximum(term(p) + others * term(rest) + empty * u * math.log(2), 0) / 2)


def family_probabilities(
    name: str,
    edges: np.ndarray,
    *,
    mean: np.ndarray | float,
    sd: np.ndarray | float,
    kurtosis: np.ndarray | float | None = None,
) -> np.ndarray:
    r"""Probability of each bin under a law of one family with given moments: a distribution's shape with its scale.

    Parameters
    ----------
    name
        "gaussian", "laplace", "uniform", matched to mean and standard deviation; or "student t", matched to the excess
        kurtosis :math:`\kappa` too: :math:`\nu = 4 + 6/\kappa` degrees of freedom, with scale
        :math:`\sigma \sqrt{(\nu - 2)/\nu}`. It tends to the Gaussian for :math:`\kappa \to 0`, which also stands in for
        :math:`\kappa \le 0`.
    edges
        Increasing edges, shape (..., bin + 1), the outermost finite or infinite.
    mean, sd
        Mean and standard deviation, shapes (...).
    kurtosis
        Excess kurtosis (0 for a Gaussian), shape (...), for "student t" only.

    Returns
    -------
    numpy.ndarray
        Shape (..., bin), float64, sums to 1: mass beyond finite outermost edges is put into the end bins.

    Raises
    ------
    ValueError
        If the name is unknown, a standard deviation is not positive, a moment is not finite, edges do not increase, or
        the kurtosis is missing.

    Notes
    -----
    Tails are differences of small probabilities on either side, so that far bins do not round to 0 on one side only.

    Examples
    --------
    >>> family_probabilities("gaussian", np.array([-np.inf, -1, 1, np.inf]), mean=0, sd=1).round(4)
    array([0.1587, 0.6827, 0.1587])
    """
    if name not in FAMILIES:
        raise ValueError(f"family {name!r} is unknown; use one of {', '.join(FAMILIES)}")
    edges, mean, sd = (np.asarray(x, dtype=np.float64) for x in (edges, mean, sd))
    if not (np.isfinite(mean).all() and np.isfinite(sd).all() and (sd > 0).all()):
        raise ValueError("a mean or standard deviation is not finite, or the latter not positive: no law fits them")
    if edges.ndim == 0 or edges.shape[-1] < 2 or not (np.diff(edges, axis=-1) > 0).all():
        raise ValueError("edges must increase along the last axis, and be at least 2")
    if name == "student t":
        if kurtosis is None:
            raise ValueError("the law 'student t' is matched to the excess kurtosis too; give it")
        excess = np.asarray(kurtosis, dtype=np.float64)
        if not np.isfinite(excess).all():
            raise ValueError("an excess kurtosis is not finite: no law fits it")
    else:
        excess = np.zeros(())
    z = (edges - mean[..., None]) / sd[..., None]
    z = np.broadcast_to(z, (*np.broadcast_shapes(z.shape[:-1], excess.shape), z.shape[-1])).copy()
    z[..., 0], z[..., -1] = -np.inf, np.inf
    tail = _tail(name, np.abs(z), excess[..., None])
    lower, upper = tail[..., :-1], tail[..., 1:]
    left, right = z[..., 1:] <= 0, z[..., :-1] >= 0
    return np.asarray(np.where(left, upper - lower, np.where(right, lower - upper, 1 - lower - upper)))


def gaussian_curve(bins: int, points: int = 600) -> ComplexityEntropy:
    """Places of Gaussians of any width about the middle of the bins, cut off where these end: one C for each H.

    Parameters
    ----------
    bins
        Number of bins, at least 2.
    points
        Number of widths, from far narrower than a bin to far wider than all of them.

    Returns
    -------
    ComplexityEntropy
        Arrays of shape (point,); entropy does not fall.

    Raises
    ------
    ValueError
        If there are fewer than 2 bins.

    Examples
    --------
    >>> curve = gaussian_curve(bins=256)
    >>> float(curve.entropy[0].round(3)), float(curve.h[-1].round(3))  # the narrowest lies on an edge: two bins
    (1.0, 1.0)
    """
    _require_bins(bins)
    edges = np.concatenate([[-np.inf], np.linspace(-1, 1, bins + 1), [np.inf]])
    sd = np.geomspace(0.1 / bins, 100, points)
    return complexity_entropy(family_probabilities("gaussian", edges, mean=np.zeros(points), sd=sd)[:, 1:-1])


def _tail(name: str, z: np.ndarray, excess: np.ndarray) -> np.ndarray:
    """Probability beyond z >= 0 standard deviations on one side; all four laws are symmetric."""
    if name == "laplace":
        return np.asarray(np.exp(-math.sqrt(2) * z) / 2)
    if name == "uniform":
        return np.asarray(np.clip(0.5 - z / math.sqrt(12), 0, 0.5))
    if name == "student t":
        freedom = 4 + 6 / np.where(excess > 0, excess, 1)
        heavy = stdtr(freedom, -z / np.sqrt((freedom - 2) / freedom))
        return np.asarray(np.where(excess > 1e-6, heavy, ndtr(-z)))  # below, the two agree
    return np.asarray(ndtr(-z))


def _largest_divergence(bins: int) -> float:
    """Jensen-Shannon divergence in nats of a single occupied bin from the uniform distribution."""
    n = bins
    return -0.5 * ((n + 1) / n * math.log(n + 1) + math.log(n) - 2 * math.log(2 * n))


def _require_bins(bins: int) -> None:
    if bins < 2:
        raise ValueError(f"{bins} bins tell nothing about a distribution; use 2 or more")
