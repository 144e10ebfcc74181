"""What walks are reduced to: displacements, tests, transport, projections (for the perceptron's experiment).

Arrays are over (seed, chain, ...), where a chain is one weight vector under one condition.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from lib.measures import random_walk, transport, unit_root

QUANTILE_LEVELS = np.linspace(0.005, 0.995, 34)  # of the weights' distribution
QUANTILE_SNAPSHOTS = 6  # epochs at which the quantiles are kept, spread logarithmically
PROJECTED_POINTS = 100  # times of the path that is projected on its principal components
COMPONENTS = 3


def over_chains(variables: dict[str, tuple[Tensor | np.ndarray, tuple[str, ...], str, str]]) -> xr.Dataset:
    """Return a Dataset of variables over (seed, chain, further dimensions), each with its long name and unit."""
    return xr.Dataset(
        {
            name: (("seed", "chain", *dims), np.asarray(value, dtype=np.float32), {"long_name": text, "units": unit})
            for name, (value, dims, text, unit) in variables.items()
        }
    )


def lags(points: int) -> np.ndarray:
    """Return the lags at which displacements are taken: some three an octave, up to a quarter of `points`."""
    return np.unique(np.round(np.geomspace(1, max(2, points // 4), 16)).astype(int))


def range_statistics(
    path: Tensor, stride: int, seeds: tuple[int, ...], *, ratio_span: int, null_statistics: int, steps: np.ndarray
) -> xr.Dataset:
    """Reduce the paths of one range of epochs to displacements against lag, and to the shares of weights tests reject.

    Parameters
    ----------
    path
        Weights at equally spaced steps, shape (seed, chain, time, weight).
    stride
        Samples between two points of a path.
    seeds
        Seeds of the surrogates' signs.
    ratio_span
        Points over which the variance ratio is taken.
    null_statistics
        Statistics of surrogates, at least, that the weights of a chain are compared with.
    steps
        Lags, in points; those beyond a quarter of the path have too few windows and are left out.
    """
    generators = [np.random.default_rng(seed) for seed in seeds]
    surrogate = _random_signs(path, generators)
    short = steps[steps <= max(2, path.shape[2] // 4)]
    by_lag = {kind: random_walk.msd_by_lag(p, short) for kind, p in (("path", path), ("surrogate", surrogate.mT))}
    exponent = {kind: random_walk.msd_exponent(short, values) for kind, values in by_lag.items()}
    gap = [(0, 0), (0, 0), (0, len(steps) - len(short))]
    by_lag = {kind: np.pad(values, gap, constant_values=np.nan) for kind, values in by_lag.items()}
    series, lag = path.mT, unit_root.fixed_lag(path.shape[2])
    adf, nulls = unit_root.adf(series, lag), [unit_root.adf(surrogate, lag)]
    ratio, null_ratio = (unit_root.variance_ratio(s, ratio_span) for s in (series, surrogate))
    del surrogate
    while len(nulls) * path.shape[-1] < null_statistics:
        nulls.append(unit_root.adf(_random_signs(path, generators), lag))
    pool = np.concatenate([null.statistic for null in nulls], axis=-1)
    shares = {
        "adf_path": (adf.pvalue, "ADF test of the path"),
        "adf_path_bootstrap": (
            unit_root.empirical_pvalue(adf.statistic, pool),
            "ADF test of the path, against random-sign surrogates",
        ),
        "adf_surrogate": (nulls[0].pvalue, "ADF test of the random-sign surrogate"),
        "adf_displacement": (unit_root.adf(series.diff(dim=-1), lag).pvalue, "ADF test of the displacement"),
        "kpss_path": (unit_root.kpss(series, lag).pvalue, "KPSS test of the path (rejects stationarity)"),
        "ratio_path": (ratio.pvalue, "variance-ratio test of the path"),
        "ratio_surrogate": (null_ratio.pvalue, "variance-ratio test of the random-sign surrogate"),
    }
    rejected = {name: unit_root.share_rejected(pvalue) for name, (pvalue, _) in shares.items()}
    result = over_chains(
        {
            **{
                f"rejected_{name}": (rejected[name].share, (), f"share of moving weights rejected by the {text}", "1")
                for name, (_, text) in shares.items()
            },
            "constant": (rejected["adf_path"].constant_share, (), "share of weights that did not move", "1"),
            "variance_ratio": (_median(ratio.ratio), (), "median variance ratio of the moving weights", "1"),
            "exponent": (exponent["path"], (), "exponent of displacement against lag", "1"),
            "exponent_surrogate": (exponent["surrogate"], (), "exponent of displacement against lag, surrogate", "1"),
            "msd_by_lag": (by_lag["path"], ("lag",), "mean squared displacement", "1"),
            "msd_by_lag_surrogate": (by_lag["surrogate"], ("lag",), "mean squared displacement, surrogate", "1"),
        }
    )
    result["stride"] = ((), float(stride), {"long_name": "samples between two points of a path", "units": "samples"})
    return result.assign_coords(lag=("lag", steps, {"long_name": "lag", "units": "points"}))


def _random_signs(path: Tensor, generators: list[np.random.Generator]) -> Tensor:
    """Return surrogates, shape (seed, chain, weight, time): each step of each weight draws its sign.

    Weights draw their signs apart from each other, so that the surrogates of a chain are as many independent draws of
    the null.
    """
    return torch.stack(
        [
            random_walk.random_sign_surrogate(p.mT[..., None], generator)[..., 0]
            for p, generator in zip(path, generators, strict=True)
        ]
    )


def _median(values: np.ndarray) -> np.ndarray:
    """Return the median over weights that are not nan, nan where all are."""
    return np.ma.median(np.ma.masked_invalid(values), axis=-1).filled(np.nan)


def snapshots(epochs: int) -> np.ndarray:
    """Return the epochs, 0 included, at which the weights' quantiles are kept."""
    return np.unique(np.concatenate([[0], np.round(np.geomspace(1, epochs, QUANTILE_SNAPSHOTS)).astype(int)]))


