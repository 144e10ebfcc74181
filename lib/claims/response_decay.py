"""Judges of how the training response decays: N1 to N3, N9 and N11, on records of ``training_response``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy.special import expit

from lib.claims import _response as shared
from lib.claims._judging import TINY, all_of, conclude, farthest, passing, range_of, span
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.measures.decay import fit_decay
from lib.measures.statistics import Estimate, difference_interval, kendall_tau, seed_interval

SPREAD = 0.05
"""Spread of exponents below which they are the same."""

CONSTANT = 0.05
"""Size of the logarithmic slope below which a curve is constant."""


def constant_kernel_exponents(runs: xr.Dataset) -> dict[str, np.ndarray]:
    r"""Exponents that a kernel would give which stays what it is before training (eqs. 21 and 22), by reading.

    The map :math:`u \mathrel{+}= 2 \eta\, \Theta\, (y - \sigma(u))\, \sigma'(u)` from each seed's own logit and with
    its own measured kernel, read at the record's epochs.
    """
    epochs = runs["epoch"].values
    first = runs.isel(epoch=0)
    logit = first["logit"].values.astype(np.float64)
    moved = runs["logit_response_at"].isel(profile_epoch=0, distance=0).values.astype(np.float64)
    gain = moved / (expit(-logit) * _slope(logit))  # 2 eta Theta
    raw, divided, place = [], [], 0
    for epoch in epochs:
        for _ in range(place, epoch):
            logit = logit + gain * expit(-logit) * _slope(logit)
        place = int(epoch)
        divided.append(gain * _slope(logit) ** 2)
        raw.append(divided[-1] * expit(-logit))
    late = shared.late(epochs.astype(np.float64))
    curves = {"raw": np.stack(raw, -1), "divided": np.stack(divided, -1)}
    return {name: fit_decay(epochs[late], values[:, late]).exponent for name, values in curves.items()}


def _slope(logit: np.ndarray) -> np.ndarray:
    return np.asarray(expit(logit) * expit(-logit))


def _power_law_conditions(record: xr.Dataset, name: str) -> list[Condition]:
    conditions = []
    for _, rate, runs in shared.each(record, (name,)):
        theory = constant_kernel_exponents(runs)
        for reading in shared.READINGS:
            found = shared.decay(runs, reading)
            exponent = shared.known(found.exponent)
            if not len(exponent):
                continue
            conditions.append(
                Condition.measured(
                    shared.condition_name(name, rate, reading),
                    seed_interval(exponent),
                    passes=shared.follows_power_law(found),
                    note=f"theory {shared.THEORY[reading]:g}, constant kernel over the same epochs "
                    f"{theory[reading].mean():.3f}; best shape {np.nanmean(found.shape):z.2f} (0 a power law, 1 an "
                    f"exponential), misfit {np.nanmean(found.power_misfit):.3f} nats against "
                    f"{np.nanmean(found.exponential_misfit):.2f} for the exponential",
                )
            )
    return conditions


def _at_rate_one(record: xr.Dataset, name: str) -> str:
    """Say what the highest rate gives, where the output saturates at once."""
    runs = shared.one(record, name, 1.0)
    if runs is None:
        return "rate 1 was not run"
    said = []
    for reading in shared.READINGS:
        found = shared.decay(runs, reading)
        law = {True: "a power law", False: "no power law", None: "undecided"}[shared.follows_power_law(found)]
        said.append(f"{reading} {np.nanmean(found.exponent):.2f} ({law})")
    return f"rate 1: {', '.join(said)}"


@judge("N1", experiment="training_response")
def relu_decays_as_a_power_law(record: xr.Dataset) -> Judgement | None:
    """The response at the trained point must follow a power law over the last 1.5 decades at rates below 1.

    The effect is the exponent farthest from its theory. Controls: the same map with a constant kernel, in the notes,
    and rate 1. Before training there is one epoch, and no law.
    """
    conditions = _power_law_conditions(record, "ReLU")
    if not conditions:
        return None
    carrier = max(conditions, key=_away)
    return conclude(
        carrier,
        conditions,
        measure=f"exponent of the response, that farthest from its theory ({carrier.name})",
        control=_at_rate_one(record, "ReLU") + "; a constant kernel over the same epochs: in the notes",
        text=f"{passing(conditions)} follow a power law. Exponents are {_exponents(conditions, 'raw')} raw (theory "
        f"3/2) and {_exponents(conditions, 'divided')} divided by the error (theory 1).",
    )


def _away(condition: Condition) -> float:
    return abs(condition.effect - shared.THEORY[condition.name.rsplit(", ", 1)[-1]])


def _exponents(conditions: list[Condition], reading: str) -> str:
    return range_of([c.effect for c in conditions if c.name.endswith(reading)], 3)


@judge("N2", experiment="training_response")
def elu_decays_alike(record: xr.Dataset) -> Judgement | None:
    """ELU's response must follow a power law, and the interval of its exponent less ReLU's contain 0.

    Seeds are paired: point and label are the same. The effect is the difference. Other activations are the control.
    """
    laws = {condition.name: condition for condition in _power_law_conditions(record, "ELU")}
    conditions = []
    for name, rate, runs in shared.each(record, ("ELU",)):
        base = shared.one(record, "ReLU", rate)
        if base is None or not np.array_equal(base["seed"].values, runs["seed"].values):
            continue
        for reading in shared.READINGS:
            difference = difference_interval(shared.decay(runs, reading).exponent, shared.decay(base, reading).exponent)
            law = laws[shared.condition_name(name, rate, reading)]
            condition = Condition.measured(law.name, difference)
            conditions.append(
                Condition.measured(
                    law.name,
                    difference,
                    passes=all_of(law.passes, _contains_zero(condition) if condition.interval else None),
                    note=f"exponent {law.effect:.3f}; {law.note}",
                )
            )
    if not conditions:
        return None
    carrier = farthest(conditions, 0.0)
    others = [
        f"{name} {np.nanmean(shared.decay(runs, 'raw').exponent):.2f}"
        for name, rate, runs in shared.each(record, ("GELU", "SiLU", "tanh", "leaky ReLU"), (0.1,))
    ]
    return conclude(
        carrier,
        conditions,
        measure=f"exponent with ELU less that with ReLU, farthest from 0 ({carrier.name})",
        control=f"raw exponents at rate 0.1: {', '.join(others)}" if others else "other activations were not run",
        text=f"{passing(list(laws.values()))} follow a power law. The interval of the difference contains 0 in "
        f"{sum(_contains_zero(c) for c in conditions)} of {len(conditions)}: differences are "
        f"{range_of([c.effect for c in conditions], 3)}. With many seeds even a difference that no figure shows is "
        "told from 0: both lie near the exponents of a constant kernel over the same epochs.",
    )


def _contains_zero(condition: Condition) -> bool:
    low, high = condition.interval or (condition.effect, condition.effect)
    return low <= 0 <= high


@judge("N3", experiment="training_response")
def exponents_are_the_same(record: xr.Dataset) -> Judgement | None:
    """Standard deviation of exponents below 0.05: over seeds, which differ in weights and point, and over settings.

    Settings are both activations, labels 0 and 1, two initialisations, and rates below 1. Intervals are those of the
    bootstrap over seeds, for the deviation between settings within each of them.
    """
    names = ("ReLU", "ELU", "ReLU, target 0", "ELU, target 0", "ReLU, He-normal", "ELU, He-normal")
    conditions = []
    for reading in shared.READINGS:
        settings = []
        for name, rate, runs in shared.each(record, names):
            exponent = shared.known(shared.decay(runs, reading).exponent)
            if len(exponent) < 2:
                continue
            spread = _deviation(exponent)
            settings.append(exponent)
            conditions.append(
                Condition.measured(
                    shared.condition_name(name, rate, reading),
                    spread,
                    passes=lies(span(spread), high=SPREAD - TINY),
                    note=f"exponent {exponent.mean():.3f}",
                )
            )
        if len(settings) > 1:
            between, means = _deviation_between(settings), [float(exponent.mean()) for exponent in settings]
            conditions.append(
                Condition.measured(
                    f"between settings and rates, {reading}",
                    between,
                    passes=lies(span(between), high=SPREAD - TINY),
                    note=f"means from {min(means):.3f} to {max(means):.3f}",
                )
            )
    if not conditions:
        return None
    carrier = max(conditions, key=lambda condition: condition.effect)
    return conclude(
        carrier,
        conditions,
        measure=f"standard deviation of the exponent, largest ({carrier.name})",
        control="none is named: the statement is about the spread itself",
        text=f"{passing(conditions)} have exponents that spread by less than {SPREAD}: "
        f"{range_of([c.effect for c in conditions], 3)}.",
    )


def _deviation(values: np.ndarray, resamples: int = 2_000) -> Estimate:
    """Standard deviation over seeds with its bootstrap interval; none for fewer than 5."""
    whole = np.array(values.std(ddof=1))
    if len(values) < 5:
        return Estimate(whole, np.array(np.nan), np.array(np.nan), len(values))
    drawn = np.random.default_rng(0).integers(len(values), size=(resamples, len(values)))
    low, high = np.quantile(values[drawn].std(axis=-1, ddof=1), [0.025, 0.975])
    return Estimate(whole, low, high, len(values))


def _deviation_between(settings: Sequence[np.ndarray], resamples: int = 2_000) -> Estimate:
    """Standard deviation between the means of settings, each over its own seeds, with its bootstrap interval."""
    whole = np.array(np.std([values.mean() for values in settings], ddof=1))
    fewest = min(map(len, settings))
    if fewest < 5:
        return Estimate(whole, np.array(np.nan), np.array(np.nan), fewest)
    rng = np.random.default_rng(0)
    drawn = [values[rng.integers(len(values), size=(resamples, len(values)))].mean(axis=-1) for values in settings]
    low, high = np.quantile(np.std(drawn, axis=0, ddof=1), [0.025, 0.975])
    return Estimate(whole, low, high, fewest)


@judge("N9", experiment="training_response")
def wrong_labels_blur_the_law(record: xr.Dataset) -> Judgement | None:
    """With 10 % wrong labels the response must decay, follow no power law, and have another slope than without.

    Conditions are both activations and readings at rates below 1; the effect is the slope less that of clean training,
    seeds paired. Control: the mean label, 0.9, without noise: what passes there too is no work of the noise.
    """
    conditions = []
    for name, rate, runs in shared.each(record, ("ReLU, 10 % wrong", "ELU, 10 % wrong")):
        plain = name.split(",")[0]
        clean, mean = (shared.one(record, other, rate) for other in (plain, f"{plain}, target 0.9"))
        if clean is None:
            continue
        for reading in shared.READINGS:
            verdict, found = _blurred(runs, clean, reading)
            held, null = (None, None) if mean is None else _blurred(mean, clean, reading)
            if found is None:
                continue
            slopes = shared.decay(runs, reading)
            conditions.append(
                Condition.measured(
                    shared.condition_name(name, rate, reading),
                    found,
                    control=null,
                    passes=verdict,
                    holds_in_control=None if null is None else held is True,
                    note=f"slope {np.nanmean(slopes.exponent):.2f}, best shape {np.nanmean(slopes.shape):z.2f}, misfit "
                    f"{np.nanmean(slopes.power_misfit):.2f} nats",
                )
            )
    if not conditions:
        return None
    carrier = min(conditions, key=lambda condition: abs(condition.effect))
    judged = sum(condition.holds_in_control is not None for condition in conditions)
    passed = sum(condition.holds_in_control is True for condition in conditions)
    return conclude(
        carrier,
        conditions,
        measure=f"exponent with wrong labels less that without, nearest to 0 ({carrier.name})",
        control=f"target 0.9 without noise passes in {passed} of {judged}"
        if judged
        else "target 0.9 without noise has converged before the range at every rate, or was not run",
        text=f"{passing(conditions)} decay without a power law and with another slope. The response is that to the "
        "true label in the state that the drawn labels have led to.",
    )


def _blurred(runs: xr.Dataset, clean: xr.Dataset, reading: str) -> tuple[bool | None, Estimate | None]:
    """Whether curves decay, follow no power law and have another slope than clean ones; the difference of slopes.

    Without a difference where all curves have converged before the range begins, as those of regressions do.
    """
    chosen = runs.sel(seed=np.intersect1d(runs["seed"].values, clean["seed"].values))
    found, base = shared.decay(chosen, reading), shared.decay(clean.sel(seed=chosen["seed"].values), reading)
    differences = shared.known(found.exponent - base.exponent)
    if not len(differences):
        return None, None
    difference = seed_interval(differences)
    curves = shared.curve(chosen, reading)
    fall = kendall_tau(np.arange(curves.shape[-1]), np.nan_to_num(curves))
    law = shared.follows_power_law(found)
    low, high = span(difference)
    return all_of(
        lies(span(seed_interval(fall)), high=-TINY),
        None if law is None else not law,
        None if np.isnan(low) else not low <= 0 <= high,
    ), difference


@judge("N11", experiment="training_response")
def regression_converges(record: xr.Dataset) -> Judgement | None:
    """With targets between 0 and 1 the raw response must fall as an exponential, and the divided one become constant.

    On the 1.5 decades before the error reaches rounding: the exponential fits the raw response better than the power
    law, and the divided one has a logarithmic slope within 0.05 of 0. Rates below 1; the effect is the slope of the
    divided response. Targets near 1 show where one law crosses over to the other.
    """
    names = tuple(f"{plain}, target {target:g}" for plain in ("ReLU", "ELU") for target in (0.5, 0.7, 0.9, 0.99))
    conditions = []
    for name, rate, runs in shared.each(record, names):
        raw, divided = (shared.early_decay(runs, reading) for reading in shared.READINGS)
        evidence, slope = shared.known(raw.evidence), shared.known(divided.exponent)
        if not len(evidence) or not len(slope):
            continue
        effect = seed_interval(slope)
        conditions.append(
            Condition.measured(
                shared.condition_name(name, rate),
                effect,
                passes=all_of(lies(span(seed_interval(evidence)), high=-TINY), lies(span(effect), -CONSTANT, CONSTANT)),
                note=f"raw: best shape {np.nanmean(raw.shape):z.2f}, power law misses by "
                f"{np.nanmean(raw.power_misfit):.2f} nats, exponential by {np.nanmean(raw.exponential_misfit):.2f}",
            )
        )
    if not conditions:
        return None
    carrier = farthest(conditions, 0.0)
    clean = _power_law_conditions(record, "ReLU")
    return conclude(
        carrier,
        conditions,
        measure=f"exponent of the divided response, farthest from 0 ({carrier.name})",
        control=f"target 1, ReLU: divided {_exponents(clean, 'divided')}" if clean else "target 1 was not run",
        text=f"{passing(conditions)} fall as an exponential to a constant divided response; exponents of the divided "
        f"one are {range_of([c.effect for c in conditions], 3)}.",
    )
