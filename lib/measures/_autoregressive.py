"""Train masked networks on parts of binary patterns and score the others: a bound on entropy in one chain.

Each fold is scored by a network that has not seen it. Within the training folds an inner part is set aside: it says
when to stop, and how much of the network to believe beside the marginals.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lib.measures._masked_network import Adam, MaskedNetworks

_LEARNING = 2**22  # activations at once of all networks that learn side by side on a processor, 16 MiB
_SCORING = 2**21  # of those that are scored, 8 MiB
_ON_DEVICE = 2**26  # on an accelerator, where few large steps are fast
_INNER = 0.1  # share of the training folds that decides on stopping and shrinking
_INNER_LIMIT = 10_000  # patterns; more would not decide any better
_SHARES = torch.linspace(0, 1.1, 12)  # of the network's log-odds, to be tried beside those of the marginals


@dataclass(frozen=True)
class Budget:
    """What an autoregressive estimate may cost, and how its networks learn."""

    hidden: int  # units of the hidden layer
    steps: int  # at most
    batch: int = 1024  # patterns a step
    rate: float = 0.02  # of Adam, at its largest
    decay: float = 0.05  # weight decay, apart from the gradient
    checks: int = 25  # looks at the inner part, evenly over the steps
    patience: int = 6  # looks without an improvement after which to stop


@dataclass(frozen=True)
class Fold:
    """Rows that a network learns from, those that stop it, and those that it scores."""

    train: Tensor
    inner: Tensor
    test: Tensor


def score(
    z: Tensor, folds: Sequence[Fold], budget: Budget, generator: torch.Generator, start: Tensor | None = None
) -> tuple[Tensor, Tensor, list[int]]:
    """Return the surprise of every pattern in bits under the network of its fold, float64.

    Parameters
    ----------
    z
        Patterns, uint8, shape (set, sample, unit), on the device to compute on.
    folds
        The same for all sets; their test rows are all rows, each once.
    start
        Weights to begin with, as an earlier call returned them, shape (set * fold, weight).

    Returns
    -------
    tuple
        Surprise (set, sample); the weights; the step after which they were best, one per network.
    """
    surprise = torch.empty(z.shape[:2], dtype=torch.float64, device=z.device)
    weights, taken = [], []
    parts = -(-len(z) // _at_once(z.device, _LEARNING, budget.batch * budget.hidden * len(folds)))
    for part in range(parts):
        first, last = (len(z) * end // parts for end in (part, part + 1))
        begun = None if start is None else start[first * len(folds) : last * len(folds)]
        learners = _Learners(z[first:last], folds, budget, generator, begun)
        taken += learners.learn()
        learners.score(surprise[first:last])
        weights.append(learners.best)
    return surprise, torch.cat(weights), taken


def _at_once(device: torch.device, limit: int, activations: int) -> int:
    """How many to compute at once if each has so many activations, of at most that many on a processor."""
    return max(1, (limit if device.type == "cpu" else _ON_DEVICE) // max(1, activations))


class _Learners:
    """One network for each set and fold, the folds of a set next to each other."""

    def __init__(
        self, z: Tensor, folds: Sequence[Fold], budget: Budget, generator: torch.Generator, start: Tensor | None
    ) -> None:
        self.z, self.folds, self.budget, self.generator = z, folds, budget, generator
        known = [torch.cat([fold.train, fold.inner]) for fold in folds]
        ones = torch.stack([z[:, rows].sum(1, dtype=torch.float64) for rows in known], 1)  # (set, fold, unit)
        sizes = torch.tensor([len(rows) for rows in known], dtype=torch.float64, device=z.device)
        # half a count to either state: a unit that has never flipped may flip yet
        marginals = ((ones + 0.5) / (sizes[:, None] + 1)).flatten(0, 1)
        self.networks = MaskedNetworks(marginals, budget.hidden, generator)
        self.begun = start is not None
        if start is not None:
            self.networks.weights.copy_(start)
        self.best = self.networks.weights.clone()

    def inputs(self, rows: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Patterns of some rows of each fold, (set * fold, row, ...): as the networks see them, and as they are."""
        z = torch.stack([self.z.index_select(1, each) for each in rows], 1).flatten(0, 1).float()
        return self.networks.see(z), z

    def learn(self) -> list[int]:
        """Train until the inner part of no network gets better, and keep each network's best weights."""
        budget, networks = self.budget, self.networks
        every = max(1, budget.steps // budget.checks)
        adam = Adam(networks.weights, budget.decay, memory=max(10, every // 2))
        loss = self.inner_loss(self.best).mean(-1)
        taken = torch.zeros(len(loss), dtype=torch.int64)
        late = torch.zeros(len(loss), dtype=torch.int64)
        if not networks.hidden:
            return taken.tolist()
        batches = [_shuffled(fold.train, budget.batch, self.generator) for fold in self.folds]
        warming = 10 if self.begun else 50  # steps in which the rate rises
        for step in range(1, budget.steps + 1):
            x, z = self.inputs([next(batch) for batch in batches])
            rate = (
                budget.rate
                * min(1, step / warming)
                * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / budget.steps)))
            )
            adam.step(networks.gradient(x, z), rate)
            if step % every == 0 or step == budget.steps:
                now = self.inner_loss(adam.mean).mean(-1)
                better = now < loss
                loss = torch.where(better, now, loss)
                self.best = torch.where(better[:, None], adam.mean, self.best)
                late = torch.where(better.cpu(), 0, late + 1)
                taken = torch.where(better.cpu(), step, taken)
                if bool((late >= budget.patience).all()):
                    break
        return taken.tolist()

    def inner_loss(self, weights: Tensor) -> Tensor:
        """Surprise of the inner rows in bits for each share of the networks, (set * fold, 1) where all is believed."""
        return self._inner(weights, torch.ones(1))

    def shares(self) -> Tensor:
        """How much of each network to believe: the share with which the inner part surprises least."""
        losses = self._inner(self.best, _SHARES)
        return _SHARES.to(losses.device)[losses.argmin(-1)]

    def _inner(self, weights: Tensor, shares: Tensor) -> Tensor:
        longest = max(len(fold.inner) for fold in self.folds)
        total = torch.zeros(len(weights), len(shares), dtype=torch.float64, device=weights.device)
        counts = torch.zeros(len(self.folds), dtype=torch.float64, device=weights.device)
        at_once = self._rows(len(weights))
        for first in range(0, longest, at_once):
            rows = [fold.inner[first : first + at_once] for fold in self.folds]
            size = max(map(len, rows))
            # folds of groups differ in size: the shorter ones are filled up with rows that do not count
            filled = [torch.cat([each, each.new_zeros(size - len(each))]) for each in rows]
            counted = torch.stack([torch.arange(size, device=weights.device) < len(each) for each in rows])
            x, z = self.inputs(filled)
            gain, prior = self.networks.gain(weights, x), self.networks.prior
            every = counted.repeat(len(self.z), 1)
            for number, share in enumerate(shares.tolist()):
                bits = _bits(prior + share * gain, z)
                total[:, number] += (bits * every).sum(1)
            counts += counted.sum(1)
        return total / counts.repeat(len(self.z))[:, None]

    def _rows(self, networks: int) -> int:
        """How many patterns to show at once to so many networks."""
        return _at_once(self.z.device, _SCORING, networks * max(self.networks.widest, self.z.shape[-1]))

    def score(self, surprise: Tensor) -> None:
        """Put the surprise of all patterns, (set, sample), each under the network of its fold, into its place."""
        share = self.shares()
        for number, fold in enumerate(self.folds):
            for rows in fold.test.split(self._rows(len(self.z))):
                surprise[:, rows] = self.surprise(rows, number, share)

    def surprise(self, rows: Tensor, number: int, share: Tensor) -> Tensor:
        """Surprise of some rows under the networks of one fold, (set, row)."""
        of_fold = slice(number, None, len(self.folds))
        z = self.z[:, rows].float()
        gain = self.networks.gain(self.best[of_fold], self.networks.see(z, of_fold))
        return _bits(self.networks.prior[of_fold] + share[of_fold, None, None] * gain, z)


