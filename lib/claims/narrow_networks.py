"""Judges of quenches in highway networks: J25 to J28, on records of ``narrow_networks``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import xarray as xr

from lib.claims._judging import TINY, conclude, estimate, passing, range_of, span, weakest
from lib.claims._model import Condition, Judgement
from lib.claims._quench import DEEP, LOW_RATE, Quench, quench, quench_conditions
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
    (`lib.measures.change_points.dip`). The effect is the recovery in the layer where it is least. The control is the
    plain network of the same shape and rate with the same initial weights, where there is one; random labels and an
    ordinary rate are beside it.
    """
    conditions = []
    for quantity, word in QUANTITIES.items():
        for name, chosen in networks(record):
            plain = _alike(chosen, networks(record, gated=False), "rate")
            control = None if plain is None else quench(plain, quantity)
            conditions += quench_conditions(f"{name}, {word}", quench(chosen, quantity), control)
    if not conditions:
        return None
    return conclude(
        weakest(conditions),
        conditions,
        measure="recovery from the minimum in the layer where it is least, as a share of the value before",
        control=_beside(record, "effective_dimension") or "not run",
        text=f"{passing(conditions)}: falls and recoveries of more than {100 * DEEP:.0f} % in every layer.",
    )


@judge("J26", experiment="narrow_networks")
def loss_falls_after_the_quench(record: xr.Dataset) -> Judgement | None:
    """The minimum of effective dimension must lie near the beginning of the loss's fall, and before it.

    The change points of the loss are the joints of three straight lines: its fall begins at the first and ends at the
    second. The lag is the first of them less the mean time of the minima over layers. Two conditions: it must be
    shorter than from one joint to the other (section 7: *coincides*), and positive (figure D.13: *promptly after*). The
    effect is the lag in epochs; by layer, and in steps, it is in the notes. Several rates are the control.
    """
    conditions = []
    for name, chosen in networks(record):
        found = quench(chosen, "effective_dimension")
        lag = estimate(lags(chosen, found.times))
        if lag is None:
            conditions.append(Condition(name, 0.0, seeds=chosen.sizes["seed"], passes=False, note="no layer dips"))
            continue
        joints = loss_bends(chosen)
        taken = float(np.mean(joints.second - joints.first))
        note = _timing(chosen, found, taken)
        near, after = lies(span(lag), -taken, taken), lies(span(lag), low=TINY)
        conditions.append(Condition.measured(f"{name}, coincides", lag, passes=near, note=note))
        conditions.append(Condition.measured(f"{name}, loss after", lag, passes=after))
    if not conditions:
        return None
    return conclude(
        weakest(conditions),
        conditions,
        measure="beginning of the loss's fall less time of the minimum (epochs), least of networks",
        control="several rates and gate biases",
        text=f"{passing(conditions)} hold. A negative lag: the loss has begun to fall when the minimum comes.",
    )


def _timing(chosen: xr.Dataset, found: Quench, taken: float) -> str:
    """Say in words what happens when: by layer, in epochs and steps."""
    per_epoch = float(chosen["step"][-1] / chosen["epoch"][-1])
    begin = onset(chosen)
    known = np.isfinite(found.times).sum(axis=0) > 0
    by_layer = [np.nanmean(begin - found.times[:, layer]) for layer in np.flatnonzero(known)]
    return (
        f"the fall begins at epoch {begin.mean():.2f} (step {begin.mean() * per_epoch:,.0f}) and takes {taken:.2f}; "
        f"lag by layer {range_of(by_layer)} epochs, in {int(known.sum())} of {len(known)} layers"
    )


@judge("J27", experiment="narrow_networks")
def profiles_are_ordered(record: xr.Dataset) -> Judgement | None:
    """Time and depth of the dip must go with the layer: Kendall's tau beyond 0.5, of either sign.

    Tau is over the layers of each seed; the depth is the recovery from the minimum, in which layers differ most. The
    control is the same with layers in random order, a null. The effect is the tau nearest to 0.
    """
    conditions = []
    random = np.random.default_rng(0)
    for name, chosen in networks(record):
        found = quench(chosen, "effective_dimension")
        for word, values in (("time", found.times), ("depth", found.dips.depth)):
            ordered, shuffled = _taus(values), _taus(random.permuted(values, axis=1))
            both = np.isfinite(ordered) & np.isfinite(shuffled)
            tau = estimate(ordered[both])
            if tau is None:
                conditions.append(
                    Condition(f"{name}, {word}", 0.0, seeds=len(values), passes=False, note="too few layers dip")
                )
                continue
            low, high = span(tau)
            beyond = lies((low, high), low=ORDERED) or lies((low, high), high=-ORDERED)
            within = lies((low, high), -ORDERED, ORDERED)
            conditions.append(
                Condition.measured(
                    f"{name}, {word}",
                    tau,
                    control=seed_interval(shuffled[both]),
                    difference=difference_interval(ordered[both], shuffled[both]),
                    passes=True if beyond else False if within else None,
                )
            )
    if not conditions:
        return None
    return conclude(
        min(conditions, key=lambda condition: abs(condition.effect)),
        conditions,
        measure="Kendall's tau of layer and time or depth of the dip, nearest to 0",
        control=f"layers in random order: {range_of([c.control for c in conditions if c.control is not None] or [0])}",
        text=f"{passing(conditions)} are ordered by layer beyond {ORDERED}.",
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
    11 x 28 at the same rate and bias of the gates is the control, which it must exceed.
    """
    conditions = []
    for shape in OTHERS:
        for name, chosen in networks(record, shape):
            text = _alike(chosen, networks(record), "rate", "gate_bias")
            if text is None:
                continue
            text_spread = _spread(quench(text, "effective_dimension").times)
            found = quench(chosen, "effective_dimension")
            conditions += quench_conditions(name, found, None)
            spread = _spread(found.times)
            both = np.isfinite(spread) & np.isfinite(text_spread)
            wider = estimate((spread - text_spread)[both])
            if wider is None:
                note = "too few layers dip"
                conditions.append(Condition(f"{name}, spread", 0.0, seeds=len(spread), passes=False, note=note))
                continue
            conditions.append(
                Condition.measured(
                    f"{name}, spread beyond that of 11 x 28",
                    wider,
                    passes=lies(span(wider), low=TINY),
                    note=f"{np.mean(spread[both]):.2f} and {np.mean(text_spread[both]):.2f} epochs, minima at epoch "
                    f"{np.nanmean(found.times):.2f}",
                )
            )
    if not conditions:
        return None
    dips = [condition for condition in conditions if condition.name.endswith(", recovery")]
    return conclude(
        weakest(dips or conditions),
        conditions,
        measure="recovery from the minimum in the layer where it is least, as a share of the value before",
        control="spread of the minima of 11 x 28, seed by seed",
        text=f"{passing(conditions)} hold.",
    )


def _spread(times: np.ndarray) -> np.ndarray:
    """Standard deviation over layers, (seed,); nan where fewer than two layers have a time."""
    known = np.isfinite(times).sum(axis=1) > 1
    found = np.full(len(times), np.nan)
    found[known] = np.nanstd(times[known], axis=1, ddof=1)
    return found
