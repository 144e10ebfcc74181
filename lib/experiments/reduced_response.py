"""The training response reduced to one variable, for many slopes, rates and targets (chapter 8; N, figure 5).

The system of eqs. 21 and 22 is followed as a flow, to times far beyond any training, and as the map that training is,
step by step. Closed forms check the flow, and the flow shows where the map's steps are too long.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr

from lib.models.reduced_response import ResponsePath, flow, iterate, time_taken

VERSION = 1

DECADES = 3
"""Decades of time over which an exponent is fitted."""

FALL = (1e-3, 1e-9)
"""Errors between which the rate of an exponential fall is fitted: late, and far above rounding."""

_PER_DECADE = 20  # times of the flow that fits see
_SHOWN = 6  # ... and that figures see


@dataclass(frozen=True)
class Config:
    """Size and setting of a run."""

    slopes: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0)  # a
    rates: tuple[float, ...] = (0.01, 0.1, 1.0)  # eta
    targets: tuple[float, ...] = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)  # y_o
    longest: float = 1e8  # time that the flow is followed to
    epochs: int = 100_000  # steps of the map
    spread: float = 0.5  # standard deviation of the logit at the start, about that of networks of 128 features
    seeds: tuple[int, ...] = tuple(range(100))  # of the logit at the start


PRESETS = {
    "smoke": Config((1.0, 2.0), (0.1, 1.0), (0.5, 0.9, 1.0), epochs=1_000, seeds=(0, 1, 2)),
    "book": Config(epochs=10_000, seeds=tuple(range(5))),
    "paper": Config(),
}


def run(config: Config, *, device: torch.device, progress: Callable[[float, str], None]) -> xr.Dataset:
    """Follow the reduced system from a start a seed; it is so small that it never leaves the CPU.

    Returns
    -------
    Dataset
        For target 1, over ``slope``, ``rate`` and ``seed``: ``exponent`` of the divided response over the flow's last
        three decades, ``raw_exponent`` of the response itself, ``asymptote`` (response over 1/(2 eta t) at the end);
        ``early_exponent`` and ``map_exponent`` from epoch 10 to 10,000, where networks are seen; ``map_ratio`` of the
        map to the flow at the map's last step. For all targets: ``fall`` of the error over that expected, ``plateau``
        (last response over that expected), ``closed_form`` (largest relative deviation from the closed form), and mean
        curves ``flow_response`` over ``time`` and ``map_response`` over ``epoch``.
    """
    start = np.array([np.random.default_rng((seed, 6)).normal(0, config.spread) for seed in config.seeds])
    target = np.array(config.targets)[:, None, None, None]
    slope, rate = np.array(config.slopes)[:, None, None], np.array(config.rates)[:, None]
    decades = int(np.log10(config.longest)) + 1
    t = np.geomspace(config.longest / 10**decades, config.longest, decades * _PER_DECADE + 1)
    progress(0.0, "flow")
    path = flow(t, start, target, slope, rate)
    epoch = np.unique(np.geomspace(1, config.epochs, int(np.log10(config.epochs) * _SHOWN) + 1).round().astype(int))
    progress(0.2, "map")
    steps = iterate(epoch, start, target, slope, rate)
    taken = time_taken(start[:, None], path.log_error, *(each[..., None] for each in (target, slope, rate)))
    seen = t >= 1  # before that hardly anything has happened, and differences cancel
    found: dict[str, Any] = {
        "fall": _numbers("rate of the error's fall over eta s(x*)^2", _fall(t, path, slope, rate, target), True),
        "plateau": _numbers("last divided response over s(x*)^2", _plateau(path, slope, target), True),
        "closed_form": _numbers(
            "largest relative deviation of the flow from the closed form",
            np.abs(taken / t - 1)[..., seen].max(-1),
            True,
        ),
    }
    found |= _of_target_one(config, t, path, epoch, steps, start)
    shown = slice(None, None, _PER_DECADE // 5)
    found["flow_response"] = _curves("time", path.response[..., shown], "flow")
    found["map_response"] = _curves("epoch", steps.response, "map")
    progress(1.0, "done")
    coords: dict[str, Any] = {
        name: (name, list(values), {"long_name": text, "units": "1"})
        for name, values, text in (
            ("slope", config.slopes, "slope parameter a"),
            ("rate", config.rates, "learning rate"),
            ("target", config.targets, "target"),
            ("time", t[shown], "time"),
            ("epoch", epoch, "epoch"),
        )
    }
    return xr.Dataset(found, coords=coords | {"seed": list(config.seeds)})


def _of_target_one(
    config: Config, t: np.ndarray, path: ResponsePath, epoch: np.ndarray, steps: ResponsePath, start: np.ndarray
) -> dict[str, Any]:
    """Return how the response decays where the target is 1, or nothing where no target is."""
    if 1.0 not in config.targets:
        return {}
    one = config.targets.index(1.0)
    response, raw = path.response[one], path.response[one] * np.exp(path.log_error[one])
    late = t >= t[-1] / 10**DECADES * (1 - 1e-9)
    early = (t >= 10 * (1 - 1e-9)) & (t <= min(10_000, config.epochs) * (1 + 1e-9))
    stepped = (epoch >= 10) & (epoch <= 10_000)
    rate = np.array(config.rates)[:, None]
    at_end = flow(np.array([0.0, epoch[-1]]), start, 1.0, np.array(config.slopes)[:, None, None], rate).response[
        ..., -1
    ]
    return {
        "exponent": _numbers("exponent of the divided response, last three decades", _slope(t, response, late)),
        "raw_exponent": _numbers("exponent of the response, last three decades", _slope(t, raw, late)),
        "asymptote": _numbers("divided response over C/(2 eta t) at the end", response[..., -1] * 2 * rate * t[-1]),
        "early_exponent": _numbers("exponent of the flow from epoch 10", _slope(t, response, early)),
        "map_exponent": _numbers("exponent of the map from epoch 10", _slope(epoch, steps.response[one], stepped)),
        "map_ratio": _numbers("map over flow at the last epoch", steps.response[one][..., -1] / at_end),
    }


def _slope(t: np.ndarray, values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Minus the slope of log values (..., moment) on log t."""
    x = np.log(t[chosen])
    x = x - x.mean()
    return np.asarray(-np.log(values[..., chosen]) @ x / (x @ x))


