"""Figures of chapter 3, the complexity-entropy plane: a Dataset of `lib.experiments.deep_mlp` in, a figure out.

They draw what the judges of the chapter's claims judge: means over seeds, C from H and D, peaks and knees, laws with
the weights' moments. A record may hold any of the experiment's networks; what is not there is not drawn. Weights are
those of the hidden matrices together, in 256 bins, unless named.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lib.claims._deep_network import OPTIMAL
from lib.claims.weight_laws import own_histogram
from lib.experiments.deep_mlp import DECAYS, LABELLINGS, NORMS, SMALLER, crossed_name
from lib.experiments.networks import data_sets, of_network, one_network
from lib.experiments.weight_statistics import cells, family_coordinates, place_of
from lib.figures._complexity_plane import BINS, FAMILIES, fixed_law, peak_epochs
from lib.figures._networks import RULE_NAMES, SHORT_RULE_NAMES, VARIANTS, draw, draw_limits, epoch_axis
from lib.figures.style import PALETTE, colour, heading, look, panel_labels
from lib.measures.complexity import complexity_entropy, family_probabilities, limit_curves
from lib.measures.curves import knee, peak

_ENTROPY, _DISEQUILIBRIUM, _COMPLEXITY = colour("blue"), colour("green"), colour("vermilion")
_BIN_COLOURS = {64: "sky", 128: "blue", 256: "brown"}
_EPOCHS = "viridis"  # colours of epochs, as in chapter 1
_FAMILY_LOOKS: dict[str, dict[str, Any]] = {
    "gaussian": {"color": PALETTE["black"], "linestyle": (0, (6, 3))},
    "laplace": {"color": PALETTE["purple"], "linestyle": (0, (3, 1.5))},
    "student t": {"color": PALETTE["green"], "linestyle": (0, (1, 1.2))},
}


# -- what a record holds ----------------------------------------------------------------------------------------------


def family_of(record: xr.Dataset, network: str) -> list[str]:
    """Return a network of the text and those that differ from it in one respect and share its shape.

    Examples
    --------
    >>> family_of(xr.Dataset(coords={"network": ["MNIST", "MNIST, AdamW", "MNIST, depth 2", "CIFAR-10"]}), "MNIST")
    ['MNIST', 'MNIST, AdamW']
    """
    there = {str(name) for name in record["network"].values}
    names = [f"{network}, {variant}" if variant else network for variant in VARIANTS]
    return [name for name in names if name in there]


# -- drawing ----------------------------------------------------------------------------------------------------------


def _variant(network: str) -> str:
    return network.partition(", ")[2]


def _look_of(network: str) -> dict[str, Any]:
    return dict(VARIANTS.get(_variant(network), {}))


def _frame(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """Fix the axes to data with a margin; complexity from 0."""
    low, high, top = float(np.nanmin(x)), float(np.nanmax(x)), float(np.nanmax(y))
    margin = 0.08 * max(high - low, 0.05)
    axes.set(xlim=(low - margin, high + margin), ylim=(-0.04 * top, 1.12 * top))


def _path(axes: Axes, x: xr.DataArray, y: xr.DataArray, last: int, marks: bool = True) -> Any:
    """Draw a trajectory of each seed, coloured by epoch, its peak ringed."""
    dots = None
    for seed in range(x.sizes["seed"]):
        one_x, one_y = x.isel(seed=seed).values, y.isel(seed=seed).values
        axes.plot(one_x, one_y, color=PALETTE["grey"], linewidth=0.7, zorder=2)
        dots = axes.scatter(
            one_x, one_y, c=x["epoch"].values, s=16, cmap=_EPOCHS, vmin=0, vmax=last, zorder=3, linewidths=0
        )
        if marks:
            top = int(peak(one_y).epoch)
            axes.plot(
                one_x[top], one_y[top], "o", markersize=9, markerfacecolor="none", color=PALETTE["black"], zorder=4
            )
    return dots


def _ends(axes: Axes, x: np.ndarray, y: np.ndarray, shade: Any) -> None:
    """Mark the start (open circle), the peak of y (star) and the end (square) of a path."""
    axes.plot(x[0], y[0], "o", color="white", markeredgecolor=shade, markersize=6, zorder=4)
    axes.plot(x[-1], y[-1], "s", color=shade, markersize=5, zorder=4)
    top = int(peak(y).epoch)
    axes.plot(x[top], y[top], "*", color=shade, markersize=10, zorder=4)


def _stated_region(axes: Axes, last: float) -> None:
    """Shade the epochs at which the text places its optimum, where they were reached."""
    if last >= OPTIMAL[0]:
        axes.axvspan(*OPTIMAL, color=PALETTE["grey"], alpha=0.15, linewidth=0, zorder=0)


# -- the plane itself -------------------------------------------------------------------------------------------------


def reference_plane(bins: int = BINS) -> Figure:
    """Draw the plane of the text with limit curves and made distributions, and the normalised one beside it."""
    spreads, shown = np.geomspace(0.003, 0.5, 60), np.array([0.01, 0.03, 0.1, 0.3])
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.9))
    draw_limits(left, bins + 2, normalised=False)
    for name in ("gaussian", "laplace"):
        shade = _FAMILY_LOOKS[name]["color"]
        law, marked = fixed_law(name, bins, spreads), fixed_law(name, bins, shown)
        left.plot(law.entropy, law.complexity, label=FAMILIES[name], linewidth=1.8, color=shade)
        left.plot(marked.entropy, marked.complexity, linestyle="none", marker="o", markersize=4, color=shade)
        if name == "gaussian":
            for sd, x, y in zip(shown, marked.entropy, marked.complexity, strict=True):
                beside = (6, -12) if x < law.entropy[law.complexity.argmax()] else (11, 2)  # inside, then outside
                left.annotate(f"{sd:g}", (x, y), textcoords="offset points", xytext=beside, fontsize=8.5)
    for counts, text, marker in ((np.eye(1, bins + 2)[0], "single bin", "s"), (np.ones(bins + 2), "uniform", "D")):
        place = complexity_entropy(counts)
        left.plot(
            place.entropy,
            place.complexity,
            linestyle="none",
            marker=marker,
            label=text,
            color=PALETTE["vermilion"],
            clip_on=False,
        )
    for number, shade in _BIN_COLOURS.items():
        law = fixed_law("gaussian", number, spreads)
        draw_limits(right, number + 2, normalised=True, shade=shade)
        right.plot(law.h, law.c, color=colour(shade), linewidth=1.8)
        right.plot([], [], color=colour(shade), label=f"{number}")
        peak_at = law.c.argmax()
        right.plot(law.h[peak_at], law.c[peak_at], "*", color=colour(shade), markersize=10)
    left.set(xlabel="entropy H (bits)", ylabel="complexity C = H D (bits²)", xlim=(0, None), ylim=(0, None))
    right.set(xlabel="normalised entropy h", ylabel="normalised complexity c", xlim=(0, 1), ylim=(0, None))
    gaussians = [line for line in right.lines if str(line.get_label()).isdigit()]
    right.legend(handles=gaussians, title="Gaussian, bins", fontsize=8.5, title_fontsize=8.5, loc="lower center")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=9)
    panel_labels((left, right))
    return figure


# -- trajectories -----------------------------------------------------------------------------------------------------


def trajectories(record: xr.Dataset, networks: Sequence[str] | None = None) -> Figure:
    """Draw the text's figure 3a: the way through the plane with the error inset, and beside it C and the error."""
    networks = list(networks or data_sets(record))
    last = int(record["epoch"].values[-1])
    figure, grid = plt.subplots(len(networks), 2, figsize=(7.2, 3.5 * len(networks) + 0.6), squeeze=False)
    for (left, right), network in zip(grid, networks, strict=True):
        chosen = of_network(record, network)
        place, epochs = place_of(chosen), chosen["epoch"].values
        dots = _path(left, place["H"], place["C"], last)
        draw_limits(left, cells("own"), normalised=False)
        _frame(left, place["H"].values, place["C"].values)
        left.set(xlabel="entropy H (bits)", ylabel="complexity C (bits²)")
        heading(left, network)
        inset = left.inset_axes(_free_corner(left, place["H"].values, place["C"].values))
        for name, label, dashes in (("train_error", "dropout on", "-"), ("train_off_error", "off", (0, (3, 1.5)))):
            draw(inset, epochs, 100 * chosen[name], label, color=colour("mistakes"), linestyle=dashes, linewidth=1.3)
        inset.set_ylim(bottom=0)
        inset.set_title("training error (%)", fontsize=8.5, pad=2)
        inset.tick_params(labelsize=8)
        inset.legend(fontsize=7.5, handlelength=1.4, borderpad=0.1, labelspacing=0.2)
        _rise_and_fall(right, chosen, place)
    figure.legend(*grid[0, 1].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=9)
    figure.colorbar(dots, ax=grid, orientation="horizontal", shrink=0.5, aspect=40, label="epoch")
    panel_labels(grid)
    return figure


