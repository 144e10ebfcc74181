"""Figures of chapter 3 on reproducibility: how accuracies spread over test subsets and seeds, and where to stop.

They draw what `lib.claims.reproducibility` judges, on the same draws.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from lib.claims._deep_network import OPTIMAL
from lib.claims.reproducibility import (
    DRAWS,
    EPOCHS,
    drawn_accuracies,
    guided,
    runs_of,
    subset_size,
    validated,
)
from lib.experiments.networks import data_sets, of_network, one_network
from lib.figures._networks import epoch_axis
from lib.figures.style import PALETTE, colour, look, panel_labels
from lib.measures.statistics import difference_interval, seed_interval
from lib.measures.subsets import sampling_deviation

HELD_OUT = "MNIST, 6 x 256"
"""Network with images held out of training, and with seeds enough to compare rules of stopping."""

FEW = 20
"""Test subsets of the text's figure 3c; the judge has many more beside them."""


def reproducibility(record: xr.Dataset, network: str) -> Figure:
    """Draw the text's figure 3c: accuracies on random test subsets, beside what sampling and other seeds give."""
    chosen = of_network(record, network)
    epochs = np.array([epoch for epoch in EPOCHS if epoch in chosen["epoch"].values] or chosen["epoch"].values)
    correct, drawn = drawn_accuracies(chosen, epochs)
    samples, accuracy = correct.shape[-1], correct.mean(axis=-1)  # (seed, epoch)
    deviation = sampling_deviation(accuracy, subset_size(samples), samples)
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(7.2, 3.7))
    few = drawn[..., :FEW]
    for seed, run in enumerate(few):
        left.errorbar(
            epochs + 0.8 * (seed - (len(few) - 1) / 2),
            100 * run.mean(axis=-1),
            100 * run.std(axis=-1, ddof=1),
            marker="o",
            linewidth=1,
            capsize=2,
            color=colour("accuracy"),
        )
    left.set(ylabel="accuracy on subsets (%)")
    for seed, run in enumerate(few):
        spread = 100 * run.std(axis=-1, ddof=1)
        error = spread / np.sqrt(2 * (FEW - 1))
        middle.errorbar(
            epochs + 0.8 * (seed - (len(few) - 1) / 2),
            spread,
            error,
            linestyle="none",
            marker="o",
            capsize=2,
            linewidth=1,
            color=colour("accuracy"),
            label=None if seed else f"{FEW} subsets",
        )
    middle.plot(
        epochs,
        100 * drawn.std(axis=-1, ddof=1).mean(axis=0),
        marker="s",
        color=colour("sky"),
        linewidth=1.3,
        label=f"{DRAWS:,} subsets",
    )
    middle.plot(epochs, 100 * deviation.mean(axis=0), label="sampling alone", **look("theory"))
    if len(accuracy) > 2:
        middle.plot(
            epochs, 100 * accuracy.std(axis=0, ddof=1), marker="^", color=colour("brown"), linewidth=1.3, label="seeds"
        )
    middle.set(ylabel="standard deviation (points)", ylim=(0, None))
    if len(accuracy) > 1:
        answers, axis = runs_of(chosen).answers, chosen["epoch"].values
        pairs = np.array([(one != other).mean(axis=-1) for one, other in combinations(answers, 2)])
        right.plot(axis, 100 * pairs.T, color=PALETTE["grey"], linewidth=0.8)
        right.plot(axis, 100 * pairs.mean(axis=0), color=colour("brown"), label="differ")
        error = 100 * chosen["test_error"].mean("seed")
        right.plot(axis, error, color=colour("mistakes"), linewidth=1.3, label="test error")
        right.set(yscale="log")
        right.yaxis.set_major_formatter("{x:g}")
        right.legend(fontsize=8.5)
    else:
        right.annotate("one seed:\nnothing to compare", (0.5, 0.5), xycoords="axes fraction", ha="center", fontsize=10)
        right.set(xlim=(0, epochs[-1]), yticks=())
    right.set_ylabel("predictions that differ\nbetween two seeds (%)")
    for axes in (left, middle, right):
        epoch_axis(axes)
    figure.legend(*middle.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=9)
    panel_labels((left, middle, right))
    return figure


# -- stopping ---------------------------------------------------------------------------------------------------------

STOPS = {
    "peak of C": ("o", "vermilion"),
    f"epochs {OPTIMAL[0]} to {OPTIMAL[1]}": ("s", "grey"),
    "lowest validation loss": ("^", "green"),
    "last epoch": ("D", "black"),
}


def stops(chosen: xr.Dataset) -> dict[str, list[np.ndarray]]:
    """Return the epochs at which each rule stops the seeds, arrays of shape (seed,); rules that cannot are left out.

    The text's region is many stops, what happens there is averaged over them.
    """
    last, same = int(chosen["epoch"].values[-1]), np.ones(chosen.sizes["seed"], dtype=int)
    found = {"peak of C": [guided(chosen)["e* of C, own"]]}
    if last >= OPTIMAL[1]:
        found[f"epochs {OPTIMAL[0]} to {OPTIMAL[1]}"] = [same * at for at in range(OPTIMAL[0], OPTIMAL[1] + 1)]
    if "validation_loss" in chosen and bool(chosen["validation_loss"].notnull().all()):
        found["lowest validation loss"] = [validated(chosen)]
    found["last epoch"] = [same * last]
    return found


