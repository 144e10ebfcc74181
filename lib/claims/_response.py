"""What the judges of the training response share: settings of a record, ranges of epochs, kernels.

Choices made before any record was judged:

- "The last 1.5 decades" are those of the record's epochs. A regression that has converged before its last epoch is
  judged on the 1.5 decades before its error falls below 1e-10, where rounding begins.
- A curve *follows a power law* if the best shape of `lib.measures.decay` lies within 0.25 of 0 (a power; an exponential
  has 1), it misses the curve by less than 0.1 nats, and the exponential fits worse.
- Both readings of "the response" are judged: raw, and divided by the error of the output.
- A kernel is the response by distance, each epoch's scaled to length 1, so that ageing is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from itertools import product

import numpy as np
import xarray as xr

from lib.claims._judging import all_of, span
from lib.claims._verdict import lies
from lib.measures.decay import Decay, fit_decay
from lib.measures.statistics import seed_interval

DECADES = 1.5
SHAPE = 0.25
MISFIT = 0.1
ROUNDING = 1e-10
READINGS = ("raw", "divided")
THEORY = {"raw": 1.5, "divided": 1.0}
"""Exponents of a constant kernel, by reading."""

KERNELS = ("output", "logit")
_KERNEL_OF = {"output": "response_at", "logit": "logit_response_at", "permuted": "permuted_at"}

PLAIN_RATES = (0.01, 0.03, 0.1, 0.3)
"""Rates of the conditions; rate 1 is a control, where the output saturates at once."""


def present(record: xr.Dataset, names: tuple[str, ...]) -> list[str]:
    """Return those of the settings that a record has."""
    return [name for name in names if name in record["setting"].values]


def each(
    record: xr.Dataset, names: tuple[str, ...], rates: tuple[float, ...] = PLAIN_RATES
) -> Iterator[tuple[str, float, xr.Dataset]]:
    """Yield name, rate and runs of the settings and rates that a record has, with the seeds that were run."""
    for name, rate in product(present(record, names), record["rate"].values):
        if any(np.isclose(rate, wanted) for wanted in rates):
            runs = one(record, name, float(rate))
            if runs is not None:
                yield name, float(rate), runs


def one(record: xr.Dataset, name: str, rate: float) -> xr.Dataset | None:
    """Return the runs of one setting at one rate, with their seeds, or None."""
    if name not in record["setting"].values or not np.isclose(record["rate"].values, rate).any():
        return None
    runs = record.sel(setting=name).sel(rate=rate, method="nearest")
    runs = runs.isel(seed=np.flatnonzero(np.isfinite(runs["error"].isel(epoch=0).values)))
    return runs if runs.sizes["seed"] else None


def curve(runs: xr.Dataset, reading: str) -> np.ndarray:
    """Return the response at the trained point, raw or divided by the error, shape (seed, epoch), both positive."""
    response = np.abs(runs["response"].transpose("seed", "epoch").values.astype(np.float64))
    if reading == "raw":
        return response
    error = np.abs(runs["error"].transpose("seed", "epoch").values.astype(np.float64))
    return np.divide(response, error, out=np.full_like(response, np.nan), where=error > 0)


def late(epochs: np.ndarray) -> np.ndarray:
    """Say which epochs are the last 1.5 decades."""
    return np.asarray((epochs > 0) & (epochs >= epochs[-1] / 10**DECADES))


def decay(runs: xr.Dataset, reading: str) -> Decay:
    """Fit laws to the last 1.5 decades of each seed's response."""
    epochs = runs["epoch"].values.astype(np.float64)
    chosen = late(epochs)
    return fit_decay(epochs[chosen], curve(runs, reading)[:, chosen])


def early_decay(runs: xr.Dataset, reading: str) -> Decay:
    """Fit laws to the 1.5 decades before the error reaches rounding; of a seed that has too few epochs there, nan."""
    epochs = runs["epoch"].values.astype(np.float64)
    curves = curve(runs, reading)
    error = np.abs(runs["error"].transpose("seed", "epoch").values.astype(np.float64))
    found = []
    for row, left in zip(curves, error, strict=True):
        gone = np.flatnonzero((left < ROUNDING) | ~np.isfinite(row) | (row <= 0))
        end = int(gone[0]) if len(gone) else len(epochs)
        chosen = np.flatnonzero(late(epochs[:end])) if end else np.array([], dtype=int)
        if len(chosen) >= 5:
            found.append(fit_decay(epochs[chosen], row[chosen]))
        else:
            found.append(Decay(*(np.array(np.nan) for _ in fields(Decay))))
    return Decay(*(np.stack([getattr(fit, field.name) for fit in found]) for field in fields(Decay)))


def known(values: np.ndarray) -> np.ndarray:
    """Return the values that are numbers."""
    return values[np.isfinite(values)]


def follows_power_law(found: Decay) -> bool | None:
    """Say whether curves follow a power law, by the mean over seeds and its interval."""
    shape, misfit, evidence = (known(v) for v in (found.shape, found.power_misfit, found.evidence))
    if not len(shape):
        return False
    return all_of(
        lies(span(seed_interval(shape)), -SHAPE, SHAPE),
        lies(span(seed_interval(misfit)), high=MISFIT),
        lies(span(seed_interval(evidence)), low=0.0),
    )


def kernel(runs: xr.Dataset, kind: str) -> np.ndarray:
    """Return the response by distance over its length, shape (seed, profile epoch, distance).

    That of the output, of the logit, or of the output with strings permuted; a move towards the label is positive.
    """
    values = runs[_KERNEL_OF[kind]].transpose("seed", "profile_epoch", "distance").values.astype(np.float64)
    error = runs["error"].sel(epoch=runs["profile_epoch"].values).transpose("seed", "epoch").values
    values = values * np.sign(error)[..., None]
    length = np.linalg.norm(values, axis=-1, keepdims=True)
    return np.divide(values, length, out=np.full_like(values, np.nan), where=length > 0)


def condition_name(name: str, rate: float, *more: str) -> str:
    """Name a condition by setting, rate and whatever else there is."""
    return ", ".join((name, f"rate {rate:g}", *more))
