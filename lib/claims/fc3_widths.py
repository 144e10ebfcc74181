"""Judges of three-layer networks by the width of the second layer: J22 to J24, on records of ``fc3_widths``.

Choices made before any record was judged:

- A width at which some seed never classified 95 % of the train images has no reading there, and is left out.
- Greatest less least linearity is taken in each seed between the two widths that the *other* seeds choose: the range of
  noise alone is then 0 in the mean, and not above it.
- *Describes* is a root mean square deviation of less than 5 % of the curve's whole fall.
- Intervals of a fit are those of fits to means over seeds drawn anew.
- That c > 0 can be seen of a curve which must end at 0: the same law is fitted to the counting ceiling.

Settled after the records were seen; no verdict depends on it:

- Where the interval of b begins at the lowest exponent that is tried, c has no lower end: the law's limit is a
  logarithm of N there, which has no constant.
- Differences to untrained networks are seed by seed, on the seeds that both have.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import xarray as xr

from lib.claims._judging import TINY, conclude, farthest, passing, range_of, span
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.measures.extrapolation import ANY_EXPONENTS, OffsetPower, fit_offset_power
from lib.measures.linear_regions import most_patterns
from lib.measures.statistics import Estimate, difference_interval, seed_interval

CHANGE = 0.1
"""Range of linearity over widths above which it changes."""

MISFIT = 0.05
"""Share of a curve's fall below which a law describes it."""

SLOPE = 0.02
"""Bits per unit and factor e in width below which complexity does not depend on width."""

STAGES = {"target": "at the target", "last": "equal epochs"}
"""Stages that are judged, in words; untrained networks are the control."""

_REPEATS = 1_000  # means over seeds that are fitted for an interval


def reached(record: xr.Dataset, stage: str) -> xr.Dataset:
    """Select one stage, and the widths at which every seed reached it.

    Examples
    --------
    >>> epoch = (("width", "stage", "seed"), [[[1.0, np.nan]], [[1.0, 2.0]]])
    >>> reached(xr.Dataset({"epoch": epoch}, {"width": [4, 8], "stage": ["target"]}), "target")["width"].values
    array([8])
    """
    chosen = record.sel(stage=stage)
    return chosen.isel(width=np.flatnonzero(chosen["epoch"].notnull().all("seed")))


def values(chosen: xr.Dataset, name: str, layer: int) -> np.ndarray:
    """Return a variable of one layer, shape (seed, width), of those seeds that have it at every width."""
    profile = np.asarray(chosen[name].sel(layer=layer).transpose("seed", "width").values, dtype=np.float64)
    return profile[np.isfinite(profile).all(1)]


