"""Judges of the response reduced to one variable: N14 and N15, on records of ``reduced_response``."""

from __future__ import annotations

from collections.abc import Iterator

import xarray as xr

from lib.claims._judging import all_of, conclude, estimate, farthest, over_seeds, passing, range_of, span
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._verdict import lies

NEAR = (0.95, 1.05)
"""Within 5 % of 1."""


def _systems(record: xr.Dataset) -> Iterator[tuple[str, xr.Dataset]]:
    """Yield name and numbers of each slope and rate."""
    for slope in record["slope"].values:
        for rate in record["rate"].values:
            yield f"a = {slope:g}, rate {rate:g}", record.sel(slope=slope, rate=rate)


@judge("N14", experiment="reduced_response")
def response_is_a_power_law(record: xr.Dataset) -> Judgement | None:
    """With target 1 the divided response must fall with exponent 1 within 5 % over three decades, to C/(2 eta t).

    Conditions are all slopes and rates; the three decades are the last of the flow, and there the asymptote, the same
    for every slope, must be met within 5 % as well. How early the law holds is another question: the exponents of the
    same flow from epoch 10 to 10,000, where networks are looked at, stand where a control's would, and those of the map
    are in the notes. The closed form and the map are no nulls but checks of the numbers.
    """
    if "exponent" not in record:
        return None
    conditions, early = [], []
    for name, at in _systems(record):
        exponent, asymptote = (estimate(over_seeds(at[each])) for each in ("exponent", "asymptote"))
        before = estimate(over_seeds(at["early_exponent"]))
        flow, steps = (float(at[each].mean()) for each in ("early_exponent", "map_exponent"))
        if exponent is None or asymptote is None:
            continue
        early.append((flow, steps))
        conditions.append(
            Condition.measured(
                name,
                exponent,
                control=before,
                passes=all_of(lies(span(exponent), *NEAR), lies(span(asymptote), *NEAR)),
                note=f"{float(asymptote.mean):.4f} of C/(2 eta t) at the end; exponent from epoch 10 on {flow:.2f}, of "
                f"the map {steps:.2f}; raw response {float(at['raw_exponent'].mean()):.2f}",
            )
        )
    near = [sum(NEAR[0] <= each[kind] <= NEAR[1] for each in early) for kind in (0, 1)]
    ratios = record["map_ratio"].mean("seed").values.ravel().tolist()
    missed = float(record["closed_form"].sel(target=1.0).max())
    return conclude(
        farthest(conditions, 1.0),
        conditions,
        measure="exponent of the divided response over the last three decades, farthest from 1",
        control=f"closed form missed by at most {missed:.0e}; map over flow at its last epoch: {range_of(ratios)}",
        text=f"{passing(conditions)} follow the law. It is one of late times, of a^2 eta t above some hundred: from "
        f"epoch 10 to 10,000, {near[0]} of {len(early)} flows and {near[1]} maps have the exponent within 5 %. A first "
        "step that saturates the output puts the map's law off. Undivided, the response falls with exponent 3/2.",
    )


@judge("N15", experiment="reduced_response")
def response_between_tends_to_a_constant(record: xr.Dataset) -> Judgement | None:
    """For targets between, the error must fall as exp(-eta s(x*)^2 t) within 5 %, the divided response to C s(x*)^2.

    The rate is fitted where the error goes from 1e-3 to 1e-9. Conditions are the targets, each with the slope and rate
    that is farthest off. The control is target 1, asked the same with the slope that it has reached at the end: where
    the error falls as a power no single rate fits.
    """
    between = [float(target) for target in record["target"].values if 0 < target < 1]
    conditions, times = [], []
    control = None
    if 1.0 in record["target"].values:
        control = estimate(over_seeds(record["fall"].sel(target=1.0).mean(("slope", "rate"))))
    holds = None if control is None else lies(span(control), *NEAR) is True
    for target in between:
        found = []
        for name, at in _systems(record.sel(target=target)):
            fall, plateau = (estimate(over_seeds(at[each])) for each in ("fall", "plateau"))
            if fall is None or plateau is None:
                continue
            found.append(
                Condition.measured(
                    f"target {target:g}; {name}",
                    fall,
                    control=control,
                    passes=all_of(lies(span(fall), *NEAR), lies(span(plateau), *NEAR)),
                    holds_in_control=holds,
                    note=f"last response over C s(x*)^2 {float(plateau.mean):.4f}",
                )
            )
        if found:
            failed = [each for each in found if not each.passes]
            conditions.append(farthest(failed or found, 1.0))
            times.append(f"{target:g}: {1 / (target * (1 - target)) ** 2:,.0f}")
    if not conditions:
        return None
    shown = "not run" if control is None else f"{float(control.mean):.1f} times the rate of its end, so no exponential"
    return conclude(
        farthest(conditions, 1.0),
        conditions,
        measure="rate of the error's fall over eta s(x*)^2, farthest from 1",
        control=f"target 1: {shown}",
        text=f"{passing(conditions)} fall as stated at their worst slope and rate. At slope and rate 1 the "
        f"time of the fall grows without bound as the target goes to 1 ({'; '.join(times)}): before it, a target "
        "close to 1 is as 1.",
    )
