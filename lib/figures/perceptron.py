"""Figures of chapter 1, the perceptron as a random walk: Datasets in, figures out; they compute means over seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.claims.perceptron import beside_surrogates
from lib.figures.style import colour, heading, look, panel_labels
from lib.measures.random_walk import random_walk_variance_share
from lib.measures.statistics import seed_interval

RULE_NAMES = {"rosenblatt": "Rosenblatt", "logistic": "logistic"}
LABEL_NAMES = {"true": "true", "shuffled": "random"}
"""Kinds of labels as the book calls them."""

_DASHES: dict[str, Any] = {"true": "-", "shuffled": (0, (4, 2))}
MARKS: dict[str, Any] = {"true": {"marker": "o"}, "shuffled": {"marker": "^", "markerfacecolor": "white"}}


def _interval(values: xr.DataArray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean and 95 % interval over seeds, outputs averaged first."""
    if "output" in values.dims:
        values = values.mean("output")
    estimate = seed_interval(values.transpose(..., "seed").values)
    return np.asarray(estimate.mean), np.asarray(estimate.low), np.asarray(estimate.high)


def _draw(axes: Axes, x: np.ndarray, values: xr.DataArray, label: str, **style: Any) -> None:
    """Draw the mean over seeds with its interval as a band."""
    mean, low, high = _interval(values)
    (line,) = axes.plot(x, mean, label=label, **style)
    axes.fill_between(x, low, high, color=line.get_color(), alpha=0.2, linewidth=0)


def caption_of(record: xr.Dataset) -> str:
    """Return in words what a record is: its size, seeds and machine, for the line beside a figure."""
    return (
        f"{record.sizes['seed']} seeds, preset {record.attrs['preset']}, {record.attrs['device']}, "
        f"{float(record.attrs['wall_time_s']):.0f} s, made {str(record.attrs['created'])[:10]}"
    )


def _walk(axes: Axes, path: np.ndarray, times: np.ndarray, ends: float, size: float) -> None:
    axes.plot(path[:, 0], path[:, 1], color=colour("grey"), linewidth=0.6, alpha=0.6, zorder=1)
    axes.scatter(path[:, 0], path[:, 1], c=times, s=size, cmap="viridis", vmin=0, vmax=ends, zorder=2, linewidths=0)
    axes.plot(*path[0], marker="o", color="white", markeredgecolor=colour("black"), markersize=6, zorder=3)
    axes.plot(*path[-1], marker="s", color=colour("black"), markersize=6, zorder=3)


def walks_in_the_plane(plane: xr.Dataset, seeds: Iterable[int] = (0, 1, 2)) -> Figure:
    """Draw the walks of two-input perceptrons: a row for each rule, a column for each pair of digits."""
    rules, pairs = list(plane["rule"].values), list(plane["pair"].values)
    figure, grid = plt.subplots(len(rules), len(pairs), figsize=(7.2, 6.4), squeeze=False)
    seeds = [seed for seed in seeds if seed < plane.sizes["seed"]]
    steps = plane.sizes["step"] - 1
    per_epoch = steps // plane.sizes["epoch"]
    for axes, (rule, pair) in zip(grid.flat, ((rule, pair) for rule in rules for pair in pairs), strict=True):
        for seed in seeds:
            path = plane["path"].sel(rule=rule, pair=pair, labels="true").isel(seed=seed).values
            _walk(axes, path, np.arange(steps + 1) / per_epoch, steps / per_epoch, 5)
        axes.set(xlabel="weight 1", ylabel="weight 2")
        heading(axes, f"{RULE_NAMES[rule]}, {pair}")
        axes.set_aspect("equal", adjustable="datalim")
    bar = figure.colorbar(grid[0, 0].collections[0], ax=grid, shrink=0.6, pad=0.02)
    bar.set_label("epoch")
    return figure


