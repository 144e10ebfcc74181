"""Figure of chapter 9 on the length of a recording: a Dataset of `recording_length` in, a figure out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from lib.experiments.estimates import rows
from lib.experiments.recording_length import METHODS
from lib.figures._cortex import KINDS
from lib.figures._networks import legend_below
from lib.figures.pattern_calibration import MARKS, METHOD_NAMES
from lib.figures.style import colour, heading, look, panel_labels

LOWEST = -10.0
"""Percent below independent neurons, down to which they are drawn."""

_DASHES = dict(zip(METHODS[1:], ("-", (0, (4, 2))), strict=True))


def caption_of(record: xr.Dataset) -> str:
    """Return in words what a record is: recordings, lengths, draws, preset, machine, seconds and day."""
    minutes, about = np.unique(record["length"].values) / 60, record.attrs
    return (
        f"{' and '.join(_sources(record))} neurons, stretches of {minutes[0]:.3g} to {minutes[-1]:.3g} min, "
        f"{len(np.unique(record['draw'].values))} of each length; preset {about['preset']}, {about['device']}, "
        f"{float(about['wall_time_s']):.0f} s, made {str(about['created'])[:10]}"
    )


def length(record: xr.Dataset) -> Figure:
    """Draw complexity, percent below independent neurons and effective dimension against the minutes that are used.

    A row for each recording, a colour for each stimulus. Lines: means over stretches, points: each. Filled: masked
    network; open: logistic regression. Dashed: exact values, where neurons are simulated.
    """
    sources = _sources(record)
    figure, grid = plt.subplots(
        len(sources), 3, figsize=(7.6, 1.6 + 2.1 * len(sources)), sharex=True, sharey="col", squeeze=False
    )
    for panels, source in zip(grid, sources, strict=True):
        here = rows(record, source=source)
        for stimulus in dict.fromkeys(map(str, here["stimulus"].values)):
            of = {method: rows(here, stimulus=stimulus, method=method).to_dataframe() for method in METHODS}
            for method in METHODS[1:]:
                each = of[method]
                percent = 100 * each["gain"] / (each["bits"] + each["gain"])
                _line(panels[0], each, each["bits"] / each["neurons"], stimulus, method)
                _line(panels[1], each, percent, stimulus, method)
            alone = of[METHODS[0]]
            _line(panels[2], alone, alone["dimension"] / alone["neurons"], stimulus, METHODS[1])
            if np.isfinite(alone["truth"]).all():
                first = alone.iloc[0]
                style = {**look("theory"), "color": colour(_shade(stimulus))}
                panels[0].axhline(first["truth"] / first["neurons"], **style)
                panels[1].axhline(100 * (1 - first["truth"] / first["truth_independent"]), **style)
                panels[2].axhline(first["truth_dimension"] / first["neurons"], **style)
        panels[1].axhline(0, color=colour("grey"), linewidth=0.9, zorder=0)
        panels[1].set_ylim(max(LOWEST, panels[1].get_ylim()[0]), None)
        heading(panels[1], f"{source} neurons")
    _label(grid[0, 0], list(dict.fromkeys(map(str, record["stimulus"].values))))
    texts = ("complexity\nper neuron (bits)", "below independent\nneurons (%)", "effective dimension\nper neuron")
    for panels in grid:
        for axes, text in zip(panels, texts, strict=True):
            axes.set_ylabel(text)
    ticks = np.unique(record["length"].values) / 60
    for axes in grid[-1]:
        axes.set(xscale="log", xlabel="minutes used")
        axes.set_xticks(ticks, labels=[f"{tick:.3g}" for tick in ticks], rotation=45)
        axes.xaxis.set_minor_locator(NullLocator())
    for axes in (*grid[:, 0], *grid[:, 2]):
        axes.set_ylim(0, None)
    panel_labels(grid)
    legend_below(figure, [grid[0, 0]], 4)
    return figure


def numbers(record: xr.Dataset, source: str, suffix: str) -> dict[str, float]:
    """Return what the prose says of a recording, rounded; names end with `suffix`.

    At the least and the greatest length that each stimulus has, means over stretches and stimuli.
    """
    here = rows(record, source=source)
    table = here.to_dataframe()
    longest = table.groupby("stimulus")["length"].transform("max")
    found: dict[str, float] = {"minutes-most": table["length"].max() / 60, "minutes-least": table["length"].min() / 60}
    found["minutes-run"] = float(record.attrs["wall_time_s"]) / 60
    for method in METHODS[1:]:
        for name, chosen in (("short", table["length"] == table["length"].min()), ("long", table["length"] == longest)):
            each = table[chosen & (table["method"] == method)]
            alone = each["bits"] + each["gain"]
            found[f"gain-{method}-{name}"] = float((100 * each["gain"] / alone).mean())
            found[f"correlation-{method}-{name}"] = float((100 * (1 - each["bits"] / each["independent_bits"])).mean())
            found[f"dimension-{name}"] = float((each["dimension"] / each["neurons"]).mean())
            found[f"share-{method}-{name}"] = float(
                (100 * each["gain"] / (each["truth_independent"] - each["truth"])).mean()
            )
    found["exact-dimension"] = float((table["truth_dimension"] / table["neurons"]).mean())
    found["exact-gain"] = float((100 * (1 - table["truth"] / table["truth_independent"])).mean())
    return {f"length-{name}-{suffix}": round(float(value), 4) for name, value in found.items() if np.isfinite(value)}


def _sources(record: xr.Dataset) -> list[str]:
    return list(dict.fromkeys(map(str, record["source"].values)))


def _line(axes: Axes, each: pd.DataFrame, values: pd.Series, stimulus: str, method: str) -> None:
    """Draw the mean at each length as a line, and all values as small points."""
    shade, minutes = colour(_shade(stimulus)), each["length"] / 60
    style: dict[str, Any] = {"color": shade, "marker": MARKS[method]}
    face = shade if method == METHODS[1] else "white"
    axes.plot(minutes, values, linestyle="", alpha=0.5, markersize=2.5, markerfacecolor=face, **style)
    mean = values.groupby(minutes).mean()
    axes.plot(mean.index, mean, linewidth=1.4, **style, **_mark_of(method, shade))


def _mark_of(method: str, shade: str) -> dict[str, Any]:
    """Style of the line of a method: the masked network's filled, the other's open and dashed."""
    face = shade if method == METHODS[1] else "white"
    return {"linestyle": _DASHES[method], "markersize": 4, "markerfacecolor": face}


def _label(axes: Axes, stimuli: list[str]) -> None:
    """Name colours, marks and dashes for the legend, each once."""
    for stimulus in stimuli:
        axes.plot([], [], color=colour(_shade(stimulus)), label=stimulus.replace("_", " "))
    grey = colour("grey")
    for method in METHODS[1:]:
        axes.plot([], [], color=grey, marker=MARKS[method], label=METHOD_NAMES[method], **_mark_of(method, grey))
    axes.plot([], [], label="exact", **look("theory"))


def _shade(stimulus: str) -> str:
    """Name the colour of a stimulus; the second movie of a recording has one of its own."""
    return "brown" if stimulus.endswith("three") else next((kind for kind in KINDS if kind in stimulus), "brown")
