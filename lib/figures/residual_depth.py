"""Figures of chapter 5 on residual networks: a Dataset of `lib.experiments.residual_depth` in, a figure out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lib.claims.residual_depth import border_step, rise, values
from lib.figures._networks import draw, legend_below
from lib.figures.style import colour, heading, look, panel_labels

STATES: dict[str, dict[str, Any]] = {
    "trained": {"color": colour("final")},
    "untrained": {"color": colour("initial")},
    "shuffled pixels": look("shuffled labels"),
}
"""How the network's states are drawn."""

AXIS = {
    "effective_dimension": "effective dimension",
    "complexity_per_unit": "complexity per unit (bits)",
    "linearity": "linearity",
    "normalized_total_correlation": "normalised total correlation",
}
"""Labels of the axes."""

_DEPTH_COLOURS = ("sky", "green", "purple", "brown")


def network(record: xr.Dataset, depth: int) -> xr.Dataset:
    """Return one network, without the layers that it does not have."""
    chosen = record.sel(depth=depth)
    return chosen.isel(layer=np.isfinite(chosen["units"].isel(state=0, seed=0).values))


def profiles(record: xr.Dataset, quantity: str) -> Figure:
    """Draw a quantity against the layer for each network in each state; grey steps are what it cannot exceed.

    For the effective dimension that is the number of channels, for complexity the entropy of independent units.
    """
    depths = [int(depth) for depth in record["depth"].values]
    columns = min(2, len(depths))
    lines = -(-len(depths) // columns)
    figure, grid = plt.subplots(
        lines, columns, figsize=(3.7 * columns if columns > 1 else 5.2, 2.4 * lines + 0.9), squeeze=False
    )
    for axes, depth in zip(grid.flat, depths, strict=True):
        chosen = network(record, depth)
        layer = chosen["layer"].values
        first = chosen.isel(state=0, seed=0)
        for state, style in STATES.items():
            draw(axes, layer, chosen[quantity].sel(state=state), state, **style)
        if quantity == "effective_dimension":
            _steps(axes, layer, first["units"].values, "channels")
        if quantity == "complexity_per_unit":
            bound = (chosen["independent_bits"] / chosen["units"]).sel(state="trained")
            draw(axes, layer, bound, "trained, if independent", color=colour("final"), linestyle=(0, (1, 1.2)))
            axes.set_ylim(0, 1.02)
        _borders(axes, first["block"].values)
        heading(axes, f"ResNet-{depth}")
        axes.set(xlabel="layer", ylabel=AXIS[quantity])
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    if columns > 1:
        panel_labels(grid)
    legend_below(figure, list(grid.flat), 2 * columns)
    return figure


def depth_series(record: xr.Dataset) -> Figure:
    """Draw trained networks of several depths on one axis, from the first layer to the last."""
    quantities = ("effective_dimension", "complexity_per_unit", "normalized_total_correlation")
    figure, grid = plt.subplots(1, 3, figsize=(7.4, 3.0))
    for depth, shade in zip(record["depth"].values, _DEPTH_COLOURS, strict=False):
        chosen = network(record, int(depth))
        place = chosen["relative_depth"].isel(state=0, seed=0).values
        for axes, quantity in zip(grid, quantities, strict=True):
            style: dict[str, Any] = {"color": colour(shade), "marker": "o", "markersize": 2.5, "linewidth": 1.4}
            draw(axes, place, chosen[quantity].sel(state="trained"), f"ResNet-{depth}", **style)
    for axes, quantity in zip(grid, quantities, strict=True):
        axes.set(xlabel="relative depth", ylabel=AXIS[quantity])
    panel_labels(grid)
    legend_below(figure, list(grid), 4)
    return figure


def linearity(record: xr.Dataset, depth: int) -> Figure:
    """Draw linearity after the summation and inside the cell, and total correlation, by layer."""
    chosen = network(record, depth)
    layer = chosen["layer"].values
    figure, grid = plt.subplots(1, 3, figsize=(7.4, 3.0))
    for axes, quantity, text in zip(
        grid,
        ("linearity", "branch_linearity", "normalized_total_correlation"),
        ("linearity, after the sum", "linearity, inside the cell", AXIS["normalized_total_correlation"]),
        strict=True,
    ):
        for state, style in STATES.items():
            draw(axes, layer, chosen[quantity].sel(state=state), state, **style)
        if "linearity" in quantity:
            axes.axhline(0.5, **look("nominal"))
            axes.set_ylim(0, 1.02)
        _borders(axes, chosen["block"].isel(state=0, seed=0).values)
        axes.set(xlabel="layer", ylabel=text)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    panel_labels(grid)
    legend_below(figure, list(grid), 3)
    return figure


def blocks(record: xr.Dataset, depth: int) -> Figure:
    """Draw means over the layers of each block: linearity (a), bits per unit of patterns and of single units (b)."""
    chosen = network(record, depth)
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.4))
    for state, style in STATES.items():
        more: dict[str, Any] = {"marker": "o", "markersize": 4} | style
        draw(left, BLOCKS, _by_block(chosen, chosen["linearity"], state), state, **more)
        draw(right, BLOCKS, _by_block(chosen, chosen["complexity_per_unit"], state), state, **more)
    draw(left, BLOCKS, _by_block(chosen, chosen["branch_linearity"], "trained"), "inside the cell", **look("accuracy"))
    alone = _by_block(chosen, chosen["independent_bits"] / chosen["units"], "trained")
    draw(right, BLOCKS, alone, "trained, if independent", color=colour("final"), linestyle=(0, (1, 1.2)))
    left.axhline(0.5, **look("nominal"))
    for axes, quantity in ((left, "linearity"), (right, "complexity_per_unit")):
        axes.set(xlabel="block", ylabel=AXIS[quantity], xticks=BLOCKS, ylim=(0, 1.02))
    panel_labels([left, right])
    legend_below(figure, [left, right], 3)
    return figure


