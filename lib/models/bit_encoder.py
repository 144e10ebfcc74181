r"""The bit encoder: one hidden layer and a sigmoid between a string of bits and one number, many copies at once.

With features :math:`F_i = \phi(s_i)`, :math:`s_i = c_i \cdot x + b_i`, the output is

.. math:: f(x) = \sigma(u), \qquad u = \sum_i a_i F_i + b ,

and one step of stochastic gradient descent on :math:`L = (y - f)^2` at a point :math:`x_o` is

.. math:: \delta c_i = g\, a_i \phi'_i\, x_o, \quad \delta b_i = g\, a_i \phi'_i, \quad \delta a_i = g\, F_i, \quad
          \delta b = g, \qquad g = 2 \eta\, (y - f)\, \sigma'(u) .

Source: Nakazato (2024), A simple theory for training response of deep neural networks, eqs. 4, 5 and 12 to 16. The text
leaves out the gates :math:`\phi'_i` and the loss's factor 2; here both are as the loss has them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import copy

import torch
from torch import Tensor

INITIALS = ("torch", "he", "tangent")
"""Names of initialisations.

- ``torch``: weights and biases uniform within :math:`\\pm 1/\\sqrt{\\text{fan-in}}`, the default of `torch.nn.Linear`.
- ``he``: weights normal with variance 2/fan-in, biases 0.
- ``tangent``: weights and biases as ``torch``, but readout standard normal and divided by :math:`\\sqrt{\\text{width}}`
  in the network, not in its initial value, so that the tangent kernel has a limit for large widths at a fixed rate.
