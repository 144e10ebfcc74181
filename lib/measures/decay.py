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
    t, y = np.asarray(t, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if t.ndim != 1 or len(t) < 5 or t[0] <= 0 or (np.diff(t) <= 0).any():
        raise ValueError(f"Times of shape {t.shape} must be at least 5, positive and increasing.")
    if y.shape[-1:] != t.shape:
        raise ValueError(f"Curves of shape {y.shape} have not the {len(t)} moments of the times as their last axis.")
    positive = (y > 0).all(-1) & np.isfinite(y).all(-1)
    log_y = np.log(np.where(positive[..., None], y, 1.0))
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
        SHAPES[deviation.argmin(-1)],
        deviation[..., power],
        deviation[..., exponential],
        deviation.min(-1),
        evidence,
    )
    return Decay(*(np.where(positive, each, np.nan) for each in found))
