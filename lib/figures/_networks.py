"""What the figures of chapters 2 to 4 share: means over seeds with their bands, headings, axes, limits of the plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lib.figures.style import BAND_ALPHA, PALETTE, colour, look
from lib.measures.complexity import limit_curves
from lib.measures.statistics import seed_interval

RULE_NAMES = {
    "own": "own range",
    "fixed": "fixed edges, −1 to 1",
    "robust": "robust range, 0.1 to 99.9 %",
    "spread": "by spread, ± 4 standard deviations",
}
"""Binning rules as headings of panels."""

SHORT_RULE_NAMES = {"own": "own range", "fixed": "fixed edges", "robust": "robust range", "spread": "by spread"}
"""The same where something else has to be said beside it."""

VARIANTS: dict[str, dict[str, Any]] = {
    "": {"color": PALETTE["blue"]},
    "no weight decay": {"color": PALETTE["vermilion"], "linestyle": (0, (6, 2))},
    "AdamW": {"color": PALETTE["brown"], "linestyle": (0, (1, 1.2))},
    "no batch norm": {"color": PALETTE["green"], "linestyle": (0, (5, 1.5, 1, 1.5))},
    "random labels": look("shuffled labels"),
    "half rate": {"color": PALETTE["sky"]},
    "He-normal": {"color": PALETTE["purple"]},
}
"""What a network may differ in from the text's, and how it is drawn."""

LAYERS = "plasma"
"""Colours of layers."""


def draw(
    axes: Axes, x: Any, values: xr.DataArray, label: str | None = None, *, factors: bool = False, **style: Any
) -> None:
    """Draw the mean over seeds with its 95 % interval; two seeds, which have none to speak of, one by one, thin.

    Of `factors`, which are positive and drawn on a logarithmic axis, mean and interval are those of the logarithm.
    """
    runs = values.transpose(..., "seed").values
    found = seed_interval(np.log(runs) if factors else runs)
    mean, low, high = (np.exp(each) if factors else each for each in (found.mean, found.low, found.high))
    (line,) = axes.plot(x, mean, label=label, **style)
    if runs.shape[-1] == 2:
        axes.plot(x, runs, color=line.get_color(), linewidth=0.7, alpha=0.6)
    elif runs.shape[-1] > 2:
        axes.fill_between(x, low, high, color=line.get_color(), alpha=BAND_ALPHA, linewidth=0)


def layer_shades(depth: int) -> np.ndarray:
    """Return the colours of layers 1 to `depth`, shape (layer, 4)."""
    return np.asarray(colormaps[LAYERS](np.linspace(0, 0.88, depth)))


def layer_scale(depth: int) -> ScalarMappable:
    """Return the colours of layers 1 to `depth`, for a colour bar."""
    scale = ScalarMappable(Normalize(0.5, depth + 0.5), ListedColormap(layer_shades(depth)))
    scale.set_array([])
    return scale


def layer_ticks(depth: int) -> list[int]:
    """Return the layers to name beside a colour bar."""
    return sorted({1, *range(4, depth - 1, 4), depth})


def epoch_axis(axes: Axes) -> None:
    """Name the abscissa, with whole numbers."""
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def draw_limits(
    axes: Axes, size: int, *, normalised: bool, label: str | None = "limit curves", shade: str = "grey"
) -> None:
    """Draw the smallest and largest complexity for each entropy on an alphabet of `size` cells."""
    curves = limit_curves(size, 801, normalised=normalised)
    for values in (curves.minimum, curves.maximum):
        axes.plot(curves.entropy, values, color=colour(shade), linewidth=0.9, label=label, zorder=1)
        label = None


def legend_below(figure: Figure, panels: Sequence[Axes], columns: int) -> None:
    """Put one legend for all panels below them."""
    known: dict[str, Any] = {}
    for each in panels:
        for handle, label in zip(*each.get_legend_handles_labels(), strict=True):
            known.setdefault(label, handle)
    figure.legend(known.values(), known.keys(), loc="outside lower center", ncols=columns, fontsize=9)


def seeds_of(chosen: xr.Dataset) -> str:
    """Say how many seeds a network has."""
    return "one seed" if chosen.sizes["seed"] == 1 else f"{chosen.sizes['seed']} seeds"
