"""Figures of chapter 9, the mouse visual cortex: a Dataset of `lib.experiments.cortex` in, a figure out.

Bars are two standard errors over blocks of time, and short lines are means over segments, unless a figure says
otherwise.
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

from lib.claims.cortex import ACTIVE, over_sessions
from lib.data.population import simulated_population
from lib.data.recording import Recording
from lib.experiments.cortex import METHODS, SIMULATED
from lib.experiments.estimates import rows
from lib.figures._networks import legend_below
from lib.figures.pattern_calibration import MARKS, METHOD_NAMES
from lib.figures.style import BAND_ALPHA, colour, heading, look, panel_labels

INDEPENDENT = "independent"

KINDS = ("spontaneous", "gratings", "scenes", "movie")
"""Kinds of stimuli in the text's order, from least to most."""

TEXT_CORRELATION = 2.0
"""Normalised total correlation in VISp by the text, in percent."""

OBSERVABLES = {
    "complexity, logistic": ("complexity\n(bits a neuron)", "logistic", "complexity"),
    "effective dimension, binary": ("effective dimension\na neuron", INDEPENDENT, "dimension"),
}
"""Observables of `lib.claims.cortex` that are drawn: name of the axis, method, and key of `answers`."""

_AXES = {"bins": ("bin_width", "bin width (s)"), "neurons": ("neurons", "neurons")}

_MEASURED = [
    *("bits", "standard_error", "independent_bits", "gain", "gain_error"),
    *("dimension", "dimension_error", "activity", "truth", "seconds", "neurons"),
]
_RISES = {"stimuli": "as recorded", "surrogates": "trains shifted", "rates": "rates made equal"}
_SURROGATE_NAMES = {"surrogates": "trains shifted", "rates": "rates made equal"}
_ROW_NAMES = {
    "in sample": "independent, in sample",
    INDEPENDENT: "independent, cross-fitted",
    **{method: METHOD_NAMES[method] for method in (*METHODS, "xgboost")},
}


def stimuli_of(record: xr.Dataset) -> list[str]:
    """Return the stimuli of a table in the text's order; kinds that it does not have come last.

    Examples
    --------
    >>> stimuli_of(xr.Dataset({"stimulus": ("estimate", ["natural movie", "noise", "static gratings"])}))
    ['static gratings', 'natural movie', 'noise']
    """
    names = {str(name) for name in record["stimulus"].values}
    return sorted(names, key=lambda name: (_rank(name), name))


def caption_of(record: xr.Dataset) -> str:
    """Return in words what a record is: neurons, bins of a segment, preset, machine, seconds and day."""
    parts = []
    for source in dict.fromkeys(map(str, record["source"].values)):
        found = rows(record, source=source)
        parts.append(
            f"{int(found['neurons'].max())} {source} neurons, {int(found['samples'].max()):,} bins of "
            f"{1000 * float(found['bin_width'].min()):.0f} ms in a segment"
        )
    return (
        f"{'; '.join(parts)}; preset {record.attrs['preset']}, {record.attrs['device']}, "
        f"{float(record.attrs['wall_time_s']):.0f} s, made {str(record.attrs['created'])[:10]}"
    )


def caption_of_areas(record: xr.Dataset) -> str:
    """Return in words what a record of `lib.experiments.cortex_areas` is: sessions of each area, preset, day."""
    plain = record[["area", "source"]].to_dataframe()
    counted = [f"{area}: {sources.nunique()}" for area, sources in plain.groupby("area", sort=False)["source"]]
    return (
        f"sessions of {'; '.join(counted)}; preset {record.attrs['preset']}, made {str(record.attrs['created'])[:10]}"
    )


