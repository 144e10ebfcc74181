"""Figures of chapter 3 on reproducibility: how accuracies spread over test subsets and seeds, and where to stop.

They compute accuracies on subsets of the stored predictions, and what different rules of stopping would have given.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lib.figures.complexity_plane import STATED, data_sets, of_network, peak_epochs
from lib.figures.style import PALETTE, colour, look, panel_labels
from lib.measures.statistics import seed_interval

SHOWN_EPOCHS = (5, 10, 20, 30, 50)
"""Epochs of the text's figure 3c."""

DRAWS = 20
"""Test subsets of the text's figure 3c."""

_MANY = 2_000  # draws beside the text's 20


def _epoch_axis(axes: Axes) -> None:
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def subset_size(samples: int) -> int:
    """Return how many test images a subset has: the text's 500, or half of those that there are if they are few.

    Examples
    --------
    >>> subset_size(10_000), subset_size(360)
    (500, 180)
    """
    return 500 if samples >= 1_000 else samples // 2


def subset_accuracies(correct: np.ndarray, size: int, draws: int, seed: int = 0) -> np.ndarray:
    """Return accuracies on random subsets without replacement, the same subsets for every leading index.

    Parameters
    ----------
    correct
        Whether each test image is classified correctly, shape (..., sample).
    size
        Images of a subset.
    draws
        Number of subsets.
    seed
        Of the draws.

    Returns
    -------
    numpy.ndarray
        Shape (..., draw).

    Raises
    ------
    ValueError
        If a subset would be empty or larger than the whole.

    Examples
    --------
    >>> subset_accuracies(np.array([[True, True, True, True], [False, False, False, False]]), size=2, draws=3)
    array([[1., 1., 1.],
           [0., 0., 0.]])
    """
    samples = correct.shape[-1]
    if not 0 < size <= samples:
        raise ValueError(f"A subset of {size} images cannot be drawn from {samples}: use 1 to {samples}.")
    generator = np.random.default_rng(seed)
    chosen = np.zeros((draws, samples), dtype=np.float32)
    for row in chosen:
        row[generator.choice(samples, size, replace=False)] = 1
    return np.asarray(np.asarray(correct, dtype=np.float32) @ chosen.T, dtype=np.float64) / size


def sampling_deviation(accuracy: np.ndarray, size: int, samples: int) -> np.ndarray:
    r"""Return what sampling alone makes of the spread of accuracies.

    .. math:: \sqrt{\frac{p (1 - p)}{m} \cdot \frac{n - m}{n - 1}}

    for subsets of m out of n images, drawn without replacement, of which a share p is classified correctly.

    Examples
    --------
    >>> sampling_deviation(np.array(0.5), size=1, samples=10_000)
    array(0.5)
    """
    return np.asarray(np.sqrt(accuracy * (1 - accuracy) / size * (samples - size) / (samples - 1)))


def _correct(chosen: xr.Dataset) -> xr.DataArray:
    """Whether each test image is classified correctly; images that this network's set has not are left out."""
    shift = chosen["shift"]
    return (shift == 0).isel(sample=np.flatnonzero((shift != 255).any(("seed", "epoch"))))


def reproducibility(record: xr.Dataset, network: str) -> Figure:
    """Draw the text's figure 3c: accuracies on random test subsets, beside what sampling and other seeds give."""
    chosen = of_network(record, network)
    epochs = np.array(
        [epoch for epoch in SHOWN_EPOCHS if epoch <= chosen["epoch"].values[-1]] or chosen["epoch"].values
    )
    correct = _correct(chosen).sel(epoch=epochs).transpose("seed", "epoch", "sample").values
    samples = correct.shape[-1]
    size = subset_size(samples)
    accuracy = correct.mean(axis=-1)  # (seed, epoch)
    drawn = subset_accuracies(correct, size, _MANY)
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(7.2, 3.7))
    few = drawn[..., :DRAWS]
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
        error = spread / np.sqrt(2 * (DRAWS - 1))
        middle.errorbar(
            epochs + 0.8 * (seed - (len(few) - 1) / 2),
            spread,
            error,
            linestyle="none",
            marker="o",
            capsize=2,
            linewidth=1,
            color=colour("accuracy"),
            label=None if seed else f"{DRAWS} subsets",
        )
    middle.plot(
        epochs,
        100 * drawn.std(axis=-1, ddof=1).mean(axis=0),
        marker="s",
        color=colour("sky"),
        linewidth=1.3,
        label=f"{_MANY:,} subsets",
    )
    middle.plot(
        epochs, 100 * sampling_deviation(accuracy, size, samples).mean(axis=0), label="sampling alone", **look("theory")
    )
    if len(accuracy) > 2:
        middle.plot(
            epochs, 100 * accuracy.std(axis=0, ddof=1), marker="^", color=colour("brown"), linewidth=1.3, label="seeds"
        )
    middle.set(ylabel="standard deviation (points)", ylim=(0, None))
    if len(accuracy) > 1:
        shift = _predictions(chosen)
        axis = chosen["epoch"].values
        pairs = np.array(
            [(shift[:, a] != shift[:, b]).mean(axis=-1) for a, b in combinations(range(shift.shape[1]), 2)]
        )
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
        _epoch_axis(axes)
    figure.legend(*middle.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=9)
    panel_labels((left, middle, right))
    return figure


