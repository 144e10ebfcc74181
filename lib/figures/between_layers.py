"""Figures of chapter 4, what passes between layers: a Dataset of `lib.experiments.deep_mlp` in, a figure out.

They draw what `lib.claims.between_layers` and `lib.claims.information` judge, so that a figure and its verdict rest on
the same numbers. A record may hold any of the experiment's networks; what is not there is not drawn. Weights are in 256
bins, and layers are the hidden ones unless the output is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, MaxNLocator

from lib.claims.between_layers import RANGES
from lib.claims.information import DEPTHS, Reading, gradient_ratio, information_gap, readings
from lib.experiments.networks import hidden_layers, of_network, one_network
from lib.experiments.weight_statistics import cells, coordinates, weights_are_left
from lib.figures._between_layers import by_estimator, profiles
from lib.figures._networks import (
    VARIANTS,
    draw,
    draw_limits,
    layer_scale,
    layer_shades,
    layer_ticks,
    legend_below,
    seeds_of,
)
from lib.figures.style import PALETTE, heading, look, panel_labels
from lib.measures.curves import peak

_SHOWN = ("", "no weight decay", "no batch norm", "random labels")
"""What a network may differ in from the text's to be drawn beside it."""

_DEPTH_LOOKS: dict[int, dict[str, Any]] = {
    2: {"color": PALETTE["brown"], "marker": "^", "linestyle": (0, (5, 1.5))},
    6: {"color": PALETTE["purple"], "marker": "D", "linestyle": (0, (2, 1))},
    16: {"color": PALETTE["blue"], "marker": "o"},
}
_QUANTITIES = ("I(X;T)", "I(T;Y)")


# -- what a record holds ----------------------------------------------------------------------------------------------


def present(record: xr.Dataset, names: Sequence[str]) -> dict[str, xr.Dataset]:
    """Return those of the named networks that a record has, each with what it has of seeds, layers and moments."""
    found = {name: one_network(record, name) for name in names}
    return {name: chosen for name, chosen in found.items() if chosen is not None}


def variants(record: xr.Dataset, network: str) -> dict[str, xr.Dataset]:
    """Return a network and those that differ from it in one respect, by that respect (``""`` for itself)."""
    names = {variant: f"{network}, {variant}" if variant else network for variant in _SHOWN}
    found = present(record, list(names.values()))
    return {variant: found[name] for variant, name in names.items() if name in found}


def with_information(record: xr.Dataset) -> list[str]:
    """Return the networks that learn true labels and whose layers' information was estimated, shallow ones first."""
    names = [str(name) for name in record["network"].values if "labels" not in str(name) and "norm" not in str(name)]
    found = {name: chosen for name, chosen in present(record, names).items() if readings(chosen, "I(X;T)")}
    return sorted(found, key=lambda name: len(hidden_layers(found[name])))


def _frame_lines(axes: Axes) -> None:
    """Fit a logarithmic axis to the lines: bands may reach down to 0."""
    drawn = np.concatenate(
        [
            np.asarray(line.get_ydata(), dtype=np.float64)
            for line in axes.lines
            if not str(line.get_label()).startswith("_")
        ]
    )
    drawn = drawn[drawn > 0]
    if len(drawn):
        axes.set_ylim(drawn.min() / 2, 2 * drawn.max())


def _from_zero(axes: Axes) -> None:
    """Start the ordinate at 0, with room above the highest line."""
    axes.set_ylim(0, 1.08 * max(axes.dataLim.ymax, 1e-9))


def _whole(axes: Axes) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))


# -- entropy and divergence of the weights ----------------------------------------------------------------------------


def steps_by_depth(record: xr.Dataset, networks: Sequence[str]) -> Figure:
    """Draw \\|dH\\| under both ranges of bins, and KL, between successive layers: a row for each network.

    Shown are the last epoch, the same network before training, its controls if they have weights left, and two random
    halves of a layer.
    """
    rows = present(record, networks)
    figure, grid = plt.subplots(len(rows), 3, figsize=(7.2, 1.2 + 2.2 * len(rows)), squeeze=False, sharex="row")
    for row, name in zip(grid, rows, strict=True):
        for variant, chosen in variants(record, name).items():
            if not weights_are_left(chosen).isel(epoch=-1).all():
                continue
            label = variant or "trained"
            for axes, profile in zip(row, profiles(chosen), strict=True):
                x = np.arange(1, profile.sizes["pair"] + 1)
                draw(axes, x, profile.isel(epoch=-1), label=label, marker=".", **VARIANTS[variant])
                if not variant:
                    untrained = {**look("initial"), "linestyle": (0, (1, 1))}
                    draw(axes, x, profile.isel(epoch=0), label="untrained", marker=".", **untrained)
        for axes, halves in zip(row, _halves(rows[name]), strict=True):
            axes.plot(
                np.arange(1, halves.sizes["half"] + 1), halves.mean("seed"), label="two halves", **look("nominal")
            )
            axes.set(xlabel="pair of layers $i$, $i+1$", yscale="log")
            _frame_lines(axes)
            if rows[name].sizes["pair"] > 6:
                axes.axvline(6, color=PALETTE["grey"], linewidth=1.2, zorder=1)
            _whole(axes)
        for axes, text in zip(
            row, (f"|dH|, {RANGES['own']}", f"|dH|, {RANGES['fixed']}", "KL, common edges"), strict=True
        ):
            heading(axes, text)
        row[0].set_ylabel(f"{name} (bits)")
    legend_below(figure, list(grid.flat), 5)
    return figure