def walk_until(plane: xr.Dataset, epoch: float, pair: str, rule: str = "rosenblatt", seed: int = 0) -> Figure:
    """Draw one walk up to an epoch, beside the samples and the line that its weights draw between them."""
    chosen = plane.sel(pair=pair, rule=rule, labels="true").isel(seed=seed)
    whole = chosen["path"].values
    per_epoch = (len(whole) - 1) // plane.sizes["epoch"]
    path = whole[: round(epoch * per_epoch) + 1]
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.4))
    _walk(left, path, np.arange(len(path)) / per_epoch, plane.sizes["epoch"], 7)
    margin = 0.08 * np.ptp(whole, axis=0)
    left.set(
        xlabel="weight 1",
        ylabel="weight 2",
        xlim=(whole[:, 0].min() - margin[0], whole[:, 0].max() + margin[0]),
        ylim=(whole[:, 1].min() - margin[1], whole[:, 1].max() + margin[1]),
    )
    inputs, sign = chosen["inputs"].values, chosen["sign"].values
    wrong = sign * (inputs @ path[-1]) <= 0
    for value, marker, name, shade in ((1, "o", pair.split()[0], "blue"), (-1, "^", pair.split()[-1], "vermilion")):
        group = sign == value
        right.scatter(
            *inputs[group].T, s=14, marker=marker, color=colour(shade), alpha=0.7, linewidths=0, label=f"digit {name}"
        )
    right.scatter(*inputs[wrong].T, s=50, facecolors="none", edgecolors=colour("black"), linewidths=1, label="mistaken")
    reach = 1.1 * np.abs(inputs).max()
    across = np.array([-path[-1][1], path[-1][0]]) / max(np.linalg.norm(path[-1]), 1e-12) * 3 * reach
    right.plot([-across[0], across[0]], [-across[1], across[1]], color=colour("black"), linewidth=1.4)
    right.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="input 1", ylabel="input 2")
    right.legend(
        loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=3, handletextpad=0.1, columnspacing=0.8, fontsize=9
    )
    return figure


def projections(walks: xr.Dataset, task: str, rate: float) -> Figure:
    """Draw one walk in all its dimensions on its first two principal components, and the share of variance of each."""
    figure, axes = plt.subplots(1, 3, figsize=(7.2, 3.3), width_ratios=(1, 1, 1.1))
    chosen = walks.sel(task=task, rate=rate)
    for panel, labels in zip(axes, ("true", "shuffled"), strict=False):
        for rule in walks["rule"].values:
            path = chosen["projection"].sel(rule=rule, labels=labels).isel(seed=0, component=slice(0, 2)).values
            path = path / max(np.abs(path).max(), 1e-12)
            panel.plot(*path.T, linewidth=1, marker=".", markersize=2.5, label=RULE_NAMES[rule], **look(rule))
            panel.plot(*path[0], marker="o", color="white", markeredgecolor=colour(rule), markersize=6)
        panel.set(
            xlabel="component 1",
            ylabel="component 2",
            xlim=(-1.1, 1.1),
            ylim=(-1.1, 1.1),
            xticks=(-1, 0, 1),
            yticks=(-1, 0, 1),
        )
        heading(panel, f"{LABEL_NAMES[labels]} labels")
    components = walks["component"].values
    for rule in walks["rule"].values:
        for labels, marker in (("true", "o"), ("shuffled", "^")):
            mean, low, high = _interval(
                chosen["variance_share"].sel(rule=rule, labels=labels).transpose("component", ...)
            )
            style = {"marker": marker, "color": colour(rule), "linestyle": _DASHES[labels], "linewidth": 1.4}
            name = f"{RULE_NAMES[rule]}, {LABEL_NAMES[labels]}"
            axes[2].errorbar(components, mean, (mean - low, high - mean), label=name, **style)
    axes[2].plot(
        components, random_walk_variance_share(components), label="pure random walk", marker="x", **look("theory")
    )
    axes[2].set(xlabel="component", ylabel="share of variance", xticks=components, ylim=(0, 1.02))
    figure.legend(*axes[2].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)
    panel_labels(axes)
    return figure


