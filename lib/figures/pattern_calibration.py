"""Figures of chapter 5 on how good estimates of the entropy of many units are: a Dataset in, a figure out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.claims.pattern_calibration import excess_in_errors, spread_of_orders
from lib.experiments.pattern_calibration import BOUNDING, LATTICE, SPARSE
from lib.figures._networks import legend_below
from lib.figures.style import BAND_ALPHA, colour, heading, look, panel_labels
from lib.measures.extrapolation import Extrapolation, extrapolate
from lib.measures.statistics import seed_interval

METHOD_NAMES = {
    "autoregressive": "masked network",
    "xgboost": "xgboost",
    "logistic": "logistic",
    "plugin": "plug-in",
    "miller-madow": "Miller-Madow",
    "grassberger": "Grassberger",
}
"""Methods as a reader knows them."""

MARKS = dict(zip(METHOD_NAMES, "osD^v<", strict=True))
"""Marker of each method, so that colour is not needed alone."""

SIZES = 4
"""Sample sizes that a curve must have to be extrapolated."""

_LINEAR = 1.0  # percent up to which axes of excess are linear
_TICKS = (-100, -10, -1, 0, 1, 10, 100)


def excess_percent(record: xr.Dataset) -> xr.DataArray:
    """Return by how much each estimate exceeds the truth in percent, dimensions system, estimator, samples, seed."""
    return 100 * (record["bits"] / record["truth"] - 1)


def _interval(values: xr.DataArray) -> np.ndarray:
    """Return mean and 95 % interval over those seeds that there are, for each place along the other dimension."""
    found = []
    for row in values.transpose(..., "seed").values:
        known = row[np.isfinite(row)]
        one = seed_interval(known) if len(known) else None
        found.append((np.nan,) * 3 if one is None else (one.mean, one.low, one.high))
    return np.array(found, dtype=float).T


def _line(axes: Axes, x: np.ndarray, values: xr.DataArray, method: str, **style: object) -> None:
    """Draw the mean over seeds with marks, and its interval as a band."""
    mean, low, high = _interval(values)
    known = np.isfinite(mean)
    if known.any():
        axes.plot(
            x[known], mean[known], marker=MARKS[method], **{"label": METHOD_NAMES[method], **look(method), **style}
        )
        axes.fill_between(x, low, high, color=colour(method), alpha=BAND_ALPHA, linewidth=0)


def _percent(axes: Axes, values: xr.DataArray) -> None:
    """Give an axis of excess its scale: linear about the truth, logarithmic beyond, and a line at the truth."""
    axes.set_yscale("symlog", linthresh=_LINEAR, linscale=0.7)
    low, high = float(values.min()), float(values.max())
    low, high = max(min(low * 1.5, -0.5), -100), max(high * 1.5, 2.0)
    axes.set_ylim(low, high)
    shown = [tick for tick in _TICKS if low <= tick <= high]
    axes.set_yticks(shown, labels=[f"{tick:g}".replace("-", "−") for tick in shown], minor=False)
    axes.set_yticks([], minor=True)
    axes.axhline(0, zorder=1, **look("theory"))


def excess(record: xr.Dataset) -> Figure:
    """Draw the excess of each method over the truth against the number of samples, a panel per system."""
    percent = excess_percent(record)
    systems = record["system"].values
    columns = min(4, len(systems))
    rows = -(-len(systems) // columns)
    figure, grid = plt.subplots(rows, columns, figsize=(7.2, 1.2 + 2.1 * rows), sharex=True, sharey=True, squeeze=False)
    samples = record["samples"].values
    for axes, system in zip(grid.flat, systems, strict=False):
        for method in record["estimator"].values:
            _line(axes, samples, percent.sel(system=system, estimator=method), str(method), markersize=4, linewidth=1.6)
        _percent(axes, percent)
        axes.set_xscale("log")
        axes.set_xticks(samples, labels=[_short(value) for value in samples], fontsize=8.5)
        axes.set_xticks([], minor=True)
        axes.set_xlim(samples[0] / 1.5, samples[-1] * 1.5)
        heading(axes, str(system))
    for axes in grid.flat[len(systems) :]:
        axes.set_axis_off()
    for number, axes in enumerate(grid.flat[: len(systems)]):
        if number % columns == 0:
            axes.set_ylabel("excess (%)")
        if number + columns >= len(systems):
            axes.set_xlabel("samples")
            axes.xaxis.set_tick_params(labelbottom=True)
    legend_below(figure, list(grid.flat[: len(systems)]), 3)
    return figure


def extrapolated(record: xr.Dataset) -> dict[str, Extrapolation]:
    """Extrapolate the masked network's bounds on each system to unlimited samples, from means over seeds."""
    found = {}
    for system in map(str, record["system"].values):
        bits = record["bits"].sel(system=system, estimator="autoregressive")
        mean = bits.mean("seed").values
        error = bits.std("seed", ddof=1).values / np.sqrt(bits.count("seed").values)
        found[system] = extrapolate(record["samples"].values, mean, np.maximum(error, 1e-3))
    return found


