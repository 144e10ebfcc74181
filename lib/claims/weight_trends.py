"""Judges of the claims about how entropy and complexity go along training: B4, B5 and B7, on ``weight_evolution``.

Choices that hold for all of them are in `lib.claims._evolution`.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import xarray as xr

from lib.claims._evolution import (
    BINS,
    RANDOM,
    above,
    by_rule,
    each_rule,
    found_networks,
    layers,
    needed,
    places,
    sensitivity,
    tenth,
    title,
)
from lib.claims._judging import TINY, conclude, range_of, span
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.experiments.networks import one_network
from lib.experiments.weight_statistics import cells
from lib.measures.complexity import gaussian_curve
from lib.measures.statistics import Estimate, difference_interval, kendall_tau, seed_interval


def _difference(values: np.ndarray, data: xr.Dataset, control_values: np.ndarray, control: xr.Dataset) -> Estimate:
    """Difference to a control, seed by seed where both have the same."""
    paired = np.array_equal(data["seed"].values, control["seed"].values)
    return difference_interval(values, control_values, paired)


def _taus(data: xr.Dataset, quantity: str, rule: str, bins: int = BINS, every: int | None = None) -> np.ndarray:
    """Rank correlation with the snapshot, shape (layer, seed); 0 where nothing varies."""
    values = places(data, rule, bins)[quantity][..., :: every or tenth(data)]
    tau = kendall_tau(np.arange(values.shape[-1]), values)
    return np.nan_to_num(tau).T


# ---------------------------------------------------------------------------------------------------------------------
# B4, B5: entropy falls, complexity rises


@judge("B4", experiment="weight_evolution")
def entropy_decreases(record: xr.Dataset) -> Judgement | None:
    """Rank correlation of entropy with the snapshot, in each layer; random labels are the control."""
    if not found_networks(record):
        return None
    conditions, control = _trends(record, "H", high=-0.8)
    worst = max(conditions, key=lambda condition: condition.effect)
    return conclude(
        worst,
        conditions,
        record=record,
        needed=needed(record, RANDOM),
        measure=f"rank correlation of entropy with the snapshot, weakest ({worst.name})",
        control=control,
        text="Entropy falls from snapshot to snapshot, with a rank correlation below -0.8, by rule "
        f"{by_rule(conditions)}." + sensitivity(record, lambda data: _trends_pass(data, "H", high=-0.8)),
    )


@judge("B5", experiment="weight_evolution")
def complexity_increases(record: xr.Dataset) -> Judgement | None:
    """Rank correlation of normalised complexity with the snapshot, in each layer; random labels are the control.

    The one-parameter family is the Gaussian, cut off where the bins end: it has one complexity for each entropy. How
    far the measured one lies from it says whether C tells anything that H does not.
    """
    if not found_networks(record):
        return None
    conditions, control = _trends(record, "c", low=0.8)
    worst = min(conditions, key=lambda condition: condition.effect)
    away = []
    for _, data, rule in each_rule(record):
        place, curve = places(data, rule), gaussian_curve(cells(rule, BINS))
        away.append(float(np.abs(place["c"] - np.interp(place["h"], curve.h, curve.c)).max()))
    return conclude(
        worst,
        conditions,
        record=record,
        needed=needed(record, RANDOM),
        measure=f"rank correlation of normalised complexity with the snapshot, weakest ({worst.name})",
        control=f"{control}; Gaussians of equal entropy: C at most {range_of(away, 3)} away, by data set and rule",
        text="Complexity rises from snapshot to snapshot, with a rank correlation above 0.8, by rule "
        f"{by_rule(conditions)}." + sensitivity(record, lambda data: _trends_pass(data, "c", low=0.8)),
    )


def _trends(
    record: xr.Dataset, quantity: str, low: float = -math.inf, high: float = math.inf
) -> tuple[list[Condition], str]:
    """Conditions of a trend, one for each data set, layer and rule, and what the control gave."""
    conditions, random = [], []
    for name, data, rule in each_rule(record):
        control = one_network(record, f"{name}, {RANDOM}")
        taus, hundred = _taus(data, quantity, rule), _taus(data, quantity, rule, every=1)
        others = {int(bins): _taus(data, quantity, rule, int(bins)) for bins in data["bins"].values if bins != BINS}
        for number, layer in enumerate(layers(data)):
            effect = seed_interval(taus[number])
            other = difference = None
            if control is not None:
                null = _taus(control, quantity, rule)[number]
                other, difference = seed_interval(null), _difference(taus[number], data, null, control)
                random.append(float(other.mean))
            note = f"all snapshots {hundred[number].mean():z.2f}" + "".join(
                f"; {bins} bins {tau[number].mean():z.2f}" for bins, tau in others.items()
            )
            conditions.append(
                Condition.measured(
                    f"{name}, {title(layer)}, {rule}",
                    effect,
                    control=other,
                    difference=difference,
                    passes=lies(span(effect), low, high),
                    holds_in_control=None if other is None else lies(span(other), low, high),
                    note=note,
                )
            )
    held = sum(condition.holds_in_control is True for condition in conditions)
    said = (
        f"random labels: {range_of(random)}, passed in {held} of {len(random)}"
        if random
        else "random labels were not run"
    )
    return conditions, said


def _trends_pass(data: xr.Dataset, quantity: str, low: float = -math.inf, high: float = math.inf) -> list[bool | None]:
    """Whether a trend is seen in a network, by rule and layer."""
    taus = np.stack([_taus(data, quantity, str(rule)) for rule in data["rule"].values])
    return [lies(span(seed_interval(each)), low, high) for each in taus.reshape(-1, taus.shape[-1])]


# ---------------------------------------------------------------------------------------------------------------------
# B7: complexity and performance


@judge("B7", experiment="weight_evolution")
def reflects_performance(record: xr.Dataset) -> Judgement | None:
    """Rank correlation of normalised complexity with test accuracy: over snapshots, and within one over seeds.

    The row names no threshold: the sign decides, so the interval has to lie above 0. Over snapshots one number a seed;
    the control asks whether C rises (with the snapshot) under random labels too, where nothing can generalise. Within a
    snapshot one number in all, the mean over the moments after the first; its interval is that of the permutations of
    seeds, all snapshots alike, and needs five seeds to decide anything.
    """
    if not found_networks(record):
        return None
    over, within, random = [], [], []
    for name, data, rule in each_rule(record):
        control = one_network(record, f"{name}, {RANDOM}")
        every = tenth(data)
        accuracy = 1 - data["test_error"].transpose("seed", "snapshot").values[:, ::every].astype(np.float64)
        place = places(data, rule)
        for number, layer in enumerate(layers(data)):
            complexity, entropy = (place[key][:, number, ::every] for key in ("c", "H"))
            tau = seed_interval(np.nan_to_num(kendall_tau(complexity, accuracy)))
            other = None if control is None else seed_interval(_taus(control, "c", rule)[number])
            random += [] if other is None else [float(other.mean)]
            of_entropy = float(np.nan_to_num(kendall_tau(entropy, accuracy)).mean())
            over.append(
                Condition.measured(
                    f"over snapshots, {name}, {title(layer)}, {rule}",
                    tau,
                    control=other,
                    passes=above(tau, TINY),
                    holds_in_control=None if other is None else above(other, TINY),
                    note=f"the same for entropy {of_entropy:.2f}",
                )
            )
            if tau.n > 1:
                within.append(
                    _within(f"over seeds, {name}, {title(layer)}, {rule}", complexity[:, 1:], accuracy[:, 1:])
                )
    conditions = [*over, *within]
    worst = min(over, key=lambda condition: condition.effect)
    passing = f"{sum(c.passes is True for c in over)} of {len(over)}"
    return conclude(
        worst,
        conditions,
        record=record,
        needed=needed(record, RANDOM),
        measure=f"rank correlation of complexity with test accuracy over snapshots, weakest ({worst.name})",
        control=f"random labels, complexity with the snapshot: {range_of(random)}"
        if random
        else "random labels were not run",
        text=f"Over snapshots complexity and accuracy rise together in {passing} cases. "
        + (
            f"Under random labels complexity rises in {sum(c.holds_in_control is True for c in over)}, though nothing "
            "generalises. "
            if random
            else ""
        )
        + (
            f"Within a snapshot, over seeds, {sum(c.passes is True for c in within)} of {len(within)} are above chance."
            if within
            else "One seed says nothing about differences between seeds."
        ),
    )


def _within(name: str, complexity: np.ndarray, accuracy: np.ndarray) -> Condition:
    """Mean rank correlation over seeds within a snapshot, from arrays (seed, snapshot), against permuted seeds."""
    seeds = len(complexity)
    if seeds <= 6:
        orders = np.array(list(itertools.permutations(range(seeds))))
    else:
        generator = np.random.default_rng(0)
        orders = np.argsort(generator.random((1000, seeds)), axis=1)
        orders[0] = np.arange(seeds)
    taus = np.nan_to_num(kendall_tau(complexity.T, accuracy[orders].transpose(0, 2, 1))).mean(-1)
    effect = float(taus[0])
    # the widest 5 % of the permutations; of fewer than 20, not even the most extreme is that rare
    if len(taus) * 0.05 >= 2:
        margin = float(np.sort(np.abs(taus))[-math.ceil(0.05 * len(taus))])
        interval = (effect - margin, effect + margin)
        passes, note = lies(interval, low=TINY), f"chance: within {margin:.2f} of 0"
    else:
        interval, passes, note = None, None, "too few seeds for a test by permutation"
    return Condition(name, effect, interval, seeds=seeds, passes=passes, note=note)
