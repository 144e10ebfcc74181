"""Judges of the claims about complexity, error and accuracy: K6, K20 to K22, on records of ``deep_mlp``.

Choices made before any record of the text's size was seen are those of `lib.claims.complexity_plane`: every binning
rule of the record is a condition, at 256 bins, complexity is that of the hidden matrices, random labels are the null.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from lib.claims._deep_network import BINS, TEXT, complexity, curve, each_rule, other_bins, turn
from lib.claims._judging import TINY, all_of, conclude, farthest, passing, range_of, span
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.experiments.networks import hidden_layers, one_network
from lib.measures.curves import fall_after, knee, partial_tau, running_mean
from lib.measures.statistics import difference_interval, kendall_tau, seed_interval

# ---------------------------------------------------------------------------------------------------------------------
# K20 to K22: the error


ERRORS = {"train_error": "dropout on", "train_off_error": "dropout off"}
"""Training errors: while learning, from epoch 1 on, and on train images with dropout off, from epoch 0 on."""


@judge("K20", experiment="deep_mlp")
def error_falls_early(record: xr.Dataset) -> Judgement | None:
    """The knee of the training error lies at epoch 10 or before, and less than 10 % of its fall comes after.

    With dropout on, the fall starts from the mean over epoch 1, for the error while learning has no epoch 0.
    """
    conditions = []
    for name in TEXT:
        chosen = one_network(record, name)
        if chosen is None or int(chosen["epoch"].values[-1]) <= 10:
            continue
        for variable, how in ERRORS.items():
            error = curve(chosen, variable)
            knees, rest = seed_interval(knee(error)), seed_interval(fall_after(error, 10))
            conditions.append(
                Condition.measured(
                    f"{name}, {how}",
                    knees,
                    passes=all_of(lies(span(knees), high=10), lies(span(rest), high=0.1)),
                    note=f"fall after epoch 10: {float(rest.mean):.1%} of the total",
                )
            )
    if not conditions:
        return None
    worst = max(conditions, key=lambda condition: condition.effect)
    return conclude(
        worst,
        conditions,
        record=record,
        needed=TEXT,
        measure=f"epoch by which 90 % of the training error's fall is made, latest ({worst.name})",
        control="none is named: the statement is about the error itself",
        text=f"{passing(conditions)} have their knee by epoch 10 and less than 10 % of the fall after it; knees lie at "
        f"epochs {range_of([c.effect for c in conditions], 0)}.",
    )


@judge("K21", experiment="deep_mlp")
def turn_coincides_with_knee(record: xr.Dataset) -> Judgement | None:
    """The peak of C and the knee of the training error lie within 3 epochs of each other, where C turns back at all.

    The controls are conditions of their own: without weight decay and at half the rate both must move together, so the
    lag of peak behind knee may differ by 3 epochs at most from that of the text's network, and C must turn back.
    """
    conditions: list[Condition] = []
    lags: dict[tuple[str, str, str], np.ndarray] = {}
    for name in (*TEXT, *(f"MNIST, {kind}" for kind in ("no weight decay", "half rate"))):
        for _, chosen, rule in each_rule(record, [name]):
            turned = turn(complexity(chosen, rule))
            for variable, how in ERRORS.items():
                knees = knee(curve(chosen, variable))
                lag = turned.epoch - knees
                lags[name, rule, how] = lag
                base = None if name in TEXT else lags.get(("MNIST", rule, how))
                if name not in TEXT and base is None:
                    continue
                effect = seed_interval(lag) if base is None else difference_interval(lag, base, paired=False)
                known = bool(np.isfinite(lag).all())
                conditions.append(
                    Condition.measured(
                        f"{name}, {rule}, {how}" + ("" if base is None else ", lag against MNIST's"),
                        effect,
                        passes=(lies(span(effect), -3, 3) if known and turned.interior else False),
                        note=f"knee at {float(np.mean(knees)):.1f}; {turned}",
                    )
                )
    conditions = [condition for condition in conditions if np.isfinite(condition.effect)]
    moved = [c for c in conditions if c.name.endswith("MNIST's")]
    own = [c for c in conditions if c not in moved]
    if not own:
        return None
    worst = farthest(own, 0.0)
    return conclude(
        worst,
        conditions,
        record=record,
        needed=[*TEXT, "MNIST, no weight decay", "MNIST, half rate"],
        measure=f"epoch of the peak of C less that of the knee, farthest from 0 ({worst.name})",
        control=f"without weight decay and at half the rate, peak and knee move together in {passing(moved)}"
        if moved
        else "no weight decay, half rate: not run",
        text=f"{passing(own)} have both within 3 epochs; the lag is {range_of([c.effect for c in own], 1)} epochs.",
    )


def _falls(chosen: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Epochs from 2 on, and by how much the error with dropout on fell in each."""
    return chosen["epoch"].values[2:], -np.diff(curve(chosen, "train_error")[:, 1:], axis=-1)


