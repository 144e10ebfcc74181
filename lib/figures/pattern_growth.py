"""Figure of chapter 5 on how the cost of a bound grows: a Dataset of `lib.experiments.pattern_growth` in."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from lib.figures._networks import draw, legend_below
from lib.figures.pattern_calibration import METHOD_NAMES
from lib.figures.style import colour, look, panel_labels

_AXES = {"samples": "patterns", "units": "units"}


def growth(record: xr.Dataset) -> Figure:
    """Draw time and looseness of the masked network against the numbers of patterns and of units.

    Dotted: cost in proportion, through the largest size.
    """
    figure, grid = plt.subplots(2, 2, figsize=(7.2, 5.0), sharex="col")
    style = look("autoregressive")
    for column, (name, label) in zip(grid.T, _AXES.items(), strict=True):
        size = record[name].values
        seconds = record[f"seconds_{name}"]
        excess = 100 * (record[f"bits_{name}"] / record[f"truth_{name}"] - 1)
        draw(column[0], size, seconds, METHOD_NAMES["autoregressive"], factors=True, marker="o", markersize=4, **style)
        last = float(seconds.isel({name: -1}).mean())
        column[0].plot(size, last * size / size[-1], label="in proportion", **look("nominal"))
        draw(column[1], size, excess, None, marker="o", markersize=4, **style)
        column[1].axhline(0, color=colour("black"), linewidth=0.8)
        column[0].set(xscale="log", yscale="log", ylabel="seconds")
        column[1].set(xlabel=label, ylabel="excess over the truth (%)")
        column[1].set_xticks(size, labels=[f"{value:,}" for value in size], rotation=30 if name == "samples" else 0)
        column[1].xaxis.set_minor_formatter(NullFormatter())
    panel_labels(grid)
    legend_below(figure, [grid[0, 0]], 2)
    return figure


def exponents(record: xr.Dataset) -> dict[str, float]:
    """Return the slopes of log time against log size up to the middle one of the sizes and from there on.

    For patterns and for units, with that size and the last; apart, since one slope would be a mean over a bent curve.
    """
    found: dict[str, float] = {}
    for name in _AXES:
        size = record[name].values
        middle = len(size) // 2
        x, y = np.log(size), np.log(record[f"seconds_{name}"].mean("seed").values)
        for part, places in (("below", slice(middle + 1)), ("above", slice(middle, None))):
            slope = np.polyfit(x[places], y[places], 1)[0]
            found[f"growth-{name}-{part}"] = round(float(slope), 2)
        found |= {f"growth-{name}-middle": int(size[middle]), f"growth-{name}-last": int(size[-1])}
    return found