def _free_corner(axes: Axes, x: np.ndarray, y: np.ndarray) -> tuple[float, float, float, float]:
    """Return the one of two places for an inset, in shares of the axes, that hides fewer points of a path."""

    def hidden(corner: tuple[float, float, float, float]) -> int:
        (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
        across, up = (x - left) / (right - left) - corner[0], (y - low) / (high - low) - corner[1]
        return int(np.sum((across > -0.05) & (across < corner[2]) & (up > -0.1) & (up < corner[3] + 0.05)))

    return min(((0.6, 0.6, 0.4, 0.34), (0.16, 0.09, 0.37, 0.24)), key=hidden)


def _rise_and_fall(axes: Axes, chosen: xr.Dataset, place: xr.Dataset) -> None:
    """Draw C over its largest value, and the training error over its first, with peak epochs and knees."""
    epochs = chosen["epoch"].values
    error = chosen["train_error"]
    left = (error - error.min("epoch")) / (error.max("epoch") - error.min("epoch"))
    draw(axes, epochs, place["C"] / place["C"].max("epoch"), "C / its largest value", color=_COMPLEXITY)
    draw(axes, epochs, left, "fall of the error to come", color=colour("mistakes"))
    marks = (
        (peak_epochs(chosen)["epoch"].values, _COMPLEXITY, "-", "peak epoch e*"),
        (knee(error.transpose("seed", "epoch").values), colour("mistakes"), (0, (3, 1.5)), "knee"),
    )
    for values, shade, dashes, label in marks:
        for number, value in enumerate(values[np.isfinite(values)]):
            axes.axvline(value, color=shade, linestyle=dashes, linewidth=1, label=None if number else label)
    axes.set(ylim=(0, 1.05), ylabel="share")
    epoch_axis(axes)


def rules(record: xr.Dataset, network: str) -> Figure:
    """Draw the mean trajectory of one network under every binning rule, with every number of bins."""
    chosen = of_network(record, network)
    names = [str(rule) for rule in chosen["rule"].values]
    figure, grid = plt.subplots(2, 2, figsize=(7.2, 6.4))
    for axes, rule in zip(grid.flat, names, strict=True):
        drawn = []
        for bins, shade in _BIN_COLOURS.items():
            place = place_of(chosen, rule, bins=bins).mean("seed")
            h, c = place["h"].values, place["c"].values
            axes.plot(h, c, color=colour(shade), linewidth=1.5, label=f"{bins} bins")
            _ends(axes, h, c, colour(shade))
            draw_limits(axes, cells(rule, bins), normalised=True, shade=shade)
            drawn.append((h, c))
        _frame(axes, np.concatenate([h for h, _ in drawn]), np.concatenate([c for _, c in drawn]))
        axes.set(xlabel="normalised entropy h", ylabel="normalised complexity c")
        heading(axes, RULE_NAMES[rule])
    lines = [line for line in grid[0, 0].lines if "bins" in str(line.get_label())]
    figure.legend(handles=lines, loc="outside lower center", ncols=3, fontsize=9)
    panel_labels(grid)
    return figure


def snapshot(record: xr.Dataset, network: str, epoch: int, seed: int = 0) -> Figure:
    """Draw one epoch's point in the plane and the histogram behind it, over the weights' own range.

    `seed` counts the seeds that the network has.
    """
    chosen = of_network(record, network).isel(seed=seed)
    place = place_of(chosen)
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.4), width_ratios=(1, 1.15))
    h, c = place["H"].values, place["C"].values
    left.plot(h, c, color=PALETTE["grey"], linewidth=1)
    draw_limits(left, cells("own"), normalised=False)
    _frame(left, h, c)
    at = list(chosen["epoch"].values).index(epoch)
    left.plot(h[at], c[at], "o", color=_COMPLEXITY, markersize=9, zorder=4)
    left.set(xlabel="entropy H (bits)", ylabel="complexity C (bits²)")
    heading(left, f"H = {h[at]:.2f} bits, C = {c[at]:.2f} bits²")
    now = chosen.sel(epoch=epoch)
    share, edges = own_histogram(now)
    mean, sd = (float(now[name].sel(part="hidden")) for name in ("mean", "sd"))
    law = family_probabilities("gaussian", edges, mean=mean, sd=sd)
    right.stairs(share, edges, fill=True, color=_ENTROPY, alpha=0.45, label="weights")
    right.stairs(law, edges, color=PALETTE["black"], linewidth=1.2, label="Gaussian of their deviation")
    right.axhline(1 / BINS, label="uniform", **look("nominal"))
    reach = float(max(abs(chosen["low"].sel(part="hidden").min()), chosen["high"].sel(part="hidden").max()))
    right.set(
        yscale="log", ylim=(1e-7, 1.5), xlim=(-1.03 * reach, 1.03 * reach), xlabel="weight", ylabel="share in a bin"
    )
    right.legend(fontsize=8.5, loc="upper right")
    return figure


