"""How the cost of a bound grows with the number of samples and of units, where its looseness is known (chapter 5).

Units that share a common signal have an entropy that is known for any number of them. With the number of samples the
masked network follows its default budget; with the number of units the budget stays the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr

from lib.data.exact import CommonFactor
from lib.measures.patterns import Budget, PatternEntropy, pattern_entropy

VERSION = 1


@dataclass(frozen=True)
class Config:
    """Size and setting of a run."""

    samples: tuple[int, ...] = (1_000, 4_000, 16_000, 64_000)  # patterns of `fixed_units` units
    units: tuple[int, ...] = (16, 32, 64, 128, 256, 512)  # of `fixed_samples` patterns
    fixed_units: int = 64
    fixed_samples: int = 10_000
    hidden: int = 256  # units of the masked network where the number of units grows ...
    steps: int = 200  # ... and steps of its training
    batch: int = 256  # patterns a step
    seeds: tuple[int, ...] = (0, 1, 2)


PRESETS = {
    "smoke": Config(
        samples=(100, 200),
        units=(4, 8),
        fixed_units=4,
        fixed_samples=100,
        hidden=8,
        steps=20,
        batch=32,
        seeds=(0, 1),
    ),
    "book": Config(samples=(1_000, 4_000, 16_000), seeds=(0,)),
    "paper": Config(
        samples=(2_500, 10_000, 40_000, 160_000),
        fixed_samples=20_000,
        steps=300,
        batch=512,
    ),
}


def run(config: Config, *, device: torch.device, progress: Callable[[float, str], None]) -> xr.Dataset:
    """Estimate more and more samples, and more and more units.

    Returns
    -------
    Dataset
        Over ``seed`` and ``samples`` or ``units``: ``seconds_samples``, ``bits_samples`` and ``seconds_units``,
        ``bits_units``; the exact entropies ``truth_samples`` (one number) and ``truth_units``.
    """
    budget = Budget(hidden=config.hidden, steps=config.steps, batch=config.batch)
    whole = len(config.seeds) * (len(config.samples) + len(config.units))
    found: dict[str, list[list[PatternEntropy]]] = {"samples": [], "units": []}
    done = 0
    for seed in config.seeds:
        row: dict[str, list[PatternEntropy]] = {"samples": [], "units": []}
        for samples in config.samples:
            progress(done / whole, f"seed {seed}, {samples:,} patterns of {config.fixed_units} units")
            row["samples"].append(_estimate(config.fixed_units, samples, seed, None, device))
            done += 1
        for units in config.units:
            progress(done / whole, f"seed {seed}, {config.fixed_samples:,} patterns of {units} units")
            row["units"].append(_estimate(units, config.fixed_samples, seed, budget, device))
            done += 1
        for name, estimates in row.items():
            found[name].append(estimates)
    progress(1.0, "done")
    variables: dict[str, Any] = {}
    for name, table in found.items():
        for quantity, text, unit in (("seconds", "time taken", "s"), ("bits", "bound on the entropy", "bits")):
            values = [[getattr(each, quantity) for each in estimates] for estimates in table]
            variables[f"{quantity}_{name}"] = (("seed", name), values, {"long_name": text, "units": unit})
    attrs = {"long_name": "exact entropy", "units": "bits"}
    variables["truth_samples"] = ((), CommonFactor(units=config.fixed_units).bits, attrs)
    variables["truth_units"] = ("units", [CommonFactor(units=units).bits for units in config.units], attrs)
    return xr.Dataset(
        variables, coords={"seed": list(config.seeds), "samples": list(config.samples), "units": list(config.units)}
    ).assign_attrs(fixed_units=config.fixed_units, fixed_samples=config.fixed_samples)


def _estimate(units: int, samples: int, seed: int, budget: Budget | None, device: torch.device) -> PatternEntropy:
    z = torch.from_numpy(np.asarray(CommonFactor(units=units).draw(samples, seed))).to(device)
    return pattern_entropy(z, seed=seed, budget=budget)
