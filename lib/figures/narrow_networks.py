"""Figures of chapter 7 on highway networks: a Dataset of `lib.experiments.narrow_networks` in, a figure out."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lib.claims._quench import DEEP, FIELDS, RECOVERED, quench
from lib.claims.narrow_networks import QUANTITIES, lags, loss_bends, network, networks, onset
from lib.figures._networks import draw, epoch_axis, layer_scale, layer_shades, layer_ticks, legend_below
from lib.figures.style import BAND_ALPHA, colour, heading, look, panel_labels
from lib.measures.statistics import seed_interval

AXIS = {
    "effective_dimension": "effective dimension",
    "complexity": "complexity (bits per unit)",
    "gate": "mean gate",
    "test_loss": "test loss (nats)",
    "test_error": "test error",
}
"""Labels of the axes."""

NETWORKS = {
    "text": "highway 11 x 28, rate 3e-5",
    "plain": "plain 11 x 28, rate 3e-5",
    "wide": "highway 11 x 36, rate 3e-5",
    "ten": "highway 10 x 36, rate 3e-5",
    "low": "highway 11 x 28, rate 1e-5",
    "lowest": "highway 11 x 28, rate 1e-6",
    "ordinary": "highway 11 x 28, rate 1e-3",
    "random": "highway 11 x 28, rate 1e-4, random labels",
}
"""Networks of the stored record that the chapter speaks of, by the word that it has for each."""

_SHADES = ("blue", "vermilion", "green", "purple", "sky", "brown", "black", "grey")
_MARKS: tuple[dict[str, Any], ...] = (
    {"marker": "o", "markersize": 3},
    {"marker": "D", "markersize": 5, "markerfacecolor": "white"},
)


def names(record: xr.Dataset) -> list[str]:
    """Return the names of all networks of a record."""
    return [str(name) for name in record["network"].values]


def profiles(record: xr.Dataset, name: str, seed: int | None = None) -> Figure:
    """Draw effective dimension and complexity of every layer, gates, loss and error of a network against the epoch.

    Mean over seeds, with the interval of loss and error, or one seed. A dotted line marks when the loss begins to fall.
    """
    chosen = network(record, name)
    if seed is not None:
        chosen = chosen.sel(seed=[seed])
    epochs, depth = chosen["epoch"].values, int(chosen["depth"])
    figure, grid = plt.subplots(2, 2, figsize=(7.4, 5.0), sharex=True)
    for axes, quantity in zip(grid.flat, ("effective_dimension", "complexity", "gate"), strict=False):
        scale = int(chosen["width"]) if quantity == "complexity" else 1
        values = chosen[quantity].mean("seed").transpose("layer", "reading").values / scale
        for line, shade in zip(values, layer_shades(depth), strict=True):
            known = np.isfinite(line)
            axes.plot(epochs[known], line[known], color=shade, linewidth=1.3)
        axes.set(ylabel=AXIS[quantity].replace(" (", "\n("), ylim=(0, _top(record, quantity)))
    last = grid[1, 1]
    for quantity, shade in (("test_loss", "blue"), ("test_error", "vermilion")):
        draw(last, epochs, chosen[quantity], AXIS[quantity], color=colour(shade))
    last.set(ylabel="on test images", ylim=(0, None))
    last.legend(loc="upper right", fontsize=8)
    for axes in grid.flat:
        axes.axvline(float(onset(chosen).mean()), **look("nominal"))
    for axes in grid[1]:
        epoch_axis(axes)
    figure.colorbar(layer_scale(depth), ax=grid, pad=0.02, ticks=layer_ticks(depth), label="layer")
    panel_labels(grid)
    return figure


def _top(record: xr.Dataset, quantity: str) -> float:
    """Largest value in the whole record, so that figures of one record have one scale."""
    if quantity == "complexity":
        return 1.02
    return 1.05 * float(np.nanmax(record[quantity].values, initial=0.0)) or 1.0


def depths(record: xr.Dataset) -> Figure:
    """Draw fall and recovery of every layer, of effective dimension and of complexity, network by network."""
    figure, grid = plt.subplots(2, 2, figsize=(7.4, 5.6), sharex=True)
    for column, quantity in zip(grid.T, QUANTITIES, strict=True):
        for axes, (field, word) in zip(column, FIELDS.items(), strict=True):
            for name, style in _styles(record).items():
                chosen = network(record, name)
                found = xr.DataArray(getattr(quench(chosen, quantity).dips, field), dims=("seed", "layer"))
                draw(axes, chosen["layer"].values, 100 * found, name, linewidth=1.2, **style)
            axes.axhline(100 * DEEP, **look("nominal"))
            axes.set(ylim=(0, None), ylabel=f"{word} (%)")
        heading(column[0], AXIS[quantity].partition(" (")[0])
        column[1].set_xlabel("layer")
        column[1].xaxis.set_major_locator(MaxNLocator(6, integer=True))
    panel_labels(grid)
    legend_below(figure, list(grid.flat), 2)
    return figure


def _styles(record: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Colours of networks in their order, with other marks where they begin again; dashes for controls."""
    found = {}
    for name, (mark, shade) in zip(names(record), product(_MARKS, _SHADES), strict=False):
        chosen = record.sel(network=name)
        control = bool(chosen["gate_bias"].isnull()) or chosen["labels"].item() != "true"
        found[name] = {"color": colour(shade), "linestyle": (0, (4, 2)) if control else "-", **mark}
    return found


