"""What a curve over epochs does: where it peaks, where it turns, by when it has fallen, what it goes with.

A curve is an array of shape (..., epoch): epochs are the last axis, leading axes (seeds, layers) are free. Epochs are
given back as places on that axis, which are the epochs themselves where the curve starts at epoch 0. A nan is a missing
epoch. Used by the claims of chapters 2 to 4, whose words *knee*, *peak epoch* and *interior* are defined here.
"""

from dataclasses import dataclass

import numpy as np

from lib.measures.statistics import kendall_tau

_ERRORS = 2.0  # standard errors by which the ends of a curve must lie below an interior peak


@dataclass(frozen=True)
class Peak:
    """Where curves are highest."""

    epoch: np.ndarray  # (...), place of the largest running mean, float; nan where a curve has no values
    height: np.ndarray  # (...), the running mean there, in the units of the curve
    interior: np.ndarray  # (...), bool: both ends lie lower by more than two standard errors


def running_mean(values: np.ndarray, window: int = 3) -> np.ndarray:
    """Mean over each epoch and its neighbours; at the ends over those that there are.

    Parameters
    ----------
    values
        Curves, shape (..., epoch).
    window
        Number of epochs, odd.

    Returns
    -------
    numpy.ndarray
        Same shape. A missing epoch stays nan, and its neighbours are averaged without it.

    Raises
    ------
    ValueError
        If there are no epochs or the window is not odd and positive.

    Examples
    --------
    >>> running_mean(np.array([1.0, 4.0, 1.0, 1.0]))
    array([2.5, 2. , 2. , 1. ])
    """
    values = _curve(values)
    if window < 1 or window % 2 == 0:
        raise ValueError(f"a window of {window} epochs has no middle; use an odd number, such as 3")
    total, known = _window_sums(values, window)
    return np.divide(total, known, out=np.full(values.shape, np.nan), where=np.isfinite(values))


