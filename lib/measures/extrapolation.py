r"""Where an entropy bound would end with unlimited samples, and power laws with an offset in general.

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

ANY_EXPONENTS = np.geomspace(0.05, 5.0, 231)
"""Exponents that are tried where nothing is known of them: steps of two percent."""

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


@dataclass(frozen=True)
class OffsetPower:
    """Power laws with an offset, y = a / x^b + c; every field of shape (...)."""

    amplitude: np.ndarray  # a, in units of y at x = 1, not negative
    exponent: np.ndarray  # b, one of :data:`ANY_EXPONENTS`
    offset: np.ndarray  # c, in units of y; may be negative
    misfit: np.ndarray  # root mean square deviation from the law, in units of y

    def at(self, x: ArrayLike) -> np.ndarray:
        """Return the laws at some places x > 0, shape (..., place)."""
        place = np.asarray(x, dtype=np.float64)
        return np.asarray(self.amplitude[..., None] * place ** -self.exponent[..., None] + self.offset[..., None])


def fit_offset_power(x: ArrayLike, y: ArrayLike) -> OffsetPower:
    r"""Fit power laws with an offset to falling curves, :math:`y = a x^{-b} + c` with :math:`a \ge 0`.

    Parameters
    ----------
    x
        Places, shape (place,), positive, at least four different ones.
    y
        Curves, shape (..., place).

    Returns
    -------
    OffsetPower
        By least squares, all places alike: the best of all exponents tried, each with its best a and c. An interval is
        that of many curves, such as means over seeds drawn anew.

    Raises
    ------
    ValueError
        If there are fewer than four places, one is not positive, shapes do not fit or a value is not finite.

    Notes
    -----
    Over a decade or two b and c are hard to tell apart: a slow power and a lower offset fit as well as a fast one
    and a higher offset. An exponent at an end of those tried says that the curve has none. At the lowest, the offset is
    set by that end as well, and has no lower bound: for b towards 0 the law is a straight line in log x.

    Examples
    --------
    >>> widths = np.array([4, 16, 64, 256])
    >>> found = fit_offset_power(widths, 2 / widths**0.5 + 0.1)
    >>> float(found.amplitude.round(2)), float(found.exponent.round(2)), float(found.offset.round(2))
    (2.0, 0.5, 0.1)
    """
    place, curves = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if place.ndim != 1 or len(np.unique(place)) < 4 or not (np.isfinite(place).all() and (place > 0).all()):
        raise ValueError(f"Places of shape {place.shape} must be at least four different numbers greater than 0.")
    if curves.shape[-1:] != place.shape or not np.isfinite(curves).all():
        raise ValueError(f"Curves of shape {curves.shape} need a finite value at each of {len(place)} places.")
    flat = curves.reshape(-1, len(place))
    offset, amplitude, exponent, fitted = _fit(place, flat, np.ones(len(place)), ANY_EXPONENTS)
    misfit = np.sqrt(((flat - fitted) ** 2).mean(1))
    return OffsetPower(*(each.reshape(curves.shape[:-1]) for each in (amplitude, exponent, offset, misfit)))


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


def _fit(
    n: np.ndarray, values: np.ndarray, spread: np.ndarray, exponents: np.ndarray = EXPONENTS
) -> Sequence[np.ndarray]:
    """Fit curves, shape (curve, size); return ends, amplitudes, exponents, each (curve,), and fitted values."""
    weight = 1 / spread**2
    total = weight.sum()
    powers = (n / n.min()) ** -exponents[:, None]  # (exponent, size)
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
    return end[rows, best], slope[rows, best] * n.min() ** exponents[best], exponents[best], fitted[rows, best]
