"""Entropy, divergences and statistical complexity of binned distributions.

A distribution is an array of shape (..., bin) of counts or probabilities: bins are the last axis, leading axes (layers,
epochs, seeds) are free. It is normalised to sum 1, and everything is computed in float64. Results are in units of
log(`base`), bits by default. Explained in the chapter on the weights of a multilayer perceptron.

Two complexities are in use. That of López-Ruiz, Mancini and Calbet in the form :math:`C = H \\cdot \\mathrm{JSD}`, in
bits squared, and the normalised one of Martin, Plastino and Rosso, in [0, 1]. They peak at different places, so
`complexity_entropy` returns both, each with its two factors.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import entr, ndtr, rel_entr, stdtr

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


@dataclass(frozen=True)
class HalvesDivergence:
    """Divergences between two random halves of one sample, mean and standard deviation over the repeats."""

    kl: np.ndarray  # (...), in units of log(base), as are all
    kl_sd: np.ndarray
    jsd: np.ndarray
    jsd_sd: np.ndarray
    entropy_difference: np.ndarray  # absolute difference of the plug-in entropies
    entropy_difference_sd: np.ndarray
    repeats: int


def shannon_entropy(p: np.ndarray, base: float = 2) -> np.ndarray:
    r"""Plug-in Shannon entropy.

    .. math:: H(P) = -\sum_i p_i \log p_i

    Parameters
    ----------
    p
        Counts or probabilities, shape (..., bin).
    base
        Base of the logarithm: 2 for bits, e for nats.

    Returns
    -------
    numpy.ndarray
        Shape (...), in units of log(base), between 0 and log(bins).

    Raises
    ------
    ValueError
        If there are no bins or no counts, a number is negative or not finite, or the base is not above 1.

    Examples
    --------
    >>> shannon_entropy(np.array([[1, 1, 1, 1], [5, 0, 0, 0]]))
    array([2., 0.])
    """
    return np.asarray(entr(_normalised(p)).sum(axis=-1) / _log(base))


def miller_madow(counts: np.ndarray, base: float = 2) -> np.ndarray:
    r"""Entropy with Miller and Madow's correction of the plug-in estimate's bias.

    .. math:: H_\mathrm{MM} = H + \frac{m - 1}{2 n} \ \text{nats}

    with n the number of values and m the number of *occupied* bins (not of all bins: a bin out of reach adds no bias).

    Parameters
    ----------
    counts
        Shape (..., bin); counts, not probabilities, for the correction needs their sum.
    base
        Base of the logarithm.

    Returns
    -------
    numpy.ndarray
        Shape (...), in units of log(base).

    Raises
    ------
    ValueError
        As `shannon_entropy`, and if the sum is below 1.

    Notes
    -----
    Source: Miller (1955), Information Theory in Psychology, 95.

    Examples
    --------
    >>> print(miller_madow(np.array([2, 2, 0, 0]), base=math.e).round(4))  # log 2 + 1/8
    0.8181
    """
    counts = np.asarray(counts, dtype=np.float64)
    plug_in, total = shannon_entropy(counts, base), counts.sum(axis=-1)
    if (total < 1).any():
        raise ValueError("the correction needs counts, and these sum to less than 1; give counts, not probabilities")
    return np.asarray(plug_in + ((counts > 0).sum(axis=-1) - 1) / (2 * total) / _log(base))


def kl_divergence(p: np.ndarray, q: np.ndarray, base: float = 2) -> np.ndarray:
    r"""Kullback-Leibler divergence of P from Q over the same bins.

    .. math:: D_\mathrm{KL}(P \,\|\, Q) = \sum_i p_i \log \frac{p_i}{q_i}

    It is infinite where Q is 0 in a bin that P occupies. For histograms of two samples this is common: `kl_from_counts`
    smooths both.

    Parameters
    ----------
    p, q
        Counts or probabilities, shapes (..., bin); leading axes broadcast.
    base
        Base of the logarithm.

    Returns
    -------
    numpy.ndarray
        Shape (...), in units of log(base), 0 or more.

    Raises
    ------
    ValueError
        As `shannon_entropy`, and if the numbers of bins differ.

    Examples
    --------
    >>> kl_divergence(np.array([1, 1, 0]), np.array([[2, 1, 1], [1, 0, 1]])).round(3)
    array([0.5, inf])
    """
    p, q = _pair(p, q)
    return np.asarray(np.maximum(rel_entr(p, q).sum(axis=-1), 0) / _log(base))


def kl_from_counts(a: np.ndarray, b: np.ndarray, pseudocount: float = 0.5, base: float = 2) -> np.ndarray:
    r"""Kullback-Leibler divergence between two histograms over common edges, both smoothed.

    .. math:: p_i = \frac{a_i + \alpha}{\sum_j a_j + n \alpha}, \quad q_i \text{ likewise from } b, \qquad
        D = \sum_i p_i \log \frac{p_i}{q_i}

    over all n bins. The pseudo-count :math:`\alpha` keeps it finite; bins empty in both add the same to both.

    Parameters
    ----------
    a, b
        Counts over the same edges, shapes (..., bin); leading axes broadcast.
    pseudocount
        Added to every bin of both, in counts; 1/2 is Jeffreys' prior.
    base
        Base of the logarithm.

    Returns
    -------
    numpy.ndarray
        Shape (...), in units of log(base).

    Raises
    ------
    ValueError
        As `kl_divergence`, and if the pseudo-count is negative.

    Examples
    --------
    >>> kl_from_counts(np.array([4, 0]), np.array([[4, 0], [0, 4]])).round(3)
    array([0.   , 2.536])
    """
    if not 0 <= pseudocount < math.inf:
        raise ValueError(f"a pseudo-count of {pseudocount} cannot smooth counts; use 0 or more")
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    _pair(a, b)  # the counts themselves must be distributions
    return kl_divergence(a + pseudocount, b + pseudocount, base)


def jensen_shannon(p: np.ndarray, q: np.ndarray, base: float = 2) -> np.ndarray:
    r"""Jensen-Shannon divergence, symmetric and finite.

    .. math:: \mathrm{JSD}(P, Q) = \tfrac12 D_\mathrm{KL}(P \,\|\, R) + \tfrac12 D_\mathrm{KL}(Q \,\|\, R),
        \qquad R = \tfrac12 (P + Q)

    Parameters
    ----------
    p, q
        Counts or probabilities, shapes (..., bin); leading axes broadcast.
    base
        Base of the logarithm.

    Returns
    -------
    numpy.ndarray
        Shape (...), in units of log(base), from 0 (equal) to log 2 = 1 bit (disjoint). The divergence, not its root.

    Raises
    ------
    ValueError
        As `kl_divergence`.

    Notes
    -----
    Source: Lin (1991), IEEE Transactions on Information Theory 37, 145.

    Examples
    --------
    >>> jensen_shannon(np.array([1, 1, 0]), np.array([[1, 1, 0], [0, 1, 1], [0, 0, 1]]))
    array([0. , 0.5, 1. ])
    """
    p, q = _pair(p, q)
    middle = (p + q) / 2
    return np.asarray(np.maximum((rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=-1), 0) / (2 * _log(base)))


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
        As `shannon_entropy`, and if there are fewer than 2 bins.

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
    p = _normalised(counts)
    bins = p.shape[-1]
    _require_bins(bins)
    entropy = shannon_entropy(p, base)
    disequilibrium = jensen_shannon(p, np.ones(bins), base)
    h, d = entropy * _log(base) / math.log(bins), disequilibrium * _log(base) / _largest_divergence(bins)
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
    unit, highest = _log(base), math.log(bins)
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


def halves(counts: np.ndarray, generator: int | np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Histograms of two random halves of each sample, drawn without replacement from its histogram.

    Parameters
    ----------
    counts
        Whole counts, shape (..., bin).
    generator
        numpy Generator, or a seed for one.

    Returns
    -------
    tuple of numpy.ndarray
        Two int64 arrays of that shape that sum to `counts`; of an odd number the second half has one more.

    Raises
    ------
    ValueError
        As `shannon_entropy`, and if a count is no whole number or a sample has fewer than 2 values.

    Notes
    -----
    Multivariate hypergeometric, for all leading axes at once: the bins are split into a left and a right part, the
    values drawn are shared between these by a hypergeometric draw, and so on for each part, log2(bins) times.

    Examples
    --------
    >>> first, second = halves(np.array([4, 0, 6]), generator=0)
    >>> int(first.sum()), first + second
    (5, array([4, 0, 6]))
    """
    given = np.asarray(counts)
    _normalised(given)
    whole = given.astype(np.int64)
    if (whole != given).any() or (whole.sum(axis=-1) < 2).any():
        raise ValueError("only whole counts of at least 2 values have halves; give counts, not probabilities")
    rng = np.random.default_rng(generator)
    bins = whole.shape[-1]
    depth = (bins - 1).bit_length()
    padding = np.zeros((*whole.shape[:-1], 2**depth - bins), dtype=np.int64)
    levels = [np.concatenate([whole, padding], axis=-1)]
    for _ in range(depth):
        levels.append(levels[-1][..., ::2] + levels[-1][..., 1::2])
    drawn = levels.pop() // 2
    for level in reversed(levels):
        left = rng.hypergeometric(level[..., ::2], level[..., 1::2], drawn)
        drawn = np.stack([left, drawn - left], axis=-1).reshape(level.shape)
    first = drawn[..., :bins]
    return first, whole - first


