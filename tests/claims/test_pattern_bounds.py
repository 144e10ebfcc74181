"""The judge of the number of folds, on tables made by hand."""

import numpy as np
import pytest
import xarray as xr

from lib.claims.pattern_bounds import two_folds_suffice
from lib.experiments.estimates import rows


def made(excess):
    """A table in which 2 folds exceed 5 by some percent, for each method and number of patterns."""
    lines = [
        {"study": "folds", "method": method, "samples": samples, "folds": folds, "draw": draw, "seconds": folds - 1.0}
        | {"bits": (30 + 0.1 * draw) * (1 + percent / 100 * (folds == 2))}
        for (method, samples), percent in excess.items()
        for folds in (2, 5)
        for draw in ((0, 1, 2) if samples == 5_000 else (0,))
    ]
    lines.append({**lines[0], "study": "budget", "bits": 1.0})
    return xr.Dataset({name: ("estimate", [line[name] for line in lines]) for name in lines[0]})


ALL = [("xgboost", 5_000), ("xgboost", 640_000), ("autoregressive", 5_000), ("autoregressive", 640_000)]


def test_rows_are_those_that_have_the_values():
    table = made(dict.fromkeys(ALL, 0.0))
    assert rows(table, study="budget").sizes["estimate"] == 1
    assert rows(table, study="folds", folds=5, samples=5_000).sizes["estimate"] == 6


def test_small_differences_everywhere():
    found = two_folds_suffice(made(dict.fromkeys(ALL, 0.5)))
    assert found.effect == pytest.approx(0.5)
    assert all(condition.passes for condition in found.conditions)
    assert found.verdict == "partly"  # all patterns were estimated once
    assert "4.0 times as long" in found.conditions[0].note


def test_few_patterns_need_more_folds():
    found = two_folds_suffice(made({each: 3.0 if each[1] == 5_000 else 0.1 for each in ALL}))
    assert found.verdict == "partly"
    assert found.effect == pytest.approx(3)
    assert [condition.passes for condition in found.conditions] == [False, True, False, True]


def test_large_differences_everywhere():
    assert two_folds_suffice(made(dict.fromkeys(ALL, 2.0))).verdict == "not reproduced"


def test_it_reads_what_the_experiment_gives(smoke_record):
    found = two_folds_suffice(smoke_record("pattern_bounds"))
    assert len(found.conditions) == 4
    assert np.isfinite(found.effect)
