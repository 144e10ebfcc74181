r"""What noise does to the features of the bit encoder: they are lost or grow (chapter 8; N, figures 6 and 7).

A network learns, one pair a step, from one of a few courses: a fixed pair with right labels or with some wrong ones,
pairs of a random string and a random label, or these with a fixed pair mixed in. Beside each noisy course stands the
same without noise: every step follows the expected gradient of the mixture. Afterwards it is asked which units are
lost, whether they can be removed, and whether clean training brings them back.

All networks of a setting, over rates and seeds, learn side by side. What is drawn depends on the seed alone, so rates,
courses and activations are compared on the same draws.

Source: Nakazato (2024), A simple theory for training response of deep neural networks, sections III B and IV.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from lib.data.bits import bit_strings, hamming_distance
from lib.experiments._progress import Progress
from lib.measures.response import by_distance, sigmoid_slope, tangent_kernel
from lib.models.bit_encoder import ACTIVATIONS, BitEncoders, PointTraining

VERSION = 1
STORED_BY_PIECE = True


@dataclass(frozen=True)
class Course:
    """What a step draws."""

    fixed: float  # probability that the pair is the fixed one, (x_o, 1); else string and label are random
    wrong: float = 0.0  # probability that the fixed pair comes with the label 0


COURSES = {
    "clean": Course(1.0),
    "mixed 0.1": Course(1.0, 0.1),
    "mixed 0.5": Course(1.0, 0.5),
    "random": Course(0.0),
    "pair": Course(0.2),
}
"""Courses by name; `pair` is the fixed pair among random ones."""

LOST = ("off", "weak")
"""When a unit counts as lost: its drive is above 0 at no input, or its mean size has fallen below `WEAK`."""

WEAK = 0.01
"""Share of the initial mean size of the features below which a unit is weak."""

TASKS = ("pair", "majority")
"""What is learned cleanly afterwards: the fixed pair, or for random strings whether most of the bits are +1."""

ORDERS = ("size", "random")
"""Orders in which units are removed: the smallest first, or at random."""

_BLOCK = 1_000  # steps whose draws are made ahead
_CHUNK = 16  # networks that are looked at together, for the sake of memory
_STREAM = 1_000_003  # apart from the seeds of the initial weights


@dataclass(frozen=True)
class Setting:
    """Networks that learn side by side."""

    course: str  # key of COURSES
    activation: str  # of lib.models.bit_encoder.ACTIVATIONS
    noise: bool = True  # draw the pairs, or follow the expected gradient
    rates: tuple[tuple[float, int], ...] = ((0.1, 100),)  # learning rates, and how many of the seeds each has
    steps: int = 50_000

    @property
    def name(self) -> str:
        """Name in the dimension ``setting``."""
        return setting_name(self.course, self.activation, noise=self.noise)


def setting_name(course: str, activation: str, *, noise: bool = True) -> str:
    """Return the name of a setting.

    Examples
    --------
    >>> setting_name("pair", "relu"), setting_name("pair", "relu", noise=False)
    ('pair, relu', 'pair, relu, expected')
    """
    return f"{course}, {activation}" + ("" if noise else ", expected")


@dataclass(frozen=True)
class Config:
    """Size and setting of a run."""

    settings: tuple[Setting, ...]
    bits: int = 8  # length of the strings
    width: int = 128  # features
    after: int = 10_000  # steps of clean training after the noise
    removals: int = 10  # random draws of units that are removed
    seeds: tuple[int, ...] = tuple(range(100))  # of initial weights, fixed string, draws


_RATES = ((0.01, 20), (0.1, 100), (1.0, 20))
_FEWER = ((0.01, 10), (0.1, 30), (1.0, 10))


def _labels(rates: tuple[tuple[float, int], ...], steps: int, *, controls: bool) -> tuple[Setting, ...]:
    courses = [("clean", True), ("mixed 0.1", True), ("mixed 0.5", True)]
    courses += [("mixed 0.1", False), ("mixed 0.5", False)] if controls else []
    return tuple(
        Setting(course, activation, noise, rates, steps) for activation in ("relu", "elu") for course, noise in courses
    )


PRESETS = {
    "smoke": Config(
        (
            *_labels(((0.1, 2), (1.0, 2)), 100, controls=True),
            Setting("random", "relu", rates=((0.1, 2), (1.0, 2)), steps=200),
            Setting("random", "relu", noise=False, rates=((0.1, 2),), steps=100),
            Setting("random", "elu", rates=((0.1, 2),), steps=200),
            Setting("pair", "relu", rates=((0.1, 2), (1.0, 1)), steps=200),
            Setting("pair", "relu", noise=False, rates=((0.1, 2),), steps=100),
            Setting("pair", "elu", rates=((0.1, 2),), steps=200),
        ),
        bits=4,
        width=16,
        after=100,
        removals=3,
        seeds=(0, 1),
    ),
    "book": Config(
        (
            *_labels(((0.1, 20), (1.0, 20)), 2_000, controls=False),
            Setting("random", "relu", rates=((0.1, 20), (1.0, 20)), steps=3_000),
            Setting("random", "elu", rates=((0.1, 20), (1.0, 20)), steps=3_000),
        ),
        after=0,
        seeds=tuple(range(20)),
    ),
    "paper": Config(
        (
            *_labels(_RATES, 20_000, controls=True),
            Setting("random", "relu", rates=_RATES),
            *(Setting("random", activation, rates=_FEWER) for activation in ("elu", "gelu", "leaky relu")),
            Setting("pair", "relu", rates=_RATES),
            Setting("pair", "elu", rates=_FEWER),
            *(Setting("pair", activation, rates=((0.1, 30),)) for activation in ("gelu", "silu", "tanh", "leaky relu")),
            Setting("random", "relu", noise=False, rates=((0.1, 6), (1.0, 6)), steps=10_000),
            Setting("pair", "elu", noise=False, rates=((0.1, 5),), steps=10_000),
            Setting("pair", "relu", noise=False, rates=((0.1, 6),)),
        ),
    ),
}

_TABLE: dict[str, tuple[tuple[str, ...], str, str]] = {
    "feature": (("step",), "mean feature, over units and all inputs", "1"),
    "feature_at": (("step",), "mean feature at x_o, over units", "1"),
    "size": (("step",), "mean size of the features, over units and all inputs", "1"),
    "kernel": (("step",), "tangent kernel of the logit of an input with itself, mean over all inputs", "1"),
    "response": (("step",), "tangent kernel of the output of an input with itself, mean over all inputs", "1"),
    "off": (("step",), "share of units that are off at every input", "1"),
    "prediction_at": (("step",), "prediction at x_o", "1"),
    "prediction_beside": (("step",), "prediction one bit from x_o, mean", "1"),
    "excess": (("step",), "expected loss above that of the optimal predictor", "1"),
    "profile": (("distance",), "prediction by Hamming distance from x_o, mean over inputs", "1"),
    "spread": (("distance",), "standard deviation of the prediction over inputs at a distance", "1"),
    "kernel_profile": (("distance",), "tangent kernel of the logit between x_o and inputs at a distance", "1"),
    "farthest": ((), "largest deviation from 1/2 of any prediction two bits or more from x_o", "1"),
    "lost": (("lost_by",), "share of units that are lost", "1"),
    "living_at": (("lost_by",), "share of units that are on at x_o among those not lost", "1"),
    "lost_own": (("lost_by",), "share lost of the units that were on at x_o at first", "1"),
    "lost_others": (("lost_by",), "share lost of the units that were off at x_o at first", "1"),
    "reach": (("lost_by",), "share of inputs at which a unit is on, mean over units not lost", "1"),
    "without_lost": (("lost_by",), "largest change of a prediction when the lost units are removed", "1"),
    "without_random": (("lost_by",), "the same when as many units are removed at random", "1"),
    "removal": (("order", "removed"), "change of the prediction when units are removed, root mean square", "1"),
    "revived": (("task",), "share of units off at every input that clean training brings back", "1"),
    "error_after": (("task",), "loss of the clean task after it was trained", "1"),
    "error_fresh": (("task",), "loss of the clean task after as much training of new networks", "1"),
}
"""What is measured: dimensions beside setting, rate and seed; long name; units."""

_AFTER: dict[str, tuple[tuple[str, ...], str, str]] = {
    "regrown": (("task",), "share of weak units that clean training brings above the threshold again", "1"),
    "feature_after": (("task",), "mean feature after the clean task was trained, over units and all inputs", "1"),
    "feature_fresh": (("task",), "the same after as much training of new networks", "1"),
}
"""The same, only in the results of settings that are followed by clean training."""

REMOVED = tuple(np.round(np.linspace(0, 1, 11), 3).tolist())
"""Shares of units that are removed."""


def optimal_prediction(course: str, bits: int) -> tuple[float, float]:
    r"""Return the predictions with the least expected loss, :math:`E[y|x]`, at :math:`x_o` and elsewhere.

    .. math:: E[y|x_o] = \frac{q (1 - p) + (1 - q) 2^{-n} / 2}{q + (1 - q) 2^{-n}}

    for a fixed pair with probability :math:`q`, wrong with probability :math:`p`; elsewhere 1/2.

    Parameters
    ----------
    course
        A key of `COURSES`.
    bits
        Length :math:`n` of the strings.

    Examples
    --------
    >>> [round(value, 4) for value in optimal_prediction("pair", 8)]
    [0.9923, 0.5]
    """
    fixed, wrong = COURSES[course].fixed, COURSES[course].wrong
    rest = (1 - fixed) / 2**bits
    return (fixed * (1 - wrong) + rest / 2) / (fixed + rest), 0.5


def moments(steps: int) -> list[int]:
    """Return the steps at which a course is looked at: 0, four a decade from 10 on, and the last.

    Examples
    --------
    >>> moments(200)
    [0, 10, 18, 32, 56, 100, 178, 200]
    """
    grid = (round(10 ** (k / 4)) for k in range(4, 40))
    return [0, *(step for step in grid if step < steps), steps]


def pieces(config: Config) -> list[Config]:
    """Return one config for courses at one point, one for each other course, and one for each without noise."""

    def group(setting: Setting) -> str:
        if COURSES[setting.course].fixed == 1:
            return "labels"
        return setting.course if setting.noise else setting.name

    return [replace(config, settings=tuple(found)) for _, found in groupby(config.settings, group)]


def join_pieces(results: list[xr.Dataset]) -> xr.Dataset:
    """Put settings together; rates, seeds, steps and quantities that a setting has not are NaN."""
    first: dict[Any, xr.DataArray] = {}
    for result in results:
        for name in result.variables:
            first.setdefault(name, result[name])
    filled = []
    for result in results:
        missing = [name for name in first if name not in result.variables]
        shape = result["feature"].isel(step=0, drop=True)  # (setting, rate, seed)
        filled.append(result.assign({name: _nothing(shape, first[name]) for name in missing}))
    joined = xr.concat(filled, "setting", join="outer", combine_attrs="drop_conflicts")
    for name in joined.variables:
        joined[name].attrs = first[name].attrs
    return joined


def _nothing(shape: xr.DataArray, like: xr.DataArray) -> xr.DataArray:
    """Return NaN by setting, rate and seed, with the other dimensions of a quantity."""
    others = {dim: like[dim] for dim in like.dims if dim not in shape.dims}
    return xr.full_like(shape, np.nan).expand_dims(others).transpose(*like.dims)


def run(config: Config, *, device: torch.device, progress: Progress) -> xr.Dataset:
    """Train and look at the networks of every setting.

    Returns
    -------
    Dataset
        Dimensions ``setting``, ``rate``, ``seed`` and, for what is followed, ``step``: mean features, kernels, share of
        units that are off, predictions, loss. At the end, also by ``distance``, threshold ``lost_by``, clean ``task``,
        ``order`` and share ``removed``: what `_TABLE` and `_AFTER` name. ``steps`` of each setting. NaN where a setting
        has no such rate, seed or step, and for what is asked of noisy courses only.

    Raises
    ------
    ValueError
        If a setting has an unknown course or activation, or a course without noise has nothing to expect.
    """
    whole = sum(setting.steps * sum(count for _, count in setting.rates) for setting in config.settings)
    done = 0.0
    results = []
    for setting in config.settings:
        if setting.course not in COURSES:
            raise ValueError(f"There is no course {setting.course!r}: choose one of {', '.join(COURSES)}.")
        cost = setting.steps * sum(count for _, count in setting.rates) / whole

        def report(share: float, done: float = done, cost: float = cost, name: str = setting.name) -> None:
            progress(done + share * cost, name)

        results.append(_Run(config, setting, device).result(report))
        done += cost
    progress(1.0, "done")
    return join_pieces(results).assign_attrs(bits=config.bits, width=config.width, after=config.after)


class _Draws:
    """Random numbers of each member from its seed alone: a block of steps ahead, shape (step, member, 3)."""

    def __init__(self, seeds: Sequence[int], stream: int, device: torch.device) -> None:
        distinct = list(dict.fromkeys(seeds))
        self._generators = [torch.Generator().manual_seed(_STREAM * stream + seed) for seed in distinct]
        self._member = torch.tensor([distinct.index(seed) for seed in seeds])
        self._device = device

    def block(self) -> Tensor:
        drawn = [torch.rand(_BLOCK, 3, generator=each, dtype=torch.float64) for each in self._generators]
        return torch.stack(drawn, 1)[:, self._member].to(self._device)

    def __iter__(self) -> Iterator[Tensor]:
        while True:
            yield from self.block()


class _Run:
    """One setting: its networks, what they learn, and what is read from them."""

    def __init__(self, config: Config, setting: Setting, device: torch.device) -> None:
        self.config, self.setting, self.device = config, setting, device
        self.course = COURSES[setting.course]
        places = [(r, s) for r, (_, count) in enumerate(setting.rates) for s in range(min(count, len(config.seeds)))]
        self.place = tuple(np.array(places).T)
        self.seeds = [config.seeds[s] for _, s in places]
        self.rate = torch.tensor([setting.rates[r][0] for r, _ in places], dtype=torch.float64, device=device)
        self.inputs = bit_strings(config.bits, device)
        start = torch.stack([torch.rand((), generator=g) for g in _generators(self.seeds, 1)]).to(device)
        self.at = (start * len(self.inputs)).long()
        self.point = self.inputs[self.at]
        self.nets = self._fresh()
        self.point_training = PointTraining(self.nets, self.point) if self.course.fixed == 1 else None
        self.distance = hamming_distance(self.point[:, None], self.inputs)
        best, elsewhere = optimal_prediction(setting.course, config.bits)
        own = self.distance == 0
        self.best = elsewhere + (best - elsewhere) * own.double()
        self.weights = self.course.fixed * own + (1 - self.course.fixed) / len(self.inputs)
        self.found: dict[str, np.ndarray] = {}

    def _fresh(self) -> BitEncoders:
        return BitEncoders(
            self.seeds,
            activation=self.setting.activation,
            width=self.config.width,
            bits=self.config.bits,
            device=self.device,
        )

    def result(self, report: Callable[[float], None]) -> xr.Dataset:
        """Train, look, and return everything."""
        steps = self.setting.steps
        looks = moments(steps)
        self.on_at_first, self.size_at_first = self._at_first()
        rows = []
        training = self._training()
        taken = 0
        for moment in looks:
            for _ in range(moment - taken):
                next(training)
            taken = moment
            rows.append(self._look())
            report(0.9 * moment / steps)
        for name in rows[0]:
            self._put(name, torch.stack([row[name] for row in rows], -1))
        self._end()
        if self.course.fixed < 1 and self.setting.noise and self.config.after:
            self._clean_training()
        return self._dataset(looks)

    # -- training ----------------------------------------------------------------------------------------------------

    def _training(self) -> Iterator[None]:
        """Take one step each time it is asked."""
        if self.point_training is not None:
            return self._at_point(self.point_training)
        return self._drawn() if self.setting.noise else self._expected()

    def _at_point(self, training: PointTraining) -> Iterator[None]:
        if not self.setting.noise:
            target = torch.full_like(self.rate, 1 - self.course.wrong)
            while True:
                training.step(target, self.rate)
                yield
        for draw in _Draws(self.seeds, 2, self.device):
            training.step((draw[:, 0] >= self.course.wrong).double(), self.rate)
            yield

    def _drawn(self) -> Iterator[None]:
        for draw in _Draws(self.seeds, 2, self.device):
            fixed = draw[:, 0] < self.course.fixed
            which = torch.where(fixed, self.at, (draw[:, 2] * len(self.inputs)).long())
            label = torch.where(fixed, 1.0, (draw[:, 1] < 0.5).double())
            self.nets.step(self.inputs[which][:, None], label[:, None], self.rate)
            yield

    def _expected(self) -> Iterator[None]:
        while True:
            # network by network: 256 inputs at once of one are as much as the processor's cache holds
            for member in range(self.nets.members):
                rows = slice(member, member + 1)
                some = self.nets.select(rows)
                some.step(self.inputs, self.best[rows], self.rate[rows], self.weights[rows])
            yield

    # -- looking -----------------------------------------------------------------------------------------------------

    def _chunks(self) -> Iterator[tuple[slice, BitEncoders]]:
        return _chunked(self.nets)

    def _at_first(self) -> tuple[Tensor, Tensor]:
        """Which units are on at x_o, and the mean size of all features."""
        on = self.nets.drives(self.point[:, None])[:, 0] > 0
        size = [some.features(self.inputs).abs().mean((1, 2)) for _, some in self._chunks()]
        return on, torch.cat(size)

    def _look(self) -> dict[str, Tensor]:
        """Return what is followed, each of shape (member,)."""
        if self.point_training is not None:
            self.point_training.write()
        parts = [self._look_at(rows, some) for rows, some in self._chunks()]
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def _look_at(self, rows: slice, nets: BitEncoders) -> dict[str, Tensor]:
        # the drives once: this is where most of a short run's time goes
        function, slope = ACTIVATIONS[nets.activation]
        drives = nets.drives(self.inputs)
        features, gates = function(drives), slope(drives)
        logits = nets.logits_of(features)
        predicted = torch.sigmoid(logits)
        moved = (nets.readout[:, None].square() * gates.square()).sum(-1) * (self.config.bits + 1)
        kernel = 1 + features.square().sum(-1) + moved
        near = by_distance(predicted, self.distance[rows], self.config.bits)
        own = torch.arange(nets.members, device=self.device), self.at[rows]
        return {
            "feature": features.mean((1, 2)),
            "feature_at": features[own].mean(-1),
            "size": features.abs().mean((1, 2)),
            "kernel": kernel.mean(-1),
            "response": (kernel * sigmoid_slope(logits).square()).mean(-1),
            "off": (drives.amax(1) <= 0).double().mean(-1),
            "prediction_at": near[:, 0],
            "prediction_beside": near[:, 1],
            "excess": (self.weights[rows] * (predicted - self.best[rows]).square()).sum(-1),
        }

    def _end(self) -> None:
        """Read what is asked of the trained networks only."""
        parts = [self._end_of(rows, some) for rows, some in self._chunks()]
        for name in parts[0]:
            self._put(name, torch.cat([part[name] for part in parts]))

    def _end_of(self, rows: slice, nets: BitEncoders) -> dict[str, Tensor]:
        bits, distance, at = self.config.bits, self.distance[rows], self.at[rows]
        drives, features, gates = nets.drives(self.inputs), nets.features(self.inputs), nets.gates(self.inputs)
        predicted = nets.predict(self.inputs)
        profile = by_distance(predicted, distance, bits)
        variance = by_distance((predicted - profile.gather(1, distance)).square(), distance, bits)
        overlap = (bits - 2 * distance).double()
        kernel = tangent_kernel(features, gates, nets.readout, overlap, at)
        size = features.abs().mean(1)
        lost = torch.stack([drives.amax(1) <= 0, size < WEAK * self.size_at_first[rows, None]], 1)
        on = drives > 0
        on_at = on[torch.arange(nets.members, device=self.device), at][:, None]
        first = self.on_at_first[rows, None]
        found = {
            "profile": profile,
            "spread": variance.sqrt(),
            "kernel_profile": by_distance(kernel, distance, bits),
            "farthest": torch.where(distance >= 2, (predicted - 0.5).abs(), 0).amax(-1),
            "lost": lost.double().mean(-1),
            "living_at": _share(on_at, ~lost),
            "lost_own": _share(lost, first),
            "lost_others": _share(lost, ~first),
            "reach": (on.double().mean(1)[:, None] * ~lost).sum(-1) / (~lost).sum(-1),
        }
        if self.course.fixed < 1:
            found |= self._without(rows, nets, features, predicted, lost)
        return found

    def _without(
        self, rows: slice, nets: BitEncoders, features: Tensor, predicted: Tensor, lost: Tensor
    ) -> dict[str, Tensor]:
        """Remove units: those lost, as many at random, and more and more by size or at random."""
        width, draws = features.shape[-1], self.config.removals
        generators = _generators(self.seeds[rows], 4)
        chance = torch.stack([torch.rand(draws, width, generator=g, dtype=torch.float64) for g in generators])
        ranks = chance.to(self.device).argsort(-1).argsort(-1)  # (member, draw, unit)
        count = lost.sum(-1)  # (member, lost_by)
        at_random = ranks[:, None] < count[..., None, None]  # (member, lost_by, draw, unit)
        number = (torch.tensor(REMOVED, device=self.device) * width).round()
        weight = features.abs().mean(1) * nets.readout.abs()
        by_size = weight.argsort(-1).argsort(-1)[:, None] < number[:, None]  # (member, removed, unit)
        more = ranks[:, None] < number[:, None, None]  # (member, removed, draw, unit)

        def change(removed: Tensor) -> Tensor:
            """Change of the prediction, shape (member, ..., input), for units removed, (member, ..., unit)."""
            kept = (nets.readout.view(-1, *(1,) * (removed.ndim - 2), width) * ~removed).flatten(1, -2)
            logits = kept @ features.transpose(1, 2) + nets.offset[:, None, None]
            moved = torch.sigmoid(logits) - predicted[:, None]
            return moved.unflatten(1, removed.shape[1:-1])

        largest = change(lost).abs().amax(-1)
        largest_random = change(at_random).abs().amax(-1).mean(-1)
        some = count > 0  # where no unit is lost there is none to remove
        removal = torch.stack(
            [change(by_size).square().mean(-1).sqrt(), change(more).square().mean(-1).sqrt().mean(-1)], 1
        )
        return {
            "without_lost": torch.where(some, largest, torch.nan),
            "without_random": torch.where(some, largest_random, torch.nan),
            "removal": removal,
        }

    # -- clean training afterwards -----------------------------------------------------------------------------------

    def _clean_training(self) -> None:
        """Train copies, and new networks, on tasks without noise; count the units that come back."""
        off, weak, _ = self._losses(self.nets)
        found: dict[str, list[Tensor]] = {}
        for task in TASKS:
            trained, new = self.nets.copy(), self._fresh()
            for nets in (trained, new):
                self._learn(nets, task)
            still_off, still_weak, feature = self._losses(trained)
            values = {
                "revived": _share(~still_off, off),
                "regrown": _share(~still_weak, weak),
                "feature_after": feature,
                "feature_fresh": self._losses(new)[2],
                "error_after": self._error(trained, task),
                "error_fresh": self._error(new, task),
            }
            for name, value in values.items():
                found.setdefault(name, []).append(value)
        for name, by_task in found.items():
            self._put(name, torch.stack(by_task, 1))

    def _losses(self, nets: BitEncoders) -> tuple[Tensor, Tensor, Tensor]:
        """Return which units are off at every input and which are weak, (member, unit), and the mean feature."""
        parts = []
        for rows, some in _chunked(nets):
            features = some.features(self.inputs)
            weak = features.abs().mean(1) < WEAK * self.size_at_first[rows, None]
            parts.append((some.drives(self.inputs).amax(1) <= 0, weak, features.mean((1, 2))))
        off, small, mean = (torch.cat(part) for part in zip(*parts, strict=True))
        return off, small, mean

    def _majority(self) -> Tensor:
        """Whether most bits of each input are +1, the first bit deciding where as many are not."""
        return (self.inputs.sum(-1) + 0.5 * self.inputs[:, 0] > 0).double()

    def _learn(self, nets: BitEncoders, task: str) -> None:
        if task == "pair":
            training = PointTraining(nets, self.point)
            for _ in range(self.config.after):
                training.step(torch.ones_like(self.rate), self.rate)
            training.write()
            return
        labels, draws = self._majority(), iter(_Draws(self.seeds, 3, self.device))
        for _ in range(self.config.after):
            which = (next(draws)[:, 0] * len(self.inputs)).long()
            nets.step(self.inputs[which][:, None], labels[which][:, None], self.rate)

    def _error(self, nets: BitEncoders, task: str) -> Tensor:
        if task == "pair":
            return (1 - nets.predict(self.point[:, None])[:, 0]).square()
        target = self._majority()
        return torch.cat([(some.predict(self.inputs) - target).square().mean(-1) for _, some in _chunked(nets)])

    # -- what comes out ----------------------------------------------------------------------------------------------

    def _put(self, name: str, values: Tensor) -> None:
        """Keep values of shape (member, ...) by rate and seed."""
        table = np.full((len(self.setting.rates), len(self.config.seeds), *values.shape[1:]), np.nan, np.float32)
        table[self.place] = values.cpu().numpy()
        self.found[name] = table

    def _dataset(self, looks: list[int]) -> xr.Dataset:
        coords = {
            "rate": ("rate", [rate for rate, _ in self.setting.rates], _attrs("learning rate")),
            "seed": list(self.config.seeds),
            "step": ("step", looks, _attrs("step")),
            "distance": ("distance", np.arange(self.config.bits + 1), _attrs("Hamming distance from x_o")),
            "removed": ("removed", list(REMOVED), _attrs("share of units removed")),
            "lost_by": list(LOST),
            "order": list(ORDERS),
            "task": list(TASKS),
        }
        sizes = {name: len(value[1] if isinstance(value, tuple) else value) for name, value in coords.items()}
        variables: dict[str, Any] = {}
        table = _TABLE | {name: row for name, row in _AFTER.items() if name in self.found}
        for name, (dims, text, unit) in table.items():
            all_dims = ("rate", "seed", *dims)
            empty = np.full([sizes[dim] for dim in all_dims], np.nan, np.float32)
            variables[name] = (all_dims, self.found.get(name, empty), {"long_name": text, "units": unit})
        variables["steps"] = ((), self.setting.steps, _attrs("steps of the course"))
        return xr.Dataset(variables, coords=coords).expand_dims(setting=[self.setting.name])


def _attrs(long_name: str) -> dict[str, str]:
    return {"long_name": long_name, "units": "1"}


def _generators(seeds: Sequence[int], stream: int) -> list[torch.Generator]:
    """Return a generator for each, in the same state for equal seeds."""
    return [torch.Generator().manual_seed(_STREAM * stream + seed) for seed in seeds]


def _chunked(nets: BitEncoders) -> Iterator[tuple[slice, BitEncoders]]:
    for first in range(0, nets.members, _CHUNK):
        rows = slice(first, first + _CHUNK)
        yield rows, nets.select(rows)


def _share(these: Tensor, among: Tensor) -> Tensor:
    """Share of the units in `among` that are in `these`, over the last axis; nan where there is none."""
    return (these & among).sum(-1) / among.sum(-1).double()
