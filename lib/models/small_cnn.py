"""A small convolutional network, several seeds side by side: Conv(4-8-8)-FC(64-32) (chapter 7).

Three convolutions of 3 x 3 take pictures of 28 x 28 pixels to 9 x 9, 3 x 3 and 1 x 1; two hidden layers of 64 and 32
units and the classes follow, with a ReLU after each layer. The strides are 3, 3 and 1, and the last convolution has one
place only, so that no two places share a pixel. Pixels are therefore put in order once, those of one place next to each
other, and places that are seen together too: then every convolution is one matrix product, and nothing is ever moved.
The outermost row and column of pixels, which no place reaches, are left out.

Source: *Complexity for deep neural networks*, appendices C and D, figure D.15; the strides are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from lib.models._side_by_side import SideBySide, affine
from lib.models.perceptron import uniform_weights

SIDE = 28
"""Pixels of a picture along each side."""

KERNEL = 3
"""Pixels of a kernel along each side."""

CHANNELS = (4, 8, 8)
"""Channels of the convolutions."""

UNITS = (64, 32)
"""Units of the fully connected hidden layers."""


def _places(levels: int) -> Tensor:
    """Return row and column, shape (place, 2), of squares of squares in the order in which they are seen together."""
    found = torch.zeros(1, 2, dtype=torch.int64)
    for _ in range(levels):
        inner = torch.cartesian_prod(torch.arange(KERNEL), torch.arange(KERNEL))
        found = (KERNEL * found[:, None] + inner).flatten(0, 1)
    return found


PLACES = (_places(2), _places(1), _places(0))
"""Row and column of the places of each convolution, shape (place, 2), in the order in which `feature_maps` has them."""

ORDER = _places(3) @ torch.tensor([SIDE, 1])
"""Pixels in the order in which they are seen."""


def arranged(pictures: Tensor) -> Tensor:
    """Return the pixels that are seen, in the order in which they are.

    Parameters
    ----------
    pictures
        Rows of 784 pixels, shape (..., 784).

    Returns
    -------
    Tensor
        Shape (..., 729).

    Raises
    ------
    ValueError
        If pictures are of another size.

    Examples
    --------
    >>> arranged(torch.arange(784))[:12].tolist()
    [0, 1, 2, 28, 29, 30, 56, 57, 58, 3, 4, 5]
    """
    if pictures.shape[-1] != SIDE**2:
        raise ValueError(f"{pictures.shape[-1]} pixels are no picture of {SIDE} x {SIDE}: give rows of {SIDE**2}.")
    return pictures[..., ORDER.to(pictures.device)]


class SmallCNNs(SideBySide):
    """Networks, one for each seed, that learn side by side.

    Parameters
    ----------
    classes
        Number of outputs.
    seeds
        One network for each; the seed decides its initial weights, which are torch's.
    device
        Where they live.

    Attributes
    ----------
    parameters : Tensor
        All parameters, flat; its ``grad`` is what :meth:`gradients` fills.
    weights, biases : list of Tensor
        With the seed as first axis. A kernel is a row of its matrix: by row, column and channel of what it sees.

    Raises
    ------
    ValueError
        If there is no seed.

    Examples
    --------
    >>> nets = SmallCNNs(10, seeds=(0, 1))
    >>> [tuple(layer.shape) for layer in nets.feature_maps(arranged(torch.zeros(6, 784)))]
    [(2, 6, 81, 4), (2, 6, 9, 8), (2, 6, 1, 8)]
    >>> nets.parameters.numel() // 2
    3906
    """

    def __init__(self, classes: int, seeds: Sequence[int], device: str | torch.device = "cpu") -> None:
        kernels = [(KERNEL**2 * inputs, outputs) for inputs, outputs in pairwise((1, *CHANNELS))]
        super().__init__([*kernels, *pairwise((CHANNELS[-1], *UNITS, classes))], seeds, uniform_weights, device)
        for view in (*self.weights, *self.biases):
            view.requires_grad_()

    def gradients(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Run one batch forwards and backwards; fill ``parameters.grad``.

        Parameters
        ----------
        x
            Pictures as `arranged` gives them, shape (seeds, batch, 729) or (batch, 729).
        y
            Labels, int64, shape (seeds, batch).

        Returns
        -------
        loss, mistakes
            Mean cross-entropy in nats and share of mistakes in the batch, each of shape (seeds,).
        """
        self._gradient.zero_()
        with torch.enable_grad():
            scores = self.outputs(x)
            loss = -scores.log_softmax(-1).gather(-1, y[..., None]).squeeze(-1).mean(-1)
            loss.sum().backward()  # no seed has a part in another's loss
        return loss.detach(), (scores.detach().argmax(-1) != y).float().mean(-1)

    def feature_maps(self, x: Tensor) -> list[Tensor]:
        """Return what every convolution gives, after its ReLU.

        Parameters
        ----------
        x
            Pictures as `arranged` gives them, shape (samples, 729), or (seeds, samples, 729).

        Returns
        -------
        list of Tensor
            One a layer, shape (seeds, samples, place, channel), places in the order of :data:`PLACES`.
        """
        if x.shape[-1] != ORDER.numel():
            raise ValueError(f"{x.shape[-1]} pixels are not the {ORDER.numel()} that are seen: arrange pictures first.")
        samples, found = x.shape[-2], []
        maps = x.expand(len(self.seeds), *x.shape[-2:])
        for places, weight, bias in zip(PLACES, self.weights, self.biases, strict=False):
            given = affine(maps.reshape(len(self.seeds), samples * len(places), -1), weight, bias).relu()
            maps = given.view(len(self.seeds), samples, len(places), -1)
            found.append(maps)
        return found

    def scores(self, last: Tensor) -> Tensor:
        """Return the scores of the classes from the last convolution's output."""
        layer = last.flatten(2)
        for weight, bias in zip(self.weights[3:-1], self.biases[3:-1], strict=True):
            layer = affine(layer, weight, bias).relu()
        return affine(layer, self.weights[-1], self.biases[-1])

    def outputs(self, x: Tensor) -> Tensor:
        """Return the scores of the classes, shape (seeds, samples, classes)."""
        return self.scores(self.feature_maps(x)[-1])