def _bits(odds: Tensor, z: Tensor) -> Tensor:
    """Surprise of each pattern, summed over units in float64."""
    return (torch.nn.functional.softplus(odds) - odds * z).sum(-1, dtype=torch.float64) / math.log(2)


def _shuffled(rows: Tensor, batch: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield batches of rows without end, each row once before any comes again."""
    pending = rows.new_empty(0)
    while True:
        while len(pending) < batch:
            order = torch.randperm(len(rows), generator=generator).to(rows.device)
            pending = torch.cat([pending, rows[order]])
        yield pending[:batch]
        pending = pending[batch:]


def make_folds(groups: Tensor, folds: int, generator: torch.Generator) -> list[Fold]:
    """Deal groups out to folds at random, and set an inner part of the others' groups aside in each.

    `groups` holds for each row the number of its group, from 0 on; a group is never split.
    """
    count = int(groups.max()) + 1
    order = torch.randperm(count, generator=generator)
    fold_of = torch.empty(count, dtype=torch.int64)
    fold_of[order] = torch.arange(count) * folds // count
    sizes = torch.bincount(groups, minlength=count)
    found = []
    for number in range(folds):
        others = order[fold_of[order] != number]
        others = others[torch.randperm(len(others), generator=generator)]
        wanted = min(_INNER * float(sizes[others].sum()), _INNER_LIMIT)
        inner = others[: max(1, int((sizes[others].cumsum(0) <= wanted).sum()))] if len(others) > 1 else others
        kind = torch.zeros(count, dtype=torch.int64)
        kind[fold_of == number] = 2
        kind[inner] = 1
        of_row = kind[groups]
        train, held, test = (torch.nonzero(of_row == k).flatten() for k in range(3))
        found.append(Fold(train if len(train) else held, held, test))
    return found