def transport(walks: xr.Dataset, task: str, rule: str, rate: float) -> Figure:
    """Draw how the weights' distribution travels: its quantiles at some epochs, and its distance to start and end."""
    figure, axes = plt.subplots(1, 3, figsize=(7.2, 3.5), width_ratios=(1, 1, 1.1))
    chosen = walks.sel(task=task, rule=rule, rate=rate)
    shades = plt.get_cmap("viridis")(np.linspace(0, 0.92, walks.sizes["snapshot"]))
    for panel, labels in zip(axes, ("true", "shuffled"), strict=False):
        for shade, epoch in zip(shades, walks["snapshot"].values, strict=True):
            quantiles = chosen["quantiles"].sel(labels=labels, snapshot=epoch).mean("seed")
            panel.plot(quantiles, walks["level"], color=shade, linewidth=1.6, label=f"{epoch}")
        panel.set(xlabel="weight", ylabel="share of weights below", ylim=(0, 1))
        heading(panel, f"{LABEL_NAMES[labels]} labels")
    axes[0].legend(title="epoch", fontsize=8, title_fontsize=8, handlelength=1.2, loc="upper left")
    for labels in ("true", "shuffled"):
        for name, text, shade in (("w1_start", "to the start", "initial"), ("w1_end", "to the end", "final")):
            _draw(
                axes[2], walks["epoch"].values, chosen[name].sel(labels=labels).transpose("epoch", ...),
                f"{text}, {LABEL_NAMES[labels]}", color=colour(shade), linestyle=_DASHES[labels],
            )  # fmt: skip
    floor = float(chosen["w1_halves"].sel(labels="true").mean())
    axes[2].axhline(floor, label="two halves", **look("nominal"))
    axes[2].set(xlabel="epoch", ylabel="Wasserstein-1 distance", ylim=(0, None))
    figure.legend(*axes[2].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)
    panel_labels(axes)
    return figure


def mean_squared_steps(walks: xr.Dataset, task: str) -> Figure:
    """Draw the mean squared step of every epoch, and what is left of its trend after dividing by the mistakes."""
    rates = walks["rate"].values
    figure, grid = plt.subplots(2, len(rates), figsize=(7.2, 5.0), sharex=True, squeeze=False)
    epochs = walks["epoch"].values
    for column, rate in zip(grid.T, rates, strict=True):
        for rule in walks["rule"].values:
            for labels in walks["labels"].values:
                chosen = walks.sel(task=task, rule=rule, rate=rate, labels=labels)
                style = {"color": colour(rule), "linestyle": _DASHES[labels]}
                name = f"{RULE_NAMES[rule]}, {LABEL_NAMES[labels]} labels"
                _draw(column[0], epochs, chosen["msd"].transpose("epoch", ...), name, **style)
                left = chosen["msd"].mean("output") / (rate**2 * chosen["drive"].mean("output"))
                _draw(column[1], epochs, left.transpose("epoch", ...), name, **style)
        column[0].set(xscale="log", ylabel="mean squared step")
        _logarithmic(column[0], walks["msd"].sel(task=task, rate=rate).mean("output"), rate)
        heading(column[0], f"learning rate {rate:g}")
        column[1].set(
            xscale="log", xlabel="epoch", ylabel="after dividing by\nrate² × mean squared drive", ylim=(0, None)
        )
    ticks = [epoch for epoch in (1, 2, 3, 5, 10, 20, 30, 50, 100) if epoch <= epochs[-1]]
    grid[1, 0].set_xticks(ticks, labels=map(str, ticks))
    grid[1, 0].minorticks_off()
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)
    panel_labels(grid.flat)
    return figure


def _logarithmic(axes: Axes, values: xr.DataArray, rate: float) -> None:
    """Make the ordinate logarithmic, with a linear part at its foot where steps have stopped and are 0."""
    if float(values.min()) > 0:
        axes.set_yscale("log")
        return
    axes.set_yscale("symlog", linthresh=1e-3 * rate**2)
    axes.set_ylim(0, 4 * float(values.max()))


def displacement_against_lag(walks: xr.Dataset, task: str, rate: float) -> Figure:
    """Draw the mean squared displacement against lag in each range of epochs, divided by that of one point."""
    ranges = walks["range"].values
    figure, grid = plt.subplots(1, len(ranges), figsize=(7.2, 3.5), sharey=True, squeeze=False)
    for axes, name in zip(grid.flat, ranges, strict=True):
        chosen = walks.sel(task=task, rate=rate, range=name)
        for rule in walks["rule"].values:
            for labels in walks["labels"].values:
                curve = chosen["msd_by_lag"].sel(rule=rule, labels=labels)
                curve = curve.where(curve.isel(lag=0) > 0) / curve.isel(lag=0)
                mean, low, high = _interval(curve.transpose("lag", ...))
                if np.isnan(mean).all():
                    continue
                axes.plot(
                    walks["lag"],
                    mean,
                    color=colour(rule),
                    linestyle=_DASHES[labels],
                    label=f"{RULE_NAMES[rule]}, {LABEL_NAMES[labels]}",
                )
                axes.fill_between(walks["lag"], low, high, color=colour(rule), alpha=0.2, linewidth=0)
        lag = walks["lag"].values
        axes.plot(lag, lag, label="diffusive", **look("theory"))
        axes.set(xscale="log", yscale="log", xlabel="lag (points)")
        heading(axes, f"epochs {name}")
    grid[0, 0].set_ylabel("mean squared displacement\n(that at lag 1 = 1)")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)
    panel_labels(grid.flat)
    return figure


