"""Effective dimension beside scikit-learn's PCA."""

from __future__ import annotations

import torch

from lib.bench._timing import BenchResult, side_by_side
from lib.measures.dimension import effective_dimension


def run(samples: int = 640_000, units: int = 64, repeats: int = 5, solver: str = "full") -> BenchResult:
    """Time effective dimension beside scikit-learn's PCA with the exact solver, which works in the data's float32.

    Examples
    --------
    >>> run(samples=50, units=3, repeats=1).name
    'dimension'
    """
    from sklearn.decomposition import PCA

    x = torch.randn(samples, units, generator=torch.Generator().manual_seed(0)).relu()
    return side_by_side(
        "dimension",
        lambda: effective_dimension(x),
        lambda: PCA(svd_solver=solver).fit(x.numpy()),
        repeats=repeats,
        note=f"{samples:,} x {units} in float32, covariance in float64; reference: PCA(svd_solver={solver!r})",
    )
