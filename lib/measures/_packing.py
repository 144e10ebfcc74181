"""Binary patterns as bits: eight units to a byte, in the order of `numpy.packbits`."""

import torch
from torch import Tensor


def pack(on: Tensor) -> Tensor:
    """Pack patterns of 0 and 1 or bool, shape (..., unit), into uint8 of shape (..., ceil(unit / 8)).

    Examples
    --------
    >>> pack(torch.tensor([[True, False, True]])).tolist()
    [[160]]
    """
    padded = torch.nn.functional.pad(on.to(torch.uint8), (0, -on.shape[-1] % 8)).unflatten(-1, (-1, 8))
    return (padded << _places(on.device)).sum(-1, dtype=torch.uint8)


def unpack(packed: Tensor, units: int) -> Tensor:
    """Unpack uint8 of shape (..., ceil(units / 8)) into patterns of 0 and 1, uint8 of shape (..., units).

    Examples
    --------
    >>> unpack(torch.tensor([[160]], dtype=torch.uint8), 3).tolist()
    [[1, 0, 1]]
    """
    return ((packed[..., None] >> _places(packed.device)) & 1).flatten(-2)[..., :units]


def _places(device: torch.device) -> Tensor:
    return torch.arange(7, -1, -1, dtype=torch.uint8, device=device)
