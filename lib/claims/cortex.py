"""Judges of what J says of the mouse visual cortex: J33, on records of ``cortex`` or, where there is one, of
``cortex_areas``; J34, on records of ``cortex_areas``; J35 and J36, on records of ``neurons_and_layers``.

Choices made before any record was judged:

- A session's number for a stimulus is the mean over its segments of one length; its error is the larger of what blocks
  of time within segments and the scatter of segments give. With several sessions the interval is over sessions.
- Of several sessions each step between stimuli gets a sign test, and the order of stimuli a slope.
- Patterns are binary. The text's effective dimension is of real-valued events: it is judged where events have
  amplitudes and there are several sessions, and else not run.
- "About 0.02" is from half to double of it. Sparsity explains a lower complexity if it takes nine tenths of the gap.
- Total correlation is counted from independent units by the same folds, and from the tighter of both estimators.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy.stats import binomtest

from lib.claims._judging import TINY, conclude, farthest, passing, range_of, span, weakest
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.experiments.estimates import rows
from lib.measures.statistics import Estimate, difference_interval, seed_interval

SPONTANEOUS = "spontaneous"
LEVELS = {"gratings": ("static",), "scenes": ("scenes",), "movies": ("movie",)}
"""The text's stimuli after spontaneous activity, in its order, by words in their names; none are drifting gratings."""

DRIFTING = "drifting gratings"
"""What a session of type A has and the text has not: no condition of J33, but said beside them."""

_WORDS = LEVELS | {DRIFTING: ("drifting",)}
_NAMES = {"gratings": "static gratings"}  # where the word of a level alone would say too much

ACTIVE = (0.005, 0.009)
"""Share of bins in which a neuron is active."""

ABOUT = (0.01, 0.04)
"""Normalised total correlation that is about 0.02."""

EXPLAINED = 0.9
"""Share of the gap in complexity that sparsity must explain."""

OBSERVABLES = {
    "complexity, logistic": ("bits", "standard_error", "logistic"),
    "complexity, autoregressive": ("bits", "standard_error", "autoregressive"),
    "effective dimension, binary": ("dimension", "dimension_error", "independent"),
    "effective dimension, events": ("dimension_of_counts", "", "independent"),
}
"""What is judged, a neuron: column, its error if it has one, and the method whose rows have it."""

_QUANTILE = 1.96  # of the normal distribution


def per_neuron(found: xr.Dataset, column: str, error: str) -> tuple[float, float, int]:
    """Return mean over segments, its standard error and the number of segments, each divided by the neurons.

    Examples
    --------
    >>> table = {"bits": [2.0, 4.0], "standard_error": [0.1, 0.1], "neurons": [10, 10]}
    >>> found = xr.Dataset({name: ("estimate", values) for name, values in table.items()})
    >>> [round(x, 3) for x in per_neuron(found, "bits", "standard_error")]  # segments scatter more than blocks say
    [0.3, 0.1, 2]
    """
    values = (found[column] / found["neurons"]).values
    errors = (found[error] / found["neurons"]).values if error else np.full(len(values), np.nan)
    count = len(values)
    within = float(np.sqrt((errors**2).sum())) / count
    between = float(values.std(ddof=1)) / np.sqrt(count) if count > 1 else 0.0
    return float(values.mean()), within if np.isnan(within) else max(within, between), count


def _of_level(found: xr.Dataset, level: str) -> xr.Dataset:
    names = [str(name) for name in np.unique(found["stimulus"].values)]
    chosen = [n for n in names if (n == SPONTANEOUS if level == SPONTANEOUS else any(w in n for w in _WORDS[level]))]
    return found.isel(estimate=np.flatnonzero(np.isin(found["stimulus"].values, chosen)))


def rise(record: xr.Dataset, study: str, source: str, observable: str, level: str) -> tuple[float, float] | None:
    """Return by how much an observable rises from spontaneous activity to a level, a neuron, and its standard error.

    Of studies that were drawn several times, the first draw that has the method.
    """
    column, error, method = OBSERVABLES[observable]
    found = rows(record, study=study, source=source, method=method, grouped=1)
    if not found.sizes["estimate"] or (not error and (found[column] == found["dimension"]).all()):
        return None  # binary events have no other dimension than their patterns
    found = rows(found, draw=found["draw"].values.min())
    before, after = (_of_level(found, each) for each in (SPONTANEOUS, level))
    if not before.sizes["estimate"] or not after.sizes["estimate"]:
        return None
    (low, low_error, _), (high, high_error, _) = (per_neuron(each, column, error) for each in (before, after))
    return high - low, float(np.hypot(low_error, high_error))