def _halves(chosen: xr.Dataset) -> list[xr.DataArray]:
    """What two halves of a layer give at the last epoch, as :func:`profiles`."""
    halves = chosen["halves"].isel(epoch=-1)
    wanted = (("common", "entropy difference"), ("fixed", "entropy difference"), ("common", "kl"))
    return [halves.sel(edges=edges, measure=measure) for edges, measure in wanted]


def sums_over_epochs(record: xr.Dataset, networks: Sequence[str]) -> Figure:
    """Draw \\|dH\\| and KL, summed over pairs, above the error on train images: a column for each network.

    Sums end where the weights of a seed have decayed away.
    """
    columns = present(record, networks)
    labels = (
        "summed |dH|,\nown range (bits)",
        "summed |dH|,\nfixed edges (bits)",
        "summed KL (bits)",
        "train error (%)",
    )
    figure, grid = plt.subplots(4, len(columns), figsize=(7.2, 7.2), sharex=True, squeeze=False)
    for column, name in zip(grid.T, columns, strict=True):
        for variant, chosen in variants(record, name).items():
            sums = [profile.sum("pair", skipna=False) for profile in profiles(chosen)]
            for axes, values in zip(column, [*sums, 100 * chosen["train_off_error"]], strict=True):
                draw(axes, values["epoch"], values, label=variant or "as in the text", **VARIANTS[variant])
        for axes in column:
            _from_zero(axes)
        heading(column[0], name)
        column[-1].set_xlabel("epoch")
    for axes, label in zip(grid[:, 0], labels, strict=True):
        axes.set_ylabel(label)
    panel_labels(grid.flat)
    legend_below(figure, list(grid.flat), 4)
    return figure


# -- the plane --------------------------------------------------------------------------------------------------------


def layers_in_the_plane(record: xr.Dataset, network: str) -> Figure:
    """Draw every hidden layer's way through the complexity-entropy plane under both ranges, from start to end."""
    chosen = of_network(record, network)
    depth = len(hidden_layers(chosen))
    shades = layer_shades(depth)
    figure, grid = plt.subplots(1, 2, figsize=(7.2, 4.0))
    for axes, (rule, text) in zip(grid, RANGES.items(), strict=True):
        place = coordinates(chosen.sel(rule=rule, part=hidden_layers(chosen))).mean("seed")
        entropy, complexity = (place[name].transpose("part", "epoch").values for name in ("H", "C"))
        draw_limits(axes, cells(rule), normalised=False)
        for x, y, shade in zip(entropy, complexity, shades, strict=True):
            axes.plot(x, y, color=shade, linewidth=1.3, zorder=2)
            axes.plot(x[0], y[0], marker="o", color=shade, markerfacecolor="white", markersize=5, zorder=3)
            at = int(peak(y).epoch)
            axes.plot(x[at], y[at], marker="|", color=shade, markersize=10, markeredgewidth=2, zorder=3)
            axes.plot(x[-1], y[-1], marker="s", color=shade, markersize=5, zorder=4)
        margin = 0.08 * np.ptp(entropy)
        axes.set(xlim=(entropy.min() - margin, entropy.max() + margin), ylim=(0, 1.12 * complexity.max()))
        axes.set(xlabel="entropy H (bits)", ylabel="complexity C (bits²)")
        heading(axes, text)
    figure.colorbar(layer_scale(depth), ax=grid, pad=0.02, ticks=layer_ticks(depth), label="layer")
    panel_labels(grid)
    return figure


# -- information ------------------------------------------------------------------------------------------------------


