"""A list of networks as one experiment: run one by one, stored one by one, joined along ``network``, and found again.

A network is named by its data set and by what it differs in from the text's: ``"MNIST"``, ``"MNIST, depth 2"``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from lib import data
from lib.experiments._progress import Progress, portion

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


def run_networks(
    config: Any,
    run_one: Callable[[Any, Any, torch.device, Progress], xr.Dataset],
    device: torch.device,
    progress: Progress,
) -> xr.Dataset:
    """Run every network of a config by ``run_one(piece, network, device, progress)``, and join the results."""
    parts, found = network_pieces(config), []
    for number, piece in enumerate(parts):
        found.append(run_one(piece, piece.networks[0], device, portion(progress, number, len(parts))))
    return join_networks(found)


def join_networks(results: Sequence[xr.Dataset]) -> xr.Dataset:
    """Put networks and seeds together; what a network has not, such as a layer or a seed, is NaN.

    A coordinate that differs between networks, such as the steps made by those that learn in other batches, has a
    dimension ``network`` too.

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
    joined = xr.concat(_with_same_variables(same_axes), "network", **_CONCAT)
    for label in [label for label in joined.coords if label not in joined.dims]:
        each = [result[label].variable for result in same_axes]
        if not all(one.equals(each[0]) for one in each):
            joined = joined.assign_coords({label: xr.Variable.concat(each, "network")})
    return joined


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


# -- finding networks in a result -------------------------------------------------------------------------------------


def data_sets(record: xr.Dataset) -> list[str]:
    """Return the networks that learn as the text says, one a data set: those whose name has no second part.

    Examples
    --------
    >>> data_sets(xr.Dataset(coords={"network": ["MNIST", "MNIST, AdamW", "CIFAR-10"]}))
    ['MNIST', 'CIFAR-10']
    """
    return [str(name) for name in record["network"].values if ", " not in str(name)]


def one_network(record: xr.Dataset, name: str) -> xr.Dataset | None:
    """Select a network without the seeds, layers, pairs and moments that it has not; None where it is missing.

    Parameters
    ----------
    record
        Joined networks: those of other depth or with fewer seeds are filled up with NaN.
    name
        Of the network, such as ``"MNIST, depth 2"``.

    Returns
    -------
    Dataset or None
        Without dimension ``network``. A network whose layers' information was not estimated has no moments.

    Examples
    --------
    >>> record = xr.Dataset({"test_error": (("network", "seed"), [[0.1, np.nan]])}, {"network": ["MNIST"]})
    >>> one_network(record, "MNIST").sizes["seed"], one_network(record, "CIFAR-10")
    (1, None)
    """
    if name not in record["network"].values:
        return None
    chosen = record.sel(network=name)
    for dim, variable in _KNOWN_BY.items():
        if variable in chosen and dim in chosen[variable].dims:
            known = chosen[variable].notnull()
            chosen = chosen.isel({dim: np.flatnonzero(known.any([d for d in known.dims if d != dim]))})
    if "layer" in chosen.dims and "part" in chosen.dims:
        parts = set(map(str, chosen["part"].values))
        chosen = chosen.sel(layer=[layer for layer in map(str, chosen["layer"].values) if layer in parts])
    return chosen if chosen.sizes["seed"] else None


_KNOWN_BY = {"seed": "test_error", "part": "sd", "pair": "divergence", "half": "halves", "moment": "binned_input"}
"""Dimensions along which networks differ, and a variable that is NaN where a network has nothing there."""


def of_network(record: xr.Dataset, name: str) -> xr.Dataset:
    """Select a network as `one_network` does, one that has to be there.

    Raises
    ------
    ValueError
        If the record has no such network.
    """
    chosen = one_network(record, name)
    if chosen is None:
        known = ", ".join(map(str, record["network"].values))
        raise ValueError(f"The record has no network {name!r}; choose one of {known}.")
    return chosen


def hidden_layers(chosen: xr.Dataset) -> list[str]:
    """Return the names of a network's hidden layers.

    Examples
    --------
    >>> hidden_layers(xr.Dataset(coords={"layer": ["1", "2", "output"]}))
    ['1', '2']
    """
    return [str(name) for name in chosen["layer"].values if name != "output"]


def common_seeds(*chosen: xr.Dataset) -> list[int]:
    """Return the seeds that all of some networks have.

    Examples
    --------
    >>> common_seeds(xr.Dataset(coords={"seed": [0, 1, 2]}), xr.Dataset(coords={"seed": [2, 0]}))
    [0, 2]
    """
    return [int(seed) for seed in chosen[0]["seed"].values if all(seed in other["seed"].values for other in chosen)]


def caption_of(record: xr.Dataset) -> str:
    """Return in words what a record is: its networks with their seeds, its preset, machine, seconds and day."""
    seeds: dict[int, list[str]] = {}
    for name in map(str, record["network"].values):
        seeds.setdefault(of_network(record, name).sizes["seed"], []).append(name)
    parts = [f"{' / '.join(names)}: {'one seed' if n == 1 else f'{n} seeds'}" for n, names in seeds.items()]
    return (
        f"{'; '.join(parts)}; preset {record.attrs['preset']}, {record.attrs['device']}, "
        f"{float(record.attrs['wall_time_s']):.0f} s, made {str(record.attrs['created'])[:10]}"
    )
