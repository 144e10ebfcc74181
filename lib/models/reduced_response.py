r"""The training response reduced to one variable: what a sigmoid alone does to learning.

One number :math:`x` stands for the logit of the network at its training point, with the output
:math:`y = \sigma(a x)` and a constant kernel :math:`C`:

.. math:: \delta x = \eta\, (y_o - y)\, s(x), \qquad \frac{\delta y}{y_o - y} = C\, s(x)^2, \qquad
          s(x) = \frac{dy}{dx} = a\, \sigma'(a x) .

The text writes :math:`\sigma'(x)` and speaks of a slope parameter; read as the slope of :math:`x \mapsto \sigma(a x)`,
the asymptote below is the same for every :math:`a`. As a flow, the only time there is is :math:`a^2 \eta t`.

Source: Nakazato (2024), A simple theory for training response of deep neural networks, eqs. 21 and 22.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp

_TOLERANCE = 1e-11


@dataclass(frozen=True)
class ResponsePath:
    """Learning seen at given times; both fields of shape (..., moment)."""

    log_error: np.ndarray  #: log of the size of the error y_o - y, nats
    response: np.ndarray  #: s(x)^2: the divided response, in units of C


def flow(t: np.ndarray, start: ArrayLike, target: ArrayLike, slope: ArrayLike, rate: ArrayLike) -> ResponsePath:
    r"""Follow the reduced system as a flow, :math:`\dot x = \eta (y_o - y) s(x)`.

    What is integrated is :math:`v = -\log |y_o - y|`, whose law holds no difference of nearly equal numbers, however
    small the error is:

    .. math:: \dot v = \eta\, s^2 = a^2 \eta\, [y\, (1 - y)]^2, \qquad y = y_o \mp e^{-v} .

    Parameters
    ----------
    t
        Times, shape (moment,), increasing, from 0 on.
    start
        Logit :math:`a x` at time 0; the output must differ from the target.
    target
        :math:`y_o` in [0, 1].
    slope
        :math:`a`.
    rate
        :math:`\eta`, per unit of time. All four have shapes (...) that broadcast.

    Returns
    -------
    ResponsePath

    Raises
    ------
    ValueError
        If times are not increasing from 0 on, a target lies outside [0, 1] or is the output at the start.
    RuntimeError
        If the integration fails.

    Examples
    --------
    >>> path = flow(np.array([0.0, 1e6]), start=0.0, target=1.0, slope=2.0, rate=0.1)
    >>> float(path.response[-1] * 2 * 0.1 * 1e6)  # tends to 1 for every slope
    1.00
    """
    t = _times(t)
    start, target, slope, rate = _common(start, target, slope, rate)
    error = _error(target, start)
    if (error == 0).any():
        raise ValueError("The output is the target already: start elsewhere.")
    shape, side = error.shape, np.sign(error).ravel()
    aim, pace = target.ravel(), (slope**2 * rate).ravel()

    def squared(v: np.ndarray) -> np.ndarray:
        left = side * np.exp(-v)
        return ((aim - left) * (1 - aim + left)) ** 2

    def law(s: float, v: np.ndarray) -> np.ndarray:
        return np.exp(s) * pace * squared(v)  # s = log(1 + t): every decade costs the same

    s = np.log1p(t)
    found = solve_ivp(
        law, (0.0, s[-1]), -np.log(np.abs(error)).ravel(), "DOP853", s, rtol=_TOLERANCE, atol=_TOLERANCE, max_step=0.5
    )
    if not found.success:
        raise RuntimeError(f"The reduced system could not be integrated: {found.message}")
    response = np.stack([squared(v) for v in found.y.T], -1).reshape(*shape, len(t)) * slope[..., None] ** 2
    return ResponsePath(-found.y.reshape(*shape, len(t)), response)


def iterate(
    epochs: Sequence[int] | np.ndarray, start: ArrayLike, target: ArrayLike, slope: ArrayLike, rate: ArrayLike
) -> ResponsePath:
    r"""Follow the reduced system as the map that eq. 22 is, :math:`x \to x + \eta (y_o - y) s(x)`, step by step.

    Parameters
    ----------
    epochs
        Numbers of steps after which it is looked at, increasing, from 0 on.
    start, target, slope, rate
        As for `flow`; the output may be the target.

    Returns
    -------
    ResponsePath
        For targets other than 0 and 1 the error's logarithm is worth something above 1e-14 only; -inf where it is 0.

    Raises
    ------
    ValueError
        If epochs are not whole numbers that increase from 0 on, or a target lies outside [0, 1].

    Examples
    --------
    >>> path = iterate([0, 100], start=0.0, target=1.0, slope=1.0, rate=0.1)
    >>> path.response.round(4)
    array([0.0625, 0.0426])
    """
    moments = _times(epochs)
    if (moments != np.rint(moments)).any():
        raise ValueError("Epochs must be whole numbers: round them, as by np.unique(np.rint(epochs)).")
    start, target, slope, rate = _common(start, target, slope, rate)
    u, pace = start.copy(), slope**2 * rate
    errors, responses = [], []
    done = 0
    for epoch in moments.astype(int):
        for _ in range(epoch - done):
            up, down = _sigmoids(u)
            u += pace * (target * down - (1 - target) * up) * (up * down)
        done = int(epoch)
        up, down = _sigmoids(u)
        errors.append(np.abs(target * down - (1 - target) * up))
        responses.append((slope * up * down) ** 2)
    with np.errstate(divide="ignore"):
        return ResponsePath(np.log(np.stack(errors, -1)), np.stack(responses, -1))


def time_taken(
    start: ArrayLike, log_error: ArrayLike, target: ArrayLike, slope: ArrayLike, rate: ArrayLike
) -> np.ndarray:
    r"""Time that the flow takes from a logit to an error, in closed form.

    For :math:`y_o = 1`, with :math:`u = a x`,

    .. math:: a^2 \eta\, t = \Big[ \tfrac12 e^{2u} + 3 e^u + 3 u - e^{-u} \Big]_{u_0}^{u} ,

    and for :math:`0 < y_o < 1`, by partial fractions of :math:`1 / [(y_o - y)\, y^2 (1 - y)^2]`, with
    :math:`q = 1 - y_o`,

    .. math:: a^2 \eta\, t = \Big[ - \frac{\log |y_o - y|}{y_o^2 q^2} + \frac{1 + 2 y_o}{y_o^2} \log y - \frac{1}{y_o y}
              + \frac{1 + 2 q}{q^2} \log (1 - y) - \frac{1}{q\, (1 - y)} \Big]_{y_0}^{y} .

    Parameters
    ----------
    start, target, slope, rate
        As for `flow`; targets in (0, 1].
    log_error
        Log of the error that is reached, on the side of the target where the start is.

    Returns
    -------
    ndarray
        The common shape of all.

    Raises
    ------
    ValueError
        If a target is 0 or outside [0, 1].

    Examples
    --------
    >>> path = flow(np.array([0.0, 50.0]), start=-1.0, target=0.9, slope=1.0, rate=1.0)
    >>> float(time_taken(-1.0, path.log_error[-1], 0.9, 1.0, 1.0))
    50.0
    """
    start, target, slope, rate = _common(start, target, slope, rate)
    if (target == 0).any():
        raise ValueError("The closed form is for targets above 0: by symmetry, 0 is as 1.")
    first = _error(target, start)
    side = np.where(first < 0, -1.0, 1.0)
    last = side * np.exp(np.asarray(log_error, dtype=np.float64))
    taken = _primitive(last, np.asarray(log_error), target) - _primitive(first, np.log(np.abs(first)), target)
    return np.asarray(taken / (slope**2 * rate))


def _primitive(error: np.ndarray, log_error: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return what `time_taken` has in brackets, at an error y_o - y."""
    y, rest = target - error, 1 - target + error
    odds = y / rest
    to_one = odds**2 / 2 + 3 * odds + 3 * np.log(odds) - 1 / odds
    p = np.where(target == 1, 0.5, target)  # any number for which the other form is finite
    q = 1 - p
    between = (
        -log_error / (p * q) ** 2
        + (1 + 2 * p) / p**2 * np.log(y)
        - 1 / (p * y)
        + (1 + 2 * q) / q**2 * np.log(rest)
        - 1 / (q * rest)
    )
    return np.where(target == 1, to_one, between)


def _times(t: Sequence[int] | np.ndarray) -> np.ndarray:
    times = np.asarray(t, dtype=np.float64)
    if times.ndim != 1 or not len(times) or times[0] < 0 or (np.diff(times) <= 0).any():
        raise ValueError(f"Times of shape {times.shape} must be increasing, from 0 on.")
    return times


def _common(*values: ArrayLike) -> list[np.ndarray]:
    start, target, slope, rate = (
        np.array(each) for each in np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in values))
    )
    if ((target < 0) | (target > 1)).any():
        raise ValueError("Targets must lie between 0 and 1.")
    return [start, target, slope, rate]


def _sigmoids(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return sigma(u) and sigma(-u), each exact where it is small."""
    small = np.exp(-np.abs(u))
    large, rest = 1 / (1 + small), small / (1 + small)
    return np.where(u < 0, rest, large), np.where(u < 0, large, rest)


def _error(target: np.ndarray, logits: np.ndarray) -> np.ndarray:
    up, down = _sigmoids(logits)
    return np.asarray(target * down - (1 - target) * up)
