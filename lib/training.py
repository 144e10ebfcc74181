r"""One loop for all: let networks learn, and look at them at chosen steps.

Data stay on the device; a batch is an index. The loop is a generator: it stops at every step that the caller named, and
what is measured there is the caller's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Protocol

import torch
from torch import Tensor, nn

from lib import data

OPTIMIZERS = ("adam", "adamw", "sgd")
"""Names of the optimizers. Under ``adam`` weight decay is added to the gradient (an L2 penalty), as torch's Adam does;
under ``adamw`` it shrinks the weights directly (decoupled: Loshchilov and Hutter 2019)."""

_NORMS_EVERY = 50  # steps between two looks at the gradients' norms


@dataclass(frozen=True)
class Recipe:
    """How to learn.

    Attributes
    ----------
    optimizer
        One of :data:`OPTIMIZERS`, with torch's defaults but for the fields below.
    rate
        Learning rate.
    weight_decay
        Its coefficient; it acts on all parameters, as it does in torch where nothing is said.
    batch
        Samples in a step.
    samples
        Samples in an epoch, freshly drawn without replacement; all where None.
    momentum
        Of ``sgd``.
    drops
        Shares of all steps after which the rate is divided by ten, such as ``(0.8, 0.9)``: of 100 epochs after 80 and
        90. Not for :func:`fit`, which does not know how many steps there will be.

    Raises
    ------
    ValueError
        If a field is out of range.

    Examples
    --------
    >>> Recipe(batch=32, samples=40_000).steps(60_000)
    1250
    """

    optimizer: str = "adam"
    rate: float = 0.001
    weight_decay: float = 0.0
    batch: int = 32
    samples: int | None = None
    momentum: float = 0.0
    drops: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"Unknown optimizer {self.optimizer!r}: choose one of {', '.join(OPTIMIZERS)}.")
        if self.rate <= 0 or self.weight_decay < 0 or self.batch < 1 or (self.samples is not None and self.samples < 1):
            raise ValueError(f"{self} must have rate > 0, weight_decay >= 0, batch >= 1 and samples >= 1.")
        if not 0 <= self.momentum < 1 or (self.momentum and self.optimizer != "sgd"):
            raise ValueError(f"Momentum {self.momentum} of {self.optimizer} is none: use from 0 to below 1, with sgd.")
        if any(not 0 < share < 1 for share in self.drops):
            raise ValueError(f"Drops at {self.drops} are no shares of the training: use numbers between 0 and 1.")

    def per_epoch(self, pool: int) -> int:
        """Return the samples of an epoch, out of `pool`."""
        if self.samples is not None and self.samples > pool:
            raise ValueError(f"An epoch of {self.samples:,} samples cannot be drawn from {pool:,}: name fewer.")
        return self.samples or pool

    def steps(self, pool: int) -> int:
        """Return the steps of an epoch, out of `pool` samples; the last batch may be smaller."""
        return -(-self.per_epoch(pool) // self.batch)

    def start(self, *parameters: Tensor) -> torch.optim.Optimizer:
        """Return the optimizer of these parameters."""
        kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}
        momentum = {"momentum": self.momentum} if self.optimizer == "sgd" else {}
        return kinds[self.optimizer](parameters, lr=self.rate, weight_decay=self.weight_decay, fused=True, **momentum)

    def rate_at(self, step: int, steps: int) -> float:
        """Return the learning rate of a step, from 0 on, out of so many.

        Examples
        --------
        >>> recipe = Recipe("sgd", rate=0.1, drops=(0.8, 0.9))
        >>> [recipe.rate_at(epoch, 100) for epoch in (79, 80, 89, 90)]
        [0.1, 0.01, 0.01, 0.001]
        """
        return self.rate / 10 ** sum(step / steps >= share for share in self.drops)


class Networks(Protocol):
    """Networks that learn side by side, one per seed, as :func:`fit` needs them."""

    seeds: tuple[int, ...]
    device: torch.device
    parameters: Tensor  #: of all seeds, flat, with a ``grad`` of the same shape
    weights: list[Tensor]  #: matrices, with the seed as first axis

    def gradients(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Fill ``parameters.grad`` from a batch; return its mean loss and share of mistakes, shape (seeds,)."""

    def gradient_norms(self) -> Tensor:
        """Return the norm of the last gradient of each weight matrix, shape (seeds, layers)."""


