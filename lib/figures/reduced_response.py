"""Figure of chapter 8 on the reduced system: a Dataset of `lib.experiments.reduced_response` in, a figure out."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.claims.reduced_response import NEAR
from lib.figures._networks import LAYERS
from lib.figures.style import BAND_ALPHA, colour, heading, look, panel_labels

_LOWEST = 1e-9  # responses below this are not drawn
_DOTS: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 2.6}


def reduced(record: xr.Dataset) -> Figure:
    """Draw the divided response of the reduced system by slope, rate and target, and how early its law holds.

    Lines are flows, dots maps. a: target 1, several slopes at one rate, and b: several rates at one slope, with the
    asymptote 1/(2 eta t). c: several targets; dotted, what each tends to. d: the exponent from epoch 10 to 10,000
    against the only pace that the flow has.
    """
    figure, grid = plt.subplots(2, 2, figsize=(7.4, 5.8))
    slopes, rates, targets = (record[name].values for name in ("slope", "rate", "target"))
    rate, slope, one = rates[len(rates) // 2], _nearest(slopes, 1.0), _nearest(rates, 1.0)
    at_one = record.sel(target=1.0)
    for each, shade in zip(slopes, _shades(len(slopes)), strict=True):
        _curve(grid[0, 0], at_one.sel(slope=each, rate=rate), f"a = {each:g}", shade)
    _asymptote(grid[0, 0], record["time"].values, rate)
    for each, shade in zip(rates, _shades(len(rates)), strict=True):
        _curve(grid[0, 1], at_one.sel(slope=slope, rate=each), f"rate {each:g}", shade)
        _asymptote(grid[0, 1], record["time"].values, each)
    for each, shade in zip(targets, _shades(len(targets)), strict=True):
        _curve(grid[1, 0], record.sel(target=each, slope=slope, rate=one), f"target {each:g}", shade)
        if each < 1:
            grid[1, 0].axhline((slope * each * (1 - each)) ** 2, color=shade, linestyle=(0, (1, 1.5)), linewidth=0.8)
    texts = (f"target 1, rate {rate:g}", f"target 1, a = {slope:g}", f"a = {slope:g}, rate {one:g}", "target 1")
    for axes, text in zip(grid.flat, texts, strict=True):
        heading(axes, text)
    for axes in grid.ravel()[:3]:
        axes.set(xscale="log", yscale="log", xlabel="epoch", ylabel="divided response / C")
        axes.set_xlim(0.3, record["time"].values[-1])
        axes.set_ylim(_LOWEST, None)
        axes.legend(fontsize=7, loc="lower left", handlelength=1.2)
    _exponents(grid[1, 1], record)
    panel_labels(grid)
    return figure


def _exponents(axes: Axes, record: xr.Dataset) -> None:
    """Draw exponents over the epochs at which networks are looked at, against a^2 eta."""
    pace = (record["slope"] ** 2 * record["rate"]).values.ravel()
    styles: dict[str, dict[str, Any]] = {
        "early_exponent": {"label": "flow", "marker": "s", "color": colour("blue"), "fillstyle": "none"},
        "map_exponent": {"label": "map", "marker": "o", "color": colour("vermilion"), "markersize": 3},
    }
    for name, style in styles.items():
        mean = record[name].transpose("slope", "rate", "seed").mean("seed").values.ravel()
        axes.plot(pace, mean, linestyle="none", **style)
    axes.axhspan(*NEAR, color=colour("grey"), alpha=BAND_ALPHA, linewidth=0, label="1 within 5 %")
    axes.set(xscale="log", xlabel="a² × rate", ylabel="exponent, epochs 10 to 10,000")
    axes.legend(fontsize=8, loc="best")


def _curve(axes: Axes, chosen: xr.Dataset, label: str, shade: Any) -> None:
    axes.plot(chosen["time"], chosen["flow_response"], color=shade, linewidth=1.5, label=label)
    axes.plot(chosen["epoch"], chosen["map_response"], color=shade, **_DOTS)


def _asymptote(axes: Axes, time: np.ndarray, rate: float) -> None:
    """Draw what the response tends to, from where it is below the largest that it can be."""
    axes.plot(time[time * rate > 1], 1 / (2 * rate * time[time * rate > 1]), zorder=3, **look("theory"))


def _nearest(values: np.ndarray, to: float) -> float:
    return float(values[np.abs(values - to).argmin()])


def _shades(number: int) -> list[Any]:
    return [colormaps[LAYERS](place) for place in np.linspace(0, 0.85, number)]


def numbers(record: xr.Dataset, suffix: str = "") -> dict[str, float]:
    """Return what the prose says of the reduced system, rounded."""
    means = {name: record[name].mean("seed") for name in ("exponent", "raw_exponent", "asymptote", "map_exponent")}
    early = record["early_exponent"].mean("seed")
    between = record["target"].values[record["target"].values < 1]
    fall = record["fall"].sel(target=between).mean("seed")
    found = {
        "reduced-systems": early.size,
        "reduced-exponent": means["exponent"].mean(),
        "reduced-exponent-least": means["exponent"].min(),
        "reduced-exponent-most": means["exponent"].max(),
        "reduced-exponent-farthest": means["exponent"].values.ravel()[np.abs(means["exponent"].values - 1).argmax()],
        "reduced-raw-exponent": means["raw_exponent"].mean(),
        "reduced-asymptote-farthest": means["asymptote"].values.ravel()[np.abs(means["asymptote"].values - 1).argmax()],
        "reduced-early-near": ((early >= NEAR[0]) & (early <= NEAR[1])).sum(),
        "reduced-early-map-near": ((means["map_exponent"] >= NEAR[0]) & (means["map_exponent"] <= NEAR[1])).sum(),
        "reduced-map-ratio-least": record["map_ratio"].mean("seed").min(),
        "reduced-map-ratio-most": record["map_ratio"].mean("seed").max(),
        "reduced-fall-least": fall.min(),
        "reduced-fall-most": fall.max(),
        "reduced-fall-one": record["fall"].sel(target=1.0).mean(),
    }
    rounded = {f"{name}{suffix}": round(float(value), 3) for name, value in found.items()}
    return rounded | {f"reduced-closed-form{suffix}": float(f"{float(record['closed_form'].max()):.1e}")}
