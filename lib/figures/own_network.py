"""Figures of chapter 10 and of reports: what was read of any network or recording in, a figure out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lib.figures._networks import SHORT_RULE_NAMES, draw_limits, layer_shades, legend_below
from lib.figures.style import CYCLE, colour, heading, look, panel_labels

LAYER_AXES = {
    "complexity_per_unit": "complexity per unit (bits)",
    "normalized_total_correlation": "normalised total correlation",
    "linearity": "linearity",
    "dimension_per_unit": "effective dimension per unit",
}
"""What is drawn of layers, with the axes' labels."""

_MARKERS = "osD^vP"


def weight_planes(table: xr.Dataset) -> Figure:
    """Draw every matrix in the complexity-entropy plane, a panel a rule, with a line to normal weights (open).

    Parameters
    ----------
    table
        What `lib.measures.weights.weight_plane` gives.
    """
    rules = [str(rule) for rule in table["rule"].values]
    figure, grid = plt.subplots(1, len(rules), figsize=(2.5 * len(rules) + 0.5, 3.4), squeeze=False)
    shades = layer_shades(table.sizes["layer"])
    for axes, rule in zip(grid[0], rules, strict=True):
        chosen = table.sel(rule=rule)
        draw_limits(axes, int(table.attrs["bins"]) + (0 if rule == "own" else 2), normalised=True, label=None)
        for number, shade in enumerate(shades):
            each = chosen.isel(layer=number)
            axes.plot(
                [each["normal_h"], each["h"]], [each["normal_c"], each["c"]], color=shade, linewidth=0.8, zorder=2
            )
            axes.plot(each["normal_h"], each["normal_c"], "o", color=shade, mfc="white", markersize=4, zorder=3)
            axes.plot(each["h"], each["c"], "o", color=shade, markersize=5, zorder=4)
        low, high = _ends(chosen["h"].values, chosen["normal_h"].values)
        axes.set_xlim(max(0.0, low - 0.06), min(1.0, high + 0.03))
        axes.set_ylim(0, 1.25 * _ends(chosen["c"].values, chosen["normal_c"].values)[1])
        axes.set_xlabel("normalised entropy h")
        axes.xaxis.set_major_locator(MaxNLocator(4))
        heading(axes, SHORT_RULE_NAMES[rule])
    grid[0][0].set_ylabel("normalised complexity c")
    ends = [0, len(shades) - 1] if len(shades) > 1 else [0]
    for number in ends:
        name = str(table["layer"].values[number])
        grid[0][0].plot([], [], "o", color=shades[number], label=f"{'last' if number else 'first'}: {name}")
    grid[0][0].plot([], [], "o", color="grey", mfc="white", label="normal weights of the same spread")
    legend_below(figure, [grid[0][0]], 1 if len(str(table["layer"].values[0])) > 30 else 3)
    return figure


def weight_shapes(table: xr.Dataset, rule: str | None = None) -> Figure:
    """Draw by matrix how far normalised entropy is from normal weights (a), the excess kurtosis (b), the spread (c).

    Parameters
    ----------
    table
        What `lib.measures.weights.weight_plane` gives.
    rule
        Of the histograms; by default the last.
    """
    rule = rule or str(table["rule"].values[-1])
    chosen, number = table.sel(rule=rule), np.arange(1, table.sizes["layer"] + 1)
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(7.6, 2.9))
    error = 2 * chosen["normal_h_error"].values
    left.fill_between(number, -error, error, color=colour("grey"), alpha=0.3, linewidth=0)
    left.plot(number, chosen["h"] - chosen["normal_h"], "o-", color=colour("blue"), markersize=3.5, linewidth=1.2)
    middle.plot(number, table["kurtosis"], "o-", color=colour("purple"), markersize=3.5, linewidth=1.2)
    right.semilogy(number, table["spread"], "o-", color=colour("green"), markersize=3.5, linewidth=1.2)
    for axes, text in ((left, "entropy h, less normal"), (middle, "excess kurtosis"), (right, "standard deviation")):
        axes.set(xlabel="matrix", ylabel=text)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    for axes in (left, middle):
        axes.axhline(0, **look("nominal"))
    panel_labels([left, middle, right])
    return figure


def layers(readings: Mapping[str, xr.Dataset]) -> Figure:
    """Draw the observables of layers against relative depth, one line per network.

    Parameters
    ----------
    readings
        By name of the network, what `lib.probing.probe` gives. What is not there is not drawn.
    """
    figure, grid = plt.subplots(2, 2, figsize=(7.4, 5.2))
    for number, (name, found) in enumerate(readings.items()):
        place = np.linspace(0, 1, found.sizes["layer"]) if found.sizes["layer"] > 1 else np.array([0.5])
        style = {"color": CYCLE[number % len(CYCLE)], "marker": _MARKERS[number % len(_MARKERS)]}
        for axes, quantity in zip(grid.flat, LAYER_AXES, strict=True):
            values = _of_layers(found, quantity)
            if values is not None:
                axes.plot(place, values, label=name, markersize=3.5, linewidth=1.3, **style)
    for axes, (quantity, text) in zip(grid.flat, LAYER_AXES.items(), strict=True):
        axes.set_ylabel(text, fontsize=9.5)
        if quantity in ("complexity_per_unit", "linearity"):
            axes.set_ylim(-0.02, 1.02)
    for axes in grid[1]:
        axes.set_xlabel("relative depth")
    panel_labels(grid)
    legend_below(figure, list(grid.flat), 3)
    return figure


