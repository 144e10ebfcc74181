"""What the figures and the numbers of chapter 4 share: what passes between layers, by measure and by estimator."""

from __future__ import annotations

import xarray as xr

from lib.claims.between_layers import RANGES, divergences, entropy_steps
from lib.claims.information import readings


def profiles(chosen: xr.Dataset) -> list[xr.DataArray]:
    """Return \\|dH\\| of both ranges and KL, by seed, epoch and pair of layers; NaN where weights have decayed away."""
    return [*(entropy_steps(chosen, rule) for rule in RANGES), divergences(chosen)]


def by_estimator(chosen: xr.Dataset, quantity: str, estimator: str) -> xr.DataArray:
    """Return bits of a quantity by one estimator, by seed, moment and layer."""
    for reading in readings(chosen, quantity):
        if reading.estimator == estimator:
            return reading.bits
    known = ", ".join(reading.estimator for reading in readings(chosen, quantity))
    raise ValueError(f"There is no estimate {estimator!r} of {quantity}; choose one of {known}.")
