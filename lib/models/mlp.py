r"""Multilayer perceptrons, several seeds of one architecture side by side.

Each hidden layer is linear, then batch norm, then its activation, then dropout, as in appendix A of *Easing the knot*;
batch norm and dropout can be left out, and the activation can be the identity (a deep linear network). Chapters 2 to 4
train them.

At the sizes of the texts, batches of ten to 32 samples and layers of 512 units, a step of automatic differentiation
spends half of its time on dispatch and on fresh memory for gradients. The backward pass is therefore written out here,
and writes into one buffer that is made once; it gives autograd's gradients up to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor

from lib.models._side_by_side import SideBySide, affine, through_loss, uniform

INITIALS = ("he-uniform", "he-normal", "torch")
"""How weights can start: uniform or normal with variance 2 / fan-in (He et al. 2015), or as `torch.nn.Linear` does."""

ACTIVATIONS = ("relu", "linear")
"""Activations of the hidden layers."""

_EPSILON = 1e-5  # added to variances by batch norm, as in torch
_MOMENTUM = 0.1  # of batch norm's running mean and variance, as in torch


@dataclass(frozen=True)
class Architecture:
    """What all seeds have in common.

    Attributes
    ----------
    sizes
        Number of inputs, units of each hidden layer, outputs.
    activation
        One of :data:`ACTIVATIONS`.
    batch_norm
        Whether each hidden layer has batch norm.
    dropout
        Share of hidden units switched off at each step, in [0, 1); rounded to a multiple of 2 ** -16.
    initial
        One of :data:`INITIALS`. Biases start as torch's do, uniform within :math:`\\pm 1/\\sqrt{\\text{fan-in}}`.

    Raises
    ------
    ValueError
        If a size, a name or the dropout is out of range.

    Examples
    --------
    >>> Architecture((784, *16 * [512], 10)).depth
    16
    """

    sizes: tuple[int, ...]
    activation: str = "relu"
    batch_norm: bool = True
    dropout: float = 0.0
    initial: str = "he-uniform"

    def __post_init__(self) -> None:
        if len(self.sizes) < 2 or min(self.sizes) < 1:
            raise ValueError(f"sizes={self.sizes} must name inputs and outputs, each at least 1.")
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"Unknown activation {self.activation!r}: choose one of {', '.join(ACTIVATIONS)}.")
        if self.initial not in INITIALS:
            raise ValueError(f"Unknown initial weights {self.initial!r}: choose one of {', '.join(INITIALS)}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout={self.dropout} must be at least 0 and less than 1.")

    @property
    def depth(self) -> int:
        """Number of hidden layers."""
        return len(self.sizes) - 2


class MLPs(SideBySide):
    r"""Networks of one architecture, one for each seed, that learn side by side.

    All parameters live in one flat tensor, so that an optimizer updates them in one sweep; weights, biases, scales and
    shifts are views into it, with the seed as first axis.

    Parameters
    ----------
    architecture
        Sizes and kinds of the layers.
    seeds
        One network for each; the seed decides its initial weights and its dropout.
    device
        Where they live.

    Attributes
    ----------
    parameters : Tensor
        All parameters, flat; its ``grad`` is what :meth:`gradients` fills.
    weights : list of Tensor
        Matrices from the first layer to the output, each (seeds, outputs, inputs).

    Raises
    ------
    ValueError
        If there is no seed.

    Examples
    --------
    >>> nets = MLPs(Architecture((4, 3, 2)), seeds=(0, 1))
    >>> nets.outputs(torch.zeros(5, 4)).shape
    torch.Size([2, 5, 2])
    """

    def __init__(self, architecture: Architecture, seeds: Sequence[int], device: str | torch.device = "cpu") -> None:
        hidden = architecture.sizes[1:-1]
        normed = hidden if architecture.batch_norm else ()
        super().__init__(
            list(pairwise(architecture.sizes)), seeds, partial(_initial, architecture.initial), device, scaled=normed
        )
        self.architecture = architecture
        self.means = [torch.zeros(len(self.seeds), units, device=self.device) for units in normed]
        self.variances = [torch.ones(len(self.seeds), units, device=self.device) for units in normed]
        self._dropout = [torch.Generator(self.device).manual_seed(_mixed(seed)) for seed in self.seeds]

    @torch.no_grad()
    def gradients(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        r"""Run one batch forwards, with batch statistics and dropout, and backwards; fill ``parameters.grad``.

        The loss is the mean cross-entropy of the batch, in nats. A bias before batch norm has no effect; its gradient
        is set to 0, which it is but for rounding.

        Parameters
        ----------
        x
            Inputs, shape (seeds, batch, inputs) or (batch, inputs).
        y
            Labels, int64, shape (seeds, batch).

        Returns
        -------
        loss, mistakes
            Mean loss and share of mistakes in the batch, each of shape (seeds,), with dropout on.
        """
        hidden, active, masks, normed, spreads = self._forward(x.expand(len(self.seeds), *x.shape[-2:]))
        loss, mistakes, back = through_loss(affine(hidden[-1], self.weights[-1], self.biases[-1]), y)
        for layer in range(self.architecture.depth, -1, -1):
            if layer < self.architecture.depth:
                if masks:
                    back *= masks[layer]
                if self.architecture.activation == "relu":
                    back = torch.ops.aten.threshold_backward(back, active[layer], 0)
                if self.architecture.batch_norm:
                    back = self._through_norm(layer, back, normed[layer], spreads[layer])
            torch.bmm(back.transpose(1, 2), hidden[layer], out=self._weights[layer])
            if layer == self.architecture.depth or not self.architecture.batch_norm:
                torch.sum(back, 1, out=self._biases[layer])
            if layer:
                back = torch.bmm(back, self.weights[layer])
        return loss, mistakes

    def _forward(self, x: Tensor) -> tuple[list[Tensor], ...]:
        """Return inputs of every layer; by hidden layer its activation, dropout, and batch norm's output and 1 / sd."""
        hidden, active, normed, spreads = [x], [], [], []
        masks = self._masks(x.shape[1])
        for layer in range(self.architecture.depth):
            z = affine(hidden[-1], self.weights[layer], self.biases[layer])
            if self.architecture.batch_norm:
                mean = z.mean(1)
                z -= mean[:, None]
                variance = z.square().mean(1)
                spread = (variance + _EPSILON).rsqrt_()
                z *= spread[:, None]
                batch = z.shape[1]
                self.means[layer].lerp_(mean, _MOMENTUM)
                self.variances[layer].lerp_(variance * (batch / max(1, batch - 1)), _MOMENTUM)
                normed.append(z)
                spreads.append(spread)
                z = torch.addcmul(self.shifts[layer][:, None], z, self.scales[layer][:, None])
            if self.architecture.activation == "relu":
                z.relu_()
            active.append(z)
            hidden.append(z * masks[layer] if masks else z)
        return hidden, active, masks, normed, spreads

    def _through_norm(self, layer: int, back: Tensor, normed: Tensor, spread: Tensor) -> Tensor:
        torch.sum(back, 1, out=self._shifts[layer])
        torch.sum(back * normed, 1, out=self._scales[layer])
        batch = back.shape[1]
        back = torch.addcmul(back, normed, self._scales[layer][:, None], value=-1 / batch)
        back.sub_(self._shifts[layer][:, None], alpha=1 / batch)
        return back.mul_((self.scales[layer] * spread)[:, None])

    def _masks(self, batch: int) -> list[Tensor]:
        """Draw dropout of all hidden layers, 16 random bits per unit: 1 / (1 - p) where kept, else 0; [] without."""
        if not self.architecture.dropout:
            return []
        hidden = self.architecture.sizes[1:-1]
        threshold = round(self.architecture.dropout * 2**16)
        words = -(-batch * sum(hidden) // 4)  # four units to a word of 64 bits
        bits = torch.empty(len(self.seeds), words, dtype=torch.int64, device=self.device)
        for row, generator in zip(bits, self._dropout, strict=True):
            row.random_(-(2**63), None, generator=generator)
        kept = (bits.view(torch.int16) >= threshold - 2**15).to(torch.float32)
        kept *= 2**16 / (2**16 - threshold)
        parts = kept[:, : batch * sum(hidden)].split([batch * units for units in hidden], dim=1)
        return [part.view(len(self.seeds), batch, units) for part, units in zip(parts, hidden, strict=True)]

    @torch.no_grad()
    def layers(self, x: Tensor, *, dropout: bool = False) -> list[Tensor]:
        """Return what every layer gives in evaluation mode: batch norm with its running mean and variance.

        Parameters
        ----------
        x
            Inputs, shape (samples, inputs).
        dropout
            Switch units off as in training.

        Returns
        -------
        list of Tensor
            Outputs of the hidden layers after their activation, (seeds, samples, units) each, then the scores of the
            classes, (seeds, samples, classes).
        """
        layer, given = x.expand(len(self.seeds), *x.shape[-2:]), []
        masks = self._masks(x.shape[-2]) if dropout else []
        for number in range(self.architecture.depth):
            layer = affine(layer, self.weights[number], self.biases[number])
            if self.architecture.batch_norm:
                scale = self.scales[number] * (self.variances[number] + _EPSILON).rsqrt()
                shift = self.shifts[number] - self.means[number] * scale
                layer = torch.addcmul(shift[:, None], layer, scale[:, None])
            if self.architecture.activation == "relu":
                layer.relu_()
            if masks:
                layer *= masks[number]
            given.append(layer)
        return [*given, affine(layer, self.weights[-1], self.biases[-1])]

    def outputs(self, x: Tensor, *, dropout: bool = False, batch: int = 1_000) -> Tensor:
        """Return the scores of the classes in evaluation mode, shape (seeds, samples, classes)."""
        return torch.cat([self.layers(part, dropout=dropout)[-1] for part in x.split(batch, dim=-2)], dim=1)


def _mixed(seed: int) -> int:
    """Return another seed: dropout must not draw the numbers that the initial weights were made of."""
    return (seed + 1) * 0x9E3779B97F4A7C15 % 2**63


def _initial(kind: str, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    fan_in = shape[1]
    if kind == "he-normal":
        return torch.randn(shape, generator=generator) * math.sqrt(2 / fan_in)
    return uniform(shape, math.sqrt(6 / fan_in) if kind == "he-uniform" else fan_in**-0.5, generator)
