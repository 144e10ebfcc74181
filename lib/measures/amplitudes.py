"""Which law do the sizes of weights follow? Log-normal, half-normal, half-Laplace and half-t laws fitted to histograms.

Synapses are said to be log-normal in size. A weight's size is abs(w); its histogram is the weights' own, folded at 0.
Laws are fitted to counts by maximum likelihood over the bins, so that no more than a histogram need be kept.
Used by the claims of chapter 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import erf, erfc, ndtr, stdtr

LAWS = ("log-normal", "half-normal", "half-Laplace", "half-t")
"""Names of the laws that `fit_amplitudes` knows; the first and the last have two parameters, the others one."""

_TINY = 1e-300  # least probability of a bin, so that a start far off has a finite likelihood
_STEP = 1e-5  # of a logarithm, for a gradient that rounding in Student's tail does not upset
_WIDE = 30.0  # the logarithm of a scale lies within this of the mean logarithm
_SECOND = {"log-normal": (np.log(1e-4), np.log(1e3)), "half-t": (np.log(0.1), np.log(1e4))}
# logarithms of log-normal's s and of half-t's degrees of freedom; above the latter's, it is half-normal


@dataclass(frozen=True)
class AmplitudeFits:
    """How well each law describes the sizes of weights."""

    log_likelihood: np.ndarray  # (..., law), bits per weight, of the binned sizes; nan for an empty histogram
    parameters: (
        np.ndarray
    )  # (..., law, 2): scale (log-normal: median), and log-normal's s or half-t's freedom, else nan
    laws: tuple[str, ...]


def fold(counts: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Histogram of abs(w) from a histogram of w over edges that are symmetric about 0.

    Parameters
    ----------
    counts
        Shape (..., bin), an even number of bins.
    edges
        Shape (bin + 1,), increasing, antisymmetric, such as `lib.measures.histogram.asinh_edges`.

    Returns
    -------
    tuple of numpy.ndarray
        Counts of shape (..., bin / 2), and edges of shape (bin / 2 + 1,) that start at 0.

    Raises
    ------
    ValueError
        If the shapes do not fit or the edges are not symmetric about one at 0.

    Examples
    --------
    >>> fold(np.array([1, 2, 3, 4]), np.array([-2.0, -1.0, 0.0, 1.0, 2.0]))
    (array([5, 5]), array([0., 1., 2.]))
    """
    counts, edges = np.asarray(counts), np.asarray(edges, dtype=np.float64)
    half = edges.size // 2
    if edges.ndim != 1 or counts.ndim == 0 or counts.shape[-1] != edges.size - 1:
        raise ValueError(f"counts of shape {counts.shape} do not fit {edges.size} edges; there is one edge more")
    if edges.size % 2 == 0 or edges[half] != 0 or not np.array_equal(edges, -edges[::-1]):
        raise ValueError("edges are not symmetric about one at 0, so bins of w and -w differ; rebin the counts first")
    return counts[..., half:] + counts[..., :half][..., ::-1], edges[half:]


