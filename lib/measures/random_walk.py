"""Is it a random walk? Mean squared displacement, surrogates and principal components of paths of weight vectors.

A **path** is an array of shape (..., time, weight): leading axes (chains, seeds, classes) are free, time is the last
axis but one. Paths are numpy arrays or torch tensors; the work is done in float64 on the tensor's device, piece by
piece along the leading axes, and results are numpy float64 arrays. Explained in the chapter on the perceptron.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from lib.measures._chunks import Array, SameArray, chunks, map_chunks, require_path

_ELEMENTS = 2**22  # numbers of a path handled at once: 32 MiB


def msd_by_lag(path: Array, lags: Sequence[int] | np.ndarray) -> np.ndarray:
    r"""Mean squared displacement over all overlapping windows, by lag.

    .. math:: \mathrm{MSD}(\ell) = \left\langle |w(t + \ell) - w(t)|^2 \right\rangle_t

    Parameters
    ----------
    path
        Weights, shape (..., time, weight).
    lags
        Lags in time points, each at least 1 and below the number of time points.

    Returns
    -------
    numpy.ndarray
        Shape (..., lag), in squared units of the weights (a sum over weights, a mean over windows).

    Raises
    ------
    ValueError
        If a lag is out of range or `path` has no time or weight axis.

    Notes
    -----
    Source: Metzler et al. (2014), Physical Chemistry Chemical Physics 16, 24128 (time-averaged MSD).

    Examples
    --------
    One weight that grows by 1 a step moves by the lag itself.

    >>> msd_by_lag(np.arange(10.0)[:, None], [1, 2, 3])
    array([1., 4., 9.])
    """
    require_path(path)
    times = path.shape[-2]
    if (np.asarray(lags) != np.rint(lags)).any():
        raise ValueError("lags must be whole numbers of time points; round them, as by np.unique(np.rint(lags))")
    steps = [int(lag) for lag in lags]
    for lag in steps:
        if not 1 <= lag < times:
            raise ValueError(f"lag {lag} does not fit a path of {times} time points; use lags from 1 to {times - 1}")

    def msd(piece: torch.Tensor) -> tuple[torch.Tensor]:
        moved = [(piece[:, lag:] - piece[:, :-lag]).square_().sum(-1).mean(-1) for lag in steps]
        return (torch.stack(moved, dim=-1),)

    return map_chunks(msd, path, trailing=2, elements=_ELEMENTS)[0]


def msd_exponent(lags: Sequence[int] | np.ndarray, msd: np.ndarray) -> np.ndarray:
    r"""Exponent :math:`\alpha` of :math:`\mathrm{MSD} \propto \ell^\alpha`: least-squares slope of log MSD on log lag.

    1 is diffusive (a random walk), below 1 sub-diffusive, 0 confined, 2 ballistic (a straight line).

    Parameters
    ----------
    lags
        Lags, shape (lag,), at least two different ones.
    msd
        Mean squared displacements, shape (..., lag), as `msd_by_lag` returns them.

    Returns
    -------
    numpy.ndarray
        Shape (...), without unit; nan where an MSD is 0 (a path that stood still).

    Raises
    ------
    ValueError
        If shapes differ or there are fewer than two different positive lags.

    Notes
    -----
    Source: Metzler et al. (2014), Physical Chemistry Chemical Physics 16, 24128.

    Examples
    --------
    >>> print(msd_exponent([1, 2, 4], [3.0, 6.0, 12.0]).round(6))
    1.0
    """
    lags, msd = np.asarray(lags, dtype=np.float64), np.asarray(msd, dtype=np.float64)
    if msd.shape[-1:] != lags.shape:
        raise ValueError(f"{lags.size} lags do not fit MSDs of shape {msd.shape}; the last axis must be the lag")
    if len(np.unique(lags)) < 2 or lags.min() <= 0:
        raise ValueError(f"lags {lags.tolist()} give no slope; use at least two different positive lags")
    x = np.log(lags)
    x -= x.mean()
    slope = np.log(np.where(msd > 0, msd, np.nan)) @ x / (x @ x)
    return np.asarray(slope)


def rosenblatt_msd(rate: float, mistake_share: Array, squared_norm: Array) -> np.ndarray:
    r"""Mean squared displacement per sample step of Rosenblatt's rule, from its mistakes alone.

    The rule moves the weights on mistakes only, by rate times the input, so within one epoch

    .. math:: \mathrm{MSD} = \eta^2 \cdot \text{share of mistakes} \cdot \langle |x|^2 \rangle_{\text{mistakes}}

    Parameters
    ----------
    rate
        Learning rate :math:`\eta`.
    mistake_share
        Share of samples that were mistaken when they came, any shape.
    squared_norm
        Mean squared norm of the mistaken inputs (with the constant 1 of the bias, if it is learnt), same shape.
        Where nothing was mistaken it may be nan.

    Returns
    -------
    numpy.ndarray
        Same shape, squared units of the weights; 0 where nothing was mistaken.

    Notes
    -----
    Follows from the update of Rosenblatt (1958), Psychological Review 65, 386.

    Examples
    --------
    >>> rosenblatt_msd(0.5, np.array([0.2, 0.0]), np.array([10.0, np.nan]))
    array([0.5, 0. ])
    """
    share, norm = (np.asarray(torch.as_tensor(a).cpu(), dtype=np.float64) for a in (mistake_share, squared_norm))
    return np.where(share > 0, rate**2 * share * norm, 0.0)


def random_sign_surrogate(path: SameArray, generator: int | np.random.Generator) -> SameArray:
    """Random walk with the same start and the same step lengths: every step keeps or reverses its direction at random.

    The increments of a path are multiplied by one random sign per time step. The weights of a chain share the sign, so
    each step vector keeps its length and its line, and weights keep their correlation. This is the wild bootstrap: the
    null hypothesis "no direction is preferred and none is remembered", for steps of whatever, even shrinking, size.

    Parameters
    ----------
    path
        Weights, shape (..., time, weight).
    generator
        numpy Generator, or a seed for one. Signs are drawn on the CPU, so all devices see the same surrogate.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        float64 path of the same shape, of the same kind and on the same device as the input.

    Raises
    ------
    ValueError
        If `path` has no time or weight axis.

    Notes
    -----
    Source: Wu (1986), Annals of Statistics 14, 1261; for unit roots Cavaliere and Taylor (2008), Econometric Theory 24,
    43.

    Examples
    --------
    >>> surrogate = random_sign_surrogate(np.array([[0.0], [1.0], [3.0]]), generator=0)
    >>> float(surrogate[0, 0]), np.abs(np.diff(surrogate[:, 0]))
    (0.0, array([1., 2.]))
    """
    require_path(path)
    times = path.shape[-2]
    lead = path.shape[:-2]
    drawn = 2 * np.random.default_rng(generator).integers(0, 2, size=(int(np.prod(lead)), times - 1)) - 1
    device = path.device if isinstance(path, torch.Tensor) else torch.device("cpu")
    signs = torch.from_numpy(drawn).to(device=device, dtype=torch.float64)
    out = torch.empty(tuple(path.shape), dtype=torch.float64, device=device)
    flat, done = out.flatten(end_dim=-3) if lead else out[None], 0
    for piece in chunks(path, trailing=2, elements=_ELEMENTS):
        rows = slice(done, done + len(piece))
        piece[:, 1:] = piece.diff(dim=1).mul_(signs[rows, :, None])
        torch.cumsum(piece, dim=1, out=flat[rows])
        done += len(piece)
    return out if isinstance(path, torch.Tensor) else out.numpy()


@dataclass(frozen=True)
class Projection:
    """A path in its own principal components."""

    coordinates: np.ndarray  # (..., time, component), in units of the weights, centred over time
    variance_share: np.ndarray  # (..., component), share of the variance over time; nan for a path that stood still


def pca_projection(path: Array, components: int = 2) -> Projection:
    """Project each path on the principal components of its own time points.

    Parameters
    ----------
    path
        Weights, shape (..., time, weight).
    components
        Number of components k, at most the smaller of time points and weights.

    Returns
    -------
    Projection
        `coordinates` (..., time, k), each component signed so that the path ends on its positive side, and
        `variance_share` (..., k).

    Raises
    ------
    ValueError
        If there are not so many components.

    Notes
    -----
    A high-dimensional random walk looks far from random here: see `random_walk_variance_share`.

    Examples
    --------
    A straight walk has all its variance in the first component.

    >>> line = np.arange(5.0)[:, None] * np.array([3.0, 4.0])
    >>> projection = pca_projection(line, components=1)
    >>> projection.coordinates[:, 0].round(6)
    array([-10., -5., 0., 5., 10.])
    >>> projection.variance_share.round(6)
    array([1.])
    """
    require_path(path)
    times, weights = path.shape[-2:]
    if not 1 <= components <= min(times, weights):
        raise ValueError(
            f"{components} components cannot be had from {times} time points of {weights} weights; "
            f"use 1 to {min(times, weights)}"
        )

    def project(piece: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        centred = piece - piece[:, :1]  # first, so that what stands still is exactly 0
        centred = centred - centred.mean(dim=1, keepdim=True)
        # the smaller of the two Gram matrices has all the non-zero eigenvalues; they come in rising order
        if times <= weights:
            values, vectors = torch.linalg.eigh(centred @ centred.mT)
            largest = values[:, -components:].flip(-1).clamp_min(0)
            coordinates = vectors[:, :, -components:].flip(-1) * largest.sqrt()[:, None, :]
        else:
            values, vectors = torch.linalg.eigh(centred.mT @ centred)
            largest = values[:, -components:].flip(-1).clamp_min(0)
            coordinates = centred @ vectors[:, :, -components:].flip(-1)
        share = largest / centred.square().sum(dim=(1, 2))[:, None]
        return coordinates * torch.where(coordinates[:, -1:] < 0, -1.0, 1.0), share

    return Projection(*map_chunks(project, path, trailing=2, elements=_ELEMENTS))


def random_walk_variance_share(k: int | np.ndarray) -> np.ndarray:
    r"""Share of variance of the k-th principal component of a pure random walk with many weights.

    .. math:: \rho_k = \frac{6}{\pi^2 k^2}, \qquad k = 1, 2, \dots

    Parameters
    ----------
    k
        Rank of the component, from 1; any shape.

    Returns
    -------
    numpy.ndarray
        Share of the total variance over time, same shape.

    Raises
    ------
    ValueError
        If a rank is below 1.

    Notes
    -----
    Source: Antognini and Sohl-Dickstein (2018), PCA of high dimensional random walks with comparison to neural network
    training, Advances in Neural Information Processing Systems 31. A limit: many time points, and many more weights.

    Examples
    --------
    >>> random_walk_variance_share(np.array([1, 2])).round(3)
    array([0.608, 0.152])
    """
    k = np.asarray(k)
    if (k < 1).any():
        raise ValueError(f"component {k.min()} does not exist; ranks start at 1")
    return 6 / (np.pi * k) ** 2
