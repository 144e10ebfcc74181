"""Judges of what noise does to features: N16 to N20, N23 and N24, on records of ``feature_loss``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import xarray as xr

from lib.claims._judging import TINY, all_of, conclude, estimate, over_seeds, passing, range_of, span, weakest
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.experiments.feature_loss import COURSES, LOST, TASKS, WEAK, optimal_prediction, setting_name
from lib.measures.statistics import Estimate
from lib.models.bit_encoder import ACTIVATION_NAMES

FALL = 0.9
"""Share of mean feature and kernel that random training must take."""

PEAK = 0.9
"""Prediction at the fixed pair's string from which it is learned."""

FLAT = (0.45, 0.55)
"""Predictions two bits or more away that are 1/2."""

MOST = 0.9
"""Share that is almost all."""

REVIVED = 0.05
"""Share of lost units up to which a loss is irreversible."""

ROUNDING = 1e-9
"""Change of a prediction that is none."""

PRECISION = 0.01
"""Change of a prediction up to which nothing is lost when weak units are removed."""

EQUAL_LOSS = 0.25
"""Part of a constant predictor's excess loss at which activations are compared."""

SMOOTH = ("elu", "gelu", "silu", "tanh")
"""Activations with a continuous slope."""


def pick(record: xr.Dataset, course: str, activation: str, *, noise: bool = True) -> xr.Dataset | None:
    """Return a setting with the rates and seeds that it has; None where it was not run."""
    name = setting_name(course, activation, noise=noise)
    if name not in record["setting"].values:
        return None
    chosen = record.sel(setting=name)
    run = np.isfinite(chosen["feature"].sel(step=0).transpose("rate", "seed").values)
    return chosen.isel(rate=run.any(1), seed=run.any(0))


def last(chosen: xr.Dataset, name: str) -> xr.DataArray:
    """Return what is followed at the last step of the setting."""
    return chosen[name].sel(step=int(chosen["steps"]))


def change(chosen: xr.Dataset, name: str) -> xr.DataArray:
    """Return by how much something grew from the beginning to the end, dimensions rate and seed."""
    return last(chosen, name) - chosen[name].sel(step=0)


def fall(chosen: xr.Dataset, name: str) -> xr.DataArray:
    """Return the share that was lost from the beginning to the end, dimensions rate and seed; below 0 for growth."""
    return 1 - last(chosen, name) / chosen[name].sel(step=0)


def _at_rate(values: xr.DataArray, rate: float) -> Estimate | None:
    return estimate(over_seeds(values.sel(rate=rate)))


def _like(chosen: xr.Dataset | None, rate: float) -> float | None:
    """Return the rate that a control has: the same, or the first where it was not run at that."""
    if chosen is None:
        return None
    known = chosen["rate"].values.tolist()
    return rate if rate in known else known[0]


def _has(chosen: xr.Dataset | None, rate: float) -> bool:
    return chosen is not None and rate in chosen["rate"].values


def _rates(chosen: xr.Dataset | None) -> list[float]:
    return [] if chosen is None else chosen["rate"].values.tolist()


