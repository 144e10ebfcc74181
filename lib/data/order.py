"""Orders and batches: which samples a training loop visits, and when.

Batches are index tensors, so that images stay where they are on the device and no worker process is needed. Every order
is a function of (seed, epoch) alone. It is drawn on the CPU and then moved, so that a run on a GPU visits the same
samples in the same order as a run on the CPU, and a run that is taken up again at some epoch needs no history.
"""

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
import torch
from torch import Tensor


class Stream(IntEnum):
    """Purposes for which this package draws: each has its own numbers under the same seed."""

    ORDER = 0
    LABELS = 1
    VALIDATION = 2
    PLACES = 3
    COLOURS = 4
    TEARING = 5
    CROPS = 6


def generator_of(seed: int, stream: Stream, *counter: int) -> torch.Generator:
    """Return a generator on the CPU for what is not an order: its numbers are a function of the arguments alone.

    Raises
    ------
    ValueError
        If the seed or a counter is negative.

    Examples
    --------
    >>> one, same, other = (generator_of(seed, Stream.CROPS) for seed in (0, 0, 1))
    >>> first = torch.rand(3, generator=one)
    >>> torch.equal(first, torch.rand(3, generator=same)), torch.equal(first, torch.rand(3, generator=other))
    (True, False)
    """
    state = _seed_sequence(seed, stream, *counter).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]))


def permutation(n: int, seed: int, stream: Stream, *counter: int) -> Tensor:
    """Return a uniformly random permutation of 0 ... n - 1, a function of its arguments alone.

    The stream and the counter enter as numpy's spawn key, so that neither two purposes nor two epochs share numbers.

    Examples
    --------
    >>> permutation(6, 0, Stream.LABELS).sort().values
    tensor([0, 1, 2, 3, 4, 5])
    """
    if n < 1:
        raise ValueError(f"n={n} samples cannot be put in order: give at least 1.")
    return torch.from_numpy(np.random.default_rng(_seed_sequence(seed, stream, *counter)).permutation(n))


def _seed_sequence(seed: int, stream: Stream, *counter: int) -> np.random.SeedSequence:
    if min(seed, *counter, 0) < 0:
        raise ValueError(f"seed and epoch must be 0 or more, but are {(seed, *counter)}.")
    return np.random.SeedSequence(int(seed), spawn_key=(int(stream), *map(int, counter)))


def epoch_order(n: int, seed: int, epoch: int, device: str | torch.device = "cpu") -> Tensor:
    """Return the order in which the run `seed` visits `n` samples in epoch `epoch`.

    Parameters
    ----------
    n : int
        Number of samples.
    seed, epoch : int
        0 or more. The same pair always gives the same order, on every device.
    device : str or torch.device
        Where the result lives.

    Returns
    -------
    Tensor
        A uniformly random permutation of 0 ... n - 1, int64, shape (n,). Its first k entries are a random subset
        drawn without replacement.

    Raises
    ------
    ValueError
        If `n` is less than 1, or `seed` or `epoch` is negative.

    Examples
    --------
    >>> order = epoch_order(6, seed=0, epoch=0)
    >>> order.sort().values
    tensor([0, 1, 2, 3, 4, 5])
    >>> torch.equal(order, epoch_order(6, seed=0, epoch=0)), torch.equal(order, epoch_order(6, seed=0, epoch=1))
    (True, False)
    """
    return permutation(n, seed, Stream.ORDER, epoch).to(device)


def epoch_orders(n: int, seeds: Sequence[int], epoch: int, device: str | torch.device = "cpu") -> Tensor:
    """Return the orders of many runs at once: row s is `epoch_order(n, seeds[s], epoch, device)`.

    Parameters
    ----------
    n : int
        Number of samples.
    seeds : sequence of int
        One seed for each run; at least one.
    epoch : int
        0 or more.
    device : str or torch.device
        Where the result lives; it is moved in one piece.

    Returns
    -------
    Tensor
        int64, shape (len(seeds), n).

    Raises
    ------
    ValueError
        If there is no seed, `n` is less than 1, or a seed or `epoch` is negative.

    Examples
    --------
    >>> epoch_orders(5, seeds=(0, 1, 2), epoch=3).shape
    torch.Size([3, 5])
    """
    if len(seeds) == 0:
        raise ValueError("seeds is empty: give at least one.")
    return torch.stack([epoch_order(n, seed, epoch) for seed in seeds]).to(device)


def batches(
    n: int,
    size: int,
    *,
    seed: int,
    epoch: int,
    shuffle: bool = True,
    drop_last: bool = False,
    device: str | torch.device = "cpu",
) -> tuple[Tensor, ...]:
    """Cut one epoch of `n` samples into batches of `size`.

    Parameters
    ----------
    n, size : int
        Number of samples, and of samples in a batch. The last batch is smaller if `size` does not divide `n`.
    seed, epoch : int
        As in `epoch_order`.
    shuffle : bool
        Visit the samples in `epoch_order`; otherwise from 0 to n - 1.
    drop_last : bool
        Leave out a last batch that is smaller.
    device : str or torch.device
        Where the batches live.

    Returns
    -------
    tuple of Tensor
        Index tensors, int64, shape (size,): use as `x_train[index]`.

    Raises
    ------
    ValueError
        If `n` or `size` is less than 1, `seed` or `epoch` is negative, or `drop_last` would leave no batch.

    Examples
    --------
    >>> batches(7, 3, seed=0, epoch=0, shuffle=False)
    (tensor([0, 1, 2]), tensor([3, 4, 5]), tensor([6]))
    >>> [len(index) for index in batches(7, 3, seed=0, epoch=0, drop_last=True)]
    [3, 3]
    """
    if size < 1:
        raise ValueError(f"size={size} is no batch size: give at least 1.")
    if drop_last and n < size:
        raise ValueError(f"drop_last leaves no batch, for {n} samples are fewer than size={size}: lower the size.")
    order = epoch_order(n, seed, epoch, device)
    if not shuffle:
        order = torch.arange(n, device=device)
    return order[: n - n % size if drop_last else n].split(size)