def raster(recording: Recording, start: float = 0.0, seconds: float = 120.0) -> Figure:
    """Draw the events of a stretch of a recording, and below them the share of neurons active in each second.

    Epochs are shaded, and named above.
    """
    bins = np.arange(recording.n_bins) * recording.bin_width
    shown = np.flatnonzero((bins >= start) & (bins < start + seconds))
    if not len(shown):
        raise ValueError(f"The recording has no bin from {start:g} s on for {seconds:g} s: start earlier.")
    neuron, place = np.nonzero(recording.events[:, shown])
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(7.4, 4.2), sharex=True, height_ratios=(3, 1))
    top.plot(bins[shown][place], neuron, "|", markersize=160 / recording.n_neurons, color=colour("black"), alpha=0.8)
    size = max(1, round(1 / recording.bin_width))
    whole = shown[: len(shown) // size * size].reshape(-1, size)
    active = (recording.events[:, whole] > 0).mean((0, 2))
    bottom.plot(bins[whole[:, 0]], 100 * active, drawstyle="steps-post", linewidth=1.2, color=colour("black"))
    for epoch in recording.epochs:
        left, right = (edge * recording.bin_width for edge in (epoch.start, epoch.end))
        left, right = max(left, start), min(right, start + seconds)
        if left >= right:
            continue
        for axes in (top, bottom):
            axes.axvspan(left, right, color=colour(_shade(epoch.name)), alpha=0.13, linewidth=0, zorder=0)
        top.annotate(
            _words(epoch.name),
            ((left + right) / 2, 1.02),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="bottom",
            fontsize=9,
        )
    for axes in (top, bottom):
        axes.grid(False)
    top.set(ylabel="neuron", ylim=(-1, recording.n_neurons), xlim=(start, start + seconds))
    bottom.set(xlabel="time (s)", ylabel="active (%)", ylim=(0, None))
    panel_labels([top, bottom])
    return figure


def by_stimulus(record: xr.Dataset, source: str) -> Figure:
    """Draw activity, complexity and effective dimension per neuron by stimulus, beside trains shifted apart (J 12).

    Filled: as recorded. Open: each train shifted around a circle, which keeps rates and trains. Ticks: independent
    neurons, cross-fitted.
    """
    return _beside(record, source, "surrogates")


def equal_rates(record: xr.Dataset, source: str) -> Figure:
    """Draw the same beside activity that was thinned until each neuron has one rate under all stimuli (open)."""
    _table(record, source, study="rates")
    return _beside(record, source, "rates")


def gain(record: xr.Dataset, source: str) -> Figure:
    """Draw by how many percent bounds lie below independent neurons, cross-fitted and as the text counts them.

    Open: trains shifted apart. Dotted: the text's figure. Black: the exact value, where the population is simulated.
    """
    figure, panels = plt.subplots(1, 2, figsize=(7.4, 3.7), sharey=True)
    plain = _table(record, source, study="stimuli")
    names = stimuli_of(plain)
    for axes, of_text in zip(panels, (False, True), strict=True):
        for place, stimulus in enumerate(names):
            for shift, (study, filled) in enumerate((("stimuli", True), ("surrogates", False))):
                for number, method in enumerate(METHODS):
                    found = _means(rows(record, source=source, study=study, stimulus=stimulus, method=method))
                    percent, error = _below_independent(found, of_text=of_text)
                    label = METHOD_NAMES[method] + ("" if filled else ", trains shifted")
                    _points(axes, place + 0.19 * (2 * shift + number - 1.5), percent, error, label, method, filled)
            if source == SIMULATED:
                label = "exact"
                exact = 100 * (1 - np.divide(*_exact(stimulus, plain)))
                axes.hlines(exact, place - 0.4, place + 0.4, color=colour("black"), linewidth=1.4, label=label)
        axes.axhline(0, color=colour("grey"), linewidth=0.9, zorder=0)
        axes.axhline(TEXT_CORRELATION, label="the text's 0.02", **look("nominal"))
        _name_stimuli(axes, names)
    panels[0].set_ylabel("below independent\nneurons, cross-fitted (%)")
    panels[1].set_ylabel("below independent\nneurons, in sample (%)")
    panels[1].yaxis.set_tick_params(labelleft=True)
    panel_labels(panels)
    legend_below(figure, list(panels), 3)
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
        along, _ = _AXES[study]
        for stimulus in stimuli_of(joined):
            network, logistic = (_frame(rows(joined, stimulus=stimulus, method=m), along) for m in METHODS)
            _curve(panels[0], network[along], network["bits"] / network["neurons"], stimulus)
            for axes, each in zip(panels[1:], (network, logistic), strict=True):
                _curve(axes, each[along], _below_independent(each)[0], stimulus)
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
        along, _ = _AXES[study]
        for stimulus in stimuli_of(joined):
            each = _frame(rows(joined, stimulus=stimulus, method=INDEPENDENT), along, "dimension_of_counts")
            _curve(axes, each[along], each["dimension"] / each["neurons"], stimulus)
            if study == "bins":
                of_counts = (each["dimension_of_counts"] / each["neurons"]).groupby(each[along]).mean()
                style: dict[str, Any] = {"marker": _mark(stimulus), "markersize": 4.5, "markerfacecolor": "white"}
                shade = colour(_shade(stimulus))
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


def over_time(record: xr.Dataset, source: str) -> Figure:
    """Draw activity, complexity and effective dimension per neuron of each segment against when it was recorded.

    What drifts over the session lies along a line whatever is shown. Bars: two standard errors over blocks of time.
    """
    plain = _table(record, source, study="stimuli")
    figure, panels = plt.subplots(1, 3, figsize=(7.6, 3.5))
    for stimulus in stimuli_of(plain):
        style = {"color": colour(_shade(stimulus)), "marker": _mark(stimulus), "linestyle": "", "markersize": 4.5}
        alone, bound = (
            _frame(rows(plain, stimulus=stimulus, method=method), "start") for method in (INDEPENDENT, "logistic")
        )
        minutes, label = alone["start"] / 60, _words(stimulus)
        panels[0].plot(minutes, 100 * alone["activity"], label=label, **style)
        for axes, each, name, error in (
            (panels[1], bound, "bits", "standard_error"),
            (panels[2], alone, "dimension", "dimension_error"),
        ):
            bars = 2 * (each[error] / each["neurons"]).to_numpy()
            axes.errorbar(minutes, (each[name] / each["neurons"]).to_numpy(), bars, elinewidth=0.9, **style)
    texts = ("active (% of bins)", "complexity\nper neuron (bits)", "effective dimension\nper neuron")
    for axes, text in zip(panels, texts, strict=True):
        axes.set(xlabel="begin (min)", ylabel=text, ylim=(0, None))
        axes.margins(x=0.15)  # so that the last tick lies inside
    panel_labels(panels)
    legend_below(figure, list(panels), 4)
    return figure


def rises(record: xr.Dataset, area: str, level: str = "movies") -> Figure:
    """Draw by how much both observables rise from spontaneous activity to a level, per neuron, with 95 % intervals.

    As recorded, with trains shifted, and with rates made equal: what is left of a rise.
    """
    figure, panels = plt.subplots(1, len(OBSERVABLES), figsize=(7.2, 2.7), sharey=True)
    for axes, (observable, (text, _, _)) in zip(panels, OBSERVABLES.items(), strict=True):
        for place, study in enumerate(_RISES):
            found = over_sessions(record, study, area, observable, level)
            if found is None:
                continue
            mean, low, high = (float(each) for each in (found.mean, found.low, found.high))
            style = _mark_of("in sample", study == "stimuli")
            axes.errorbar(mean, place, xerr=[[mean - low], [high - mean]], linestyle="", markersize=6, **style)
        axes.axvline(0, color=colour("grey"), linewidth=0.9, zorder=0)
        axes.set(xlabel="rise of " + text.replace("\n", " "), ylim=(len(_RISES) - 0.5, -0.5))
        axes.set_yticks(range(len(_RISES)), labels=list(_RISES.values()))
    panel_labels(panels)
    return figure


def by_area(record: xr.Dataset) -> Figure:
    """Draw complexity and effective dimension per neuron by stimulus, a column for each area (J, figure 12).

    Thin: sessions. Thick: their mean, with the standard deviation over sessions as in the text. The effective dimension
    is that of events where they have amplitudes, as in the text, and else of binary patterns.

    Parameters
    ----------
    record
        Of `lib.experiments.cortex_areas`.
    """
    plain = rows(record, study="stimuli")
    areas = list(dict.fromkeys(map(str, plain["area"].values)))
    names = stimuli_of(plain)
    binary = bool((plain["dimension"] == plain["dimension_of_counts"]).all())
    drawn = (
        ("logistic", "bits", "complexity\nper neuron (bits)"),
        (
            INDEPENDENT,
            "dimension" if binary else "dimension_of_counts",
            f"effective dimension per\nneuron, {'binary patterns' if binary else 'events'}",
        ),
    )
    size = (1.8 + 2.4 * len(areas), 4.8)
    figure, grid = plt.subplots(2, len(areas), figsize=size, sharex=True, sharey="row", squeeze=False)
    for column, area in zip(grid.T, areas, strict=True):
        for axes, (method, name, text) in zip(column, drawn, strict=True):
            table = rows(plain, area=area, method=method)[[name, "neurons", "source", "stimulus"]].to_dataframe()
            table["value"] = table[name] / table["neurons"]
            sessions = table.pivot_table("value", "source", "stimulus")[names]  # means over segments
            place = np.arange(len(names))
            axes.plot(place, sessions.to_numpy().T, color=colour("grey"), linewidth=0.8, alpha=0.7)
            spread = sessions.std(ddof=1).to_numpy() if len(sessions) > 1 else None
            axes.errorbar(place, sessions.mean().to_numpy(), spread, color=colour("black"), marker="o", markersize=4.5)
            _name_stimuli(axes, names)
            axes.set(ylim=(0, None), xlabel="")
            if area == areas[0]:
                axes.set_ylabel(text)
        heading(column[0], f"{area}\n{len(sessions)} session{'s' * (len(sessions) > 1)}")
        column[1].set_xlabel("stimulus")
    panel_labels(grid)
    return figure


def halves(record: xr.Dataset, source: str) -> Figure:
    """Draw complexity and effective dimension per neuron in the second half of each segment against the first.

    Masked network, from half as many bins as the whole segment has. Diagonal: both halves alike.
    """
    figure, panels = plt.subplots(1, 2, figsize=(7.0, 3.7))
    found = rows(_table(record, source, study="halves"), method=METHODS[0])
    for stimulus in stimuli_of(found):
        each = rows(found, stimulus=stimulus).sortby("start")
        one, two = (each.isel(estimate=np.arange(k, each.sizes["estimate"], 2)) for k in (0, 1))
        style = {"color": colour(_shade(stimulus)), "marker": _mark(stimulus), "linestyle": "", "markersize": 4.5}
        for axes, name, error in zip(panels, ("bits", "dimension"), ("standard_error", None), strict=True):
            x, y = ((half[name] / half["neurons"]).values for half in (one, two))
            bars = [None if error is None else (2 * half[error] / half["neurons"]).values for half in (one, two)]
            axes.errorbar(x, y, xerr=bars[0], yerr=bars[1], elinewidth=0.9, label=_words(stimulus), **style)
    for axes, text in zip(panels, ("complexity per neuron (bits)", "effective dimension per neuron"), strict=True):
        low, high = min(axes.get_xlim()[0], axes.get_ylim()[0]), max(axes.get_xlim()[1], axes.get_ylim()[1])
        axes.plot([low, high], [low, high], zorder=0, **look("nominal"))
        axes.set(xlabel=f"{text},\nfirst half", ylabel="second half", xlim=(low, high), ylim=(low, high))
        axes.set_box_aspect(1)
    panel_labels(panels)
    legend_below(figure, list(panels), 4)
    return figure


def methods(record: xr.Dataset, source: str) -> Figure:
    """Draw estimators beside independent neurons by stimulus, with folds that keep blocks of time whole or tear them.

    (a) Percent below independent neurons, cross-fitted by whole blocks; filled: whole blocks, open: torn. Bars are
    those of the difference. (b) The same for whole blocks, against the time taken. One segment of each stimulus.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.7), sharey=True, width_ratios=(1.5, 1))
    found = _table(record, source, study="methods")
    names = stimuli_of(found)
    for place, stimulus in enumerate(names):
        here = rows(found, stimulus=stimulus)
        alone = float(rows(here, method=INDEPENDENT, grouped=1)["bits"].values[0])
        drawn = [(method, 1) for method in (*METHODS, "xgboost")] + [(method, 0) for method in (INDEPENDENT, *METHODS)]
        for number, (method, grouped) in enumerate(drawn):
            each = _means(rows(here, method=method, grouped=grouped))
            percent = 100 * (1 - each["bits"] / alone)
            label = _ROW_NAMES[method] if method == INDEPENDENT else METHOD_NAMES[method]
            label += "" if grouped else ", blocks torn"
            error = 100 * each["gain_error"] / alone
            _points(left, place + 0.13 * (number - 2.5), percent, error, label, method, bool(grouped))
            if grouped:
                right.plot(each["seconds"], percent, **_mark_of(method, True), markersize=5, linestyle="")
    for axes in (left, right):
        axes.axhline(0, color=colour("grey"), linewidth=0.9, zorder=0)
    _name_stimuli(left, names)
    left.set_ylabel("below independent\nneurons (%)")
    right.set(xscale="log", xlabel="seconds")
    right.margins(x=0.15)
    right.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    right.xaxis.set_major_formatter("{x:g}")
    right.xaxis.set_minor_locator(NullLocator())
    panel_labels([left, right])
    legend_below(figure, [left], 3)
    return figure


def against_truth(record: xr.Dataset) -> Figure:
    """Draw how far estimates of the simulated population are from its exact entropies, in percent.

    (a) The entropy of independent neurons: summed over neurons in sample, and cross-fitted. (b) The joint entropy:
    bounds by each method, and the cross-fitted sum.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.6))
    found = _table(record, SIMULATED, study="stimuli")
    names = stimuli_of(found)
    for place, stimulus in enumerate(names):
        together, apart = _exact(stimulus, found)
        alone = _means(rows(found, stimulus=stimulus, method=INDEPENDENT))
        error = 100 * alone["standard_error"] / apart
        for number, (name, method) in enumerate((("independent_bits", "in sample"), ("bits", INDEPENDENT))):
            percent = 100 * (alone[name] / apart - 1)
            _points(left, place + 0.3 * (number - 0.5), percent, error, _ROW_NAMES[method], method)
        for number, method in enumerate((INDEPENDENT, *METHODS)):
            each = _means(rows(found, stimulus=stimulus, method=method))
            percent, error = 100 * (each["bits"] / together - 1), 100 * each["standard_error"] / together
            _points(right, place + 0.25 * (number - 1), percent, error, _ROW_NAMES[method], method)
    texts = ("over the exact entropy of\nindependent neurons (%)", "over the exact\nentropy (%)")
    for axes, text in zip((left, right), texts, strict=True):
        axes.axhline(0, label="exact", **look("theory"))
        _name_stimuli(axes, names)
        axes.set_ylabel(text)
    panel_labels([left, right])
    legend_below(figure, [left, right], 3)
    return figure