@judge("N16", experiment="feature_loss")
def mixed_labels_lower_the_mean_feature(record: xr.Dataset) -> Judgement | None:
    """The mean feature must fall with mixed labels and rise without, to the last step.

    Conditions are both activations, every rate and share of wrong labels, over all inputs and at x_o apart. The effect
    is the change with mixed labels, the largest of conditions. The control is the same mixture without noise, a target
    of 1 - p: where the mean feature falls there too, noise is not the reason, and where the difference may be 0 the
    condition does not clear its control.
    """
    conditions = []
    for activation, course in product(("relu", "elu"), ("mixed 0.1", "mixed 0.5")):
        mixed, clean = pick(record, course, activation), pick(record, "clean", activation)
        if mixed is None or clean is None:
            continue
        calm = pick(record, course, activation, noise=False)
        for rate, (name, where) in product(_rates(mixed), (("feature", "all inputs"), ("feature_at", "x_o"))):
            if not _has(clean, rate):
                continue
            found, without = _at_rate(change(mixed, name), rate), _at_rate(change(clean, name), rate)
            if found is None or without is None:
                continue
            control = difference = None
            if calm is not None and _has(calm, rate):
                control = _at_rate(change(calm, name), rate)
                difference = _at_rate(change(mixed, name) - change(calm, name), rate)
            conditions.append(
                Condition.measured(
                    f"{ACTIVATION_NAMES[activation]}, p = {course.split()[1]}, rate {rate:g}, {where}",
                    found,
                    control=control,
                    difference=difference,
                    passes=all_of(lies(span(found), high=-TINY), lies(span(without), low=TINY)),
                    holds_in_control=None if control is None else lies(span(control), high=-TINY) is True,
                    note=f"without wrong labels {without.mean:+.3f}",
                )
            )
    if not conditions:
        return None
    at = {where: [c.effect for c in conditions if c.name.endswith(where)] for where in ("all inputs", "x_o")}
    controls = [c.control for c in conditions if c.control is not None]
    return conclude(
        max(conditions, key=lambda condition: condition.effect),
        conditions,
        measure="change of the mean feature with mixed labels, largest",
        control=f"target 1 - p without noise: {range_of(controls)}" if controls else "not run",
        text=f"{passing(conditions)} fall with mixed labels and rise without. The changes with mixed labels: over all "
        f"inputs {range_of(at['all inputs'])}, at x_o {range_of(at['x_o'])}.",
    )


@judge("N17", experiment="feature_loss")
def random_training_loses_features(record: xr.Dataset) -> Judgement | None:
    """With ReLU, mean feature and logit kernel must both fall by more than 90 % in random training.

    Conditions are the rates. The effect is the smaller of both shares lost, the least of rates. The control follows the
    expected gradient of the same mixture, at the same rate. What ELU and GELU lose is in the text.
    """
    relu, calm = pick(record, "random", "relu"), pick(record, "random", "relu", noise=False)
    conditions = []
    for rate in _rates(relu):
        assert relu is not None
        found = _at_rate(_smaller_fall(relu), rate)
        if found is None:
            continue
        control = _at_rate(_smaller_fall(calm), rate) if calm is not None and _has(calm, rate) else None
        conditions.append(
            Condition.measured(
                f"ReLU, rate {rate:g}",
                found,
                control=control,
                passes=lies(span(found), low=FALL),
                holds_in_control=None if control is None else lies(span(control), low=FALL) is True,
                note=f"mean feature {_from_to(relu, 'feature', rate)}, kernel {_from_to(relu, 'kernel', rate, 1)}, "
                f"{100 * float(last(relu, 'off').sel(rate=rate).mean()):.0f} % of units off at every input",
            )
        )
    if not conditions:
        return None
    calm_text = "not run" if calm is None else f"{_falls(calm)} in {int(calm['steps']):,} steps"
    others = []
    for activation in ("elu", "gelu"):
        chosen = pick(record, "random", activation)
        if chosen is not None:
            others.append(f"{ACTIVATION_NAMES[activation]} {_falls(chosen)}")
    return conclude(
        weakest(conditions),
        conditions,
        measure="share of mean feature and kernel lost, the smaller of both, least of rates",
        control=f"expected gradient: {calm_text}",
        text=f"{passing(conditions)} lose more than {100 * FALL:.0f} % of both: the rate decides. Kernel of other "
        f"activations: {'; '.join(others) or 'not run'}.",
    )


def _smaller_fall(chosen: xr.Dataset) -> xr.DataArray:
    return xr.concat([fall(chosen, "feature"), fall(chosen, "kernel")], "quantity").min("quantity", skipna=False)


def _falls(chosen: xr.Dataset) -> str:
    """Name the share of the kernel that each rate loses; negative for growth."""
    shares = fall(chosen, "kernel").mean("seed")
    return ", ".join(f"{100 * float(shares.sel(rate=rate)):.0f} % at rate {rate:g}" for rate in _rates(chosen))


