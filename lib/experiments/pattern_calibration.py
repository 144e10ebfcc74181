"""How good are estimates of the entropy of many units? All methods on systems whose entropy is known (chapter 5).

Every system of `lib.data.exact` is drawn at several sizes and estimated by every method. Beside it stand what may go
wrong: samples that are correlated and split between folds, another order of the units, a recording in time; and the
closed forms that the definitions of complexity and effective dimension promise.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
import xarray as xr
from torch import nn

from lib.data.exact import SYSTEMS, CommonFactor, IsingLattice
from lib.experiments._progress import Progress
from lib.measures.dimension import effective_dimension
from lib.measures.patterns import METHODS, Budget, PatternEntropy, pattern_entropies, pattern_entropy
from lib.probing import probe

VERSION = 1

BOUNDING = ("autoregressive", "xgboost", "logistic")
"""Methods that bound the entropy from above, of `lib.measures.patterns.METHODS`."""

COUNTING = ("plugin", "miller-madow", "grassberger")
"""Methods that count patterns."""

LATTICE = "Ising lattice"
"""System whose samples are repeated, to see what folds give away."""

SPARSE = "sparse population"
"""System that is recorded in time."""

REGIMES = ("linear", "off", "half and half", "switching")
"""How the units of a layer are used: all always on, all always off, half of them each, or all now and then."""

_LAYER, _INPUTS, _PASSES = 8, 4, 2_000  # units, inputs and samples of the layer in these regimes
_BIAS = 1e3  # no input reaches so far
_COSTS = {"autoregressive": 1.0, "logistic": 1.0, "xgboost": 6.0}  # of a number, roughly, beside each other


@dataclass(frozen=True)
class Limit:
    """What a method is spared because it is slow."""

    method: str  # of lib.measures.patterns.METHODS
    numbers: int  # estimates from more samples x units than this ...
    seeds: int  # ... are made for the first so many seeds only; 0 leaves them out


@dataclass(frozen=True)
class Config:
    """Size and setting of a run."""

    seeds: tuple[int, ...] = (0, 1, 2)  # independent repeats
    systems: tuple[str, ...] = tuple(SYSTEMS)  # names, see lib.data.exact.SYSTEMS; at least LATTICE and SPARSE
    samples: tuple[int, ...] = (500, 2_000)  # patterns of an estimate; a larger sample holds the smaller ones
    methods: tuple[str, ...] = (*BOUNDING, *COUNTING)  # of lib.measures.patterns.METHODS
    limits: tuple[Limit, ...] = ()  # what slow methods are spared
    budget: Budget | None = None  # of the masked network; None for the library's own choice
    groups: int = 400  # different patterns in the sample of repeated ones
    repeats: int = 10  # times that each of them is in it
    updates: tuple[int, ...] = (0, 24)  # single-unit updates that part a repeated pattern from the first; 0 for none
    ordered: tuple[str, ...] = ("Markov chain", LATTICE)  # systems whose units are also taken in other orders
    orders: int = 3  # orders of the units, the given one first
    order_samples: int = 2_000  # patterns of these estimates
    order_methods: tuple[str, ...] = ("autoregressive", "logistic")  # methods tried on them
    bins: int = 2_000  # bins of time of the recording
    block: int = 100  # bins of time that stay in one fold
    memory: float = 0.9  # correlation of the recording's common signal from one bin to the next
    balls: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)  # dimensions k of the balls
    ball_units: int = 64  # dimension C of the space around them
    ball_samples: int = 20_000  # points in each


PRESETS = {
    "smoke": Config(
        seeds=(0, 1),
        systems=(LATTICE, SPARSE),
        samples=(100, 200),
        limits=(
            Limit("xgboost", 0, 1),
            Limit("xgboost", 5_000, 0),
            Limit("logistic", 0, 1),
            Limit("logistic", 30_000, 0),
        ),
        budget=Budget(hidden=48, steps=100, batch=64),
        groups=20,
        updates=(0,),
        ordered=(LATTICE,),
        orders=2,
        order_samples=200,
        order_methods=("autoregressive",),
        bins=200,
        block=20,
        ball_samples=2_000,
    ),
    "book": Config(
        systems=("Markov chain", "parity", LATTICE, SPARSE),
        samples=(300, 1_500),
        limits=(
            Limit("xgboost", 0, 1),
            Limit("xgboost", 15_000, 0),
            Limit("logistic", 0, 1),
            Limit("logistic", 150_000, 0),
        ),
        budget=Budget(hidden=128, steps=300, batch=128),
        groups=100,
        order_samples=1_000,
        order_methods=("autoregressive",),
        bins=600,
        block=60,
    ),
    "paper": Config(
        seeds=tuple(range(5)),
        samples=(1_500, 6_000, 25_000, 100_000),
        limits=(
            Limit("xgboost", 0, 3),
            Limit("xgboost", 1_500_000, 0),
            Limit("logistic", 5_000_000, 0),
            Limit("autoregressive", 10_000_000, 3),
        ),
        updates=(0, 12, 96),
        orders=4,
        order_samples=6_000,
        bins=6_000,
    ),
}


def run(config: Config, *, device: torch.device, progress: Progress) -> xr.Dataset:
    """Estimate what is known.

    The masked networks of all seeds learn side by side, so what they find for one seed depends, a little, on which
    others there are. The other methods go seed by seed.

    Returns
    -------
    Dataset
        In bits, dimensions ``system``, ``estimator``, ``samples``, ``seed``: ``bits``, the estimate, and
        ``standard_error``; ``seconds`` taken. By system: ``truth``, ``independent_bits``, the sum over units, and
        ``units``.

        Of the lattice with every pattern repeated, dimensions ``updates``, ``estimator``, ``seed``: ``grouped_bits``
        and ``grouped_error``, where the repeats of a pattern stay in one fold, and ``split_bits``, where they do not.
        Of the sparse population in time, dimensions ``estimator``, ``seed``: ``recording_bits``, ``recording_error``,
        ``recording_seconds``, where a block of time stays in one fold.
        Dimensions ``ordered``, ``estimator``, ``order``, ``seed``: ``order_bits``, with the units in other orders.

        Closed forms: ``regime_bits`` and ``regime_linearity`` by ``regime`` and ``seed``, of a layer that is probed;
        ``ball_dimension`` by ``ball`` and ``seed``, effective dimension of balls in a space of more dimensions.

        nan where a method was not tried; the attribute ``left_out`` says what was left out for its cost.

    Raises
    ------
    ValueError
        If a system or method is unknown, sizes are not positive, blocks leave a single group, or a ball has more
        dimensions than its space.
    """
    _check(config)
    meter = _Meter(config, progress)
    result = xr.merge(
        [part(config, device, meter) for part in (_systems, _repeats, _recording, _orders)]
        + [_regimes(config, device), _balls(config, device)]
    )
    progress(1.0, "done")
    return result.assign_coords(seed=list(config.seeds), estimator=list(config.methods)).assign_attrs(
        left_out=_left_out(config), ball_units=config.ball_units, bins=config.bins, block=config.block
    )


class _Meter:
    """Says how far a run has come, by what its parts cost."""

    def __init__(self, config: Config, progress: Progress) -> None:
        self._config, self._progress = config, progress
        lattice, sparse = SYSTEMS[LATTICE].units, SYSTEMS[SPARSE].units
        repeats = config.groups * config.repeats
        costs = [
            self._cost(method, samples, SYSTEMS[name].units)
            for name, samples, method in product(config.systems, config.samples, config.methods)
        ]
        for method in (method for method in config.methods if method in BOUNDING):
            costs.append(len(config.updates) * self._cost(method, repeats, lattice, 2))
            costs.append(self._cost(method, config.bins, sparse))
        for name, method in product(config.ordered, config.order_methods):
            costs.append(self._cost(method, config.order_samples, SYSTEMS[name].units, config.orders))
        self._total, self._done = sum(costs), 0.0

    def start(self, message: str, method: str, samples: int, units: int, times: int = 1) -> None:
        """Report what begins now: so many estimates of one size for each seed."""
        self._progress(self._done / self._total, message)
        self._done += self._cost(method, samples, units, times)

    def _cost(self, method: str, samples: int, units: int, times: int = 1) -> float:
        seeds = len(seeds_of(self._config, method, samples, units))
        return _COSTS.get(method, 0.01) * (2_000 + samples) * units * seeds * times


def seeds_of(config: Config, method: str, samples: int, units: int) -> tuple[int, ...]:
    """Return the seeds for which a method is tried on so many samples of so many units.

    Examples
    --------
    >>> config = Config(seeds=(0, 1, 2), limits=(Limit("xgboost", 10_000, 1),))
    >>> seeds_of(config, "xgboost", 100, 48), seeds_of(config, "xgboost", 1_000, 48)
    ((0, 1, 2), (0,))
    """
    few = [limit.seeds for limit in config.limits if limit.method == method and samples * units > limit.numbers]
    return config.seeds[: min(few, default=len(config.seeds))]


def _estimate(
    z: np.ndarray,
    method: str,
    config: Config,
    device: torch.device,
    groups: np.ndarray | None = None,
    orders: int = 1,
) -> list[PatternEntropy]:
    """Estimate the entropy of the patterns of some seeds, shape (seed, sample, unit)."""
    seeds = config.seeds[: len(z)]
    if method == "autoregressive":
        given = torch.from_numpy(z).to(device)
        return list(pattern_entropies(given, method, groups=groups, seed=seeds[0], orders=orders, budget=config.budget))
    return [
        pattern_entropy(each, method, groups=groups, seed=seed, orders=orders)
        for each, seed in zip(z, seeds, strict=True)
    ]


def _drawn(config: Config, name: str, samples: int) -> np.ndarray:
    """Return samples of a system for every seed, shape (seed, sample, unit)."""
    number = list(SYSTEMS).index(name)
    return np.stack([SYSTEMS[name].draw(samples, np.random.default_rng([seed, number])) for seed in config.seeds])


def _systems(config: Config, device: torch.device, meter: _Meter) -> xr.Dataset:
    dims = ("system", "estimator", "samples", "seed")
    shape = (len(config.systems), len(config.methods), len(config.samples), len(config.seeds))
    bits, error, seconds = (np.full(shape, np.nan) for _ in range(3))
    for row, name in enumerate(config.systems):
        drawn = _drawn(config, name, max(config.samples))
        for size, samples in enumerate(config.samples):
            for column, method in enumerate(config.methods):
                units = SYSTEMS[name].units
                meter.start(f"{name}, {samples:,} samples, {method}", method, samples, units)
                count = len(seeds_of(config, method, samples, units))
                if count:
                    found = _estimate(drawn[:count, :samples], method, config, device)
                    at = (row, column, size, slice(count))
                    bits[at] = [each.bits for each in found]
                    error[at] = [each.standard_error for each in found]
                    seconds[at] = [each.seconds for each in found]
    systems = [SYSTEMS[name] for name in config.systems]
    return xr.Dataset(
        {
            "bits": (dims, bits, {"long_name": "estimated entropy", "units": "bit"}),
            "standard_error": (dims, error, {"long_name": "standard error of the estimate", "units": "bit"}),
            "seconds": (dims, seconds, {"long_name": "time taken", "units": "s"}),
            "truth": ("system", [each.bits for each in systems], {"long_name": "entropy", "units": "bit"}),
            "independent_bits": (
                "system",
                [each.independent_bits for each in systems],
                {"long_name": "sum of the entropies of single units", "units": "bit"},
            ),
            "units": ("system", [each.units for each in systems], {"long_name": "number of units", "units": "1"}),
        },
        coords={"system": list(config.systems), "samples": list(config.samples)},
    )


def repeated(config: Config, seed: int, updates: int) -> np.ndarray:
    """Return a sample of the lattice in which every pattern comes several times, shape (sample, unit).

    The repeats stand next to each other, and each has gone its own way for some updates that leave the distribution as
    it is: so each pattern by itself is distributed as the lattice's are, but a sample holds few independent ones.

    Examples
    --------
    >>> repeated(Config(groups=3, repeats=2), seed=0, updates=0).shape
    (6, 48)
    """
    lattice = _lattice()
    rng = np.random.default_rng([seed, len(SYSTEMS)])
    first = lattice.draw(config.groups, rng)
    return lattice.heat_bath(np.repeat(first, config.repeats, axis=0), updates, rng)


def _lattice() -> IsingLattice:
    system = SYSTEMS[LATTICE]
    assert isinstance(system, IsingLattice)
    return system


def _repeats(config: Config, device: torch.device, meter: _Meter) -> xr.Dataset:
    dims = ("updates", "estimator", "seed")
    shape = (len(config.updates), len(config.methods), len(config.seeds))
    grouped, error, split = (np.full(shape, np.nan) for _ in range(3))
    groups = np.repeat(np.arange(config.groups), config.repeats)
    units = _lattice().units
    for row, updates in enumerate(config.updates):
        z = np.stack([repeated(config, seed, updates) for seed in config.seeds])
        for column, method in enumerate(config.methods):
            count = len(seeds_of(config, method, z.shape[1], units)) if method in BOUNDING else 0
            if count:
                meter.start(f"repeated patterns, {updates} updates, {method}", method, z.shape[1], units, 2)
                together = _estimate(z[:count], method, config, device, groups)
                apart = _estimate(z[:count], method, config, device)
                grouped[row, column, :count] = [each.bits for each in together]
                error[row, column, :count] = [each.standard_error for each in together]
                split[row, column, :count] = [each.bits for each in apart]
    return xr.Dataset(
        {
            "grouped_bits": (dims, grouped, {"long_name": "estimate, repeats in one fold", "units": "bit"}),
            "grouped_error": (dims, error, {"long_name": "standard error over patterns that repeat", "units": "bit"}),
            "split_bits": (dims, split, {"long_name": "estimate, repeats split between folds", "units": "bit"}),
        },
        coords={"updates": list(config.updates)},
    )


def _recording(config: Config, device: torch.device, meter: _Meter) -> xr.Dataset:
    dims = ("estimator", "seed")
    shape = (len(config.methods), len(config.seeds))
    bits, error, seconds = (np.full(shape, np.nan) for _ in range(3))
    system = SYSTEMS[SPARSE]
    assert isinstance(system, CommonFactor)
    generators = [np.random.default_rng([seed, len(SYSTEMS) + 1]) for seed in config.seeds]
    z = np.stack([system.draw_series(config.bins, rng, config.memory) for rng in generators])
    groups = np.arange(config.bins) // config.block
    for column, method in enumerate(config.methods):
        count = len(seeds_of(config, method, config.bins, system.units)) if method in BOUNDING else 0
        if count:
            meter.start(f"recording, {method}", method, config.bins, system.units)
            found = _estimate(z[:count], method, config, device, groups)
            bits[column, :count] = [each.bits for each in found]
            error[column, :count] = [each.standard_error for each in found]
            seconds[column, :count] = [each.seconds for each in found]
    return xr.Dataset(
        {
            "recording_bits": (dims, bits, {"long_name": "estimate, blocks of time in one fold", "units": "bit"}),
            "recording_error": (dims, error, {"long_name": "standard error over blocks of time", "units": "bit"}),
            "recording_seconds": (dims, seconds, {"long_name": "time taken", "units": "s"}),
        }
    )


def _orders(config: Config, device: torch.device, meter: _Meter) -> xr.Dataset:
    shape = (len(config.ordered), len(config.methods), config.orders, len(config.seeds))
    bits = np.full(shape, np.nan)
    for row, name in enumerate(config.ordered):
        drawn = _drawn(config, name, config.order_samples)
        for method in config.order_methods:
            column = config.methods.index(method)
            units = SYSTEMS[name].units
            meter.start(f"{name}, orders, {method}", method, config.order_samples, units, config.orders)
            count = len(seeds_of(config, method, config.order_samples, units))
            if count:
                found = _estimate(drawn[:count], method, config, device, orders=config.orders)
                bits[row, column, :, :count] = np.transpose([each.order_bits for each in found])
    return xr.Dataset(
        {
            "order_bits": (
                ("ordered", "estimator", "order", "seed"),
                bits,
                {"long_name": "estimate with the units in another order", "units": "bit"},
            )
        },
        coords={"ordered": list(config.ordered), "order": np.arange(config.orders)},
    )


def _regimes(config: Config, device: torch.device) -> xr.Dataset:
    """Probe a rectified layer whose biases keep units on, keep them off, or let them switch."""
    bits, linearity = (np.empty((len(REGIMES), len(config.seeds))) for _ in range(2))
    half = torch.where(torch.arange(_LAYER) < _LAYER // 2, _BIAS, -_BIAS)
    biases = (torch.full((_LAYER,), _BIAS), torch.full((_LAYER,), -_BIAS), half, torch.zeros(_LAYER))
    for number, seed in enumerate(config.seeds):
        generator = torch.Generator().manual_seed(seed)
        weight = torch.randn(_LAYER, _INPUTS, generator=generator)
        inputs = torch.randn(_PASSES, _INPUTS, generator=generator).to(device)
        for row, bias in enumerate(biases):
            with torch.random.fork_rng(devices=[]):  # torch's own initialisers draw from its global generator
                linear = nn.Linear(_INPUTS, _LAYER)
            with torch.no_grad():
                linear.weight.copy_(weight)
                linear.bias.copy_(bias)
            model = nn.Sequential(linear, nn.ReLU()).to(device)
            found = probe(model, inputs, observables=("complexity", "linearity"), method="plugin")
            bits[row, number] = found["complexity"].item()
            linearity[row, number] = found["linearity"].item()
    return xr.Dataset(
        {
            "regime_bits": (("regime", "seed"), bits, {"long_name": "complexity of the layer", "units": "bit"}),
            "regime_linearity": (("regime", "seed"), linearity, {"long_name": "linearity of the layer", "units": "1"}),
        },
        coords={"regime": list(REGIMES)},
    )


def make_ball(k: int, units: int, samples: int, seed: int) -> np.ndarray:
    """Return points of a ball of k dimensions, turned and moved at random in a space of more, shape (sample, unit).

    Examples
    --------
    >>> ball = make_ball(2, 5, 1000, seed=0)
    >>> ball.shape, int(np.linalg.matrix_rank(ball - ball.mean(0)))
    ((1000, 5), 2)
    """
    rng = np.random.default_rng([seed, k])
    direction = rng.standard_normal((samples, k))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    points = direction * rng.random((samples, 1)) ** (1 / k)
    axes = np.linalg.qr(rng.standard_normal((units, k)))[0]
    return np.asarray(points @ axes.T + rng.standard_normal(units))


def _balls(config: Config, device: torch.device) -> xr.Dataset:
    found = [
        [
            effective_dimension(
                torch.from_numpy(make_ball(k, config.ball_units, config.ball_samples, seed)).to(device)
            ).dimension
            for seed in config.seeds
        ]
        for k in config.balls
    ]
    text = {"long_name": f"effective dimension of a ball in {config.ball_units} dimensions", "units": "1"}
    return xr.Dataset({"ball_dimension": (("ball", "seed"), found, text)}, coords={"ball": list(config.balls)})


def _left_out(config: Config) -> str:
    """Say what was not estimated, or not for all seeds, for its cost."""
    parts = []
    for limit in config.limits:
        size = f"{limit.method} on more than {limit.numbers:,} samples x units"
        parts.append(f"{size}: {f'the first {limit.seeds} seeds only' if limit.seeds else 'not tried'}")
    return "; ".join(parts) or "nothing"


def _check(config: Config) -> None:
    wanted = (*config.systems, *config.ordered)
    for name in wanted:
        if name not in SYSTEMS:
            raise ValueError(f"Unknown system {name!r}: choose from {', '.join(SYSTEMS)}.")
    for name in (LATTICE, SPARSE, *config.ordered):
        if name not in config.systems:
            raise ValueError(f"The system {name!r} is missing: add it to systems.")
    for method in (*config.methods, *config.order_methods, *(limit.method for limit in config.limits)):
        if method not in config.methods or method not in METHODS:
            raise ValueError(f"Unknown method {method!r}: choose from {', '.join(METHODS)}, and name it in methods.")
    if config.bins <= config.block:
        raise ValueError(f"Blocks of {config.block} of {config.bins} bins leave one group: make them shorter.")
    for k in config.balls:
        if not 1 <= k <= config.ball_units:
            raise ValueError(f"A ball of {k} dimensions is none of {config.ball_units} dimensions: use from 1 to that.")