def _window_sums(values: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Sum and number of the known values in the window about each epoch."""
    finite = np.isfinite(values)
    margin = [(0, 0)] * (values.ndim - 1) + [(window // 2, window // 2)]
    padded = (np.pad(part, margin) for part in (np.where(finite, values, 0.0), finite.astype(np.float64)))
    total, known = (np.lib.stride_tricks.sliding_window_view(part, window, axis=-1).sum(axis=-1) for part in padded)
    return total, known


def peak(values: np.ndarray, errors: np.ndarray | float | None = None, window: int = 3) -> Peak:
    r"""Epoch at which the running mean of a curve is largest, and whether the curve turns back there.

    .. math:: e^* = \arg\max_e \bar x(e), \qquad \text{interior if } \bar x(e^*) - \bar x(\text{end}) >
        2 \sqrt{s^2(e^*) + s^2(\text{end})} \text{ for the first and for the last epoch}

    Parameters
    ----------
    values
        Curves, shape (..., epoch).
    errors
        Standard errors s of the values, broadcastable to their shape, such as those of a mean over seeds. Errors of
        neighbouring epochs go together there, so the running mean is given the mean of its epochs' errors. By default
        the curve's own scatter: 1.4826 x the median of its absolute second differences / sqrt(6), which white noise
        about a line makes its standard deviation, over the root of the number of epochs averaged. It says how sure one
        curve is of its turn, not how other seeds would turn.
    window
        Epochs averaged.

    Returns
    -------
    Peak
        The first of equal maxima counts; a curve that is highest at an end has no interior peak.

    Raises
    ------
    ValueError
        As `running_mean`, and if an error is negative.

    Notes
    -----
    Of fewer than 3 known epochs there is no scatter, and no interior peak unless errors are given.

    Examples
    --------
    >>> found = peak(np.array([[0.0, 3.0, 4.0, 3.0, 1.0], [0.0, 1.0, 2.0, 3.0, 4.0]]), errors=0.1)
    >>> found.epoch, found.interior
    (array([2., 4.]), array([ True, False]))
    """
    values = _curve(values)
    smooth = running_mean(values, window)
    known = np.isfinite(smooth)
    some = known.any(axis=-1)
    at = np.where(known, smooth, -np.inf).argmax(axis=-1)
    first, last = known.argmax(axis=-1), values.shape[-1] - 1 - known[..., ::-1].argmax(axis=-1)
    error = _errors_of_means(values, errors, window)
    height, size = _at(smooth, at), _at(error, at)
    lower = [height - _at(smooth, end) > _ERRORS * np.hypot(size, _at(error, end)) for end in (first, last)]
    return Peak(np.where(some, at, np.nan), height, np.asarray(some & lower[0] & lower[1]))


def _errors_of_means(values: np.ndarray, errors: np.ndarray | float | None, window: int) -> np.ndarray:
    if errors is not None:
        given = np.broadcast_to(np.asarray(errors, dtype=np.float64), values.shape)
        if (given < 0).any():
            raise ValueError("a standard error is negative; give their sizes")
        return running_mean(given, window)
    _, known = _window_sums(values, window)
    scatter = _scatter(values)[..., None]
    return np.asarray(scatter / np.sqrt(np.maximum(known, 1)))


def _scatter(values: np.ndarray) -> np.ndarray:
    """Standard deviation of white noise with a curve's median absolute second difference; nan without three epochs."""
    bends = np.abs(np.diff(values, n=2, axis=-1))
    order = np.sort(bends, axis=-1)  # nan last
    known = np.isfinite(order).sum(axis=-1)
    if order.shape[-1] == 0:
        return np.full(values.shape[:-1], np.nan)
    middle = (_at(order, np.maximum(known - 1, 0) // 2) + _at(order, np.minimum(known // 2, order.shape[-1] - 1))) / 2
    return np.asarray(np.where(known > 0, 1.4826 * middle / np.sqrt(6), np.nan))


def knee(values: np.ndarray, share: float = 0.9) -> np.ndarray:
    """Epoch by which a share of the total fall is made.

    Parameters
    ----------
    values
        Curves, shape (..., epoch).
    share
        Of the fall from the first known epoch to the last, in (0, 1].

    Returns
    -------
    numpy.ndarray
        Shape (...): the first place at which the curve lies that far below its start; nan where it does not fall.

    Raises
    ------
    ValueError
        If there are no epochs or the share is not in (0, 1].

    Examples
    --------
    >>> knee(np.array([[10.0, 5.0, 1.0, 0.5, 0.0], [0.0, 1.0, 2.0, 3.0, 4.0]]))
    array([ 2., nan])
    """
    values = _curve(values)
    if not 0 < share <= 1:
        raise ValueError(f"a share of {share} of the fall has no epoch; use a number above 0 and at most 1")
    start, stop = _ends(values)
    total = start - stop
    # rounding may leave the last epoch a hair short of the whole fall
    made = start[..., None] - values >= (share * total * (1 - 1e-12))[..., None]
    return np.asarray(np.where(total > 0, made.argmax(axis=-1), np.nan))


def fall_after(values: np.ndarray, epoch: int) -> np.ndarray:
    """Share of the total fall that is made after an epoch.

    Parameters
    ----------
    values
        Curves, shape (..., epoch).
    epoch
        Place on the last axis.

    Returns
    -------
    numpy.ndarray
        Shape (...): fall from `epoch` to the last known epoch over that from the first known one; negative where the
        curve rises again, nan where it does not fall at all or that epoch is missing.

    Raises
    ------
    ValueError
        If the curves have no such epoch.

    Examples
    --------
    >>> fall_after(np.array([10.0, 2.0, 1.0, 0.0]), 1)
    array(0.2)
    """
    values = _curve(values)
    if not 0 <= epoch < values.shape[-1]:
        raise ValueError(f"there is no epoch {epoch} in curves of {values.shape[-1]}; use one of theirs")
    start, stop = _ends(values)
    total = start - stop
    return np.divide(values[..., epoch] - stop, total, out=np.full(total.shape, np.nan), where=total > 0)


def sign_changes(values: np.ndarray, tolerance: np.ndarray | float = 0.0) -> np.ndarray:
    """Places at which a curve has another sign than when it last had one.

    Parameters
    ----------
    values
        Curves, shape (..., epoch), such as changes of complexity per epoch.
    tolerance
        Values of at most this size have no sign, nor have missing ones; broadcasts with `values`.

    Returns
    -------
    numpy.ndarray
        Same shape, bool; never at the first epoch.

    Raises
    ------
    ValueError
        If there are no epochs or a tolerance is negative.

    Examples
    --------
    >>> sign_changes(np.array([1.0, 0.0, 2.0, -1.0, -2.0, 3.0]))
    array([False, False, False,  True, False,  True])
    """
    values = _curve(values)
    if (np.asarray(tolerance) < 0).any():
        raise ValueError("a tolerance is negative; give the size below which a value has no sign")
    sign = np.where(np.abs(values) > tolerance, np.sign(values), 0.0)  # nan compares false
    places = np.arange(values.shape[-1])
    last = np.maximum.accumulate(np.where(sign != 0, places, -1), axis=-1)
    before = np.concatenate([np.full((*values.shape[:-1], 1), -1), last[..., :-1]], axis=-1)
    earlier = np.take_along_axis(sign, np.maximum(before, 0), axis=-1)
    return np.asarray((sign * earlier < 0) & (before >= 0))


def turning_points(values: np.ndarray, tolerance: np.ndarray | float = 0.0) -> np.ndarray:
    """Epochs from which on a curve runs the other way: its inner maxima and minima.

    Parameters
    ----------
    values
        Curves, shape (..., epoch), at least 2 epochs.
    tolerance
        Steps of at most this size have no direction.

    Returns
    -------
    numpy.ndarray
        Same shape, bool. Of a flat top the last epoch counts.

    Raises
    ------
    ValueError
        If there are fewer than 2 epochs or the tolerance is negative.

    Examples
    --------
    >>> turning_points(np.array([0.0, 1.0, 3.0, 2.0, 2.0, 5.0])).nonzero()[0]
    array([2, 4])
    """
    values = _curve(values)
    if values.shape[-1] < 2:
        raise ValueError(f"a curve of {values.shape[-1]} epoch has no direction; give at least 2")
    turned = sign_changes(np.diff(values, axis=-1), tolerance)
    return np.concatenate([turned, np.zeros((*values.shape[:-1], 1), dtype=bool)], axis=-1)


def partial_tau(x: np.ndarray, y: np.ndarray, given: np.ndarray) -> np.ndarray:
    r"""Kendall's partial rank correlation: what x and y have in common beyond what both share with a third.

    .. math:: \tau_{xy \cdot z} = \frac{\tau_{xy} - \tau_{xz} \tau_{yz}}{\sqrt{(1 - \tau_{xz}^2)(1 - \tau_{yz}^2)}}

    Two curves that rise with the epoch are correlated, whatever they are; given the epoch they are not.

    Parameters
    ----------
    x, y, given
        Shapes (..., epoch) that broadcast.

    Returns
    -------
    numpy.ndarray
        Shape (...), between -1 and 1; nan where one of them does not vary or has a nan, or where x or y is a monotone
        function of `given`, which leaves nothing to correlate.

    Raises
    ------
    ValueError
        As `lib.measures.statistics.kendall_tau`.

    Notes
    -----
    Source: Kendall (1942), Biometrika 32, 277.

    Examples
    --------
    >>> epoch, x, y = np.array([[1, 2, 3, 4, 5], [1, 3, 2, 5, 4], [2, 1, 3, 4, 5]])
    >>> partial_tau(x, y, epoch), partial_tau(epoch, y, epoch)
    (array(-0.1667), array(nan))
    """
    xy, xz, yz = kendall_tau(x, y), kendall_tau(x, given), kendall_tau(y, given)
    left = np.sqrt((1 - xz**2) * (1 - yz**2))
    xy, shared, left = np.broadcast_arrays(xy, xz * yz, left)
    return np.divide(xy - shared, left, out=np.full(left.shape, np.nan), where=left > 1e-12)


def _curve(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if values.ndim == 0 or values.shape[-1] == 0:
        raise ValueError(f"values of shape {values.shape} are no curve; give an array (..., epoch)")
    return values


def _at(values: np.ndarray, place: np.ndarray) -> np.ndarray:
    return np.asarray(np.take_along_axis(values, np.asarray(place)[..., None], axis=-1)[..., 0])


def _ends(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last known value; nan where there is none."""
    known = np.isfinite(values)
    return _at(values, known.argmax(axis=-1)), _at(values[..., ::-1], known[..., ::-1].argmax(axis=-1))
