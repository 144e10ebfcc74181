"""Figures of chapter 7 on three-layer networks by width: a Dataset of `lib.experiments.fc3_widths` in, a figure out."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from lib.claims.fc3_widths import ceiling, fit_over_seeds, range_over_widths, reached, slope, values
from lib.figures._networks import draw, legend_below
from lib.figures.style import colour, heading, look, panel_labels
from lib.measures.extrapolation import fit_offset_power
from lib.measures.statistics import seed_interval

LAYERS: dict[int, dict[str, Any]] = {
    1: {"color": colour("green"), "marker": "s", "markersize": 4},
    2: {"color": colour("purple"), "marker": "o", "markersize": 4},
}
"""How the two layers are drawn."""

STAGES: dict[str, str] = {"target": "at the target accuracy", "last": "after equal epochs", "untrained": "untrained"}
"""Stages as headings of panels."""


def caption_of(record: xr.Dataset) -> str:
    """Return in words what a record is: widths, seeds, images read, preset, machine, seconds and day."""
    widths, about = record["width"], record.attrs
    return (
        f"L1 of {int(about['first'])}, L2 of {int(widths.min())} to {int(widths.max())} units, {record.sizes['seed']} "
        f"seeds, {int(about['images']):,} images read; preset {about['preset']}, {about['device']}, "
        f"{float(about['wall_time_s']):.0f} s, made {str(about['created'])[:10]}"
    )


def linearity(record: xr.Dataset) -> Figure:
    """Draw the linearity of both layers against the width of the second, a panel a stage (J, figure 8 left)."""
    figure, grid = plt.subplots(1, 3, figsize=(7.4, 3.0), sharey=True)
    for axes, stage in zip(grid, STAGES, strict=True):
        chosen = reached(record, stage)
        for layer, style in LAYERS.items():
            if chosen.sizes["width"]:
                draw(axes, chosen["width"].values, chosen["linearity"].sel(layer=layer), f"L{layer}", **style)
        axes.axhline(0.5, **look("nominal"))
        heading(axes, STAGES[stage])
        _width_axis(axes, record)
    grid[0].set(ylabel="linearity", ylim=(0, 1))  # of a few seeds an interval may go beyond what can be
    panel_labels(grid)
    legend_below(figure, list(grid), 2)
    return figure


def complexity(record: xr.Dataset, stage: str = "target") -> Figure:
    """Draw complexity per unit of both layers against the width of the second (J, figure 8 right).

    Left L1 and L2; the fitted law is dashed. Right L2 alone, on two logarithmic axes, with what it cannot exceed and
    with independent units of the same rates.
    """
    chosen = reached(record, stage)
    widths = chosen["width"].values
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.3))
    for layer, style in LAYERS.items():
        draw(left, widths, chosen["complexity_per_unit"].sel(layer=layer), f"L{layer}", **style)
    if len(widths) >= 4:
        best, _ = fit_over_seeds(widths, values(chosen, "complexity_per_unit", 2))
        fine = np.geomspace(widths[0], widths[-1], 200)
        for axes in (left, right):
            axes.plot(fine, best.at(fine), label="a / N$^b$ + c, fitted", zorder=4, **look("theory"))
    second = chosen.sel(layer=2)
    draw(right, widths, second["complexity_per_unit"], "L2", **LAYERS[2])
    independent: dict[str, Any] = {"color": colour("purple"), "linestyle": (0, (1, 1.2))}
    draw(right, widths, second["independent_per_unit"], "L2, if independent", **independent)
    fine = np.unique(np.geomspace(widths[0], widths[-1], 60).round().astype(int))
    right.plot(fine, ceiling(fine, int(record.attrs["first"])), color=colour("grey"), label="counting ceiling")
    images = int(record.attrs["images"])
    right.plot(fine, np.log2(images) / fine, label=f"log2 of {images:,} images", **look("random walk"))
    right.set_yscale("log")
    right.set_ylim(0.01, 1.3)
    left.set_ylim(0, 1.02)
    for axes in (left, right):
        _width_axis(axes, record)
        axes.set_ylabel("complexity per unit (bits)")
    panel_labels([left, right])
    legend_below(figure, [left, right], 3)
    return figure


def against_images(record: xr.Dataset) -> Figure:
    """Draw the bound on L2's complexity per unit at the target against the number of images it is learned from."""
    chosen = reached(record, "target")
    images = [*chosen["fewer"].values, int(record.attrs["images"])]
    few = chosen.isel(seed=np.flatnonzero(chosen["from_fewer"].notnull().all(["width", "fewer"])))
    whole = few["complexity_per_unit"].sel(layer=2, drop=True).expand_dims(fewer=[images[-1]])
    curves = xr.concat([few["from_fewer"], whole], "fewer").transpose("width", "fewer", "seed")
    figure, axes = plt.subplots(figsize=(5.4, 3.4))
    shades = plt.get_cmap("viridis")(np.linspace(0, 0.85, chosen.sizes["width"]))
    for width, shade in zip(chosen["width"].values, shades, strict=True):
        draw(axes, images, curves.sel(width=width), f"N = {int(width)}", color=shade, marker="o", markersize=3.5)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(images))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([f"{count:,}" for count in images])
    axes.set(xlabel="images", ylabel="complexity per unit of L2 (bits)", ylim=(0, 1.02))
    legend_below(figure, [axes], 3)
    return figure


