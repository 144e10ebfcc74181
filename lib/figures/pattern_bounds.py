"""Figures of chapter 5 on bounds for a real layer: a Dataset of `lib.experiments.pattern_bounds` in, a figure out."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from lib.experiments.estimates import rows
from lib.figures._networks import legend_below
from lib.figures.pattern_calibration import METHOD_NAMES
from lib.figures.style import BAND_ALPHA, colour, look, panel_labels
from lib.measures.extrapolation import Extrapolation, extrapolate
from lib.measures.statistics import seed_interval

LARGE = "autoregressive, large"
"""Key of the masked network at the large budget that is followed over sample sizes, beside its default."""

_NAMES = {**METHOD_NAMES, LARGE: f"{METHOD_NAMES['autoregressive']}, large"}

_ENDS = {"autoregressive": "default", LARGE: "large"}
_BEYOND = 6.0  # times the largest number of patterns, where the second of them is drawn


def caption_of(record: xr.Dataset) -> str:
    """Return in words what a record is: network, patterns, preset, machine, seconds and day."""
    samples = int(record["samples"].max())
    return (
        f"{record.attrs['network']} on {record.attrs['dataset']}, up to {samples:,} patterns of "
        f"{int(record.attrs['units_of_layer'])} units; preset {record.attrs['preset']}, {record.attrs['device']}, "
        f"{float(record.attrs['wall_time_s']):.0f} s, made {str(record.attrs['created'])[:10]}"
    )


def _look(method: str) -> dict[str, Any]:
    if method == LARGE:
        return {"color": colour("autoregressive"), "linestyle": (0, (4, 1.5))}
    return look(method)


def _curves(record: xr.Dataset) -> dict[str, xr.Dataset]:
    """Rows of the study of sample sizes, for each method, and for the masked network at a large budget."""
    found = rows(record, study="samples")
    largest = int(found["hidden"].max())
    return {
        "autoregressive": rows(found, method="autoregressive", hidden=0),
        LARGE: rows(found, method="autoregressive", hidden=largest),
        "logistic": rows(found, method="logistic"),
        "xgboost": rows(found, method="xgboost"),
    }


def bits_against_seconds(record: xr.Dataset) -> Figure:
    """Draw each estimate of all patterns against the time that it took."""
    found = rows(record, study="budget")
    figure, axes = plt.subplots(figsize=(5.6, 3.4))
    ladder = rows(found, method="autoregressive").sortby("seconds")
    own = rows(ladder, hidden=0)
    given = ladder.isel(estimate=np.flatnonzero(ladder["hidden"].values > 0))
    name, style = _NAMES["autoregressive"], look("autoregressive")
    axes.plot(given["seconds"], given["bits"], marker="o", markersize=4, label=f"{name}, by budget", **style)
    for row in range(given.sizes["estimate"]):
        one = given.isel(estimate=row)
        axes.annotate(
            f"{int(one['hidden'])} units\n{int(one['steps']):,} steps",
            (float(one["seconds"]), float(one["bits"])),
            (0, 9) if row % 2 else (0, -9),
            textcoords="offset points",
            fontsize=7.5,
            ha="center",
            va="bottom" if row % 2 else "top",
        )
    axes.plot(own["seconds"], own["bits"], "*", markersize=13, color=style["color"], label=f"{name}, default")
    for method, marker in (("xgboost", "s"), ("logistic", "D")):
        one = rows(found, method=method)
        axes.plot(one["seconds"], one["bits"], marker, markersize=7, color=colour(method), label=_NAMES[method])
    axes.set(xscale="log", xlabel="seconds", ylabel="bound (bits)")
    axes.margins(0.1, 0.2)
    legend_below(figure, [axes], 3)
    return figure


def bits_against_samples(record: xr.Dataset) -> Figure:
    """Draw bounds and the collision entropy against the number of patterns.

    At the right, apart from the axis, where the masked network's bounds end: default budget (filled) and large (open).
    """
    figure, axes = plt.subplots(figsize=(5.8, 3.6))
    last = 0.0
    for method, found in _curves(record).items():
        samples, mean, low, high = _over_seeds(found)
        axes.plot(samples, mean, marker="o", markersize=3.5, label=_NAMES[method], **_look(method))
        axes.fill_between(samples, low, high, color=_look(method)["color"], alpha=BAND_ALPHA, linewidth=0)
        last = max(last, samples.max())
    for (method, text), place in zip(_ENDS.items(), (_BEYOND / 2, _BEYOND), strict=True):
        end, shade = limit(record, method), _look(method)["color"]
        bar = [[end.bits - end.low], [end.high - end.bits]]
        face = shade if method == "autoregressive" else "white"
        axes.errorbar(last * place, end.bits, bar, fmt="o", capsize=3, color=shade, markerfacecolor=face)
        axes.annotate(
            text, (last * place, end.low), (0, -5), textcoords="offset points", ha="center", va="top", fontsize=7.5
        )
    axes.axvline(last * _BEYOND**0.3, color=colour("grey"), linewidth=0.6)  # right of it the axis is none
    below = rows(record, study="coincidences", layer=-1)
    shown = np.isfinite(below["bits"].values)
    axes.errorbar(
        below["samples"].values[shown],
        below["bits"].values[shown],
        2 * below["standard_error"].values[shown],
        label="collision entropy, from below",
        marker="v",
        markersize=4,
        color=colour("black"),
        linewidth=1.2,
    )
    axes.axhline(float(_curves(record)["xgboost"]["independent_bits"].values[-1]), **look("nominal"))
    middle = last * _BEYOND / 2**0.5
    axes.annotate("∞", (middle, 0.02), xycoords=("data", "axes fraction"), ha="center", fontsize=12)
    axes.set(xscale="log", xlabel="patterns", ylabel="entropy (bits)", ylim=(0, None))
    axes.set_xlim(right=last * 2 * _BEYOND)
    legend_below(figure, [axes], 3)
    return figure


def limit(record: xr.Dataset, method: str = LARGE) -> Extrapolation:
    """Extrapolate the bounds of a method to unlimited samples, from means over seeds."""
    samples, mean, _, _ = _over_seeds(_curves(record)[method])
    errors = _curves(record)[method].to_dataframe().groupby("samples")["standard_error"].mean().to_numpy()
    return extrapolate(samples, mean, np.maximum(errors, 1e-3))


def _over_seeds(found: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sample sizes, mean bits and the interval over seeds; where one seed was run, twice the standard error."""
    table = []
    for samples in np.unique(found["samples"].values):
        alike = rows(found, samples=samples)
        bits = alike["bits"].values
        error = 2 * float(alike["standard_error"].values.mean())
        spread = seed_interval(bits)
        low, high = (float(spread.low), float(spread.high)) if len(bits) > 1 else (bits[0] - error, bits[0] + error)
        table.append((float(samples), float(spread.mean), low, high))
    samples_, mean, lows, highs = np.array(table).T
    return samples_, mean, lows, highs