# -- controls ---------------------------------------------------------------------------------------------------------


def controls(record: xr.Dataset, network: str) -> Figure:
    """Draw H, C and the test error of a network and of its controls, over each epoch's own range and fixed edges."""
    names = family_of(record, network)
    figure, grid = plt.subplots(2, 3, figsize=(7.2, 5.4))
    lowest = np.inf
    for name in names:
        chosen = of_network(record, name)
        lowest = min(lowest, float(chosen["test_error"].mean("seed").min()))
        style = {**_look_of(name), "linewidth": 1.6}
        label = _variant(name) or f"{network}, as in the text"
        epochs = chosen["epoch"].values
        for column, rule in zip(grid.T, ("own", "fixed"), strict=False):
            place = place_of(chosen, rule)
            draw(column[0], epochs, place["H"], label, **style)
            draw(column[1], epochs, place["C"], label, **style)
        spread = chosen["sd"].sel(part="hidden")
        draw(grid[0, 2], epochs, spread / spread.isel(epoch=0), label, **style)
        draw(grid[1, 2], epochs, 100 * chosen["test_error"], label, **style)
    for column, text in zip(grid.T, ("own range", "fixed edges"), strict=False):
        heading(column[0], text)
        column[0].set_ylabel("entropy H (bits)")
        column[1].set_ylabel("complexity C (bits²)")
    grid[0, 2].set_ylabel("standard deviation\n(at the start = 1)")
    grid[1, 2].set(ylabel="test error (%)", yscale="log", ylim=(max(60 * lowest, 0.1), 110))
    grid[1, 2].yaxis.set_major_formatter("{x:g}")
    for axes in grid.flat:
        epoch_axis(axes)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=9)
    panel_labels(grid)
    return figure


