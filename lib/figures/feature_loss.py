"""Figures of chapter 8 on the loss of features: a Dataset of `lib.experiments.feature_loss` in, a figure out."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lib.claims._feature_loss import change, fall, last, pick
from lib.claims._judging import over_seeds
from lib.claims.fragility import jumps
from lib.experiments.noise_courses import TASKS, optimal_prediction
from lib.figures._networks import draw, legend_below
from lib.figures.style import colour, heading, look, panel_labels
from lib.measures.statistics import seed_interval
from lib.models.bit_encoder import ACTIVATION_NAMES

COURSE_STYLES: dict[str, dict[str, Any]] = {
    "clean": {"color": colour("blue")},
    "mixed 0.1": {"color": colour("vermilion")},
    "mixed 0.5": {"color": colour("brown")},
}
"""How courses at one point are drawn."""

COURSE_WORDS = {"clean": "right labels", "mixed 0.1": "10 % wrong", "mixed 0.5": "50 % wrong"}
"""The same in words."""

_RATE_COLOURS = ("sky", "blue", "brown", "purple")
_EXPECTED: dict[str, Any] = {"linestyle": (0, (5, 2)), "linewidth": 1.4}


def mixed_labels(record: xr.Dataset, rate: float = 0.1) -> Figure:
    """Draw the mean feature over time with right and wrong labels, and its change against the rate.

    Rows are activations; columns the mean over all inputs, that at x_o, and the change of the latter by rate. Dashed:
    the same mixture without noise, a target of 1 - p.
    """
    figure, grid = plt.subplots(2, 3, figsize=(7.6, 5.2))
    for row, activation in zip(grid, ("relu", "elu"), strict=True):
        for course, style in COURSE_STYLES.items():
            for noise in (True, False):
                chosen = pick(record, course, activation, noise=noise)
                if chosen is None or rate not in chosen["rate"].values:
                    continue
                dashes = {} if noise else _EXPECTED
                label = COURSE_WORDS[course] + ("" if noise else ", no noise")
                for axes, name in zip(row, ("feature", "feature_at"), strict=False):
                    _over_time(axes, chosen, name, rate, label, **style | dashes)
                _by_rate(row[2], chosen, "feature_at", label, **style | dashes)
        for axes, text in zip(row, ("all inputs", "$x_o$", "$x_o$"), strict=True):
            heading(axes, f"{ACTIVATION_NAMES[activation]}, {text}")
        row[0].set_ylabel("mean feature")
        row[2].set(xscale="log", xlabel="learning rate", ylabel="change")
        row[2].axhline(0, color=colour("black"), linewidth=0.8)
    panel_labels(grid)
    legend_below(figure, list(grid.flat), 3)
    return figure


def random_training(record: xr.Dataset, rate: float = 0.1) -> Figure:
    """Draw what random training does with ReLU to mean feature and kernel by rate, and to the kernel by activation.

    Dashed: the expected gradient of the same mixture. Kernels are drawn relative to the beginning.
    """
    figure, grid = plt.subplots(1, 3, figsize=(7.6, 3.2))
    for noise in (True, False):
        relu = pick(record, "random", "relu", noise=noise)
        if relu is None:
            continue
        for each, shade in zip(relu["rate"].values, _rate_colours(record, relu), strict=True):
            style = {"color": colour(shade)} | ({} if noise else _EXPECTED)
            label = f"rate {each:g}" + ("" if noise else ", expected gradient")
            _over_time(grid[0], relu, "feature", each, label, **style)
            _over_time(grid[1], relu, "kernel", each, label, relative=True, **style)
    for activation in ACTIVATION_NAMES:
        chosen = pick(record, "random", activation)
        if chosen is not None and rate in chosen["rate"].values:
            _over_time(
                grid[2], chosen, "kernel", rate, ACTIVATION_NAMES[activation], relative=True, **_dotted(activation)
            )
    for axes, text, label in zip(
        grid, ("ReLU", "ReLU", f"rate {rate:g}"), ("mean feature", "kernel / initial", "kernel / initial"), strict=True
    ):
        heading(axes, text)
        axes.set_ylabel(label)
    grid[0].set_ylim(bottom=0)
    for axes in grid[1:]:
        axes.set_yscale("log")
    panel_labels(grid)
    legend_below(figure, list(grid), 3)
    return figure


def delta(record: xr.Dataset, rate: float = 0.1) -> Figure:
    """Draw the prediction by distance with the fixed pair at 0.2, by rate and by activation; and the mean feature.

    Dashed: the expected gradient. Black: the best predictor of the mixture.
    """
    figure, grid = plt.subplots(1, 3, figsize=(7.6, 3.3))
    best, elsewhere = optimal_prediction("pair", int(record.attrs["bits"]))
    distance = record["distance"].values
    optimum = np.where(distance == 0, best, elsewhere)
    for noise in (True, False):
        relu = pick(record, "pair", "relu", noise=noise)
        if relu is None:
            continue
        for each, shade in zip(relu["rate"].values, _rate_colours(record, relu), strict=True):
            style = {"color": colour(shade)} | ({} if noise else _EXPECTED)
            label = f"ReLU, rate {each:g}" + ("" if noise else ", expected gradient")
            draw(grid[0], distance, _of_rate(relu, "profile", each), label, marker="o", markersize=3, **style)
            if noise is False or each == rate:
                _over_time(grid[2], relu, "feature", each, label, **style)
    for activation in ACTIVATION_NAMES:
        chosen = pick(record, "pair", activation)
        if chosen is None or rate not in chosen["rate"].values:
            continue
        style = {"color": colour(activation), "marker": "s", "markersize": 3, "linewidth": 1.2}
        draw(grid[1], distance, _of_rate(chosen, "profile", rate), ACTIVATION_NAMES[activation], **style)
    for axes, text in ((grid[0], "ReLU"), (grid[1], f"rate {rate:g}")):
        axes.plot(distance, optimum, label="best predictor", **look("theory"))
        heading(axes, text)
        axes.set(xlabel="Hamming distance", ylabel="prediction")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    heading(grid[2], "ReLU")
    grid[2].set_ylabel("mean feature")
    grid[2].set_ylim(bottom=0)
    panel_labels(grid)
    legend_below(figure, list(grid), 3)
    return figure


def afterwards(record: xr.Dataset, rate: float = 0.1) -> Figure:
    """Draw how many lost units clean training brings back, and what removing units does to the prediction.

    Filled marks are units that were off at every input, open ones those that had become weak. Units are removed from
    networks with ReLU.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.6))
    marks = [(name, task) for name in ("revived", "regrown") for task in TASKS]
    shown: list[str] = []
    for activation in ACTIVATION_NAMES:
        chosen = pick(record, "random", activation)
        if chosen is None or rate not in chosen["rate"].values or "regrown" not in chosen:
            continue
        back = [over_seeds(chosen[name].sel(rate=rate, task=task)) for name, task in marks]
        if not any(map(len, back)):
            continue  # no unit was lost
        place = len(shown)
        shown.append(ACTIVATION_NAMES[activation])
        for number, ((name, task), values) in enumerate(zip(marks, back, strict=True)):
            if len(values):
                _mark(left, place + 0.16 * (number - 1.5), values, name, task, colour(activation))
    for name, task in marks:
        words = f"{'off' if name == 'revived' else 'weak'}, then {_TASK_WORDS[task]}"
        left.plot([], [], label=words, **_mark_style(name, task, colour("grey")))
    left.set(ylabel="share brought back", ylim=(-0.05, 1.05))
    left.set_xlabel("activation")
    left.set_xticks(range(len(shown)), labels=shown)
    for course, shade in (("random", "brown"), ("pair", "blue")):
        chosen = pick(record, course, "relu")
        if chosen is None or rate not in chosen["rate"].values:
            continue
        words = "random pairs" if course == "random" else "fixed pair at 0.2"
        for order, dashes in (("size", {}), ("random", _EXPECTED)):
            label = f"{words}, {'smallest first' if order == 'size' else 'at random'}"
            removal = _of_rate(chosen, "removal", rate).sel(order=order)
            draw(right, record["removed"].values, removal, label, **{"color": colour(shade)} | dashes)
    right.set(xlabel="share of units removed", ylabel="change of the prediction")
    panel_labels([left, right])
    legend_below(figure, [left, right], 2)
    return figure