TESTS = {
    "rejected_adf_path": "ADF, path",
    "rejected_adf_path_bootstrap": "ADF, path, against\nrandom signs",
    "rejected_adf_displacement": "ADF, displacement",
    "rejected_kpss_path": "KPSS, path",
    "rejected_ratio_path": "variance ratio, path",
    "rejected_adf_surrogate": "ADF, random signs",
    "rejected_ratio_surrogate": "variance ratio,\nrandom signs",
}


def unit_root_tests(walks: xr.Dataset, task: str, rate: float) -> Figure:
    """Draw the share of moving weights that each test rejects, by range of epochs."""
    ranges = walks["range"].values
    figure, grid = plt.subplots(1, len(ranges), figsize=(7.2, 3.7), sharey=True, squeeze=False)
    rows = np.arange(len(TESTS))[::-1]
    for axes, epochs in zip(grid.flat, ranges, strict=True):
        chosen = walks.sel(task=task, rate=rate, range=epochs)
        for shift, (rule, labels) in zip(
            (0.27, 0.09, -0.09, -0.27),
            ((r, k) for r in walks["rule"].values for k in walks["labels"].values),
            strict=False,
        ):
            for row, test in zip(rows, TESTS, strict=True):
                mean, low, high = _interval(chosen[test].sel(rule=rule, labels=labels))
                reach = [[max(0, mean - low)], [max(0, high - mean)]]
                name = f"{RULE_NAMES[rule]}, {LABEL_NAMES[labels]}" if row == rows[0] else None
                axes.errorbar(
                    mean, row + shift, xerr=reach, label=name, linewidth=1.2, color=colour(rule), **MARKS[labels]
                )
        axes.axvline(0.05, **look("nominal"))
        axes.set(
            xlim=(-0.04, 1.04), xlabel="share rejected", xticks=(0, 0.5, 1), yticks=rows, yticklabels=TESTS.values()
        )
        heading(axes, f"epochs {epochs}")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8.5)
    return figure


def cover(plane: xr.Dataset) -> Figure:
    """Draw the same learner's walks three times: true labels, random labels, and its own steps with random signs."""
    chosen = plane.sel(rule="logistic", pair=plane["pair"].values[-1])
    panels = {
        "learning": chosen["path"].sel(labels="true"),
        "random labels": chosen["path"].sel(labels="shuffled"),
        "same steps, random signs": chosen["surrogate"].sel(labels="true"),
    }
    figure, grid = plt.subplots(1, 3, figsize=(7.2, 3.4), sharex=True, sharey=True)
    epochs = np.linspace(0, plane.sizes["epoch"], plane.sizes["step"])
    for axes, (name, paths) in zip(grid, panels.items(), strict=True):
        for path in paths.transpose("seed", "step", "coordinate").values:
            dots = axes.scatter(*path.T, c=epochs, s=1.5, cmap="viridis", linewidths=0, rasterized=True)
            axes.plot(*path[0], marker="o", color="white", markeredgecolor=colour("black"), markersize=4.5)
        heading(axes, name)
        axes.set(xlabel="weight 1")
        axes.set_aspect("equal", adjustable="box")
    grid[0].set_ylabel("weight 2")
    figure.colorbar(dots, ax=grid, orientation="horizontal", shrink=0.5, aspect=35, label="epoch")
    return figure


