r"""When a curve changes: its deepest dip, and the two bends between which it falls or rises.

A curve is an array of shape (..., time); leading axes (seeds, layers) are free. Chapter 7 asks whether the dip of one
observable and the fall of another coincide, so that both moments have to be found by rules that look at one curve only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Dip:
    """The deepest dip of each curve."""

    time: np.ndarray  #: (...), of the dip's lowest value; nan where a curve has no dip
    depth: np.ndarray  #: (...), height of its lower rim above the lowest value, as a share of the rim before; 0 if none
    fall: np.ndarray  #: (...), height of the rim before above the lowest value, as a share of that rim; 0 if none
    end: np.ndarray  #: (...), time of the rim after; nan where a curve has no dip


def dip(times: np.ndarray, values: np.ndarray) -> Dip:
    r"""Find where curves fall and recover.

    With :math:`L(t) = \max_{s \le t} x(s)` the rim before and :math:`R(t) = \max_{s \ge t} x(s)` the rim after, the dip
    is at

    .. math:: t^* = \arg\max_t \; \min\{L(t), R(t)\} - x(t), \qquad
        \text{depth} = \frac{\min\{L(t^*), R(t^*)\} - x(t^*)}{L(t^*)}.

    So a curve that falls and stays low, or rises from its lowest value, has no depth, however far it goes.

    Parameters
    ----------
    times
        Moments, shape (time,), rising.
    values
        Curves, shape (..., time), not negative.

    Returns
    -------
    Dip
        Times in the unit of `times`, the rest as shares; the first of equal dips counts.

    Raises
    ------
    ValueError
        If times do not rise or fit, or a value is negative or nan.

    Examples
    --------
    >>> found = dip(np.arange(5), np.array([[4.0, 1, 1, 3, 2], [4, 3, 2, 1, 1]]))
    >>> found.time, found.depth, found.fall, found.end
    (array([ 1., nan]), array([0.5, 0. ]), array([0.75, 0.  ]), array([ 3., nan]))
    """
    times, values = _require(times, values)
    if (values < 0).any():
        raise ValueError("a value is negative, so that a fall is no share of it; give sizes from 0 on")
    before = np.maximum.accumulate(values, axis=-1)
    after = np.maximum.accumulate(values[..., ::-1], axis=-1)[..., ::-1]
    lower = np.minimum(before, after) - values
    place = lower.argmax(axis=-1)[..., None]

    def there(curve: np.ndarray) -> np.ndarray:
        return np.take_along_axis(curve, place, axis=-1)[..., 0]

    found, rim = there(lower) > 0, there(before)
    share = 1 / np.where(found, rim, 1.0)
    end = np.argmax((values == there(after)[..., None]) & (np.arange(len(times)) >= place), axis=-1)
    return Dip(
        time=np.where(found, times[place[..., 0]], np.nan),
        depth=there(lower) * share,
        fall=np.where(found, (rim - there(values)) * share, 0.0),
        end=np.where(found, times[end], np.nan),
    )


@dataclass(frozen=True)
class Bends:
    """Two bends of each curve, and its slopes before, between and after them."""

    first: np.ndarray  #: (...), time
    second: np.ndarray  #: (...), time
    slopes: np.ndarray  #: (..., 3), in units of the curve per unit of time
    residual: np.ndarray  #: (...), root mean square distance of the curve from the three lines


def bends(times: np.ndarray, values: np.ndarray) -> Bends:
    r"""Fit three joined straight lines; the two joints are the curve's change points.

    .. math:: \hat x(t) = a + b\, t + c\, (t - t_1)_+ + d\, (t - t_2)_+

    by least squares, with equal weight for each moment, for all pairs :math:`t_1 < t_2` of inner moments; the best pair
    is taken. For a curve that rests, falls and rests, :math:`t_1` is when the fall begins and :math:`t_2` when it ends.

    Parameters
    ----------
    times
        Moments, shape (time,), rising, at least 5.
    values
        Curves, shape (..., time).

    Returns
    -------
    Bends
        Joints are moments of the curve: they are known no better than those are apart.

    Raises
    ------
    ValueError
        If there are fewer than 5 moments, times do not rise or fit, or a value is nan.

    Notes
    -----
    All pairs are tried, at a cost of the cube of the number of moments. Source: Hudson (1966), Journal of the American
    Statistical Association 61, 1097.

    Examples
    --------
    >>> times = np.arange(9.0)
    >>> found = bends(times, np.interp(times, [0, 3, 5, 8], [2.0, 2.0, 1.0, 1.0]))
    >>> float(found.first), float(found.second), found.slopes.round(6) + 0
    (3.0, 5.0, array([ 0. , -0.5,  0. ]))
    """
    times, values = _require(times, values)
    if len(times) < 5:
        raise ValueError(f"{len(times)} moments cannot hold two bends; give at least 5")
    unit = (times - times[0]) / (times[-1] - times[0])
    first, second = np.triu_indices(len(times) - 2, k=1) + np.array(1)
    hinges = np.maximum(unit - unit[:, None], 0.0)
    design = np.stack(np.broadcast_arrays(1.0, unit, hinges[first], hinges[second]), axis=-1)
    basis = np.linalg.qr(design)[0]  # (pair, time, 4): what three lines with these joints can be
    flat = values.reshape(-1, len(times))
    centred = flat - flat.mean(-1, keepdims=True)
    best = np.empty(len(flat), dtype=np.intp)
    for number, curve in enumerate(centred):
        best[number] = np.square(curve @ basis).sum(-1).argmax()
    slopes, residual = np.empty((len(flat), 3)), np.empty(len(flat))
    for number, (pair, curve) in enumerate(zip(best, centred, strict=True)):
        weights = np.linalg.lstsq(design[pair], curve, rcond=None)[0]
        slopes[number] = weights[1:].cumsum() / (times[-1] - times[0])
        residual[number] = np.sqrt(np.square(curve - design[pair] @ weights).mean())
    lead = values.shape[:-1]
    return Bends(
        first=times[first[best]].reshape(lead),
        second=times[second[best]].reshape(lead),
        slopes=slopes.reshape(*lead, 3),
        residual=residual.reshape(lead),
    )


def _require(times: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    times, values = np.asarray(times, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if times.ndim != 1 or not values.ndim or values.shape[-1] != len(times) or not len(times):
        raise ValueError(f"times of shape {times.shape} do not fit curves of shape {values.shape}; give one a moment")
    if not (np.diff(times) > 0).all():
        raise ValueError("times do not rise; sort the moments and give each once")
    if not np.isfinite(values).all():
        raise ValueError("a value is nan or infinite; leave out moments at which a curve is not known")
    return times, values
