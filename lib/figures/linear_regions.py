"""Figures of chapter 7 on linear regions: a Dataset of `lib.experiments.linear_regions` in, a figure out."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from lib.claims.linear_regions import READINGS, VALUE, late_change, networks, settled
from lib.figures._networks import draw, epoch_axis, legend_below
from lib.figures.style import colour, heading, look, panel_labels
from lib.measures.linear_regions import regions_on_lines
from lib.measures.statistics import kendall_tau

SHADES = ("blue", "vermilion", "green")
"""Colours of widths, from the narrowest."""

NAMES = {"joint": "joint complexity\n(bits per unit)", "additive": "additive complexity\n(bits per unit)"}
"""Labels of axes."""


def caption_of(record: xr.Dataset) -> str:
    """Return in words what a record is: networks, seeds, preset, machine, seconds and day."""
    widths = " and ".join(map(str, networks(record)))
    return (
        f"three hidden layers of {widths} units, {record.sizes['seed']} seeds; preset {record.attrs['preset']}, "
        f"{record.attrs['device']}, {float(record.attrs['wall_time_s']):.0f} s, made "
        f"{str(record.attrs['created'])[:10]}"
    )


def _styles(record: xr.Dataset) -> list[tuple[str, xr.Dataset, dict[str, Any]]]:
    """Return name, network and look of every network: a colour a width, dashed for random labels."""
    found = []
    widths = dict(zip(sorted({int(width) for width in record["width"].values}), SHADES, strict=False))
    for labels, dashes in (("true", "-"), ("random", (0, (4, 2)))):
        for width, chosen in networks(record, labels).items():
            style = {"color": colour(widths[width]), "linestyle": dashes}
            found.append((str(chosen["network"].values), chosen, style))
    return found


def complexity(record: xr.Dataset) -> Figure:
    """Draw both complexities of the whole network along training (J, figure 11); dotted: the text's value."""
    figure, grid = plt.subplots(1, 2, figsize=(7.4, 3.5), sharey=True)
    for axes, (reading, variable) in zip(grid, READINGS.items(), strict=True):
        for name, chosen, style in _styles(record):
            draw(axes, chosen["epoch"].values, chosen[variable].transpose("epoch", "seed"), name, **style)
        axes.axhline(VALUE, **look("nominal"))
        axes.set_ylabel(NAMES[reading])
        axes.yaxis.set_tick_params(labelleft=True)
        epoch_axis(axes)
    panel_labels(grid)
    legend_below(figure, list(grid), 2)
    return figure


def regions(record: xr.Dataset) -> Figure:
    """Draw regions met by a path, per unit, along training (J, figure 10): lines and circles, images and noise."""
    shapes, sources = (list(map(str, record[each].values)) for each in ("shape", "source"))
    figure, grid = plt.subplots(len(sources), len(shapes), figsize=(7.4, 5.2), sharex=True)
    for row, source in zip(grid, sources, strict=True):
        for axes, shape in zip(row, shapes, strict=True):
            for name, chosen, style in _styles(record):
                curve = chosen["regions_per_unit"].sel(shape=shape, source=source).transpose("epoch", "seed")
                draw(axes, chosen["epoch"].values, curve, name, **style)
            heading(axes, f"{shape}s through {source}")
            axes.set_ylim(bottom=0)
            if source == sources[-1]:
                epoch_axis(axes)
            if shape == shapes[0]:
                axes.set_ylabel("regions per unit")
    panel_labels(grid)
    legend_below(figure, list(grid.flat), 2)
    return figure


def together(record: xr.Dataset) -> Figure:
    """Draw joint complexity against regions met: one path a network, mean over seeds, from its open first moment."""
    figure, grid = plt.subplots(1, 2, figsize=(7.4, 3.5), sharey=True)
    for axes, shape in zip(grid, map(str, record["shape"].values), strict=True):
        for name, chosen, style in _styles(record):
            met = chosen["regions_per_unit"].sel(shape=shape, source="images").mean("seed").values
            bits = chosen["joint_per_unit"].mean("seed").values
            axes.plot(met, bits, label=name, marker="o", markersize=3, linewidth=1.2, **style)
            axes.plot(
                met[0], bits[0], marker="o", markersize=7, color="white", markeredgecolor=style["color"], zorder=4
            )
        axes.set(xlabel=f"regions per unit, {shape}s through images")
    grid[0].set_ylabel(NAMES["joint"])
    panel_labels(grid)
    legend_below(figure, list(grid), 2)
    return figure