def _from_to(chosen: xr.Dataset, name: str, rate: float, digits: int = 3) -> str:
    ends = (chosen[name].sel(step=0), last(chosen, name))
    before, after = (float(each.sel(rate=rate).mean()) for each in ends)
    return f"{before:.{digits}f} to {after:.{digits}f}"


def _is_delta(profile: xr.DataArray) -> bool | None:
    """Judge predictions by distance, dimensions seed and distance: 1 at x_o, 1/2 from two bits on."""
    far = [profile.sel(distance=d) for d in profile["distance"].values if d >= 2]
    spans = [None if (found := estimate(over_seeds(each))) is None else span(found) for each in far]
    top = estimate(over_seeds(profile.sel(distance=0)))
    return all_of(lies(None if top is None else span(top), low=PEAK), *(lies(each, *FLAT) for each in spans))


@judge("N18", experiment="feature_loss")
def fixed_pair_makes_a_delta(record: xr.Dataset) -> Judgement | None:
    """With the fixed pair at 0.2 the prediction must exceed 0.9 at x_o and be within 0.05 of 1/2 from two bits on.

    Conditions are the rates, with ReLU; every distance must pass by its own interval over seeds, of means over the
    inputs at that distance. The effect is the prediction at x_o, the least of rates. The control follows the expected
    gradient of the mixture, whose best predictor is itself a delta.
    """
    relu, calm = pick(record, "pair", "relu"), pick(record, "pair", "relu", noise=False)
    if relu is None:
        return None
    conditions = []
    for rate in _rates(relu):
        profile = relu["profile"].sel(rate=rate)
        top = estimate(over_seeds(profile.sel(distance=0)))
        if top is None:
            continue
        like = _like(calm, rate)
        of_calm = None if calm is None else calm["profile"].sel(rate=like)
        far = profile.isel(distance=slice(2, None)).mean("seed")
        conditions.append(
            Condition.measured(
                f"ReLU, rate {rate:g}",
                top,
                control=None if of_calm is None else estimate(over_seeds(of_calm.sel(distance=0))),
                passes=_is_delta(profile),
                holds_in_control=None if of_calm is None else _is_delta(of_calm) is True,
                note=f"one bit away {float(profile.sel(distance=1).mean()):.2f}, from two on "
                f"{range_of(far.values.tolist(), 3)}; single inputs up to "
                f"{float(relu['farthest'].sel(rate=rate).mean()):.2f} from 1/2; "
                f"mean feature {_from_to(relu, 'feature', rate)}",
            )
        )
    if not conditions:
        return None
    best = optimal_prediction("pair", int(record.attrs["bits"]))
    if calm is None:
        control, without = "expected gradient not run", ""
    else:
        like = calm["rate"].values[0]
        shape = calm["profile"].sel(rate=like).mean("seed").values
        control = f"expected gradient, distances 0, 1, 2: {', '.join(f'{value:.2f}' for value in shape[:3])}"
        without = f" There the mean feature goes from {_from_to(calm, 'feature', like)}."
    return conclude(
        weakest(conditions),
        conditions,
        measure="prediction at x_o, least of rates",
        control=control,
        text=f"{passing(conditions)} are deltas. The best predictor of this mixture is one too, {best[0]:.2f} at x_o "
        f"and {best[1]:.2f} elsewhere, and needs no noise.{without}",
    )


