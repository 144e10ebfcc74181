"""Figure of chapter 7 on residual networks in their first steps: a Dataset of `lib.experiments.residual_quench` in."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lib.claims._quench import quench
from lib.experiments.networks import of_network
from lib.figures._networks import draw, layer_scale, layer_shades, layer_ticks
from lib.figures.style import colour, heading, panel_labels

NETWORKS = {"low": "ResNet-56, Adam, rate 1e-4", "text": "ResNet-56, SGD, rate 0.1"}
"""Networks of the stored record that the chapter speaks of, by the word that it has for each."""


def first_steps(record: xr.Dataset) -> Figure:
    """Draw the effective dimension of every layer against the step, above the test loss: a column for each network."""
    listed = list(map(str, record["network"].values))
    figure, grid = plt.subplots(
        2, len(listed), figsize=(7.4, 4.6), sharex="col", sharey="row", squeeze=False, height_ratios=(3, 2)
    )
    depth = record.sizes["layer"]
    for (top, bottom), name in zip(grid.T, listed, strict=True):
        chosen = of_network(record, name)
        steps = chosen["step"].values
        lines = chosen["effective_dimension"].mean("seed").transpose("layer", "reading").values
        for line, shade in zip(lines, layer_shades(depth), strict=False):
            top.plot(steps, line, color=shade, linewidth=1.2)
        draw(bottom, steps, chosen["test_loss"], color=colour("blue"))
        heading(top, name.replace(", ", "\n", 1))
        bottom.set_xlabel("step")
        bottom.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    grid[0, 0].set(ylabel="effective dimension", ylim=(0, None))
    grid[1, 0].set(ylabel="test loss (nats)", ylim=(0, None))
    figure.colorbar(layer_scale(depth), ax=grid, pad=0.02, ticks=layer_ticks(depth), label="layer")
    panel_labels(grid.flat)
    return figure


def numbers(record: xr.Dataset) -> dict[str, float]:
    """Return what the prose says of the stored record, rounded; NaN where it has not the network.

    Names end with the words of `NETWORKS`.
    """
    found: dict[str, float] = {"minutes-residual": round(float(record.attrs["wall_time_s"]) / 60)}
    for word, name in NETWORKS.items():
        found |= {f"residual-{key}-{word}": value for key, value in _numbers_of(record, name).items()}
    return found


def _numbers_of(record: xr.Dataset, name: str) -> dict[str, float]:
    """Say how many dimensions layers lose at the lowest and win back, in percent of what there was before training.

    And when the test loss is largest, and between which readings the last layer loses most.
    """
    dimensions = ("steps", "error", "lost-least", "lost-most", "regained-most", "first", "lowest", "last")
    wanted = (*dimensions, "loss-first", "loss-most", "loss-most-step", "drop-before", "drop-after", "drop-step")
    if name not in record["network"].values:
        return dict.fromkeys(wanted, float("nan"))
    chosen = of_network(record, name)
    dimension = chosen["effective_dimension"].transpose("seed", "layer", "reading").values
    lost = 100 * (1 - dimension.min(axis=-1) / dimension[..., 0]).mean(axis=0)
    top = dimension[:, -1]
    loss, drop = chosen["test_loss"].mean("seed").values, int(np.diff(top.mean(axis=0)).argmin())
    values = (
        chosen["step"].values[-1],
        100 * float(chosen["test_error"].isel(reading=-1).mean()),
        lost.min(),
        lost.max(),
        100 * quench(chosen, "effective_dimension").dips.depth.mean(axis=0).max(),
        top[:, 0].mean(),
        top.min(axis=-1).mean(),
        top[:, -1].mean(),
        loss[0],
        loss.max(),
        chosen["step"].values[loss.argmax()],
        top[:, drop].mean(),
        top[:, drop + 1].mean(),
        chosen["step"].values[drop + 1],
    )
    return {key: round(float(value), 1) for key, value in zip(wanted, values, strict=True)}