def _fall(t: np.ndarray, path: ResponsePath, slope: np.ndarray, rate: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Fitted rate of the error's fall over that of its end; nan with fewer than 3 times in the range of errors.

    Where the target is 1 there is no last slope, and the one that is reached at the end stands for it.
    """
    high, low = np.log(FALL)
    inside = (path.log_error <= high) & (path.log_error >= low)
    count = inside.sum(-1)
    weight = inside / np.maximum(count, 1)[..., None]
    x = (t - (weight * t).sum(-1)[..., None]) * inside
    y = (path.log_error - (weight * path.log_error).sum(-1)[..., None]) * inside
    expected = rate * np.where(target == 1, path.response[..., -1], (slope * target * (1 - target)) ** 2)
    spread = (x * x).sum(-1)
    fitted = -(x * y).sum(-1) / np.where(count < 3, 1.0, spread)
    return np.where(count < 3, np.nan, fitted / expected)


def _plateau(path: ResponsePath, slope: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Last response over that of a sigmoid at its target; nan where the target is 0 or 1."""
    expected = (slope * target * (1 - target)) ** 2
    within = np.broadcast_to(expected > 0, path.response.shape[:-1])
    return np.where(within, path.response[..., -1] / np.where(expected > 0, expected, 1.0), np.nan)


def _numbers(text: str, values: np.ndarray, targets: bool = False) -> tuple[Any, ...]:
    dims = ("target", "slope", "rate", "seed") if targets else ("slope", "rate", "seed")
    return dims, values.astype(np.float32), {"long_name": text, "units": "1"}


def _curves(along: str, values: np.ndarray, kind: str) -> tuple[Any, ...]:
    """Geometric means over starts, dimensions target, slope, rate and time or epoch."""
    mean = np.exp(np.log(values).mean(-2)).astype(np.float32)
    attrs = {"long_name": f"divided response over C, {kind}, geometric mean over starts", "units": "1"}
    return ("target", "slope", "rate", along), mean, attrs