def kl_between_halves(
    counts: np.ndarray,
    generator: int | np.random.Generator,
    repeats: int = 20,
    pseudocount: float = 0.5,
    base: float = 2,
) -> HalvesDivergence:
    """Divergences between random halves of one sample: what sampling alone makes of no difference.

    Parameters
    ----------
    counts
        Whole counts, shape (..., bin).
    generator
        numpy Generator, or a seed for one.
    repeats
        Number of random splits, at least 2.
    pseudocount
        As in `kl_from_counts`; the Jensen-Shannon divergence and the entropies are not smoothed.
    base
        Base of the logarithm.

    Returns
    -------
    HalvesDivergence
        Means and standard deviations over the splits, shapes (...). The divergence of two layers is to be read
        against it.

    Raises
    ------
    ValueError
        As `halves` and `kl_from_counts`, and if there are fewer than 2 repeats.

    Notes
    -----
    Halves are half as large as the whole, so the floor of the two divergences is about twice that of two samples of
    full size, and that of the entropy difference about 1.4 times.

    Examples
    --------
    >>> floor = kl_between_halves(np.full(16, 1000), generator=0)
    >>> bool(0 < floor.jsd < floor.kl < 0.01)
    True
    """
    if repeats < 2:
        raise ValueError(f"{repeats} repeats give no standard deviation; use 2 or more")
    counts = np.asarray(counts)
    first, second = halves(np.broadcast_to(counts, (repeats, *counts.shape)), generator)
    measured = (
        kl_from_counts(first, second, pseudocount, base),
        jensen_shannon(first, second, base),
        np.abs(shannon_entropy(first, base) - shannon_entropy(second, base)),
    )
    pairs = ((np.asarray(x.mean(axis=0)), np.asarray(x.std(axis=0, ddof=1))) for x in measured)
    (kl, kl_sd), (jsd, jsd_sd), (difference, difference_sd) = pairs
    return HalvesDivergence(kl, kl_sd, jsd, jsd_sd, difference, difference_sd, repeats)


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


def _normalised(p: np.ndarray) -> np.ndarray:
    p = np.asarray(p, dtype=np.float64)
    if p.ndim == 0 or p.shape[-1] == 0:
        raise ValueError(f"a distribution of shape {p.shape} has no bins; they are the last axis")
    if not (np.isfinite(p).all() and (p >= 0).all()):
        raise ValueError("some counts are negative, nan or infinite; they are no distribution")
    total = p.sum(axis=-1, keepdims=True)
    if (total == 0).any():
        raise ValueError("some counts sum to 0; an empty histogram has no distribution, leave it out")
    return p / total


def _pair(p: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    p, q = _normalised(p), _normalised(q)
    if p.shape[-1] != q.shape[-1]:
        raise ValueError(f"{p.shape[-1]} and {q.shape[-1]} bins cannot be compared; use common edges")
    return p, q


def _require_bins(bins: int) -> None:
    if bins < 2:
        raise ValueError(f"{bins} bins tell nothing about a distribution; use 2 or more")


def _log(base: float) -> float:
    if not 1 < base < math.inf:
        raise ValueError(f"base {base} is no base of a logarithm here; use 2 (bits) or e (nats)")
    return math.log(base)