def crossed(record: xr.Dataset, network: str = SMALLER.name) -> Figure:
    """Draw C of a network under every combination of weight decay, batch norm and labels that is there, by rule.

    A row for each binning rule, a column for batch norm or none and true or random labels, a line for each decay.
    """
    rules = [str(rule) for rule in record["rule"].values]
    columns = list(itertools.product(NORMS, LABELLINGS))
    figure, grid = plt.subplots(
        len(rules), len(columns), figsize=(7.4, 1.75 * len(rules) + 1.0), sharex=True, sharey="row"
    )
    highest = dict.fromkeys(rules, 0.0)
    for column, (norm, labels) in zip(grid.T, columns, strict=True):
        for axes, rule in zip(column, rules, strict=True):
            for decay in DECAYS:
                chosen = one_network(record, crossed_name(network, decay, norm, labels))
                if chosen is not None:
                    complexity = place_of(chosen, rule)["C"]
                    style = {**VARIANTS[decay], "linewidth": 1.5}
                    draw(axes, chosen["epoch"].values, complexity, decay or "Adam's weight decay", **style)
                    highest[rule] = max(highest[rule], float(complexity.mean("seed").max()))
            if not axes.lines:
                axes.text(0.5, 0.5, "not stored", transform=axes.transAxes, ha="center", color=colour("grey"))
        heading(column[0], f"{norm or 'batch norm'},\n{labels or 'true labels'}")
        epoch_axis(column[-1])
    for axes, rule in zip(grid[:, 0], rules, strict=True):
        axes.set_ylabel(f"{SHORT_RULE_NAMES[rule]}\nC (bits²)", fontsize=9)
        axes.set_ylim(0, 1.1 * highest[rule] or None)  # the interval of seeds that collapse at other times is wide
    handles = {label: line for axes in grid.flat for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=3, fontsize=9)
    panel_labels(grid)
    return figure


