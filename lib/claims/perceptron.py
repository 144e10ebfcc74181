"""Judges of the claims about the perceptron: K1 to K4, on records of experiment ``perceptron``."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from lib.claims._judging import conclude, estimate, farthest, over_seeds, range_of, span
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.measures.statistics import Estimate, difference_interval, kendall_tau, seed_interval

NAMES = {"rosenblatt": "Rosenblatt", "logistic": "logistic"}


def settings(record: xr.Dataset, *dims: str) -> Iterator[tuple[str, xr.Dataset]]:
    """Yield every setting of a record by name, with both kinds of labels in it.

    `dims` names a further axis to go through: ``"range"``.

    Examples
    --------
    >>> record = xr.Dataset(coords={"task": ["digits pairs"], "rule": ["logistic"], "rate": [0.5]})
    >>> [name for name, _ in settings(record)]
    ['digits pairs, logistic, rate 0.5']
    """
    for task in record["task"].values:
        for rule in record["rule"].values:
            for rate in record["rate"].values:
                chosen = record.sel(task=task, rule=rule, rate=rate)
                name = f"{task}, {NAMES[rule]}, rate {rate:g}"
                if "range" not in dims:
                    yield name, chosen
                    continue
                for epochs in record["range"].values:
                    yield f"{name}, epochs {epochs}", chosen.sel(range=epochs)


@judge("K1", experiment="perceptron")
def walks_at_random(record: xr.Dataset) -> Judgement:
    """A random walk spreads with exponent 1, and its variance ratio is 1 in all but a few weights."""
    conditions, null, shuffled = [], [], []
    beside = beside_surrogates(record)
    for name, chosen in settings(record, "range"):
        true, other = chosen.sel(labels="true"), chosen.sel(labels="shuffled")
        exponent = estimate(over_seeds(true["exponent"]))
        if exponent is None:
            conditions.append(
                Condition(
                    name,
                    0.0,
                    seeds=int(record.sizes["seed"]),
                    passes=False,
                    note="every walk had stopped: no steps at all",
                )
            )
            continue
        rejected = seed_interval(over_seeds(true["rejected_ratio_path"]))
        control = seed_interval(over_seeds(other["exponent"]))
        control_rejected = seed_interval(over_seeds(other["rejected_ratio_path"]))
        surrogate, difference = _beside_surrogate(true)
        null.append(float(surrogate.mean))
        low, high = span(difference)
        shuffled.append(float(control.mean))
        conditions.append(
            Condition.measured(
                name,
                exponent,
                control=control,
                passes=_is_random_walk(exponent, rejected),
                holds_in_control=_is_random_walk(control, control_rejected),
                note=f"variance ratio rejects {float(rejected.mean):.0%} of the moving weights; "
                f"exponent of the random-sign surrogate {null[-1]:.2f}, "
                f"difference to it {float(difference.mean):+.3f} ({low:+.3f} to {high:+.3f})",
            )
        )
    moving = [condition for condition in conditions if condition.interval]
    worst = farthest(moving, 1.0)
    passing = sum(condition.passes is True for condition in conditions)
    return conclude(
        worst,
        conditions,
        measure=f"exponent of displacement against lag, farthest from 1 ({worst.name})",
        control=f"same steps with random signs: exponent {range_of(null)}, {beside['pass']} of {beside['settings']} "
        f"pass both tests; random labels: {range_of(shuffled)}",
        text=f"{passing} of {len(conditions)} settings look like a random walk to both tests. Exponents run from "
        f"{range_of([c.effect for c in moving])}: steps are partly undone (below 1) or add up to a drift (above 1). "
        f"Of the same steps with random signs, random walks by construction, {beside['pass']} of {beside['settings']} "
        "pass: where steps shrink, the exponent of a random walk lies below 1 too. Against its own surrogate (interval "
        f"of the difference) the exponent is lower in {beside['lower']} settings and higher in {beside['higher']}.",
    )


def beside_surrogates(record: xr.Dataset) -> dict[str, int]:
    """Count what calibrates the test of K1: walks with the very same steps and random signs, put to it as well.

    Returns
    -------
    dict
        Number of ``"settings"`` in which anything moves; of these, those whose surrogates ``"pass"`` the test of a
        random walk, and those whose exponent is ``"lower"`` or ``"higher"`` than their surrogates', beyond the interval
        of the difference.

    Examples
    --------
    >>> dims = ("task", "rule", "rate", "labels", "range", "seed")
    >>> values = np.ones((1, 1, 1, 1, 1, 5))
    >>> names = {"exponent": 0.6, "exponent_surrogate": 1.0, "rejected_ratio_surrogate": 0.05}
    >>> record = xr.Dataset({name: (dims, value * values) for name, value in names.items()})
    >>> axes = {"task": ["digits pairs"], "rule": ["logistic"], "rate": [0.5], "labels": ["true"], "range": ["0-1"]}
    >>> beside_surrogates(record.assign_coords(axes))
    {'settings': 1, 'pass': 1, 'lower': 1, 'higher': 0}
    """
    found = {"settings": 0, "pass": 0, "lower": 0, "higher": 0}
    for _, chosen in settings(record, "range"):
        true = chosen.sel(labels="true")
        if estimate(over_seeds(true["exponent"])) is None:
            continue
        surrogate, difference = _beside_surrogate(true)
        rejected = seed_interval(over_seeds(true["rejected_ratio_surrogate"]))
        low, high = span(difference)
        found["settings"] += 1
        found["pass"] += _is_random_walk(surrogate, rejected) is True
        found["lower"] += high < 0
        found["higher"] += low > 0
    return found


def _beside_surrogate(true: xr.Dataset) -> tuple[Estimate, Estimate]:
    """Exponent of the random-sign surrogates, and how far that of their walks lies from it, seed by seed."""
    surrogate, walk = true["exponent_surrogate"], true["exponent"]
    return seed_interval(over_seeds(surrogate)), seed_interval(over_seeds(walk - surrogate))


def _is_random_walk(exponent: Estimate, rejected: Estimate) -> bool | None:
    low, high = span(exponent)
    diffusive = low <= 1 <= high
    few = lies(span(rejected), high=0.1)
    if not diffusive or few is False:
        return False
    return few


@judge("K2", experiment="perceptron")
def is_transported(record: xr.Dataset) -> Judgement:
    """The distance to the start must rise and that to the end fall, from epoch to epoch."""
    conditions, control_taus, straight, floors = [], [], [], []
    for name, chosen in settings(record):
        taus = {}
        for labels in ("true", "shuffled"):
            curves = chosen.sel(labels=labels)
            start, end = (curves[w].transpose("seed", "epoch").values for w in ("w1_start", "w1_end"))
            epochs = np.broadcast_to(curves["epoch"].values, start.shape)
            taus[labels] = np.minimum(kendall_tau(epochs, start), -kendall_tau(epochs, end))
        true, control = (seed_interval(np.nan_to_num(taus[kind])) for kind in ("true", "shuffled"))
        straight.append(float(over_seeds(chosen["straightness"].sel(labels="true")).mean()))
        floors.append(float((chosen["w1_halves"] / chosen["w1_start"].isel(epoch=-1)).sel(labels="true").mean()))
        control_taus.append(float(control.mean))
        conditions.append(
            Condition.measured(
                name,
                true,
                control=control,
                passes=lies(span(true), low=0.8),
                holds_in_control=lies(span(control), low=0.8),
                note=f"length of the way over net distance {straight[-1]:.2f}; two halves of the final weights lie "
                f"{floors[-1]:.0%} of the net distance apart",
            )
        )
    worst = farthest(conditions, 1.0)
    return conclude(
        worst,
        conditions,
        measure=f"smaller of the rank correlations of epoch with distance to the start and, negated, to the end "
        f"(weakest: {worst.name})",
        control=f"random labels: {range_of(control_taus)}",
        text=f"{sum(c.passes is True for c in conditions)} of {len(conditions)} settings move away from the start and "
        f"towards the end all the way; the way is {range_of(straight, 1)} times as long as the net distance "
        "(1 would be straight).",
    )


@judge("K3", experiment="perceptron")
def mean_squared_step_falls(record: xr.Dataset) -> Judgement:
    """The mean squared step of the last epoch against that of the first, and what is left without the mistakes."""
    conditions, left, null = [], [], []
    for name, chosen in settings(record):
        first, last = chosen["msd"].isel(epoch=0), chosen["msd"].isel(epoch=-1)
        ratio = last.mean("output") / first.mean("output")
        true, control = (ratio.sel(labels=kind).values for kind in ("true", "shuffled"))
        effect, other = seed_interval(true), seed_interval(control)
        norm = chosen["driving_norm"].sel(labels="true")
        rest = over_seeds(norm.isel(epoch=-1) / norm.isel(epoch=0))
        left += [float(rest.mean())] if len(rest) else []
        null.append(float(other.mean))
        conditions.append(
            Condition.measured(
                name,
                effect,
                control=other,
                difference=difference_interval(true, control),
                passes=_falls(effect),
                holds_in_control=_falls(other),
                note=f"divided by rate^2 x mean squared drive: {rest.mean():.2f}"
                if len(rest)
                else "no mistake is left in the last epoch, hence nothing to divide by",
            )
        )
    worst = max(conditions, key=lambda condition: condition.effect)
    return conclude(
        worst,
        conditions,
        measure=f"mean squared step of the last epoch over that of the first, largest of all settings ({worst.name})",
        control=f"random labels: {range_of(null)}",
        text="The step falls because mistakes become rare: after dividing by the learning rate squared and the mean "
        f"squared drive (for Rosenblatt's rule the share of mistakes), {range_of(left)} of the first epoch's value is "
        "left. It is the training error in another unit.",
    )


def _falls(ratio: Estimate) -> bool | None:
    """Mean below 0.5 and upper end below 1; undecided where the interval contains the threshold."""
    if float(ratio.mean) < 0.5 and span(ratio)[1] < 1:
        return True
    return False if span(ratio)[0] >= 0.5 else None


@judge("K4", experiment="perceptron")
def augmented_dickey_fuller(record: xr.Dataset) -> Judgement:
    """Share of moving weights whose unit root is rejected, on the path and on the displacement.

    The text's "weight displacement" is read as that of one step; that from the start is the path.
    """
    conditions, path, size, moved, random = [], [], [], [], []
    for name, chosen in settings(record, "range"):
        true, shuffled = chosen.sel(labels="true"), chosen.sel(labels="shuffled")
        rejected = estimate(over_seeds(true["rejected_adf_path_bootstrap"]))
        if rejected is None:
            continue
        control = seed_interval(over_seeds(shuffled["rejected_adf_path_bootstrap"]))
        textbook = float(over_seeds(true["rejected_adf_path"]).mean())
        path.append(float(rejected.mean))
        random.append(float(control.mean))
        size.append(float(over_seeds(true["rejected_adf_surrogate"]).mean()))
        conditions.append(
            Condition.measured(
                f"path, {name}",
                rejected,
                control=control,
                passes=lies(span(rejected), low=0.05),
                holds_in_control=lies(span(control), low=0.05),
                note=f"by textbook p-values {textbook:.0%} of the weights, and {size[-1]:.0%} of the surrogates",
            )
        )
    for task in record["task"].values:
        shares = record["rejected_adf_displacement"].sel(task=task, labels="true")
        displacement = seed_interval(over_seeds(shares.mean(("rule", "rate", "range"))))
        moved.append(float(displacement.mean))
        conditions.append(
            Condition.measured(
                f"displacement, {task}, mean over rules, rates and ranges",
                displacement,
                passes=lies(span(displacement), high=0.95),
                note="the displacement of a pure random walk is rejected always, so a share near 1 says nothing",
            )
        )
    worst = max((c for c in conditions if c.name.startswith("path")), key=lambda condition: condition.effect)
    more = sum(control > true for control, true in zip(random, path, strict=True))
    return conclude(
        worst,
        conditions,
        measure="share of moving weights whose path rejects a unit root against random-sign surrogates, largest "
        f"({worst.name})",
        control=f"random labels, calibrated as well: {range_of(random)} rejected; random-sign surrogates by textbook "
        f"p-values: {range_of(size)} (nominal 0.05)",
        text="The text gives no result. On the displacement of one step, as we read it, the test rejects "
        f"{range_of(moved)} of the weights, as it does for any random walk, so it cannot answer. On the path, which is "
        f"the displacement from the start, it rejects {range_of(path)} when calibrated on surrogates. The control is "
        f"random labels: {range_of(random)}, more than with true ones in {more} of {len(path)} settings.",
    )