def course(table: xr.Dataset, step: int | None = None) -> Figure:
    """Draw what a follower saw: layers by step (a to c), and the way of the matrices through the plane (d).

    Parameters
    ----------
    table
        What `lib.following.Follower.course` gives.
    step
        Draw up to this step, on axes that hold all of them; all by default.
    """
    seen = table if step is None else table.sel(step=slice(None, step))
    figure, grid = plt.subplots(2, 2, figsize=(7.4, 5.6))
    panels = ("complexity_per_unit", "normalized_total_correlation", "dimension_per_unit")
    shades = layer_shades(table.sizes["layer"])
    later = table["step"].values + 1  # so that step 0 has a place on a logarithmic axis
    for axes, quantity in zip(grid.flat[:3], panels, strict=True):
        every = _of_layers(table, quantity)
        if every is None:
            continue
        for number, (name, shade) in enumerate(zip(table["layer"].values, shades, strict=True)):
            values = every[: seen.sizes["step"], number]
            axes.semilogx(later[: len(values)], values, color=shade, marker="o", markersize=2.5, label=str(name))
        low, high = _ends(every)
        room = 0.05 * max(high - low, 1e-3)
        axes.set(xlim=(0.8, later[-1] * 1.25), ylim=(low - room, high + room))
        axes.set_xlabel("step + 1")
        axes.set_ylabel(LAYER_AXES[quantity], fontsize=9.5)
    plane = grid[1, 1]
    (rule,) = table["rule"].values
    draw_limits(plane, int(table.attrs["bins"]) + (0 if rule == "own" else 2), normalised=True, label=None)
    for number, shade in enumerate(layer_shades(table.sizes["matrix"])):
        h, c = (seen[name].sel(rule=rule).isel(matrix=number).values for name in "hc")
        plane.plot(h, c, color=shade, linewidth=1.2)
        plane.plot(h[-1], c[-1], "o", color=shade, markersize=4)
    low, high = _ends(table["h"].values)
    plane.set(xlim=(low - 0.02, min(1, high + 0.02)), ylim=(0, 1.2 * _ends(table["c"].values)[1]))
    plane.set(xlabel="normalised entropy h", ylabel="normalised complexity c")
    panel_labels(grid)
    legend_below(figure, [grid[0, 0]], 3)
    return figure


def _ends(*values: np.ndarray) -> tuple[float, float]:
    """Return the least and the largest value that is one; a matrix without a place is NaN. 0 and 1 where none is."""
    known = np.concatenate([each.ravel() for each in values])
    known = known[np.isfinite(known)]
    return (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)


def stimuli(table: xr.Dataset) -> Figure:
    """Draw a recording's observables by stimulus, beside trains shifted in time (grey).

    Parameters
    ----------
    table
        What `lib.probing.probe_recording` gives.
    """
    units, names = table["units"].values, [str(name) for name in table["stimulus"].values]
    figure, grid = plt.subplots(1, 3, figsize=(7.6, 1.8 + 0.3 * len(names)), sharey=True)
    place = np.arange(len(names))
    for axes, quantity, error, over, text in zip(
        grid,
        ("complexity", "gain", "effective_dimension"),
        ("complexity_error", "gain_error", None),
        (units, np.ones_like(units), units),
        ("complexity\n(bits per neuron)", "below independence\n(bits)", "effective dimension\nper neuron"),
        strict=True,
    ):
        bars = None if error is None else 1.96 * table[error].values / over
        axes.errorbar(table[quantity] / over, place + 0.1, xerr=bars, fmt="o", color=colour("blue"), label="recording")
        axes.plot(table[f"shifted_{quantity}"] / over, place - 0.1, "s", color=colour("grey"), label="shifted trains")
        axes.set_xlabel(text)
        axes.xaxis.set_major_locator(MaxNLocator(3))
    grid[1].axvline(0, **look("nominal"))
    grid[0].set(yticks=place, yticklabels=names, ylim=(len(names) - 0.5, -0.5))
    panel_labels(grid)
    legend_below(figure, list(grid), 2)
    return figure


def _of_layers(found: xr.Dataset, quantity: str) -> np.ndarray | None:
    if quantity == "dimension_per_unit":
        return (found["effective_dimension"] / found["units"]).values if "effective_dimension" in found else None
    return found[quantity].values if quantity in found else None