def layers(record: xr.Dataset, networks: Sequence[str] | None = None) -> Figure:
    """Draw the text's figure 3b: each hidden layer's way through the plane, and the epoch at which its C peaks."""
    networks = list(networks or data_sets(record))
    figure, grid = plt.subplots(len(networks), 2, figsize=(7.2, 3.4 * len(networks) + 0.5), squeeze=False)
    deepest = max(of_network(record, name).sizes["layer"] for name in networks) - 1
    shades = plt.get_cmap("plasma")(np.linspace(0, 0.88, deepest))
    for (left, right), network in zip(grid, networks, strict=True):
        chosen = of_network(record, network)
        last, drawn = int(chosen["epoch"].values[-1]), []
        names = [str(layer) for layer in chosen["layer"].values[:-1]]
        if last > 5:
            right.axhspan(5, 20, color=PALETTE["grey"], alpha=0.15, linewidth=0)
        for number, layer in enumerate(names):
            mean = place_of(chosen, part=layer).mean("seed")
            h, c = mean["H"].values, mean["C"].values
            left.plot(h, c, color=shades[number], linewidth=1.3)
            _ends(left, h, c, shades[number])
            drawn.append((h, c))
            found = peak_epochs(chosen, part=layer)
            for at, turns in zip(found["epoch"].values, found["interior"].values, strict=True):
                right.plot(
                    number + 1, at, "o", color=shades[number], markerfacecolor=shades[number] if turns else "white"
                )
        draw_limits(left, cells("own"), normalised=False)
        _frame(left, np.concatenate([h for h, _ in drawn]), np.concatenate([c for _, c in drawn]))
        left.set(xlabel="entropy H (bits)", ylabel="complexity C (bits²)")
        heading(left, network)
        right.set(
            xlabel="hidden layer",
            ylabel="peak epoch e* of C",
            ylim=(-0.04 * last, 1.04 * last),
            xlim=(0.3, len(names) + 0.7),
        )
        right.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    bar = figure.colorbar(
        plt.cm.ScalarMappable(plt.Normalize(1, max(deepest, 2)), plt.matplotlib.colors.ListedColormap(shades)),
        ax=grid,
        orientation="horizontal",
        shrink=0.5,
        aspect=40,
        label="hidden layer",
    )
    bar.ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    panel_labels(grid)
    return figure


