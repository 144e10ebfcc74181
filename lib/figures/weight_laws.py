"""Figures of chapter 3 on the weights' distribution as such: pruning, and the laws of their sizes.

They draw what `lib.claims.weight_laws` judges: a Dataset of `lib.experiments.deep_mlp` in, a figure out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from scipy import stats

from lib.claims._deep_network import TEXT
from lib.claims.weight_laws import innermost_share, own_histogram, pruned, with_innermost
from lib.experiments.networks import hidden_layers, of_network, one_network
from lib.experiments.weight_statistics import bin_edges
from lib.figures._networks import draw
from lib.figures.style import colour, heading, panel_labels
from lib.measures.amplitudes import LAWS, fit_amplitudes, fold
from lib.measures.complexity import ComplexityEntropy, complexity_entropy
from lib.measures.histogram import rebin

_LAW_COLOURS = dict(zip(LAWS, ("vermilion", "black", "purple", "green"), strict=True))


def pruning(record: xr.Dataset, network: str) -> Figure:
    """Draw H, D and C against the share of weights kept, before and after training.

    Weights are set to 0 at random, as the ledger has it, or the smallest first.
    """
    chosen = of_network(record, network)
    kept = np.geomspace(1, 1e-3, 61)
    figure, grid = plt.subplots(1, 3, figsize=(7.2, 3.3))
    for at, shade, when in ((0, "initial", "before training"), (-1, "final", "after training")):
        now = chosen.isel(epoch=at)
        ways = {
            "smallest first": ([_smallest_first(now.isel(seed=seed), kept) for seed in range(now.sizes["seed"])], "-"),
            "at random": ([pruned(*own_histogram(now), 1 - kept)], (0, (3, 1.5))),
        }
        for way, (runs, dashes) in ways.items():
            for axes, name in zip(grid, ("entropy", "disequilibrium", "complexity"), strict=True):
                values = np.reshape([getattr(run, name) for run in runs], (-1, kept.size))
                style: dict[str, Any] = {"color": colour(shade), "linewidth": 1.6, "linestyle": dashes}
                draw(axes, kept, xr.DataArray(values, dims=("seed", "kept")), f"{way}, {when}", **style)
    for axes, name in zip(grid, ("entropy H (bits)", "disequilibrium D (bits)", "complexity C (bits²)"), strict=True):
        axes.set(xscale="log", xlim=(1.2, 8e-4), ylim=(0, None), ylabel=name, xlabel="share of weights kept")
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)
    panel_labels(grid)
    return figure


def _smallest_first(now: xr.Dataset, kept: np.ndarray) -> ComplexityEntropy:
    """Place of one seed's hidden weights when all but a share are set to 0, the smallest first."""
    counts = now["counts"].sel(layer=hidden_layers(now)).sum("layer").values.astype(np.float64)
    sizes, _ = fold(counts, now["edge"].values)
    before = np.cumsum(sizes) - sizes
    removed = np.clip(((1 - kept[:, None]) * sizes.sum() - before) / np.maximum(sizes, 1), 0, 1)
    left = counts * (1 - np.concatenate([removed[:, ::-1], removed], axis=1))
    edges = bin_edges(now.sel(part="hidden"), "own")
    found = rebin(left, now["edge"].values, edges)
    found[:, np.diff(edges > 0)] += counts.sum() - left.sum(axis=1, keepdims=True)
    return complexity_entropy(found)