def _sessions(record: xr.Dataset, area: str) -> list[str]:
    return [str(each) for each in np.unique(rows(record, area=area)["source"].values)]


def rises(record: xr.Dataset, study: str, area: str, observable: str, level: str) -> np.ndarray:
    """Return the rise in each session of an area, shape (session,): of those that have it."""
    found = [rise(record, study, source, observable, level) for source in _sessions(record, area)]
    return np.array([each[0] for each in found if each is not None])


def over_sessions(record: xr.Dataset, study: str, area: str, observable: str, level: str) -> Estimate | None:
    """Return the rise in an area: over sessions, or, of one session, over blocks of time.

    None where it was not measured, or in one session only and without an error.
    """
    found = [rise(record, study, source, observable, level) for source in _sessions(record, area)]
    known = [each for each in found if each is not None]
    if len(known) > 1:
        return seed_interval(np.array([value for value, _ in known]))
    return _normal(*known[0]) if known and np.isfinite(known[0][1]) else None


def signs(earlier: np.ndarray, later: np.ndarray) -> Estimate:
    """Return the share of sessions in which an observable is higher later than earlier, shapes (session,).

    With the exact binomial interval: by the sign test it rises where that lies above one half.

    Examples
    --------
    >>> found = signs(np.zeros(6), np.ones(6))
    >>> round(float(found.mean), 3), round(float(found.low), 3), round(float(found.high), 3)
    (1.0, 0.541, 1.0)
    """
    count = int((later > earlier).sum())
    interval = binomtest(count, len(later)).proportion_ci(0.95)
    return Estimate(np.array(count / len(later)), np.array(interval.low), np.array(interval.high), len(later))


def _normal(value: float, error: float) -> Estimate:
    mean, margin = np.array(value), _QUANTILE * error
    return Estimate(mean, mean - margin, mean + margin, 1)


def _said(found: Estimate) -> str:
    return f"{float(found.mean):.4f} ({float(found.low):.4f} to {float(found.high):.4f})"


@judge("J33", experiment="cortex", beside=["cortex_areas"])
def stimuli_raise_both(record: xr.Dataset, areas: xr.Dataset | None = None) -> Judgement | None:
    """Complexity and effective dimension per neuron must rise from spontaneous activity to gratings, scenes and movies.

    In areas VISp and VISl, at equal time; in many sessions, where they are recorded, step by step too. Control: the
    same with trains shifted against each other, which keeps rates and trains: if they rise as much, rates are all there
    is to it. And with rates made equal by thinning.
    """
    record = record if areas is None else areas
    conditions = []
    for area in ("VISp", "VISl"):
        for observable in OBSERVABLES:
            for level in LEVELS:
                found = over_sessions(record, "stimuli", area, observable, level)
                if found is None:
                    continue
                control = over_sessions(record, "surrogates", area, observable, level)
                equal = over_sessions(record, "rates", area, observable, level)
                conditions.append(
                    Condition.measured(
                        f"{area}, {observable}, {level}",
                        found,
                        control=control,
                        passes=lies(span(found), low=TINY),
                        holds_in_control=None if control is None else lies(span(control), low=TINY) is True,
                        note="" if equal is None else f"at equal rates {_said(equal)}",
                    )
                )
    if not conditions:
        return None
    carrier = weakest(_of_complexity(conditions))
    missing = [area for area in ("VISp", "VISl") if not any(c.name.startswith(area) for c in conditions)]
    missing += [_NAMES.get(level, level) for level in LEVELS if not any(c.name.endswith(level) for c in conditions)]
    if not any(", events, " in c.name for c in conditions):
        missing.append("effective dimension of real-valued events")
    controls = [c.control for c in conditions if c.control is not None]
    conditions += _in_order(record)
    return conclude(
        carrier,
        conditions,
        measure=f"rise of complexity from spontaneous activity, bits per neuron, least ({carrier.name})",
        control=f"trains shifted, rates kept: {range_of(controls, 4)}" if controls else "not run",
        text=f"{passing(conditions)} rise."
        + (f" Not run: {', '.join(missing)}." if missing else "")
        + _beside(record)
        + ("" if any(c.seeds > 1 for c in conditions) else " One session: intervals are over blocks of time."),
        at_most="partly" if missing else "reproduced",
    )


