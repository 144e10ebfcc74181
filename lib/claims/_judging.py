"""What every judge does: take one number a seed, find its interval, and conclude from all conditions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from lib.claims._model import Condition, Judgement, Verdict
from lib.claims._verdict import decide, holds_in_control
from lib.experiments.networks import one_network
from lib.measures.statistics import Estimate, seed_interval

TINY = 1e-12
"""More than 0: what does not differ at all lies on neither side."""


def over_seeds(values: xr.DataArray) -> np.ndarray:
    """Return one number a seed, the mean over the outputs that have one; seeds without any are left out.

    Examples
    --------
    >>> over_seeds(xr.DataArray([[1.0, np.nan], [3.0, np.nan]], dims=("output", "seed")))
    array([2.])
    """
    if "output" in values.dims:
        values = values.mean("output")
    array = np.asarray(values.values, dtype=np.float64)
    return array[np.isfinite(array)]


def estimate(values: np.ndarray) -> Estimate | None:
    """Return mean and interval over seeds, or None where there is no seed."""
    return seed_interval(values) if len(values) else None


def span(measured: Estimate) -> tuple[float, float]:
    """Return the interval, or the value twice where one seed gives none."""
    low, high = float(measured.low), float(measured.high)
    return (float(measured.mean), float(measured.mean)) if np.isnan(low) else (low, high)


def range_of(values: Sequence[float], digits: int = 2) -> str:
    """Say from where to where numbers go; one number where no other is seen at so many digits, and 0 without a sign.

    Examples
    --------
    >>> range_of([0.5, 0.25]), range_of([0.5, 0.501]), range_of([-0.001, 0.04])
    ('0.25 to 0.50', '0.50', '0.00 to 0.04')
    """
    low, high = (f"{end(values):z.{digits}f}" for end in (min, max))
    return low if low == high else f"{low} to {high}"


def said(measured: Estimate, digits: int = 2, sign: str = "") -> str:
    """Write an estimate with its interval, if it has one; with ``sign="+"`` rises have one too.

    Examples
    --------
    >>> said(seed_interval(np.array([0.5]))), said(seed_interval(np.array([0.5])), 1, "+")
    ('0.50', '+0.5')
    """
    mean, *ends = (f"{float(each):{sign}z.{digits}f}" for each in (measured.mean, measured.low, measured.high))
    return mean if np.isnan(measured.low) else f"{mean} ({' to '.join(ends)})"


def all_of(*answers: bool | None) -> bool | None:
    """True if all are, False if one is False, else undecided.

    Examples
    --------
    >>> all_of(True, None), all_of(False, None), all_of(True, True)
    (None, False, True)
    """
    if any(answer is not None and not answer for answer in answers):
        return False
    return None if None in answers else True


def passing(conditions: Sequence[Condition]) -> str:
    """Count the conditions that pass.

    Examples
    --------
    >>> passing([Condition("a", 1.0, passes=True), Condition("b", 1.0)])
    '1 of 2 conditions'
    """
    return f"{sum(c.passes is True for c in conditions)} of {len(conditions)} conditions"


def weakest(conditions: Sequence[Condition]) -> Condition:
    """Return the condition with the smallest effect, of those that decide anything if there are some."""
    return min([c for c in conditions if c.passes is not None] or conditions, key=lambda condition: condition.effect)


def farthest(conditions: Sequence[Condition], key: float) -> Condition:
    """Return the condition whose effect is farthest from `key`: the one that carries the verdict."""
    return max(conditions, key=lambda condition: abs(condition.effect - key))


def conclude(
    carrier: Condition,
    conditions: Sequence[Condition],
    *,
    measure: str,
    control: str,
    text: str,
    at_most: Verdict = "reproduced",
    record: xr.Dataset | None = None,
    needed: Sequence[str] = (),
) -> Judgement:
    """Return the judgement that follows from the conditions, with the effect and interval of the one that carries it.

    Parameters
    ----------
    carrier
        Condition whose effect stands in the ledger, usually the one least in favour of the statement.
    conditions
        All of them; how many rest on one seed is added to the text.
    measure, control, text
        What the effect is, what the control gave, and what to make of both.
    at_most
        Ceiling of the verdict, as for `decide`.
    record, needed
        A record of networks, and those of them that the claim or its control names: where one is missing, the text says
        so and the verdict is at most ``partly``.
    """
    missing = [name for name in needed if record is None or one_network(record, name) is None]
    single = sum(condition.seeds == 1 and condition.interval is None for condition in conditions)
    text += f" One seed in {single} of {len(conditions)} conditions: no interval." if single else ""
    text += f" Not run: {'; '.join(missing)}." if missing else ""
    return Judgement(
        verdict=decide(conditions, at_most="partly" if missing else at_most),
        effect=carrier.effect,
        interval=carrier.interval,
        measure=measure,
        seeds=carrier.seeds,
        conditions=tuple(conditions),
        holds_in_control=holds_in_control(conditions),
        control=control,
        text=text,
    )
