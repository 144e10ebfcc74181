"""Figures of chapter 2, weights in motion: a Dataset of `lib.experiments.weight_evolution` in, a figure out.

They draw what the judges of the chapter's claims judge: means over seeds, C from the stored H and D, and, for a stop
and correction, distances between stored histograms. A record may hold any of the experiment's networks; what is not
there is not drawn.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.claims.stop_and_correction import entropy_pairs
from lib.experiments.networks import data_sets, of_network
from lib.experiments.weight_statistics import cells
from lib.figures._networks import RULE_NAMES, SHORT_RULE_NAMES, draw, draw_limits
from lib.figures._weight_evolution import LAYER_NAMES, layers_of, places_of
from lib.figures.style import colour, heading, look, panel_labels
from lib.measures.complexity import gaussian_curve
from lib.measures.curves import turning_points
from lib.measures.histogram import rebin

LAYER_COLOURS = {"1": colour("blue"), "2": colour("vermilion"), "output": colour("green")}
_DASHES: dict[str, Any] = {"true": "-", "random": (0, (4, 2))}
_RANDOM = ", random labels"
_SHOWN = 11  # snapshots of a figure that cannot show all


# -- what a record holds ----------------------------------------------------------------------------------------------


def _labels(record: xr.Dataset, network: str) -> dict[str, str]:
    """Return the networks on one data set with true and, if it is there, with random labels."""
    found = {"true": network, "random": network + _RANDOM}
    return {labels: name for labels, name in found.items() if name in record["network"].values}


def _shown(chosen: xr.Dataset, count: int = _SHOWN) -> np.ndarray:
    """Return the numbers of some snapshots, equally spaced, the first and the last among them."""
    last = chosen.sizes["snapshot"] - 1
    return np.unique(np.linspace(0, last, min(count, last + 1)).round().astype(int))


# -- the first layer --------------------------------------------------------------------------------------------------


def first_layer(record: xr.Dataset, network: str, units: int = 64) -> Figure:
    """Draw some units' weights in the first layer, units by pixels, before and after training, with profiles."""
    chosen = of_network(record, network)
    images = chosen["first_layer"].astype(float).isel(unit=slice(units))
    reach = float(images.sel(end="after").std())  # more would leave nothing to see of the start
    live = chosen["live"].values.astype(bool)
    figure, grid = plt.subplots(4, 1, figsize=(7.2, 7.0), sharex=True, height_ratios=(1.2, 1.2, 1, 1))
    extent = (-0.5, images.sizes["pixel"] - 0.5, images.sizes["unit"] + 0.5, 0.5)
    for axes, end in zip(grid, ("before", "after"), strict=False):
        picture = axes.imshow(images.sel(end=end), aspect="auto", cmap="RdBu_r", vmin=-reach, vmax=reach, extent=extent)
        axes.set_ylabel(f"unit\n({end} training)")
        axes.grid(False)
    figure.colorbar(picture, ax=list(grid[:2]), label="weight", extend="both", aspect=30, pad=0.01)
    pixels = np.arange(images.sizes["pixel"])
    for axes, name, ends in ((grid[2], "pixel_mean", (0, -1)), (grid[3], "pixel_moved", (-1,))):
        for place in ends:
            shade = "initial" if place == 0 else "final"
            label = "before" if place == 0 else "after"
            mean = chosen[name].isel(kept=place).mean("seed")
            axes.plot(pixels, mean, color=colour(shade), linewidth=1.2, label=label)
        _shade(axes, ~live)
    grid[2].set_ylabel("mean weight\nof a pixel")
    grid[3].set(ylabel="mean distance\nmoved", xlabel="pixel, row by row", ylim=(0, None), xlim=extent[:2])
    handles, names = grid[2].get_legend_handles_labels()
    if not live.all():
        handles, names = [*handles, _patch()], [*names, "never lit in a train image"]
    figure.legend(handles, names, loc="outside lower center", ncols=3, fontsize=9)
    panel_labels(grid)
    return figure


