"""What chapters ran while the book was built: the same runs, made here by another process, give the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from lib import experiments, records

from .test_notebooks import runs_of


@pytest.mark.parametrize("name", list(experiments.EXPERIMENTS))
def test_a_smoke_record_can_be_made_again(
    book: Path, smoke_record: Callable[[str], xr.Dataset], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every experiment runs at preset smoke, names its units, and gives the same numbers twice."""
    first = smoke_record(name)
    monkeypatch.setenv("BOOK_RUNS", str(runs_of(book)))  # what no chapter ran is run here a second time
    second = records.obtain(name, "smoke")
    assert set(first.data_vars) == set(second.data_vars)
    for variable in second.data_vars:
        assert {"units", "long_name"} <= set(first[variable].attrs), variable
        if first[variable].attrs["units"] != "s":  # no two runs take the same time
            np.testing.assert_array_equal(first[variable], second[variable], err_msg=str(variable))
    assert list(first["seed"].values) == list(experiments.get(name).config("smoke").seeds)
