"""Figures of chapter 9 on neurons beside a network: a Dataset of `neurons_and_layers` in, a figure out."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from lib.claims.cortex import total_correlation
from lib.experiments.estimates import rows
from lib.figures._networks import legend_below
from lib.figures.style import colour, heading, look, panel_labels
from lib.measures.statistics import seed_interval

SYSTEMS = {"neurons": ("neurons", "blue", "o"), "sparse layer": ("layer at the neurons' rates", "vermilion", "s")}
"""What is compared: how it is called and drawn. The layer as it is has the colour of the sparse one."""

SURROGATES = {
    "none": "as they are",
    "pairwise": "rates and pairs kept",
    "shifted": "trains kept",
    "permuted": "rates kept",
}
"""What is done to patterns, in the order in which less is kept."""

_TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def caption_of(record: xr.Dataset) -> str:
    """Return in words what a record is: recording, network, units, samples, preset, machine, seconds and day."""
    few, about = rows(record, whole=0), record.attrs
    return (
        f"{about['recording']} recording and {about['network']} on {about['dataset']}, {int(few['units'].max())} units "
        f"each, {int(few['samples'].max()):,} samples; preset {about['preset']}, {about['device']}, "
        f"{float(about['wall_time_s']):.0f} s, made {str(about['created'])[:10]}"
    )


def plane(record: xr.Dataset) -> Figure:
    """Draw complexity and effective dimension per unit of neurons and units: a point per stimulus, mean over draws."""
    figure, axes = plt.subplots(figsize=(5.8, 3.8))
    for system, (name, shade, marker) in SYSTEMS.items():
        for surrogate, filled in (("none", True), ("permuted", False)):
            here = rows(record, whole=0, system=system, surrogate=surrogate)
            x, y = np.array([_point(rows(here, stimulus=stimulus)) for stimulus in _stimuli(record)]).T
            label = name if filled else f"{name}, rates kept"
            face = colour(shade) if filled else "none"
            axes.plot(x, y, marker, markersize=7, color=colour(shade), markerfacecolor=face, label=label)
    as_it_is = rows(record, whole=0, system="layer", surrogate="none")
    axes.plot(*_point(as_it_is), "D", markersize=7, color=colour("vermilion"), label="layer as it is")
    axes.set(xscale="log", xlabel="complexity (bits per unit)", ylabel="effective dimension per unit", ylim=(0, 1.02))
    axes.set_xticks(_TICKS, labels=[f"{tick:g}" for tick in _TICKS])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(None, 1)
    legend_below(figure, [axes], 2)
    return figure


def excess(record: xr.Dataset) -> Figure:
    """Draw the normalised total correlation of both systems, and what is left of it in surrogates, by stimulus."""
    stimuli = _stimuli(record)
    figure, panels = plt.subplots(1, 2, figsize=(7.4, 3.4), sharey=True)
    shades = ("purple", "green", "sky", "grey")
    for panel, (system, (name, _, marker)) in zip(panels, SYSTEMS.items(), strict=True):
        for place, (surrogate, text) in enumerate(SURROGATES.items()):
            for number, stimulus in enumerate(stimuli):
                found = rows(record, whole=0, system=system, stimulus=stimulus, surrogate=surrogate)
                if found.sizes["estimate"]:
                    shade = colour(shades[place])
                    _mark(panel, number + 0.16 * (place - 1.5), total_correlation(found), marker, shade)
            panel.plot([], [], marker, color=colour(shades[place]), label=text)
        panel.axhline(0, color=colour("black"), linewidth=0.8)
        panel.set_xticks(range(len(stimuli)), labels=[s.replace("_", " ") for s in stimuli], rotation=25, ha="right")
        heading(panel, name)
    panels[0].set_ylabel("normalised\ntotal correlation")
    layer = total_correlation(rows(record, whole=0, system="layer", surrogate="none")).mean()
    panels[1].axhline(layer, label="layer as it is", **look("nominal"))
    panel_labels(panels)
    legend_below(figure, list(panels), 3)
    return figure


def numbers(record: xr.Dataset, suffix: str) -> dict[str, float]:
    """Return what the prose says of a record, rounded; names end with `suffix`."""
    few = rows(record, whole=0)
    found: dict[str, float] = {"plane-units": int(few["units"].max()), "plane-samples": int(few["samples"].max())}
    layer = rows(few, system="layer", surrogate="none")
    of_system: dict[str, list[float]] = {}
    found |= {"layer-complexity": _point(layer)[0], "layer-correlation": float(total_correlation(layer).mean())}
    for system, key in (("neurons", "neurons"), ("sparse layer", "sparse")):
        of = [rows(few, system=system, stimulus=stimulus, surrogate="none") for stimulus in _stimuli(record)]
        complexity = of_system[key] = [_point(each)[0] for each in of]
        correlation = [float(total_correlation(each).mean()) for each in of]
        found |= {f"{key}-complexity-least": min(complexity), f"{key}-complexity-most": max(complexity)}
        found |= {f"{key}-correlation-least": min(correlation), f"{key}-correlation-most": max(correlation)}
        pairs = [rows(few, system=system, stimulus=stimulus, surrogate="pairwise") for stimulus in _stimuli(record)]
        kept = [float(total_correlation(each).mean()) for each in pairs]
        found[f"{key}-correlation"] = float(np.mean(correlation))
        if found[f"{key}-correlation"] > 0:  # on few samples a bound may be no tighter than independent units
            found[f"{key}-pairs"] = 100 * float(np.mean(kept)) / found[f"{key}-correlation"]
    gap = found["layer-complexity"] - np.array(of_system["neurons"])
    explained = 100 * (found["layer-complexity"] - np.array(of_system["sparse"])) / gap
    found |= {"explained-least": explained.min(), "explained-most": explained.max()}
    return {f"{name}-{suffix}": round(float(value), 4) for name, value in found.items()}


def _stimuli(record: xr.Dataset) -> list[str]:
    return list(dict.fromkeys(str(name) for name in rows(record, whole=1)["stimulus"].values))


def _point(found: xr.Dataset) -> tuple[float, float]:
    """Complexity by the tightest method and effective dimension per unit, means over draws."""
    learned = found.isel(estimate=np.flatnonzero(found["method"].values != "independent"))
    bits = [rows(learned, draw=draw)["bits"].values.min() for draw in np.unique(learned["draw"].values)]
    units = int(found["units"].values[0])
    return float(np.mean(bits)) / units, float(found["dimension"].mean()) / units


def _mark(axes: Axes, x: float, values: np.ndarray, marker: str, shade: Any) -> None:
    interval = seed_interval(values)
    low, high = (float(interval.mean) if np.isnan(end) else float(end) for end in (interval.low, interval.high))
    bar = [[float(interval.mean) - low], [high - float(interval.mean)]]
    axes.errorbar(x, float(interval.mean), bar, fmt=marker, markersize=5, color=shade)
