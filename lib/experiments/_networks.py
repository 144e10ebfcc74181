"""A list of networks as one experiment: run one by one, stored one by one, joined along ``network``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from lib import data

LABELS = ("true", "random")
"""Kinds of labels: the data set's own, or shuffled once by each seed and the same in all epochs."""


def network_pieces(config: Any) -> list[Any]:
    """Return one config a network of ``config.networks``, in their order, each with those seeds that it is to have."""
    found = []
    for network in config.networks:
        seeds = tuple(seed for seed in config.seeds if network.seeds is None or seed in network.seeds)
        if seeds:
            found.append(replace(config, networks=(replace(network, seeds=None),), seeds=seeds))
    return found


def join_networks(results: Sequence[xr.Dataset]) -> xr.Dataset:
    """Put networks and seeds together; what a network has not, such as a layer or a seed, is NaN.

    Raises
    ------
    ValueError
        If there is nothing to join.
    """
    if not results:
        raise ValueError("No results to join: run at least one network.")
    names = list(dict.fromkeys(str(result["network"].values[0]) for result in results))
    by_network = []
    for name in names:
        same = [result for result in results if result["network"].values[0] == name]
        by_network.append(same[0] if len(same) == 1 else xr.concat(same, "seed", **_CONCAT).sortby("seed"))
    if len(by_network) == 1:
        return by_network[0]
    deepest = max(by_network, key=lambda result: result.sizes["layer"])
    order = {dim: deepest[dim].values for dim in ("part", "layer", "pair", "half")}
    seeds = sorted({int(seed) for result in by_network for seed in result["seed"].values})
    same_axes = [result.reindex({**order, "seed": seeds}, fill_value=MISSING) for result in by_network]
    return xr.concat(_with_same_variables(same_axes), "network", **_CONCAT)


def _with_same_variables(results: list[xr.Dataset]) -> list[xr.Dataset]:
    """Fill in variables that only some networks have, such as errors on held-out images, with NaN."""
    known = {name: result[name] for result in results for name in result.data_vars}
    filled = []
    for result in results:
        missing = {name: each for name, each in known.items() if name not in result}
        nan = {
            name: xr.full_like(each, np.nan).assign_coords(network=result["network"]) for name, each in missing.items()
        }
        filled.append(result.assign(nan))
    return filled


MISSING = {"counts": 0, "shift": 255}
"""What stands for nothing in variables of whole numbers, which have no NaN."""

_CONCAT: dict[str, Any] = {
    "data_vars": "minimal",
    "coords": "minimal",
    "compat": "override",
    "join": "outer",
    "combine_attrs": "drop_conflicts",
    "fill_value": MISSING,
}


def for_seeds(labels: Tensor, kind: str, seeds: Sequence[int]) -> Tensor:
    """Return the labels that each seed learns, shape (seeds, samples).

    Raises
    ------
    ValueError
        If the kind is not one of :data:`LABELS`.
    """
    if kind not in LABELS:
        raise ValueError(f"Unknown labels {kind!r}: choose one of {', '.join(LABELS)}.")
    if kind == "true":
        return labels.expand(len(seeds), -1)
    return torch.stack([data.shuffled_labels(labels, seed) for seed in seeds])