def _shade(axes: Axes, where: np.ndarray) -> None:
    """Shade runs of pixels."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], where.astype(int), [0]])))
    for start, stop in edges.reshape(-1, 2):
        axes.axvspan(start - 0.5, stop - 0.5, color=colour("grey"), alpha=0.22, linewidth=0, zorder=0)


def _patch() -> Any:
    return plt.Rectangle((0, 0), 1, 1, color=colour("grey"), alpha=0.22, linewidth=0)


def pixel_maps(record: xr.Dataset) -> Figure:
    """Draw the profiles over pixels folded back into images: which are lit, their mean weight, how far they moved."""
    names = data_sets(record)
    figure, grid = plt.subplots(len(names), 3, figsize=(7.2, 3.1 * len(names)), squeeze=False)
    for row, name in zip(grid, names, strict=True):
        chosen = of_network(record, name)
        side = round(chosen.sizes["pixel"] ** 0.5)
        mean = chosen["pixel_mean"].isel(kept=-1).mean("seed").values.reshape(side, side)
        moved = chosen["pixel_moved"].isel(kept=-1).mean("seed").values.reshape(side, side)
        live = chosen["live"].values.astype(float).reshape(side, side)
        reach = np.abs(mean).max()
        for axes, values, text, style in (
            (row[0], live, "pixel ever lit (1) or not (0)", {"cmap": "Greys_r", "vmin": -0.3, "vmax": 1.3}),
            (row[1], mean, "mean weight after", {"cmap": "RdBu_r", "vmin": -reach, "vmax": reach}),
            (row[2], moved, "mean distance moved", {"vmin": 0}),
        ):
            picture = axes.imshow(values, **style)
            figure.colorbar(
                picture, ax=axes, label=text, location="bottom", shrink=0.8, ticks=[0, 1] if axes is row[0] else None
            )
            axes.grid(False)
            axes.set(xticks=(0, side - 1), yticks=(0, side - 1), xlabel="column")
        row[0].set_ylabel(f"{name}\nrow")
    panel_labels(grid)
    return figure


def bands(record: xr.Dataset) -> Figure:
    """Draw the share of variance between pixels over training: of weights and of distances moved, by kind of pixel."""
    names = data_sets(record)
    figure, grid = plt.subplots(len(names), 2, figsize=(7.2, 2.5 * len(names) + 1.1), squeeze=False, sharex="row")
    texts = {"weight": "of the weights", "displacement": "of the distance moved"}
    for row, name in zip(grid, names, strict=True):
        for axes, (quantity, text) in zip(row, texts.items(), strict=True):
            for labels, network in _labels(record, name).items():
                chosen = of_network(record, network)
                share = chosen["bands"].sel(quantity=quantity)
                for pixels, shade in (("all", "purple"), ("live", "green")):
                    draw(
                        axes,
                        chosen["step"].values,
                        share.sel(pixels=pixels, order="true"),
                        f"{pixels} pixels, {labels} labels",
                        color=colour(shade),
                        linestyle=_DASHES[labels],
                    )
                    if labels == "true":
                        chance = share.sel(pixels=pixels, order="permuted").mean("seed")
                        axes.plot(
                            chosen["step"],
                            chance,
                            color=colour(shade),
                            linewidth=0.9,
                            linestyle=(0, (1, 1.2)),
                            label=f"{pixels} pixels, permuted",
                        )
            axes.set(yscale="log", xlabel="steps", ylabel=f"share of variance\nbetween pixels, {name}")
            heading(axes, text)
        start = float(of_network(record, name)["bands"].isel(snapshot=0).sel(quantity="weight", order="true").mean())
        row[0].axhline(3 * start, label="three times the start", **look("nominal"))
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)
    panel_labels(grid)
    return figure


# -- the third layer --------------------------------------------------------------------------------------------------


def third_layer(record: xr.Dataset, network: str) -> Figure:
    """Draw the last layer's histogram over training, with true and random labels, its width and its tails."""
    figure, grid = plt.subplots(2, 2, figsize=(7.2, 5.6))
    grid[0, 1].sharey(grid[0, 0])
    both = _labels(record, network)
    edges = _common_edges(record, list(both.values()), "output", 60, share=0.999)
    centres, width = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    for axes, (labels, name) in zip(grid[0], both.items(), strict=False):
        chosen = of_network(record, name)
        places, steps = _shown(chosen, 6), chosen["step"].values
        shades = plt.get_cmap("viridis")(np.linspace(0, 0.92, len(places)))
        for shade, place in zip(shades, places, strict=True):
            counts = chosen["counts"].sel(layer="output").isel(snapshot=place).sum("seed").values
            density = rebin(counts, record["edge"].values, edges) / counts.sum() / width
            axes.plot(
                centres,
                np.where(density > 0, density, np.nan),
                color=shade,
                linewidth=1.5,
                label=f"{int(steps[place]):,}",
            )
        axes.set(xlabel="weight of the third layer", ylabel="density", yscale="log")
        axes.set_xlim(edges[0], edges[-1])
        heading(axes, f"{network}, {labels} labels")
    top = grid[0, 0].get_ylim()[1]
    grid[0, 0].set_ylim(2e-5 * top, None)
    grid[0, 0].legend(title="step", fontsize=8, title_fontsize=8, handlelength=1.2, loc="best")
    for labels, name in both.items():
        chosen = of_network(record, name).sel(part="output")
        style: dict[str, Any] = {"color": LAYER_COLOURS["output"], "linestyle": _DASHES[labels]}
        draw(grid[1, 0], chosen["step"].values, chosen["sd"], f"{labels} labels", **style)
        draw(grid[1, 1], chosen["step"].values, chosen["kurtosis"], f"{labels} labels", **style)
    grid[1, 0].set(xlabel="steps", ylabel="standard deviation\nof the weights", ylim=(0, None))
    grid[1, 1].set(xlabel="steps", ylabel="excess kurtosis")
    grid[1, 1].margins(y=0.12)
    for value, text, side in ((-1.2, "uniform", "top"), (0.0, "Gaussian", "bottom")):
        grid[1, 1].axhline(value, **look("nominal"))
        grid[1, 1].annotate(text, (1, value), xycoords=("axes fraction", "data"), ha="right", va=side, fontsize=9)
    grid[1, 0].legend(fontsize=9)
    if len(both) == 1:
        grid[0, 1].set_axis_off()
        grid[0, 1].text(0.5, 0.5, "not trained with\nrandom labels", ha="center", va="center", fontsize=9)
    panel_labels(grid.flat)
    return figure


