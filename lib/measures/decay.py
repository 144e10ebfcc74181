r"""How a positive curve decays: as a power, as an exponential, or as something between.

All three are one family,

.. math:: \log y = A - B\, \frac{t^\beta - 1}{\beta} ,

a power law :math:`t^{-B}` for :math:`\beta \to 0`, an exponential for :math:`\beta = 1`, and a stretched exponential
between; :math:`\beta < 0` is a curve that bends towards a constant. So the question whether a curve *is* a power law
has a number for an answer: the :math:`\beta` that fits best, with its interval over seeds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SHAPES = np.round(np.linspace(-2.0, 2.0, 161), 3)
"""Values of beta that are tried."""


@dataclass(frozen=True)
class Decay:
    """How curves decay; every field of shape (...), nan for a curve that is not positive throughout."""

    exponent: np.ndarray  #: minus the slope of log y on log t: the exponent, if it is a power law
    shape: np.ndarray  #: beta that fits best
    power_misfit: np.ndarray  #: root mean square of log y (nats) about the power law ...
    exponential_misfit: np.ndarray  #: ... about the exponential ...
    misfit: np.ndarray  #: ... and about the best of the family
    evidence: np.ndarray  #: Akaike's criterion of the exponential less that of the power law: above 0 for the power law


def fit_decay(t: np.ndarray, y: np.ndarray) -> Decay:
    r"""Fit a power law, an exponential and the family between to decaying curves, by least squares of the logarithm.

    Parameters
    ----------
    t
        Times, shape (moment,), increasing and positive; those of the range that is to be fitted, at least 5.
    y
        Curves, shape (..., moment).

    Returns
    -------
    Decay

    Raises
    ------
    ValueError
        If there are fewer than 5 times, or they are not positive and increasing, or the shapes do not fit.

    Notes
    -----
    Residuals of a curve in time are not independent, so the criterion ranks the laws and is no probability; that is
    what intervals over seeds are for. On curves, not samples: the estimators of Clauset, Shalizi and Newman (2009) are
    for the latter.

    Examples
    --------
    >>> t = np.geomspace(10, 1000, 20)
    >>> found = fit_decay(t, 3 * t**-1.5)
    >>> float(found.exponent.round(3)), float(found.shape)
    (1.5, 0.0)
    >>> float(fit_decay(t, np.exp(-t / 100)).shape)
    1.0
    """
    t, log_y, positive = _logarithms(t, y)
    varies = (log_y != log_y[..., :1]).any(-1)
    log_y = log_y - log_y.mean(-1, keepdims=True)
    time = np.log(t / t[0])
    with np.errstate(invalid="ignore", divide="ignore"):
        warped = np.where(SHAPES[:, None] == 0, time, np.expm1(SHAPES[:, None] * time) / SHAPES[:, None])
    warped = warped - warped.mean(-1, keepdims=True)
    slope = log_y @ warped.T / (warped**2).sum(-1)  # (..., shape)
    rest = np.maximum((log_y**2).sum(-1)[..., None] - slope**2 * (warped**2).sum(-1), 0)
    deviation = np.sqrt(rest / len(t))
    power, exponential = (int(np.flatnonzero(beta == SHAPES)[0]) for beta in (0.0, 1.0))
    tiny = np.finfo(float).tiny
    evidence = len(t) * (np.log(rest[..., exponential] + tiny) - np.log(rest[..., power] + tiny))
    found = (
        -slope[..., power],
        np.where(varies, SHAPES[deviation.argmin(-1)], np.nan),
        deviation[..., power],
        deviation[..., exponential],
        deviation.min(-1),
        evidence,
    )
    return Decay(*(np.where(positive, each, np.nan) for each in found))


LAWS = ("power law", "exponential", "stretched exponential", "power law and constant")
"""Laws that :func:`held_out_errors` compares."""


def held_out_errors(t: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    r"""How far each law misses moments that it was not fitted to, each left out in turn.

    The laws are :math:`a t^{-b}`, :math:`a e^{-t/\tau}`, :math:`a e^{-(t/\tau)^\beta}` with
    :math:`0 < \beta < 1`, and :math:`a (t^{-b} + c)`. They are fitted by least squares of :math:`\log y` to all
    moments but one, and so on round; a law with more freedom has no advantage at a moment that it has not seen. The
    first and the last moment are left out too, so this is a test of interpolation and of going one moment farther.

    Parameters
    ----------
    t, y
        As for :func:`fit_decay`.

    Returns
    -------
    dict
        For each of :data:`LAWS` the root mean square of what is missed, in nats, shape (...); nan for a curve that is
        not positive throughout.

    Raises
    ------
    ValueError
        As :func:`fit_decay`.

    Examples
    --------
    >>> t = np.geomspace(1, 50, 12)
    >>> missed = held_out_errors(t, 0.2 * t**-0.5 + 0.1)
    >>> min(missed, key=missed.get), round(float(missed["power law"]), 2)
    ('power law and constant', 0.05)
    """
    t, log_y, positive = _logarithms(t, y)
    rows = log_y.reshape(-1, len(t))
    found = {}
    for law in LAWS:
        curves, sloped = _candidates(law, t / t[0])
        missed = [_missed(rows, curves, moment, sloped) for moment in range(len(t))]
        error = np.sqrt(np.square(missed).mean(0)).reshape(positive.shape)
        found[law] = np.where(positive, error, np.nan)[()]
    return found


def neighbour_ratio(t: np.ndarray, y: np.ndarray) -> np.ndarray:
    r"""Von Neumann's ratio of what a power law leaves of each curve: how little neighbouring moments have in common.

    With :math:`e_i` the residuals of :math:`\log y` about the power law that fits best,

    .. math:: \frac{\sum_i (e_{i+1} - e_i)^2}{\sum_i e_i^2}

    is about 2 where they are independent of each other, and near 0 where they rise and fall slowly, as those of a curve
    that follows another law do.

    Parameters
    ----------
    t, y
        As for :func:`fit_decay`.

    Returns
    -------
    numpy.ndarray
        Shape (...); nan for a curve that is not positive throughout.

    Raises
    ------
    ValueError
        As :func:`fit_decay`.

    Notes
    -----
    Source: von Neumann (1941), Annals of Mathematical Statistics 12, 367.

    Examples
    --------
    >>> t = np.geomspace(1, 50, 12)
    >>> round(float(neighbour_ratio(t, 0.2 + 0.2 * np.exp(-t / 10))), 1)
    0.4
    """
    t, log_y, positive = _logarithms(t, y)
    x, log_y = (each - each.mean(-1, keepdims=True) for each in (np.log(t), log_y))
    left = log_y - (log_y @ x / (x @ x))[..., None] * x
    square = np.maximum((left**2).sum(-1), np.finfo(float).tiny)
    return np.where(positive, (np.diff(left, axis=-1) ** 2).sum(-1) / square, np.nan)[()]


def _candidates(law: str, t: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return the curves (candidate, moment) a law's logarithm is a constant and a multiple of, or only a constant."""
    if law == "power law":
        return np.log(t)[None], True
    if law == "exponential":
        return t[None], True
    if law == "stretched exponential":
        return t ** np.linspace(0.05, 0.95, 19)[:, None], True
    exponents, constants = np.geomspace(0.02, 5, 60), np.geomspace(1e-3, 1e2, 60)
    return np.log(t ** -exponents[:, None, None] + constants[:, None]).reshape(-1, len(t)), False