def fit_amplitudes(counts: np.ndarray, edges: np.ndarray, laws: Sequence[str] = LAWS) -> AmplitudeFits:
    r"""Fit laws to a histogram of sizes by maximum likelihood.

    .. math:: \ell = \frac1n \sum_i n_i \log_2 P_i, \qquad
        P_i = \frac{F(b_{i+1}) - F(b_i)}{1 - F(b_0)}

    with F the law's distribution function, edges :math:`b_i`, and all sizes beyond the last edge in the last bin. The
    laws, for sizes x with scale :math:`\sigma`: log-normal, :math:`\log x` normal with mean :math:`\log\sigma` and
    deviation s; half-normal, half-Laplace (an exponential law) and half-t with :math:`\nu` degrees of freedom, the laws
    of a centred normal, Laplace and Student variable without its sign.

    Parameters
    ----------
    counts
        Shape (..., bin).
    edges
        Shape (bin + 1,), increasing, 0 or more. Where the first is above 0, laws are conditioned on sizes above it:
        leave the innermost bin out to judge weights that are not 0.
    laws
        Names out of `LAWS`.

    Returns
    -------
    AmplitudeFits
        Log-likelihoods compare laws on the same bins; they are no densities, and finer bins lower them all alike. A law
        with two parameters is ahead by some 1 / n bits for nothing: far below any difference here.

    Raises
    ------
    ValueError
        If a law is unknown, shapes do not fit, edges do not increase from 0 or more, or counts are negative or not
        finite.

    Notes
    -----
    Quasi-Newton steps on the logarithms of the parameters, from the mean and deviation of the binned log sizes; half-t
    from 3 and from 100 degrees of freedom, at most 10,000.

    Examples
    --------
    >>> sizes = np.random.default_rng(0).exponential(0.02, 100_000)
    >>> edges = np.linspace(0, 0.5, 257)
    >>> fits = fit_amplitudes(np.histogram(sizes, edges)[0], edges)
    >>> fits.laws[fits.log_likelihood.argmax()], fits.parameters[2, 0].round(3)
    ('half-Laplace', 0.02)
    """
    for law in laws:
        if law not in LAWS:
            raise ValueError(f"law {law!r} is unknown; use one of {', '.join(LAWS)}")
    counts, edges = np.asarray(counts, dtype=np.float64), np.asarray(edges, dtype=np.float64)
    if edges.ndim != 1 or counts.ndim == 0 or counts.shape[-1] != edges.size - 1 or edges.size < 3:
        raise ValueError(f"counts of shape {counts.shape} do not fit {edges.size} edges; there is one edge more")
    if not (edges[0] >= 0 and (np.diff(edges) > 0).all()):
        raise ValueError("edges of sizes must increase from 0 or more; fold the histogram first")
    if not np.isfinite(edges[-1]):
        raise ValueError("the last edge must be finite; count sizes beyond it in the last bin")
    if not (np.isfinite(counts).all() and (counts >= 0).all()):
        raise ValueError("some counts are negative, nan or infinite; they are no histogram")
    lead = counts.shape[:-1]
    likelihood, parameters = np.full((*lead, len(laws)), np.nan), np.full((*lead, len(laws), 2), np.nan)
    for index in np.ndindex(*lead):
        if counts[index].sum() > 0:
            for number, law in enumerate(laws):
                likelihood[(*index, number)], parameters[(*index, number)] = _fit(law, counts[index], edges)
    return AmplitudeFits(likelihood, parameters, tuple(laws))


def _fit(law: str, counts: np.ndarray, edges: np.ndarray) -> tuple[float, np.ndarray]:
    """Largest log-likelihood in bits per weight, and the parameters that give it."""
    filled = counts.nonzero()[0]
    share = counts[filled] / counts.sum()
    middle = np.log((edges[filled] + edges[filled + 1]) / 2)
    centre = share @ middle
    width = max(np.sqrt(share @ (middle - centre) ** 2), 1e-3)
    scaled = edges / np.exp(centre)  # parameters of order 1
    scaled[-1] = np.inf

    def loss(p: np.ndarray) -> tuple[float, np.ndarray]:
        """Loss, and its gradient by forward differences: all points at once, for each is but a thousand numbers."""
        points = np.concatenate([p[:, None], p[:, None] + _STEP * np.eye(p.size)], axis=1)
        low, high = _below(law, scaled, points[..., None])
        # differences of the smaller tail, so that neither end rounds to 0
        inside = np.where(low[:, 1:] < 0.5, np.diff(low), -np.diff(high))[:, filled]
        losses = np.log2(high[:, 0]) - np.log2(np.maximum(inside, _TINY)) @ share
        return float(losses[0]), (losses[1:] - losses[0]) / _STEP

    size = np.log(edges[filled + 1]) - centre
    typical = 0.5 * np.log(share @ np.exp(2 * np.minimum(size, 300)))
    starts: dict[str, list[tuple[float, ...]]] = {
        "log-normal": [(0.0, np.log(width))],
        "half-normal": [(typical,)],
        "half-Laplace": [(typical,)],
        "half-t": [(0.0, np.log(3.0)), (typical, np.log(100.0))],
    }
    bounds = [(-_WIDE, _WIDE), _SECOND.get(law)][: len(starts[law][0])]
    options = {"ftol": 1e-9, "gtol": 1e-6}
    tried: list[Any] = [
        minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options) for start in starts[law]
    ]
    found = tried[int(np.argmin([result.fun for result in tried]))]
    first, second = (*np.exp(found.x + np.array([centre, 0.0])[: len(found.x)]), np.nan)[:2]
    return -float(found.fun), np.array([first, second])


def _below(law: str, x: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probability of sizes below and above x, for logarithms p of the parameters, each (point, 1)."""
    if law == "log-normal":
        with np.errstate(divide="ignore"):
            z = (np.log(x) - p[0]) / np.exp(p[1])
        return ndtr(z), ndtr(-z)
    z = x / np.exp(p[0])
    if law == "half-normal":
        return erf(z / np.sqrt(2)), erfc(z / np.sqrt(2))
    if law == "half-Laplace":
        return -np.expm1(-z), np.exp(-z)
    above = 2 * stdtr(np.exp(p[1]), -z)
    return 1 - above, above