@dataclass(frozen=True)
class Moment:
    """A step at which the loop has stopped, and means over the steps since it last did; NaN at the start.

    Attributes
    ----------
    step
        Steps made.
    loss, error
        Cross-entropy in nats and share of mistakes while learning, dropout on, shape (seeds,).
    gradient_norms
        Root mean square, over the first and every fiftieth step after it, of the norm of each weight matrix's
        gradient, shape (seeds, layers).
    """

    step: int
    loss: Tensor
    error: Tensor
    gradient_norms: Tensor


def fit(
    nets: Networks,
    inputs: Tensor,
    labels: Tensor,
    recipe: Recipe,
    stops: Sequence[int],
    pools: Tensor | None = None,
) -> Iterator[Moment]:
    """Let networks learn side by side up to the last stop; yield at each.

    Every seed visits its own samples in its own order, a function of (seed, epoch) alone.

    Parameters
    ----------
    nets
        Networks, changed in place.
    inputs
        All samples, shape (samples, inputs), on the networks' device.
    labels
        int64, shape (samples,), or (seeds, samples) where seeds differ in their labels.
    recipe
        How to learn.
    stops
        Steps at which to stop, rising; 0 is before the first.
    pools
        Indices of the samples that each seed may see, shape (seeds, pool); all where None.

    Yields
    ------
    Moment
        One for each stop.

    Raises
    ------
    ValueError
        If the stops do not rise, an epoch asks for more samples than there are, or the rate is to drop.

    Examples
    --------
    >>> from lib.models.mlp import Architecture, MLPs
    >>> nets = MLPs(Architecture((2, 8, 2)), seeds=(0, 1))
    >>> x = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    >>> moments = list(fit(nets, x, (x[:, 0] > 0).long(), Recipe(rate=0.01), stops=(0, 100, 200)))
    >>> bool((moments[-1].error < 0.1).all())
    True
    """
    stops = _rising(stops)
    if recipe.drops:
        raise ValueError(
            f"The rate cannot drop at {recipe.drops} of a training without end: leave drops to fit_module."
        )
    pool = len(inputs) if pools is None else pools.shape[1]
    size, per_epoch = recipe.per_epoch(pool), recipe.steps(pool)
    labels = labels.expand(len(nets.seeds), -1)
    optimizer = recipe.start(nets.parameters)
    unknown = torch.full((len(nets.seeds),), torch.nan, device=nets.device)
    if stops[0] == 0:
        yield Moment(0, unknown, unknown, unknown[:, None].expand(-1, len(nets.weights)))
        stops.pop(0)
    seen: list[tuple[Tensor, Tensor]] = []
    norms: list[Tensor] = []
    step = 0
    while stops:
        if step % per_epoch == 0:
            order = data.epoch_orders(pool, nets.seeds, step // per_epoch, nets.device)[:, :size]
            order = order if pools is None else pools.gather(1, order)
            targets = labels.gather(1, order)
        first = step % per_epoch * recipe.batch
        chosen = slice(first, first + recipe.batch)
        batch = order[:, chosen]  # rows by index_select: several times as fast as by an index of two axes
        samples = inputs.index_select(0, batch.flatten()).view(*batch.shape, -1)
        with _no_subnormals():
            seen.append(nets.gradients(samples, targets[:, chosen]))
            if len(seen) % _NORMS_EVERY == 1:
                norms.append(nets.gradient_norms())
            optimizer.step()
        step += 1
        if step == stops[0]:
            loss, error = (torch.stack(part).double().mean(0) for part in zip(*seen, strict=True))
            gradient = torch.stack(norms).double().square().mean(0).sqrt()
            yield Moment(step, loss, error, gradient)
            stops.pop(0)
            seen, norms = [], []


@contextmanager
def _no_subnormals() -> Iterator[None]:
    """Let numbers below 1e-38 be 0, on processors that can.

    Weight decay alone, where there is nothing to learn, brings weights and the optimizer's averages down to there, and
    arithmetic on such numbers is many times slower.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@dataclass(frozen=True)
class Epoch:
    """An epoch that a module has learned for, and means over its steps, while weights and samples changed.

    Attributes
    ----------
    number
        Epochs made.
    loss
        Cross-entropy in nats.
    error
        Share of mistakes.
    """

    number: int
    loss: float
    error: float


def fit_module(
    model: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    recipe: Recipe,
    epochs: int,
    seed: int,
    *,
    prepare: Callable[[Tensor, int], Tensor] = lambda samples, step: samples,
    precision: torch.dtype = torch.float32,
    optimizer: torch.optim.Optimizer | None = None,
    done: int = 0,
) -> Iterator[Epoch]:
    """Let any module learn to classify; stop after each epoch.

    Parameters
    ----------
    model
        From inputs to scores, shape (sample, class); changed in place, and left in evaluation mode between epochs.
    inputs, labels
        All samples and their int64 labels, on the model's device.
    recipe
        How to learn.
    epochs
        Passes through the samples.
    seed
        Decides the order of the samples, a function of (seed, epoch) alone.
    prepare
        From the samples of a batch, and the number of the step from 0 on, to what the model is given: where images are
        scaled, cropped and mirrored.
    precision
        Type of number that the model computes in where torch holds it safe (autocast); weights stay as they are.
    optimizer, done
        To go on with a training: its optimizer, begun as ``recipe.start(*model.parameters())``, and the epochs that
        were made. The rest is as if there had been no break.

    Yields
    ------
    Epoch
        One for each that is made here.

    Examples
    --------
    >>> model = nn.Linear(2, 2)
    >>> x = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    >>> learned = list(fit_module(model, x, (x[:, 0] > 0).long(), Recipe(rate=0.1, batch=8), epochs=5, seed=0))
    >>> len(learned), learned[-1].loss < learned[0].loss
    (5, True)
    """
    size, per_epoch = recipe.per_epoch(len(inputs)), recipe.steps(len(inputs))
    optimizer = optimizer or recipe.start(*model.parameters())
    span = range(done * per_epoch, epochs * per_epoch)
    steps = _module_steps(model, inputs, labels, recipe, span, seed, prepare, precision, optimizer)
    for epoch in range(done, epochs):
        loss_of_all, mistakes = torch.zeros(2, dtype=torch.float64, device=inputs.device)
        for loss, wrong in islice(steps, per_epoch):
            loss_of_all += loss
            mistakes += wrong
        model.eval()
        yield Epoch(epoch + 1, float(loss_of_all) / size, float(mistakes) / size)


def steps_of_module(
    model: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    recipe: Recipe,
    stops: Sequence[int],
    seed: int,
    *,
    prepare: Callable[[Tensor, int], Tensor] = lambda samples, step: samples,
    precision: torch.dtype = torch.float32,
) -> Iterator[int]:
    """Let any module learn to classify as :func:`fit_module` does; stop at chosen steps, and yield each.

    Parameters
    ----------
    model, inputs, labels, recipe, seed, prepare, precision
        As for :func:`fit_module`.
    stops
        Steps at which to stop, rising; 0 is before the first.

    Raises
    ------
    ValueError
        If the stops do not rise.

    Examples
    --------
    >>> model = nn.Linear(2, 2)
    >>> x = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    >>> list(steps_of_module(model, x, (x[:, 0] > 0).long(), Recipe(rate=0.1, batch=8), stops=(0, 3, 20), seed=0))
    [0, 3, 20]
    """
    stops = _rising(stops)
    optimizer = recipe.start(*model.parameters())
    steps = _module_steps(model, inputs, labels, recipe, range(stops[-1]), seed, prepare, precision, optimizer)
    for last, stop in pairwise([0, *stops]):
        for _ in islice(steps, stop - last):
            pass
        model.eval()
        yield stop


def _module_steps(
    model: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    recipe: Recipe,
    steps: range,
    seed: int,
    prepare: Callable[[Tensor, int], Tensor],
    precision: torch.dtype,
    optimizer: torch.optim.Optimizer,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Take steps one by one, from the start of an epoch; yield the loss, summed over the batch, and the mistakes."""
    size, per_epoch = recipe.per_epoch(len(inputs)), recipe.steps(len(inputs))
    for step in steps:
        epoch, place = divmod(step, per_epoch)
        if place == 0:
            batches = data.epoch_order(len(inputs), seed, epoch, inputs.device)[:size].split(recipe.batch)
        rows = batches[place]
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate_at(step, steps.stop)
        model.train()
        with _no_subnormals():
            optimizer.zero_grad()
            with torch.autocast(inputs.device.type, precision, enabled=precision != torch.float32):
                scores = model(prepare(inputs[rows], step))
                loss = nn.functional.cross_entropy(scores, labels[rows])
            loss.backward()
            optimizer.step()
        yield loss.detach() * len(rows), (scores.detach().argmax(1) != labels[rows]).sum()


def _rising(stops: Sequence[int]) -> list[int]:
    found = list(stops)
    if not found or found[0] < 0 or any(b <= a for a, b in pairwise(found)):
        raise ValueError(f"stops={found} must rise from 0 on.")
    return found
