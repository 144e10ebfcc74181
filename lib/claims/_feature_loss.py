"""What judges of records of ``feature_loss`` share: settings, rates, and what grew or was lost from first to last."""

from __future__ import annotations

import numpy as np
import xarray as xr

from lib.claims._judging import estimate, over_seeds
from lib.experiments.noise_courses import setting_name
from lib.measures.statistics import Estimate


def pick(record: xr.Dataset, course: str, activation: str, *, noise: bool = True) -> xr.Dataset | None:
    """Return a setting with the rates and seeds that it has; None where it was not run."""
    name = setting_name(course, activation, noise=noise)
    if name not in record["setting"].values:
        return None
    chosen = record.sel(setting=name)
    run = np.isfinite(chosen["feature"].sel(step=0).transpose("rate", "seed").values)
    return chosen.isel(rate=run.any(1), seed=run.any(0))


def last(chosen: xr.Dataset, name: str) -> xr.DataArray:
    """Return what is followed at the last step of the setting."""
    return chosen[name].sel(step=int(chosen["steps"]))


def change(chosen: xr.Dataset, name: str) -> xr.DataArray:
    """Return by how much something grew from the beginning to the end, dimensions rate and seed."""
    return last(chosen, name) - chosen[name].sel(step=0)


def fall(chosen: xr.Dataset, name: str) -> xr.DataArray:
    """Return the share that was lost from the beginning to the end, dimensions rate and seed; below 0 for growth."""
    return 1 - last(chosen, name) / chosen[name].sel(step=0)


def at_rate(values: xr.DataArray, rate: float) -> Estimate | None:
    return estimate(over_seeds(values.sel(rate=rate)))


def rate_like(chosen: xr.Dataset | None, rate: float) -> float | None:
    """Return the rate that a control has: the same, or the first where it was not run at that."""
    if chosen is None:
        return None
    known = chosen["rate"].values.tolist()
    return rate if rate in known else known[0]


def has(chosen: xr.Dataset | None, rate: float) -> bool:
    return chosen is not None and rate in chosen["rate"].values


def rates_of(chosen: xr.Dataset | None) -> list[float]:
    return [] if chosen is None else chosen["rate"].values.tolist()


def from_to(chosen: xr.Dataset, name: str, rate: float, digits: int = 3) -> str:
    ends = (chosen[name].sel(step=0), last(chosen, name))
    before, after = (float(each.sel(rate=rate).mean()) for each in ends)
    return f"{before:.{digits}f} to {after:.{digits}f}"