def _shades(found: Sequence[Reading]) -> list[dict[str, Any]]:
    """One look for each estimator: bins in blues, noise in oranges, and two of their own."""
    own: dict[str, dict[str, Any]] = {
        "neighbours": {"color": PALETTE["green"], "marker": "s", "linestyle": (0, (4, 1.5))},
        "linear probe": {"color": PALETTE["purple"], "marker": "^", "linestyle": (0, (1, 1))},
    }
    blues, oranges = (iter(plt.get_cmap(name)(np.linspace(0.45, 1, 4))) for name in ("Blues", "Oranges"))
    looks: list[dict[str, Any]] = []
    for reading in found:
        if reading.estimator in own:
            looks.append(own[reading.estimator])
        elif reading.estimator.endswith("bins"):
            looks.append({"color": next(blues), "marker": "o"})
        else:
            looks.append({"color": next(oranges), "marker": "D", "linestyle": (0, (6, 1.5))})
    return looks


def estimates_by_depth(record: xr.Dataset, network: str) -> Figure:
    """Draw I(X;T) and I(T;Y) of every layer by every estimator, before training and after; with the ceiling."""
    chosen = of_network(record, network)
    figure, grid = plt.subplots(2, 2, figsize=(7.2, 6.4), sharex=True, sharey="row")
    x = np.arange(1, len(hidden_layers(chosen)) + 1)
    for row, quantity in zip(grid, _QUANTITIES, strict=True):
        found = readings(chosen, quantity)
        for axes, moment in zip(row, (0, -1), strict=True):
            for reading, style in zip(found, _shades(found), strict=True):
                values = reading.bits.isel(moment=moment)
                draw(axes, x, values, label=reading.estimator, linewidth=1.4, markersize=4, **style)
            if quantity == "I(X;T)":
                axes.axhline(float(chosen["ceiling"].max()), label="ceiling", **look("nominal"))
            _whole(axes)
        for axes in row:
            axes.set_ylim(0, 1.08 * max(each.dataLim.ymax for each in row))
        row[0].set_ylabel(f"{quantity} (bits)")
    for axes, moment in zip(grid[0], (0, -1), strict=True):
        epoch = int(chosen["moment"].values[moment])
        heading(axes, f"{network}, epoch {epoch}" if epoch else f"{network}, untrained")
    for axes in grid[1]:
        axes.set_xlabel("layer")
    panel_labels(grid.flat)
    legend_below(figure, list(grid.flat), 5)
    return figure


ESTIMATORS = ("2 bins", "4 bins", "8 bins", "30 bins", "noise 0.1", "noise 1", "noise 10")
"""Estimators of both quantities."""


def information_plane(record: xr.Dataset, networks: Sequence[str], estimator: str) -> Figure:
    """Draw I(T;Y) against I(X;T) of every layer over the moments, a panel for each network, by one of `ESTIMATORS`."""
    shown = present(record, networks)
    figure, grid = plt.subplots(1, len(shown), figsize=(7.2, 3.4), sharex=True, sharey=True, squeeze=False)
    deepest = max(len(hidden_layers(chosen)) for chosen in shown.values())
    shades = layer_shades(deepest)
    for axes, (name, chosen) in zip(grid.flat, shown.items(), strict=True):
        pair = [by_estimator(chosen, quantity, estimator) for quantity in _QUANTITIES]
        for layer, shade in zip(hidden_layers(chosen), shades, strict=False):
            x, y = (bits.sel(layer=layer).mean("seed") for bits in pair)
            axes.plot(x, y, color=shade, linewidth=1.2, marker=".", markersize=4, zorder=2)
            axes.plot(x[0], y[0], marker="o", color=shade, markerfacecolor="white", markersize=6, zorder=3)
            axes.plot(x[-1], y[-1], marker="s", color=shade, markersize=6, zorder=3)
        ceiling = float(chosen["ceiling"].max())
        axes.axvline(ceiling, **look("nominal"))
        axes.set(xlim=(0, 1.06 * ceiling), ylim=(0, 3.6), xlabel="I(X;T) (bits)")
        heading(axes, f"{name}, {seeds_of(chosen)}")
    grid[0, 0].set_ylabel("I(T;Y) (bits)")
    figure.colorbar(layer_scale(deepest), ax=grid, pad=0.02, ticks=layer_ticks(deepest), label="layer")
    return figure


def last_layer_by_depth(record: xr.Dataset) -> Figure:
    """Draw the last hidden layer's information over epochs, for networks of depth 2, 6 and 16, by five estimators."""
    panels = [("I(X;T)", "2 bins"), ("I(X;T)", "noise 1"), ("I(X;T)", "noise 10")]
    panels += [("I(T;Y)", "noise 10"), ("I(T;Y)", "neighbours"), ("I(T;Y)", "linear probe")]
    networks = present(record, list(DEPTHS.values()))
    figure, grid = plt.subplots(2, 3, figsize=(7.2, 5.0), sharex=True)
    for axes, (quantity, estimator) in zip(grid.flat, panels, strict=True):
        for depth, name in DEPTHS.items():
            if name not in networks or not readings(networks[name], quantity):
                continue
            bits = by_estimator(networks[name], quantity, estimator).isel(layer=-1)
            label = f"depth {depth}, {seeds_of(networks[name])}"
            draw(axes, _spaced(bits), bits, label=label, markersize=4, **_DEPTH_LOOKS[depth])
        _from_zero(axes)
        heading(axes, f"{quantity}, {estimator}")
        _ticks(axes, record)
    for axes in grid[1]:
        axes.set_xlabel("epoch")
    for axes in grid[:, 0]:
        axes.set_ylabel("last hidden\nlayer (bits)")
    panel_labels(grid.flat)
    legend_below(figure, list(grid.flat), 3)
    return figure