def at_stimulus(record: xr.Dataset, source: str, stimulus: str) -> Figure:
    """Draw every estimate of one stimulus, as recorded and with trains shifted, on axes that all stimuli share.

    Dashed: the exact entropy; dotted: that of independent neurons with the exact rates; where they are known.
    """
    every = _table(record, source)
    drawn = [study in ("stimuli", "surrogates", "methods") for study in every["study"].values]
    every = rows(every.isel(estimate=np.flatnonzero(drawn)), grouped=1)
    figure, axes = plt.subplots(figsize=(7.0, 3.3))
    names = list(_ROW_NAMES)
    for study, surrogate in (("stimuli", "none"), ("methods", "none"), ("surrogates", "shifted")):
        for place, method in enumerate(names):
            if (study == "methods") != (method == "xgboost"):  # the study of methods is of the first segment again
                continue
            asked = INDEPENDENT if method == "in sample" else method
            found = _means(rows(every, study=study, stimulus=stimulus, method=asked))
            bits = found["independent_bits" if method == "in sample" else "bits"].to_numpy()
            height = place + (0.16 if surrogate == "shifted" else -0.16) + 0.05 * (np.arange(len(bits)) - 0.5)
            style = _mark_of(method, surrogate == "none")
            axes.errorbar(
                bits, height, xerr=2 * found["standard_error"], linestyle="", markersize=5, elinewidth=1, **style
            )
    for filled, text in ((True, "as recorded"), (False, "trains shifted")):
        axes.plot([], [], label=text, linestyle="", markersize=5, **_mark_of("in sample", filled))
    if source == SIMULATED:
        together, apart = _exact(stimulus, every)
        axes.axvline(together, label="exact", **look("theory"))
        axes.axvline(apart, label="exact, independent", **look("nominal"))
    bars = 2 * every["standard_error"]
    axes.set_xlim(0.95 * float((every["independent_bits"] - bars).min()), 1.02 * float((every["bits"] + bars).max()))
    axes.set_yticks(range(len(names)), labels=list(_ROW_NAMES.values()))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel(f"bits, {_words(stimulus)}")
    legend_below(figure, [axes], 4)
    return figure