def _beside(record: xr.Dataset) -> str:
    """Say what both observables do under drifting gratings in VISp, which the text has not; nothing where they do not.

    Real-valued events are left out, and of complexity the bound is that of the chapter's figures.
    """
    said = []
    for observable in ("complexity, logistic", "effective dimension, binary"):
        found = over_sessions(record, "stimuli", "VISp", observable, DRIFTING)
        if found is not None:
            said.append(f"{observable.partition(',')[0]} {verb(found)}, {_said(found)}")
    return f" Per neuron, under drifting gratings, which are not the text's: {'; '.join(said)}." if said else ""


def verb(found: Estimate) -> str:
    """Say what a change with its interval does.

    Examples
    --------
    >>> verb(Estimate(np.array(-2.0), np.array(-3.0), np.array(-1.0), 5))
    'falls'
    """
    low, high = span(found)
    return "rises" if low > 0 else "falls" if high < 0 else "neither rises nor falls beyond its error"


def _of_complexity(conditions: Sequence[Condition]) -> list[Condition]:
    """Return the conditions on complexity: those on effective dimension have another unit."""
    return [condition for condition in conditions if "complexity" in condition.name]


def _in_order(record: xr.Dataset) -> list[Condition]:
    """Return the conditions that only several sessions can have: each step, and the slope over the order."""
    conditions = []
    for area, observable in itertools.product(("VISp", "VISl"), OBSERVABLES):
        if len(_sessions(record, area)) < 2:
            continue
        found = {level: rises(record, "stimuli", area, observable, level) for level in LEVELS}
        number = len(found["movies"])
        known = {level: values for level, values in found.items() if len(values) == number > 1}
        steps = {SPONTANEOUS: np.zeros(number), **known}
        for (before, low), (after, high) in itertools.pairwise(steps.items()):
            share = signs(low, high)
            name = f"{area}, {observable}, share of sessions that rise from {before} to {after}"
            conditions.append(Condition.measured(name, share, passes=lies(span(share), low=0.5)))
        if len(known) == len(LEVELS):
            slope = seed_interval(np.polyfit(np.arange(len(steps)), np.stack(list(steps.values())), 1)[0])
            name = f"{area}, {observable}, slope over the order"
            conditions.append(Condition.measured(name, slope, passes=lies(span(slope), low=TINY)))
    return conditions


@judge("J34", experiment="cortex_areas")
def rostrolateral_area_does_not_discriminate(record: xr.Dataset) -> Judgement | None:
    """In area VISrl the rise from spontaneous activity to each stimulus must have an interval that contains 0.

    Control: the same in equally many neurons of each session. The notes have the standard deviation over sessions.
    """
    conditions = []
    for observable in OBSERVABLES:
        for level in LEVELS:
            found = over_sessions(record, "stimuli", "VISrl", observable, level)
            if found is None:
                continue
            matched = over_sessions(record, "neurons", "VISrl", observable, level)
            each = rises(record, "stimuli", "VISrl", observable, level)
            conditions.append(
                Condition.measured(
                    f"{observable}, {level}",
                    found,
                    control=matched,
                    passes=_holds_zero(found),
                    note=f"standard deviation over sessions {each.std(ddof=1):.4f}" if len(each) > 1 else "",
                )
            )
    if not conditions:
        return None
    carrier = farthest(_of_complexity(conditions), 0)
    controls = [c.control for c in conditions if c.control is not None]
    return conclude(
        carrier,
        conditions,
        measure=f"rise of complexity from spontaneous activity, bits per neuron, largest ({carrier.name})",
        control=f"equally many neurons of each session: {range_of(controls, 4)}" if controls else "not run",
        text=f"{passing(conditions)} do not tell stimuli apart.",
    )


def _holds_zero(found: Estimate) -> bool:
    low, high = span(found)
    return bool(low <= 0 <= high)


def _tightest(found: xr.Dataset, column: str = "bits") -> np.ndarray:
    """Values of one draw after the other, each by the method with the fewest bits but for independent units."""
    learned = found.isel(estimate=np.flatnonzero(found["method"].values != "independent"))
    values = []
    for draw in np.unique(learned["draw"].values):
        here = rows(learned, draw=draw)
        values.append(float(here[column].values[here["bits"].values.argmin()]))
    return np.array(values)


def _select(record: xr.Dataset, system: str, stimulus: str, surrogate: str = "none", whole: int = 0) -> xr.Dataset:
    return rows(record, system=system, stimulus=stimulus, surrogate=surrogate, whole=whole)


def total_correlation(found: xr.Dataset) -> np.ndarray:
    """Normalised total correlation of each draw: the tightest method's gain over independent units, over their bits."""
    alone = rows(found, method="independent")
    return _tightest(found, "gain") / alone["bits"].values


def _stimuli(record: xr.Dataset) -> list[str]:
    return list(dict.fromkeys(str(name) for name in rows(record, whole=1)["stimulus"].values))