def calibration(made: xr.Dataset) -> Figure:
    """Draw the share of made series that each test rejects; a test of a random walk should reject 5 % of the walks."""
    rows = np.arange(made.sizes["series"])[::-1]
    figure, axes = plt.subplots(figsize=(7.2, 4.4))
    shades = ("blue", "sky", "green", "vermilion")
    for shift, name, shade, marker in zip((0.27, 0.09, -0.09, -0.27), made["test"].values, shades, "osD^", strict=True):
        mean, low, high = _interval(made["rejected"].sel(test=name).transpose("series", "seed"))
        axes.errorbar(
            mean,
            rows + shift,
            xerr=np.clip([mean - low, high - mean], 0, None),
            linestyle="none",
            marker=marker,
            markersize=4.5,
            linewidth=1.3,
            color=colour(shade),
            label=name,
        )
    axes.axvline(0.05, **look("nominal"))
    for row, kind in zip(rows, made["series"].values, strict=True):
        if np.isnan(made["rejected"].sel(series=kind)).all():
            axes.annotate("no test: nothing moves", (0.07, row), va="center", fontsize=9)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.set(
        xlabel="share of series rejected at a nominal 5 %",
        yticks=rows,
        yticklabels=made["series"].values,
        xlim=(-0.03, 1.03),
    )
    figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure


def mistakes_and_margin(walks: xr.Dataset, task: str, rate: float, samples: Sequence[int]) -> Figure:
    """Draw how many mistakes Rosenblatt's rule makes before it stops, beside Novikoff's bound from the margin.

    `samples` is the number of training images of each output.
    """
    chosen = walks.sel(task=task, rule="rosenblatt", rate=rate, labels="true")
    bound = ((chosen["radius"] / chosen["margin"]) ** 2).values
    made = chosen["mistakes"].sum("epoch").transpose("output", "seed") * np.asarray(samples)[:, None]
    figure, axes = plt.subplots(figsize=(7.2, 3.2))
    for place, (digit, values) in enumerate(zip(walks["output"].values, made.values, strict=True)):
        stopped = not float(chosen["mistakes"].sel(output=digit).isel(epoch=-1).max())
        axes.plot(np.full(len(values), place), values, "o", alpha=0.4, markeredgewidth=0, color=colour("rosenblatt"))
        if not stopped:
            axes.annotate(
                "not stopped", (place, values.max()), textcoords="offset points", xytext=(0, 6), ha="center", fontsize=8
            )
    axes.plot(
        range(len(bound)), bound, linestyle="none", marker="_", markersize=22, markeredgewidth=2, color=colour("black")
    )
    axes.plot([], [], "o", color=colour("rosenblatt"), label="mistakes made, each seed")
    axes.plot(
        [],
        [],
        marker="_",
        markersize=14,
        markeredgewidth=2,
        linestyle="none",
        color=colour("black"),
        label="Novikoff's bound",
    )
    names = [f"{digit}, {(digit + 1) % 10}" if "pairs" in task else f"{digit}" for digit in walks["output"].values]
    axes.set(yscale="log", xlabel="digits told apart", ylabel="mistakes", xlim=(-0.5, len(names) - 0.5))
    axes.set_xticks(range(len(names)), labels=names)
    axes.legend(fontsize=9)
    return figure


def _slopes(chosen: xr.Dataset) -> dict[str, float]:
    """Return slopes of log displacement on log lag between neighbouring lags: at the shortest, least, at the longest.

    Beside the last two stands the lag, in samples rounded to thousands.
    """
    curve = chosen["msd_by_lag"].mean("seed").dropna("lag")
    lag = curve["lag"].values * float(chosen["stride"])
    slope = np.diff(np.log(curve.values)) / np.diff(np.log(lag))
    least = int(slope.argmin())
    between = np.sqrt(lag[1:] * lag[:-1])
    found = {"short": slope[0], "least": slope[least], "long": slope[-1]}
    lags = {"lag-least": round(float(between[least]), -3), "lag-long": round(float(between[-1]), -3)}
    return {name: round(float(value), 2) for name, value in found.items()} | lags