def numbers(record: xr.Dataset, source: str, suffix: str) -> dict[str, float]:
    """Return what the prose says of a source, rounded; names end with `suffix`.

    Means over segments; what the record has not is left out.
    """
    plain = _table(record, source, study="stimuli")
    alone = rows(plain, method=INDEPENDENT)
    found = {
        "neurons": float(plain["neurons"].max()),
        "samples": float(plain["samples"].max()),
        "minutes": float(record.attrs["wall_time_s"]) / 60,
        "short": float((100 * (1 - alone["independent_bits"] / alone["bits"])).mean()),
        "bar": float((200 * alone["standard_error"] / alone["bits"]).mean()),
        "rate": 1 / float(alone["bin_width"].min()),
        "segment": float((alone["samples"] * alone["bin_width"]).max()) / 60,
        "recorded": float((alone["start"] + alone["samples"] * alone["bin_width"]).max()) / 60,
    }
    keys = [_key(stimulus) for stimulus in stimuli_of(plain)]
    for stimulus, key in zip(stimuli_of(plain), keys, strict=True):
        found |= _numbers_of_stimulus(rows(record, source=source, stimulus=stimulus), key)
        if source == SIMULATED:
            found[f"exact-gain-{key}"] = 100 * (1 - np.divide(*_exact(stimulus, plain)))
    names = ("activity", "activity-thinned", "dimension", "complexity-logistic")
    for name in (*names, *(f"{of}-logistic" for of in ("gain", "correlation", "beyond")), "gain-logistic-shifted"):
        values = [found[f"{name}-{key}"] for key in keys if f"{name}-{key}" in found]
        found |= {f"{name}-least": min(values), f"{name}-most": max(values)} if values else {}
    for study, (along, _) in _AXES.items():
        varied = rows(record, source=source, study=study)
        for end in (min, max) if varied.sizes["estimate"] else ():
            at = end(varied[along].values)
            found[f"{end.__name__}-{study}"] = float(at)
            for method in METHODS:
                each = _frame(rows(varied, method=method, **{along: at}))
                found[f"gain-{method}-{end.__name__}-{study}"] = float(_below_independent(each)[0].mean())
                found[f"complexity-{method}-{end.__name__}-{study}"] = float((each["bits"] / each["neurons"]).mean())
    found |= _numbers_of_halves(rows(record, source=source, study="halves"))
    chosen = rows(record, source=source, study="methods")
    for method in (*METHODS, "xgboost") if chosen.sizes["estimate"] else ():
        each = _frame(rows(chosen, method=method, grouped=1))
        found |= {f"seconds-{method}": each["seconds"].mean(), f"below-{method}": _below_independent(each)[0].mean()}
        torn = rows(chosen, method=method, grouped=0)
        if torn.sizes["estimate"]:
            alone = rows(chosen, method=INDEPENDENT, grouped=1)
            found[f"torn-{method}"] = 100 * float((1 - torn["bits"].values / alone["bits"].values).mean())
    return {f"{name}-{suffix}": round(float(value), 4) for name, value in found.items()}