@judge("N19", experiment="feature_loss")
def what_is_left_is_sensitive(record: xr.Dataset) -> Judgement | None:
    """Of the units not lost, more than 90 % must be on at x_o, and of those off there at first more than 90 % be lost.

    A unit is lost if it is off at every input, or, the weaker threshold, if its mean size is below 1 % of the mean over
    units before training. Conditions are thresholds and rates, with ReLU. The effect is the share lost of units that
    were off at x_o at first, the least. The control follows the expected gradient.
    """
    relu, calm = pick(record, "pair", "relu"), pick(record, "pair", "relu", noise=False)
    conditions = []
    for rate, threshold in product(_rates(relu), LOST):
        assert relu is not None
        here = relu.sel(rate=rate, lost_by=threshold)
        others, at = (estimate(over_seeds(here[name])) for name in ("lost_others", "living_at"))
        if others is None:
            continue
        control, holds = None, None
        if calm is not None:
            there = calm.sel(rate=_like(calm, rate), lost_by=threshold)
            control, control_at = (estimate(over_seeds(there[name])) for name in ("lost_others", "living_at"))
            holds = _all_but_sensitive(control, control_at) is True
        conditions.append(
            Condition.measured(
                f"ReLU, rate {rate:g}, {_WORDS_LOST[threshold]}",
                others,
                control=control,
                passes=_all_but_sensitive(others, at),
                holds_in_control=holds,
                note=(f"on at x_o: {at.mean:.2f} of those left; " if at is not None else "none is left; ")
                + f"lost of those on at x_o at first: {float(here['lost_own'].mean()):.2f}; a unit that is left is on "
                f"at {float(here['reach'].mean()):.2f} of the inputs",
            )
        )
    if not conditions:
        return None
    controls = [c.control for c in conditions if c.control is not None]
    lost = [float(relu["lost"].sel(rate=rate, lost_by="off").mean()) for rate in _rates(relu)] if relu else []
    return conclude(
        weakest(conditions),
        conditions,
        measure="share lost of units that were off at x_o at first, least of rates and thresholds",
        control=f"expected gradient: {range_of(controls)}" if controls else "not run",
        text=f"{passing(conditions)} are as stated. Of all units {range_of(lost)} are off at every input, by rate.",
    )


_WORDS_LOST = {"off": "off at every input", "weak": f"below {100 * WEAK:.0f} % of the mean size"}


def _all_but_sensitive(others: Estimate | None, at: Estimate | None) -> bool | None:
    found = [None if each is None else lies(span(each), low=MOST) for each in (others, at)]
    return all_of(*found)


@judge("N20", experiment="feature_loss")
def loss_is_irreversible(record: xr.Dataset) -> Judgement | None:
    """Clean training afterwards must bring back less than 5 % of the units that were lost.

    Conditions are random training and that with the fixed pair, every rate, two clean tasks, and both thresholds of
    what is lost: off at every input, or below 1 % of the mean size before training. The effect is the share brought
    back, the largest. Controls are ELU and leaky ReLU, whose slope is nowhere 0: the statement holds in the control if
    one of them brings back as little. Seeds that lost no unit are left out.
    """
    conditions = []
    for course in ("random", "pair"):
        relu = pick(record, course, "relu")
        for rate, task, threshold in product(_rates(relu), TASKS, LOST):
            assert relu is not None
            here = relu.sel(rate=rate, task=task)
            found = estimate(over_seeds(here[_BACK[threshold]])) if _BACK[threshold] in here else None
            if found is None:
                continue
            others = dict(_back_in_others(record, course, rate, task, threshold))
            said = [f"{ACTIVATION_NAMES[name]} {each.mean:.2f}" for name, each in others.items()]
            said.append(
                f"mean feature {float(last(relu, 'feature').sel(rate=rate).mean()):.3f} to "
                f"{float(here['feature_after'].mean()):.3f}, of new networks {float(here['feature_fresh'].mean()):.3f}"
                f"; loss of the task {float(here['error_after'].mean()):.4f}, of new networks "
                f"{float(here['error_fresh'].mean()):.4f}"
            )
            conditions.append(
                Condition.measured(
                    f"{_COURSES[course]}, rate {rate:g}, then {_TASKS[task]}, {_WORDS_LOST[threshold]}",
                    found,
                    control=next(iter(others.values()), None),
                    passes=lies(span(found), high=REVIVED),
                    holds_in_control=any(lies(span(each), high=REVIVED) is True for each in others.values())
                    if others
                    else None,
                    note="; ".join(said),
                )
            )
    if not conditions:
        return None
    controls = [c.control for c in conditions if c.control is not None]
    of_off = [c.effect for c in conditions if c.name.endswith(_WORDS_LOST["off"])]
    of_weak = [c.effect for c in conditions if c.name.endswith(_WORDS_LOST["weak"])]
    shares = [f"{words} {range_of(values)}" for words, values in (("off", of_off), ("weak", of_weak)) if values]
    return conclude(
        max(conditions, key=lambda condition: condition.effect),
        conditions,
        measure="share of lost units that clean training brings back, largest",
        control=f"ELU or, where it loses none, leaky ReLU: {range_of(controls)}" if controls else "not run",
        text=f"{passing(conditions)} are irreversible. Brought back of units that are {', '.join(shares)}. That a ReLU "
        "which is off at every input stays off is arithmetic: it has no gradient at any.",
    )


