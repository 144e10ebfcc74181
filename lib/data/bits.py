"""All bit strings of a length, as the inputs of the bit encoder: corners of a cube with coordinates -1 and +1."""

from __future__ import annotations

import torch
from torch import Tensor


def bit_strings(bits: int, device: str | torch.device = "cpu") -> Tensor:
    """Return every bit string of a length.

    Parameters
    ----------
    bits
        Length of the strings, from 1 to 16.
    device
        Where they are put.

    Returns
    -------
    Tensor
        Shape (2**bits, bits), float64: row ``k`` holds the binary digits of ``k``, the first the most significant, as
        -1 for 0 and +1 for 1.

    Raises
    ------
    ValueError
        If the length is not from 1 to 16.

    Examples
    --------
    >>> bit_strings(2).tolist()
    [[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]
    """
    if not 1 <= bits <= 16:
        raise ValueError(f"Strings of {bits} bits cannot all be listed: give a length from 1 to 16.")
    places = torch.arange(bits - 1, -1, -1, device=device)
    digits = (torch.arange(2**bits, device=device)[:, None] >> places) & 1
    return 2.0 * digits.to(torch.float64) - 1.0


def hamming_distance(x: Tensor, y: Tensor) -> Tensor:
    r"""Count the bits in which strings differ, :math:`d = (n - x \cdot y) / 2` for :math:`n` bits.

    Parameters
    ----------
    x, y
        Strings of -1 and +1, shapes (..., bits) that broadcast.

    Returns
    -------
    Tensor
        Shape (...), int64.

    Raises
    ------
    ValueError
        If the strings differ in length.

    Examples
    --------
    >>> hamming_distance(bit_strings(2), bit_strings(2)[0]).tolist()
    [0, 1, 1, 2]
    """
    if x.shape[-1] != y.shape[-1]:
        raise ValueError(f"Strings of {x.shape[-1]} and of {y.shape[-1]} bits have no distance: give equal lengths.")
    return (x != y).sum(-1)
