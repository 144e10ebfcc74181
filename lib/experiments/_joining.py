"""What pieces of an experiment, run apart, become together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xarray as xr


def joined(results: Sequence[xr.Dataset], dim: str, **how: Any) -> xr.Dataset:
    """Put results together along a dimension; variables keep the attributes of the first, which concatenation drops.

    Parameters
    ----------
    results
        One of each piece.
    dim
        The dimension.
    how
        What `xarray.concat` takes beside them.

    Examples
    --------
    >>> parts = [xr.Dataset({"x": ("width", [width], {"units": "bits"})}, {"width": [width]}) for width in (4, 6)]
    >>> joined(parts, "width")["x"].values, joined(parts, "width")["x"].attrs["units"]
    (array([4, 6]), 'bits')
    """
    found = xr.concat(results, dim, **{"combine_attrs": "drop_conflicts", **how})
    for name in found.variables:
        found[name].attrs = results[0][name].attrs
    return found


def joined_along_seeds(results: Sequence[xr.Dataset], dim: str, **how: Any) -> xr.Dataset:
    """Put results together along seeds where they have the same place on another dimension, then along that.

    Examples
    --------
    >>> parts = [xr.Dataset({"x": (("width", "seed"), [[seed]])}, {"width": [4], "seed": [seed]}) for seed in (1, 0)]
    >>> joined_along_seeds(parts, "width")["x"].values
    array([[0, 1]])
    """
    by_place: dict[object, list[xr.Dataset]] = {}
    for result in results:
        by_place.setdefault(result[dim].values.item(), []).append(result)
    each = [
        xr.concat(same, "seed", data_vars="minimal", coords="minimal", compat="override") for same in by_place.values()
    ]
    return joined(each, dim, **how).sortby("seed")