_COURSES = {"random": "random pairs", "pair": "fixed pair at 0.2"}
_TASKS = {"pair": "the fixed pair", "majority": "the majority of bits"}
_BACK = {"off": "revived", "weak": "regrown"}


def _back_in_others(
    record: xr.Dataset, course: str, rate: float, task: str, threshold: str
) -> Iterator[tuple[str, Estimate]]:
    for activation in ("elu", "leaky relu"):
        chosen = pick(record, course, activation)
        if chosen is not None and _has(chosen, rate):
            found = estimate(over_seeds(chosen[_BACK[threshold]].sel(rate=rate, task=task)))
            if found is not None:
                yield activation, found


@judge("N23", experiment="feature_loss")
def lost_units_can_be_removed(record: xr.Dataset) -> Judgement | None:
    """Without the units that are off at every input no prediction may change, without the weak ones by less than 0.01.

    Conditions are random training and that with the fixed pair, with ReLU, rates and both thresholds. The effect is the
    largest change of a prediction, mean over seeds, the largest of conditions. In the control as many units are removed
    at random; it is asked the same. Seeds that lost no unit are left out.
    """
    conditions = []
    for course in ("random", "pair"):
        relu = pick(record, course, "relu")
        for rate, threshold in product(_rates(relu), LOST):
            assert relu is not None
            here = relu.sel(rate=rate, lost_by=threshold)
            found = estimate(over_seeds(here["without_lost"]))
            control = estimate(over_seeds(here["without_random"]))
            if found is None or control is None:
                continue
            high = ROUNDING if threshold == "off" else PRECISION
            conditions.append(
                Condition.measured(
                    f"{_COURSES[course]}, rate {rate:g}, {_WORDS_LOST[threshold]}",
                    found,
                    control=control,
                    passes=lies(span(found), high=high),
                    holds_in_control=lies(span(control), high=high) is True,
                    note=f"{100 * float(here['lost'].mean()):.0f} % of units",
                )
            )
    if not conditions:
        return None
    return conclude(
        max(conditions, key=lambda condition: condition.effect),
        conditions,
        measure="largest change of a prediction, largest of conditions",
        control=f"as many units at random: {range_of([c.control for c in conditions if c.control is not None])}",
        text=f"{passing(conditions)} can be removed. For units that are off at every input this is arithmetic.",
    )


def when_reached(measure: np.ndarray, values: np.ndarray, level: float) -> np.ndarray:
    """Return values at the moment when a measure first reaches a level, between moments on a straight line.

    Parameters
    ----------
    measure, values
        Shape (seed, moment).
    level
        Level of `measure`.

    Returns
    -------
    ndarray
        Shape (seed,); nan where the level is never reached.

    Examples
    --------
    >>> when_reached(np.array([[0.0, 1.0, 3.0], [0.0, 0.5, 1.0]]), np.array([[1.0, 2.0, 4.0], [0.0, 0.0, 0.0]]), 2.0)
    array([ 3., nan])
    """
    reached = measure >= level
    found = np.full(len(measure), np.nan)
    for row in np.flatnonzero(reached.any(1)):
        k = int(reached[row].argmax())
        if k == 0:
            found[row] = values[row, 0]
            continue
        part = (level - measure[row, k - 1]) / (measure[row, k] - measure[row, k - 1])
        found[row] = values[row, k - 1] + part * (values[row, k] - values[row, k - 1])
    return found