def _common_edges(record: xr.Dataset, networks: list[str], layer: str, bins: int, share: float) -> np.ndarray:
    """Return equal bins about 0 that hold a share of the weights at every snapshot of some networks."""
    fine, reach = record["edge"].values, 0.0
    for name in networks:
        counts = of_network(record, name)["counts"].sel(layer=layer).sum("seed").values
        below = counts.cumsum(-1) / counts.sum(-1, keepdims=True)
        first = np.argmax(below > (1 - share) / 2, axis=-1)
        last = np.argmax(below >= (1 + share) / 2, axis=-1)
        reach = max(reach, float(-fine[first].min()), float(fine[last + 1].max()))
    return np.linspace(-reach, reach, bins + 1)


# -- entropy and complexity -------------------------------------------------------------------------------------------


def entropy(record: xr.Dataset, bins: int = 256) -> Figure:
    """Draw the entropy of every layer over training, a row for each binning rule, a column for each data set."""
    values = record["entropy"].sel(bins=bins, part=record["layer"].values).rename(part="layer")
    return _by_rule(record, values, "H (bits)")


def complexity(record: xr.Dataset, bins: int = 256) -> Figure:
    """Draw the normalised complexity of every layer over training, panels as in `entropy`."""
    return _by_rule(record, places_of(record, bins)["c"], "C (normalised)")


def _by_rule(record: xr.Dataset, values: xr.DataArray, label: str) -> Figure:
    names, rules = data_sets(record), [str(rule) for rule in record["rule"].values]
    if len(names) == 1:  # two by two rather than one narrow column
        figure, grid = plt.subplots(2, 2, figsize=(7.2, 5.4), sharex=True)
        panels = [(axes, rule, names[0]) for axes, rule in zip(grid.flat, rules, strict=True)]
    else:
        figure, grid = plt.subplots(4, len(names), figsize=(7.2, 9.2), sharex="col", sharey="row")
        panels = [(grid[r, c], rule, name) for r, rule in enumerate(rules) for c, name in enumerate(names)]
    for axes, rule, name in panels:
        for labels, network in _labels(record, name).items():
            chosen = of_network(record, network)
            curves = values.sel(network=network, rule=rule, seed=chosen["seed"])
            for layer in layers_of(record):
                draw(
                    axes,
                    chosen["step"].values,
                    curves.sel(layer=layer),
                    f"{LAYER_NAMES[layer]}, {labels} labels",
                    color=LAYER_COLOURS[layer],
                    linestyle=_DASHES[labels],
                )
        axes.set_ylabel(label)
        heading(axes, RULE_NAMES[rule] if len(names) == 1 else f"{name}, {SHORT_RULE_NAMES[rule]}")
    for axes in grid[-1]:
        axes.set_xlabel("steps")
        axes.locator_params(axis="x", nbins=4)
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)
    panel_labels([axes for axes, _, _ in panels])
    return figure


