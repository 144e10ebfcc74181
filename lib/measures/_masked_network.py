"""Masked networks that give the probability of each unit from those before it, many networks side by side.

One hidden layer of rectified units between the units and their own conditionals, and a direct path beside it. A hidden
unit of degree d sees the first d units and speaks to the conditionals of those from d on, so one pass gives the whole
chain. Source: Germain et al. (2015), MADE: masked autoencoder for distribution estimation, ICML.
"""

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
        self.prior = torch.logit(marginals.to(torch.float64)).to(torch.float32)[:, None]
        self.centre = marginals.float()[:, None]
        degree = 1 + torch.arange(self.hidden) * (units - 1) // max(1, self.hidden)  # 1 to units - 1, in rising order
        place = torch.arange(-1, units)[:, None]  # of the inputs: a constant, then the units
        masks = {
            "inward": (place < degree).float(),
            "outward": (degree[:, None] <= torch.arange(units)).float(),
            "direct": (place < torch.arange(units)).float(),
        }
        self.mask = torch.cat([mask.flatten() for mask in masks.values()]).to(device)
        self._places, start = {}, 0
        for name, mask in masks.items():
            self._places[name] = (slice(start, start + mask.numel()), tuple(mask.shape))
            start += mask.numel()
        bound = (6 / degree.float()).sqrt()  # He-uniform for as many inputs as the mask lets through
        first = (2 * torch.rand(networks, units, self.hidden, generator=generator) - 1) * bound * masks["inward"][1:]
        self.weights = torch.zeros(networks, start, device=device)
        self.of(self.weights, "inward")[:, 1:] = first.to(device)
        self._gradient = torch.zeros_like(self.weights)  # kept: what is not computed stays 0
        self._blocks = self._cut(degree, units)

    def of(self, flat: Tensor, name: str) -> Tensor:
        """Return one group of weights, shape (network, rows, columns), as a view of the flat ones."""
        place, shape = self._places[name]
        return flat[:, place].view(len(flat), *shape)

    @property
    def widest(self) -> int:
        """Hidden units of the largest block: as many activations of a pattern are computed at once."""
        return max((block.stop - block.start for block, _, _ in self._blocks), default=1)

    def _cut(self, degree: Tensor, units: int) -> list[tuple[slice, slice, slice]]:
        """Cut the hidden units into blocks; for each, the inputs that it sees and the outputs that it reaches."""
        count = _BLOCKS if units * self.hidden > _DENSE and units >= _BLOCKS else 1
        blocks = []
        for k in range(count if self.hidden else 0):
            block = slice(k * self.hidden // count, (k + 1) * self.hidden // count)
            blocks.append((block, slice(0, 1 + int(degree[block][-1])), slice(int(degree[block][0]), units)))
        return blocks

    def see(self, z: Tensor, which: slice = slice(None)) -> Tensor:
        """Return patterns (network, sample, unit) as the networks see them: a constant 1 before the centred units.

        `which` says which of the networks these are.
        """
        x = z.new_empty(*z.shape[:2], z.shape[2] + 1)
        x[:, :, 0] = 1
        torch.sub(z, self.centre[which], out=x[:, :, 1:])
        x[:, :, 1:] *= 2
        return x

    def _forward(self, weights: Tensor, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """Activations, block by block, and log-odds (network, sample, unit) less those of the marginals."""
        inward, outward = self.of(weights, "inward"), self.of(weights, "outward")
        odds = torch.bmm(x, self.of(weights, "direct"))
        active = []
        for block, seen, reached in self._blocks:
            active.append(torch.bmm(x[:, :, seen], inward[:, seen, block]).relu_())
            odds[:, :, reached] += torch.bmm(active[-1], outward[:, block, reached])
        return active, odds

    def gain(self, weights: Tensor, x: Tensor) -> Tensor:
        """Return what the units before it add to the log-odds of every unit's marginal, (network, sample, unit)."""
        return self._forward(weights, x)[1]

    def gradient(self, x: Tensor, z: Tensor) -> Tensor:
        """Return the gradient of the mean negative log-likelihood in nats, flat, for inputs `x` that stand for `z`.

        It lies in the same memory at each call.
        """
        weights = self.weights
        active, odds = self._forward(weights, x)
        wrong = torch.sigmoid_(odds.add_(self.prior)).sub_(z).div_(x.shape[1])
        flat = self._gradient
        outward = self.of(weights, "outward")
        of = {name: self.of(flat, name) for name in self._places}
        for (block, seen, reached), here in zip(self._blocks, active, strict=True):
            back = torch.bmm(wrong[:, :, reached], outward[:, block, reached].transpose(1, 2))
            torch.ops.aten.threshold_backward.grad_input(back, here, 0, grad_input=back)  # 0 where the unit is off
            of["inward"][:, seen, block] = torch.bmm(x[:, :, seen].transpose(1, 2), back)
            of["outward"][:, block, reached] = torch.bmm(here.transpose(1, 2), wrong[:, :, reached])
        of["direct"].copy_(torch.bmm(x.transpose(1, 2), wrong))
        return flat.mul_(self.mask)


class Adam:
    """Adam on flat weights, with weight decay apart from the gradient and a running mean of the weights.

    Source: Kingma and Ba (2015); Loshchilov and Hutter (2019). The mean over the last steps is what is evaluated: it
    is less noisy than the weights themselves at any rate (Polyak and Juditsky, 1992).
    """

    def __init__(self, weights: Tensor, decay: float, memory: int) -> None:
        # fused: one pass over the weights, which at this size costs less than the dozen that it takes otherwise
        self.optimizer = torch.optim.AdamW([weights], betas=(0.9, 0.99), weight_decay=decay, fused=True)
        self.weights, self.mean, self.memory, self.steps = weights, weights.clone(), memory, 0

    def step(self, gradient: Tensor, rate: float) -> None:
        """Change the weights in place."""
        self.steps += 1
        self.weights.grad = gradient
        self.optimizer.param_groups[0]["lr"] = rate
        self.optimizer.step()
        self.mean.lerp_(self.weights, 1 / min(self.steps, self.memory))
