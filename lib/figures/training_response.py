"""Figures of chapter 8 on one trained point: a Dataset of `lib.experiments.training_response` in, a figure out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lib.claims import _response as shared
from lib.claims.response_kernel import change_explained, predicted_kernel
from lib.figures._networks import draw, legend_below
from lib.figures.style import colour, heading, look, panel_labels
from lib.measures.statistics import seed_interval
from lib.models.bit_encoder import ACTIVATION_NAMES

_READINGS = {"raw": "response", "divided": "response / error"}
_KERNELS = {"output": "kernel of the output", "logit": "kernel of the logit"}
_EPOCHS = "viridis"
PLAIN = ("ReLU", "ELU")


def caption_of(record: xr.Dataset) -> str:
    """Return in words what a record is: network, seeds, rates, epochs, preset, machine, seconds and day."""
    rates = ", ".join(f"{rate:g}" for rate in record["rate"].values)
    return (
        f"{record.sizes['setting']} settings of a network with {record.attrs['width']} features on "
        f"{record.attrs['bits']} bits, up to {record.sizes['seed']} seeds, rates {rates}, {int(record['epoch'][-1]):,} "
        f"epochs; preset {record.attrs['preset']}, {record.attrs['device']}, "
        f"{float(record.attrs['wall_time_s']):.0f} s, made {str(record.attrs['created'])[:10]}"
    )


def central_rate(record: xr.Dataset) -> float:
    """Return the rate at which figures are drawn that show one: 0.1, or the nearest that there is."""
    rates = record["rate"].values
    return float(rates[np.abs(np.log(rates / 0.1)).argmin()])


def _shade(name: str) -> str:
    """Return the colour of a setting's activation."""
    return colour(name.split(", ")[0].lower())


def _positive(runs: xr.Dataset, reading: str) -> tuple[np.ndarray, xr.DataArray]:
    """Epochs from 1 on, and the response of the seeds where it can be drawn on a logarithmic axis."""
    curves = shared.curve(runs, reading)[:, 1:]
    epochs = runs["epoch"].values[1:]
    kept = (np.isfinite(curves) & (curves > 1e-16)).all(0)
    return epochs[kept], xr.DataArray(curves[:, kept], dims=("seed", "epoch")).transpose("epoch", "seed")


def decay(record: xr.Dataset, names: Sequence[str] = PLAIN) -> Figure:
    """Draw the response at the trained point against the epoch, raw and divided by the error, with its theory.

    The theory of a constant kernel is 1/(2 t) for the divided response, whatever kernel and rate are, and the slope
    -3/2 for the raw one, drawn through the last point of the first setting.
    """
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.2))
    rate = central_rate(record)
    for panel, (reading, label) in zip(axes, _READINGS.items(), strict=True):
        for name in shared.present(record, tuple(names)):
            runs = shared.one(record, name, rate)
            if runs is None:
                continue
            epochs, values = _positive(runs, reading)
            draw(panel, epochs, values, name, factors=True, color=_shade(name))
            if name == names[0]:
                late = epochs[epochs >= epochs[-1] / 100]
                end = float(np.exp(np.log(values.values[-1]).mean()))
                line = 0.5 / late if reading == "divided" else end * (late / late[-1]) ** -shared.THEORY[reading]
                text = "$1/(2t)$ and slope $-3/2$: constant kernel"
                panel.plot(late, line, label=text if reading == "divided" else None, **look("theory"))
        panel.set(xscale="log", yscale="log", xlabel="epoch", ylabel=label)
    panel_labels(axes)
    legend_below(figure, list(axes), 3)
    return figure