def moments(record: xr.Dataset, which: list[str]) -> Figure:
    """Draw by layer when effective dimension is at its minimum, and when the loss falls, for some networks.

    Small points: seeds; circles: their mean. Shaded: from the beginning
    of the loss's fall to its end, in the mean over seeds; thin lines: the beginning in each seed.
    """
    columns = min(3, len(which))
    lines = -(-len(which) // columns)
    figure, grid = plt.subplots(lines, columns, figsize=(7.4, 2.7 * lines + 0.4), squeeze=False)
    for axes, name in zip(grid.flat, which, strict=False):
        _moments(axes, network(record, name))
        heading(axes, name.replace(", ", "\n", 1) if columns > 1 else name)
    for axes in grid.flat[len(which) :]:
        axes.set_axis_off()
    for axes in grid[:, 0]:
        axes.set_ylabel("layer")
    panel_labels(grid.flat[: len(which)])
    return figure


def _moments(axes: Axes, chosen: xr.Dataset) -> None:
    times = quench(chosen, "effective_dimension").times
    joints, begin, layer = loss_bends(chosen), onset(chosen), chosen["layer"].values
    axes.axvspan(begin.mean(), joints.second.mean(), color=colour("sky"), alpha=BAND_ALPHA, linewidth=0)
    for each in begin:
        axes.axvline(each, color=colour("sky"), linewidth=0.5, alpha=0.7)
    known = np.isfinite(times)
    if known.any():
        places = np.broadcast_to(layer, times.shape)
        axes.plot(times[known], places[known], ".", color=colour("grey"), markersize=3)
        some = known.any(axis=0)
        mean = np.nanmean(times[:, some], axis=0)
        axes.plot(mean, layer[some], "o", color=colour("blue"), markersize=4)
    axes.set(ylim=(layer[-1] + 0.6, layer[0] - 0.6), xlim=(0, float(chosen["epoch"].values[-1])))
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    epoch_axis(axes)


def rates(record: xr.Dataset, which: list[str]) -> Figure:
    """Draw mean effective dimension over layers, and the loss, of some networks against steps times rate."""
    figure, grid = plt.subplots(1, 2, figsize=(7.4, 3.4))
    for name, shade in zip(which, _SHADES, strict=False):
        chosen = network(record, name)
        way = chosen["step"].values * float(chosen["rate"])
        for axes, values in zip(grid, (chosen["effective_dimension"].mean("layer"), chosen["test_loss"]), strict=True):
            draw(axes, way[1:], values.isel(reading=slice(1, None)), name, color=colour(shade), linewidth=1.4)
    for axes, quantity in zip(grid, ("effective_dimension", "test_loss"), strict=True):
        axes.set(xscale="log", xlabel="steps × rate", ylabel=AXIS[quantity])
    panel_labels(grid)
    legend_below(figure, list(grid), 2)
    return figure


def compare(record: xr.Dataset, which: list[str], quantity: str = "effective_dimension") -> Figure:
    """Draw a quantity of every layer for some networks beside each other, means over seeds."""
    columns = 2 if len(which) == 4 else min(3, len(which))
    lines = -(-len(which) // columns)
    figure, grid = plt.subplots(lines, columns, figsize=(7.4, 2.6 * lines + 0.3), squeeze=False, sharey=True)
    deepest = max(int(network(record, name)["depth"]) for name in which)
    for axes, name in zip(grid.flat, which, strict=False):
        chosen = network(record, name)
        scale = int(chosen["width"]) if quantity == "complexity" else 1
        values = chosen[quantity].mean("seed").transpose("layer", "reading").values / scale
        for line, shade in zip(values, layer_shades(deepest), strict=False):
            known = np.isfinite(line)
            axes.plot(chosen["epoch"].values[known], line[known], color=shade, linewidth=1.2)
        axes.axvline(float(onset(chosen).mean()), **look("nominal"))
        axes.set_ylim(0, _top(record, quantity))
        heading(axes, name.replace(", ", "\n", 1) if columns > 1 else name)
        epoch_axis(axes)
    for axes in grid.flat[len(which) :]:
        axes.set_axis_off()
    for axes in grid[:, 0]:
        axes.set_ylabel(AXIS[quantity])
    figure.colorbar(layer_scale(deepest), ax=grid, pad=0.02, ticks=layer_ticks(deepest), label="layer")
    panel_labels(grid.flat[: len(which)])
    return figure


def numbers(live: xr.Dataset, record: xr.Dataset) -> dict[str, float]:
    """Return what the prose says of a live run and of the stored record, rounded.

    Names end with ``live`` and ``plain-live`` for the first network with and without gates of the live run, and with
    the words of `NETWORKS` for those of the record.
    """
    gated = live["gate_bias"].notnull().values
    first, first_plain = (names(live.isel(network=chosen))[0] for chosen in (gated, ~gated))
    found: dict[str, float] = {
        "seconds-live": round(live.attrs["wall_time_s"]),
        "minutes-record": round(record.attrs["wall_time_s"] / 60),
        "percent-fallen": 100 * DEEP,
        "percent-recovered": 100 * RECOVERED,
    }
    found |= _numbers_of(live, first, "live") | _numbers_of(live, first_plain, "plain-live")
    for word, name in NETWORKS.items():
        found |= _numbers_of(record, name, word)
    return found | _numbers_of_rates(record)


def _numbers_of(record: xr.Dataset, name: str, key: str) -> dict[str, float]:
    """Return what the prose says of one network, rounded; names end with `key`."""
    chosen = network(record, name)
    found: dict[str, float] = {
        "seeds": chosen.sizes["seed"],
        "epochs": float(chosen["epoch"].values[-1]),
        "steps": float(chosen["step"].values[-1]),
        "error": 100 * float(chosen["test_error"].isel(reading=-1).mean()),
        "loss-first": float(chosen["test_loss"].isel(reading=0).mean()),
        "loss-last": float(chosen["test_loss"].isel(reading=-1).mean()),
        "onset": float(onset(chosen).mean()),
        "end": float(loss_bends(chosen).second.mean()),
    }
    for quantity, word in QUANTITIES.items():
        dips = quench(chosen, quantity).dips
        for field, part in FIELDS.items():
            mean = 100 * getattr(dips, field).mean(axis=0)
            found |= {f"{word}-{part}-least": float(mean.min()), f"{word}-{part}-most": float(mean.max())}
    times = quench(chosen, "effective_dimension").times
    by_layer = [np.nanmean(each) for each in times.T if np.isfinite(each).any()]
    if by_layer:
        lag = seed_interval(lags(chosen, times))
        found |= {"minimum": float(np.nanmean(times))}
        found |= {"lag": float(lag.mean), "lag-low": float(lag.low), "lag-high": float(lag.high)}
        found |= {"minimum-first": min(by_layer), "minimum-last": max(by_layer)}
    found["fallen-at-onset"] = 100 * _fallen_at_onset(chosen).mean()
    dimension = chosen["effective_dimension"].mean(("seed", "layer")).values
    found |= {"dimension-first": dimension[0], "dimension-lowest": dimension.min(), "dimension-last": dimension[-1]}
    return {f"{word}-{key}": round(float(value), 3) for word, value in found.items()}


def _fallen_at_onset(chosen: xr.Dataset) -> np.ndarray:
    """Share of the fall of effective dimension, mean over layers, that is over when the loss begins to fall, a seed."""
    curves = chosen["effective_dimension"].mean("layer").transpose("seed", "reading").values
    at = np.array([np.interp(t, chosen["epoch"].values, curve) for t, curve in zip(onset(chosen), curves, strict=True)])
    whole = curves[:, 0] - curves.min(axis=1)
    return np.asarray(np.divide(curves[:, 0] - at, whole, out=np.zeros_like(whole), where=whole > 0))


def _numbers_of_rates(record: xr.Dataset) -> dict[str, float]:
    """Return when things happen in the text's network at all rates, in steps times rate: from the least to the most.

    One bias of the gates, as in the figure. ``half`` of the fall of effective dimension, mean over layers and
    seeds, its ``minimum``, the loss's ``onset``.
    """
    found: dict[str, list[float]] = {"half": [], "minimum": [], "onset": []}
    every = [chosen for _, chosen in (*networks(record), *networks(record, low=False))]
    for chosen in (each for each in every if each["gate_bias"] == every[0]["gate_bias"]):
        way = chosen["step"].values * float(chosen["rate"])
        per_epoch = float(way[-1] / chosen["epoch"].values[-1])
        curve = chosen["effective_dimension"].mean(("seed", "layer")).values
        falling = slice(0, int(curve.argmin()) + 1)
        found["half"].append(float(np.interp(-(curve[0] + curve.min()) / 2, -curve[falling], way[falling])))
        times = quench(chosen, "effective_dimension").times
        if np.isfinite(times).any():
            found["minimum"].append(per_epoch * float(np.nanmean(times)))
        found["onset"].append(per_epoch * float(onset(chosen).mean()))
    ends = {f"{key}-{end.__name__}-rates": end(each) for key, each in found.items() if each for end in (min, max)}
    return {key: round(float(value), 4) for key, value in ends.items()}
