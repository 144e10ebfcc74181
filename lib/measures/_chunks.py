"""Go through large arrays in pieces, so that a measure's extra memory stays small whatever the number of series."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
import torch

Array = np.ndarray | torch.Tensor
SameArray = TypeVar("SameArray", np.ndarray, torch.Tensor)  # the kind that comes in also comes out


def chunks(x: Array, trailing: int, elements: int) -> Iterator[torch.Tensor]:
    """Float64 copies of `x` in pieces (piece, *trailing axes) of about `elements` numbers, on the device of `x`.

    The leading axes are flattened piece by piece: flattening a transposed array at once would copy all of it.
    """
    lead, kept = x.shape[: x.ndim - trailing], x.shape[x.ndim - trailing :]
    total, size = int(np.prod(lead)), max(1, elements // max(1, int(np.prod(kept))))
    x = x[None]  # an array without leading axes becomes one piece
    for start in range(0, total, size):
        index = np.unravel_index(np.arange(start, min(start + size, total)), (1, *lead))
        if isinstance(x, torch.Tensor):
            yield x[tuple(torch.from_numpy(axis).to(x.device) for axis in index)].to(torch.float64)
        else:
            yield torch.from_numpy(x[index].astype(np.float64))


def map_chunks(
    function: Callable[[torch.Tensor], tuple[torch.Tensor, ...]], x: Array, trailing: int, elements: int
) -> tuple[np.ndarray, ...]:
    """Apply `function` to the pieces of `x`; its results (piece, ...) come back as arrays (*leading axes, ...)."""
    lead = x.shape[: x.ndim - trailing]
    if 0 in x.shape:
        raise ValueError(f"the array of shape {tuple(x.shape)} is empty; give at least one value along each axis")
    parts = [[result.cpu().numpy() for result in function(piece)] for piece in chunks(x, trailing, elements)]
    joined = [np.concatenate(results) for results in zip(*parts, strict=True)]
    return tuple(result.reshape((*lead, *result.shape[1:])) for result in joined)


def require_path(path: Array) -> None:
    """Raise ValueError unless `path` can be one of shape (..., time, weight)."""
    if path.ndim < 2:
        raise ValueError(
            f"a path needs axes (..., time, weight), not shape {tuple(path.shape)}; add an axis of weights"
        )
