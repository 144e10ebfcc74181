"""Judges of quenches in highway networks: J25 to J28, on records of ``narrow_networks``.

The rules were written before any record was made, and changed when the first network's had been seen. The first ones
asked for the recovery alone, took minima only from layers that recover more than 20 %, and asked J26 for both of its
statements at once. Each row says what they give, and none is more than partly reproduced unless they too reproduce it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import xarray as xr

from lib.claims._judging import TINY, all_of, conclude, estimate, passing, range_of, said, span, weakest
from lib.claims._model import Condition, Judgement
from lib.claims._quench import (
    DEEP,
    LOW_RATE,
    Quench,
    before_the_change,
    of_seeds,
    quench,
    quench_conditions,
)
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.measures.change_points import Bends, bends
from lib.measures.statistics import difference_interval, kendall_tau, seed_interval

TEXT = (11, 28)
"""Layers and units of the text's network."""

OTHERS = ((11, 36), (10, 36))
"""Layers and units of the text's other networks."""

ORDERED = 0.5
"""Size of the rank correlation with the layer above which profiles are ordered."""

QUANTITIES = {"effective_dimension": "dimension", "complexity": "complexity"}
"""What dips, and its word in the names of conditions."""


def network(record: xr.Dataset, name: str) -> xr.Dataset:
    """Return one network, without the layers that it does not have."""
    chosen = record.sel(network=name)
    return chosen.isel(layer=chosen["layer"].values <= int(chosen["depth"]))


def networks(
    record: xr.Dataset, shape: tuple[int, int] = TEXT, *, gated: bool = True, low: bool = True, labels: str = "true"
) -> Iterator[tuple[str, xr.Dataset]]:
    """Yield name and network of all that have a shape (layers, units), gates or none, and a low or an ordinary rate."""
    for name in map(str, record["network"].values):
        chosen = network(record, name)
        same = (int(chosen["depth"]), int(chosen["width"])) == shape and chosen["labels"].item() == labels
        if same and bool(chosen["gate_bias"].notnull()) == gated and bool(chosen["rate"] <= LOW_RATE) == low:
            yield name, chosen


def loss_bends(chosen: xr.Dataset) -> Bends:
    """Return the two bends of each seed's test loss: when its fall begins and when it ends, in epochs."""
    return bends(chosen["epoch"].values, chosen["test_loss"].transpose("seed", "reading").values)


def onset(chosen: xr.Dataset) -> np.ndarray:
    """Return when each seed's test loss begins to fall, in epochs; the start, where it is steepest from there."""
    found = loss_bends(chosen)
    falls_faster = found.slopes[..., 1] < found.slopes[..., 0]
    return np.where(falls_faster, found.first, float(chosen["epoch"].values[0]))


def lags(chosen: xr.Dataset, times: np.ndarray) -> np.ndarray:
    """Return onset of the loss less the mean time over layers, a seed, in epochs; seeds without times are left out."""
    known = np.isfinite(times).any(axis=1)
    total = np.nansum(times, axis=1)[known] / np.isfinite(times).sum(axis=1)[known]
    return onset(chosen)[known] - total


def _beside(record: xr.Dataset, quantity: str) -> str:
    """Say what dips at an ordinary rate, without gates, and under random labels."""
    rows = [
        *networks(record, low=False),
        *networks(record, gated=False),
        *networks(record, labels="random"),
    ]
    return "; ".join(f"{name}: {quench(chosen, quantity)}" for name, chosen in rows)


def _alike(chosen: xr.Dataset, among: Iterable[tuple[str, xr.Dataset]], *settings: str) -> xr.Dataset | None:
    """Return the first of some networks that has the same settings as one; None if there is none."""
    same = (each for _, each in among if all(np.isclose(each[name], chosen[name]) for name in settings))
    return next(same, None)


@judge("J25", experiment="narrow_networks")
def layers_are_quenched(record: xr.Dataset) -> Judgement | None:
    """In every layer effective dimension, and complexity, must fall and recover by more than 20 % of the value before.

    Both are conditions of their own: the row's words ask for the depth of the dip, from the value before to the
    minimum; a quench is a dip *and recovery*, and that is from the minimum to the lower of both rims
    (`lib.measures.change_points.dip`). The effect is the recovery in the layer where it is least. Controls are the
    plain network of the same shape and rate with the same initial weights, and an ordinary rate with the same bias of
    the gates, where there is one; random labels are beside them.

    Settled after the first record was seen: fall and recovery as conditions of their own; the first rule asked for the
    recovery alone. Settled after all records were seen: the ordinary rate is a control, and not only beside.
    """
    conditions = []
    for quantity, word in QUANTITIES.items():
        for name, chosen in networks(record):
            controls = {
                "without gates": _alike(chosen, networks(record, gated=False), "rate"),
                "ordinary rate": _alike(chosen, networks(record, low=False), "gate_bias"),
            }
            run = {each: None if other is None else quench(other, quantity) for each, other in controls.items()}
            conditions += quench_conditions(f"{name}, {word}", quench(chosen, quantity), run)
    if not conditions:
        return None
    clause, ceiling = before_the_change([each for each in conditions if each.name.endswith(", recovery")])
    passed = [condition for condition in conditions if condition.passes]
    held = f" {sum(bool(c.holds_in_control) for c in passed)} of the {len(passed)} that hold do so in a control too."
    return conclude(
        weakest(conditions),
        conditions,
        measure="recovery from the minimum in the layer where it is least, as a share of the value before",
        control=_beside(record, "effective_dimension") or "not run",
        text=f"{passing(conditions)}: falls and recoveries of more than {100 * DEEP:.0f} % in every layer."
        f"{held if passed else ''} The ordinary rate was made a control after the records were seen.{clause}",
        at_most=ceiling,
    )