def equal_loss(bits: int) -> float:
    """Return the excess loss at which activations are compared: a quarter of that of the best constant."""
    best, elsewhere = optimal_prediction("pair", bits)
    fixed = COURSES["pair"].fixed
    weight = fixed + (1 - fixed) / 2**bits
    constant = weight * best + (1 - weight) * elsewhere
    return EQUAL_LOSS * (weight * (best - constant) ** 2 + (1 - weight) * (elsewhere - constant) ** 2)


def jumps(chosen: xr.Dataset, rate: float, bits: int) -> dict[str, xr.DataArray]:
    """Return by how much the prediction falls from x_o to one bit away, a seed, at equal fit and at equal loss."""
    here = chosen.sel(rate=rate, step=slice(0, int(chosen["steps"]))).dropna("step", how="all")
    top, beside, excess = (
        np.asarray(here[name].transpose("seed", "step").values, dtype=np.float64)
        for name in ("prediction_at", "prediction_beside", "excess")
    )
    known = np.isfinite(top).all(0)
    top, beside, excess = top[:, known], beside[:, known], excess[:, known]
    found = {
        "equal fit": when_reached(top, top - beside, PEAK),
        "equal loss": when_reached(-excess, top - beside, -equal_loss(bits)),
    }
    seeds = {"seed": here["seed"].values}
    return {name: xr.DataArray(values, dims="seed", coords=seeds) for name, values in found.items()}


@judge("N24", experiment="feature_loss")
def smooth_activations_are_less_fragile(record: xr.Dataset) -> Judgement | None:
    """At equal fit, the prediction must fall less from x_o to one bit away with smooth activations than with ReLU.

    Fit is equal when the prediction at x_o first reaches 0.9; the control compares at equal loss, when the excess over
    the optimal predictor first is a quarter of a constant's. Conditions are activations, each at equal fit and at equal
    loss, at the rate that all share. The effect is the fall less that of ReLU on the same seeds and draws, the largest.
    A conjecture of the text: ``partly`` at most.
    """
    relu, bits = pick(record, "pair", "relu"), int(record.attrs["bits"])
    others = {name: chosen for name in SMOOTH if (chosen := pick(record, "pair", name)) is not None}
    if relu is None or not others:
        return None
    rate = 0.1 if _has(relu, 0.1) else _rates(relu)[0]
    of_relu = jumps(relu, rate, bits)
    conditions = []
    for activation, chosen in others.items():
        if not _has(chosen, rate):
            continue
        for name, values in jumps(chosen, rate, bits).items():
            found = estimate(over_seeds(values - of_relu[name]))
            if found is not None:
                note = f"falls by {float(values.mean()):.3f}, ReLU by {float(of_relu[name].mean()):.3f}"
                passes = lies(span(found), high=-TINY)
                conditions.append(
                    Condition.measured(f"{ACTIVATION_NAMES[activation]}, {name}", found, passes=passes, note=note)
                )
    if not conditions:
        return None
    loss = [c.effect for c in conditions if c.name.endswith("equal loss")]
    fit = [c for c in conditions if c.name.endswith("equal fit")]
    return conclude(
        max(fit or conditions, key=lambda condition: condition.effect),
        conditions,
        measure="fall of the prediction one bit from x_o less that with ReLU, at equal fit, largest of activations",
        control=f"at equal loss: {range_of(loss)}" if loss else "not run",
        text=f"{passing(conditions)} fall less than ReLU, at rate {rate:g}. One bit is the smallest change of an "
        "input; attacks on real inputs are not run.",
        at_most="partly",
    )