def _numbers_of_stimulus(record: xr.Dataset, key: str) -> dict[str, float]:
    """Return means over segments of what was recorded, and of the two surrogates."""
    found: dict[str, float] = {}
    for study, of in (("stimuli", key), ("surrogates", f"shifted-{key}"), ("rates", f"thinned-{key}")):
        for method in METHODS if rows(record, study=study).sizes["estimate"] else ():
            each = _means(rows(record, study=study, method=method))
            found[f"complexity-{method}-{of}"] = (each["bits"] / each["neurons"]).mean()
            found[f"gain-{method}-{of}"] = _below_independent(each)[0].mean()
            found[f"correlation-{method}-{of}"] = _below_independent(each, of_text=True)[0].mean()
            found[f"dimension-{of}"] = (each["dimension"] / each["neurons"]).mean()
            found[f"activity-{of}"] = each["activity"].mean()
            if study == "surrogates":
                found[f"beyond-{method}-{key}"] = found[f"gain-{method}-{key}"] - found[f"gain-{method}-{of}"]
    return found


def _numbers_of_halves(record: xr.Dataset) -> dict[str, float]:
    """Return by how much halves of a segment differ, and means of stimuli, a neuron."""
    found: dict[str, float] = {}
    for name in ("bits", "dimension") if record.sizes["estimate"] else ():
        table = rows(record, method=METHODS[0])[[name, "neurons", "stimulus", "segment", "start"]].to_dataframe()
        table["value"] = table[name] / table["neurons"]
        each = table.groupby(["stimulus", "segment"])["value"]
        found[f"within-{name}"] = float((each.max() - each.min()).mean())
        found[f"between-{name}"] = float(np.ptp(table.groupby("stimulus")["value"].mean()))
    return found