def families(record: xr.Dataset, network: str) -> Figure:
    """Draw the trajectory beside those of laws with the weights' own moments, on the same bins."""
    chosen = of_network(record, network)
    epochs = chosen["epoch"].values
    figure, grid = plt.subplots(2, 2, figsize=(7.2, 6.2))
    for row, rule in zip(grid, ("own", "fixed"), strict=True):
        place = place_of(chosen, rule)
        mean = place.mean("seed")
        row[0].plot(mean["H"], mean["C"], color=VARIANTS[""]["color"], label="weights")
        _ends(row[0], mean["H"].values, mean["C"].values, VARIANTS[""]["color"])
        draw(row[1], epochs, place["C"], "weights", color=VARIANTS[""]["color"])
        drawn = [(mean["H"].values, mean["C"].values)]
        for name, label in FAMILIES.items():
            made = family_coordinates(chosen.sel(part="hidden"), name, rule)
            middle = made.mean("seed")
            row[0].plot(middle["H"], middle["C"], label=label, linewidth=1.5, **_FAMILY_LOOKS[name])
            draw(row[1], epochs, made["C"], label, linewidth=1.5, **_FAMILY_LOOKS[name])
            drawn.append((middle["H"].values, middle["C"].values))
        draw_limits(row[0], cells(rule), normalised=False)
        _frame(row[0], np.concatenate([h for h, _ in drawn]), np.concatenate([c for _, c in drawn]))
        row[0].set(xlabel="entropy H (bits)", ylabel="complexity C (bits²)")
        row[1].set_ylabel("complexity C (bits²)")
        epoch_axis(row[1])
        heading(row[0], RULE_NAMES[rule])
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=9)
    panel_labels(grid)
    return figure


# -- the findings -----------------------------------------------------------------------------------------------------


def optima(record: xr.Dataset, network: str) -> Figure:
    """Draw H, D and C against the epoch, and how high C lies between its limits, with the stated optimum shaded."""
    chosen = of_network(record, network)
    place, epochs = place_of(chosen), chosen["epoch"].values
    curves = limit_curves(cells("own"), 801)
    low, high = (np.interp(place["h"], curves.entropy, values) for values in (curves.minimum, curves.maximum))
    height = ((place["c"] - low) / (high - low)).where(high - low > 1e-9)
    panels = (
        (place["H"], "entropy H (bits)", _ENTROPY),
        (place["D"], "disequilibrium D (bits)", _DISEQUILIBRIUM),
        (place["C"], "complexity C (bits²)", _COMPLEXITY),
        (height, "place of c between\nits limits (0 to 1)", PALETTE["purple"]),
    )
    figure, grid = plt.subplots(2, 2, figsize=(7.2, 4.9))
    for axes, (values, label, shade) in zip(grid.flat, panels, strict=True):
        _stated_region(axes, epochs[-1])
        draw(axes, epochs, values, color=shade)
        for at in peak_epochs(chosen)["epoch"].values:
            axes.axvline(at, color=_COMPLEXITY, linewidth=1)
        axes.set_ylabel(label)
        epoch_axis(axes)
    panel_labels(grid)
    return figure


def falls(record: xr.Dataset, networks: Sequence[str] | None = None) -> Figure:
    """Draw how much the training error falls in an epoch against how far C is from its peak, coloured by epoch."""
    networks = list(networks or data_sets(record))
    figure, grid = plt.subplots(1, len(networks), figsize=(7.2, 3.9), squeeze=False)
    last = int(record["epoch"].values[-1])
    for axes, network in zip(grid.flat, networks, strict=True):
        chosen = of_network(record, network)
        complexity = place_of(chosen)["C"]
        distance = (complexity.max("epoch") - complexity).isel(epoch=slice(2, None))
        fall = -100 * chosen["train_error"].diff("epoch").isel(epoch=slice(1, None))
        for seed in range(chosen.sizes["seed"]):
            x, y = distance.isel(seed=seed).values, fall.isel(seed=seed).values
            dots = axes.scatter(
                x, y, c=distance["epoch"].values, cmap=_EPOCHS, vmin=0, vmax=last, s=18, zorder=3, linewidths=0
            )
        axes.axhline(0, **look("nominal"))
        axes.set(xlabel="distance of C from its peak (bits²)")
        axes.set_yscale("symlog", linthresh=0.1)
        axes.set_ylim(2 * min(float(fall.min()), -0.1), 2 * max(float(fall.max()), 0.1))
        axes.yaxis.set_major_formatter("{x:g}")
        heading(axes, network)
    grid[0, 0].set_ylabel("fall of the training error\nin one epoch (points)")
    figure.colorbar(dots, ax=grid, orientation="horizontal", shrink=0.5, aspect=40, label="epoch")
    panel_labels(grid)
    return figure
