"""Numbers of the page of findings, and the one of its tables that no single claim has."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from lib.claims import Row
from lib.claims import _writing as write
from lib.claims._deep_network import complexity, turn
from lib.claims._evidence import Evidence
from lib.claims._judging import said
from lib.claims._model import Condition
from lib.claims.response_kernel import EARLY
from lib.experiments.deep_mlp import SMALLER
from lib.experiments.networks import one_network
from lib.figures import feature_loss
from lib.figures.complexity_plane_numbers import numbers_of_crossed
from lib.figures.residual_depth import network
from lib.measures.statistics import difference_interval, seed_interval


def numbers(
    rows: Mapping[str, Row], deep: xr.Dataset, features: xr.Dataset, depths: xr.Dataset
) -> dict[str, float | str]:
    """Return what the prose of the page says: numbers, and numbers of seeds in words.

    Parameters
    ----------
    rows
        The ledger by claim.
    deep, features, depths
        Records of ``deep_mlp``, ``feature_loss`` and ``residual_depth``. What a record has not is ``nan`` or missing.
    """
    return {
        "early-epochs": EARLY,
        **_of_turns(deep),
        **_of_estimates(rows["K13"]),
        **_of_late_times(rows["N14"]),
        **{key: value for key, value in feature_loss.numbers(features).items() if "matched" in key},
        "depths": depths.sizes["depth"],
        "linearity-lowest": _mean_of_blocks(depths, "linearity", 2),
        "linearity-top": _mean_of_blocks(depths, "linearity", 4),
    }


def _of_turns(deep: xr.Dataset) -> dict[str, float | str]:
    """In how many cases complexity turns back where they are crossed, and where and how far on the text's network."""
    crossed = numbers_of_crossed(deep)
    other = {key: crossed[f"turned-free{key}"] + crossed[f"turned-adamw{key}"] for key in ("", "-of")}
    found: dict[str, float | str] = {key: crossed[key] for key in crossed if key.startswith("turned-adam")}
    found |= {f"turned-elsewhere{key}": number for key, number in other.items()}
    alone = {"text": "MNIST", "free": "MNIST, no weight decay", "adamw": "MNIST, AdamW"}
    for key, name in alone.items():
        chosen = one_network(deep, name)
        own = None if chosen is None else turn(complexity(chosen, "own"))
        found[f"own-peak-{key}"] = np.nan if own is None else round(float(own.epoch.mean()), 1)
        found[f"own-back-{key}"] = np.nan if own is None else round(float(own.back.mean()), 3)
    crossings = [str(name) for name in deep["network"].values if str(name).startswith(SMALLER.name)]
    least = min((_seeds(deep, name) for name in crossings), default=0)
    singles = ("CIFAR-10, no weight decay", *tuple(alone.values())[1:], "CIFAR-10, random labels")
    found["seeds-crossed"] = write.seeds(least)
    found |= {f"seeds-{key}": write.seeds(_seeds(deep, name)) for key, name in zip(_SINGLE, singles, strict=True)}
    return found


_SINGLE = ("free-second", "free", "adamw", "random-second")


def _seeds(deep: xr.Dataset, name: str) -> int:
    chosen = one_network(deep, name)
    return 0 if chosen is None else chosen.sizes["seed"]


def _of_estimates(row: Row) -> dict[str, float | str]:
    """Percent of adjacent layers of the first data set that are in order by two estimators."""
    shares = {key: _effect(row, f", {estimator}") for key, estimator in (("bins", "2 bins"), ("noise", "noise 1"))}
    return {f"ordered-{key}": 100 * share for key, share in shares.items()}


def _effect(row: Row, end: str) -> float:
    """Effect of the first condition that is of a data set and not of another depth; nan where there is none."""
    conditions = () if row.judgement is None else row.judgement.conditions
    found = [c.effect for c in conditions if c.name.endswith(end) and "depth" not in c.name]
    return found[0] if found else float("nan")


def _of_late_times(row: Row) -> dict[str, float | str]:
    """From where to where the exponents from the tenth epoch on go, over slopes and rates."""
    conditions = () if row.judgement is None else row.judgement.conditions
    early = [c.control for c in conditions if c.control is not None] or [float("nan")]
    return {"exponent-least": min(early), "exponent-most": max(early)}


def _mean_of_blocks(depths: xr.Dataset, quantity: str, number: int) -> float:
    return float(np.mean([_block_mean(each, each[quantity], "trained", number) for each in _networks(depths)]))


def _networks(depths: xr.Dataset) -> list[xr.Dataset]:
    return [network(depths, int(depth)) for depth in depths["depth"].values]


def _block_mean(chosen: xr.Dataset, quantity: xr.DataArray, state: str, number: int) -> float:
    inside = chosen["block"].isel(state=0, seed=0).values == number
    return float(quantity.sel(state=state).isel(layer=inside).mean())


def rises_by_depth(depths: xr.Dataset) -> dict[str, dict[str, np.ndarray]]:
    """Return by how much three quantities per unit differ between the top block and the lowest, in bits.

    Complexity is that of patterns; what independent units with the same rates would have is larger by the total
    correlation, the third.

    Parameters
    ----------
    depths
        A record of ``residual_depth``.

    Returns
    -------
    dict
        By quantity and state (``"trained"``, ``"untrained"``), shape (network,): one number a depth, mean over seeds.
    """
    found: dict[str, dict[str, list[float]]] = {}
    for chosen in _networks(depths):
        alone = chosen["independent_bits"] / chosen["units"]
        together = chosen["complexity_per_unit"]
        quantities = {"complexity": together, "single units": alone, "total correlation": alone - together}
        for name, quantity in quantities.items():
            for state in ("trained", "untrained"):
                rise = _block_mean(chosen, quantity, state, 4) - _block_mean(chosen, quantity, state, 2)
                found.setdefault(name, {}).setdefault(state, []).append(rise)
    return {name: {state: np.array(rise) for state, rise in each.items()} for name, each in found.items()}


def depth_evidence(row: Row, depths: xr.Dataset) -> Evidence:
    """Return the rises of `rises_by_depth` with their intervals over networks, as a table that shows itself.

    Parameters
    ----------
    row
        That of J5, which asks for the rise of complexity alone.
    depths
        A record of ``residual_depth``.
    """
    known = ", ".join(f"{int(depth)}" for depth in depths["depth"].values)
    conditions = []
    for name, rise in rises_by_depth(depths).items():
        effect, control = (seed_interval(rise[state]) for state in ("trained", "untrained"))
        apart = difference_interval(rise["trained"], rise["untrained"])
        note = f"one seed of each depth: {known}; less untrained {said(apart, sign='+')}"
        conditions.append(Condition.measured(f"{name} per unit", effect, control=control, note=note))
    what = "Top block less lowest block, bits per unit, on CIFAR-10; intervals over networks of different depth"
    return Evidence(row, what, "the same networks untrained", tuple(conditions))
