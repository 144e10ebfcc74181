"""Do the unit-root tests say what they should? Their rejections on made series whose nature is known (chapter 1).

Each kind of series is drawn many times and tested at a nominal 5 %: augmented Dickey-Fuller (ADF) with textbook
p-values, ADF against random-sign surrogates of the same steps (wild bootstrap), KPSS and variance ratio. All but KPSS,
whose null hypothesis is the opposite, should reject 5 % of the random walks. Where a test rejects more here, its
rejections mean little on the weights of a network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from lib.experiments._progress import Progress
from lib.measures import unit_root
from lib.measures.random_walk import random_sign_surrogate

VERSION = 1

TESTS = ("ADF, textbook", "ADF, random signs", "KPSS", "variance ratio")
"""Tests, in the order of the dimension ``test``. All but KPSS have a random walk as null hypothesis."""


@dataclass(frozen=True)
class Config:
    """Size and setting of a run."""

    seeds: tuple[int, ...] = tuple(range(10))  # independent repeats
    samples: int = 200  # series of each kind and seed
    surrogates: int = 5  # random-sign surrogates of each series; those of a kind and seed are pooled
    points: int = 1_000  # time points of a series
    decays: tuple[float, ...] = (1.0, 3.0, 5.0, 10.0)  # the step size falls by exp(-decay) over a series
    drift: float = 0.1  # mean step of the walk with drift, in standard deviations of a step
    memories: tuple[float, ...] = (0.5, 0.9, 0.99)  # coefficients of the autoregressive series
    ratio_span: int = 10  # points over which the variance ratio is taken
    alpha: float = 0.05  # nominal size of all tests


PRESETS = {
    "smoke": Config(seeds=(0, 1, 2), samples=40, surrogates=2, points=200),
    "book": Config(samples=100, surrogates=3),
    "paper": Config(seeds=tuple(range(20)), samples=1_000),
}


def kinds(config: Config) -> tuple[str, ...]:
    """Return the names of the kinds of series, in the order of the dimension ``series``.

    Examples
    --------
    >>> kinds(Config(decays=(3.0,), memories=(0.9,)))[:3]
    ('random walk', 'random walk, steps shrink by exp(-3)', 'random walk with drift')
    """
    return (
        "random walk",
        *(f"random walk, steps shrink by exp(-{decay:g})" for decay in config.decays),
        "random walk with drift",
        "displacement of a random walk",
        "white noise",
        *(f"autoregressive, {memory:g}" for memory in config.memories),
        "constant",
    )


def make_series(config: Config, seed: int) -> np.ndarray:
    """Return the series of one seed, shape (kind, sample, time).

    All kinds but the constant are built from noise of their own. The autoregressive series start in equilibrium. The
    displacement is that of a random walk one point longer; it is white noise by construction, and is drawn to say so.
    """
    rng = np.random.default_rng(seed)
    shape = (config.samples, config.points)
    time = np.arange(config.points) / config.points
    rows = [rng.standard_normal(shape).cumsum(axis=1)]
    rows += [(rng.standard_normal(shape) * np.exp(-decay * time)).cumsum(axis=1) for decay in config.decays]
    rows.append((rng.standard_normal(shape) + config.drift).cumsum(axis=1))
    rows.append(np.diff(rng.standard_normal((config.samples, config.points + 1)).cumsum(axis=1), axis=1))
    rows.append(rng.standard_normal(shape))
    rows += [_autoregressive(rng.standard_normal(shape), memory) for memory in config.memories]
    rows.append(np.zeros(shape))
    return np.stack(rows)


def _autoregressive(noise: np.ndarray, memory: float) -> np.ndarray:
    """Return x with x(t) = memory x(t - 1) + noise(t), started with its stationary variance 1 / (1 - memory**2)."""
    series = noise.copy()
    series[:, 0] /= np.sqrt(1 - memory**2)
    for t in range(1, series.shape[1]):
        series[:, t] += memory * series[:, t - 1]
    return series


def run(config: Config, *, device: torch.device, progress: Progress) -> xr.Dataset:
    """Test all made series, and return the share that each test rejects.

    Returns
    -------
    Dataset
        Dimensions ``seed``, ``series`` (kind) and ``test``: ``rejected``, share of the series that have a test;
        ``constant``, share of those that do not vary and have none; ``adf_quantile``, 5 % quantile of the ADF
        statistic: for a random walk, the critical value that a test of true size needs (textbook: -2.86).

    Raises
    ------
    ValueError
        If an autoregressive coefficient is not between -1 and 1.
    """
    if any(abs(memory) >= 1 for memory in config.memories):
        raise ValueError(
            f"Coefficients {config.memories} must lie between -1 and 1: beyond, a series is not stationary."
        )
    parts = []
    for done, seed in enumerate(config.seeds):
        progress(done / len(config.seeds), f"seed {seed}")
        parts.append(_test_seed(config, seed, device))
    progress(1.0, "done")
    result = xr.concat(parts, xr.DataArray(list(config.seeds), dims="seed", name="seed"))
    return result.assign_coords(series=list(kinds(config)), test=list(TESTS))


def _test_seed(config: Config, seed: int, device: torch.device) -> xr.Dataset:
    series = torch.from_numpy(make_series(config, seed)).to(device)
    lag = unit_root.fixed_lag(config.points)
    adf = unit_root.adf(series, lag)
    # every series is a path of one weight, so that each has signs of its own, from another stream than the series
    generator = np.random.default_rng([seed, 1])
    null = [
        unit_root.adf(random_sign_surrogate(series[..., None], generator)[..., 0], lag).statistic
        for _ in range(config.surrogates)
    ]
    pvalues = np.stack(
        [
            adf.pvalue,
            unit_root.empirical_pvalue(adf.statistic, np.concatenate(null, axis=-1)),
            unit_root.kpss(series, lag).pvalue,
            unit_root.variance_ratio(series, config.ratio_span).pvalue,
        ],
        axis=1,
    )
    untested = np.isnan(pvalues)
    tested = (~untested).sum(axis=-1)
    rejected = (pvalues <= config.alpha).sum(axis=-1)  # nan is never below
    share = np.divide(rejected, tested, out=np.full(tested.shape, np.nan), where=tested > 0)
    varies = ~np.isnan(adf.statistic).any(axis=-1)
    critical = np.full(len(series), np.nan)
    critical[varies] = np.quantile(adf.statistic[varies], 0.05, axis=-1)
    return xr.Dataset(
        {
            "rejected": (
                ("series", "test"),
                share,
                {"long_name": f"share of series rejected at a nominal {config.alpha:.0%}", "units": "1"},
            ),
            "constant": (
                "series",
                untested[:, 0].mean(axis=-1),
                {"long_name": "share of series that do not vary", "units": "1"},
            ),
            "adf_quantile": (
                "series",
                critical,
                {"long_name": "5 % quantile of the ADF statistic", "units": "1"},
            ),
        }
    )