def recipes(record: xr.Dataset, network: str, bins: int = 256) -> Figure:
    """Draw what becomes of each layer's entropy under every recipe that the record holds for a data set.

    A step stands for more images the larger its batch, so time is the share of the training, which is the same epochs.
    """
    names = [name for name in map(str, record["network"].values) if name == network or name.startswith(f"{network}, ")]
    figure, grid = plt.subplots(2, len(layers_of(record)), figsize=(7.2, 5.0), sharex=True)
    shades = itertools.cycle(("blue", "grey", "vermilion", "purple", "sky", "green", "brown"))
    looks = dict(zip(names, shades, strict=False))
    for row, rule in zip(grid, ("own", "fixed"), strict=True):
        for axes, layer in zip(row, layers_of(record), strict=True):
            for name, shade in looks.items():
                chosen = of_network(record, name)
                done = chosen["step"].values / chosen["step"].values[-1]
                curve = chosen["entropy"].sel(rule=rule, bins=bins, part=layer)
                text = name.removeprefix(f"{network}, ") if name != network else f"{network} as in the text"
                dashes = _DASHES["random"] if name.endswith(_RANDOM) else "-"
                draw(axes, done, curve, text, color=colour(shade), linestyle=dashes, linewidth=1.6)
            heading(axes, LAYER_NAMES[layer])
        row[0].set_ylabel(f"H (bits)\n{SHORT_RULE_NAMES[rule]}")
    for axes in grid[-1]:
        axes.set_xlabel("share of training")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)
    panel_labels(grid)
    return figure


# -- the plane --------------------------------------------------------------------------------------------------------


def planes(record: xr.Dataset, bins: int = 256) -> Figure:
    """Draw the layers' paths in the complexity-entropy plane: a row for each data set, own range and fixed edges."""
    names, place = data_sets(record), places_of(record, bins)
    figure, grid = plt.subplots(len(names), 2, figsize=(7.2, 3.1 * len(names) + 0.7), squeeze=False)
    for row, name in zip(grid, names, strict=True):
        for axes, rule in zip(row, ("own", "fixed"), strict=True):
            for labels, network in _labels(record, name).items():
                seeds = of_network(record, network)["seed"]
                mean = place.sel(network=network, rule=rule, seed=seeds).mean("seed")
                for layer in layers_of(record):
                    _path(axes, mean.sel(layer=layer), LAYER_COLOURS[layer], _DASHES[labels])
            _limits(axes, cells(rule, bins))
            axes.set(xlabel="H / log n", ylabel="C (normalised)")
            heading(axes, f"{name}, {SHORT_RULE_NAMES[rule]}")
    for layer in layers_of(record):
        grid[0, 0].plot([], [], color=LAYER_COLOURS[layer], label=LAYER_NAMES[layer])
    if any(len(_labels(record, name)) > 1 for name in names):
        grid[0, 0].plot([], [], color=colour("grey"), linestyle=_DASHES["random"], label="random labels")
    grid[0, 0].plot(
        [], [], "D", color=colour("black"), markersize=5, markerfacecolor="white", label="third layer turns"
    )
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)
    for row, name in zip(grid, names, strict=True):
        for axes, rule in zip(row, ("own", "fixed"), strict=True):
            _mark_turns(axes, place.sel(network=name, rule=rule, layer="output").mean("seed"))
    panel_labels(grid)
    return figure


def _mark_turns(axes: Axes, mean: xr.Dataset) -> None:
    at = turns(mean["h"].values, mean["c"].values)
    axes.plot(mean["h"][at], mean["c"][at], "D", color=colour("black"), markersize=5, markerfacecolor="white", zorder=5)


def _path(axes: Axes, mean: xr.Dataset, shade: str, dashes: Any) -> None:
    h, c = mean["h"].values, mean["c"].values
    axes.plot(h, c, color=shade, linestyle=dashes, linewidth=1.8)
    axes.plot(h[0], c[0], "o", color=shade, markerfacecolor="white", zorder=4)
    axes.plot(h[-1], c[-1], "s", color=shade, zorder=4)