def exponents_by_rate(record: xr.Dataset, names: Sequence[str]) -> Figure:
    """Draw the exponent over the last 1.5 decades against the rate, raw and divided; open: no power law."""
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.2), sharey=True)
    known = shared.present(record, tuple(names))
    for panel, (reading, label) in zip(axes, _READINGS.items(), strict=True):
        for place, name in enumerate(known):
            shade = _shade(name)
            points = []
            for rate in record["rate"].values:
                runs = shared.one(record, name, float(rate))
                if runs is None:
                    continue
                found = shared.decay(runs, reading)
                exponent = seed_interval(shared.known(found.exponent)) if np.isfinite(found.exponent).any() else None
                if exponent is not None:
                    points.append((float(rate), exponent, shared.follows_power_law(found)))
            plain = name in PLAIN
            x = [rate * 1.03 ** (place - len(known) / 2) for rate, _, _ in points]
            panel.plot(
                x,
                [float(e.mean) for _, e, _ in points],
                color=shade,
                linestyle="-" if plain else (0, (2, 1.5)),
                label=name,
            )
            for at, (_, exponent, law) in zip(x, points, strict=True):
                bar = [[float(exponent.mean - exponent.low)], [float(exponent.high - exponent.mean)]]
                face = shade if law else "white"
                panel.errorbar(at, float(exponent.mean), bar, fmt="o", markersize=5, color=shade, markerfacecolor=face)
        panel.axhline(shared.THEORY[reading], **look("nominal"))
        panel.set(xscale="log", xlabel="learning rate")
        heading(panel, label)
    axes[0].set_ylabel("exponent, last 1.5 decades")
    panel_labels(axes)
    legend_below(figure, list(axes), 3)
    return figure


def by_rate(record: xr.Dataset, names: Sequence[str] = PLAIN) -> Figure:
    """Draw, for every rate, the response at the trained point against the epoch, and the last output kernel.

    Both end where the error of some seed falls below rounding, as that of a regression does.
    """
    known = shared.present(record, tuple(names))
    width = min(3.5 * len(known) + 0.2, 9.0)
    figure, grid = plt.subplots(2, len(known), figsize=(width, 5.2), sharey="row", squeeze=False)
    rates = [float(rate) for rate in record["rate"].values]
    for column, name in zip(grid.T, known, strict=True):
        for rate, shade in zip(rates, _epoch_colours(len(rates)), strict=True):
            runs = shared.one(record, name, rate)
            if runs is None:
                continue
            known_until = (abs(runs["error"]) > shared.ROUNDING).all("seed").cumprod("epoch").astype(bool)
            epochs, values = _positive(runs.isel(epoch=known_until.values), "raw")
            draw(column[0], epochs, values, f"rate {rate:g}", factors=True, color=shade)
            place = int(known_until.sel(epoch=runs["profile_epoch"].values).sum()) - 1
            kernel = xr.DataArray(shared.kernel(runs, "output")[:, place].T, dims=("distance", "seed"))
            draw(column[1], runs["distance"].values, kernel, None, color=shade, marker="o", markersize=3)
        column[0].set(xscale="log", yscale="log", xlabel="epoch")
        column[1].axhline(0, color=colour("black"), linewidth=0.8)
        column[1].set_xlabel("Hamming distance")
        heading(column[0], name)
    grid[0, 0].set_ylabel("response")
    grid[1, 0].set_ylabel("last output kernel")
    panel_labels(grid)
    legend_below(figure, [grid[0, 0]], 5)
    return figure


def activations(record: xr.Dataset) -> Figure:
    """Draw the response over the error by epoch, and the output's kernel before and after training, by activation."""
    figure, axes = plt.subplots(1, 3, figsize=(9.0, 3.2))
    rate = central_rate(record)
    for name in shared.present(record, tuple(ACTIVATION_NAMES.values())):
        runs = shared.one(record, name, rate)
        if runs is None:
            continue
        epochs, values = _positive(runs, "divided")
        draw(axes[0], epochs, values, name, factors=True, color=_shade(name))
        kernel = shared.kernel(runs, "output")
        for panel, place in ((axes[1], 0), (axes[2], -1)):
            by_seed = xr.DataArray(kernel[:, place].T, dims=("distance", "seed"))
            draw(panel, runs["distance"].values, by_seed, None, color=_shade(name), marker="o", markersize=3)
    late = epochs[epochs >= epochs[-1] / 100]
    axes[0].plot(late, 0.5 / late, label="$1/(2t)$: constant kernel", **look("theory"))
    axes[0].set(xscale="log", yscale="log", xlabel="epoch", ylabel="response / error")
    axes[1].set_ylabel("kernel of the output")
    for panel, text in zip(axes[1:], ("before training", f"epoch {int(epochs[-1]):,}"), strict=True):
        heading(panel, text)
        panel.set_xlabel("Hamming distance")
        panel.axhline(0, color=colour("black"), linewidth=0.8)
    panel_labels(axes)
    legend_below(figure, [axes[0]], 4)
    return figure


