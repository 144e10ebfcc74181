"""Figures of chapter 7 on the small CNN: a Dataset of `lib.experiments.small_cnn` in, a figure out."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from lib.claims._quench import DEEP, quench
from lib.claims.small_cnn import RESTLESS, border, centres, late_spread, synchrony
from lib.figures._networks import draw, epoch_axis, legend_below
from lib.figures.style import colour, heading, look, panel_labels
from lib.measures.statistics import seed_interval

SHADES = ("blue", "vermilion", "green")
"""Colours of the three convolutions."""

NETWORKS = {"low": "small CNN, rate 1e-4", "ordinary": "small CNN, rate 1e-3"}
"""Networks of the stored record that the chapter speaks of, by the word that it has for each."""


def names(record: xr.Dataset) -> list[str]:
    """Return the names of all networks of a record."""
    return [str(name) for name in record["network"].values]


def pixels(record: xr.Dataset, name: str) -> Figure:
    """Draw the effective dimension of every pixel of each convolution against the epoch, and loss and error.

    Thin: pixels, means over seeds, those in the border of the first convolution in grey; thick: the middle pixel.
    """
    chosen = record.sel(network=name)
    epochs, number, rim = chosen["epoch"].values, chosen["convolution"].values, border(chosen)
    mean = chosen["effective_dimension"].mean("seed").transpose("pixel", "reading").values
    middle = centres(chosen)
    figure, grid = plt.subplots(2, 2, figsize=(7.4, 5.0), sharex=True)
    for axes, each, shade in zip(grid.flat, np.unique(number), SHADES, strict=False):
        for line, grey in zip(mean[number == each], rim[number == each], strict=True):
            axes.plot(epochs, line, color=colour("grey" if grey else shade), linewidth=0.5, alpha=0.5)
        values = middle["effective_dimension"].isel(pixel=int(each))
        draw(axes, epochs, values, "middle pixel", color=colour(shade), linewidth=1.8)
        axes.set(ylabel="effective dimension", ylim=(0.9, None))
        heading(axes, f"convolution {each + 1}")
    last = grid[1, 1]
    for quantity, text, shade in (("test_loss", "loss (nats)", "purple"), ("test_error", "error", "brown")):
        draw(last, epochs, chosen[quantity], text, color=colour(shade))
    last.set(ylabel="on test images", ylim=(0, None))
    last.legend(loc="upper right", fontsize=8)
    for axes in grid[1]:
        epoch_axis(axes)
    panel_labels(grid)
    return figure


def minima(record: xr.Dataset, seeds: int = 3) -> Figure:
    """Draw when every pixel is at its minimum and how far it recovers, in some seeds, coloured by convolution."""
    listed = names(record)
    figure, grid = plt.subplots(1, len(listed), figsize=(7.4, 3.2), sharey=True, squeeze=False)
    for axes, name in zip(grid[0], listed, strict=True):
        chosen = record.sel(network=name)
        found = quench(chosen, "effective_dimension", "pixel").dips
        for each, shade in enumerate(SHADES):
            for which, marker in zip(range(min(seeds, chosen.sizes["seed"])), "os^", strict=False):
                mine = (chosen["convolution"].values == each) & ~border(chosen)
                axes.plot(
                    found.time[which, mine],
                    100 * found.depth[which, mine],
                    marker,
                    color=colour(shade),
                    markersize=3 if each < 2 else 7,
                    alpha=0.7,
                    label=f"convolution {each + 1}" if marker == "o" else None,
                )
        axes.axhline(100 * DEEP, **look("nominal"))
        heading(axes, name.partition(", ")[2])
        epoch_axis(axes)
    grid[0, 0].set_ylabel("recovery (%)")
    panel_labels(grid[0])
    legend_below(figure, list(grid[0]), 3)
    return figure


def late(record: xr.Dataset) -> Figure:
    """Draw how much each convolution's dimension still varies in the last quarter, and what a straight line leaves."""
    listed = names(record)
    figure, axes = plt.subplots(figsize=(6.4, 3.2))
    for place, name in enumerate(listed):
        chosen = record.sel(network=name)
        number, inner = chosen["convolution"].values, ~border(chosen)
        for each, shade in enumerate(SHADES):
            for straight, marker in ((False, "o"), (True, "_")):
                spread = late_spread(chosen, straight=straight)[:, inner & (number == each)]
                found = seed_interval(100 * np.nanmean(spread, axis=1))
                x = place + 0.2 * (each - 1) + (0.05 if straight else -0.02)
                bars = [[found.mean - found.low], [found.high - found.mean]] if np.isfinite(found.low) else None
                label = f"convolution {each + 1}{', about a straight line' if straight else ''}" if not place else None
                axes.errorbar(
                    x, found.mean, yerr=bars, fmt=marker, color=colour(shade), markersize=6, capsize=2, label=label
                )
    axes.axhline(100 * RESTLESS, **look("nominal"))
    axes.set_xticks(range(len(listed)), [name.partition(", ")[2] for name in listed])
    axes.set(ylabel="standard deviation\nover mean, in the last\nquarter (%)", xlim=(-0.5, len(listed) - 0.5))
    axes.set_ylim(0, max(105 * RESTLESS, axes.get_ylim()[1]))  # the line whole, not half of it
    legend_below(figure, [axes], 2)
    return figure


def numbers(live: xr.Dataset, record: xr.Dataset) -> dict[str, float]:
    """Return what the prose says of the stored record, rounded, and how long it and a live run took.

    Names of what is said of a network end with the words of `NETWORKS`.
    """
    found: dict[str, float] = {
        "seconds-cnn-live": round(live.attrs["wall_time_s"]),
        "minutes-cnn-record": round(record.attrs["wall_time_s"] / 60),
    }
    for word, name in NETWORKS.items():
        found |= _numbers_of(record, name, word)
    return found


def _numbers_of(record: xr.Dataset, name: str, key: str) -> dict[str, float]:
    """Return what the prose says of one network, rounded; names end with `key`."""
    chosen = record.sel(network=name)
    inner = np.flatnonzero(~border(chosen))
    dips = quench(centres(chosen), "effective_dimension", "pixel").dips
    found: dict[str, float] = {
        "cnn-seeds": chosen.sizes["seed"],
        "cnn-epochs": float(chosen["epoch"].values[-1]),
        "cnn-error": 100 * float(chosen["test_error"].isel(reading=-1).mean()),
        **{f"cnn-fall-{number}": 100 * each for number, each in enumerate(dips.fall.mean(axis=0))},
        **{f"cnn-recovery-{number}": 100 * each for number, each in enumerate(dips.depth.mean(axis=0))},
        "cnn-late": 100 * float(np.nanmean(late_spread(chosen)[:, inner])),
        "cnn-straight": 100 * float(np.nanmean(late_spread(chosen, straight=True)[:, inner])),
    }
    ratio = synchrony(chosen, inner)
    if np.isfinite(ratio).any():
        found["cnn-synchrony"] = float(np.nanmean(ratio))
    return {f"{word}-{key}": round(float(value), 3) for word, value in found.items()}
