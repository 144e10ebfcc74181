"""What judges of experiment ``weight_evolution`` share, fixed before any result was seen.

- The text does not say how weights are binned, so wherever entropy or complexity is judged every rule of the record is
  a condition, at 256 bins; other numbers of bins are in the notes. C is the text's: H/log n times normalised D.
- The text's ten moments are every tenth snapshot, with the one before training. Verdicts rest on these; what all
  hundred give is in the notes.
- Its data sets are `DATA_SETS`. Where one of them, or a network that serves as the control, is missing from the record,
  a claim about them is at most ``partly`` reproduced, and the text says what is missing.
- Another optimizer, other batches and weight decay are sensitivities: reported in the text, no conditions.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import xarray as xr

from lib.claims._judging import span
from lib.claims._model import Condition
from lib.claims._verdict import lies
from lib.experiments.networks import data_sets, one_network
from lib.experiments.weight_statistics import coordinates
from lib.measures.statistics import Estimate

DATA_SETS = ("MNIST", "Fashion-MNIST")
"""The data sets of the text; a small record has others in their place, which is no more than a rehearsal."""

RANDOM = "random labels"
BINS = 256
MOMENTS = 10
"""Moments after the first at which the text looks."""

SENSITIVITIES = ("SGD 0.1", "batch 100", "batch 1000", "weight decay")
"""How else a network may learn: what networks of a record are called that differ in no more than this."""


def needed(record: xr.Dataset, variant: str = "") -> list[str]:
    """Networks that a claim about both data sets needs, those of a control included."""
    names = list(dict.fromkeys([*DATA_SETS, *data_sets(record)]))
    return [*names, *(f"{name}, {variant}" for name in names if variant)]


def layers(data: xr.Dataset) -> list[str]:
    return [str(layer) for layer in data["layer"].values]


def title(layer: str) -> str:
    """Name a layer as the text does, whose third one is the output layer."""
    return {"1": "first layer", "2": "second layer", "output": "third layer"}.get(layer, f"layer {layer}")


def places(data: xr.Dataset, rule: str, bins: int = BINS) -> dict[str, np.ndarray]:
    """Return H in bits, h and c, each of shape (seed, layer, snapshot)."""
    found = coordinates(data.sel(rule=rule, part=layers(data)), bins).transpose("seed", "part", "snapshot")
    return {name: found[name].values.astype(np.float64) for name in ("H", "h", "c")}


def tenth(data: xr.Dataset) -> int:
    """Distance of the text's moments in snapshots."""
    return max(1, (data.sizes["snapshot"] - 1) // MOMENTS)


def found_networks(record: xr.Dataset) -> list[tuple[str, xr.Dataset]]:
    """Name and network of every data set that was run; where there is none, nothing is judged."""
    chosen = [(name, one_network(record, name)) for name in data_sets(record)]
    return [(name, data) for name, data in chosen if data is not None]


def each_rule(record: xr.Dataset) -> Iterator[tuple[str, xr.Dataset, str]]:
    """Yield name, network and rule for every data set and binning rule."""
    for name, data in found_networks(record):
        for rule in record["rule"].values:
            yield name, data, str(rule)


def by_rule(conditions: Sequence[Condition]) -> str:
    """Count the conditions that pass, by the rule that ends their name."""
    rules: dict[str, list[Condition]] = {}
    for condition in conditions:
        rules.setdefault(condition.name.rsplit(", ", 1)[-1], []).append(condition)
    return ", ".join(f"{rule} {sum(c.passes is True for c in each)} of {len(each)}" for rule, each in rules.items())


def above(measured: Estimate, threshold: float) -> bool | None:
    return lies(span(measured), low=threshold)


def below(measured: Estimate, threshold: float) -> bool | None:
    return lies(span(measured), high=threshold)


def corrected_entropy(data: xr.Dataset, rule: str, bins: int = BINS) -> np.ndarray:
    """Miller and Madow's entropy in bits, shape (seed, layer, snapshot)."""
    order = ("seed", "layer", "snapshot")
    size = data["counts"].sum("bin").transpose(*order).values
    occupied = data["occupied"].sel(rule=rule, bins=bins).transpose(*order).values
    return np.asarray(places(data, rule, bins)["H"] + (occupied - 1) / (2 * size) / math.log(2))


def sensitivity(record: xr.Dataset, tests: Callable[[xr.Dataset], Sequence[bool | None]]) -> str:
    """Say how many of a claim's tests a network passes that learns otherwise."""
    said = ""
    for name, variant in itertools.product(data_sets(record), SENSITIVITIES):
        data = one_network(record, f"{name}, {variant}")
        if data is None:
            continue
        passed = [passes is True for passes in tests(data)]
        seeds = "one seed" if data.sizes["seed"] == 1 else f"{data.sizes['seed']} seeds"
        said += f" {name} with {variant}, {seeds}: {sum(passed)} of {len(passed)} pass."
    return said
