"""Figures of chapter 9 on the estimates: how they depend on method, bin width and neurons, and how far they are off.

A Dataset of `lib.experiments.cortex` in, a figure out. Bars are two standard errors over blocks of time, and short
lines are means over segments, unless a figure says otherwise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from lib.experiments.cortex import METHODS, SIMULATED
from lib.experiments.estimates import rows
from lib.figures._cortex import (
    INDEPENDENT,
    METHOD_ROWS,
    TEXT_CORRELATION,
    VARIED,
    below_independent,
    draw_segments,
    exact_bits,
    frame,
    look_of,
    marker_of,
    name_of,
    segment_means,
    shade_of,
    stimulus_axis,
    table_of,
)
from lib.figures._networks import legend_below
from lib.figures.cortex import stimuli_of
from lib.figures.pattern_calibration import METHOD_NAMES
from lib.figures.style import colour, look, panel_labels


def against_truth(record: xr.Dataset) -> Figure:
    """Draw how far estimates of the simulated population are from its exact entropies, in percent.

    (a) The entropy of independent neurons: summed over neurons in sample, and cross-fitted. (b) The joint entropy:
    bounds by each method, and the cross-fitted sum.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.6))
    found = table_of(record, SIMULATED, study="stimuli")
    names = stimuli_of(found)
    for place, stimulus in enumerate(names):
        together, apart = exact_bits(stimulus, found)
        alone = segment_means(rows(found, stimulus=stimulus, method=INDEPENDENT))
        error = 100 * alone["standard_error"] / apart
        for number, (name, method) in enumerate((("independent_bits", "in sample"), ("bits", INDEPENDENT))):
            percent = 100 * (alone[name] / apart - 1)
            draw_segments(left, place + 0.3 * (number - 0.5), percent, error, METHOD_ROWS[method], method)
        for number, method in enumerate((INDEPENDENT, *METHODS)):
            each = segment_means(rows(found, stimulus=stimulus, method=method))
            percent, error = 100 * (each["bits"] / together - 1), 100 * each["standard_error"] / together
            draw_segments(right, place + 0.25 * (number - 1), percent, error, METHOD_ROWS[method], method)
    texts = ("over the exact entropy of\nindependent neurons (%)", "over the exact\nentropy (%)")
    for axes, text in zip((left, right), texts, strict=True):
        axes.axhline(0, label="exact", **look("theory"))
        stimulus_axis(axes, names)
        axes.set_ylabel(text)
    panel_labels([left, right])
    legend_below(figure, [left, right], 3)
    return figure


def at_stimulus(record: xr.Dataset, source: str, stimulus: str) -> Figure:
    """Draw every estimate of one stimulus, as recorded and with trains shifted, on axes that all stimuli share.

    Dashed: the exact entropy; dotted: that of independent neurons with the exact rates; where they are known.
    """
    every = table_of(record, source)
    drawn = [study in ("stimuli", "surrogates", "methods") for study in every["study"].values]
    every = rows(every.isel(estimate=np.flatnonzero(drawn)), grouped=1)
    figure, axes = plt.subplots(figsize=(7.0, 3.3))
    names = list(METHOD_ROWS)
    for study, surrogate in (("stimuli", "none"), ("methods", "none"), ("surrogates", "shifted")):
        for place, method in enumerate(names):
            if (study == "methods") != (method == "xgboost"):  # the study of methods is of the first segment again
                continue
            asked = INDEPENDENT if method == "in sample" else method
            found = segment_means(rows(every, study=study, stimulus=stimulus, method=asked))
            bits = found["independent_bits" if method == "in sample" else "bits"].to_numpy()
            height = place + (0.16 if surrogate == "shifted" else -0.16) + 0.05 * (np.arange(len(bits)) - 0.5)
            style = look_of(method, surrogate == "none")
            axes.errorbar(
                bits, height, xerr=2 * found["standard_error"], linestyle="", markersize=5, elinewidth=1, **style
            )
    for filled, text in ((True, "as recorded"), (False, "trains shifted")):
        axes.plot([], [], label=text, linestyle="", markersize=5, **look_of("in sample", filled))
    if source == SIMULATED:
        together, apart = exact_bits(stimulus, every)
        axes.axvline(together, label="exact", **look("theory"))
        axes.axvline(apart, label="exact, independent", **look("nominal"))
    bars = 2 * every["standard_error"]
    axes.set_xlim(0.95 * float((every["independent_bits"] - bars).min()), 1.02 * float((every["bits"] + bars).max()))
    axes.set_yticks(range(len(names)), labels=list(METHOD_ROWS.values()))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel(f"bits, {name_of(stimulus)}")
    legend_below(figure, [axes], 4)
    return figure


