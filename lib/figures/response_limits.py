"""Figures of chapter 8 on the limits of the response's theory: a Dataset of `lib.experiments.response_limits` in."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from lib.claims.response_limits import SMALL_RATES, WIDE, by_rate, by_width
from lib.figures._networks import draw, legend_below
from lib.figures.style import colour, heading, look, panel_labels
from lib.models.bit_encoder import ACTIVATION_NAMES

_MOMENTS = ("blue", "vermilion", "brown", "purple")
_DASHED: dict[str, Any] = {"linestyle": (0, (4, 2)), "linewidth": 1.4}
_DOTTED: dict[str, Any] = {"linestyle": (0, (1, 1.2)), "linewidth": 1.4}
_KINDS = {"torch": ("default initial weights, rate × 128/width", "blue"), "tangent": ("readout / √width", "vermilion")}


def first_order(record: xr.Dataset) -> Figure:
    """Draw the error of the first-order form against the rate of the step, by epochs of training before it.

    Lines have the features' gates, dashed ones have none and their best constant; dotted is proportion.
    """
    figure, grid = _panels(record)
    for axes, activation in zip(grid, record["activation"].values, strict=True):
        errors = record["first_order_error"].sel(activation=activation)
        for epoch, shade in zip(record["epoch"].values, _MOMENTS, strict=False):
            at = errors.sel(epoch=epoch)
            label = f"{epoch:,} epochs"
            style = {"color": colour(shade), "markersize": 3}
            draw(axes, record["rate"], at.sel(form="both gates"), label, factors=True, marker="o", **style)
            bare = at.sel(form="no gates, best multiple")
            draw(axes, record["rate"], bare, f"{label}, no gates", factors=True, **style, **_DASHED)
        _proportion(axes, record["rate"].values, errors.sel(form="both gates").isel(epoch=0))
        _rate_axes(axes, activation)
    panel_labels(grid)
    legend_below(figure, list(grid), 4)
    return figure


def superposition(record: xr.Dataset) -> Figure:
    """Draw the error of the sum over points against the rate, by the number of points, before any training.

    Lines are first-order kernels weighted by y_i - f, dashed ones sums of exact single steps, and fine dotted ones
    kernels weighted by the sign alone.
    """
    figure, grid = _panels(record)
    for axes, activation in zip(grid, record["activation"].values, strict=True):
        errors = record["superposition_error"].sel(activation=activation).isel(points_epoch=0)
        for points, shade in zip(record["points"].values, _MOMENTS, strict=False):
            at = errors.sel(points=points)
            label, style = f"{points} points", {"color": colour(shade), "markersize": 3}
            draw(axes, record["rate"], at.sel(sum="first order"), label, factors=True, marker="o", **style)
            draw(axes, record["rate"], at.sel(sum="single steps"), f"{label}, steps", factors=True, **style, **_DASHED)
            draw(axes, record["rate"], at.sel(sum="signs only"), f"{label}, signs", factors=True, **style, **_DOTTED)
        _proportion(axes, record["rate"].values, errors.sel(sum="first order").isel(points=0))
        _rate_axes(axes, activation)
    panel_labels(grid)
    legend_below(figure, list(grid), 3)
    return figure


def width_scaling(record: xr.Dataset) -> Figure:
    """Draw the change of the kernel in training against the width, with fitted slopes; dotted, slopes -1/2 and -1."""
    figure, grid = _panels(record)
    width = record["width"].values.astype(float)
    slopes = by_width(record)
    fitted = width >= WIDE if (width >= WIDE).sum() >= 3 else width > 0
    for axes, activation in zip(grid, record["activation"].values, strict=True):
        for kind, (label, shade) in _KINDS.items():
            change = record["kernel_change"].sel(activation=activation, parametrisation=kind)
            change = change.where(change > 0).dropna("seed")  # a network may start within the error
            draw(axes, width, change, label, factors=True, marker="o", markersize=3, color=colour(shade))
            slope = float(slopes.sel(activation=activation, parametrisation=kind).mean())
            logs = np.log(change.transpose("width", "seed").values.astype(float)).mean(1)
            middle = np.exp(logs[fitted].mean())
            line = middle * (width[fitted] / np.exp(np.log(width[fitted]).mean())) ** slope
            axes.plot(width[fitted], line, color=colour("black"), linewidth=0.8)
            axes.annotate(f"{slope:.2f}", (width[-1], line[-1]), xytext=(2, 4), textcoords="offset points", fontsize=8)
        first = float(
            record["kernel_change"].sel(activation=activation, parametrisation="tangent").isel(width=0).mean()
        )
        for power, name in ((-0.5, "slopes −1/2 and −1"), (-1.0, None)):
            axes.plot(width, first * (width / width[0]) ** power, label=name, **look("nominal"))
        heading(axes, ACTIVATION_NAMES[str(activation)])
        axes.set(xscale="log", yscale="log", xlabel="features", ylabel="relative change of the kernel")
        axes.set_xticks(width, labels=[f"{value:,.0f}" for value in width], rotation=30)
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.margins(x=0.12)
    panel_labels(grid)
    legend_below(figure, list(grid), 3)
    return figure


def _panels(record: xr.Dataset) -> tuple[Figure, np.ndarray]:
    figure, grid = plt.subplots(1, record.sizes["activation"], figsize=(7.4, 3.7), sharey=True, squeeze=False)
    return figure, grid[0]


def _rate_axes(axes: Axes, activation: str) -> None:
    heading(axes, ACTIVATION_NAMES[str(activation)])
    axes.set(xscale="log", yscale="log", xlabel="learning rate of the step", ylabel="largest relative error")


def _proportion(axes: Axes, rates: np.ndarray, errors: xr.DataArray) -> None:
    """Draw an error in proportion to the rate, somewhat above the first."""
    first = 3 * float(errors.isel(rate=0).mean())
    axes.plot(rates, first * rates / rates[0], label="in proportion", **look("nominal"))


def numbers(record: xr.Dataset, suffix: str = "") -> dict[str, float]:
    """Return what the prose says of the limits, rounded; errors in percent."""
    errors, sums = record["first_order_error"], record["superposition_error"]
    first, added, wide = by_rate(record, "first_order_error"), by_rate(record, "superposition_error"), by_width(record)
    small = float(record["rate"].values[record["rate"].values <= SMALL_RATES][-1])
    last = int(record["width"].values[-1])
    found: dict[str, Any] = {"limits-small-rate": small}
    for activation in record["activation"].values:
        slopes = first.sel(activation=activation, form="both gates").mean("seed")
        found[f"first-order-slope-{activation}-least"] = slopes.min()
        found[f"first-order-slope-{activation}-most"] = slopes.max()
        at = 100 * errors.sel(activation=activation).isel(epoch=0).mean("seed")
        found[f"first-order-error-{activation}"] = at.sel(form="both gates", rate=small)
        found[f"first-order-error-high-{activation}"] = at.sel(form="both gates").sel(rate=0.1, method="nearest")
        found[f"ungated-error-{activation}"] = at.sel(form="no gates, best multiple", rate=small)
        trained = 100 * errors.sel(activation=activation).isel(epoch=-1).mean("seed")
        found[f"ungated-error-trained-{activation}"] = trained.sel(form="no gates, best multiple", rate=small)
        found[f"superposition-slope-{activation}"] = added.sel(activation=activation, sum="first order").mean()
        for place, name in ((0, "before"), (-1, "after")):
            at_kink = record["at_kink"].sel(activation=activation).isel(points_epoch=place)
            found[f"at-kink-{name}-{activation}"] = 100 * at_kink.mean()
        for place, name in ((0, "few"), (-1, "many")):
            each = 100 * sums.sel(activation=activation, rate=small).isel(points=place, points_epoch=0).mean("seed")
            found[f"superposition-error-{name}-{activation}"] = each.sel(sum="first order")
        for kind in record["parametrisation"].values:
            found[f"width-slope-{activation}-{kind}"] = wide.sel(activation=activation, parametrisation=kind).mean()
            change = record["kernel_change"].sel(activation=activation, parametrisation=kind).mean("seed")
            found[f"width-change-first-{activation}-{kind}"] = change.isel(width=0)
            found[f"width-change-last-{activation}-{kind}"] = change.isel(width=-1)
    return {f"{name}{suffix}": float(f"{float(value):.3g}") for name, value in found.items()} | {
        f"width-last{suffix}": float(last)
    }