def _predictions(chosen: xr.Dataset) -> np.ndarray:
    """What is predicted for each test image, relative to the truth, shape (epoch, seed, sample)."""
    there = np.flatnonzero((chosen["shift"] != 255).any(("seed", "epoch")))
    return np.asarray(chosen["shift"].isel(sample=there).transpose("epoch", "seed", "sample").values)


# -- stopping ---------------------------------------------------------------------------------------------------------

STOPS = {
    "peak of C": ("o", "vermilion"),
    f"epochs {STATED[0]} to {STATED[1]}": ("s", "grey"),
    "lowest validation loss": ("^", "green"),
    "last epoch": ("D", "black"),
}


def stops(chosen: xr.Dataset) -> dict[str, np.ndarray]:
    """Return the epochs at which each rule stops each seed, shape (seed, epochs); rules that cannot stop are left out.

    The text's region is a row of epochs for every seed; what happens there is averaged over it.
    """
    seeds, last = chosen.sizes["seed"], int(chosen["epoch"].values[-1])
    found = {"peak of C": peak_epochs(chosen)["epoch"].values[:, None].astype(int)}
    if last >= STATED[1]:
        found[f"epochs {STATED[0]} to {STATED[1]}"] = np.tile(np.arange(STATED[0], STATED[1] + 1), (seeds, 1))
    if "validation_loss" in chosen and bool(chosen["validation_loss"].notnull().any()):
        found["lowest validation loss"] = (
            chosen["validation_loss"].transpose("seed", "epoch").fillna(np.inf).values.argmin(1)[:, None]
        )
    found["last epoch"] = np.full((seeds, 1), last)
    return found


def stopped(chosen: xr.Dataset) -> dict[str, dict[str, np.ndarray]]:
    """Return what each rule of `stops` gives: ``epoch`` and ``accuracy`` (share) of each seed, ``differ`` of each pair.

    ``differ`` is the share of test images on which two seeds, each at its own stop, predict differently.
    """
    predictions = _predictions(chosen).transpose(1, 0, 2)  # (seed, epoch, sample)
    accuracy = 1 - chosen["test_error"].transpose("seed", "epoch").values
    found = {}
    for rule, at in stops(chosen).items():
        chosen_predictions = np.take_along_axis(predictions, at[..., None], axis=1)
        pairs = combinations(range(len(at)), 2)
        found[rule] = {
            "epoch": at.mean(axis=1),
            "accuracy": np.take_along_axis(accuracy, at, axis=1).mean(axis=1),
            "differ": np.array([(chosen_predictions[a] != chosen_predictions[b]).mean() for a, b in pairs]),
        }
    return found


def stopping(record: xr.Dataset) -> Figure:
    """Draw where rules of stopping stop, what accuracy that costs, and how far seeds then agree, for each network."""
    networks = [str(name) for name in record["network"].values if "random labels" not in str(name)]
    rows = np.arange(len(networks))[::-1]
    figure, grid = plt.subplots(1, 3, figsize=(7.2, 0.42 * len(networks) + 2.2), sharey=True)
    offsets = dict(zip(STOPS, np.linspace(0.27, -0.27, len(STOPS)), strict=True))
    for row, network in zip(rows, networks, strict=True):
        found = stopped(of_network(record, network))
        end = found["last epoch"]["accuracy"]
        for rule, result in found.items():
            marker, shade = STOPS[rule]
            style: dict[str, Any] = {"linestyle": "none", "marker": marker, "color": colour(shade), "linewidth": 1.2}
            values = (result["epoch"], 100 * (result["accuracy"] - end), 100 * result["differ"])
            for axes, numbers in zip(grid, values, strict=True):
                if not len(numbers) or (axes is grid[1] and rule == "last epoch"):
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
    grid[0].set(yticks=rows, yticklabels=networks, ylim=(-0.6, len(rows) - 0.4), xlabel="epoch of the stop")
    grid[0].set_xlim(-1, 1.04 * int(record["epoch"].values[-1]))
    grid[1].set_xlabel("accuracy less that at\nthe last epoch (points)")
    grid[2].set_xlabel("predictions that differ\nbetween seeds (%)")
    grid[2].set_xlim(left=0)
    if not grid[2].containers:
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
        chosen = of_network(each, data_sets(each)[0])
        correct = _correct(chosen)
        samples, accuracy = correct.sizes["sample"], correct.isel(epoch=-1).mean("sample").values
        size = subset_size(samples)
        found |= {
            f"samples-{where}": samples,
            f"subset-{where}": size,
            f"sampling-{where}": round(100 * float(sampling_deviation(accuracy, size, samples).mean()), 2),
        }
    found["draws-error"] = round(100 / float(np.sqrt(2 * (DRAWS - 1))))
    return found
