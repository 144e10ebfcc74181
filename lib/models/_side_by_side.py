"""Networks of one architecture, one a seed, that learn side by side in batched matrix products, by autograd."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from lib.models.perceptron import uniform_weights

GAINS = {"torch": 1.0, "he-uniform": math.sqrt(6.0)}
"""Bounds of the uniform initial weights, as multiples of one over the root of the number of inputs."""


class SideBySide:
    """Layers of weights and biases for several seeds; a subclass says how they are put together.

    All parameters live in one flat tensor, so that an optimizer updates them in one sweep; weights and biases are views
    into it, with the seed as first axis, and their gradients views into its gradient.

    Parameters
    ----------
    pairs
        Inputs and outputs of each matrix.
    seeds
        One network for each; the seed decides its initial weights.
    initial
        One of :data:`GAINS`. Biases start within one over the root of the number of inputs.
    device
        Where they live.

    Raises
    ------
    ValueError
        If there is no seed, or no such initial weights.
    """

    def __init__(
        self, pairs: Sequence[tuple[int, int]], seeds: Sequence[int], initial: str, device: str | torch.device
    ) -> None:
        if not seeds:
            raise ValueError("seeds is empty: give at least one.")
        if initial not in GAINS:
            raise ValueError(f"Unknown initial weights {initial!r}: choose one of {', '.join(GAINS)}.")
        self.seeds, self.device = tuple(seeds), torch.device(device)
        shapes: list[tuple[int, ...]] = [(outputs, inputs) for inputs, outputs in pairs]
        shapes += [(outputs,) for _, outputs in pairs]
        sizes = [len(self.seeds) * math.prod(shape) for shape in shapes]
        self.parameters = torch.zeros(sum(sizes), device=self.device)
        self._slope = self.parameters.grad = torch.zeros_like(self.parameters)

        def views(flat: Tensor) -> list[Tensor]:
            return [part.view(len(self.seeds), *shape) for part, shape in zip(flat.split(sizes), shapes, strict=True)]

        found = views(self.parameters)
        self.weights, self.biases = found[: len(pairs)], found[len(pairs) :]
        self._start(GAINS[initial])
        slopes = views(self._slope)
        self._slopes = slopes[: len(pairs)], slopes[len(pairs) :]
        for view, slope in zip(found, slopes, strict=True):
            view.requires_grad_().grad = slope

    def _start(self, gain: float) -> None:
        for number, seed in enumerate(self.seeds):
            draw = torch.Generator().manual_seed(seed)  # on the CPU, so that a GPU starts from the same weights
            for weight, bias in zip(self.weights, self.biases, strict=True):
                weight[number] = gain * uniform_weights(tuple(weight.shape[1:]), draw)
                bound = weight.shape[-1] ** -0.5
                bias[number] = (2 * torch.rand(bias.shape[1:], generator=draw) - 1) * bound

    def outputs(self, x: Tensor) -> Tensor:
        """Return the scores of the classes, shape (seeds, samples, classes)."""
        raise NotImplementedError

    def gradients(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Run one batch forwards and backwards; fill ``parameters.grad``.

        Parameters
        ----------
        x
            Inputs, shape (seeds, batch, inputs) or (batch, inputs).
        y
            Labels, int64, shape (seeds, batch).

        Returns
        -------
        loss, mistakes
            Mean cross-entropy in nats and share of mistakes in the batch, each of shape (seeds,).
        """
        self._slope.zero_()
        with torch.enable_grad():
            scores = self.outputs(x)
            loss = -scores.log_softmax(-1).gather(-1, y[..., None]).squeeze(-1).mean(-1)
            loss.sum().backward()  # no seed has a part in another's loss
        return loss.detach(), (scores.detach().argmax(-1) != y).float().mean(-1)

    def _through_loss(self, scores: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return loss and share of mistakes, and the loss's gradient by the scores, (seeds, classes, samples)."""
        logs, true = scores.log_softmax(-1), y[..., None]
        loss = -logs.gather(-1, true).squeeze(-1).mean(-1)
        mistakes = (scores.argmax(-1) != y).float().mean(-1)
        back = logs.exp_().scatter_add_(-1, true, torch.full_like(true, -1, dtype=logs.dtype))
        return loss, mistakes, (back / y.shape[-1]).mT.contiguous()

    def gradient_norms(self) -> Tensor:
        """Return the Euclidean norm of the last gradient of each weight matrix, shape (seeds, matrices)."""
        return torch.stack([weight.grad.flatten(1).norm(dim=1) for weight in self.weights], dim=1)  # type: ignore[union-attr]


def affine(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return each seed's weights applied to its samples, (seeds, samples, outputs), from (seeds, samples, inputs)."""
    return torch.baddbmm(bias[:, None], x, weight.transpose(1, 2))
