"""The perceptron as a random walk: every weight's path while it learns digits one sample at a time (chapter 1).

Many perceptrons learn real digits side by side, under both rules, several rates, and with true and shuffled labels.
While they walk, their paths are reduced to what the claims of *Easing the knot* (section 2.1, figures 1a and 2d) are
about: the mean squared step of an epoch and what it is made of, the mean squared displacement against lag, unit-root
and variance-ratio tests of each weight, and the transport of the weights' distribution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from lib import data
from lib.experiments._progress import Progress
from lib.experiments._rounding import to_four_digits
from lib.experiments._walk_statistics import (
    PROJECTED_POINTS,
    lags,
    margin_of,
    over_chains,
    projection_of,
    range_statistics,
    transport_of,
)
from lib.models.perceptron import Block, OnlinePerceptrons, uniform_weights

VERSION = 1

TASKS = ("digits pairs", "digits one-vs-rest", "mnist pairs", "mnist one-vs-rest")
"""Data set and how its ten classes become tasks of two: each digit against the next one, or against all others."""


@dataclass(frozen=True)
class Config:
    """Size and setting of a run."""

    tasks: tuple[str, ...] = ("digits pairs", "digits one-vs-rest")  # some of TASKS
    outputs: tuple[int, ...] = tuple(range(10))  # the digits that are told from the next one, or from the rest
    rules: tuple[str, ...] = ("rosenblatt", "logistic")
    rates: tuple[float, ...] = (0.01, 1.0)  # learning rates
    labels: tuple[str, ...] = ("true", "shuffled")
    epochs: int = 30  # passes through the training images
    ranges: tuple[tuple[int, int], ...] = ((0, 1), (1, 6), (6, 30))  # epochs [first, last) in which paths are tested
    points: int = 1_000  # times at which a path is looked at, at most, in each range
    ratio_span: int = 10  # points over which the variance ratio is taken
    null_statistics: int = 500  # statistics of surrogates, at least, that the weights of a chain are compared with
    seeds: tuple[int, ...] = tuple(range(20))  # each draws initial weights, order of samples, shuffled labels
    seeds_together: int = 5  # seeds that learn side by side


PRESETS = {
    "smoke": Config(outputs=(0, 8), epochs=3, ranges=((0, 1), (1, 3)), points=120, seeds=(0, 1, 2), seeds_together=3),
    "book": Config(outputs=(0, 8), points=300, null_statistics=200, seeds_together=20),
    "paper": Config(tasks=TASKS),
}


def pieces(config: Config) -> list[Config]:
    """Return one config a task: tasks do not know of each other, so each can be run and stored by itself."""
    return [replace(config, tasks=(task,)) for task in config.tasks]


def join_pieces(results: list[xr.Dataset]) -> xr.Dataset:
    """Put the results of `pieces` together again."""
    return xr.concat(results, "task")


def run(config: Config, *, device: torch.device, progress: Progress) -> xr.Dataset:
    """Let all perceptrons of `config` learn, and return what their walks look like.

    Returns
    -------
    Dataset
        Dimensions ``task``, ``rule``, ``rate``, ``labels``, ``seed`` and, by variable, ``output`` (the digit),
        ``epoch``, ``range``, ``lag``, ``level`` (of a quantile), ``snapshot``, ``component``, ``time``.

    Raises
    ------
    ValueError
        If a task is unknown, or the ranges reach beyond the last epoch.
    """
    if unknown := sorted(set(config.tasks) - set(TASKS)):
        raise ValueError(f"Unknown task {unknown[0]!r}: choose some of {', '.join(TASKS)}.")
    if any(not 0 <= first < last <= config.epochs for first, last in config.ranges):
        raise ValueError(f"Ranges {config.ranges} must be pairs first < last within the {config.epochs} epochs.")
    problems = [problem for task in config.tasks for problem in _problems(config, task, device)]
    weight_of = [problem.steps(config) for problem in problems]
    done, parts = 0.0, []
    for problem, weight in zip(problems, weight_of, strict=True):

        def report(
            fraction: float, message: str, done: float = done, weight: int = weight, problem: _Problem = problem
        ) -> None:
            progress((done + fraction * weight) / sum(weight_of), f"{problem.name}: {message}")

        parts.append(_walk(config, problem, device, report))
        done += weight
    tasks = []
    for task in config.tasks:
        of_task = [part for part, problem in zip(parts, problems, strict=True) if problem.task == task]
        tasks.append(_join_outputs(of_task, config))
    return to_four_digits(xr.concat(tasks, xr.DataArray(list(config.tasks), dims="task", name="task")))


@dataclass(frozen=True)
class _Problem:
    """Tasks that share one stream of samples."""

    task: str
    inputs: Tensor  # (samples, inputs), in [0, 1]
    signs: Tensor  # (outputs, samples), +1 or -1
    outputs: tuple[int, ...]

    @property
    def name(self) -> str:
        return f"{self.task} {', '.join(map(str, self.outputs))}"

    def steps(self, config: Config) -> int:
        return config.epochs * len(self.inputs)


def _problems(config: Config, task: str, device: torch.device) -> list[_Problem]:
    name, kind = task.split(" ", 1)
    images = data.load(name, device=device)
    inputs, labels = images.vectors("train", dtype=torch.float64), images.y_train
    if kind == "one-vs-rest":
        signs = data.one_vs_rest(labels, config.outputs, dtype=torch.float64)
        return [_Problem(task, inputs, signs, config.outputs)]
    problems = []
    for digit in config.outputs:
        index, signs = data.pair(labels, digit, (digit + 1) % len(images.classes), dtype=torch.float64)
        problems.append(_Problem(task, inputs[index], signs[None], (digit,)))
    return problems


def _conditions(config: Config) -> list[tuple[str, float, str]]:
    return list(product(config.rules, config.rates, config.labels))


class _Recorder:
    """Collects the weights at equally spaced steps of a range of epochs."""

    def __init__(self, first: int, last: int, samples: int, points: int, like: Tensor) -> None:
        self.epochs = (first, last)
        self.start, steps = first * samples, (last - first) * samples
        self.stride = max(1, math.ceil(steps / (points - 1)))
        streams, chains, inputs = like.shape
        self.path = torch.empty(
            (streams, chains, steps // self.stride + 1, inputs), dtype=like.dtype, device=like.device
        )
        self._next = 0

    def take(self, block: Block, step: int) -> None:
        """Keep the weights of those samples of a block, which begins at `step`, that are due."""
        size = block.squared_norm.shape[1]
        while self._next < self.path.shape[2]:
            due = self.start + self._next * self.stride
            if due > step + size:
                return
            self.path[:, :, self._next] = block.weights_before(due - step)
            self._next += 1


def _walk(config: Config, problem: _Problem, device: torch.device, progress: Progress) -> xr.Dataset:
    """Let all chains of one problem learn; all variables have dimensions (chain conditions..., seed, output, ...)."""
    samples, inputs = problem.inputs.shape
    seeds, conditions, outputs = config.seeds, _conditions(config), problem.outputs
    targets = torch.stack([targets_under(problem.signs, config.labels, seed) for seed in seeds])
    weights = torch.stack(
        [
            uniform_weights((len(outputs), inputs), torch.Generator().manual_seed(seed)).repeat(len(conditions), 1)
            for seed in seeds
        ]
    ).to(device)
    rules = [rule for rule, _, _ in conditions for _ in outputs]
    rates = [rate for _, rate, _ in conditions for _ in outputs]
    unit = OnlinePerceptrons(problem.inputs, targets, weights, rules, rates)
    recorders = [_Recorder(first, last, samples, config.points, weights) for first, last in config.ranges]
    whole = _Recorder(0, config.epochs, samples, PROJECTED_POINTS, weights)
    ends, epochs, tested = [weights], [], []
    for epoch in range(config.epochs):
        order = data.epoch_orders(samples, seeds, epoch, device)
        active = [whole, *(r for r in recorders if r.epochs[0] <= epoch < r.epochs[1])]
        tally = _Tally()
        for block in unit.learn(order):
            for recorder in active:
                recorder.take(block, epoch * samples + block.first)
            tally.add(block)
        epochs.append(tally.close(torch.tensor(rates, dtype=torch.float64, device=device)))
        ends.append(unit.weights)
        progress((epoch + 1) / config.epochs, f"epoch {epoch + 1} of {config.epochs}")
        for recorder in [r for r in recorders if r.epochs[1] == epoch + 1]:
            progress((epoch + 1) / config.epochs, f"testing epochs {recorder.epochs[0]} to {recorder.epochs[1]}")
            tested.append(
                range_statistics(
                    recorder.path,
                    recorder.stride,
                    seeds,
                    ratio_span=config.ratio_span,
                    null_statistics=config.null_statistics,
                    steps=lags(config.points),
                )
            )
            recorders.remove(recorder)
    parts = [
        xr.concat(epochs, xr.DataArray(np.arange(1, config.epochs + 1), dims="epoch", name="epoch")),
        xr.concat(tested, xr.DataArray([f"{a}-{b}" for a, b in config.ranges], dims="range", name="range")),
        transport_of(torch.stack(ends, dim=2), seeds),
        projection_of(whole.path),
    ]
    shape = (len(config.rules), len(config.rates), len(config.labels), len(outputs))
    result = _unfold_chains(xr.merge(parts, combine_attrs="drop_conflicts"), config, outputs, shape)
    margins = np.array([margin_of(problem.inputs, signs) for signs in problem.signs], dtype=np.float32)
    radius = float(problem.inputs.norm(dim=1).max())
    result["margin"] = ("output", margins, {"long_name": "margin of the best separating line found", "units": "1"})
    result["radius"] = (
        "output",
        np.full_like(margins, radius),
        {"long_name": "largest norm of an input", "units": "1"},
    )
    return result


def targets_under(signs: Tensor, labels: tuple[str, ...], seed: int) -> Tensor:
    """Return the targets under each kind of labels: ``true``, or ``shuffled`` as the control.

    Parameters
    ----------
    signs
        True targets, +1 or -1, shape (outputs, samples).
    labels
        Kinds of labels, in the order wanted.
    seed
        Decides the shuffled order, which all outputs share.

    Returns
    -------
    Tensor
        Shape (labels * outputs, samples).

    Examples
    --------
    >>> targets_under(torch.tensor([[1.0, 1.0, -1.0]]), ("true", "shuffled"), seed=0).sum(1)
    tensor([1., 1.])
    """
    order = data.shuffled_labels(torch.arange(signs.shape[1], device=signs.device), seed)
    kinds = {"true": signs, "shuffled": signs[:, order]}
    return torch.cat([kinds[kind] for kind in labels])


class _Tally:
    """Sums over the samples of an epoch."""

    def __init__(self) -> None:
        self._samples = 0
        self._sums: list[Tensor] = []

    def add(self, block: Block) -> None:
        squared = block.drive**2
        sums = [squared.sum(-1), (squared * block.squared_norm[:, None]).sum(-1), (block.drive >= 0.5).sum(-1)]
        self._sums = [total + new for total, new in zip(self._sums, sums, strict=True)] if self._sums else sums
        self._samples += block.drive.shape[-1]

    def close(self, rates: Tensor) -> xr.Dataset:
        squared_drive, squared_step, mistakes = (total.to(torch.float64) for total in self._sums)
        means = {
            "msd": (rates**2 * squared_step / self._samples, "mean squared step of an epoch", "1"),
            "drive": (squared_drive / self._samples, "mean squared drive (Rosenblatt: share of mistakes)", "1"),
            "driving_norm": (
                squared_step / squared_drive,
                "mean squared norm of the inputs, weighted by squared drive",
                "1",
            ),
            "mistakes": (mistakes / self._samples, "share of mistakes while learning", "1"),
        }
        return over_chains({name: (value, (), text, unit) for name, (value, text, unit) in means.items()})


def _unfold_chains(
    flat: xr.Dataset, config: Config, outputs: tuple[int, ...], shape: tuple[int, int, int, int]
) -> xr.Dataset:
    """Replace dimension ``chain`` by rule, rate, labels and output, in the order in which chains were made."""
    unfolded = {}
    for name, variable in flat.data_vars.items():
        if "chain" not in variable.dims:
            unfolded[name] = variable.variable
            continue
        values = variable.transpose("chain", "seed", ...)
        rest = values.dims[1:]
        unfolded[name] = xr.Variable(
            ("rule", "rate", "labels", "output", *rest),
            values.values.reshape(*shape, *values.shape[1:]),
            variable.attrs,
        )
    coords = {name: flat[name] for name in flat.coords if name != "chain"}
    return xr.Dataset(unfolded, coords=coords).assign_coords(
        rule=list(config.rules),
        rate=("rate", list(config.rates), {"long_name": "learning rate", "units": "1"}),
        labels=list(config.labels),
        output=("output", list(outputs), {"long_name": "digit", "units": "1"}),
        seed=("seed", list(config.seeds), {"long_name": "seed", "units": "1"}),
    )


_AVERAGED = (
    "msd_by_lag",
    "msd_by_lag_surrogate",
    "quantiles",
    "w1_start",
    "w1_end",
)  # over outputs: curves, kept small


def _join_outputs(parts: list[xr.Dataset], config: Config) -> xr.Dataset:
    """Put the problems of one task together, curves as means over the outputs, and the first output's projection."""
    strides = np.mean([part["stride"].values for part in parts], axis=0)
    joined = xr.concat([part.drop_vars("stride") for part in parts], "output", combine_attrs="drop_conflicts")
    joined["stride"] = (parts[0]["stride"].dims, strides, parts[0]["stride"].attrs)
    for name in _AVERAGED:
        attributes = joined[name].attrs
        joined[name] = joined[name].mean("output", dtype=np.float64).astype(np.float32).assign_attrs(attributes)
    joined["projection"] = joined["projection"].isel(output=0, drop=True)
    return joined
