"""What judges of quenches share: dips of curves that have readings, and the layer in which a dip is least."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from lib.claims._judging import range_of, said, span
from lib.claims._model import Condition, Verdict
from lib.claims._verdict import decide, lies
from lib.measures.change_points import Dip, dip
from lib.measures.statistics import Estimate, difference_interval, seed_interval

DEEP = 0.2
"""Share of the value before it that the fall, and the recovery, of a quench have to exceed."""

RECOVERED = 0.01
"""Share of the value before it that has to be recovered for a lowest value to be a minimum and not an end."""

FIELDS = {"fall": "fall", "depth": "recovery"}
"""Fields of a dip that both have to exceed the threshold, and their words in the names of conditions: from the rim
before to the minimum, and from there to the lower of both rims."""

LOW_RATE = 1e-4
"""The largest of the text's learning rates; above it a rate is ordinary."""


def curves(chosen: xr.Dataset, quantity: str, unit: str = "layer") -> tuple[np.ndarray, np.ndarray]:
    """Return epochs, and a quantity of one network there, (seed, unit, reading), without readings that it was not at.

    Examples
    --------
    >>> chosen = xr.Dataset(
    ...     {
    ...         "complexity": (("seed", "layer", "reading"), [[[1.0, np.nan, 2.0]]]),
    ...         "epoch": ("reading", [0.0, 1.0, 2.0]),
    ...     }
    ... )
    >>> curves(chosen, "complexity")
    (array([0., 2.]), array([[[1., 2.]]]))
    """
    values = np.asarray(chosen[quantity].transpose("seed", unit, "reading").values, dtype=np.float64)
    known = np.isfinite(values).any(axis=(0, 1))
    return np.asarray(chosen["epoch"].values, dtype=np.float64)[known], values[..., known]


@dataclass(frozen=True)
class Quench:
    """Dips of one quantity in all seeds and layers of a network."""

    dips: Dip  #: each field of shape (seed, unit)

    def at_least(self, field: str) -> np.ndarray:
        """Return each seed's `fall` or `depth` in the unit where its mean over seeds is least, (seed,)."""
        values: np.ndarray = getattr(self.dips, field)
        return values[:, values.mean(axis=0).argmin()]

    def least(self, field: str) -> Estimate:
        """Return the `fall` or the `depth` of the unit where it is least, in the mean over seeds."""
        return seed_interval(self.at_least(field))

    def deepest(self) -> Estimate:
        """Return the recovery, which no fall is smaller than, of the unit where it is largest in the mean."""
        return seed_interval(self.dips.depth[:, self.dips.depth.mean(axis=0).argmax()])

    @property
    def times(self) -> np.ndarray:
        """Times of the minima, (seed, unit); nan where the fall is not deep enough, or nothing is recovered."""
        quenched = (self.dips.fall > DEEP) & (self.dips.depth > RECOVERED)
        return np.where(quenched, self.dips.time, np.nan)

    @property
    def first_times(self) -> np.ndarray:
        """Times of the minima by the rule that was fixed first: only where the recovery itself is deep enough."""
        return np.where(self.dips.depth > DEEP, self.dips.time, np.nan)

    def __str__(self) -> str:
        fall, depth = (100 * getattr(self.dips, field).mean(axis=0) for field in ("fall", "depth"))
        return (
            f"by layer falls of {range_of(fall, 0)} % and recoveries of {range_of(depth, 0)} % of the value before, in "
            f"{100 * np.isfinite(self.times).mean():.0f} % of seeds and layers a minimum"
        )


def quench(chosen: xr.Dataset, quantity: str, unit: str = "layer") -> Quench:
    """Find the dips of a quantity in all seeds and units of one network."""
    return Quench(dip(*curves(chosen, quantity, unit)))


def quench_conditions(name: str, found: Quench, controls: Mapping[str, Quench | None] | None = None) -> list[Condition]:
    """Return two conditions: in each unit the fall, and the recovery, must exceed 20 % of the value before.

    Controls are given by what they are called, None where one was not run; they have the same seeds. The first that was
    run stands beside the effect, with the difference to it seed by seed; the others are in the note. Each is enough to
    say that it holds in the control too.
    """
    conditions = []
    controls = controls or {}
    run = {word: each for word, each in controls.items() if each is not None}
    beside = next(iter(run), None)
    for field, word in FIELDS.items():
        least = found.least(field)
        notes = [str(found)] if field == "fall" else []
        for control in controls:
            if control == beside:
                notes.append(f"control: {control}")
            else:
                notes.append(f"{control}: {said(run[control].least(field)) if control in run else 'not run'}")
        held = [lies(span(each.least(field)), low=DEEP) is True for each in run.values()]
        conditions.append(
            Condition.measured(
                f"{name}, {word}",
                least,
                control=run[beside].least(field) if beside else None,
                difference=difference_interval(found.at_least(field), run[beside].at_least(field)) if beside else None,
                passes=lies(span(least), low=DEEP),
                holds_in_control=any(held) if held else None,
                note="; ".join(notes),
            )
        )
    return conditions


def of_seeds(used: int, seeds: int) -> str:
    """Say how many seeds a number rests on.

    Examples
    --------
    >>> of_seeds(7, 10)
    '7 of 10 seeds'
    """
    return f"{used} of {seeds} seeds"


def before_the_change(conditions: Sequence[Condition]) -> tuple[str, Verdict]:
    """Say what the rule that was fixed first gives, and the most that a rule settled after a record was seen may give.

    Parameters
    ----------
    conditions
        Those of the first rule.

    Returns
    -------
    str, str
        A sentence for the row, and the ceiling of its verdict.

    Examples
    --------
    >>> before_the_change([Condition("highway", 0.1, (0.05, 0.15), seeds=10, passes=False)])[1]
    'partly'
    """
    first = decide(conditions)
    most: Verdict = "reproduced" if first == "reproduced" else "partly"
    return (
        f" This rule was settled after the first record was seen; the one fixed before gives: {first}. So at most: "
        f"{most}.",
        most,
    )
