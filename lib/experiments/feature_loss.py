r"""What noise does to the features of the bit encoder: they are lost or grow (chapter 8; N, figures 6 and 7).

A network learns, one pair a step, from one of a few courses: a fixed pair with right labels or with some wrong ones,
pairs of a random string and a random label, or these with a fixed pair mixed in. Beside each noisy course stands the
same without noise: every step follows the expected gradient of the mixture. Afterwards it is asked which units are
lost, whether they can be removed, and whether clean training brings them back.

All networks of a setting, over rates and seeds, learn side by side. What is drawn depends on the seed alone, so rates,
courses and activations are compared on the same draws.

Source: Nakazato (2024), A simple theory for training response of deep neural networks, sections III B and IV.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
import torch
import xarray as xr

from lib.experiments._course_run import CourseRun
from lib.experiments._progress import Progress
from lib.experiments.noise_courses import COURSES, Config, Setting

VERSION = 1
STORED_BY_PIECE = True

_RATES = ((0.01, 20), (0.1, 100), (1.0, 20))
_FEWER = ((0.01, 10), (0.1, 30), (1.0, 10))


def _labels(rates: tuple[tuple[float, int], ...], steps: int, *, controls: bool) -> tuple[Setting, ...]:
    courses = [("clean", True), ("mixed 0.1", True), ("mixed 0.5", True)]
    courses += [("mixed 0.1", False), ("mixed 0.5", False)] if controls else []
    return tuple(
        Setting(course, activation, noise, rates, steps) for activation in ("relu", "elu") for course, noise in courses
    )


PRESETS = {
    "smoke": Config(
        (
            *_labels(((0.1, 2), (1.0, 2)), 100, controls=True),
            Setting("random", "relu", rates=((0.1, 2), (1.0, 2)), steps=200),
            Setting("random", "relu", noise=False, rates=((0.1, 2),), steps=100),
            Setting("random", "elu", rates=((0.1, 2),), steps=200),
            Setting("pair", "relu", rates=((0.1, 2), (1.0, 1)), steps=200),
            Setting("pair", "relu", noise=False, rates=((0.1, 2),), steps=100),
            Setting("pair", "elu", rates=((0.1, 2),), steps=200),
        ),
        bits=4,
        width=16,
        after=100,
        removals=3,
        seeds=(0, 1),
    ),
    "book": Config(
        (
            *_labels(((0.1, 20), (1.0, 20)), 2_000, controls=False),
            Setting("random", "relu", rates=((0.1, 20), (1.0, 20)), steps=3_000),
            Setting("random", "elu", rates=((0.1, 20), (1.0, 20)), steps=3_000),
        ),
        after=0,
        seeds=tuple(range(20)),
    ),
    "paper": Config(
        (
            *_labels(_RATES, 20_000, controls=True),
            Setting("random", "relu", rates=_RATES),
            *(Setting("random", activation, rates=_FEWER) for activation in ("elu", "gelu", "leaky relu")),
            Setting("pair", "relu", rates=_RATES),
            Setting("pair", "elu", rates=_FEWER),
            *(Setting("pair", activation, rates=((0.1, 30),)) for activation in ("gelu", "silu", "tanh", "leaky relu")),
            Setting("random", "relu", noise=False, rates=((0.1, 6), (1.0, 6)), steps=10_000),
            Setting("pair", "elu", noise=False, rates=((0.1, 5),), steps=10_000),
            Setting("pair", "relu", noise=False, rates=((0.1, 6),)),
        ),
    ),
}


def pieces(config: Config) -> list[Config]:
    """Return one config for courses at one point, one for each other course, and one for each without noise."""

    def group(setting: Setting) -> str:
        if COURSES[setting.course].fixed == 1:
            return "labels"
        return setting.course if setting.noise else setting.name

    return [replace(config, settings=tuple(found)) for _, found in groupby(config.settings, group)]


def join_pieces(results: list[xr.Dataset]) -> xr.Dataset:
    """Put settings together; rates, seeds, steps and quantities that a setting has not are NaN."""
    first: dict[Any, xr.DataArray] = {}
    for result in results:
        for name in result.variables:
            first.setdefault(name, result[name])
    filled = []
    for result in results:
        missing = [name for name in first if name not in result.variables]
        shape = result["feature"].isel(step=0, drop=True)  # (setting, rate, seed)
        filled.append(result.assign({name: _nothing(shape, first[name]) for name in missing}))
    joined = xr.concat(filled, "setting", join="outer", combine_attrs="drop_conflicts")
    for name in joined.variables:
        joined[name].attrs = first[name].attrs
    return joined


def _nothing(shape: xr.DataArray, like: xr.DataArray) -> xr.DataArray:
    """Return NaN by setting, rate and seed, with the other dimensions of a quantity."""
    others = {dim: like[dim] for dim in like.dims if dim not in shape.dims}
    return xr.full_like(shape, np.nan).expand_dims(others).transpose(*like.dims)


def run(config: Config, *, device: torch.device, progress: Progress) -> xr.Dataset:
    """Train and look at the networks of every setting.

    Returns
    -------
    Dataset
        Dimensions ``setting``, ``rate``, ``seed`` and, for what is followed, ``step``: mean features, kernels, share of
        units that are off, predictions, loss. At the end, also by ``distance``, threshold ``lost_by``, clean ``task``,
        ``order`` and share ``removed``: what `MEASURED` and `MEASURED_AFTER` of the run name. ``steps`` of each
        setting. NaN where a setting has no such rate, seed or step, and for what is asked of noisy courses only.

    Raises
    ------
    ValueError
        If a setting has an unknown course or activation, or a course without noise has nothing to expect.
    """
    whole = sum(setting.steps * sum(count for _, count in setting.rates) for setting in config.settings)
    done = 0.0
    results = []
    for setting in config.settings:
        if setting.course not in COURSES:
            raise ValueError(f"There is no course {setting.course!r}: choose one of {', '.join(COURSES)}.")
        cost = setting.steps * sum(count for _, count in setting.rates) / whole

        def report(share: float, done: float = done, cost: float = cost, name: str = setting.name) -> None:
            progress(done + share * cost, name)

        results.append(CourseRun(config, setting, device).result(report))
        done += cost
    progress(1.0, "done")
    return join_pieces(results).assign_attrs(bits=config.bits, width=config.width, after=config.after)
