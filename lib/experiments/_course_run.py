"""Networks of one setting go through a course of noise, and are looked at: the run behind the loss of features."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from lib.data.bits import bit_strings, hamming_distance
from lib.experiments.noise_courses import (
    COURSES,
    LOST,
    ORDERS,
    REMOVED,
    TASKS,
    WEAK,
    Config,
    Setting,
    moments,
    optimal_prediction,
)
from lib.measures.response import by_distance, sigmoid_slope, tangent_kernel
from lib.models.bit_encoder import ACTIVATIONS, BitEncoders, PointTraining

_BLOCK = 1_000  # steps whose draws are made ahead
_CHUNK = 16  # networks that are looked at together, for the sake of memory
_STREAM = 1_000_003  # apart from the seeds of the initial weights

MEASURED: dict[str, tuple[tuple[str, ...], str, str]] = {
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

MEASURED_AFTER: dict[str, tuple[tuple[str, ...], str, str]] = {
    "regrown": (("task",), "share of weak units that clean training brings above the threshold again", "1"),
    "feature_after": (("task",), "mean feature after the clean task was trained, over units and all inputs", "1"),
    "feature_fresh": (("task",), "the same after as much training of new networks", "1"),
}
"""The same, only in the results of settings that are followed by clean training."""


class Draws:
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


class CourseRun:
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
        for draw in Draws(self.seeds, 2, self.device):
            training.step((draw[:, 0] >= self.course.wrong).double(), self.rate)
            yield

    def _drawn(self) -> Iterator[None]:
        for draw in Draws(self.seeds, 2, self.device):
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
        labels, draws = self._majority(), iter(Draws(self.seeds, 3, self.device))
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
        table = MEASURED | {name: row for name, row in MEASURED_AFTER.items() if name in self.found}
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