def gain(record: xr.Dataset, source: str) -> Figure:
    """Draw by how many percent bounds lie below independent neurons, cross-fitted and as the text counts them.

    Open: trains shifted apart. Dotted: the text's figure. Black: the exact value, where the population is simulated.
    """
    figure, panels = plt.subplots(1, 2, figsize=(7.4, 3.7), sharey=True)
    plain = table_of(record, source, study="stimuli")
    names = stimuli_of(plain)
    for axes, of_text in zip(panels, (False, True), strict=True):
        for place, stimulus in enumerate(names):
            for shift, (study, filled) in enumerate((("stimuli", True), ("surrogates", False))):
                for number, method in enumerate(METHODS):
                    found = segment_means(rows(record, source=source, study=study, stimulus=stimulus, method=method))
                    percent, error = below_independent(found, of_text=of_text)
                    label = METHOD_NAMES[method] + ("" if filled else ", trains shifted")
                    draw_segments(
                        axes, place + 0.19 * (2 * shift + number - 1.5), percent, error, label, method, filled
                    )
            if source == SIMULATED:
                label = "exact"
                exact = 100 * (1 - np.divide(*exact_bits(stimulus, plain)))
                axes.hlines(exact, place - 0.4, place + 0.4, color=colour("black"), linewidth=1.4, label=label)
        axes.axhline(0, color=colour("grey"), linewidth=0.9, zorder=0)
        axes.axhline(TEXT_CORRELATION, label="the text's 0.02", **look("nominal"))
        stimulus_axis(axes, names)
    panels[0].set_ylabel("below independent\nneurons, cross-fitted (%)")
    panels[1].set_ylabel("below independent\nneurons, in sample (%)")
    panels[1].yaxis.set_tick_params(labelleft=True)
    panel_labels(panels)
    legend_below(figure, list(panels), 3)
    return figure


