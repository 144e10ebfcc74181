"""The augmented Dickey-Fuller test of many series at once, beside a loop over statsmodels."""

from __future__ import annotations

import numpy as np
from statsmodels.tsa.stattools import adfuller

from lib.bench._timing import BenchResult, side_by_side
from lib.measures.unit_root import adf, fixed_lag


def run(series: int = 10_000, points: int = 1_000, repeats: int = 5) -> BenchResult:
    """Time `adf` on `series` random walks of `points` points; the loop does a fiftieth of them.

    Examples
    --------
    >>> run(series=100, points=50, repeats=1).name
    'unit_root'
    """
    walks, lag = np.random.default_rng(0).standard_normal((series, points)).cumsum(axis=1), fixed_lag(points)
    few = max(1, series // 50)
    return side_by_side(
        "unit_root",
        lambda: adf(walks, lag),
        lambda: [adfuller(walk, maxlag=lag, autolag=None) for walk in walks[:few]],
        share=few / series,
        repeats=repeats,
        note=f"ADF test of {series:,} series of {points:,} points, lag {lag}; reference: statsmodels in a loop",
    )
