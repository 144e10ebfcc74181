"""Judges of the units that are lost: which they are, whether they can be removed and come back. N19, N20 and N23."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import xarray as xr

from lib.claims._feature_loss import has, last, pick, rate_like, rates_of
from lib.claims._judging import all_of, conclude, estimate, over_seeds, passing, range_of, span, weakest
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.experiments.noise_courses import LOST, TASKS, WEAK
from lib.measures.statistics import Estimate
from lib.models.bit_encoder import ACTIVATION_NAMES

MOST = 0.9
"""Share that is almost all."""

REVIVED = 0.05
"""Share of lost units up to which a loss is irreversible."""

ROUNDING = 1e-9
"""Change of a prediction that is none."""

PRECISION = 0.01
"""Change of a prediction up to which nothing is lost when weak units are removed."""

_WORDS_LOST = {"off": "off at every input", "weak": f"below {100 * WEAK:.0f} % of the mean size"}

_COURSES = {"random": "random pairs", "pair": "fixed pair at 0.2"}

_TASKS = {"pair": "the fixed pair", "majority": "the majority of bits"}

_BACK = {"off": "revived", "weak": "regrown"}


@judge("N19", experiment="feature_loss")
def what_is_left_is_sensitive(record: xr.Dataset) -> Judgement | None:
    """Of the units not lost, more than 90 % must be on at x_o, and of those off there at first more than 90 % be lost.

    A unit is lost if it is off at every input, or, the weaker threshold, if its mean size is below 1 % of the mean over
    units before training. Conditions are thresholds and rates, with ReLU. The effect is the share lost of units that
    were off at x_o at first, the least. The control follows the expected gradient.
    """
    relu, calm = pick(record, "pair", "relu"), pick(record, "pair", "relu", noise=False)
    conditions = []
    for rate, threshold in product(rates_of(relu), LOST):
        assert relu is not None
        here = relu.sel(rate=rate, lost_by=threshold)
        others, at = (estimate(over_seeds(here[name])) for name in ("lost_others", "living_at"))
        if others is None:
            continue
        control, holds = None, None
        if calm is not None:
            there = calm.sel(rate=rate_like(calm, rate), lost_by=threshold)
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
    lost = [float(relu["lost"].sel(rate=rate, lost_by="off").mean()) for rate in rates_of(relu)] if relu else []
    return conclude(
        weakest(conditions),
        conditions,
        measure="share lost of units that were off at x_o at first, least of rates and thresholds",
        control=f"expected gradient: {range_of(controls)}" if controls else "not run",
        text=f"{passing(conditions)} are as stated. Of all units {range_of(lost)} are off at every input, by rate.",
    )


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
        for rate, task, threshold in product(rates_of(relu), TASKS, LOST):
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


def _back_in_others(
    record: xr.Dataset, course: str, rate: float, task: str, threshold: str
) -> Iterator[tuple[str, Estimate]]:
    for activation in ("elu", "leaky relu"):
        chosen = pick(record, course, activation)
        if chosen is not None and has(chosen, rate):
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
        for rate, threshold in product(rates_of(relu), LOST):
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