@judge("J26", experiment="narrow_networks")
def loss_falls_after_the_quench(record: xr.Dataset) -> Judgement | None:
    """The minimum of effective dimension must lie near the beginning of the loss's fall, and before it.

    The change points of the loss are the joints of three straight lines: its fall begins at the first and ends at the
    second. The lag is the first of them less the mean time of the minima over layers. Two conditions: it must be
    shorter than from one joint to the other (section 7: *coincides*), and positive (figure D.13: *promptly after*). The
    effect is the lag in epochs; by layer with its interval, and in steps, it is in the notes. Several rates are the
    control.

    Settled after the first record was seen: minima of all layers count, and there are two conditions; the first rule
    asked for both at once, of layers that recover more than 20 %. Lags by layer were given intervals later still.
    """
    conditions, first = [], []
    for name, chosen in networks(record):
        found = quench(chosen, "effective_dimension")
        lag = estimate(lags(chosen, found.times))
        if lag is None:
            conditions.append(Condition(name, 0.0, seeds=chosen.sizes["seed"], passes=False, note="no layer dips"))
            first.append(conditions[-1])
            continue
        joints = loss_bends(chosen)
        taken = float(np.mean(joints.second - joints.first))
        note = f"{_timing(chosen, found, taken)}; {of_seeds(int(lag.n), chosen.sizes['seed'])}"
        near, after = lies(span(lag), -taken, taken), lies(span(lag), low=TINY)
        conditions.append(Condition.measured(f"{name}, coincides", lag, passes=near, note=note))
        conditions.append(
            Condition.measured(f"{name}, loss after", lag, passes=after, note=_lags_by_layer(chosen, found))
        )
        first.append(_first_lag(name, chosen, found, taken))
    if not conditions:
        return None
    clause, ceiling = before_the_change(first)
    return conclude(
        weakest(conditions),
        conditions,
        measure="beginning of the loss's fall less time of the minimum (epochs), least of networks",
        control="several rates and gate biases",
        text=f"{passing(conditions)} hold. A negative lag: the loss has begun to fall when the minimum comes.{clause}",
        at_most=ceiling,
    )


def _first_lag(name: str, chosen: xr.Dataset, found: Quench, taken: float) -> Condition:
    """Return the condition of the rule that was fixed first: near and after at once, of layers that recover."""
    lag = estimate(lags(chosen, found.first_times))
    if lag is None:
        return Condition(name, 0.0, seeds=chosen.sizes["seed"], passes=False)
    return Condition.measured(name, lag, passes=all_of(lies(span(lag), low=TINY), lies(span(lag), -taken, taken)))


def _lags_by_layer(chosen: xr.Dataset, found: Quench) -> str:
    """Say each layer's lag with its interval over the seeds that have a minimum there, and count the signs."""
    by_layer, before, after = [], 0, 0
    for layer, values in zip(chosen["layer"].values, (onset(chosen)[:, None] - found.times).T, strict=True):
        lag = estimate(values[np.isfinite(values)])
        if lag is None:
            by_layer.append(f"{layer}: no minimum")
            continue
        few = f", {of_seeds(int(lag.n), len(values))}" if lag.n < len(values) else ""
        by_layer.append(f"{layer}: {said(lag)}{few}")
        before, after = before + bool(lag.high < 0), after + bool(lag.low > 0)
    return (
        f"interval below 0 in {before}, above 0 in {after} of {len(by_layer)} layers; lag by layer (epochs) "
        f"{'; '.join(by_layer)}"
    )


def _timing(chosen: xr.Dataset, found: Quench, taken: float) -> str:
    """Say in words when the loss falls, in epochs and steps, and how many layers have a minimum."""
    per_epoch = float(chosen["step"][-1] / chosen["epoch"][-1])
    begin = onset(chosen)
    known = np.isfinite(found.times).any(axis=0)
    return (
        f"the fall begins at epoch {begin.mean():.2f} (step {begin.mean() * per_epoch:,.0f}) and takes {taken:.2f}; "
        f"minima in {int(known.sum())} of {len(known)} layers"
    )


