r"""Where an entropy bound would end with unlimited samples.

A bound that was learned from n samples is loose by what could not be learned from them, and that falls as a power of n,

.. math:: B(n) = H_\infty + a \, n^{-b}, \qquad a \ge 0 ,

as losses of learned predictors do. :math:`H_\infty` is where this family of predictors ends, which is the entropy if
it can represent the distribution; from bounds at several sizes it can be fitted, with an interval. It is a statement of
what the curve looks like, not a bound: how often the interval holds the truth is found on systems whose entropy is
known.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

EXPONENTS = np.linspace(0.2, 1.5, 66)
"""Exponents b that are tried: slower than 0.2 cannot be told from a constant, nor 1.5 from the next term."""

_REPEATS = 400  # of the parametric bootstrap
_QUANTILES = (0.025, 0.975)


@dataclass(frozen=True)
class Extrapolation:
    """End of a curve of bounds."""

    bits: float  # H at infinity
    low: float  # of an interval of 95 %
    high: float
    exponent: float  # b
    amplitude: float  # a, in bits


def extrapolate(samples: ArrayLike, bits: ArrayLike, errors: ArrayLike, seed: int = 0) -> Extrapolation:
    r"""Fit a power law with an offset to bounds at several sample sizes.

    Parameters
    ----------
    samples
        Sample sizes, shape (size,), at least four different ones.
    bits
        Bounds, in bits, shape (size,).
    errors
        Their standard errors, in bits, shape (size,), greater than 0.
    seed
        Of the bootstrap.

    Returns
    -------
    Extrapolation
        By weighted least squares with the amplitude bounded from below by 0. The interval is that of 400 curves with
        normal errors around the fitted one, whose scale is the larger of the given errors and of the misfit.

    Raises
    ------
    ValueError
        If there are fewer than four sizes, or a value is not finite or an error not positive.

    Notes
    -----
    Source: the offset power law is that of learning curves (Hestness et al. 2017, arXiv:1712.00409; Kaplan et al. 2020,
    arXiv:2001.08361); for entropies of spike trains Strong et al. (1998), Phys. Rev. Lett. 80, 197 extrapolate in 1/n.

    Examples
    --------
    >>> sizes = np.array([1e3, 4e3, 16e3, 64e3, 256e3])
    >>> found = extrapolate(sizes, 30 + 200 * sizes**-0.5, np.full(5, 0.01))
    >>> round(found.bits, 1), round(found.exponent, 2), found.low < 30 < found.high
    (30.0, 0.5, True)
    """
    n, values, spread = (np.asarray(each, dtype=np.float64) for each in (samples, bits, errors))
    if not n.shape == values.shape == spread.shape or n.ndim != 1 or len(np.unique(n)) < 4:
        raise ValueError(f"Bounds at {len(np.unique(n))} sample sizes show no curve: give four different ones or more.")
    if not np.isfinite(np.concatenate([n, values, spread])).all() or (spread <= 0).any() or (n <= 0).any():
        raise ValueError("Sizes, bounds and errors must be finite, and sizes and errors greater than 0.")
    end, amplitude, exponent, fitted = (each[0] for each in _fit(n, values[None], spread))
    misfit = np.sqrt((((values - fitted) / spread) ** 2).sum() / max(1, len(n) - 3))
    rng = np.random.default_rng(seed)
    drawn = fitted + rng.standard_normal((_REPEATS, len(n))) * spread * max(1.0, float(misfit))
    ends = _fit(n, drawn, spread)[0]
    low, high = np.quantile(ends, _QUANTILES)
    return Extrapolation(float(end), float(low), float(high), float(exponent), float(amplitude))


def _fit(n: np.ndarray, values: np.ndarray, spread: np.ndarray) -> Sequence[np.ndarray]:
    """Fit curves, shape (curve, size); return ends, amplitudes, exponents, each (curve,), and fitted values."""
    weight = 1 / spread**2
    total = weight.sum()
    powers = (n / n.min()) ** -EXPONENTS[:, None]  # (exponent, size)
    centre = (powers * weight).sum(1) / total
    mean = (values * weight).sum(1) / total
    spread_of = ((powers - centre[:, None]) ** 2 * weight).sum(1)
    slope = ((values - mean[:, None]) * weight) @ (powers - centre[:, None]).T / spread_of  # (curve, exponent)
    slope = slope.clip(0)
    end = mean[:, None] - slope * centre
    fitted = end[..., None] + slope[..., None] * powers
    loss = ((values[:, None] - fitted) ** 2 * weight).sum(-1)
    best = loss.argmin(1)
    rows = np.arange(len(values))
    return end[rows, best], slope[rows, best] * n.min() ** EXPONENTS[best], EXPONENTS[best], fitted[rows, best]
