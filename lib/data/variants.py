r"""Coloured and torn variants of images, after appendix A of *Complexity for deep neural networks*.

The text says: images of 28 x 28 are "randomly embedded into the 32 x 32 square and some random color noise is added to
the objects"; torn ones are cut "into 8 x 8 pieces, randomly shuffling them and performing rotations by random multiples
of 90 degrees", alike for all images of a set. What it leaves open is settled here:

- a colour is uniform over the cube of red, green and blue, then made so bright that its largest part is 1; noise is
  Gaussian, of its own for each pixel and part, and in proportion to the ink, so that the background stays black;
- a piece has 8 x 8 pixels, so that there are 16; ``grid=8`` is the other reading, 64 pieces of 4 x 4 pixels.

Random numbers are drawn on the CPU and moved, so that every device makes the same pictures.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from lib.data.crops import windows
from lib.data.order import Stream, generator_of, permutation

SIZE = 32
"""Pixels of a side of every picture."""

_TOGETHER = 4_096  # images coloured at once


def placed(images: Tensor, seed: int, size: int = SIZE) -> Tensor:
    """Return each image somewhere in a larger black one: where this is not 0, there is the object.

    Parameters
    ----------
    images
        uint8, shape (sample, channel, row, column).
    seed
        Decides the places, which are uniform over all that fit.
    size
        Pixels of a side of what is returned.

    Returns
    -------
    Tensor
        uint8, shape (sample, channel, size, size).

    Raises
    ------
    ValueError
        If the images are larger than that.

    Examples
    --------
    >>> images = torch.full((3, 1, 28, 28), 255, dtype=torch.uint8)
    >>> (placed(images, seed=0) > 0).sum((1, 2, 3))
    tensor([784, 784, 784])
    """
    samples, _, rows, columns = images.shape
    if max(rows, columns) > size:
        raise ValueError(f"Images of {rows} x {columns} pixels do not fit into {size} x {size}: give a larger size.")
    generator = generator_of(seed, Stream.PLACES)
    top, left = (
        torch.randint(size - length + 1, (samples,), generator=generator).to(images.device)
        for length in (rows, columns)
    )
    below, beside = size - rows, size - columns
    return windows(pad(images, (beside, beside, below, below)), below - top, beside - left, size)


def coloured(images: Tensor, seed: int, *, noise: float = 0.2, size: int = SIZE) -> Tensor:
    r"""Return grey images at random places, each in a colour of its own, with noise in that colour.

    A pixel of ink g, between 0 and 1, gets :math:`g \min(\max(c + \sigma \epsilon, 0), 1)` for each part c of the
    colour, with :math:`\epsilon` standard normal: where there is no ink, there is no noise.

    Parameters
    ----------
    images
        uint8, shape (sample, 1, row, column).
    seed
        Decides places (those of :func:`placed`), colours and noise.
    noise
        Its standard deviation, in units of full brightness.
    size
        Pixels of a side of what is returned.

    Returns
    -------
    Tensor
        uint8, shape (sample, 3, size, size), on the device of the images.

    Raises
    ------
    ValueError
        If the images are not uint8, larger than that or not grey, or the noise is negative.

    Examples
    --------
    >>> images = torch.full((2, 1, 28, 28), 255, dtype=torch.uint8)
    >>> plain = coloured(images, seed=0, noise=0.0)
    >>> [len(picture.flatten(1).unique(dim=1).T) for picture in plain]  # black, and one colour
    [2, 2]
    """
    if images.dtype != torch.uint8:
        raise ValueError(f"Pixels must be uint8, from 0 to 255, not {images.dtype}: give x_train or x_test as it is.")
    if images.shape[1] != 1 or noise < 0:
        raise ValueError(
            f"Noise {noise} on {images.shape[1]} channels gives no colours: use 0 or more, on grey images."
        )
    generator = generator_of(seed, Stream.COLOURS)
    colours = torch.rand(len(images), 3, 1, 1, generator=generator)
    colours /= colours.amax(1, keepdim=True)
    parts = []
    for ink, colour in zip(placed(images, seed, size).split(_TOGETHER), colours.split(_TOGETHER), strict=True):
        paint = torch.randn(len(ink), 3, size, size, generator=generator).mul_(noise).add_(colour).clamp_(0, 1)
        parts.append((paint.to(ink.device) * ink).round().to(torch.uint8))
    return torch.cat(parts)


def torn(images: Tensor, seed: int, grid: int = 4) -> Tensor:
    """Return images cut into pieces that were shuffled and turned by quarters, alike for all images and channels.

    Parameters
    ----------
    images
        Any type, shape (..., size, size).
    seed
        Decides where pieces go and how they are turned.
    grid
        Pieces along a side: 4 makes 16 pieces of 8 x 8 pixels of an image of 32 x 32.

    Raises
    ------
    ValueError
        If the images are not square, or cannot be cut into as many equal pieces.

    Examples
    --------
    >>> images = torch.arange(2 * 32 * 32).view(2, 1, 32, 32)
    >>> pieces = torn(images, seed=0)
    >>> torch.equal(pieces, images), torch.equal(mended(pieces, seed=0), images)
    (False, True)
    """
    return images.flatten(-2)[..., _tearing(images, seed, grid)].view_as(images)


def mended(images: Tensor, seed: int, grid: int = 4) -> Tensor:
    """Return torn images as they were: the inverse of :func:`torn`."""
    return images.flatten(-2)[..., _tearing(images, seed, grid).argsort()].view_as(images)


def _tearing(images: Tensor, seed: int, grid: int) -> Tensor:
    """Return for every pixel of a torn image the number of the pixel that it was."""
    size = images.shape[-1]
    if images.shape[-2] != size or grid < 1 or size % grid:
        raise ValueError(
            f"Images of {images.shape[-2]} x {size} pixels cannot be cut into {grid} x {grid} equal squares."
        )
    side = size // grid
    pieces = torch.arange(size * size).view(grid, side, grid, side).transpose(1, 2).reshape(-1, side, side)
    pieces = pieces[permutation(len(pieces), seed, Stream.TEARING)]
    turns = torch.randint(4, (len(pieces),), generator=generator_of(seed, Stream.TEARING, 1))
    turned = torch.stack([pieces.rot90(k, (1, 2)) for k in range(4)])[turns, torch.arange(len(pieces))]
    whole = turned.view(grid, grid, side, side).transpose(1, 2).flatten()
    return whole.to(images.device)