def amplitudes(record: xr.Dataset, network: str) -> Figure:
    """Draw the sizes of one middle layer's weights with fitted laws, and how far each law is behind, by layer."""
    chosen = of_network(record, network)
    names = [str(layer) for layer in chosen["layer"].values]
    middle = names[(len(names) - 1) // 2]
    counts, edges = fold(chosen["counts"].transpose(..., "bin").values, chosen["edge"].values)
    counts, edges = counts[..., 1:], edges[1:]  # without weights that are 0, or as good as 0
    folded = xr.DataArray(counts, dims=chosen["counts"].transpose(..., "bin").dims, coords={"layer": names})
    figure, grid = plt.subplots(1, 3, figsize=(7.2, 3.6), width_ratios=(1, 1, 1.05))
    log_width = np.diff(np.log10(edges))
    size = np.sqrt(edges[1:] * edges[:-1])
    top = 0.0
    for axes, at, when in ((grid[0], 0, "before"), (grid[1], -1, "after")):
        one = folded.sel(layer=middle).isel(epoch=at, seed=0).values
        density = one / one.sum() / log_width
        axes.plot(size, density, color=colour("blue"), linewidth=2.4, label="weights")
        fits = fit_amplitudes(one, edges)
        for number, law in enumerate(LAWS):
            axes.plot(
                size,
                _density(law, size, fits.parameters[number]),
                color=colour(_LAW_COLOURS[law]),
                linestyle=(0, (4, 1.5)),
                linewidth=1.3,
                label=law,
            )
        inside = size[one > 0]
        axes.set(xscale="log", xlabel="size |w|", xlim=(inside[-1] / 1e3, inside[-1] * 1.5))
        heading(axes, f"layer {middle}, {when}")
        top = max(top, 1.15 * density.max())
    for axes in grid[:2]:
        axes.set_ylim(0, top)
    grid[0].set_ylabel("density (per decade)")
    found = fit_amplitudes(folded.isel(epoch=-1).transpose("seed", "layer", "bin").values, edges)
    behind = found.log_likelihood.max(axis=-1, keepdims=True) - found.log_likelihood
    for number, (law, marker) in enumerate(zip(LAWS, "o^vs", strict=True)):
        for run in behind[..., number]:
            grid[2].plot(
                range(len(names)), run, marker=marker, color=colour(_LAW_COLOURS[law]), linewidth=0.9, markersize=4
            )
    grid[2].set_yscale("symlog", linthresh=1e-3)
    grid[2].set(xlabel="layer", ylabel="behind the best law\n(bits per weight)", ylim=(-2e-4, None))
    shown = range(0, len(names), 1 if len(names) < 9 else 4)
    grid[2].set_xticks(shown, labels=[names[k] if names[k] != "output" else "out" for k in shown])
    heading(grid[2], "after")
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=9)
    panel_labels(grid)
    return figure


def _density(law: str, x: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """Density per decade of a size under a fitted law."""
    scale, second = parameters
    known = {
        "log-normal": lambda: stats.lognorm.pdf(x, second, scale=scale),
        "half-normal": lambda: stats.halfnorm.pdf(x, scale=scale),
        "half-Laplace": lambda: stats.expon.pdf(x, scale=scale),
        "half-t": lambda: 2 * stats.t.pdf(x, second, scale=scale),
    }
    return np.asarray(known[law]() * x * np.log(10))


def numbers(record: xr.Dataset, network: str) -> dict[str, float]:
    """Return the numbers that the chapter's prose quotes.

    The percentage of the hidden weights in the bin about 0 (``at-zero``). And of the text's networks at the last epoch:
    the least and the largest percentage of a layer's weights in the innermost bin that the fits leave out
    (``innermost``), and in how many of the layers and seeds log-normal is behind another law with it (``behind``).
    """
    chosen, found = of_network(record, network), {}
    for when, epoch in (("first", 0), ("last", -1)):
        share, edges = own_histogram(chosen.isel(epoch=epoch))
        found[f"at-zero-{when}"] = round(100 * float(share[np.diff(edges > 0, axis=-1)].mean()), 1)
    for key, name in zip(("mnist", "cifar"), TEXT, strict=True):
        one = one_network(record, name)
        keys = [f"{text}-{key}" for text in ("innermost-low", "innermost-high", "behind", "behind-of")]
        values = [float("nan")] * 4
        if one is not None:
            last = int(one["epoch"].values[-1])
            left_out, ahead = 100 * innermost_share(one, last), with_innermost(one, last)
            values = [round(float(left_out.min())), round(float(left_out.max())), int((ahead > 0).sum()), ahead.size]
        found |= dict(zip(keys, values, strict=True))
    return found
