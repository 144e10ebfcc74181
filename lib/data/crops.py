"""Windows cut out of images, and with them the random crops and mirror images that training sees."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad


def windows(images: Tensor, top: Tensor, left: Tensor, size: int, mirrored: Tensor | None = None) -> Tensor:
    """Cut a square window out of each image, at a place of its own.

    Parameters
    ----------
    images
        Shape (sample, channel, row, column).
    top, left
        First row and column of each window, int64, shape (sample,).
    size
        Rows and columns of a window.
    mirrored
        Which windows to turn left to right, bool, shape (sample,); none where None.

    Examples
    --------
    >>> image = torch.arange(9).view(1, 1, 3, 3)
    >>> windows(image, torch.tensor([1]), torch.tensor([0]), 2, torch.tensor([True]))[0, 0]
    tensor([[4, 3],
            [7, 6]])
    """
    steps = torch.arange(size, device=images.device)
    rows, columns = top[:, None] + steps, left[:, None] + steps
    if mirrored is not None:
        columns = torch.where(mirrored[:, None], columns.flip(1), columns)
    sample = torch.arange(len(images), device=images.device)[:, None, None]
    # indices before and after a slice put the channels last; they are brought back without a copy
    return images[sample, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def crops(images: Tensor, generator: torch.Generator, *, padding: int = 4, mirror: bool = False) -> Tensor:
    """Return each image moved at random by up to `padding` pixels, and where asked for mirrored in half of the cases.

    What was outside the image is black. All draws come from `generator`, which is on the CPU.

    Examples
    --------
    >>> images = torch.ones(2, 3, 32, 32, dtype=torch.uint8)
    >>> crops(images, torch.Generator().manual_seed(0)).shape
    torch.Size([2, 3, 32, 32])
    """
    drawn = torch.randint(2 * padding + 1, (2, len(images)), generator=generator)
    turned = torch.rand(len(images), generator=generator) < 0.5 if mirror else None
    top, left = drawn.to(images.device)
    wide = pad(images, (padding, padding, padding, padding))
    return windows(wide, top, left, images.shape[-1], None if turned is None else turned.to(images.device))
