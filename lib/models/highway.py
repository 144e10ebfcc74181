r"""Highway networks, and plain ones of the same shape, several seeds side by side (chapter 7).

With transform :math:`h(x) = \mathrm{ReLU}(W_h x + b_h)` and gate :math:`t(x) = \sigma(W_t x + b_t)`, a layer of a
highway network gives

.. math:: y = t(x)\, h(x) + (1 - t(x))\, x,

unit by unit. A gate that starts with a negative bias is nearly shut and carries its input on, so that gradients reach
the first layer at any depth. The first layer of the network is plain, for a gate needs as many inputs as outputs. The
nonlinear part of a layer is its transform: its on/off pattern is :math:`z = [W_h x + b_h \ge 0]`.

Source: Srivastava, Greff and Schmidhuber (2015), arXiv:1505.00387, eqs. 2 to 4 and section 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lib.models._side_by_side import SideBySide, affine, through_loss
from lib.models.perceptron import uniform_weights

GAINS = {"torch": 1.0, "he-uniform": math.sqrt(6.0)}
"""How weights can start: uniform, within these multiples of one over the root of the number of inputs."""


@dataclass(frozen=True)
class Shape:
    """What all seeds have in common.

    Attributes
    ----------
    inputs, classes
        Numbers of inputs and outputs.
    width
        Units of each hidden layer.
    depth
        Hidden layers, the plain first one among them.
    gate_bias
        Bias that all gates start with; None for a plain network, which has no gates.
    initial
        How weights start: one of :data:`GAINS`.

    Raises
    ------
    ValueError
        If a size is less than 1, or there are no such initial weights.

    Examples
    --------
    >>> Shape(784, 10).parameters, Shape(784, 10, gate_bias=None).parameters
    (38510, 30390)
    """

    inputs: int
    classes: int
    width: int = 28
    depth: int = 11
    gate_bias: float | None = -1.0
    initial: str = "torch"

    def __post_init__(self) -> None:
        if min(self.inputs, self.classes, self.width, self.depth) < 1:
            raise ValueError(f"{self} must have inputs, classes, width and depth of at least 1.")
        if self.initial not in GAINS:
            raise ValueError(f"Unknown initial weights {self.initial!r}: choose one of {', '.join(GAINS)}.")

    @property
    def gated(self) -> bool:
        """Whether layers after the first have gates."""
        return self.gate_bias is not None

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Inputs and outputs of each matrix; a transform and its gate are the halves of one."""
        outputs = 2 * self.width if self.gated else self.width
        return [(self.inputs, self.width), *(self.depth - 1) * [(self.width, outputs)], (self.width, self.classes)]

    @property
    def parameters(self) -> int:
        """Weights and biases of one network."""
        return sum((inputs + 1) * outputs for inputs, outputs in self.pairs)


@dataclass(frozen=True)
class Layer:
    """What one hidden layer does to samples, each of shape (seeds, units, samples)."""

    before: Tensor  #: pre-activation of the nonlinear part
    output: Tensor  #: what the next layer is given
    gate: Tensor | None  #: share of the transform in the output; None where there is no gate

    @property
    def on(self) -> Tensor:
        """Whether each unit of the nonlinear part is on, from the pre-activation: at least 0."""
        return self.before >= 0


class HighwayNetworks(SideBySide):
    """Networks of one shape, one for each seed, that learn side by side.

    Parameters
    ----------
    shape
        Sizes, gates and initial weights.
    seeds
        One network for each; the seed decides its initial weights.
    device
        Where they live.

    Attributes
    ----------
    parameters : Tensor
        All parameters, flat; its ``grad`` is what :meth:`gradients` fills.
    weights, biases : list of Tensor
        From the first layer to the output, with the seed as first axis; in a layer with gates those of the transform
        come first, then those of the gate.

    Raises
    ------
    ValueError
        If there is no seed.

    Examples
    --------
    >>> nets = HighwayNetworks(Shape(4, 3, width=5, depth=2), seeds=(0, 1))
    >>> nets.outputs(torch.zeros(6, 4)).shape
    torch.Size([2, 6, 3])
    >>> [layer.gate is None for layer in nets.layers(torch.zeros(6, 4))]
    [True, False]
    """

    def __init__(self, shape: Shape, seeds: Sequence[int], device: str | torch.device = "cpu") -> None:
        gain = GAINS[shape.initial]
        super().__init__(shape.pairs, seeds, lambda *drawn: gain * uniform_weights(*drawn), device)
        self.shape = shape
        if shape.gate_bias is not None:
            for bias in self.biases[1:-1]:
                bias[:, shape.width :] = shape.gate_bias

    def layers(self, x: Tensor) -> list[Layer]:
        """Return what every hidden layer gives.

        Parameters
        ----------
        x
            Inputs, shape (samples, inputs), or (seeds, samples, inputs).
        """
        # units come before samples in memory, so that a transform and its gate are whole pieces of it
        x = x.expand(len(self.seeds), *x.shape[-2:]).transpose(1, 2)
        before = torch.baddbmm(self.biases[0][..., None], self.weights[0], x)
        found = [Layer(before, before.relu(), None)]
        for weight, bias in zip(self.weights[1:-1], self.biases[1:-1], strict=True):
            given = found[-1].output
            before = torch.baddbmm(bias[..., None], weight, given)
            if self.shape.gated:
                before, logit = before.chunk(2, dim=1)
                gate = logit.sigmoid()
                found.append(Layer(before, given.lerp(before.relu(), gate), gate))
            else:
                found.append(Layer(before, before.relu(), None))
        return found

    @torch.no_grad()
    def gradients(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Run one batch forwards and backwards; fill ``parameters.grad``.

        The backward pass is written out: layers this narrow cost less in arithmetic than in automatic
        differentiation's own work.

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
        weights, biases = self._weights, self._biases
        layers = self.layers(x)
        loss, mistakes, back = through_loss(self.scores(layers[-1].output), y)
        back = back.mT.contiguous()
        torch.bmm(back, layers[-1].output.mT, out=weights[-1])
        torch.sum(back, 2, out=biases[-1])
        back = torch.bmm(self.weights[-1].mT, back)
        for number in range(self.shape.depth - 1, 0, -1):
            layer, given = layers[number], layers[number - 1].output
            if layer.gate is None:
                transform, carried = torch.ops.aten.threshold_backward(back, layer.before, 0), None
            else:
                opened = back * layer.gate
                carried = back - opened
                # the output less its input is gate x (transform - input), so no more than the gate's carry is needed
                gate = (layer.output - given).mul_(carried)
                transform = torch.cat([torch.ops.aten.threshold_backward(opened, layer.before, 0), gate], dim=1)
            torch.bmm(transform, given.mT, out=weights[number])
            torch.sum(transform, 2, out=biases[number])
            weight = self.weights[number].mT
            back = torch.bmm(weight, transform) if carried is None else torch.baddbmm(carried, weight, transform)
        back = torch.ops.aten.threshold_backward(back, layers[0].before, 0)
        torch.bmm(back, x.expand(len(self.seeds), *x.shape[-2:]), out=weights[0])
        torch.sum(back, 2, out=biases[0])
        return loss, mistakes

    def scores(self, last: Tensor) -> Tensor:
        """Return the scores of the classes, (seeds, samples, classes), from the last hidden layer's output."""
        return affine(last.transpose(1, 2), self.weights[-1], self.biases[-1])

    def outputs(self, x: Tensor) -> Tensor:
        """Return the scores of the classes, shape (seeds, samples, classes)."""
        return self.scores(self.layers(x)[-1].output)