def _limits(axes: Axes, size: int) -> None:
    """Draw the limit curves and the Gaussians around what is drawn already, which decides the range of the axes."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    draw_limits(axes, size, normalised=True, label="limits of C", shade="black")
    law = gaussian_curve(size)
    axes.plot(law.h, law.c, color=colour("grey"), linestyle=(0, (1, 1.5)), label="Gaussians of any width")
    axes.set(xlim=(left, right), ylim=(bottom, top))


def turns(*curves: np.ndarray, count: int = _SHOWN) -> np.ndarray:
    """Return the snapshots, of ten equally spaced ones as in the text, at which a curve turns after the first third.

    Parameters
    ----------
    curves
        Values of shape (snapshot,), such as h and c.
    count
        Number of snapshots looked at, the first and the last among them.

    Returns
    -------
    numpy.ndarray
        Numbers of snapshots, increasing.

    Examples
    --------
    >>> turns(np.abs(np.arange(11.0) - 6)), turns(np.arange(101.0)).size
    (array([6]), 0)
    """
    last = len(curves[0]) - 1
    places = np.unique(np.linspace(0, last, min(count, last + 1)).round().astype(int))
    found = np.any([turning_points(curve[places]) for curve in curves], axis=0) & (3 * places > last)
    return np.asarray(places[found])


def stop_and_correction(record: xr.Dataset, network: str, bins: int = 256) -> Figure:
    """Draw the third layer's path in the plane, seed by seed, and the pairs of snapshots that may share an entropy."""
    figure, grid = plt.subplots(2, 2, figsize=(7.2, 5.6))
    chosen = places_of(record, bins).sel(network=network, seed=of_network(record, network)["seed"], layer="output")
    for (upper, lower), rule in zip(grid.T, ("own", "fixed"), strict=True):
        place = chosen.sel(rule=rule)
        for seed in place["seed"].values:
            upper.plot(place["h"].sel(seed=seed), place["c"].sel(seed=seed), color=colour("grey"), linewidth=0.6)
        mean = place.mean("seed")
        _path(upper, mean, LAYER_COLOURS["output"], "-")
        _mark_turns(upper, mean)
        upper.set(xlabel="H / log n", ylabel="C (normalised)")
        upper.locator_params(axis="x", nbins=5)
        heading(upper, f"{network}, {SHORT_RULE_NAMES[rule]}")
        pairs = entropy_pairs(of_network(record, network), rule)
        apart, other = pairs["difference"] / pairs["error"], pairs["divergence"] / pairs["chance"]
        lower.scatter(apart, other, s=7, alpha=0.5, color=LAYER_COLOURS["output"], linewidths=0)
        for line in (lower.axvline, lower.axhline):
            line(1, **look("nominal"))
        lower.set(xscale="log", yscale="log", xlim=(1e-2, None))
        for set_formatter in (lower.yaxis.set_major_formatter, lower.yaxis.set_minor_formatter):
            set_formatter("{x:g}")
        lower.set(xlabel="difference of H over its error", ylabel="divergence over that\nof one distribution")
    for axes in grid[1, 1:]:
        axes.sharey(grid[1, 0])
    panel_labels(grid)
    return figure


def snapshot(record: xr.Dataset, network: str, number: int, bins: int = 256) -> Figure:
    """Draw one snapshot of the first seed: where the layers are in the plane, and the histogram behind each point."""
    chosen, place = of_network(record, network).isel(seed=[0]), places_of(record, bins)
    figure = plt.figure(figsize=(7.2, 3.9))
    left, right = figure.subfigures(1, 2, width_ratios=(1.1, 1))
    plane = left.subplots()
    path = place.sel(network=network, rule="own", seed=chosen["seed"]).mean("seed")
    panels = right.subplots(len(layers_of(record)), 1)
    for axes, layer in zip(panels, layers_of(record), strict=True):
        here, shade = path.sel(layer=layer), LAYER_COLOURS[layer]
        plane.plot(here["h"], here["c"], color=shade, linewidth=1, alpha=0.6)
        plane.plot(here["h"][number], here["c"][number], "o", color=shade, markersize=8, label=LAYER_NAMES[layer])
        counts = chosen["counts"].sel(layer=layer).isel(seed=0).values
        reach = float(np.abs(chosen[["low", "high"]].sel(part=layer).to_array()).max())
        edges = np.linspace(-reach, reach, 61)
        share = rebin(counts, record["edge"].values, edges) / counts.sum(-1, keepdims=True) / np.diff(edges)
        axes.stairs(share[number], edges, fill=True, color=shade, alpha=0.75)
        low, high = (float(chosen[end].sel(part=layer).isel(snapshot=number).mean()) for end in ("low", "high"))
        for end in (low, high):
            axes.axvline(end, color=colour("black"), linewidth=0.9, linestyle=(0, (2, 2)))
        floor = share[share > 0].min() / 2
        axes.set(yscale="log", ylim=(floor, 2 * share.max()), xlim=(edges[0], edges[-1]), ylabel="density")
        heading(axes, LAYER_NAMES[layer])
    panels[-1].set_xlabel("weight")
    _limits(plane, bins)
    plane.set(xlabel="H / log n, own range", ylabel="C (normalised)")
    plane.legend(loc="lower left", fontsize=8.5)
    return figure