def _slowing(chosen: xr.Dataset, rule: str, bins: int = BINS) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Correlate fall per epoch with distance to the peak of C: plain, given the epoch, and with distance in epochs."""
    epochs, falls = _falls(chosen)
    curves = running_mean(complexity(chosen, rule, bins=bins))
    distance = (curves.max(axis=-1, keepdims=True) - curves)[:, 1:]
    between = (distance[:, 1:] + distance[:, :-1]) / 2  # over the epoch in which the error falls
    away = np.abs(epochs - 0.5 - curves.argmax(axis=-1)[:, None])
    plain, given, far = kendall_tau(falls, between), partial_tau(falls, between, epochs), kendall_tau(falls, away)
    return np.nan_to_num(plain), np.nan_to_num(given), np.nan_to_num(far)


def _slows(plain: np.ndarray, given: np.ndarray) -> bool | None:
    return all_of(*(lies(span(seed_interval(tau)), high=-TINY) for tau in (plain, given)))


@judge("K22", experiment="deep_mlp")
def error_falls_slowly_away_from_the_peak(record: xr.Dataset) -> Judgement | None:
    """Fall of the training error per epoch against how far C lies below its peak: tau < 0, and < 0 given the epoch.

    Error with dropout on. The distance to the peak of C is that of its running mean, averaged over both ends of the
    epoch. Any monotone curve would do for the plain correlation, so the partial one must clear 0 as well.
    """
    conditions, partials = [], []
    for name, chosen, rule in each_rule(record):
        if chosen.sizes["epoch"] < 5:
            continue
        plain, given, far = _slowing(chosen, rule)
        effect = seed_interval(plain)
        partials.append(float(given.mean()))
        null = one_network(record, f"{name}, random labels")
        other = None if null is None else _slowing(null, rule)
        notes = [f"given the epoch {partials[-1]:.2f}", f"with the distance in epochs {far.mean():.2f}"]
        notes += [f"{bins} bins {_slowing(chosen, rule, bins)[0].mean():.2f}" for bins in other_bins(chosen)]
        conditions.append(
            Condition.measured(
                f"{name}, {rule}",
                effect,
                control=None if other is None else seed_interval(other[0]),
                difference=None if other is None else difference_interval(plain, other[0], paired=False),
                passes=_slows(plain, given),
                holds_in_control=None if other is None else _slows(*other[:2]) is True,
                note="; ".join(notes),
            )
        )
    if not conditions:
        return None
    worst = max(conditions, key=lambda condition: condition.effect)
    nulls = [c.control for c in conditions if c.control is not None]
    return conclude(
        worst,
        conditions,
        record=record,
        needed=[*TEXT, "MNIST, random labels"],
        measure=f"tau of the error's fall per epoch with the distance of C to its peak, highest ({worst.name})",
        control=f"random labels: {range_of(nulls)}" if nulls else "random labels were not run",
        text=f"{passing(conditions)} have both correlations below 0: tau is "
        f"{range_of([c.effect for c in conditions])}, given the epoch {range_of(partials)}.",
    )


# ---------------------------------------------------------------------------------------------------------------------
# K6: complexity and accuracy


def _taus(chosen: xr.Dataset, rule: str) -> tuple[np.ndarray, np.ndarray]:
    """Correlate C with test accuracy over epochs, plain and given the epoch, one number a seed."""
    accuracy, curves = -curve(chosen, "test_error"), complexity(chosen, rule)
    epochs = chosen["epoch"].values
    return np.nan_to_num(kendall_tau(curves, accuracy)), np.nan_to_num(partial_tau(curves, accuracy, epochs))


def _over_seeds(chosen: xr.Dataset, rule: str) -> np.ndarray:
    """Correlate C with accuracy over seeds, mean over layers and epochs; a pseudo-value per seed, by the jackknife."""
    values = complexity(chosen, rule, hidden_layers(chosen))[..., 1:]
    accuracy = -curve(chosen, "test_error")[:, None, 1:]

    def mean_tau(kept: np.ndarray) -> float:
        tau = kendall_tau(np.moveaxis(values[kept], 0, -1), np.moveaxis(accuracy[kept], 0, -1))
        return float(np.nan_to_num(tau).mean())

    seeds = np.arange(len(values))
    whole = mean_tau(seeds)
    return np.array([len(seeds) * whole - (len(seeds) - 1) * mean_tau(np.delete(seeds, each)) for each in seeds])


@judge("K6", experiment="deep_mlp")
def complexity_shows_accuracy(record: xr.Dataset) -> Judgement | None:
    """Tau of C with test accuracy above 0, over epochs and, within an epoch, over seeds.

    Over epochs it is "true but not because of learning" if random labels pass too, or if nothing is left given the
    epoch: two curves that rise are correlated whatever they are. Over seeds the layers' correlations are averaged over
    layers and epochs; from 4 seeds on, with the jackknife's interval: that is on the ten seeds of the network 6 x 256.
    """
    conditions, partials = [], []
    for name, chosen, rule in each_rule(record):
        if chosen.sizes["epoch"] < 3:
            continue
        plain, given = _taus(chosen, rule)
        effect, partial = seed_interval(plain), seed_interval(given)
        partials.append(float(partial.mean))
        null = one_network(record, f"{name}, random labels")
        other = None if null is None else seed_interval(_taus(null, rule)[0])
        trend = lies(span(partial), low=TINY) is not True
        conditions.append(
            Condition.measured(
                f"{name}, {rule}, over epochs",
                effect,
                control=other,
                passes=lies(span(effect), low=TINY),
                holds_in_control=trend or (other is not None and lies(span(other), low=TINY) is True),
                note=f"given the epoch {partials[-1]:.2f}",
            )
        )
    for name, chosen, rule in each_rule(record, [*TEXT, "MNIST, 6 x 256"]):
        if chosen.sizes["seed"] >= 4:  # leaving one out must leave three
            effect = seed_interval(_over_seeds(chosen, rule))
            conditions.append(
                Condition.measured(
                    f"{name}, {rule}, over seeds", effect, passes=lies(span(effect), low=TINY), note="mean over layers"
                )
            )
    if not partials:
        return None
    worst = min(conditions, key=lambda condition: condition.effect)
    nulls = [c.control for c in conditions if c.control is not None]
    return conclude(
        worst,
        conditions,
        record=record,
        needed=[*TEXT, "MNIST, random labels", "MNIST, 6 x 256"],
        measure=f"tau of C with test accuracy, smallest ({worst.name})",
        control=(f"random labels: {range_of(nulls)}; " if nulls else "") + f"given the epoch: {range_of(partials)}",
        text=f"{passing(conditions)} have a correlation above 0, from {range_of([c.effect for c in conditions])}.",
    )