def ends(record: xr.Dataset) -> Figure:
    """Draw the masked network's bound at the largest size and where its curve ends, beside the truth, by system."""
    figure, axes = plt.subplots(figsize=(6.4, 3.4))
    percent = excess_percent(record).sel(estimator="autoregressive").isel(samples=-1)
    for place, (system, end) in enumerate(extrapolated(record).items()):
        truth = float(record["truth"].sel(system=system))
        bound = seed_interval(percent.sel(system=system).dropna("seed").values)
        axes.errorbar(
            bound.mean,
            place - 0.15,
            xerr=[[bound.mean - bound.low], [bound.high - bound.mean]],
            fmt="o",
            capsize=3,
            color=colour("autoregressive"),
            label="bound, largest sample" if not place else None,
        )
        middle, low, high = (100 * (value / truth - 1) for value in (end.bits, end.low, end.high))
        axes.errorbar(
            middle,
            place + 0.15,
            xerr=[[middle - low], [high - middle]],
            fmt="s",
            capsize=3,
            color=colour("final"),
            label="extrapolated" if not place else None,
        )
    axes.axvline(0, zorder=1, label="exact", **look("theory"))
    systems = [str(system) for system in record["system"].values]
    axes.set_yticks(range(len(systems)), labels=systems)
    axes.invert_yaxis()
    axes.set_xlabel("excess over the truth (%)")
    axes.set_ylabel("system")
    legend_below(figure, [axes], 3)
    return figure


def _short(samples: int) -> str:
    return f"{samples / 1000:g}k" if samples % 100 == 0 and samples >= 1000 else str(samples)


def one_system(record: xr.Dataset, system: str) -> Figure:
    """Draw the estimates of one system in bits against the number of samples.

    Beside them the exact entropy, what independent units would have, and the most that counting can say of n samples.
    """
    at = record.sel(system=system)
    samples = record["samples"].values
    figure, axes = plt.subplots(figsize=(7.2, 4.2))
    for method in record["estimator"].values:
        _line(axes, samples, at["bits"].sel(estimator=method), str(method), markersize=4, linewidth=1.6)
    truth, alone = float(at["truth"]), float(at["independent_bits"])
    ends = np.array([samples[0] / 1.2, samples[-1] * 1.2])
    axes.plot(ends, [truth, truth], label="exact", **look("theory"))
    axes.plot(ends, [alone, alone], label="independent units", **look("nominal"))
    axes.plot(ends, np.log2(ends), label="log₂ of the samples", **{**look("nominal"), "color": colour("grey")})
    axes.set(xscale="log", xlim=ends, ylim=(0, None), xlabel="samples", ylabel="entropy (bits)")
    axes.set_xticks(samples, labels=[_short(value) for value in samples])
    axes.set_xticks([], minor=True)
    legend_below(figure, [axes], 3)
    return figure


def leakage(record: xr.Dataset) -> Figure:
    """Draw what repeated patterns do to each method: repeats in one fold, and repeats split between folds."""
    truth = float(record["truth"].sel(system=LATTICE))
    methods = [method for method in record["estimator"].values if method in BOUNDING]
    methods = [method for method in methods if np.isfinite(record["grouped_bits"].sel(estimator=method)).any()]
    figure, grid = plt.subplots(1, len(methods), figsize=(7.2, 3.3), sharey=True, squeeze=False)
    updates = record["updates"].values
    place = np.arange(len(updates))
    for axes, method in zip(grid.flat, methods, strict=True):
        for name, label, style in (
            ("grouped_bits", "repeats in one fold", {}),
            ("split_bits", "repeats split between folds", {"linestyle": (0, (4, 2)), "markerfacecolor": "white"}),
        ):
            percent = 100 * (record[name].sel(estimator=method) / truth - 1)
            _line(axes, place, percent, str(method), label=label, **style)
        axes.axhline(0, zorder=1, **look("theory"))
        axes.set_xticks(place, labels=[str(value) for value in updates])
        axes.set(xlabel="updates apart", xlim=(-0.3, len(updates) - 0.7))
        heading(axes, METHOD_NAMES[str(method)])
    grid[0, 0].set_ylabel("excess over the truth (%)")
    legend_below(figure, [grid[0, 0]], 2)
    panel_labels(grid)
    return figure