def answers(record: xr.Dataset, area: str, suffix: str, level: str = "movies") -> dict[str, str]:
    """Return in words whether both observables rise from spontaneous activity to a level, with the 95 % interval.

    Keys are the observable, what was done to the trains, and `suffix`, as in ``rise-complexity-rates-session``.
    """
    found = {}
    for observable, (_, _, key) in OBSERVABLES.items():
        for study in _RISES:
            rise = over_sessions(record, study, area, observable, level)
            if rise is None:
                continue
            mean, low, high = (float(each) for each in (rise.mean, rise.low, rise.high))
            word = "rises" if low > 0 else "falls" if high < 0 else "neither rises nor falls beyond its error"
            found[f"rise-{key}-{study}-{suffix}"] = f"{word} ({mean:+.3f}, {low:+.3f} to {high:+.3f})"
    return found


# -- tables -----------------------------------------------------------------------------------------------------------


def _table(record: xr.Dataset, source: str, **wanted: object) -> xr.Dataset:
    found = rows(record, source=source, **wanted)
    if not found.sizes["estimate"]:
        what = ", ".join(f"{name} {value!r}" for name, value in wanted.items())
        raise ValueError(f"This record has no {source} neurons with {what or 'any study'}: take a larger preset.")
    return found


def _studies(record: xr.Dataset, source: str) -> dict[str, xr.Dataset]:
    """Return what varies bins or neurons, by study, each with the estimates of what is varied as recorded."""
    plain = _table(record, source, study="stimuli")
    found = {}
    for study, (along, _) in _AXES.items():
        varied = rows(record, source=source, study=study)
        if varied.sizes["estimate"]:
            base = plain if study == "bins" else rows(plain, segment=0)  # subsets are of the first segment
            joined = xr.concat([varied, base], "estimate", data_vars="minimal", combine_attrs="drop_conflicts")
            joined[along] = joined[along].round(3)
            found[study] = joined
    if not found:
        raise ValueError(f"This record varies neither bins nor neurons of the {source} session: take a larger preset.")
    return found