def _epoch_colours(count: int) -> list[Any]:
    return [colormaps[_EPOCHS](place) for place in np.linspace(0, 0.9, count)]


def _draw_kernels(axes: Axes, runs: xr.Dataset, kind: str, label: bool) -> None:
    kernel = shared.kernel(runs, kind)
    epochs = runs["profile_epoch"].values
    shown = [place for place, epoch in enumerate(epochs) if epoch in (0, 1, *10 ** np.arange(1, 7))]
    shown = sorted({0, *shown, len(epochs) - 1})
    distance = np.arange(kernel.shape[-1])
    for place, shade in zip(shown, _epoch_colours(len(shown)), strict=True):
        mean = np.nanmean(kernel[:, place], axis=0)
        text = "before training" if epochs[place] == 0 else f"epoch {int(epochs[place]):,}"
        axes.plot(distance, mean, color=shade, marker="o", markersize=3, label=text if label else None)
    axes.axhline(0, color=colour("black"), linewidth=0.8)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def kernels(record: xr.Dataset, names: Sequence[str] = PLAIN) -> Figure:
    """Draw kernels by distance at several epochs, each of length 1: of the output above, of the logit below."""
    known = shared.present(record, tuple(names))
    figure, grid = plt.subplots(2, len(known), figsize=(3.5 * len(known) + 0.2, 5.0), sharex=True, squeeze=False)
    rate = central_rate(record)
    for column, name in enumerate(known):
        runs = shared.one(record, name, rate)
        assert runs is not None
        for axes, (kind, label) in zip(grid[:, column], _KERNELS.items(), strict=True):
            _draw_kernels(axes, runs, kind, label=column == 0 and kind == "output")
            if column == 0:
                axes.set_ylabel(label)
        heading(grid[0, column], name)
        grid[1, column].set_xlabel("Hamming distance")
    panel_labels(grid)
    legend_below(figure, [grid[0, 0]], 4)
    return figure


def at_epoch(record: xr.Dataset, epoch: int) -> Figure:
    """Draw what networks answer on the cube at one epoch, and how their answers would move: both by distance."""
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.1))
    rate = central_rate(record)
    for name in shared.present(record, PLAIN):
        runs = shared.one(record, name, rate)
        if runs is None:
            continue
        distance = runs["distance"].values
        now = runs.sel(profile_epoch=epoch)
        error = np.abs(runs["error"].sel(epoch=epoch))
        style: dict[str, Any] = {"color": _shade(name), "marker": "o", "markersize": 4}
        draw(axes[0], distance, now["output_at"].transpose("distance", "seed"), name, **style)
        divided = (now["response_at"] / error).transpose("distance", "seed")
        draw(axes[1], distance, divided, None, **style)
    axes[0].set(ylim=(0, 1.02), ylabel="output")
    axes[1].set_ylabel("response / error")
    axes[1].axhline(0, color=colour("black"), linewidth=0.8)
    for panel in axes:
        panel.set_xlabel("Hamming distance")
        panel.xaxis.set_major_locator(MaxNLocator(9, integer=True))
    panel_labels(axes)
    legend_below(figure, [axes[0]], 2)
    return figure


def regression(record: xr.Dataset, activation: str = "ReLU") -> Figure:
    """Draw responses with targets between 0 and 1, raw and divided, beside that with target 1."""
    names = [name for name in record["setting"].values if name.startswith(f"{activation}, target 0.")]
    targets = {name: float(name.rsplit(" ", 1)[1]) for name in names} | {activation: 1.0}
    names = sorted(targets, key=lambda name: targets[name])
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.2), sharex=True)
    rate = central_rate(record)
    for panel, (reading, label) in zip(axes, _READINGS.items(), strict=True):
        for name, shade in zip(names, _epoch_colours(len(names)), strict=True):
            runs = shared.one(record, name, rate)
            if runs is None:
                continue
            epochs, values = _positive(runs, reading)
            draw(panel, epochs, values, f"target {targets[name]:g}", factors=True, color=shade)
        panel.set(xscale="log", yscale="log", xlabel="epoch", ylabel=label)
    axes[0].set_ylim(1e-12, None)
    panel_labels(axes)
    legend_below(figure, [axes[0]], 5)
    return figure