def _width_axis(axes: Axes, record: xr.Dataset) -> None:
    axes.set_xscale("log", base=2)
    places = record["width"].values.tolist()
    axes.xaxis.set_major_locator(FixedLocator(places[:: 2 if len(places) > 5 else 1]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.set_xlabel("width N of L2")


def numbers(live: xr.Dataset, record: xr.Dataset) -> dict[str, float]:
    """Return what the prose says of a live run and of the stored record, rounded.

    Names end with ``fc3-live`` and ``fc3``.
    """
    seconds = {"seconds-fc3": round(live.attrs["wall_time_s"])}
    return seconds | _numbers_of(live, "fc3-live") | _numbers_of(record, "fc3")


def left_out(record: xr.Dataset) -> str:
    """Say how many seeds get to the target at the widths where not all do, and which have no reading there."""
    got = record["epoch"].sel(stage="target").notnull().sum("seed")
    some = [f"{int(n) or 'none'} at N = {int(n.width)}" for n in got if n < record.sizes["seed"]]
    return " and ".join(some) if some else "all at every N"


def _numbers_of(record: xr.Dataset, name: str) -> dict[str, float]:
    """Return what the prose says of a record, rounded; every key ends with a dash and `name`."""
    about = record.attrs
    found = {"minutes": float(about["wall_time_s"]) / 60, "seeds": record.sizes["seed"], "images": about["images"]}
    found |= {"target": 100 * float(about["target"]), "bits-of-images": np.log2(float(about["images"]))}
    last = record.sel(stage="last")
    found |= {"narrowest": record["width"].values.min(), "widest": record["width"].values.max()}
    found["count"] = record.sizes["width"]
    for end, width in (("narrow", 0), ("wide", -1)):
        chosen = last.isel(width=width)
        found |= {f"{each}-{end}": 100 * float(chosen[each].mean()) for each in ("accuracy", "test_accuracy")}
    for stage in STAGES:
        chosen = reached(record, stage)
        if chosen.sizes["width"] > 1:
            found |= {f"{key}-{stage}": value for key, value in _of_stage(chosen, int(about["first"])).items()}
    target = reached(record, "target")
    if target.sizes["width"]:
        few = target["from_fewer"].isel(width=-1, fewer=0)
        whole = target["complexity_per_unit"].sel(layer=2).isel(width=-1).where(few.notnull())  # the same seeds
        found |= {
            "fewest-images": float(few["fewer"]),
            "fewest-bits": float(few.mean()),
            "all-bits": float(whole.mean()),
        }
    return {f"{key}-{name}": round(float(value), 4) for key, value in found.items()}


def _of_stage(chosen: xr.Dataset, first: int) -> dict[str, Any]:
    widths = chosen["width"].values
    found: dict[str, Any] = {"narrowest": widths[0], "widest": widths[-1]}
    found |= {"epochs-narrow": float(chosen["epoch"][0].mean()), "epochs-wide": float(chosen["epoch"][-1].mean())}
    for layer in LAYERS:
        linear, bits = (values(chosen, each, layer) for each in ("linearity", "complexity_per_unit"))
        found |= {
            f"linearity-{layer}-narrow": linear.mean(0)[0],
            f"linearity-{layer}-wide": linear.mean(0)[-1],
            f"range-{layer}": range_over_widths(linear).mean(),
        }
        if len(bits):
            found |= {f"complexity-{layer}-narrow": bits.mean(0)[0], f"complexity-{layer}-wide": bits.mean(0)[-1]}
            each = seed_interval(slope(widths, bits))
            found |= {f"slope-{layer}": each.mean, f"slope-{layer}-low": each.low, f"slope-{layer}-high": each.high}
    second, most = values(chosen, "complexity_per_unit", 2), ceiling(widths, first)
    if not len(second):
        return found
    found |= {"ceiling-wide": most[-1], "total-narrow": widths[0] * second.mean(0)[0]}
    found["total-wide"] = widths[-1] * second.mean(0)[-1]
    found["above-ceiling"] = (second.mean(0) > most).sum()
    found["independent-wide"] = values(chosen, "independent_per_unit", 2).mean(0)[-1]
    if len(widths) >= 4:
        best, intervals = fit_over_seeds(widths, second)
        found["a"] = best.amplitude
        for short, quantity in (("b", "exponent"), ("c", "offset")):
            each = intervals[quantity]
            found |= {short: each.mean, f"{short}-low": each.low, f"{short}-high": each.high}
        found["ceiling-c"] = fit_offset_power(widths, most).offset
        found["misfit"] = 100 * intervals["misfit"].mean
    return found
