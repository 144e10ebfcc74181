"""Judge of how steep predictions are beside a learned pair, by activation: N24, on records of ``feature_loss``."""

from __future__ import annotations

import numpy as np
import xarray as xr

from lib.claims._feature_loss import has, pick, rates_of
from lib.claims._judging import TINY, conclude, estimate, over_seeds, passing, range_of, span
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.claims.feature_loss import PEAK
from lib.experiments.noise_courses import COURSES, optimal_prediction
from lib.models.bit_encoder import ACTIVATION_NAMES

EQUAL_LOSS = 0.25
"""Part of a constant predictor's excess loss at which activations are compared."""

SMOOTH = ("elu", "gelu", "silu", "tanh")
"""Activations with a continuous slope."""


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
    rate = 0.1 if has(relu, 0.1) else rates_of(relu)[0]
    of_relu = jumps(relu, rate, bits)
    conditions = []
    for activation, chosen in others.items():
        if not has(chosen, rate):
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
