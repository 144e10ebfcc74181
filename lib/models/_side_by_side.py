"""What networks have in common that learn side by side, one per seed, in batched matrix products."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor


class SideBySide:
    """Layers of weights and biases for several seeds; a subclass says how they are put together.

    All parameters live in one flat tensor, so that an optimizer updates them in one sweep; weights, biases, scales and
    shifts are views into it, with the seed as first axis, and the ``grad`` of each a view into its ``grad``.

    Parameters
    ----------
    pairs
        Inputs and outputs of each matrix.
    seeds
        One network for each; the seed decides its initial weights.
    draw
        Draws a matrix of initial weights of a shape (outputs, inputs). Biases start within one over the root of the
        number of inputs, scales at 1 and shifts at 0.
    device
        Where they live.
    scaled
        Units of each layer that has a scale and a shift.

    Raises
    ------
    ValueError
        If there is no seed.
    """

    def __init__(
        self,
        pairs: Sequence[tuple[int, int]],
        seeds: Sequence[int],
        draw: Callable[[tuple[int, ...], torch.Generator], Tensor],
        device: str | torch.device,
        scaled: Sequence[int] = (),
    ) -> None:
        if not seeds:
            raise ValueError("seeds is empty: give at least one.")
        self.seeds, self.device = tuple(seeds), torch.device(device)
        shapes: list[tuple[int, ...]] = [(outputs, inputs) for inputs, outputs in pairs]
        shapes += [(outputs,) for _, outputs in pairs] + 2 * [(units,) for units in scaled]
        sizes = [len(self.seeds) * math.prod(shape) for shape in shapes]
        self.parameters = torch.zeros(sum(sizes), device=self.device)
        self._gradient = self.parameters.grad = torch.zeros_like(self.parameters)

        def views(flat: Tensor) -> list[list[Tensor]]:
            parts = [part.view(len(self.seeds), *shape) for part, shape in zip(flat.split(sizes), shapes, strict=True)]
            cuts = (0, len(pairs), 2 * len(pairs), 2 * len(pairs) + len(scaled), len(parts))
            return [parts[first:last] for first, last in pairwise(cuts)]

        kinds, slopes = views(self.parameters), views(self._gradient)
        for kind, slopes_of_kind in zip(kinds, slopes, strict=True):
            for view, slope in zip(kind, slopes_of_kind, strict=True):
                view.grad = slope
        self.weights, self.biases, self.scales, self.shifts = kinds
        self._weights, self._biases, self._scales, self._shifts = slopes
        for number, seed in enumerate(self.seeds):
            generator = torch.Generator().manual_seed(seed)  # on the CPU, so that a GPU starts from the same weights
            for weight, bias in zip(self.weights, self.biases, strict=True):
                weight[number] = draw(tuple(weight.shape[1:]), generator)
                bias[number] = uniform(tuple(bias.shape[1:]), weight.shape[-1] ** -0.5, generator)
        for scale in self.scales:
            scale.fill_(1.0)

    def gradient_norms(self) -> Tensor:
        """Return the Euclidean norm of the last gradient of each weight matrix, shape (seeds, matrices)."""
        return torch.stack([gradient.flatten(1).norm(dim=1) for gradient in self._weights], dim=1)


def through_loss(scores: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return mean cross-entropy (nats) and share of mistakes, (seeds,), and the loss's gradient by the scores.

    Scores and their gradient have the shape (seeds, samples, classes), labels (seeds, samples).
    """
    logs, true = scores.log_softmax(-1), y[..., None]
    loss = -logs.gather(-1, true).squeeze(-1).mean(-1)
    mistakes = (scores.argmax(-1) != y).float().mean(-1)
    back = logs.exp_()
    back.scatter_add_(-1, true, torch.full_like(true, -1, dtype=back.dtype))
    back /= y.shape[-1]
    return loss, mistakes, back


def affine(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return each seed's weights applied to its samples, (seeds, samples, outputs), from (seeds, samples, inputs)."""
    return torch.baddbmm(bias[:, None], x, weight.transpose(1, 2))


def uniform(shape: tuple[int, ...], bound: float, generator: torch.Generator) -> Tensor:
    """Draw numbers uniformly from within `bound` of 0."""
    return (2 * torch.rand(shape, generator=generator) - 1) * bound
