"""Figures of chapter 9 on what neurons do by stimulus, area and time: a Dataset of `lib.experiments.cortex` in.

Activity, complexity and effective dimension, and their rise from stimulus to stimulus, beside trains that were shifted
or thinned. Bars are two standard errors over blocks of time, and short lines are means over segments, unless a figure
says otherwise.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from lib.claims.cortex import ACTIVE, over_sessions
from lib.data.recording import Recording
from lib.experiments.cortex import METHODS
from lib.experiments.estimates import rows
from lib.figures._cortex import (
    INDEPENDENT,
    METHOD_ROWS,
    draw_segments,
    frame,
    look_of,
    marker_of,
    name_of,
    rank_of,
    segment_means,
    shade_of,
    stimulus_axis,
    table_of,
)
from lib.figures._networks import legend_below
from lib.figures.pattern_calibration import METHOD_NAMES
from lib.figures.style import BAND_ALPHA, colour, heading, look, panel_labels

OBSERVABLES = {
    "complexity, logistic": ("complexity\n(bits per neuron)", "logistic", "complexity"),
    "effective dimension, binary": ("effective dimension\nper neuron", INDEPENDENT, "dimension"),
}
"""Observables of `lib.claims.cortex` that are drawn: name of the axis, method, and key of `cortex_numbers.answers`."""

RISES = {"stimuli": "as recorded", "surrogates": "trains shifted", "rates": "rates made equal"}
"""What was done to the trains before a rise is read, by study."""

_SURROGATE_NAMES = {study: RISES[study] for study in ("surrogates", "rates")}


def stimuli_of(record: xr.Dataset) -> list[str]:
    """Return the stimuli of a table in the text's order; kinds that it does not have come last.

    Examples
    --------
    >>> stimuli_of(xr.Dataset({"stimulus": ("estimate", ["natural movie", "noise", "static gratings"])}))
    ['static gratings', 'natural movie', 'noise']
    """
    names = {str(name) for name in record["stimulus"].values}
    return sorted(names, key=lambda name: (rank_of(name), name))


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
            axes.axvspan(left, right, color=colour(shade_of(epoch.name)), alpha=0.13, linewidth=0, zorder=0)
        top.annotate(
            name_of(epoch.name),
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
    table_of(record, source, study="rates")
    return _beside(record, source, "rates")


def rises(record: xr.Dataset, area: str, level: str = "movies") -> Figure:
    """Draw by how much both observables rise from spontaneous activity to a level, per neuron, with 95 % intervals.

    As recorded, with trains shifted, and with rates made equal: what is left of a rise.
    """
    figure, panels = plt.subplots(1, len(OBSERVABLES), figsize=(7.2, 2.7), sharey=True)
    for axes, (observable, (text, _, _)) in zip(panels, OBSERVABLES.items(), strict=True):
        for place, study in enumerate(RISES):
            found = over_sessions(record, study, area, observable, level)
            if found is None:
                continue
            mean, low, high = (float(each) for each in (found.mean, found.low, found.high))
            style = look_of("in sample", study == "stimuli")
            axes.errorbar(mean, place, xerr=[[mean - low], [high - mean]], linestyle="", markersize=6, **style)
        axes.axvline(0, color=colour("grey"), linewidth=0.9, zorder=0)
        axes.set(xlabel="rise of " + text, ylim=(len(RISES) - 0.5, -0.5))
        axes.set_yticks(range(len(RISES)), labels=list(RISES.values()))
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
            stimulus_axis(axes, names)
            axes.set(ylim=(0, None), xlabel="")
            if area == areas[0]:
                axes.set_ylabel(text)
        heading(column[0], f"{area}\n{len(sessions)} session{'s' * (len(sessions) > 1)}")
        column[1].set_xlabel("stimulus")
    panel_labels(grid)
    return figure


def over_time(record: xr.Dataset, source: str) -> Figure:
    """Draw activity, complexity and effective dimension per neuron of each segment against when it was recorded.

    What drifts over the session lies along a line whatever is shown. Bars: two standard errors over blocks of time.
    """
    plain = table_of(record, source, study="stimuli")
    figure, panels = plt.subplots(1, 3, figsize=(7.6, 3.5))
    for stimulus in stimuli_of(plain):
        style = {"color": colour(shade_of(stimulus)), "marker": marker_of(stimulus), "linestyle": "", "markersize": 4.5}
        alone, bound = (
            frame(rows(plain, stimulus=stimulus, method=method), "start") for method in (INDEPENDENT, "logistic")
        )
        minutes, label = alone["start"] / 60, name_of(stimulus)
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


def halves(record: xr.Dataset, source: str) -> Figure:
    """Draw complexity and effective dimension per neuron in the second half of each segment against the first.

    Masked network, from half as many bins as the whole segment has. Diagonal: both halves alike.
    """
    figure, panels = plt.subplots(1, 2, figsize=(7.0, 3.7))
    found = rows(table_of(record, source, study="halves"), method=METHODS[0])
    for stimulus in stimuli_of(found):
        each = rows(found, stimulus=stimulus).sortby("start")
        one, two = (each.isel(estimate=np.arange(k, each.sizes["estimate"], 2)) for k in (0, 1))
        style = {"color": colour(shade_of(stimulus)), "marker": marker_of(stimulus), "linestyle": "", "markersize": 4.5}
        for axes, name, error in zip(panels, ("bits", "dimension"), ("standard_error", None), strict=True):
            x, y = ((half[name] / half["neurons"]).values for half in (one, two))
            bars = [None if error is None else (2 * half[error] / half["neurons"]).values for half in (one, two)]
            axes.errorbar(x, y, xerr=bars[0], yerr=bars[1], elinewidth=0.9, label=name_of(stimulus), **style)
    for axes, text in zip(panels, ("complexity per neuron (bits)", "effective dimension per neuron"), strict=True):
        low, high = min(axes.get_xlim()[0], axes.get_ylim()[0]), max(axes.get_xlim()[1], axes.get_ylim()[1])
        axes.plot([low, high], [low, high], zorder=0, **look("nominal"))
        axes.set(xlabel=f"{text},\nfirst half", ylabel="second half", xlim=(low, high), ylim=(low, high))
        axes.set_box_aspect(1)
    panel_labels(panels)
    legend_below(figure, list(panels), 4)
    return figure


def _beside(record: xr.Dataset, source: str, study: str) -> Figure:
    """Draw activity, complexity and effective dimension by stimulus, beside a surrogate where there is one."""
    figure, panels = plt.subplots(1, 3, figsize=(7.6, 4.2), width_ratios=(0.8, 1.4, 1))
    plain = table_of(record, source, study="stimuli")
    names = stimuli_of(plain)
    for place, stimulus in enumerate(names):
        alone: dict[str, pd.DataFrame] = {}
        for shift, name in ((-1, "stimuli"), (1, study)):
            found = rows(record, source=source, study=name, stimulus=stimulus)
            filled = name == "stimuli"
            words = "" if filled else f", {_SURROGATE_NAMES[study]}"
            alone[name] = each = segment_means(rows(found, method=INDEPENDENT))
            none = 0 * each["activity"]
            label = f"activity, dimension{words}"
            draw_segments(panels[0], place + 0.17 * shift, 100 * each["activity"], none, label, "in sample", filled)
            dimension, error = each["dimension"] / each["neurons"], each["dimension_error"] / each["neurons"]
            draw_segments(panels[2], place + 0.17 * shift, dimension, error, label, "in sample", filled)
            for number, method in enumerate(METHODS):
                each = segment_means(rows(found, method=method))
                bits, error = each["bits"] / each["neurons"], each["standard_error"] / each["neurons"]
                label = METHOD_NAMES[method] + words
                draw_segments(
                    panels[1], place + 0.2 * shift + 0.18 * (number - 0.5), bits, error, label, method, filled
                )
            each = alone[name]
            if len(each):
                at = place + np.array([-0.4, 0.0]) if shift < 0 else place + np.array([0.0, 0.4])
                mean = np.repeat((each["bits"] / each["neurons"]).mean(), 2)
                panels[1].plot(at, mean, color=colour("black"), linewidth=1.2, label=METHOD_ROWS[INDEPENDENT])
    panels[0].axhspan(
        *(100 * share for share in ACTIVE), color=colour("grey"), alpha=BAND_ALPHA, label="the text's range"
    )
    for axes, text in zip(
        panels, ("active (% of bins)", "complexity\nper neuron (bits)", "effective dimension\nper neuron"), strict=True
    ):
        stimulus_axis(axes, names)
        axes.set(ylabel=text, ylim=(0, None))
    panel_labels(panels)
    legend_below(figure, list(panels), 2)
    return figure