def numbers(live: xr.Dataset, record: xr.Dataset, plane: xr.Dataset) -> dict[str, float]:
    """Return the numbers that the chapter's prose quotes, rounded."""
    stored = record.sel(task="mnist one-vs-rest", rate=0.01)
    found: dict[str, float] = {
        "seeds-live": live.sizes["seed"],
        "seeds-record": record.sizes["seed"],
        "epochs-record": record.sizes["epoch"],
        "minutes-record": round(float(record.attrs["wall_time_s"]) / 60),
        "seconds-live": round(float(live.attrs["wall_time_s"])),
    }
    for component, name in ((1, "share"), (2, "second")):
        found[f"{name}-walk"] = round(100 * float(random_walk_variance_share(component)))
    for rule in ("rosenblatt", "logistic"):
        for labels in ("true", "shuffled"):
            chosen = stored.sel(rule=rule, labels=labels)
            msd, norm = chosen["msd"].mean("output"), chosen["driving_norm"].mean("output")
            key = f"{rule}-{labels}"
            found[f"msd-ratio-{key}"] = round(float((msd.isel(epoch=-1) / msd.isel(epoch=0)).mean()), 2)
            found[f"norm-ratio-{key}"] = round(float((norm.isel(epoch=-1) / norm.isel(epoch=0)).mean()), 2)
            for place, name in ((0, "first"), (-1, "last")):
                found[f"mistakes-{key}-{name}"] = round(100 * float(chosen["mistakes"].isel(epoch=place).mean()), 1)
            found[f"straightness-{key}"] = round(float(chosen["straightness"].mean()), 1)
            for component, name in ((1, "share"), (2, "second")):
                found[f"{name}-{key}"] = round(100 * float(chosen["variance_share"].sel(component=component).mean()))
            found |= {f"slope-{key}-{name}": slope for name, slope in _slopes(chosen.isel(range=-1)).items()}
            for place, name in ((0, "first"), (-1, "last")):
                ranged = chosen.isel(range=place)
                found[f"exponent-{key}-{name}"] = round(float(ranged["exponent"].mean()), 2)
                for test in ("adf_path", "adf_path_bootstrap", "adf_displacement", "ratio_path"):
                    found[f"{test}-{key}-{name}"] = round(100 * float(ranged[f"rejected_{test}"].mean()))
    for task in ("mnist pairs", "digits pairs"):
        for rule in ("rosenblatt", "logistic"):
            msd = record["msd"].sel(task=task, rate=0.01, rule=rule).mean("output")
            ratio = (msd.isel(epoch=-1) / msd.isel(epoch=0)).mean("seed")
            for labels in ("true", "shuffled"):
                key = f"{task.replace(' ', '-')}-{rule}-{labels}"
                found[f"msd-ratio-{key}"] = round(float(ratio.sel(labels=labels)), 2)
    left = record["mistakes"].sel(task="mnist pairs", rule="rosenblatt", rate=0.01, labels="true").isel(epoch=-1)
    found |= {"mnist-pairs": left.sizes["output"], "mnist-pairs-mistaken": int((left.max("seed") > 0).sum())}
    beside = beside_surrogates(record)
    found |= {f"surrogates-{name}": count for name, count in beside.items()}
    surrogate = record["exponent_surrogate"].sel(labels="true").mean("output").mean("seed")
    for task in ("mnist one-vs-rest", "digits pairs"):
        found[f"surrogate-least-{task.replace(' ', '-')}"] = round(float(surrogate.sel(task=task).min()), 2)
    pairs = record.sel(task="digits pairs", rule="rosenblatt", rate=1.0, labels="true").isel(range=-1)
    for test in ("adf_path", "adf_surrogate", "adf_path_bootstrap"):
        found[f"{test}-pairs"] = round(100 * float(pairs[f"rejected_{test}"].mean()))
    marching = record.sel(task="digits pairs", rule="logistic", rate=0.01, labels="true")["exponent"].mean(
        ("output", "seed")
    )
    found |= {
        "exponent-pairs-first": round(float(marching[0]), 2),
        "exponent-pairs-last": round(float(marching[-1]), 2),
    }
    walked = plane.sel(rule="rosenblatt")
    last = walked["mistakes"].sel(labels="true").isel(epoch=-1).mean("seed")
    found |= {f"mistakes-plane-{k}": round(100 * float(share), 1) for k, share in enumerate(last)}
    gap = np.abs(walked["msd"] - walked["msd_from_mistakes"]) / walked["msd"].where(walked["msd"] > 0)
    found["identity-gap"] = float(f"{float(gap.max()):.0e}")
    return found