"""

Function = Callable[[Tensor], Tensor]


def _elu_slope(s: Tensor) -> Tensor:
    return torch.exp(s.clamp(max=0))


def _gelu_slope(s: Tensor) -> Tensor:
    return torch.special.ndtr(s) + s * torch.exp(-(s**2) / 2) / math.sqrt(2 * math.pi)


def _silu_slope(s: Tensor) -> Tensor:
    gate = torch.sigmoid(s)
    return gate * (1 + s * (1 - gate))


ACTIVATIONS: dict[str, tuple[Function, Function]] = {
    "relu": (torch.relu, lambda s: (s > 0).to(s.dtype)),
    "elu": (torch.nn.functional.elu, _elu_slope),
    "leaky relu": (
        lambda s: torch.nn.functional.leaky_relu(s, 0.01),
        lambda s: 0.01 + 0.99 * (s > 0).to(s.dtype),
    ),
    "gelu": (torch.nn.functional.gelu, _gelu_slope),
    "silu": (torch.nn.functional.silu, _silu_slope),
    "tanh": (torch.tanh, lambda s: 1 - torch.tanh(s) ** 2),
}
"""Activation functions and their derivatives."""

ACTIVATION_NAMES = {
    "relu": "ReLU",
    "elu": "ELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "tanh": "tanh",
    "leaky relu": "leaky ReLU",
}
"""Activations as they are written."""


class BitEncoders:
    """Many bit encoders that learn side by side, in float64.

    A plain loop trains one network after the other; here each step is a few batched products over all of them.

    Parameters
    ----------
    seeds
        Seed of each member's initial weights; equal seeds give equal weights, whatever the other members are.
    activation
        A key of `ACTIVATIONS`.
    width
        Number of features.
    bits
        Length of the inputs.
    initial
        One of `INITIALS`.
    device
        Where they live.

    Attributes
    ----------
    inner : Tensor
        Weights :math:`c_i` and, as last row, biases :math:`b_i`, shape (member, bits + 1, feature).
    readout : Tensor
        :math:`a_i`, shape (member, feature).
    offset : Tensor
        :math:`b`, shape (member,).
    scale : float
        What the readout is multiplied by in the network: 1, or 1/sqrt(width) for initialisation ``tangent``.

    Raises
    ------
    ValueError
        For an unknown activation or initialisation, no seed, or a width or number of bits below 1.

    Examples
    --------
    >>> nets = BitEncoders([0, 1], width=4, bits=2)
    >>> x, y = torch.ones(2, 1, 2, dtype=torch.float64), torch.ones(2, 1, dtype=torch.float64)
    >>> before = nets.predict(x)
    >>> nets.step(x, y, rate=0.1)
    >>> bool((nets.predict(x) > before).all())
    True
    """

    def __init__(
        self,
        seeds: Sequence[int],
        *,
        activation: str = "relu",
        width: int = 128,
        bits: int = 8,
        initial: str = "torch",
        device: str | torch.device = "cpu",
    ) -> None:
        for value, known in ((activation, ACTIVATIONS), (initial, INITIALS)):
            if value not in known:
                raise ValueError(f"There is no {value!r}: choose one of {', '.join(known)}.")
        if len(seeds) == 0 or width < 1 or bits < 1:
            raise ValueError(
                f"{len(seeds)} seeds, {width} features and {bits} bits make no network: give at least one of each."
            )
        self.activation = activation
        self.scale = 1 / math.sqrt(width) if initial == "tangent" else 1.0
        drawn = {seed: _draw(seed, width, bits, initial) for seed in dict.fromkeys(seeds)}
        parts = zip(*(drawn[seed] for seed in seeds), strict=True)
        self.inner, self.readout, self.offset = (torch.stack(part).to(device) for part in parts)

    @property
    def members(self) -> int:
        """Number of networks."""
        return len(self.offset)

    def copy(self) -> BitEncoders:
        """Return networks with the same weights that learn on their own."""
        other = copy(self)
        other.inner, other.readout, other.offset = self.inner.clone(), self.readout.clone(), self.offset.clone()
        return other

    def select(self, rows: slice) -> BitEncoders:
        """Return some of the networks, which share their weights with these: what one learns the other has learned."""
        part = copy(self)
        part.inner, part.readout, part.offset = self.inner[rows], self.readout[rows], self.offset[rows]
        return part

    def drives(self, x: Tensor) -> Tensor:
        """Return the features' pre-activations :math:`s_i`, shape (member, point, feature).

        Parameters
        ----------
        x
            Inputs, shape (point, bits), the same for all members, or (member, point, bits).
        """
        return self._inputs(x) @ self.inner

    def features(self, x: Tensor) -> Tensor:
        """Return the features :math:`F_i`, shape (member, point, feature); `x` as for `drives`."""
        return ACTIVATIONS[self.activation][0](self.drives(x))

    def gates(self, x: Tensor) -> Tensor:
        r"""Return the slopes :math:`\phi'(s_i)`, shape (member, point, feature); `x` as for `drives`."""
        return ACTIVATIONS[self.activation][1](self.drives(x))

    def logits(self, x: Tensor) -> Tensor:
        """Return :math:`u`, shape (member, point); `x` as for `drives`."""
        return self.logits_of(self.features(x))

    def logits_of(self, features: Tensor) -> Tensor:
        """Return :math:`u` from features that are known already, (member, point, feature) to (member, point)."""
        return torch.baddbmm(self.offset[:, None, None], features, self.scale * self.readout[..., None])[..., 0]

    def predict(self, x: Tensor) -> Tensor:
        """Return the outputs :math:`f`, shape (member, point); `x` as for `drives`."""
        return torch.sigmoid(self.logits(x))

    def step(self, x: Tensor, y: Tensor, rate: float | Tensor, weights: Tensor | None = None) -> None:
        r"""Take one step down the gradient of :math:`\sum_k w_k\, (y_k - f(x_k))^2`.

        Parameters
        ----------
        x
            Inputs, shape (point, bits) or (member, point, bits); one point for each step of the text.
        y
            Targets in [0, 1], shape (member, point).
        rate
            Learning rate :math:`\eta`, for all or of shape (member,).
        weights
            :math:`w_k`, shape (point,) or (member, point); 1 each by default.
        """
        function, slope = ACTIVATIONS[self.activation]
        inputs = self._inputs(x)
        drives = inputs @ self.inner
        features = function(drives)
        logits = self.logits_of(features)
        # sigma(-u) instead of 1 - sigma(u): near saturation the difference would cancel
        up, down = torch.sigmoid(logits), torch.sigmoid(-logits)
        signal = 2 * (y * down - (1 - y) * up) * up * down
        signal = signal * (rate[:, None] if isinstance(rate, Tensor) else rate)
        if weights is not None:
            signal = signal * weights
        back = slope(drives).mul_(self.scale * self.readout[:, None]).mul_(signal[..., None])
        self.inner.baddbmm_(inputs.transpose(1, 2), back)
        self.readout.add_(torch.bmm(signal[:, None], features)[:, 0], alpha=self.scale)
        self.offset.add_(signal.sum(-1))

    def _inputs(self, x: Tensor) -> Tensor:
        """Append the constant input of the biases, for each member."""
        if x.shape[-1] != self.inner.shape[1] - 1:
            raise ValueError(f"Inputs have {x.shape[-1]} bits, the networks take {self.inner.shape[1] - 1}.")
        return torch.nn.functional.pad(x, (0, 1), value=1.0).expand(self.members, -1, -1)


class PointTraining:
    r"""Training on one point a member, with one number a feature to follow instead of all its weights.

    At a fixed :math:`x_o` every step moves :math:`(c_i, b_i)` along :math:`(x_o, 1)`, so with
    :math:`c_i = c_i^0 + \gamma_i x_o` and :math:`b_i = b_i^0 + \gamma_i` the pre-activation there is
    :math:`s_i = s_i^0 + \gamma_i (n + 1)` for :math:`n` bits. A step costs :math:`n + 1` times less than that of the
    networks and gives the same up to rounding.

    Parameters
    ----------
    nets
        Networks to train; they keep their weights until `write`.
    x
        The point of each member, shape (member, bits), of -1 and +1.

    Raises
    ------
    ValueError
        If there is not one point for each member.

    Examples
    --------
    >>> nets, x = BitEncoders([0, 1], width=4, bits=2), torch.ones(2, 2, dtype=torch.float64)
    >>> plain = nets.copy()
    >>> training = PointTraining(nets, x)
    >>> for _ in range(3):
    ...     training.step(torch.ones(2, dtype=torch.float64), rate=0.5)
    ...     plain.step(x[:, None], torch.ones(2, 1, dtype=torch.float64), rate=0.5)
    >>> bool(torch.allclose(training.write().inner, plain.inner))
    True
    """

    def __init__(self, nets: BitEncoders, x: Tensor) -> None:
        if x.shape != (nets.members, nets.inner.shape[1] - 1):
            raise ValueError(
                f"Points of shape {tuple(x.shape)} are not one of {nets.inner.shape[1] - 1} bits for each of "
                f"{nets.members} members."
            )
        self._nets, self._direction = nets, torch.nn.functional.pad(x, (0, 1), value=1.0)
        self._drives = nets.drives(x[:, None])[:, 0]
        self._shift = torch.zeros_like(self._drives)

    def step(self, y: Tensor, rate: float | Tensor) -> None:
        """Take one step on :math:`(x_o, y)`, `y` of shape (member,) and `rate` as for `BitEncoders.step`."""
        nets = self._nets
        function, slope = ACTIVATIONS[nets.activation]
        features = function(self._drives)
        logits = nets.offset + nets.scale * (features * nets.readout).sum(-1)
        up, down = torch.sigmoid(logits), torch.sigmoid(-logits)
        signal = 2 * rate * (y * down - (1 - y) * up) * up * down
        along = slope(self._drives).mul_(nets.readout).mul_(nets.scale * signal[:, None])
        self._shift.add_(along)
        self._drives.add_(along, alpha=float(self._direction.shape[-1]))
        nets.readout.addcmul_(features, nets.scale * signal[:, None])
        nets.offset.add_(signal)

    def write(self) -> BitEncoders:
        """Write what was learned into the networks' weights, and return the networks."""
        self._nets.inner.add_(self._direction[..., None] * self._shift[:, None])
        self._shift.zero_()
        return self._nets


def _draw(seed: int, width: int, bits: int, initial: str) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)

    def uniform(*shape: int, fan_in: int) -> Tensor:
        return (2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1) / math.sqrt(fan_in)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    if initial == "he":
        inner = torch.cat([normal(bits, width) * math.sqrt(2 / bits), torch.zeros(1, width, dtype=torch.float64)])
        return inner, normal(width) * math.sqrt(2 / width), torch.zeros((), dtype=torch.float64)
    inner = uniform(bits + 1, width, fan_in=bits)
    readout = normal(width) if initial == "tangent" else uniform(width, fan_in=width)
    return inner, readout, uniform(fan_in=width)