def along_a_line(weights: list[np.ndarray], biases: list[np.ndarray], start: np.ndarray, end: np.ndarray) -> Figure:
    """Draw a small network's output along a line between two inputs, and where its units switch, layer by layer.

    Parameters
    ----------
    weights, biases
        Of every layer, the output's single unit last, (unit, input) and (unit,).
    start, end
        Inputs, shape (input,).
    """
    t = np.linspace(0, 1, 2_001)
    values = start + t[:, None] * (end - start)
    for matrix, bias in zip(weights[:-1], biases[:-1], strict=True):
        values = np.maximum(values @ matrix.T + bias, 0)
    output = (values @ weights[-1].T + biases[-1])[:, 0]
    figure, axes = plt.subplots(figsize=(6.4, 3.2))
    known: set[float] = set()
    shades = ("green", "purple", "vermilion")
    for depth, shade in zip(range(1, len(weights)), shades, strict=False):
        found = regions_on_lines(weights[:depth], biases[:depth], start[None], end[None])
        new = [place for place in found.place if not any(abs(place - other) < 1e-9 for other in known)]
        known |= set(map(float, new))
        for number, place in enumerate(new):
            label = f"layer {depth}" if number == 0 else None
            axes.axvline(place, color=colour(shade), linewidth=1.2, label=label, linestyle=(0, (1 + 3 * depth, 2)))
    axes.plot(t, output, color=colour("black"), label="output")
    axes.set(xlabel="place on the line", ylabel="output")
    legend_below(figure, [axes], 4)
    return figure


def numbers(live: xr.Dataset, record: xr.Dataset) -> dict[str, float]:
    """Return what the prose says of a live run and of the stored record, rounded.

    Names end with ``net-live`` and ``net``.
    """
    seconds = {"seconds-net": round(live.attrs["wall_time_s"])}
    return seconds | _numbers_of(live, "net-live") | _numbers_of(record, "net")


def _numbers_of(record: xr.Dataset, name: str) -> dict[str, float]:
    """Return what the prose says of a record, rounded; every key ends with a dash and `name`."""
    found: dict[str, float] = {"minutes": float(record.attrs["wall_time_s"]) / 60, "seeds": record.sizes["seed"]}
    for labels, short in (("true", ""), ("random", "-random")):
        for place, chosen in zip(("narrow", "wide"), networks(record, labels).values(), strict=False):
            end = f"{place}{short}"
            found |= {f"width-{end}": float(chosen["width"]), f"error-{end}": 100 * _last(chosen["test_error"])}
            for reading, variable in READINGS.items():
                found |= {
                    f"{reading}-first-{end}": float(chosen[variable].isel(epoch=0).mean()),
                    f"{reading}-least-{end}": float(chosen[variable].mean("seed").min()),
                    f"{reading}-{end}": float(settled(chosen, variable).mean()),
                    f"{reading}-change-{end}": float(late_change(chosen, variable).mean()),
                }
                text = chosen[f"text_{variable}"]
                beside = chosen[variable].isel(epoch=-1).where(text.notnull())  # the same seeds, the same patterns
                found |= {f"text-{reading}-{end}": float(text.mean()), f"beside-{reading}-{end}": float(beside.mean())}
            found[f"independent-{end}"] = float(settled(chosen, "independent_per_unit").mean())
            found[f"shared-{end}"] = 100 * (1 - found[f"joint-{end}"] / found[f"independent-{end}"])
            joint = chosen["joint_per_unit"].transpose("seed", "epoch").values
            for shape in map(str, chosen["shape"].values):
                for source in map(str, chosen["source"].values):
                    met = chosen["regions_per_unit"].sel(shape=shape, source=source).transpose("seed", "epoch")
                    key = f"{shape}-{source}-{end}"
                    found |= {f"regions-first-{key}": float(met.isel(epoch=0).mean()), f"regions-{key}": _last(met)}
                    found[f"regions-least-{key}"] = float(met.mean("seed").min())
                    found[f"tau-{key}"] = float(np.mean(kendall_tau(joint, met.values)))
            found[f"single-{end}"] = 100 * float(chosen["single_flips"].mean())
    return {f"{key}-{name}": round(value, 4) for key, value in found.items()}


def _last(values: xr.DataArray) -> float:
    return float(values.isel(epoch=-1).mean())