def _frame(found: xr.Dataset, *more: str) -> pd.DataFrame:
    return found[list(dict.fromkeys([*_MEASURED, "segment", *more]))].to_dataframe()


def _means(found: xr.Dataset) -> pd.DataFrame:
    """Return one row a segment: the mean over draws of a surrogate."""
    return _frame(found).groupby("segment").mean()


def _below_independent(each: pd.DataFrame, *, of_text: bool = False) -> tuple[pd.Series, pd.Series]:
    """Percent by which bounds are below independent neurons, and its standard error.

    Of independent neurons with cross-fitted rates; or, as in the text's equation 10, with the rates of the sample.
    """
    alone = each["independent_bits"] if of_text else each["bits"] + each["gain"]
    return 100 * (1 - each["bits"] / alone), 100 * each["gain_error"] / alone


def _exact(stimulus: str, found: xr.Dataset) -> tuple[float, float]:
    """Return the exact entropy of a table's simulated neurons, and that of independent neurons of their rates."""
    population = simulated_population(stimulus, int(found["neurons"].max()))
    return population.bits, population.independent_bits


# -- drawing ----------------------------------------------------------------------------------------------------------


def _beside(record: xr.Dataset, source: str, study: str) -> Figure:
    """Draw activity, complexity and effective dimension by stimulus, beside a surrogate where there is one."""
    figure, panels = plt.subplots(1, 3, figsize=(7.6, 4.2), width_ratios=(0.8, 1.4, 1))
    plain = _table(record, source, study="stimuli")
    names = stimuli_of(plain)
    for place, stimulus in enumerate(names):
        alone: dict[str, pd.DataFrame] = {}
        for shift, name in ((-1, "stimuli"), (1, study)):
            found = rows(record, source=source, study=name, stimulus=stimulus)
            filled = name == "stimuli"
            words = "" if filled else f", {_SURROGATE_NAMES[study]}"
            alone[name] = each = _means(rows(found, method=INDEPENDENT))
            none = 0 * each["activity"]
            label = f"activity, dimension{words}"
            _points(panels[0], place + 0.17 * shift, 100 * each["activity"], none, label, "in sample", filled)
            dimension, error = each["dimension"] / each["neurons"], each["dimension_error"] / each["neurons"]
            _points(panels[2], place + 0.17 * shift, dimension, error, label, "in sample", filled)
            for number, method in enumerate(METHODS):
                each = _means(rows(found, method=method))
                bits, error = each["bits"] / each["neurons"], each["standard_error"] / each["neurons"]
                label = METHOD_NAMES[method] + words
                _points(panels[1], place + 0.2 * shift + 0.18 * (number - 0.5), bits, error, label, method, filled)
            each = alone[name]
            if len(each):
                at = place + np.array([-0.4, 0.0]) if shift < 0 else place + np.array([0.0, 0.4])
                mean = np.repeat((each["bits"] / each["neurons"]).mean(), 2)
                panels[1].plot(at, mean, color=colour("black"), linewidth=1.2, label=_ROW_NAMES[INDEPENDENT])
    panels[0].axhspan(
        *(100 * share for share in ACTIVE), color=colour("grey"), alpha=BAND_ALPHA, label="the text's range"
    )
    for axes, text in zip(
        panels, ("active (% of bins)", "complexity\nper neuron (bits)", "effective dimension\nper neuron"), strict=True
    ):
        _name_stimuli(axes, names)
        axes.set(ylabel=text, ylim=(0, None))
    panel_labels(panels)
    legend_below(figure, list(panels), 2)
    return figure


