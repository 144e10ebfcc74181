"""Judges of what noise does to mean feature, kernel and prediction: N16 to N18, on records of ``feature_loss``."""

from __future__ import annotations

from itertools import product

import xarray as xr

from lib.claims._feature_loss import at_rate, change, fall, from_to, has, last, pick, rate_like, rates_of
from lib.claims._judging import TINY, all_of, conclude, estimate, over_seeds, passing, range_of, span, weakest
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.experiments.noise_courses import optimal_prediction
from lib.measures.statistics import Estimate
from lib.models.bit_encoder import ACTIVATION_NAMES

FALL = 0.9
"""Share of mean feature and kernel that random training must take."""

PEAK = 0.9
"""Prediction at the fixed pair's string from which it is learned."""

FLAT = (0.45, 0.55)
"""Predictions two bits or more away that are 1/2."""


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
        for rate, (name, where) in product(rates_of(mixed), (("feature", "all inputs"), ("feature_at", "x_o"))):
            if not has(clean, rate):
                continue
            found, without = at_rate(change(mixed, name), rate), at_rate(change(clean, name), rate)
            if found is None or without is None:
                continue
            control = difference = None
            if calm is not None and has(calm, rate):
                control = at_rate(change(calm, name), rate)
                difference = at_rate(change(mixed, name) - change(calm, name), rate)
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

    The kernel is that of each input with itself, mean over inputs: the response there to learning it. Conditions are
    the rates. The effect is the smaller of both shares lost, the least of rates. The control follows the
    expected gradient of the same mixture to its own last step, at the same rate; both mean features at that step are in
    the notes. A rate at which it was not followed has the control at another, after at least as much rate times steps,
    which is what counts without noise. What ELU and GELU lose is in the text.
    """
    relu, calm = pick(record, "random", "relu"), pick(record, "random", "relu", noise=False)
    conditions = []
    for rate in rates_of(relu):
        assert relu is not None
        found = at_rate(_smaller_fall(relu), rate)
        if found is None:
            continue
        control, beside = _without_noise(relu, calm, rate)
        conditions.append(
            Condition.measured(
                f"ReLU, rate {rate:g}",
                found,
                control=control,
                passes=lies(span(found), low=FALL),
                holds_in_control=None if control is None else lies(span(control), low=FALL) is True,
                note=f"mean feature {from_to(relu, 'feature', rate)}, kernel {from_to(relu, 'kernel', rate, 1)}, "
                f"{100 * float(last(relu, 'off').sel(rate=rate).mean()):.0f} % of units off at every input{beside}",
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


def _without_noise(relu: xr.Dataset, calm: xr.Dataset | None, rate: float) -> tuple[Estimate | None, str]:
    """Return what the expected gradient loses, as `_smaller_fall`, and what to say of it."""
    if calm is None:
        return None, ""
    if has(calm, rate):
        found, step = at_rate(_smaller_fall(calm), rate), int(calm["steps"])
        if step not in _features_at(relu, rate) or step not in _features_at(calm, rate):
            return found, ""
        noisy, without = (_features_at(each, rate)[step] for each in (relu, calm))
        return found, f"; after {step:,} steps mean feature {noisy:.3f}, without noise {without:.3f}"
    like = min(calm["rate"].values.tolist())
    ran = calm["step"].values[calm["step"].values <= int(calm["steps"])]
    reached = ran[like * ran >= rate * int(relu["steps"])]
    if not len(reached):
        return None, ""
    until = calm.assign(steps=int(reached[0]))
    return at_rate(_smaller_fall(until), like), f"; control: rate {like:g} after {int(reached[0]):,} steps"


def _features_at(chosen: xr.Dataset, rate: float) -> dict[int, float]:
    """Mean feature by step, over seeds, as far as the setting was run."""
    means = chosen["feature"].sel(rate=rate).mean("seed")
    ran = means["step"].values <= int(chosen["steps"])
    return {int(step): float(mean) for step, mean in zip(means["step"].values[ran], means.values[ran], strict=True)}


def _smaller_fall(chosen: xr.Dataset) -> xr.DataArray:
    return xr.concat([fall(chosen, "feature"), fall(chosen, "kernel")], "quantity").min("quantity", skipna=False)


def _falls(chosen: xr.Dataset) -> str:
    """Name the share of the kernel that each rate loses; negative for growth."""
    shares = fall(chosen, "kernel").mean("seed")
    return ", ".join(f"{100 * float(shares.sel(rate=rate)):.0f} % at rate {rate:g}" for rate in rates_of(chosen))


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
    for rate in rates_of(relu):
        profile = relu["profile"].sel(rate=rate)
        top = estimate(over_seeds(profile.sel(distance=0)))
        if top is None:
            continue
        like = rate_like(calm, rate)
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
                f"mean feature {from_to(relu, 'feature', rate)}",
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
        without = f" There the mean feature goes from {from_to(calm, 'feature', like)}."
    return conclude(
        weakest(conditions),
        conditions,
        measure="prediction at x_o, least of rates",
        control=control,
        text=f"{passing(conditions)} are deltas. The best predictor of this mixture is one too, {best[0]:.2f} at x_o "
        f"and {best[1]:.2f} elsewhere, and needs no noise.{without}",
    )


def _is_delta(profile: xr.DataArray) -> bool | None:
    """Judge predictions by distance, dimensions seed and distance: 1 at x_o, 1/2 from two bits on."""
    far = [profile.sel(distance=d) for d in profile["distance"].values if d >= 2]
    spans = [None if (found := estimate(over_seeds(each))) is None else span(found) for each in far]
    top = estimate(over_seeds(profile.sel(distance=0)))
    return all_of(lies(None if top is None else span(top), low=PEAK), *(lies(each, *FLAT) for each in spans))