@judge("J35", experiment="neurons_and_layers")
def sparsity_makes_complexity_low(record: xr.Dataset) -> Judgement | None:
    """Neurons must be active in 0.005 to 0.009 of bins, and rates must explain nine tenths of their low complexity.

    That is of the gap in complexity per unit between a layer and as many neurons: the part by which it shrinks where
    the layer's units get thresholds that give them the neurons' rates. Complexity over that of independent units, which
    takes rates out of both systems in another way, is in the notes.
    """
    if record.attrs["recording"] == "simulated":
        return None
    conditions = []
    layer = _tightest(_select(record, "layer", ""))
    correlated = 1 - total_correlation(_select(record, "layer", "")).mean()
    for stimulus in _stimuli(record):
        whole = rows(_select(record, "neurons", stimulus, whole=1), method="independent")
        active = seed_interval(whole["activity"].values)
        conditions.append(Condition.measured(f"active share, {stimulus}", active, passes=lies(span(active), *ACTIVE)))
        neurons, sparse = (_tightest(_select(record, system, stimulus)) for system in ("neurons", "sparse layer"))
        explained = seed_interval((layer - sparse) / (layer - neurons))
        conditions.append(
            Condition.measured(
                f"gap explained by rates, {stimulus}",
                explained,
                passes=lies(span(explained), low=EXPLAINED),
                note=f"bits per unit: layer {layer.mean() / _units(record):.3f}, at the neurons' rates "
                f"{sparse.mean() / _units(record):.3f}, neurons {neurons.mean() / _units(record):.3f}; over "
                f"independent units: layer {correlated:.2f}, neurons "
                f"{1 - total_correlation(_select(record, 'neurons', stimulus)).mean():.2f}",
            )
        )
    carrier = weakest([c for c in conditions if c.name.startswith("gap")])
    shares = [c.effect for c in conditions if c.name.startswith("active")]
    return conclude(
        carrier,
        conditions,
        measure=f"share of the gap in complexity that rates explain, least ({carrier.name})",
        control="units of the layer with thresholds that give them the neurons' rates: the conditions themselves",
        text=f"{passing(conditions)} are as stated; active shares are {range_of(shares, 4)}.",
    )


def _units(record: xr.Dataset) -> int:
    return int(rows(record, whole=0)["units"].values[0])


@judge("J36", experiment="neurons_and_layers")
def total_correlation_is_low(record: xr.Dataset) -> Judgement | None:
    """Normalised total correlation of all neurons must be about 0.02, and that of as many units of a layer higher.

    The second at equal rate, number and sample size, too. Control of the first: trains shifted against each other.
    """
    if record.attrs["recording"] == "simulated":
        return None
    conditions = []
    layer = total_correlation(_select(record, "layer", ""))
    for stimulus in _stimuli(record):
        whole, moved = (_whole(record, stimulus, surrogate) for surrogate in ("none", "shifted"))
        conditions.append(
            Condition.measured(
                f"all neurons, {stimulus}",
                whole,
                control=moved,
                passes=lies(span(whole), *ABOUT),
                holds_in_control=lies(span(moved), *ABOUT) is True,
                note="control: trains shifted",
            )
        )
        neurons, sparse = (total_correlation(_select(record, s, stimulus)) for s in ("neurons", "sparse layer"))
        for name, units in (("as it is", layer), ("at equal rates", sparse)):
            found = difference_interval(units, neurons)
            conditions.append(
                Condition.measured(
                    f"layer {name} less neurons, {stimulus}",
                    found,
                    passes=lies(span(found), low=TINY),
                    note=f"layer {units.mean():.3f}, as many neurons {neurons.mean():.3f}",
                )
            )
    values = [c for c in conditions if c.name.startswith("all")]
    carrier = farthest(values, 0.02)
    return conclude(
        carrier,
        conditions,
        measure=f"normalised total correlation, farthest from 0.02 ({carrier.name})",
        control=f"trains shifted: {range_of([c.control for c in values if c.control is not None], 3)}",
        text=f"{passing(conditions)} are as stated; all neurons have {range_of([c.effect for c in values], 3)}.",
    )


def _whole(record: xr.Dataset, stimulus: str, surrogate: str) -> Estimate:
    """Normalised total correlation of all neurons, with the error over blocks of time."""
    found = _select(record, "neurons", stimulus, surrogate, whole=1)
    alone = float(rows(found, method="independent")["bits"].values[0])
    return _normal(*(float(_tightest(found, column)[0]) / alone for column in ("gain", "gain_error")))
