"""What judges of quenches share: dips of curves that have readings, and the layer in which a dip is least."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from lib.claims._judging import span
from lib.claims._verdict import lies
from lib.measures.change_points import Dip, dip
from lib.measures.statistics import Estimate, seed_interval

DEEP = 0.2
"""Share of the value before it that a dip has to exceed to be a quench."""

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
    least: Estimate  #: depth where it is least, of all units, in the mean over seeds
    mean: np.ndarray  #: (unit,), depth in the mean over seeds

    @property
    def passes(self) -> bool | None:
        """Whether every unit's dip exceeds the threshold."""
        return lies(span(self.least), low=DEEP)

    @property
    def times(self) -> np.ndarray:
        """Times of the minima, (seed, unit); nan where a dip does not exceed the threshold."""
        return np.where(self.dips.depth > DEEP, self.dips.time, np.nan)

    def __str__(self) -> str:
        low, high = 100 * self.mean.min(), 100 * self.mean.max()
        deep = 100 * (self.dips.depth > DEEP).mean()
        return f"dips of {low:.0f} to {high:.0f} % by layer, {deep:.0f} % of seeds and layers above {100 * DEEP:.0f} %"


def quench(chosen: xr.Dataset, quantity: str, unit: str = "layer") -> Quench:
    """Find the dips of a quantity in one network, and the unit that has the least."""
    found = dip(*curves(chosen, quantity, unit))
    mean = found.depth.mean(axis=0)
    return Quench(found, seed_interval(found.depth[:, mean.argmin()]), mean)