def folds_and_groups(record: xr.Dataset) -> Figure:
    """Draw what 5 folds give beside 2, and what torn images give beside whole ones, in percent."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.0))
    for method in ("autoregressive", "xgboost"):
        found = rows(record, study="folds", method=method)
        points = []
        for samples in np.unique(found["samples"].values):
            two, five = (rows(found, samples=samples, folds=folds).sortby("draw")["bits"].values for folds in (2, 5))
            percent = 100 * (two / five - 1)
            points.append((float(samples), percent.mean(), np.ptp(percent) / 2))
        if points:
            x, y, spread = np.array(points).T
            left.errorbar(x, y, spread, marker="o", markersize=4, capsize=3, label=_NAMES[method], **look(method))
        found = rows(record, study="groups", method=method).sortby("samples")
        torn, whole = (rows(found, grouped=grouped) for grouped in (0, 1))
        percent = 100 * (torn["bits"].values / whole["bits"].values - 1)
        right.plot(whole["samples"], percent, marker="o", markersize=4, label=_NAMES[method], **look(method))
    for axes, text in ((left, "2 folds over 5 (excess in %)"), (right, "change if images are torn (%)")):
        axes.axhline(0, **look("nominal"))
        axes.set(xscale="log", xlabel="patterns", ylabel=text)
    panel_labels([left, right])
    legend_below(figure, [left], 2)
    return figure


def layers(record: xr.Dataset) -> Figure:
    """Draw both bounds and the collision entropy of every layer, and by how much the text's estimator is looser."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.1), width_ratios=(1.4, 1))
    found = rows(record, study="layers")
    of = {method: rows(found, method=method).sortby("layer") for method in ("xgboost", "autoregressive")}
    below = rows(record, study="coincidences", images=int(found["images"].max()))
    below = below.isel(estimate=np.flatnonzero(below["layer"].values >= 0)).sortby("layer")
    place = of["xgboost"]["layer"].values
    left.plot(place, of["xgboost"]["independent_bits"], label="independent units", **look("nominal"))
    for method, table in of.items():
        left.plot(place, table["bits"], label=_NAMES[method], **look(method))
    style: dict[str, Any] = {"color": colour("black"), "linewidth": 1.2, "marker": "v", "markersize": 3}
    left.plot(below["layer"], below["bits"], label="collision entropy", **style)
    looser = 100 * (of["xgboost"]["bits"].values / of["autoregressive"]["bits"].values - 1)
    right.plot(place, looser, color=colour("xgboost"))
    right.axhline(0, **look("nominal"))
    left.set(xlabel="layer", ylabel="entropy (bits)", ylim=(0, None))
    right.set(xlabel="layer", ylabel="excess of xgboost (%)")
    panel_labels([left, right])
    legend_below(figure, [left], 4)
    return figure


