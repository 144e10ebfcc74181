"""How far has a distribution of weights moved? Wasserstein distance, quantiles, straightness of the way.

A sample is an array of shape (..., weight): weights are the last axis, leading axes (chains, epochs) are free. Samples
are numpy arrays or torch tensors; the work is done in float64 on the tensor's device, and results are numpy float64
arrays. Explained in the chapter on the perceptron.
"""

from collections.abc import Sequence

import numpy as np
import torch

from lib.measures._chunks import Array, map_chunks, require_path

_ELEMENTS = 2**22  # numbers handled at once: 32 MiB


def wasserstein1(a: Array, b: Array) -> np.ndarray:
    r"""Wasserstein-1 (earth mover's) distance between two samples of equal size.

    .. math:: W_1 = \frac1n \sum_i |a_{(i)} - b_{(i)}|

    with both samples sorted: on a line, moving the i-th smallest to the i-th smallest costs least.

    Parameters
    ----------
    a, b
        Samples, shapes (..., weight) of equal number of weights; leading axes broadcast.

    Returns
    -------
    numpy.ndarray
        Shape (...), in units of the weights.

    Raises
    ------
    ValueError
        If the samples differ in size or are empty.

    Notes
    -----
    Same as ``scipy.stats.wasserstein_distance`` on samples of equal size. Source: Vallender (1974), Theory of
    Probability and Its Applications 18, 784.

    Examples
    --------
    >>> wasserstein1(np.array([0.0, 1.0, 2.0]), np.array([5.0, 4.0, 3.0]))
    array(3.)
    """
    if a.ndim == 0 or b.ndim == 0 or a.shape[-1] != b.shape[-1]:
        raise ValueError(
            f"samples of shapes {tuple(a.shape)} and {tuple(b.shape)} differ in size; compare equal numbers of weights"
        )
    (a_sorted,), (b_sorted,) = (map_chunks(_sort, sample, trailing=1, elements=_ELEMENTS) for sample in (a, b))
    return np.asarray(np.abs(a_sorted - b_sorted).mean(axis=-1))


def _sort(sample: torch.Tensor) -> tuple[torch.Tensor]:
    return (sample.sort(dim=-1).values,)


def wasserstein_between_halves(x: Array, generator: int | np.random.Generator) -> np.ndarray:
    """Wasserstein-1 distance between two random halves of one sample: what sampling alone makes of no difference.

    Parameters
    ----------
    x
        Sample, shape (..., weight), at least 2 weights; of an odd number one random weight is left out.
    generator
        numpy Generator, or a seed for one. All leading axes are halved alike.

    Returns
    -------
    numpy.ndarray
        Shape (...), in units of the weights. A distance between two samples is to be read against it.

    Raises
    ------
    ValueError
        If there are fewer than 2 weights.

    Notes
    -----
    Halves are smaller than the whole, so this floor is about 1.4 times that of two samples of full size.

    Examples
    --------
    >>> float(wasserstein_between_halves(np.full(10, 3.0), generator=0))
    0.0
    """
    size = x.shape[-1] if x.ndim else 0
    if size < 2:
        raise ValueError(f"a sample of {size} weights has no halves; give at least 2")
    order = np.random.default_rng(generator).permutation(size)
    half = size // 2
    index = torch.from_numpy(order).to(x.device) if isinstance(x, torch.Tensor) else order
    return wasserstein1(x[..., index[:half]], x[..., index[half : 2 * half]])


def quantiles(x: Array, levels: Sequence[float] | np.ndarray) -> np.ndarray:
    """Quantiles of samples, with linear interpolation between order statistics.

    Parameters
    ----------
    x
        Samples, shape (..., weight).
    levels
        Levels in [0, 1], shape (level,).

    Returns
    -------
    numpy.ndarray
        Shape (..., level), in units of the weights. Same as ``numpy.quantile`` with its default method.

    Raises
    ------
    ValueError
        If a level is outside [0, 1].

    Examples
    --------
    >>> quantiles(np.array([3.0, 1.0, 2.0]), [0, 0.25, 1])
    array([1. , 1.5, 3. ])
    """
    level = torch.as_tensor(np.array(levels, dtype=np.float64))
    if ((level < 0) | (level > 1)).any():
        raise ValueError(f"quantile levels {level.tolist()} must lie in [0, 1]")
    rank = level * (x.shape[-1] - 1)

    # torch.quantile refuses more than 16 million numbers
    def interpolate(piece: torch.Tensor) -> tuple[torch.Tensor]:
        (ordered,) = _sort(piece)
        place = rank.to(piece.device)
        low, high = ordered[:, place.floor().long()], ordered[:, place.ceil().long()]
        return (low + (high - low) * (place - place.floor()),)

    return map_chunks(interpolate, x, trailing=1, elements=_ELEMENTS)[0]


def straightness(path: Array) -> np.ndarray:
    r"""Length of the way a distribution took over the net distance: 1 if it went straight, more if it wandered.

    .. math:: \frac{\sum_t W_1\big(f_w(t), f_w(t+1)\big)}{W_1\big(f_w(0), f_w(T)\big)}

    Parameters
    ----------
    path
        Weights, shape (..., time, weight), at least 2 time points. Their order within a time point does not matter.

    Returns
    -------
    numpy.ndarray
        Shape (...), without unit, at least 1; inf where the distribution came back to its start, nan where it never
        moved.

    Raises
    ------
    ValueError
        If `path` has no time axis or fewer than 2 time points.

    Examples
    --------
    >>> there = np.linspace(0, 1, 5)[:, None] + np.arange(3.0)
    >>> print(straightness(there), straightness(np.concatenate([there, there[-2:0:-1]])).round(6))
    1.0 7.0
    """
    require_path(path)
    if path.shape[-2] < 2:
        raise ValueError(f"a way needs at least 2 time points, not {path.shape[-2]}")

    def ratio(piece: torch.Tensor) -> tuple[torch.Tensor]:
        (ordered,) = _sort(piece)
        length = ordered.diff(dim=1).abs_().mean(-1).sum(-1)
        return (length / (ordered[:, -1] - ordered[:, 0]).abs().mean(-1),)

    return map_chunks(ratio, path, trailing=2, elements=_ELEMENTS)[0]