def cost(record: xr.Dataset, systems: Sequence[str] = (LATTICE, "common factor", SPARSE)) -> Figure:
    """Draw excess against the time taken: a mark a method and size, joined from the smallest sample to the largest."""
    percent = excess_percent(record)
    shown = [system for system in systems if system in record["system"].values]
    figure, grid = plt.subplots(1, len(shown), figsize=(7.2, 3.6), sharey=True, squeeze=False)
    sizes = np.linspace(25, 90, record.sizes["samples"])
    for axes, system in zip(grid.flat, shown, strict=True):
        for method in record["estimator"].values:
            at = {"system": system, "estimator": method}
            x, y = (_interval(each.sel(at))[0] for each in (record["seconds"], percent))
            known = np.isfinite(x)
            style = look(str(method))
            mark = {"marker": MARKS[str(method)], **style}
            axes.plot(x[known], y[known], linewidth=0.8, **style)
            axes.scatter(x[known], y[known], s=sizes[known], **mark)
            axes.plot([], [], linestyle="none", label=METHOD_NAMES[str(method)], **mark)  # one size in the legend
        _percent(axes, percent.sel(system=shown))
        axes.set(xscale="log", xlabel="seconds")
        heading(axes, system)
    grid[0, 0].set_ylabel("excess over the truth (%)")
    legend_below(figure, list(grid.flat), 3)
    panel_labels(grid)
    return figure


def numbers(record: xr.Dataset) -> dict[str, float]:
    """Return the numbers that the chapter's prose quotes, rounded.

    ``excess-METHOD-SYSTEM``: excess of a method in percent at its largest size there; ``largest-METHOD`` and
    ``smallest-METHOD`` over systems, at the record's largest size or, for a method that was spared it, at its own.
    ``errors``: smallest single estimate of the bounding methods less the truth, in standard errors.
    ``leak-METHOD``: bits by which exact repeats that are split between folds fall below the truth. ``orders-METHOD``:
    largest difference between orders of the units, in percent. ``seconds-METHOD``: of one estimate of the recording.
    """
    percent = excess_percent(record).mean("seed")
    found: dict[str, float] = {"samples": int(record["samples"].max()), "seeds": record.sizes["seed"]}
    for method in map(str, record["estimator"].values):
        last = []
        for system in map(str, record["system"].values):
            known = percent.sel(estimator=method, system=system).dropna("samples").values
            if len(known):
                last.append(float(known[-1]))
                found[f"excess-{method}-{system.replace(' ', '-')}"] = round(last[-1], 2)
        if last:
            found[f"largest-{method}"], found[f"smallest-{method}"] = round(max(last), 1), round(min(last), 1)
    bounding = [str(method) for method in record["estimator"].values if method in BOUNDING]
    found["errors"] = round(float(excess_in_errors(record.sel(estimator=bounding)).min()), 1)
    truth = float(record["truth"].sel(system=LATTICE))
    for method in bounding:
        if 0 in record["updates"].values:
            leak = truth - record["split_bits"].sel(estimator=method, updates=0).mean("seed")
            found[f"leak-{method}"] = round(float(leak), 1)
        found[f"orders-{method}"] = round(float(spread_of_orders(record).sel(estimator=method).max()), 1)
        found[f"seconds-{method}"] = round(float(record["recording_seconds"].sel(estimator=method).mean()), 1)
        found[f"recording-{method}"] = round(float(record["recording_bits"].sel(estimator=method).mean()), 2)
    if record.sizes["samples"] >= SIZES:
        limits = extrapolated(record)
        truths = {system: float(record["truth"].sel(system=system)) for system in limits}
        found["ends"] = len(limits)
        found["ends-right"] = sum(end.low <= truths[system] <= end.high for system, end in limits.items())
        found["ends-worst"] = round(max(100 * abs(end.bits / truths[system] - 1) for system, end in limits.items()), 1)
    return {name: value + 0 for name, value in found.items() if np.isfinite(value)}  # -0.0 + 0 has no sign
