r"""Effective dimension of a representation: how many principal components share its variance.

A representation is a set of activations, one row a sample (in a convolutional layer one row a patch), one column a
unit. With :math:`\lambda_i` the eigenvalues of its covariance,

.. math:: r_i = \frac{\lambda_i}{\sum_j \lambda_j}, \qquad
    \text{effective dimension} = \exp\Big( - \sum_i r_i \ln r_i \Big)

which is k where k components have equal variance and the others none. The logarithm is natural, and the number does not
depend on it as long as the exponential has the same base.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import entr

from lib.measures._chunks import Array

_NUMBERS = 2**20  # turned into float64 at once: 8 MiB, whatever the size of the data


@dataclass(frozen=True)
class EffectiveDimension:
    """Effective dimension with the spectrum that it comes from."""

    dimension: float  # from 1 to the number of units; 0 where nothing varies
    ratios: np.ndarray  # (unit,), explained variance ratios of the principal components, largest first; sum 1, or all 0
    variance: float  # of all units together, in squared units of the activations
    samples: int


def effective_dimension(x: Array | Iterable[Array]) -> EffectiveDimension:
    r"""Effective dimension of activations.

    Parameters
    ----------
    x
        Array or tensor of shape (sample, unit), counted on its device, or any number of them one after the other, such
        as the batches of a loader: these are read once and not kept.

    Returns
    -------
    EffectiveDimension
        Of the centred data, with the population covariance. Units that never vary add nothing; where none varies, the
        dimension is 0.

    Raises
    ------
    ValueError
        If there are no samples or no units, batches differ in their units, or a value is nan or infinite.

    Notes
    -----
    One pass: sums and products are taken in float64 about the mean of the first rows, so that a large mean costs no
    digits, and the data is never copied as a whole.
    Source: *Complexity for deep neural networks*, section 5, eqs. 12 to 14.

    Examples
    --------
    >>> corners = np.array([[1.0, 1, 0], [1, -1, 0], [-1, 1, 0], [-1, -1, 0]])  # two of three directions, alike
    >>> found = effective_dimension(corners)
    >>> round(found.dimension, 6), found.ratios
    (2.0, array([0.5, 0.5, 0. ]))
    >>> round(effective_dimension([corners[:2], corners[2:]]).dimension, 6)
    2.0
    """
    spread = Covariance()
    for batch in [x] if isinstance(x, np.ndarray | torch.Tensor) else x:
        spread.add(batch)
    return spread.effective_dimension()


class Covariance:
    """Covariance of activations that come in batches, each read once and not kept.

    Examples
    --------
    >>> spread = Covariance()
    >>> for batch in np.eye(3):
    ...     spread.add(batch[None])
    >>> round(spread.effective_dimension().dimension, 6)
    2.0
    """

    def __init__(self) -> None:
        self._samples = 0
        self._shift, self._total, self._square = (torch.empty(0, dtype=torch.float64) for _ in range(3))

    def add(self, batch: Array) -> None:
        """Count a batch of activations, shape (sample, unit), on its device.

        Raises
        ------
        ValueError
            If it is no table of samples and units, or has other units than the batches before.
        """
        for piece in _pieces(batch):
            rows = piece.to(torch.float64)
            if not self._samples and len(rows):
                self._shift = rows.mean(0)
                self._total, self._square = rows.new_zeros(rows.shape[1]), rows.new_zeros(rows.shape[1], rows.shape[1])
            elif len(rows) and rows.shape[1] != len(self._shift):
                raise ValueError(
                    f"a batch has {rows.shape[1]} units and the one before {len(self._shift)}; give one layer at once"
                )
            centred = rows - self._shift
            self._total += centred.sum(0)
            self._square.addmm_(centred.T, centred)
            self._samples += len(rows)

    def matrix(self) -> np.ndarray:
        """Return the population covariance of what was counted, float64, shape (unit, unit).

        Raises
        ------
        ValueError
            If nothing was counted, or a value was nan or infinite.
        """
        if not self._samples:
            raise ValueError("there are no samples; give at least one row of activations")
        mean = self._total / self._samples
        covariance = (self._square / self._samples - torch.outer(mean, mean)).cpu().numpy()
        if not np.isfinite(covariance).all():
            raise ValueError("some activations are nan or infinite; a diverged network has no dimension")
        return np.asarray(covariance)

    def effective_dimension(self) -> EffectiveDimension:
        """Return the effective dimension of what was counted.

        Raises
        ------
        ValueError
            As `matrix`.
        """
        values = np.maximum(np.linalg.eigvalsh(self.matrix())[::-1], 0)
        # what rounding leaves of units that do not vary
        scale = float(torch.diagonal(self._square).max() + self._total.square().max() / self._samples) / self._samples
        variance = float(values.sum())
        if variance <= len(values) * np.finfo(np.float64).eps * scale:
            return EffectiveDimension(0.0, np.zeros(len(values)), 0.0, self._samples)
        ratios = values / variance
        return EffectiveDimension(float(dimension_of_spectrum(values)), ratios, variance, self._samples)


def effective_dimensions(x: Array) -> np.ndarray:
    r"""Effective dimension of many small representations at once, such as one layer of networks side by side.

    Parameters
    ----------
    x
        Array or tensor, shape (..., sample, unit), worked on in float64 on its device.

    Returns
    -------
    numpy.ndarray
        Shape (...), each as `effective_dimension` gives it; 0 where nothing varies.

    Raises
    ------
    ValueError
        If there are no samples or no units, or a value is nan or infinite.

    Notes
    -----
    Holds all centred samples at once: for large ones use `effective_dimension`.
    Source: *Complexity for deep neural networks*, section 5, eqs. 12 to 14.

    Examples
    --------
    >>> corners = np.array([[1.0, 1], [1, -1], [-1, 1], [-1, -1]])
    >>> effective_dimensions(np.stack([corners, corners * [1, 0], 0 * corners])).round(6)
    array([2., 1., 0.])
    """
    if x.ndim < 2 or 0 in x.shape[-2:]:
        raise ValueError(f"activations of shape {tuple(x.shape)} hold no samples of units; reshape them")
    rows = torch.as_tensor(x).detach().to(torch.float64)
    centred = rows - rows.mean(-2, keepdim=True)
    covariance = (centred.mT @ centred / rows.shape[-2]).cpu().numpy()
    if not np.isfinite(covariance).all():
        raise ValueError("some activations are nan or infinite; a diverged network has no dimension")
    values = np.maximum(np.linalg.eigvalsh(covariance), 0)
    # what rounding leaves of units that do not vary
    scale = rows.square().mean(-2).amax(-1).cpu().numpy()
    varies = values.sum(-1) > values.shape[-1] * np.finfo(np.float64).eps * scale
    return np.where(varies, dimension_of_spectrum(values), 0.0)


def dimension_of_spectrum(values: np.ndarray) -> np.ndarray:
    """Return the effective dimension of each spectrum of eigenvalues, shape (..., unit); 0 where all of them are 0.

    Examples
    --------
    >>> dimension_of_spectrum(np.array([[2.0, 2.0, 0.0], [0.0, 0.0, 0.0]])).round(6)
    array([2., 0.])
    """
    total = values.sum(axis=-1, keepdims=True)
    ratios = np.divide(values, total, out=np.zeros_like(values), where=total > 0)
    return np.where(total[..., 0] > 0, np.exp(entr(ratios).sum(axis=-1)), 0.0)


def _pieces(batch: Array) -> Iterator[torch.Tensor]:
    """Yield blocks of rows, small enough to be turned into float64."""
    if batch.ndim != 2 or not batch.shape[1]:
        raise ValueError(f"activations of shape {tuple(batch.shape)} are no table of samples and units; reshape them")
    rows = max(1, _NUMBERS // batch.shape[1])
    for start in range(0, len(batch), rows):
        block = batch[start : start + rows]
        if isinstance(block, torch.Tensor):
            yield block.detach()
        else:
            yield torch.from_numpy(np.require(block, requirements=["C", "W"]))  # torch refuses other arrays
