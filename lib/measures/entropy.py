"""Entropy and divergences of binned distributions, and what sampling alone makes of them.

A distribution is an array of shape (..., bin) of counts or probabilities: bins are the last axis, leading axes (layers,
epochs, seeds) are free. It is normalised to sum 1, and everything is computed in float64. Results are in units of
log(`base`), bits by default.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import entr, rel_entr


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
    return np.asarray(entr(normalised(p)).sum(axis=-1) / logarithm(base))


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
        As `shannon_entropy`, and if a count is no whole number.

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
    if (counts != np.rint(counts)).any():
        raise ValueError("the correction needs whole counts; give counts, not probabilities")
    return np.asarray(plug_in + ((counts > 0).sum(axis=-1) - 1) / (2 * total) / logarithm(base))


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
    return np.asarray(np.maximum(rel_entr(p, q).sum(axis=-1), 0) / logarithm(base))


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
    return np.asarray(np.maximum((rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=-1), 0) / (2 * logarithm(base)))


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
    normalised(given)
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


def normalised(p: np.ndarray) -> np.ndarray:
    """Return counts or probabilities as float64 probabilities over the last axis.

    Raises
    ------
    ValueError
        If there are no bins or no counts, or a number is negative or not finite.

    Examples
    --------
    >>> normalised(np.array([3, 1]))
    array([0.75, 0.25])
    """
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
    p, q = normalised(p), normalised(q)
    if p.shape[-1] != q.shape[-1]:
        raise ValueError(f"{p.shape[-1]} and {q.shape[-1]} bins cannot be compared; use common edges")
    return p, q


def logarithm(base: float) -> float:
    """Return the natural logarithm of a base, which divides nats into the base's units.

    Raises
    ------
    ValueError
        If the base is not above 1 and finite.

    Examples
    --------
    >>> round(logarithm(2), 4)
    0.6931
    """
    if not 1 < base < math.inf:
        raise ValueError(f"base {base} is no base of a logarithm here; use 2 (bits) or e (nats)")
    return math.log(base)