def _missed(rows: np.ndarray, curves: np.ndarray, moment: int, sloped: bool) -> np.ndarray:
    """Return by how much the best of some curves, fitted to all other moments, misses one of each row."""
    kept = np.arange(rows.shape[1]) != moment
    y, x = rows[:, kept], curves[:, kept]
    y_mean, x_mean = y.mean(1, keepdims=True), x.mean(1, keepdims=True)
    product, square = (y - y_mean) @ (x - x_mean).T, ((x - x_mean) ** 2).sum(1)
    slope = product / square if sloped else np.ones_like(product)
    best = (slope**2 * square - 2 * slope * product).argmin(1)
    slope_of_best = np.take_along_axis(slope, best[:, None], 1)[:, 0]
    return np.asarray(rows[:, moment] - y_mean[:, 0] - slope_of_best * (curves[best, moment] - x_mean[best, 0]))


def _logarithms(t: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Check times and curves; return times, logarithms of the curves, and which curves (...) are positive throughout.

    Logarithms of a curve that is not are 0.
    """
    t, y = np.asarray(t, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if t.ndim != 1 or len(t) < 5 or not np.isfinite(t).all() or t[0] <= 0 or (np.diff(t) <= 0).any():
        raise ValueError(f"Times of shape {t.shape} must be at least 5, positive and increasing.")
    if y.shape[-1:] != t.shape:
        raise ValueError(f"Curves of shape {y.shape} have not the {len(t)} moments of the times as their last axis.")
    positive = (y > 0).all(-1) & np.isfinite(y).all(-1)
    return t, np.log(np.where(positive[..., None], y, 1.0)), positive