@judge("J27", experiment="narrow_networks")
def profiles_are_ordered(record: xr.Dataset) -> Judgement | None:
    """Time and depth of the dip must go with the layer: Kendall's tau beyond 0.5, of either sign.

    Tau is over the layers of each seed; the depth is the recovery from the minimum, in which layers differ most. The
    control is the same with layers in random order, a null. The effect is the tau nearest to 0.

    Settled after the first record was seen: minima of all layers count; the first rule took times only from layers that
    recover more than 20 %.
    """
    conditions, first = [], []
    random, again = np.random.default_rng(0), np.random.default_rng(0)
    for name, chosen in networks(record):
        found = quench(chosen, "effective_dimension")
        conditions += [_ordered(f"{name}, time", found.times, random)]
        conditions += [_ordered(f"{name}, depth", found.dips.depth, random)]
        first += [_ordered(f"{name}, time", found.first_times, again), conditions[-1]]
    if not conditions:
        return None
    clause, ceiling = before_the_change(first)
    return conclude(
        min(conditions, key=lambda condition: abs(condition.effect)),
        conditions,
        measure="Kendall's tau of layer and time or depth of the dip, nearest to 0",
        control=f"layers in random order: {range_of([c.control for c in conditions if c.control is not None] or [0])}",
        text=f"{passing(conditions)} are ordered by layer beyond {ORDERED}.{clause}",
        at_most=ceiling,
    )


def _ordered(name: str, values: np.ndarray, random: np.random.Generator) -> Condition:
    """Return the condition that values, (seed, layer), go with the layer, beside layers in random order."""
    ordered, shuffled = _taus(values), _taus(random.permuted(values, axis=1))
    both = np.isfinite(ordered) & np.isfinite(shuffled)
    tau = estimate(ordered[both])
    if tau is None:
        return Condition(name, 0.0, seeds=len(values), passes=False, note="too few layers dip")
    low, high = span(tau)
    beyond = lies((low, high), low=ORDERED) or lies((low, high), high=-ORDERED)
    within = lies((low, high), -ORDERED, ORDERED)
    return Condition.measured(
        name,
        tau,
        control=seed_interval(shuffled[both]),
        difference=difference_interval(ordered[both], shuffled[both]),
        passes=True if beyond else False if within else None,
        note=of_seeds(int(tau.n), len(values)),
    )


def _taus(values: np.ndarray) -> np.ndarray:
    """Kendall's tau of layer and value in each seed, over layers that have one; nan where fewer than three have."""
    found = []
    for row in values:
        known = np.flatnonzero(np.isfinite(row))
        found.append(float(kendall_tau(known, row[known])) if len(known) > 2 else np.nan)
    return np.array(found)


@judge("J28", experiment="narrow_networks")
def other_shapes_are_quenched_too(record: xr.Dataset) -> Judgement | None:
    """Effective dimension must dip as in J25 at 11 x 36 and 10 x 36, and minima be spread wider over layers.

    The spread is the standard deviation over layers of the time of the minimum, in epochs, seed by seed; that of
    11 x 28 at the same rate and bias of the gates is the control, which it must exceed. That minima are *shifted* has
    no test in the row; when they come is in the notes.

    Settled after the first record was seen: as for J25, and minima of all layers count; the first rule took those of
    layers that recover more than 20 %.
    """
    conditions, first = [], []
    for shape in OTHERS:
        for name, chosen in networks(record, shape):
            text = _alike(chosen, networks(record), "rate", "gate_bias")
            if text is None:
                continue
            found, beside = quench(chosen, "effective_dimension"), quench(text, "effective_dimension")
            fall, recovery = quench_conditions(name, found)
            conditions += [fall, recovery, _wider(name, found.times, beside.times)]
            first += [recovery, _wider(name, found.first_times, beside.first_times)]
    if not conditions:
        return None
    clause, ceiling = before_the_change(first)
    dips = [condition for condition in conditions if condition.name.endswith(", recovery")]
    return conclude(
        weakest(dips or conditions),
        conditions,
        measure="recovery from the minimum in the layer where it is least, as a share of the value before",
        control="spread of the minima of 11 x 28, seed by seed",
        text=f"{passing(conditions)} hold. That minima are shifted has no test in the row and is not judged.{clause}",
        at_most=ceiling,
    )


def _wider(name: str, times: np.ndarray, text_times: np.ndarray) -> Condition:
    """Return the condition that minima, (seed, layer), are spread wider over layers than those of 11 x 28."""
    spread, beside = _spread(times), _spread(text_times)
    both = np.isfinite(spread) & np.isfinite(beside)
    wider = estimate((spread - beside)[both])
    if wider is None:
        return Condition(f"{name}, spread", 0.0, seeds=len(spread), passes=False, note="too few layers dip")
    return Condition.measured(
        f"{name}, spread beyond that of 11 x 28",
        wider,
        passes=lies(span(wider), low=TINY),
        note=f"{np.mean(spread[both]):.2f} and {np.mean(beside[both]):.2f} epochs, minima at epoch "
        f"{np.nanmean(times):.2f} and {np.nanmean(text_times):.2f}; {of_seeds(int(wider.n), len(spread))}",
    )


def _spread(times: np.ndarray) -> np.ndarray:
    """Standard deviation over layers, (seed,); nan where fewer than two layers have a time."""
    known = np.isfinite(times).sum(axis=1) > 1
    found = np.full(len(times), np.nan)
    found[known] = np.nanstd(times[known], axis=1, ddof=1)
    return found
