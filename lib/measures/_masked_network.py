"""Masked networks that give the probability of each unit from those before it, many networks side by side.

One hidden layer of rectified units between the units and their own conditionals, and a direct path beside it. A hidden
unit of degree d sees the first d units and speaks to the conditionals of those from d on, so one pass gives the whole
chain. Source: Germain et al. (2015), MADE: masked autoencoder for distribution estimation, ICML.
"""

import math

import torch
from torch import Tensor

_DENSE = 2**14  # weights of a layer up to which half of the products are multiplied by 0 rather than left out
_BLOCKS = 4  # parts into which larger layers are cut, so that only products that a mask lets through are computed


class MaskedNetworks:
    """Several masked networks of one shape, with a written-out backward pass.

    Parameters
    ----------
    marginals
        Probability of each unit, shape (network, unit), strictly between 0 and 1; before training, every conditional
        is the marginal.
    hidden
        Number of hidden units of each network.
    generator
        Draws the initial weights, on the CPU, whatever the device.
    """

    def __init__(self, marginals: Tensor, hidden: int, generator: torch.Generator) -> None:
        networks, units = marginals.shape
        device = marginals.device
        self.hidden = hidden if units > 1 else 0
        self.prior = torch.logit(marginals.to(torch.float64)).to(torch.float32)
        degree = 1 + torch.arange(self.hidden) * (units - 1) // max(1, self.hidden)  # 1 to units - 1, in rising order
        inputs = torch.arange(units)
        masks = {
            "inward": (inputs[:, None] < degree).float(),
            "bias": torch.ones(1, self.hidden),
            "outward": (degree[:, None] <= inputs).float(),
            "direct": (inputs[:, None] < inputs).float(),
            "level": torch.ones(1, units),
        }
        self.mask = torch.cat([mask.flatten() for mask in masks.values()]).to(device)
        self._places, start = {}, 0
        for name, mask in masks.items():
            self._places[name] = (slice(start, start + mask.numel()), tuple(mask.shape))
            start += mask.numel()
        bound = (6 / degree.float()).sqrt()  # He-uniform for as many inputs as the mask lets through
        first = (2 * torch.rand(networks, units, self.hidden, generator=generator) - 1) * bound * masks["inward"]
        self.weights = torch.zeros(networks, start, device=device)
        self.of(self.weights, "inward").copy_(first)
        self._blocks = self._cut(degree, units)

    def of(self, flat: Tensor, name: str) -> Tensor:
        """Return one group of weights, shape (network, rows, columns), as a view of the flat ones."""
        place, shape = self._places[name]
        return flat[:, place].view(len(flat), *shape)

    def _cut(self, degree: Tensor, units: int) -> list[tuple[slice, slice, slice, slice, slice]]:
        """For each block: hidden units, inputs they see, outputs they reach; outputs, the hidden units they know."""
        count = _BLOCKS if units * self.hidden > _DENSE and units >= _BLOCKS else 1
        blocks = []
        for k in range(count):
            block = slice(k * self.hidden // count, (k + 1) * self.hidden // count)
            outputs = slice(k * units // count, (k + 1) * units // count)
            seen = slice(0, int(degree[block][-1]) if self.hidden else 0)
            reached = slice(int(degree[block][0]) if self.hidden else 0, units)
            known = slice(0, int((degree < outputs.stop).sum()))
            blocks.append((block, seen, reached, outputs, known))
        return blocks

    def _forward(self, weights: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Activations (network, sample, hidden) and log-odds (network, sample, unit) less those of the marginals."""
        inward, outward = self.of(weights, "inward"), self.of(weights, "outward")
        active = x.new_empty(*x.shape[:2], self.hidden)
        odds = torch.baddbmm(self.of(weights, "level"), x, self.of(weights, "direct"))
        for block, seen, _, _, _ in self._blocks:
            active[:, :, block] = torch.bmm(x[:, :, seen], inward[:, seen, block])
        active.add_(self.of(weights, "bias")).relu_()
        for _, _, _, outputs, known in self._blocks:
            odds[:, :, outputs] += torch.bmm(active[:, :, known], outward[:, known, outputs])
        return active, odds

    def gain(self, weights: Tensor, x: Tensor) -> Tensor:
        """Return what the units before it add to the log-odds of every unit's marginal, (network, sample, unit)."""
        return self._forward(weights, x)[1]

    def odds(self, weights: Tensor, x: Tensor) -> Tensor:
        """Return the log-odds of every unit given those before it, shape (network, sample, unit)."""
        return self.prior[:, None] + self.gain(weights, x)

    def gradient(self, x: Tensor, z: Tensor) -> Tensor:
        """Return the gradient of the mean negative log-likelihood in nats, flat, for inputs `x` that stand for `z`."""
        weights = self.weights
        active, odds = self._forward(weights, x)
        wrong = torch.sigmoid_(odds.add_(self.prior[:, None])).sub_(z).div_(x.shape[1])
        flat = torch.empty_like(weights)
        outward = self.of(weights, "outward")
        of = {name: self.of(flat, name) for name in self._places}
        back = torch.empty_like(active)
        for block, _, reached, _, _ in self._blocks:
            back[:, :, block] = torch.bmm(wrong[:, :, reached], outward[:, block, reached].transpose(1, 2))
        back.mul_(active > 0)
        of["inward"].zero_(), of["outward"].zero_()
        for block, seen, _, outputs, known in self._blocks:
            of["inward"][:, seen, block] = torch.bmm(x[:, :, seen].transpose(1, 2), back[:, :, block])
            of["outward"][:, known, outputs] = torch.bmm(active[:, :, known].transpose(1, 2), wrong[:, :, outputs])
        of["direct"].copy_(torch.bmm(x.transpose(1, 2), wrong))
        of["bias"].copy_(back.sum(1, keepdim=True))
        of["level"].copy_(wrong.sum(1, keepdim=True))
        return flat.mul_(self.mask)


class Adam:
    """Adam on flat weights, with weight decay apart from the gradient and a running mean of the weights.

    Source: Kingma and Ba (2015); Loshchilov and Hutter (2019). The mean over the last steps is what is evaluated: it
    is less noisy than the weights themselves at any rate (Polyak and Juditsky, 1992).
    """

    def __init__(self, weights: Tensor, decay: float, memory: int) -> None:
        self.first, self.second, self.mean = torch.zeros_like(weights), torch.zeros_like(weights), weights.clone()
        self.decay, self.memory, self.steps = decay, memory, 0

    def step(self, weights: Tensor, gradient: Tensor, rate: float) -> None:
        """Change the weights in place."""
        self.steps += 1
        self.first.lerp_(gradient, 0.1)
        self.second.mul_(0.99).addcmul_(gradient, gradient, value=0.01)
        scale = math.sqrt(1 - 0.99**self.steps) / (1 - 0.9**self.steps)
        weights.mul_(1 - rate * self.decay)
        weights.addcdiv_(self.first, self.second.sqrt().add_(1e-8), value=-rate * scale)
        self.mean.lerp_(weights, 1 / min(self.steps, self.memory))