_TASK_WORDS = {"pair": "the fixed pair", "majority": "majority of bits"}


def _mark_style(name: str, task: str, shade: str) -> dict[str, Any]:
    filled = shade if name == "revived" else "none"
    marker = "o" if task == "pair" else "s"
    return {"marker": marker, "markersize": 5, "linestyle": "", "color": shade, "markerfacecolor": filled}


def _mark(axes: Axes, place: float, values: np.ndarray, name: str, task: str, shade: str) -> None:
    """Draw a mean over seeds with its interval."""
    found = seed_interval(values)
    bars = np.maximum(np.nan_to_num([[found.mean - found.low], [found.high - found.mean]]), 0)
    axes.errorbar(place, found.mean, yerr=bars, **_mark_style(name, task, shade))


def _dotted(shade: str) -> dict[str, Any]:
    return {"color": colour(shade), "linestyle": (0, (1, 1.2))}


def _of_rate(chosen: xr.Dataset, name: str, rate: float) -> xr.DataArray:
    """Return a quantity at one rate, for the seeds that were run at it."""
    there = np.isfinite(chosen["feature"].sel(step=0, rate=rate).values)
    return chosen[name].sel(rate=rate).isel(seed=there)


def _over_time(
    axes: Axes, chosen: xr.Dataset, name: str, rate: float, label: str | None, *, relative: bool = False, **style: Any
) -> None:
    values = _of_rate(chosen, name, rate).dropna("step", how="all")
    if relative:
        values = values / values.sel(step=0)
    draw(axes, values["step"].values, values, label, **style)
    axes.set_xscale("symlog", linthresh=10)
    axes.set_xticks([0, 10, 1_000, 100_000] if int(chosen["steps"]) > 1_000 else [0, 10, 100, 1_000])
    axes.set_xlim(0, 1.1 * max(int(chosen["steps"]), axes.get_xlim()[1] / 1.1))
    axes.set_xlabel("step")


