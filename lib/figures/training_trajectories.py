"""Figures of chapter 6 on training: networks of `lib.experiments.residual_tasks` in, a figure out (J, figures 6, 7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from lib.claims import _residual_tasks as tasks
from lib.claims.power_laws import EXPONENTS, falling, law_of, missed_by
from lib.claims.training_trajectories import corner, half_rise
from lib.figures._networks import draw, legend_below
from lib.figures.residual_tasks import (
    AXIS,
    SHARED,
    label_outer,
    legend_height,
    line_of,
    name_of,
    panels_of,
    style_of,
    suffix_of,
    titled,
)
from lib.figures.style import colour, look, panel_labels
from lib.measures.decay import LAWS
from lib.measures.statistics import seed_interval

_EARLY = 0.5  # epochs: where epoch 0 is drawn on a logarithmic axis


def courses(shown: Sequence[xr.Dataset]) -> Figure:
    """Draw errors, and the top block's effective dimension, complexity, linearity and total correlation, by epoch.

    At every stored epoch; entropies at those where they were estimated. Epoch 0, before training, is drawn at the left
    end of the logarithmic axis.
    """
    figure, grid = plt.subplots(2, 3, figsize=(7.4, 4.4 + legend_height(len(shown))))
    (errors, train_errors, dimension), (complexity, linearity, shared) = grid
    for chosen in shown:
        style = {**line_of(chosen), "markersize": 3, "linewidth": 1.3}
        epochs = chosen["epoch"].values.astype(float)
        for axes, kind in ((errors, "test_error"), (train_errors, "train_error")):
            draw(axes, _shown(epochs), chosen[kind], name_of(chosen), **style)
        for axes, quantity in ((dimension, "effective_dimension"), (linearity, "linearity")):
            _draw_course(axes, epochs, tasks.along(chosen, quantity), style)
        for axes, quantity in ((complexity, "complexity"), (shared, "normalized_total_correlation")):
            _draw_course(axes, *tasks.course(chosen, quantity), style)
    labels = {
        errors: "error, test pictures",
        train_errors: "error, train pictures",
        dimension: AXIS["effective_dimension"],
        complexity: "complexity\nper unit (bits)",
        linearity: AXIS["linearity"],
        shared: SHARED.replace(" corr", "\ncorr"),
    }
    for axes, label in labels.items():
        _epoch_axis(axes, max(tasks.epochs_of(chosen) for chosen in shown))
        axes.set_ylabel(label)
    panel_labels(grid)
    legend_below(figure, [errors], 2)
    return figure


def trajectories(shown: Sequence[xr.Dataset]) -> Figure:
    """Draw the paths of the top block in the plane of both observables, a panel per network, thin lines the runs.

    Dots are epochs at which entropies were estimated, from light to dark; the square is the untrained network, the
    cross where the path turns.
    """
    figure, panels = panels_of(len(shown))
    last = max(tasks.epochs_of(chosen) for chosen in shown)
    points = None
    for axes, chosen in zip(panels, shown, strict=True):
        epochs, x = tasks.course(chosen, "effective_dimension")
        y = tasks.course(chosen, "complexity")[1]
        for across, up in zip(x, y, strict=True):
            axes.plot(across, up, color=style_of(chosen)["color"], linewidth=1.0)
            norm = LogNorm(_EARLY, max(last, 1))
            points = axes.scatter(across, up, c=_shown(epochs), s=18, cmap="viridis_r", norm=norm, zorder=3)
            axes.plot(across[0], up[0], "s", color=colour("black"), markersize=7, markerfacecolor="none")
            if len(epochs) > 2:
                turn = int(np.flatnonzero(epochs == corner(epochs, across, up))[0])
                axes.plot(across[turn], up[turn], "x", color=colour("black"), markersize=8)
        titled(axes, chosen)
        axes.margins(0.15)
    label_outer(panels, AXIS["effective_dimension"], AXIS["complexity"])
    if points is not None:
        bar = figure.colorbar(points, ax=panels, shrink=0.8, label="epoch", ticks=_epoch_ticks(last))
        bar.ax.yaxis.set_major_formatter(FuncFormatter(_epoch_name))
        bar.ax.yaxis.set_minor_formatter(NullFormatter())
    return figure


def decay(shown: Sequence[xr.Dataset]) -> Figure:
    """Draw the top block's normalised total correlation by epoch, and both logarithmic with power laws where fitted.

    A power law is drawn over the range of its fit; runs with too few moments have none.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 2.9 + legend_height(len(shown) + 1)))
    for chosen in shown:
        style = {**line_of(chosen), "markersize": 4, "linewidth": 1.2}
        epochs, values = tasks.course(chosen, "normalized_total_correlation")
        for axes, kept in ((left, epochs >= 0), (right, epochs > 0)):
            runs = xr.DataArray(values[:, kept], dims=("seed", "epoch"))
            draw(axes, epochs[kept], runs, name_of(chosen), **style)
        if law_of(chosen) is not None:
            times, fitted = falling(chosen)
            line = np.exp(np.polyval(np.polyfit(np.log(times), np.log(fitted).mean(axis=0), 1), np.log(times)))
            right.plot(times, line, **look("theory"), label="power law, over its range")
    left.set(xlabel="epoch", ylabel=SHARED, ylim=(0, None))
    right.set(xlabel="epoch", ylabel=SHARED, xscale="log", yscale="log")
    for axis in (right.xaxis, right.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    panel_labels([left, right])
    legend_below(figure, [left, right], 2)
    return figure


# -- words and numbers ------------------------------------------------------------------------------------------------


def table(shown: Sequence[xr.Dataset]) -> pd.DataFrame:
    """Return a row per network: exponent with interval, the text's, and how far laws miss left-out moments (nats).

    Networks with too few moments in the range of the fit are left out.
    """
    rows = {}
    for chosen in shown:
        law, missed, times = law_of(chosen), missed_by(chosen), falling(chosen)[0]
        if law is None or missed is None:
            continue
        found = seed_interval(law.exponent)
        interval = "" if np.isnan(found.low) else f" [{found.low:.2f}, {found.high:.2f}]"
        stated = EXPONENTS.get(name_of(chosen).replace(f", ResNet-{int(chosen['depth'])}", ""))
        rows[name_of(chosen)] = {
            "epochs": f"{times[0]:g}–{times[-1]:g}",
            "exponent": f"{found.mean:.2f}{interval}",
            "text J, ResNet-56": "–" if stated is None else f"{stated:g}",
            **{f"{kind} misses by": f"{missed[kind].mean():.3f}" for kind in LAWS},
        }
    columns = ["epochs", "exponent", "text J, ResNet-56", *(f"{kind} misses by" for kind in LAWS)]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("network")


def numbers(shown: Sequence[xr.Dataset]) -> dict[str, float | str]:
    """Return what the prose says of the courses of some networks; names end with the task's.

    ``change-OBSERVABLE`` says in words whether and by how much it is higher in the end than before training.
    """
    found: dict[str, float] = {}
    words: dict[str, str] = {}
    for chosen in shown:
        suffix = suffix_of(chosen)
        for quantity, short in tasks.OBSERVABLES.items():
            epochs, values = tasks.course(chosen, quantity)
            found[f"half-{short}-{suffix}"] = half_rise(epochs, values).mean()
            found[f"rise-{short}-{suffix}"] = risen = (values[:, -1] - values[:, 0]).mean()
            words[f"change-{short}-{suffix}"] = (
                f"{'rises' if risen > 0 else 'falls'} by {abs(risen):.{_DIGITS[short]}f}"
            )
        shared = tasks.course(chosen, "normalized_total_correlation")[1].mean(axis=0)
        found |= {f"shared-start-{suffix}": shared[0], f"shared-end-{suffix}": shared[-1]}
    return {key: round(float(value), 6) for key, value in found.items()} | words


_DIGITS = {"dimension": 1, "complexity": 2}


def laws(shown: Sequence[xr.Dataset]) -> dict[str, float]:
    """Return of how many networks a law was fitted, where the power law misses least, and the widest range of a fit.

    ``laws``, ``power-laws`` and ``law-range``, a factor of time; without any fit it is nan.
    """
    fitted = [(chosen, missed) for chosen in shown if (missed := missed_by(chosen)) is not None]
    best = [min(missed, key=lambda kind: missed[kind].mean()) for _, missed in fitted]
    ranges = [times[-1] / times[0] for times in (falling(chosen)[0] for chosen, _ in fitted)]
    return {
        "laws": len(fitted),
        "power-laws": best.count("power law"),
        "law-range": round(float(max(ranges, default=np.nan)), 6),
    }


# -- parts of figures -------------------------------------------------------------------------------------------------


def _draw_course(axes: Axes, epochs: np.ndarray, values: np.ndarray, style: dict[str, Any]) -> None:
    """Draw values (seed, moment) against epochs, of which 0 has its own place."""
    draw(axes, _shown(epochs), xr.DataArray(values, dims=("seed", "epoch")), **style)


def _shown(epochs: np.ndarray) -> np.ndarray:
    return np.maximum(epochs, _EARLY)


def _epoch_axis(axes: Axes, last: int) -> None:
    axes.set(xlabel="epoch", xscale="log")
    axes.set_xticks(_epoch_ticks(last))
    axes.set_xlim(0.9 * _EARLY, 1.1 * max(last, 1))
    axes.xaxis.set_major_formatter(FuncFormatter(_epoch_name))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _epoch_ticks(last: int) -> list[float]:
    """Return what is written beside a logarithmic axis of epochs: 0; 1, 2, 5, ... or 1, 3, 10, ... up to the last."""
    ticks = (1, 2, 5, 10, 20, 50) if last < 100 else (1, 3, 10, 30, 100)  # a narrow panel has room for two a decade
    return [_EARLY, *(tick for tick in ticks if tick <= last)]


def _epoch_name(value: float, place: int | None = None) -> str:
    return "0" if value <= _EARLY else f"{value:g}"
