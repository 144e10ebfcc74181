"""Targets of two-class tasks, made from class labels, and the control with shuffled labels."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lib.data.order import Stream, permutation


def one_vs_rest(y: Tensor, classes: Sequence[int], *, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return the targets of one-vs-rest tasks: t[k, i] = +1 if y[i] = classes[k], else -1.

    Parameters
    ----------
    y : Tensor
        Labels, integers, shape (N,).
    classes : sequence of int
        The class that each task separates from all others; `range(10)` for all ten.
    dtype : torch.dtype
        Type of the targets.

    Returns
    -------
    Tensor
        Shape (len(classes), N), on the device of `y`.

    Raises
    ------
    ValueError
        If `y` is not a vector of integers, no class is given, or one of them has no sample.

    Examples
    --------
    >>> one_vs_rest(torch.tensor([0, 2, 1]), range(3))
    tensor([[ 1., -1., -1.],
            [-1., -1.,  1.],
            [-1.,  1., -1.]])
    """
    _check(y, classes)
    return _signs(y == torch.tensor(list(classes), device=y.device)[:, None], dtype)


def pair(y: Tensor, a: int, b: int, *, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Return the samples of two classes and their targets: +1 for class `a`, -1 for class `b`.

    Parameters
    ----------
    y : Tensor
        Labels, integers, shape (N,).
    a, b : int
        Two different classes.
    dtype : torch.dtype
        Type of the targets.

    Returns
    -------
    index : Tensor
        Which samples belong to either class, ascending, int64, shape (M,).
    targets : Tensor
        Shape (M,), for the samples in `index`.

    Raises
    ------
    ValueError
        If `y` is not a vector of integers, the classes are the same, or one of them has no sample.

    Examples
    --------
    >>> pair(torch.tensor([3, 8, 1, 3]), 3, 8)
    (tensor([0, 1, 3]), tensor([ 1., -1.,  1.]))
    """
    if a == b:
        raise ValueError(f"a pair needs two classes, but both are {a}.")
    _check(y, (a, b))
    index = ((y == a) | (y == b)).nonzero().flatten()
    return index, _signs(y[index] == a, dtype)


def shuffled_labels(y: Tensor, seed: int) -> Tensor:
    """Return the labels in random order: the control in which nothing about the images can be learned.

    Every class keeps its number of samples. The order is a function of the seed and of N, is the same on every device,
    and shares no random numbers with `epoch_order`.

    Parameters
    ----------
    y : Tensor
        Labels, shape (N,), N at least 1.
    seed : int
        0 or more.

    Returns
    -------
    Tensor
        As `y`, permuted.

    Raises
    ------
    ValueError
        If `y` is not a vector of integers, or the seed is negative.

    Examples
    --------
    >>> shuffled_labels(torch.tensor([0, 0, 1, 2]), seed=0).bincount()
    tensor([2, 1, 1])
    """
    _check(y)
    return y[permutation(len(y), seed, Stream.LABELS).to(y.device)]


def _signs(positive: Tensor, dtype: torch.dtype) -> Tensor:
    return positive.to(dtype) * 2 - 1


def _check(y: Tensor, classes: Sequence[int] | None = None) -> None:
    if y.ndim != 1 or len(y) == 0 or y.is_floating_point() or y.is_complex() or y.dtype == torch.bool:
        kind = str(y.dtype).removeprefix("torch.")
        raise ValueError(f"labels must be integers of shape (N,), N at least 1, but are {kind} {tuple(y.shape)}.")
    if classes is None:
        return
    if len(classes) == 0:
        raise ValueError("classes is empty: give at least one.")
    if absent := set(classes) - set(y.unique().tolist()):
        raise ValueError(f"no sample has the label {min(absent)}: choose classes that occur.")
