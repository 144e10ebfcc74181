"""Records that are tables: one row an estimate, one column for each thing that is known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr


def table(estimates: Sequence[Mapping[str, Any]], columns: Mapping[str, tuple[str, str]]) -> xr.Dataset:
    """Make a table of rows, along dimension ``estimate``, each column with its name and unit.

    Parameters
    ----------
    estimates
        One a row, all with the same keys.
    columns
        What each column is, and its unit.

    Examples
    --------
    >>> found = table([{"bits": 1.0}, {"bits": 2.0}], {"bits": ("upper bound on the entropy", "bits")})
    >>> found["bits"].values, found["bits"].attrs["units"]
    (array([1., 2.]), 'bits')
    """
    found = xr.Dataset({name: ("estimate", [row[name] for row in estimates]) for name in estimates[0]})
    for name, (text, unit) in columns.items():
        found[name].attrs.update(long_name=text, units=unit)
    return found


def rows(record: xr.Dataset, **wanted: object) -> xr.Dataset:
    """Return the rows of a table that have the given values, such as ``study="folds"``.

    Examples
    --------
    >>> record = xr.Dataset({"study": ("estimate", ["a", "b"]), "bits": ("estimate", [1.0, 2.0])})
    >>> rows(record, study="b")["bits"].values
    array([2.])
    """
    chosen = np.ones(record.sizes["estimate"], dtype=bool)
    for name, value in wanted.items():
        chosen &= record[name].values == value
    return record.isel(estimate=np.flatnonzero(chosen))