def methods(record: xr.Dataset, source: str) -> Figure:
    """Draw estimators beside independent neurons by stimulus, with folds that keep blocks of time whole or tear them.

    (a) Percent below independent neurons, cross-fitted by whole blocks; filled: whole blocks, open: torn. Bars are
    those of the difference. (b) The same for whole blocks, against the time taken. One segment of each stimulus.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.7), sharey=True, width_ratios=(1.5, 1))
    found = table_of(record, source, study="methods")
    names = stimuli_of(found)
    for place, stimulus in enumerate(names):
        here = rows(found, stimulus=stimulus)
        alone = float(rows(here, method=INDEPENDENT, grouped=1)["bits"].values[0])
        drawn = [(method, 1) for method in (*METHODS, "xgboost")] + [(method, 0) for method in (INDEPENDENT, *METHODS)]
        for number, (method, grouped) in enumerate(drawn):
            each = segment_means(rows(here, method=method, grouped=grouped))
            percent = 100 * (1 - each["bits"] / alone)
            label = METHOD_ROWS[method] if method == INDEPENDENT else METHOD_NAMES[method]
            label += "" if grouped else ", blocks torn"
            error = 100 * each["gain_error"] / alone
            draw_segments(left, place + 0.13 * (number - 2.5), percent, error, label, method, bool(grouped))
            if grouped:
                right.plot(each["seconds"], percent, **look_of(method, True), markersize=5, linestyle="")
    for axes in (left, right):
        axes.axhline(0, color=colour("grey"), linewidth=0.9, zorder=0)
    stimulus_axis(left, names)
    left.set_ylabel("below independent\nneurons (%)")
    right.set(xscale="log", xlabel="seconds")
    right.margins(x=0.15)
    right.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    right.xaxis.set_major_formatter("{x:g}")
    right.xaxis.set_minor_locator(NullLocator())
    panel_labels([left, right])
    legend_below(figure, [left], 3)
    return figure


def by_bin_and_neurons(record: xr.Dataset, source: str) -> Figure:
    """Draw complexity per neuron, and percent below independent neurons, against bin width and number of neurons.

    Rows: complexity by the masked network; percent by it, and by logistic regression. Lines: means over segments (bins)
    or over random subsets of the first segment (neurons). Points: each of them. A study that the record has not is left
    out.

    Raises
    ------
    ValueError
        If the record has neither study.
    """
    studies = _studies(record, source)
    figure, grid = plt.subplots(3, len(studies), figsize=(3.0 + 2.2 * len(studies), 7.4), sharex="col", squeeze=False)
    for panels, (study, joined) in zip(grid.T, studies.items(), strict=True):
        along, _ = VARIED[study]
        for stimulus in stimuli_of(joined):
            network, logistic = (frame(rows(joined, stimulus=stimulus, method=m), along) for m in METHODS)
            _curve(panels[0], network[along], network["bits"] / network["neurons"], stimulus)
            for axes, each in zip(panels[1:], (network, logistic), strict=True):
                _curve(axes, each[along], below_independent(each)[0], stimulus)
        for axes, method in zip(panels[1:], METHODS, strict=True):
            axes.axhline(0, color=colour("grey"), linewidth=0.9, zorder=0)
            axes.axhline(TEXT_CORRELATION, label="the text's 0.02", **look("nominal"))
            axes.set_ylabel(f"below independent (%),\n{METHOD_NAMES[method]}")
        _name_along(panels[-1], joined, study)
        panels[0].set(ylabel="complexity\nper neuron (bits)", ylim=(0, None))
    panel_labels(grid)
    legend_below(figure, list(grid.flat), 1 + len(studies))
    return figure


def dimensions(record: xr.Dataset, source: str) -> Figure:
    """Draw the effective dimension per neuron against bin width and number of neurons.

    Filled: of binary patterns. Open: of the events in a bin, which are counts where events are binary. Lines: means
    over segments (bins) or over random subsets of the first segment (neurons).

    Raises
    ------
    ValueError
        If the record has neither study.
    """
    studies = _studies(record, source)
    figure, grid = plt.subplots(1, len(studies), figsize=(3.0 + 2.2 * len(studies), 3.6), sharey=True, squeeze=False)
    for axes, (study, joined) in zip(grid[0], studies.items(), strict=True):
        along, _ = VARIED[study]
        for stimulus in stimuli_of(joined):
            each = frame(rows(joined, stimulus=stimulus, method=INDEPENDENT), along, "dimension_of_counts")
            _curve(axes, each[along], each["dimension"] / each["neurons"], stimulus)
            if study == "bins":
                of_counts = (each["dimension_of_counts"] / each["neurons"]).groupby(each[along]).mean()
                style: dict[str, Any] = {"marker": marker_of(stimulus), "markersize": 4.5, "markerfacecolor": "white"}
                shade = colour(shade_of(stimulus))
                axes.plot(of_counts.index, of_counts, color=shade, linestyle=(0, (4, 2)), linewidth=1.2, **style)
        _name_along(axes, joined, study)
    if "bins" in studies:
        style = {"color": colour("grey"), "marker": "o", "markersize": 4.5}
        grid[0, 0].plot([], [], label="binary patterns", linewidth=1.5, **style)
        grid[0, 0].plot([], [], label="counts", linestyle=(0, (4, 2)), linewidth=1.2, markerfacecolor="white", **style)
    grid[0, 0].set(ylabel="effective dimension\nper neuron", ylim=(0, None))
    panel_labels(grid)
    legend_below(figure, list(grid[0]), 3)
    return figure


def _studies(record: xr.Dataset, source: str) -> dict[str, xr.Dataset]:
    """Return what varies bins or neurons, by study, each with the estimates of what is varied as recorded."""
    plain = table_of(record, source, study="stimuli")
    found = {}
    for study, (along, _) in VARIED.items():
        varied = rows(record, source=source, study=study)
        if varied.sizes["estimate"]:
            base = plain if study == "bins" else rows(plain, segment=0)  # subsets are of the first segment
            joined = xr.concat([varied, base], "estimate", data_vars="minimal", combine_attrs="drop_conflicts")
            joined[along] = joined[along].round(3)
            found[study] = joined
    if not found:
        raise ValueError(f"This record varies neither bins nor neurons of the {source} session: take a larger preset.")
    return found


def _curve(axes: Axes, x: pd.Series, values: pd.Series, stimulus: str) -> None:
    """Draw the mean at each abscissa as a line, and all values as small points."""
    style: dict[str, Any] = {"color": colour(shade_of(stimulus)), "marker": marker_of(stimulus)}
    axes.plot(x, values, linestyle="", alpha=0.5, markersize=2.5, **style)
    mean = values.groupby(x).mean()
    axes.plot(mean.index, mean.values, label=name_of(stimulus), linewidth=1.5, markersize=4.5, **style)


def _name_along(axes: Axes, joined: xr.Dataset, study: str) -> None:
    """Give the axis of what a study varies its name, and a tick at each value."""
    along, text = VARIED[study]
    ticks = np.unique(joined[along].values)
    axes.set(xscale="log", xlabel=text)
    axes.set_xticks(ticks, labels=[f"{tick:.2g}" if study == "bins" else f"{tick:.0f}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