def stopped(chosen: xr.Dataset) -> dict[str, dict[str, np.ndarray]]:
    """Return what each rule of `stops` gives each seed: ``epoch``, ``accuracy`` (share), and ``differ``.

    ``differ`` is the share of test images that a seed, at its stop, answers otherwise than another at its own, mean
    over the others; with one seed there is none.
    """
    runs, found = runs_of(chosen), {}
    for rule, each in stops(chosen).items():
        found[rule] = {
            "epoch": np.mean(each, axis=0),
            "accuracy": np.mean([runs.accuracies(at) for at in each], axis=0),
            "differ": np.mean([runs.disagreement(at) for at in each], axis=0)
            if len(runs.answers) > 1
            else np.array([]),
        }
    return found


def stopping(record: xr.Dataset) -> Figure:
    """Draw where rules of stopping stop, what accuracy that costs, and how far seeds then agree, for each network.

    Seeds differ on 1 % of the images with one data set and on half of them with another: so that a rule can be told
    from the next, their disagreement is drawn over that at the last epoch.
    """
    networks = [str(name) for name in record["network"].values if "random labels" not in str(name)]
    rows = np.arange(len(networks))[::-1]
    figure, grid = plt.subplots(1, 3, figsize=(7.2, 0.42 * len(networks) + 2.2), sharey=True)
    ratios = []
    offsets = dict(zip(STOPS, np.linspace(0.27, -0.27, len(STOPS)), strict=True))
    for row, network in zip(rows, networks, strict=True):
        found = stopped(of_network(record, network))
        end, apart = (found["last epoch"][name] for name in ("accuracy", "differ"))
        for rule, result in found.items():
            marker, shade = STOPS[rule]
            style: dict[str, Any] = {"linestyle": "none", "marker": marker, "color": colour(shade), "linewidth": 1.2}
            ratio = result["differ"] / apart if (apart > 0).all() else np.array([])
            ratios += [ratio.mean()] if len(ratio) else []
            values = (result["epoch"], 100 * (result["accuracy"] - end), ratio)
            for axes, numbers in zip(grid, values, strict=True):
                if not len(numbers) or (axes is not grid[0] and rule == "last epoch"):
                    continue
                estimate = seed_interval(numbers)
                reach = (
                    None
                    if np.isnan(estimate.low)
                    else [[estimate.mean - estimate.low], [estimate.high - estimate.mean]]
                )
                axes.errorbar(estimate.mean, row + offsets[rule], xerr=reach, **style)
    for rule, (marker, shade) in STOPS.items():
        grid[0].plot([], [], linestyle="none", marker=marker, color=colour(shade), label=rule)
    grid[1].axvline(0, **look("nominal"))
    titles = [name.replace("6 x 256, ", "6 x 256,\n") for name in networks]
    grid[0].set(yticks=rows, yticklabels=titles, ylim=(-0.6, len(rows) - 0.4), xlabel="epoch of the stop")
    grid[0].set_xlim(-1, 1.04 * int(record["epoch"].values[-1]))
    grid[1].set_xlabel("accuracy less that\nat the last epoch\n(points)")
    grid[2].set_xlabel("predictions\nthat differ, over\nlast epoch's")
    if ratios:  # intervals of three seeds are cut off, or they would hide what ten can tell
        grid[2].axvline(1, **look("nominal"))
        grid[2].set_xlim(min(ratios) - 0.15, max(ratios) + 0.15)
    else:
        grid[2].annotate(
            "one seed:\nnothing to compare", (0.5, 0.5), xycoords="axes fraction", ha="center", va="center"
        )
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=9)
    panel_labels(grid)
    return figure


def numbers(live: xr.Dataset, record: xr.Dataset) -> dict[str, float]:
    """Return the numbers that the chapter's prose quotes, rounded, all of the text's first network of each record."""
    found: dict[str, float] = {}
    for where, each in (("live", live), ("record", record)):
        correct = runs_of(of_network(each, data_sets(each)[0])).answers[:, -1] == 0
        samples = correct.shape[-1]
        size = subset_size(samples)
        deviation = sampling_deviation(correct.mean(axis=-1), size, samples)
        found |= {
            f"samples-{where}": samples,
            f"subset-{where}": size,
            f"sampling-{where}": round(100 * float(deviation.mean()), 2),
        }
    found["draws-error"] = round(100 / float(np.sqrt(2 * (FEW - 1))))
    return found | numbers_of_agreement(one_network(record, HELD_OUT))


def numbers_of_agreement(chosen: xr.Dataset | None) -> dict[str, float]:
    """Return in percent how far seeds of a network differ at three stops, and how much further at the peak of C.

    ``further-clock`` is how much further they differ than at the last epoch if all stop at the mean epoch of those
    peaks, without a look at the plane.
    """
    rules = {"peak": "peak of C", "end": "last epoch", "held": "lowest validation loss"}
    names = [f"disagree-{key}" for key in rules]
    names += [f"further-{key}{limit}" for key in ("end", "held") for limit in ("", "-low", "-high")]
    names += ["further-clock", "peak-clock", "last-held"]
    if chosen is None:
        return dict.fromkeys(("seeds-held", *names), float("nan"))
    found = stopped(chosen)
    differ = {key: 100 * found[rule]["differ"] for key, rule in rules.items()}
    numbers = {f"disagree-{key}": each.mean() for key, each in differ.items()}
    for key in ("end", "held"):
        further = difference_interval(differ["peak"], differ[key])
        numbers |= {f"further-{key}": further.mean, f"further-{key}-low": further.low}
        numbers |= {f"further-{key}-high": further.high}
    clock = round(float(found["peak of C"]["epoch"].mean()))
    together = runs_of(chosen).disagreement(np.full(chosen.sizes["seed"], clock))
    numbers |= {"further-clock": 100 * together.mean() - numbers["disagree-end"], "peak-clock": clock}
    numbers["last-held"] = int(chosen["epoch"].values[-1])
    return {"seeds-held": chosen.sizes["seed"]} | {name: round(float(numbers[name]), 2) for name in names}
