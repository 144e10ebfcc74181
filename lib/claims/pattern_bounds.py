"""Judge of J38, the number of folds, on records of ``pattern_bounds``."""

from __future__ import annotations

import numpy as np
import xarray as xr

from lib.claims._judging import conclude, passing, span
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.experiments.estimates import rows
from lib.measures.statistics import seed_interval

TOLERANCE = 1.0
"""Percent."""


@judge("J38", experiment="pattern_bounds")
def two_folds_suffice(record: xr.Dataset) -> Judgement | None:
    """The bound from 2 folds must differ by less than 1 % from that of 5, on all patterns and on some 5,000.

    By the text's xgboost and by the masked network, on the same patterns. The effect is the difference in percent of
    the bound from 5 folds where it is largest. No control is named.
    """
    found = rows(record, study="folds")
    if not found.sizes["estimate"]:
        return None
    conditions = []
    for method in ("xgboost", "autoregressive"):
        for samples in sorted({int(count) for count in rows(found, method=method)["samples"].values}):
            alike = rows(found, method=method, samples=samples)
            two, five = (rows(alike, folds=folds).sortby("draw") for folds in (2, 5))
            excess = seed_interval(100 * (two["bits"].values / five["bits"].values - 1))
            times = float(np.mean(five["seconds"].values) / np.mean(two["seconds"].values))
            conditions.append(
                Condition.measured(
                    f"{method}, {samples:,} patterns",
                    excess,
                    passes=lies(span(excess), -TOLERANCE, TOLERANCE),
                    note=f"{np.mean(two['bits'].values):.2f} and {np.mean(five['bits'].values):.2f} bits; 5 folds take "
                    f"{times:.1f} times as long",
                )
            )
    return conclude(
        max(conditions, key=lambda condition: abs(condition.effect)),
        conditions,
        measure="bound from 2 folds over that from 5, excess in percent, largest",
        control="none named",
        text=f"{passing(conditions)} agree within 1 %.",
    )