def explained(record: xr.Dataset) -> Figure:
    """Draw the share of the logit's kernel that eq. 20 explains, and the last output kernel beside its prediction."""
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.2))
    rate = central_rate(record)
    for name in shared.present(record, PLAIN):
        runs = shared.one(record, name, rate)
        if runs is None:
            continue
        epochs = runs["epoch"].values
        for key, text, dashes in (("linear", "eq. 20", "-"), ("quadratic", "with a square", (0, (1, 1.2)))):
            values = runs[key].transpose("epoch", "seed")[1:]
            draw(axes[0], epochs[1:], values, f"{name}, {text}", color=_shade(name), linestyle=dashes)
        measured, expected = (each.mean(0) for each in predicted_kernel(runs))
        distance = runs["distance"].values
        axes[1].plot(distance, measured, "o", color=_shade(name), markersize=5, label=f"{name}, measured")
        axes[1].plot(
            distance, expected, color=_shade(name), linestyle=(0, (6, 3)), label=f"{name}, constants of epoch 0"
        )
    axes[0].set(xscale="log", xlabel="epoch", ylabel="share explained, $R^2$", ylim=(None, 1.005))
    axes[1].axhline(0, color=colour("black"), linewidth=0.8)
    axes[1].set(xlabel="Hamming distance", ylabel="last output kernel")
    panel_labels(axes)
    legend_below(figure, list(axes), 2)
    return figure


def scatter_of_seeds(record: xr.Dataset, names: Sequence[str]) -> Figure:
    """Draw single seeds of the raw response beside their mean: where labels are wrong now and then, no law is clear."""
    known = shared.present(record, tuple(names))
    figure, axes = plt.subplots(1, len(known), figsize=(3.5 * len(known) + 0.2, 3.0), sharey=True, squeeze=False)
    rate = central_rate(record)
    for panel, name in zip(axes[0], known, strict=True):
        runs = shared.one(record, name, rate)
        assert runs is not None
        epochs, values = _positive(runs, "raw")
        shade = _shade(name)
        panel.plot(epochs, values.values[:, :5], color=shade, linewidth=0.8, alpha=0.6)
        mean = np.exp(np.log(values.values).mean(1))
        panel.plot(epochs, mean, color=shade, label=name)
        panel.set(xscale="log", yscale="log", xlabel="epoch")
        heading(panel, name)
    axes[0, 0].set_ylabel("response")
    panel_labels(axes)
    return figure


def numbers(record: xr.Dataset, suffix: str) -> dict[str, float]:
    """Return what the prose says of a record, rounded; names end with `suffix`."""
    rate = central_rate(record)
    found: dict[str, float] = {"rate": rate, "seeds": record.sizes["seed"], "epochs": int(record["epoch"][-1])}
    wrong = tuple(f"{name}, 10 % wrong" for name in PLAIN)
    for name in shared.present(record, (*ACTIVATION_NAMES.values(), *wrong)):
        runs = shared.one(record, name, rate)
        if runs is None:
            continue
        key = name.lower().replace(", 10 % wrong", "-wrong").replace(" ", "-")
        for reading in shared.READINGS:
            fit = shared.decay(runs, reading)
            found[f"{key}-{reading}"] = float(np.nanmean(fit.exponent))
            found[f"{key}-{reading}-misfit"] = float(np.nanmean(fit.power_misfit))
        peaks = {kind: shared.kernel(runs, kind)[:, -1].argmax(-1).mean() for kind in shared.KERNELS}
        found |= {f"{key}-peak-{kind}": float(place) for kind, place in peaks.items()}
        found[f"{key}-negative"] = 100 * float(runs["negative"].isel(epoch=slice(1, None)).mean())
        found[f"{key}-negative-untrained"] = 100 * float(runs["negative"].isel(epoch=0).mean())
        found[f"{key}-linear"] = float(runs["linear"].isel(epoch=0).mean())
        found[f"{key}-change"] = float(change_explained(runs).mean())
        found[f"{key}-amplitude"] = float((shared.curve(runs, "divided")[:, -1] * float(runs["epoch"][-1])).mean())
    divided = [value for name, value in found.items() if name.endswith("-divided") and "-wrong" not in name]
    found |= {"divided-lowest": min(divided), "divided-highest": max(divided)}
    return {f"{name}-{suffix}": round(value, 4) for name, value in found.items()}