def _spaced(bits: xr.DataArray) -> np.ndarray:
    """Abscissa on which early moments stand apart: log(1 + epoch)."""
    return np.asarray(np.log1p(bits["moment"].values.astype(np.float64)))


def _ticks(axes: Axes, record: xr.Dataset) -> None:
    moments = [
        int(moment) for moment in record["moment"].values if moment in (0, 1, 3, 10, 50) or len(record.moment) < 5
    ]
    axes.set_xticks(np.log1p(moments), labels=map(str, moments))


def gap_over_epochs(record: xr.Dataset, networks: Sequence[str]) -> Figure:
    """Draw I(T;Y) of the first two layers less that of the last two, by estimator: a row for each network."""
    estimators = ("2 bins", "noise 10", "neighbours", "linear probe")
    shown = {name: chosen for name, chosen in present(record, networks).items() if readings(chosen, "I(T;Y)")}
    figure, grid = plt.subplots(
        len(shown), 4, figsize=(7.2, 1.3 + 2.0 * len(shown)), squeeze=False, sharex=True, sharey="row"
    )
    for row, (name, chosen) in zip(grid, shown.items(), strict=True):
        shuffled = one_network(record, f"{name}, random labels")
        others = readings(shuffled, "I(T;Y)") if shuffled is not None else []
        for axes, estimator in zip(row, estimators, strict=True):
            (reading,) = [each for each in readings(chosen, "I(T;Y)") if each.estimator == estimator]
            gap = information_gap(reading.bits)
            draw(axes, _spaced(gap), gap, label="true labels", marker="o", markersize=4, **VARIANTS[""])
            if reading.permuted is not None:
                null = information_gap(reading.permuted)
                draw(axes, _spaced(null), null, label="permuted labels", **look("nominal"))
            for other in [each for each in others if each.estimator == estimator]:
                gap = information_gap(other.bits)
                draw(axes, _spaced(gap), gap, label="trained on random labels", **VARIANTS["random labels"])
            axes.axhline(0, color=PALETTE["grey"], linewidth=0.8, zorder=0)
            _ticks(axes, record)
            heading(axes, estimator)
        low, high = min(each.dataLim.ymin for each in row), max(each.dataLim.ymax for each in row)
        row[0].set_ylim(min(1.1 * low, -0.1), max(1.1 * high, 0.1))
        row[0].set_ylabel(f"{name}:\ngap (bits)")
    for axes in grid[-1]:
        axes.set_xlabel("epoch")
    legend_below(figure, list(grid.flat), 3)
    return figure


def gradients(record: xr.Dataset, networks: Sequence[str]) -> Figure:
    """Draw the norm of each hidden layer's gradient over that of the last, and its first value over epochs."""
    shown = present(record, networks)
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.6))
    known = {DEPTHS[depth]: style for depth, style in _DEPTH_LOOKS.items()}  # as in `last_layer_by_depth`
    others = [name for name in shown if name not in known]
    for name, shade, marker in zip(others, cycle(("vermilion", "green", "sky")), cycle("svP"), strict=False):
        known[name] = {"color": PALETTE[shade], "marker": marker}
    for name, chosen in shown.items():
        layers = hidden_layers(chosen)
        norms = chosen["gradient_norm"].sel(layer=layers).isel(epoch=-1)
        style: dict[str, Any] = {**known[name], "markersize": 4, "label": f"{name}, {seeds_of(chosen)}"}
        draw(left, np.arange(1, len(layers) + 1), norms / norms.isel(layer=-1), factors=True, **style)
        ratio = gradient_ratio(chosen).isel(epoch=slice(1, None))
        draw(right, ratio["epoch"], ratio, factors=True, **{**style, "marker": ""})
    for axes, label in ((left, "layer"), (right, "epoch")):
        axes.axhline(1, **look("nominal"))
        axes.set(xlabel=label, yscale="log")
        for set_formatter in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
            set_formatter(LogFormatter(minor_thresholds=(1.5, 0.5)))
        _whole(axes)
    left.set_ylabel("gradient norm over that of\nthe last hidden layer")
    right.set_ylabel("the same, layer 1")
    panel_labels((left, right))
    legend_below(figure, (left,), 2)
    return figure