def numbers(record: xr.Dataset, suffix: str) -> dict[str, float]:
    """Return what the prose says of a table; names end with `suffix`."""
    budget = rows(record, study="budget")
    ours, theirs = (rows(budget, method=method, hidden=0) for method in ("autoregressive", "xgboost"))
    ladder = rows(budget, method="autoregressive")
    tightest = ladder.isel(estimate=int(ladder["bits"].values.argmin()))
    curves = _curves(record)
    end = limit(record)
    below = rows(record, study="coincidences", layer=-1).sortby("samples").isel(estimate=-1)
    found = {
        "patterns": ours["samples"].values[0],
        "units": record.attrs["units_of_layer"],
        "independent": ours["independent_bits"].values[0],
        "bits": ours["bits"].values[0],
        "seconds": ours["seconds"].values[0],
        "bits-xgboost": theirs["bits"].values[0],
        "seconds-xgboost": theirs["seconds"].values[0],
        "tighter": 100 * (1 - ours["bits"].values[0] / theirs["bits"].values[0]),
        "faster": theirs["seconds"].values[0] / ours["seconds"].values[0],
        "bits-tightest": tightest["bits"],
        "bits-tightest-error": tightest["standard_error"],
        "seconds-tightest": tightest["seconds"],
        "tightest": 100 * (1 - float(tightest["bits"]) / theirs["bits"].values[0]),
        "few-bits": curves["autoregressive"].sortby("samples")["bits"].values[0],
        "few-patterns": curves["autoregressive"]["samples"].min(),
        "limit": end.bits,
        "limit-low": end.low,
        "limit-high": end.high,
        "limit-exponent": end.exponent,
        "collisions": below["bits"],
        "collisions-error": below["standard_error"],
    }
    folds = rows(record, study="folds").to_dataframe()
    if len(folds):
        seconds = folds.groupby(["method", "samples", "folds"])["seconds"].mean().unstack()
        slower = seconds[5] / seconds[2]
        found |= {"slower-least": slower.min(), "slower-most": slower.max()}
    if "orders" in record["study"].values:
        orders = rows(record, study="orders")["bits"].values
        found["orders"] = 100 * np.ptp(orders) / orders.mean()
    if "groups" in record["study"].values:
        groups = rows(record, study="groups", method="autoregressive").sortby("samples")
        torn, whole = (rows(groups, grouped=grouped)["bits"].values for grouped in (0, 1))
        found |= {"leak": 100 * (torn / whole - 1)[0], "leak-all": 100 * (torn / whole - 1)[-1]}
    if "layers" in record["study"].values:
        of = {
            m: rows(record, study="layers", method=m).sortby("layer")["bits"].values
            for m in ("xgboost", "autoregressive")
        }
        looser = 100 * (of["xgboost"] / of["autoregressive"] - 1)
        found |= {"looser-least": looser.min(), "looser-most": looser.max(), "looser-first": looser[0]}
    return {f"{name}-{suffix}": round(float(value), 6) for name, value in found.items()}