BLOCKS = (2, 3, 4)
"""Blocks that hold residual cells."""


def _by_block(chosen: xr.Dataset, quantity: xr.DataArray, state: str) -> xr.DataArray:
    block = chosen["block"].isel(state=0, seed=0).values
    values = quantity.sel(state=state).transpose("seed", "layer").values
    means = [values[:, block == number].mean(axis=1) for number in BLOCKS]
    return xr.DataArray(np.stack(means), dims=("block", "seed"))


def block_numbers(record: xr.Dataset, depth: int) -> dict[str, float]:
    """Return what the prose says of a network's blocks: names end with the number of the block."""
    chosen = network(record, depth)
    alone = chosen["independent_bits"] / chosen["units"]
    quantities = {
        "block-linearity": (chosen["linearity"], "trained"),
        "block-complexity": (chosen["complexity_per_unit"], "trained"),
        "block-alone": (alone, "trained"),
        "block-untrained": (chosen["complexity_per_unit"], "untrained"),
        "block-shuffled": (chosen["complexity_per_unit"], "shuffled pixels"),
    }
    found: dict[str, float] = {}
    for name, (quantity, state) in quantities.items():
        means = _by_block(chosen, quantity, state).mean("seed").values
        found |= {f"{name}-{block}": round(float(value), 6) for block, value in zip(BLOCKS, means, strict=True)}
    return found


def rising_networks(record: xr.Dataset) -> dict[str, int]:
    """Return how many networks a record has, and in how many complexity per unit rises from block to block, by state.

    Examples
    --------
    >>> from lib import records
    >>> sorted(rising_networks(records.largest("residual_depth")))
    ['networks', 'rising-shuffled', 'rising-trained', 'rising-untrained']
    """
    found = {"networks": record.sizes["depth"]} | {f"rising-{short}": 0 for short in _SHORT.values()}
    for depth in record["depth"].values:
        chosen = network(record, int(depth))
        for state, short in _SHORT.items():
            means = _by_block(chosen, chosen["complexity_per_unit"], state).mean("seed").values
            found[f"rising-{short}"] += int((np.diff(means) > 0).all())
    return found


_SHORT = {state: state.removesuffix(" pixels") for state in STATES}


def _steps(axes: Axes, layer: np.ndarray, height: Sequence[float] | np.ndarray, label: str) -> None:
    axes.step(layer, height, where="mid", color=colour("grey"), linewidth=1.0, label=label)


def _borders(axes: Axes, block: np.ndarray) -> None:
    """Mark where one block ends and the next begins."""
    for place in np.flatnonzero(np.diff(block) > 0):
        axes.axvline(place + 0.5, color=colour("grey"), linewidth=0.6, alpha=0.6, zorder=0)


def numbers(live: xr.Dataset, record: xr.Dataset | None) -> dict[str, float]:
    """Return what the prose says of both runs."""
    found = {"seconds-depth": float(live.attrs["wall_time_s"]), "digits-accuracy": _percent(live)}
    chosen = network(live, int(live["depth"].values[-1]))
    found |= {f"{name}-digits": value for name, value in _of_network(chosen).items()}
    if record is not None:
        deepest = int(record["depth"].values.max())
        chosen = network(record, deepest)
        found |= {f"{name}-deepest": value for name, value in _of_network(chosen).items()}
        found["deepest"] = float(deepest)
        found["accuracy-deepest"] = _percent(record.sel(depth=[deepest]))
        found["minutes-depth"] = float(record.attrs["wall_time_s"]) / 60
    return {name: round(float(value), 6) for name, value in found.items()}


def _percent(record: xr.Dataset) -> float:
    return 100 * float(record["accuracy"].sel(state="trained").mean())


def _of_network(chosen: xr.Dataset) -> dict[str, float]:
    block = chosen["block"].isel(state=0, seed=0).values
    found: dict[str, float] = {}
    for state, short in (("trained", ""), ("untrained", "-untrained"), ("shuffled pixels", "-shuffled")):
        dimension = values(chosen, "effective_dimension", state).mean(0)
        per_unit = values(chosen, "complexity_per_unit", state).mean(0)
        drawn = values(chosen, "sampled_dimension", state).mean(0)
        found |= {
            f"drawn-first{short}": drawn[0],
            f"drawn-peak{short}": drawn.max(),
            f"drawn-rise{short}": rise(drawn[None])[0],
            f"dimension-peak{short}": dimension.max(),
            f"dimension-last{short}": dimension[-1],
            f"rise{short}": rise(dimension[None])[0],
            f"border{short}": float(border_step(dimension, block)),
            f"top-complexity{short}": per_unit[block == 4].mean(),
            f"top-linearity{short}": values(chosen, "linearity", state).mean(0)[block == 4].mean(),
            f"top-correlation{short}": values(chosen, "normalized_total_correlation", state).mean(0)[block == 4].mean(),
            f"inside-linearity{short}": values(chosen, "branch_linearity", state).mean(0)[block == 4].mean(),
        }
        for place in np.flatnonzero(np.diff(block) > 0):
            border = f"-{block[place + 1]:.0f}{short}"
            found |= {f"drawn-below{border}": drawn[place], f"drawn-above{border}": drawn[place + 1]}
    return found