def paired(chosen: xr.Dataset, other: xr.Dataset, name: str, layer: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a variable of one layer at two stages, each (seed, width), of the seeds that have both at every width."""
    here, there = (each[name].sel(layer=layer).transpose("seed", "width").values for each in (chosen, other))
    known = np.isfinite(here).all(1) & np.isfinite(there).all(1)
    return here[known], there[known]


def range_over_widths(profile: np.ndarray) -> np.ndarray:
    """Greatest less least of a profile (seed, width), in each seed between the widths that the other seeds choose.

    Examples
    --------
    >>> range_over_widths(np.array([[0.5, 0.7], [0.4, 0.6], [0.6, 0.5]])).round(2)
    array([ 0.2,  0.2, -0.1])
    """
    if len(profile) == 1:
        return np.asarray(profile.max(1) - profile.min(1))
    others = profile.sum(0) - profile
    seeds = np.arange(len(profile))
    return np.asarray(profile[seeds, others.argmax(1)] - profile[seeds, others.argmin(1)])


def ceiling(widths: np.ndarray, inputs: int) -> np.ndarray:
    r"""Most bits per unit that so many patterns can have, :math:`\log_2 \sum_{k \le d} \binom{N}{k} / N`.

    Examples
    --------
    >>> ceiling(np.array([14, 64, 768]), 14).round(2)
    array([1.  , 0.72, 0.13])
    """
    return np.array([math.log2(most_patterns(int(width), inputs)) / width for width in widths])


def fit_over_seeds(widths: np.ndarray, profile: np.ndarray) -> tuple[OffsetPower, dict[str, Estimate]]:
    """Fit a/N^b + c to the mean over seeds of a profile (seed, width).

    Returns
    -------
    OffsetPower, dict
        The fit, and ``exponent``, ``offset`` and ``misfit`` with intervals over seeds, the last as share of the fall.
    """
    seeds = len(profile)
    drawn = np.random.default_rng(0).multinomial(seeds, np.full(seeds, 1 / seeds), size=_REPEATS) / seeds
    best, again = (fit_offset_power(widths, each @ profile) for each in (np.full(seeds, 1 / seeds), drawn))

    def estimate(mean: np.ndarray, many: np.ndarray) -> Estimate:
        low, high = np.quantile(many, [0.025, 0.975]) if seeds > 2 else (np.nan, np.nan)
        return Estimate(mean, np.array(low), np.array(high), seeds)

    fall = np.ptp(profile.mean(0))
    return best, {
        "exponent": estimate(best.exponent, again.exponent),
        "offset": estimate(best.offset, again.offset),
        "misfit": estimate(best.misfit / fall, again.misfit / np.ptp(drawn @ profile, axis=1)),
    }


def slope(widths: np.ndarray, profile: np.ndarray) -> np.ndarray:
    """Least-squares slope of a profile (seed, width) on log N, (seed,), per factor e.

    Examples
    --------
    >>> slope(np.array([4, 16, 64]), np.log([[4.0, 16.0, 64.0]]) / 10).round(3)
    array([0.1])
    """
    log = np.log(widths) - np.log(widths).mean()
    return np.asarray(profile @ log / (log**2).sum())


def misfit_of_logarithm(widths: np.ndarray, curve: np.ndarray) -> float:
    """Root mean square deviation of a curve (width,) from a straight line in log N, as a share of its whole fall.

    Examples
    --------
    >>> round(misfit_of_logarithm(np.array([4, 16, 64]), np.array([3.0, 2.0, 1.0])), 6)
    0.0
    """
    line = curve.mean() + slope(widths, curve) * (np.log(widths) - np.log(widths).mean())
    return float(np.sqrt(((curve - line) ** 2).mean()) / np.ptp(curve))


def _left_out(record: xr.Dataset) -> str:
    """Name the widths that are left out at the target, and how many seeds reached it there."""
    count = record["epoch"].sel(stage="target").notnull().sum("seed").values
    seeds = record.sizes["seed"]
    missing = [
        f"{width} ({number})" for width, number in zip(record["width"].values, count, strict=True) if number < seeds
    ]
    if not missing:
        return ""
    return f" Left out at the target, for not all {seeds} seeds reached it (how many did): N = {', '.join(missing)}."


@judge("J22", experiment="fc3_widths")
def linearity_changes_with_width(record: xr.Dataset) -> Judgement | None:
    """In L1 and in L2 the greatest less the least mean linearity over N must exceed 0.1.

    At 95 % accuracy, and after equal epochs. The untrained networks are asked the same.
    """
    conditions = []
    for stage, words in STAGES.items():
        chosen = reached(record, stage)
        if chosen.sizes["width"] < 2:
            continue
        before = record.sel(stage="untrained", width=chosen["width"])
        for layer in (1, 2):
            profile = values(chosen, "linearity", layer)
            found, control = (
                seed_interval(range_over_widths(each)) for each in (profile, values(before, "linearity", layer))
            )
            learned, untrained = (range_over_widths(each) for each in paired(chosen, before, "linearity", layer))
            mean = profile.mean(0)
            conditions.append(
                Condition.measured(
                    f"L{layer}, {words}",
                    found,
                    control=control,
                    difference=difference_interval(learned, untrained) if len(learned) else None,
                    passes=lies(span(found), low=CHANGE),
                    holds_in_control=lies(span(control), low=CHANGE) is True,
                    note=f"linearity {mean[0]:.2f} at N = {int(chosen['width'][0])}, {mean[-1]:.2f} at N = "
                    f"{int(chosen['width'][-1])}",
                )
            )
    if not conditions:
        return None
    return conclude(
        min(conditions, key=lambda condition: condition.effect),
        conditions,
        measure="greatest less least linearity over N, least of layers and stages",
        control=f"untrained: {range_of([c.control for c in conditions if c.control is not None])}",
        text=f"{passing(conditions)} change by more than {CHANGE:g}.{_left_out(record)}",
    )


@judge("J23", experiment="fc3_widths")
def complexity_falls_as_an_offset_power(record: xr.Dataset) -> Judgement | None:
    """a/N^b + c must describe the complexity per unit of L2 at 95 % accuracy, and c must be greater than 0.

    Control of the first: the untrained network's own curve; the difference is that of fits to single seeds. Control of
    the second: the counting ceiling at the same N, whose limit is 0. It is no null, but says what the fit makes of such
    a curve, so that no difference to it is asked for. In the text: where the estimate lies above that ceiling, what
    fewer images do to it, and whether c has a lower end.
    """
    chosen = reached(record, "target")
    if chosen.sizes["width"] < 4:
        return None
    widths, first = chosen["width"].values, int(record.attrs["first"])
    profile = values(chosen, "complexity_per_unit", 2)
    start = record.sel(stage="untrained", width=widths)
    untrained = values(start, "complexity_per_unit", 2)
    _, found = fit_over_seeds(widths, profile)
    before = fit_over_seeds(widths, untrained)[1]
    most = ceiling(widths, first)
    of_ceiling = fit_offset_power(widths, most)
    end = seed_interval(np.full(profile.shape[0], float(of_ceiling.offset)))
    learned, at_first = (
        fit_offset_power(widths, each).misfit / np.ptp(each, axis=1)
        for each in paired(chosen, start, "complexity_per_unit", 2)
    )
    open_below = _cut(found["exponent"])
    offset = replace(found["offset"], low=np.array(-np.inf)) if open_below else found["offset"]
    no_end = (
        f" The interval of b begins at {ANY_EXPONENTS[0]:g}, the lowest that is tried, so that c has no lower end: a "
        f"logarithm of N, where b goes to 0, misses by {100 * misfit_of_logarithm(widths, profile.mean(0)):.1f} % of "
        f"the fall, the law by {100 * float(found['misfit'].mean):.1f} %."
        if open_below
        else ""
    )
    conditions = [
        Condition.measured(
            "a/N^b + c describes it",
            found["misfit"],
            control=before["misfit"],
            difference=difference_interval(learned, at_first) if len(learned) else None,
            passes=lies(span(found["misfit"]), high=MISFIT),
            holds_in_control=lies(span(before["misfit"]), high=MISFIT) is True,
            note=f"b = {_said(found['exponent'])}; control: untrained, b = {_said(before['exponent'])}; difference: of "
            f"the {len(learned)} seeds that both have",
        ),
        Condition.measured(
            "c > 0",
            offset,
            control=end,
            passes=lies(span(offset), low=TINY),
            holds_in_control=bool(of_ceiling.offset > 0),
            note=f"{'no lower end, see b; ' if open_below else ''}control: the counting ceiling, which ends at 0; "
            f"fitted, c = {float(of_ceiling.offset):.3f}",
        ),
    ]
    above = [str(width) for width, excess in zip(widths, profile.mean(0) - most, strict=True) if excess > 0]
    loose = f" At N = {', '.join(above)} the bound lies above the ceiling: it is loose there." if above else ""
    alone = values(chosen, "independent_per_unit", 2).mean(0)
    fewer = chosen["from_fewer"].isel(width=-1, fewer=0).mean("seed")
    return conclude(
        conditions[1],
        conditions,
        measure="c, bits per unit",
        control=f"counting ceiling: fitted c = {float(of_ceiling.offset):.3f}, though it ends at 0",
        text=f"{passing(conditions)} hold. Independent units with the same rates have {range_of(alone)} bits each. At "
        f"N = {int(widths[-1])} {int(fewer['fewer']):,} images give {float(fewer):.3f} bits per unit, all "
        f"{profile.mean(0)[-1]:.3f}.{loose}{no_end}{_left_out(record)}",
    )


@judge("J24", experiment="fc3_widths")
def first_layer_does_not_depend_on_width(record: xr.Dataset) -> Judgement | None:
    """The slope of L1's complexity per unit on log N must lie within 0.02 bits per factor e of 0.

    At 95 % accuracy, and after equal epochs. An untrained L1 is the same whatever N, so that its slope is 0 and says
    nothing; it is no null, for what is claimed is a slope of 0.
    """
    conditions = []
    for stage, words in STAGES.items():
        chosen = reached(record, stage)
        if chosen.sizes["width"] < 3:
            continue
        widths, profile = chosen["width"].values, values(chosen, "complexity_per_unit", 1)
        before = values(record.sel(stage="untrained", width=widths), "complexity_per_unit", 1)
        found = seed_interval(slope(widths, profile))
        conditions.append(
            Condition.measured(
                f"L1, {words}",
                found,
                control=seed_interval(slope(widths, before)),
                passes=lies(span(found), -SLOPE, SLOPE),
                note=f"bits per unit {range_of(profile.mean(0))} over N",
            )
        )
    if not conditions:
        return None
    return conclude(
        farthest(conditions, 0),
        conditions,
        measure="slope of L1's complexity per unit on log N, bits per factor e, farthest from 0",
        control="untrained: 0, for L1 starts the same whatever N",
        text=f"{passing(conditions)} have a slope within {SLOPE:g}.{_left_out(record)}",
    )


def _cut(exponent: Estimate) -> bool:
    """Whether an interval of exponents begins where those that are tried begin, so that the data do not bound it."""
    return bool(span(exponent)[0] <= ANY_EXPONENTS[0])


def _said(exponent: Estimate) -> str:
    low, high = span(exponent)
    if high <= ANY_EXPONENTS[0]:
        return f"{high:.2f}, the lowest tried"
    cut = ", the lowest tried," if _cut(exponent) else ""
    return f"{float(exponent.mean):.2f} ({low:.2f}{cut} to {high:.2f})"
