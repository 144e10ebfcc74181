r"""The perceptron, trained one sample at a time, many copies at once.

A *chain* is one weight vector that learns one task from one stream of samples. With input :math:`x_j`, target
:math:`y_j = \pm 1` and margin :math:`m_j = y_j\, w_j \cdot x_j`, both rules of this module take the step

.. math:: w_{j+1} = w_j + \eta\, g(m_j)\, y_j\, x_j,

with drive :math:`g(m) = 1` for :math:`m \le 0`, else 0 (Rosenblatt's rule), or :math:`g(m) = \sigma(-m)` (a logistic
unit under stochastic gradient descent on its cross-entropy). Chapter 1 explains both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

RULES = ("rosenblatt", "logistic")
"""Names of the learning rules."""

_BLOCK = 64  # samples whose Gram matrix is formed at once; the optimum is flat between 32 and 128


@dataclass
class Block:
    """What happened to all chains during a few successive samples.

    Attributes
    ----------
    first
        Index in the stream of the block's first sample.
    drive
        :math:`g(m_j)` at each step, shape (streams, chains, samples).
    squared_norm
        :math:`|x_j|^2`, shape (streams, samples).
    """

    first: int
    drive: Tensor
    squared_norm: Tensor
    _start: Tensor
    _steps: Tensor
    _inputs: Tensor

    def weights_before(self, sample: int) -> Tensor:
        """Return the weights just before sample `sample` of the block, shape (streams, chains, inputs)."""
        if not 0 <= sample <= self._steps.shape[-1]:
            raise IndexError(f"The block has {self._steps.shape[-1]} samples: there is no sample {sample} in it.")
        return torch.baddbmm(self._start, self._steps[..., :sample], self._inputs[:, :sample])


class OnlinePerceptrons:
    r"""Many perceptrons that learn side by side, one sample at a time.

    A plain loop updates every weight at every sample. Here the samples of a block of :math:`b` are taken together: the
    outputs :math:`s_j = w_0 \cdot x_j` for the weights at the block's start come from one matrix product, and each step
    corrects the outputs still to come through the Gram matrix,
    :math:`s_k \mathrel{+}= \eta\, g(m_j)\, y_j\, x_j \cdot x_k`. A step then costs at most :math:`b` operations a chain
    whatever the number of inputs, and the result is the plain loop's up to rounding. (Where the dynamics themselves are
    chaotic, as the logistic unit's are at a rate far above the inverse curvature, rounding grows as in any loop.)

    Parameters
    ----------
    inputs
        Samples, shape (samples, inputs), floating point.
    targets
        :math:`\pm 1`, shape (streams, tasks, samples).
    weights
        Initial weights, shape (streams, chains, inputs); `chains` is a multiple of `tasks`, and chain ``c`` learns task
        ``c % tasks``.
    rules
        One of :data:`RULES` for each chain.
    rates
        Learning rate :math:`\eta` of each chain.
    block
        Samples taken together.

    Raises
    ------
    ValueError
        If shapes or names do not fit.

    Examples
    --------
    >>> inputs = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    >>> targets = torch.tensor([[[1.0, -1.0]]], dtype=torch.float64)
    >>> unit = OnlinePerceptrons(inputs, targets, torch.zeros(1, 1, 2, dtype=torch.float64), ["rosenblatt"], [0.5])
    >>> for _ in unit.learn(torch.tensor([[0, 1, 0]])):
    ...     pass
    >>> unit.weights
    tensor([[[ 0.5000, -0.5000]]], dtype=torch.float64)
    """

    def __init__(
        self,
        inputs: Tensor,
        targets: Tensor,
        weights: Tensor,
        rules: Sequence[str],
        rates: Sequence[float],
        block: int = _BLOCK,
    ) -> None:
        streams, tasks, samples = targets.shape
        chains = weights.shape[1]
        if inputs.shape[0] != samples or weights.shape != (streams, chains, inputs.shape[1]):
            raise ValueError(
                f"Inputs {tuple(inputs.shape)}, targets {tuple(targets.shape)} and weights {tuple(weights.shape)} do "
                "not fit: they must be (samples, inputs), (streams, tasks, samples) and (streams, chains, inputs)."
            )
        if chains % tasks or len(rules) != chains or len(rates) != chains:
            raise ValueError(
                f"{chains} chains need a whole multiple of {tasks} tasks and one rule and rate each, "
                f"not {len(rules)} rules and {len(rates)} rates."
            )
        if unknown := sorted(set(rules) - set(RULES)):
            raise ValueError(f"Unknown rule {unknown[0]!r}: choose one of {', '.join(RULES)}.")
        if not (targets.abs() == 1).all():
            raise ValueError("Targets must be 1 and -1, one against the other: give those, not labels.")
        if block < 1:
            raise ValueError(f"A block of {block} samples cannot be formed: give at least 1.")
        self.weights = weights.clone()
        self._inputs, self._targets, self._block = inputs, targets, block
        self._logistic = torch.tensor([rule == "logistic" for rule in rules], device=inputs.device)
        self._rates = torch.tensor(rates, dtype=inputs.dtype, device=inputs.device)

    def learn(self, order: Tensor) -> Iterator[Block]:
        """Learn from the samples in the given order, yielding one :class:`Block` after another.

        Parameters
        ----------
        order
            Indexes of samples, shape (streams, steps): every stream has its own order, shared by its chains.
        """
        for first in range(0, order.shape[1], self._block):
            index = order[:, first : first + self._block]
            yield self._learn_block(first, index)

    def _learn_block(self, first: int, index: Tensor) -> Block:
        size, chains, tasks = index.shape[1], self.weights.shape[1], self._targets.shape[1]
        x = self._inputs[index]  # (streams, size, inputs)
        y = self._targets.gather(2, index[:, None].expand(-1, tasks, -1)).repeat(1, chains // tasks, 1)
        gram = x @ x.mT
        # Steps come first in memory, so that each turn of the loop works on contiguous rows.
        outputs = torch.einsum("sbi,sci->bsc", x, self.weights)
        signed_rate = (y * self._rates[:, None]).permute(2, 0, 1).contiguous()
        target = y.permute(2, 0, 1).contiguous()
        overlap = gram.permute(1, 2, 0)[..., None].contiguous()  # (size, size, streams, 1)
        drive = torch.empty_like(outputs)
        steps = torch.empty_like(outputs)
        for j in range(size):
            margin = target[j] * outputs[j]
            torch.where(self._logistic, torch.sigmoid(-margin), (margin <= 0).to(margin.dtype), out=drive[j])
            torch.mul(drive[j], signed_rate[j], out=steps[j])
            if j + 1 < size:
                outputs[j + 1 :].addcmul_(overlap[j, j + 1 :], steps[j])
        start, steps = self.weights, steps.permute(1, 2, 0)
        self.weights = torch.baddbmm(start, steps, x)
        squared_norm = gram.diagonal(dim1=1, dim2=2)
        return Block(first, drive.permute(1, 2, 0), squared_norm, start, steps, x)


def uniform_weights(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    r"""Return initial weights drawn uniformly from :math:`\pm 1/\sqrt{n}` for :math:`n` inputs, PyTorch's default.

    Parameters
    ----------
    shape
        Shape of the weights; the last axis runs over the inputs.
    generator
        Source of randomness, on the CPU, so that all devices start alike.

    Examples
    --------
    >>> bool((uniform_weights((5, 100), torch.Generator().manual_seed(0)).abs() <= 0.1).all())
    True
    """
    bound = shape[-1] ** -0.5
    return (2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1) * bound