def _by_rate(axes: Axes, chosen: xr.Dataset, name: str, label: str, **style: Any) -> None:
    means, lows, highs = [], [], []
    for rate in chosen["rate"].values:
        found = seed_interval(over_seeds(change(chosen, name).sel(rate=rate)))
        means.append(found.mean)
        lows.append(found.mean - found.low)
        highs.append(found.high - found.mean)
    bars = np.maximum(np.nan_to_num([lows, highs]), 0)
    axes.errorbar(chosen["rate"].values, means, yerr=bars, label=label, marker="o", markersize=3, **style)


def _rate_colours(record: xr.Dataset, chosen: xr.Dataset) -> list[str]:
    """One colour a rate, the same for all settings of a record."""
    known = sorted(record["rate"].values.tolist())
    return [_RATE_COLOURS[known.index(rate) % len(_RATE_COLOURS)] for rate in chosen["rate"].values]


def numbers(record: xr.Dataset, suffix: str = "") -> dict[str, float]:
    """Return what the prose says, rounded; names end in `suffix`, and in the rate where they are of one.

    What the record has not is left out.
    """
    found: dict[str, float] = {}
    for activation, course in (("relu", "clean"), ("relu", "mixed 0.1"), ("relu", "mixed 0.5")):
        chosen = pick(record, course, activation)
        for rate in [] if chosen is None else chosen["rate"].values:
            assert chosen is not None
            key = f"{course.replace(' ', '-').replace('.', '')}-{rate:g}"
            found[f"change-{key}"] = _mean(change(chosen, "feature"), rate)
            found[f"change-at-{key}"] = _mean(change(chosen, "feature_at"), rate)
    for course, noise in (("random", True), ("random", False), ("pair", True), ("pair", False)):
        chosen = pick(record, course, "relu", noise=noise)
        for rate in [] if chosen is None else chosen["rate"].values:
            assert chosen is not None
            key = f"{course}{'' if noise else '-expected'}-{rate:g}"
            found[f"feature-first-{key}"] = _mean(chosen["feature"].sel(step=0), rate)
            found[f"feature-last-{key}"] = _mean(last(chosen, "feature"), rate)
            found[f"kernel-fall-{key}"] = 100 * _mean(fall(chosen, "kernel"), rate)
            found[f"off-{key}"] = 100 * _mean(last(chosen, "off"), rate)
            matched = _steps_without_noise(record, course)
            if matched is not None and matched in chosen["step"].values:
                found[f"steps-matched-{course}"] = matched
                for name in ("feature", "kernel"):
                    found[f"{name}-matched-{key}"] = _mean(chosen[name].sel(step=matched), rate)
            if course == "pair":
                for distance in (0, 1, 2):
                    found[f"prediction-{distance}-{key}"] = _mean(chosen["profile"].sel(distance=distance), rate)
                found[f"living-at-{key}"] = 100 * _mean(chosen["living_at"].sel(lost_by="off"), rate)
                found[f"lost-others-{key}"] = 100 * _mean(chosen["lost_others"].sel(lost_by="off"), rate)
                found[f"lost-own-{key}"] = 100 * _mean(chosen["lost_own"].sel(lost_by="off"), rate)
    for activation in ACTIVATION_NAMES:
        word = activation.replace(" ", "-")
        for course in ("random", "pair"):
            chosen = pick(record, course, activation)
            if chosen is not None and 0.1 in chosen["rate"].values:
                for name, task in product(("revived", "regrown", "feature_after", "error_after", "error_fresh"), TASKS):
                    if name in chosen:
                        factor = 100 if name in ("revived", "regrown") else 1
                        key = f"{name.replace('_', '-')}-{word}-{course}-{task}"
                        found[key] = factor * _mean(chosen[name].sel(task=task), 0.1)
                found[f"kernel-fall-{word}-{course}"] = 100 * _mean(fall(chosen, "kernel"), 0.1)
        chosen = pick(record, "pair", activation)
        if chosen is not None and 0.1 in chosen["rate"].values:
            for name, values in jumps(chosen, 0.1, int(record.attrs["bits"])).items():
                found[f"jump-{name.replace(' ', '-')}-{word}"] = float(values.mean())
    best = optimal_prediction("pair", int(record.attrs["bits"]))[0]
    found["best-predictor"] = best
    if "wall_time_s" in record.attrs:
        found["minutes-feature-loss"] = float(record.attrs["wall_time_s"]) / 60
    return {f"{name}{suffix}": round(float(value), 3) for name, value in found.items() if np.isfinite(value)}


def _steps_without_noise(record: xr.Dataset, course: str) -> int | None:
    """Return after how many steps of a course there is a control without noise, if there is one."""
    control = pick(record, course, "relu", noise=False)
    return None if control is None else int(control["steps"])


def _mean(values: xr.DataArray, rate: float) -> float:
    return float(values.sel(rate=rate).mean())
