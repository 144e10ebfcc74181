"""Judges of the claims about the measures themselves: J37, J39 and J40, on records of ``pattern_calibration``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import xarray as xr

from lib.claims._judging import TINY, conclude, estimate, over_seeds, passing, range_of, span, weakest
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.experiments.estimates import rows
from lib.experiments.pattern_calibration import BOUNDING, LATTICE, SPARSE
from lib.measures.dimension import effective_dimension
from lib.measures.statistics import Estimate

ERRORS = -3.0
"""Standard errors by which a bound may lie below the truth."""

COMPARABLE = 1.01
"""Bits of logistic regression over those of xgboost, up to which they count as comparable."""

IN_BLOCKS = ", blocks of time in one fold"
"""In the name of a condition whose samples are correlated."""

ROUNDING = 1e-9
"""By how much a closed form may be missed, relative to it or in bits."""

DRAWN = 0.01
"""By how much the dimension of points drawn from a ball may differ from k, relative to k."""


def excess_in_errors(record: xr.Dataset) -> xr.DataArray:
    """Return estimate less truth in standard errors of the estimate, dimensions system, estimator, samples, seed."""
    return (record["bits"] - record["truth"]) / np.maximum(record["standard_error"], TINY)


def leak_in_errors(record: xr.Dataset) -> xr.DataArray:
    """Return what split folds find of repeated patterns, less the truth, in standard errors over patterns that repeat.

    Dimensions updates, estimator, seed. Repeats are no samples of their own: a standard error that counts them as such
    would be too small.
    """
    truth = record["truth"].sel(system=LATTICE)
    return (record["split_bits"] - truth) / np.maximum(record["grouped_error"], TINY)


@judge("J37", experiment="pattern_calibration")
def classifiers_bound_the_entropy(record: xr.Dataset) -> Judgement | None:
    """No method that promises a bound may lie more than 3 of its standard errors below the truth.

    Conditions are all systems, methods and sizes that were tried, and repeated patterns whose repeats stay in one fold.
    The effect is estimate less truth in standard errors, mean over seeds. The control breaks the one premise, that a
    pattern is scored by what has not seen it: exact repeats are split between folds, and the test must fail. Not every
    method can learn patterns by heart, so the control is that of the method which falls lowest.
    """
    leaks = list(_leaks(record))
    control = min((found for _, found in leaks), key=lambda found: float(found.mean), default=None)
    holds = None if control is None else lies(span(control), low=ERRORS) is True
    conditions = [
        Condition.measured(name, found, control=control, passes=lies(span(found), low=ERRORS), holds_in_control=holds)
        for name, found in _bounds(record)
    ]
    if not conditions:
        return None
    carrier, lowest = weakest(conditions), float(excess_in_errors(_bounding(record)).min())
    fallen = "; ".join(f"{method} {float(found.mean):.1f}" for method, found in leaks) or "not run"
    return conclude(
        carrier,
        conditions,
        measure=f"estimate less truth in standard errors, least of systems, methods and sizes ({carrier.name})",
        control=f"exact repeats split between folds, estimate less truth in standard errors: {fallen}",
        text=f"{passing(conditions)} keep the bound; the lowest single estimate of independent samples is "
        f"{lowest:.1f} standard errors from the truth. Looseness goes from {_looseness(record)} % of the truth, and "
        f"other orders of the units move the bound by up to {float(spread_of_orders(record).max()):.1f} %.",
    )


def _bounding(record: xr.Dataset) -> xr.Dataset:
    return record.sel(estimator=[method for method in BOUNDING if method in record["estimator"].values])


def _bounds(record: xr.Dataset) -> Iterator[tuple[str, Estimate]]:
    """Yield each condition that has an estimate: its name, and estimate less truth in standard errors."""
    excess = excess_in_errors(_bounding(record))
    for system, method, samples in product(*(excess[name].values for name in ("system", "estimator", "samples"))):
        found = estimate(over_seeds(excess.sel(system=system, estimator=method, samples=samples)))
        if found is not None:
            yield f"{system}, {method}, n = {int(samples):,}", found
    truth = record["truth"].sel(system=LATTICE)
    grouped = (record["grouped_bits"] - truth) / np.maximum(record["grouped_error"], TINY)
    for updates, method in product(record["updates"].values, _bounding(record)["estimator"].values):
        found = estimate(over_seeds(grouped.sel(updates=updates, estimator=method)))
        if found is not None:
            yield f"repeats in one fold, {int(updates)} updates apart, {method}", found


def _leaks(record: xr.Dataset) -> Iterator[tuple[str, Estimate]]:
    """Yield what each method finds of exact repeats that are split between folds."""
    if 0 not in record["updates"].values:
        return
    leaks = leak_in_errors(record).sel(updates=0)
    for method in _bounding(record)["estimator"].values:
        found = estimate(over_seeds(leaks.sel(estimator=method)))
        if found is not None:
            yield str(method), found


def _looseness(record: xr.Dataset) -> str:
    """Say from where to where the excess over the truth goes, in percent, means over seeds."""
    excess = 100 * (_bounding(record)["bits"] / record["truth"] - 1)
    found = excess.mean("seed").values
    return range_of(found[np.isfinite(found)], 1)


def spread_of_orders(record: xr.Dataset) -> xr.DataArray:
    """Return the largest difference between orders of the units in percent, dimensions ordered, estimator."""
    mean = record["order_bits"].mean("seed")
    truth = xr.DataArray(record["truth"].sel(system=record["ordered"].values).values, dims="ordered")
    return 100 * (mean.max("order") - mean.min("order")) / truth


@judge("J39", experiment="pattern_calibration", beside=["cortex"])
def logistic_regression_on_sparse_patterns(record: xr.Dataset, cortex: xr.Dataset | None = None) -> Judgement | None:
    """On sparse patterns, logistic regression needs at most 1.01 times xgboost's bits, and less time.

    Both are bounds, so fewer bits are better, and fewer by any amount pass. Conditions are every size at which both
    were tried on independent samples of the sparse population; its recording in time; and, of the visual cortex, each
    recording, over one segment of each stimulus. Where samples are correlated, blocks of time stay in one fold, which
    is the control. Bits and seconds are separate conditions, each effect a ratio to xgboost's. The masked network,
    which the text did not have, stands in the notes.
    """
    at = record.sel(system=SPARSE)
    found = {f"n = {int(size):,}": at.sel(samples=size)[["bits", "seconds"]] for size in record["samples"].values}
    in_time = record[["recording_bits", "recording_seconds"]]
    found[f"recording{IN_BLOCKS}"] = in_time.rename(recording_bits="bits", recording_seconds="seconds")
    found |= {f"{source} neurons{IN_BLOCKS}": each for source, each in _by_recording(cortex)}
    conditions = []
    for name, each in found.items():
        for quantity, threshold in (("bits", COMPARABLE), ("seconds", 1.0)):
            values = each[quantity]
            ratio = estimate(over_seeds(values.sel(estimator="logistic") / values.sel(estimator="xgboost")))
            if ratio is not None:
                note = _beside(values, "bits" if quantity == "bits" else "s")
                passes = lies(span(ratio), high=threshold)
                conditions.append(Condition.measured(f"{name}: {quantity}", ratio, passes=passes, note=note))
    if not conditions:
        return None
    ratios = {
        quantity: range_of([c.effect for c in conditions if c.name.endswith(quantity)], digits)
        for quantity, digits in (("bits", 3), ("seconds", 2))
    }
    in_blocks = [f"{c.effect:.3f} ({c.name.replace(IN_BLOCKS, '')})" for c in conditions if IN_BLOCKS in c.name]
    carrier = max((c for c in conditions if c.name.endswith("bits")), key=lambda condition: condition.effect)
    return conclude(
        carrier,
        conditions,
        measure=f"bits of logistic regression over those of xgboost, largest ({carrier.name})",
        control=f"blocks of time kept in one fold, ratios: {', '.join(in_blocks) or 'not run'}",
        text=f"{passing(conditions)} are as stated: {ratios['bits']} times the bits of xgboost in {ratios['seconds']} "
        f"times its seconds. Bits of {carrier.name.rpartition(': ')[0]}: {carrier.note.removeprefix('bits: ')}.",
    )


def _by_recording(cortex: xr.Dataset | None) -> Iterator[tuple[str, xr.Dataset]]:
    """Yield each recording of the visual cortex: its source, and what methods gave, dimensions estimator and seed.

    One segment of each stimulus takes the place of a seed.
    """
    if cortex is None:
        return
    tried = rows(cortex, study="methods", grouped=1)
    for source in dict.fromkeys(map(str, tried["source"].values)):
        of = [rows(tried, source=source, method=method).sortby("stimulus") for method in BOUNDING]
        shown = of[0]["stimulus"].values
        table = {
            name: (("estimator", "seed"), np.stack([each[name].values for each in of])) for name in ("bits", "seconds")
        }
        yield source, xr.Dataset(table, coords={"estimator": list(BOUNDING), "seed": shown})


def _beside(values: xr.DataArray, unit: str) -> str:
    """Name the mean of each bounding method over those seeds that all of them have."""
    shown = values.sel(estimator=[method for method in BOUNDING if method in values["estimator"].values])
    means = shown.dropna("estimator", how="all").dropna("seed").mean("seed")
    parts = [f"{method} {float(means.sel(estimator=method)):.2f}" for method in means["estimator"].values]
    return f"{unit}: {', '.join(parts)}"


@judge("J40", experiment="pattern_calibration")
def definitions_keep_their_promises(record: xr.Dataset) -> Judgement | None:
    """Complexity must be 0 where no unit of a layer switches, and the effective dimension of a k-ball must be k.

    A layer is probed whose units are all always on, all always off, or half of them each. k directions of equal
    variance, the corners of a cross in 64 dimensions, must give k to rounding, and points drawn from a ball k within
    1 %. The effect is the largest deviation: in bits, or relative to k.
    """
    conditions = []
    for regime in ("linear", "off", "half and half"):
        bits = over_seeds(record["regime_bits"].sel(regime=regime))
        worst = float(np.abs(bits).max(initial=0.0))
        name = f"complexity of a layer, {regime}"
        conditions.append(Condition(name, worst, seeds=0, passes=bool(len(bits)) and worst < ROUNDING))
    units = int(record.attrs["ball_units"])
    for k in record["ball"].values:
        corners = np.concatenate([np.eye(int(k), units), -np.eye(int(k), units)])
        missed = abs(effective_dimension(corners).dimension / int(k) - 1)
        conditions.append(Condition(f"k = {k}, equal variances", missed, seeds=0, passes=missed < ROUNDING))
        drawn = estimate(over_seeds(record["ball_dimension"].sel(ball=k) / int(k) - 1))
        if drawn is not None:
            passes = lies(span(drawn), -DRAWN, DRAWN)
            conditions.append(Condition.measured(f"k = {k}, points of a ball", drawn, passes=passes))
    carrier = max(conditions, key=lambda condition: abs(condition.effect))
    switching = float(record["regime_bits"].sel(regime="switching").mean())
    shares = record["regime_linearity"].mean("seed")
    return conclude(
        carrier,
        conditions,
        measure=f"deviation from the closed form, largest ({carrier.name})",
        control=f"the same layer with units that switch has {switching:.2f} bits",
        text=f"{passing(conditions)} are as the definitions say. What complexity cannot tell apart linearity does: "
        f"{float(shares.sel(regime='linear')):.1f} for the linear layer, {float(shares.sel(regime='off')):.1f} for "
        f"the one that is off, {float(shares.sel(regime='half and half')):.1f} for half of each.",
    )