def transport_of(ends: Tensor, seeds: tuple[int, ...]) -> xr.Dataset:
    """Reduce the weights at the ends of epochs, shape (seed, chain, epoch, weight), to how their distribution moves."""
    kept = snapshots(ends.shape[2] - 1)
    halves = [transport.wasserstein_between_halves(end, seed) for end, seed in zip(ends[:, :, -1], seeds, strict=True)]
    result = over_chains(
        {
            "w1_start": (
                transport.wasserstein1(ends[:, :, 1:], ends[:, :, :1]),
                ("epoch",),
                "Wasserstein-1 distance to the initial weights",
                "weight",
            ),
            "w1_end": (
                transport.wasserstein1(ends[:, :, 1:], ends[:, :, -1:]),
                ("epoch",),
                "Wasserstein-1 distance to the final weights",
                "weight",
            ),
            "w1_halves": (
                np.stack(halves),
                (),
                "Wasserstein-1 distance between two halves of the final weights",
                "weight",
            ),
            "straightness": (transport.straightness(ends), (), "length of the transport over its net distance", "1"),
            "quantiles": (
                transport.quantiles(ends[:, :, torch.as_tensor(kept, device=ends.device)], QUANTILE_LEVELS),
                ("snapshot", "level"),
                "quantile of the weights",
                "weight",
            ),
        }
    )
    return result.assign_coords(
        epoch=np.arange(1, ends.shape[2]),
        snapshot=("snapshot", kept, {"long_name": "epoch", "units": "epochs"}),
        level=("level", QUANTILE_LEVELS, {"long_name": "share of the weights below", "units": "1"}),
    )


def projection_of(path: Tensor) -> xr.Dataset:
    """Project the whole walk on its own principal components."""
    points = np.round(np.linspace(0, path.shape[2] - 1, PROJECTED_POINTS)).astype(int)  # the stride rounds up
    projection = random_walk.pca_projection(path[:, :, torch.as_tensor(points, device=path.device)], COMPONENTS)
    result = over_chains(
        {
            "projection": (
                projection.coordinates,
                ("time", "component"),
                "weights on the walk's principal components",
                "1",
            ),
            "variance_share": (projection.variance_share, ("component",), "share of the walk's variance", "1"),
        }
    )
    return result.assign_coords(
        component=np.arange(1, COMPONENTS + 1),
        time=("time", np.linspace(0, 1, PROJECTED_POINTS), {"long_name": "share of the run", "units": "1"}),
    )


def margin_of(inputs: Tensor, signs: Tensor) -> float:
    """Return the smallest distance of a sample to a separating plane through the origin; nan where none is found.

    The plane comes from a support vector machine with next to no slack, so its margin is at most the best one, and
    Novikoff's bound on the number of mistakes computed from it holds. It is not sought among more than 5,000 samples.
    """
    if len(inputs) > 5_000:
        return math.nan
    from sklearn.exceptions import ConvergenceWarning  # slow to import
    from sklearn.svm import LinearSVC

    x, y = inputs.cpu().numpy(), signs.cpu().numpy()
    machine = LinearSVC(C=1e4, loss="hinge", fit_intercept=False, max_iter=20_000, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # there is nothing to converge to where no plane separates
        normal = machine.fit(x, y).coef_[0]
    smallest = float((y * (x @ normal)).min() / np.linalg.norm(normal))
    return smallest if smallest > 0 else math.nan