def _curve(axes: Axes, x: pd.Series, values: pd.Series, stimulus: str) -> None:
    """Draw the mean at each abscissa as a line, and all values as small points."""
    style: dict[str, Any] = {"color": colour(_shade(stimulus)), "marker": _mark(stimulus)}
    axes.plot(x, values, linestyle="", alpha=0.5, markersize=2.5, **style)
    mean = values.groupby(x).mean()
    axes.plot(mean.index, mean.values, label=_words(stimulus), linewidth=1.5, markersize=4.5, **style)


def _points(
    axes: Axes,
    place: float,
    values: pd.Series,
    error: pd.Series,
    label: str | None,
    method: str,
    filled: bool = True,
) -> None:
    """Draw one point a segment, with bars of two standard errors, and their mean as a short line."""
    if not len(values):
        return
    style = _mark_of(method, filled)
    spread = 0.035 * (np.arange(len(values)) - (len(values) - 1) / 2)
    bars = 2 * error.to_numpy()
    axes.errorbar(
        place + spread,
        values.to_numpy(),
        bars if np.any(bars > 0) else None,
        linestyle="",
        markersize=4,
        elinewidth=0.9,
        label=label,
        **style,
    )
    if len(values) > 1:
        axes.hlines(values.mean(), place - 0.1, place + 0.1, color=style["color"], linewidth=1.6)


def _mark_of(method: str, filled: bool) -> dict[str, Any]:
    known = method in (*METHODS, "xgboost")
    shade = colour(method) if known else colour("black" if method == "in sample" else "grey")
    marker = MARKS[method] if known else "^" if method == INDEPENDENT else "o"
    return {"color": shade, "marker": marker, "markerfacecolor": shade if filled else "white"}


def _name_stimuli(axes: Axes, names: list[str]) -> None:
    axes.set_xticks(range(len(names)), labels=[_words(name) for name in names], rotation=35, ha="right", fontsize=9)
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.55, len(names) - 0.45)
    axes.set_xlabel("stimulus")
    axes.grid(False, axis="x")


def _name_along(axes: Axes, joined: xr.Dataset, study: str) -> None:
    """Give the axis of what a study varies its name, and a tick at each value."""
    along, text = _AXES[study]
    ticks = np.unique(joined[along].values)
    axes.set(xscale="log", xlabel=text)
    axes.set_xticks(ticks, labels=[f"{tick:.2g}" if study == "bins" else f"{tick:.0f}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())


def _words(stimulus: str) -> str:
    return stimulus.replace("_", " ")


def _key(stimulus: str) -> str:
    return _words(stimulus).replace(" ", "-")


def _rank(stimulus: str) -> int:
    return next((rank for rank, kind in enumerate(KINDS) if kind in stimulus), len(KINDS))


def _shade(stimulus: str) -> str:
    """Name the colour of a stimulus, which those of one kind share."""
    return KINDS[_rank(stimulus)] if _rank(stimulus) < len(KINDS) else "brown"


def _mark(stimulus: str) -> str:
    """Give movies, of which a session shows several, marks of their own."""
    return {"one": "^", "two": "v", "three": "s"}.get(stimulus.rsplit("_", 1)[-1], "o")
