"""What the figures and the numbers of chapter 2 share: the layers, their names and their places in the plane."""

from __future__ import annotations

import xarray as xr

from lib.experiments.weight_statistics import coordinates

LAYER_NAMES = {"1": "first layer", "2": "second layer", "output": "third layer"}


def places_of(record: xr.Dataset, bins: int = 256) -> xr.Dataset:
    """Places in the plane of every layer, by network, seed, snapshot and rule."""
    return coordinates(record.sel(part=record["layer"].values), bins).rename(part="layer")


def layers_of(record: xr.Dataset) -> list[str]:
    return [str(layer) for layer in record["layer"].values]
