"""Figures of chapter 6 on trained networks: networks of `lib.experiments.residual_tasks` in, a figure out.

All take a list of networks, each a Dataset as `networks` gives it, so that those that were run live stand beside those
of a stored record, whichever these are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lib.claims import _residual_tasks as tasks
from lib.claims.power_laws import law_of
from lib.claims.residual_tasks import waiting
from lib.claims.task_difficulty import shares_of_rise
from lib.claims.training_trajectories import half_rise
from lib.data.image_tasks import TASKS
from lib.experiments.residual_tasks import RATE
from lib.figures._networks import draw, legend_below, seeds_of
from lib.figures.residual_depth import AXIS as _DEPTH_AXIS
from lib.figures.style import colour, heading, look, panel_labels
from lib.measures.statistics import seed_interval

AXIS = {**_DEPTH_AXIS, "complexity": _DEPTH_AXIS["complexity_per_unit"]}
"""Labels of the axes."""

SHARED = "norm. total correlation"
"""Label of the last where there is little room."""

_SHADES = {
    "mnist": "blue",
    "kmnist": "sky",
    "fashion-mnist": "green",
    "cifar10": "vermilion",
    "cifar100": "purple",
    "digits": "brown",
}

_DEEP = {"whole": "o", "torn": "s", "random": "D", "other rate": "H"}
_SHALLOW = {"whole": "^", "torn": "P", "random": "X", "other rate": "v"}
"""Markers by what is done to a network's task."""

TRAINED: dict[str, Any] = {"color": colour("final"), "marker": "o", "markersize": 3, "linewidth": 1.4}
UNTRAINED: dict[str, Any] = {"color": colour("initial"), "linewidth": 1.4}
FAILED: dict[str, Any] = {**look("shuffled labels"), "linewidth": 1.4}
"""How networks are drawn by depth."""

_OTHER_PARTS: dict[str, tuple[str, dict[str, Any]]] = {
    "object": ("object patches", {"color": colour("green"), "linestyle": (0, (5, 2)), "linewidth": 1.4}),
    "train": ("train pictures", {"color": colour("purple"), "linestyle": (0, (5, 2)), "linewidth": 1.4}),
    "test": ("test pictures", {"color": colour("black"), "linestyle": (0, (5, 1.5, 1, 1.5)), "linewidth": 1.4}),
}
"""What layers are read on beside a network's own pictures: its name in a legend, and how it is drawn."""


def networks(*records: xr.Dataset | None) -> list[xr.Dataset]:
    """Return the networks of some records one after the other; a record that is None has none."""
    return [chosen for record in records if record is not None for chosen in tasks.networks(record)]


def whole_pictures(record: xr.Dataset, depth: int = tasks.DEPTH) -> list[xr.Dataset]:
    """Return those networks of a record, as deep as the text's, that learned whole pictures, in the text's order."""
    return tasks.of_depth(record, depth, tasks.WHOLE)


def style_of(chosen: xr.Dataset) -> dict[str, Any]:
    """Return colour and marker of a network: the colour is that of its image set, the marker tells networks apart.

    As deep as the text's it is round, for torn sets square, for random labels a diamond; a shallower one has another
    marker for each of these, and points down where its rate is not the usual one.
    """
    task = TASKS[tasks.task_of(chosen)]
    shallow = int(chosen["depth"]) < tasks.DEPTH
    markers = _SHALLOW if shallow else _DEEP
    usual = np.isclose(float(chosen["rate"]), RATE)
    marker = markers[suffix_of(chosen) if usual else "other rate"]
    return {"color": colour(_SHADES[task.dataset]), "marker": marker}


def line_of(chosen: xr.Dataset) -> dict[str, Any]:
    """Return style and dashes of a network's lines: torn sets are dashed, random labels dash-dotted."""
    dashes = {"whole": "-", "torn": (0, (4, 2)), "random": (0, (5, 1.5, 1, 1.5))}
    return {**style_of(chosen), "linestyle": dashes[suffix_of(chosen)]}


def name_of(chosen: xr.Dataset) -> str:
    """Return what a network is called."""
    return str(chosen["network"].item())


def suffix_of(chosen: xr.Dataset) -> str:
    """Return what is done to a network's task, in one word: ``"whole"``, ``"torn"`` or ``"random"``."""
    task = TASKS[tasks.task_of(chosen)]
    return "random" if task.random_labels else "torn" if task.pieces > 1 else "whole"


def caption_of(record: xr.Dataset | None) -> str:
    """Return in words what a record is: its networks with epochs and seeds, its preset, machine, seconds and day."""
    if record is None:
        return "none"
    said = "; ".join(f"{name_of(each)}, {tasks.epochs_of(each)} epochs, {seeds_of(each)}" for each in networks(record))
    about = record.attrs
    return (
        f"{said}; preset {about['preset']}, {about['device']}, {float(about['wall_time_s']):.0f} s, "
        f"made {str(about['created'])[:10]}"
    )


# -- figures ----------------------------------------------------------------------------------------------------------


def by_depth(shown: Sequence[xr.Dataset], quantity: str) -> Figure:
    """Draw a quantity against the layer, a panel per network, before and after training; grey is what it cannot exceed.

    For the effective dimension that is the number of channels, for complexity the entropy of independent units. Runs
    with random labels that failed to memorise them are drawn apart.
    """
    figure, grid = panels_of(len(shown))
    for axes, chosen in zip(grid, shown, strict=True):
        good, bad = tasks.by_success(chosen) if TASKS[tasks.task_of(chosen)].random_labels else (chosen, None)
        main = good if good is not None else chosen
        for runs, label, style in ((good, "trained", TRAINED), (bad, "failed to memorise", FAILED)):
            if runs is not None:
                draw(axes, runs["layer"].values, _layers(runs, quantity), label, **style)
        draw(axes, chosen["layer"].values, _layers(chosen, quantity, epoch=0), "untrained", **UNTRAINED)
        for part, (label, style) in _OTHER_PARTS.items():
            if part != tasks.part_of(chosen) and _is_read(chosen, part):
                draw(axes, main["layer"].values, _layers(main, quantity, part), f"trained, {label}", **style)
        _ceiling(axes, main, quantity)
        for place in np.flatnonzero(np.diff(chosen["block"].values) > 0):
            axes.axvline(place + 0.5, color=colour("grey"), linewidth=0.6, alpha=0.6, zorder=0)
        titled(axes, chosen)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    label_outer(grid, "layer", AXIS[quantity])
    legend_below(figure, grid, 3)
    return figure


def plane(shown: Sequence[xr.Dataset]) -> Figure:
    """Draw effective dimension and complexity per unit of the top block (J, figure 4): a point per network, thin a run.

    Open: before training. Runs with random labels that failed are drawn apart.
    """
    figure, axes = plt.subplots(figsize=(6.4, 3.6 + legend_height(len(shown) + 1)))
    for chosen in shown:
        style = style_of(chosen)
        good, bad = tasks.by_success(chosen) if TASKS[tasks.task_of(chosen)].random_labels else (chosen, None)
        for runs, suffix, shade in ((good, "", style["color"]), (bad, ", failed", colour("grey"))):
            if runs is None:
                continue
            x, y = (tasks.of_block(runs, quantity) for quantity in tasks.OBSERVABLES)
            axes.plot(x, y, style["marker"], color=shade, markersize=3, alpha=0.5)
            bars: dict[str, Any] = {"xerr": _bar(x), "yerr": _bar(y)}
            axes.errorbar(
                x.mean(),
                y.mean(),
                **bars,
                fmt=style["marker"],
                color=shade,
                markersize=8,
                label=name_of(chosen) + suffix,
            )
        x, y = (tasks.of_block(chosen, quantity, epoch=0) for quantity in tasks.OBSERVABLES)
        axes.plot(x.mean(), y.mean(), style["marker"], color=style["color"], markersize=7, markerfacecolor="none")
    axes.plot([], [], "o", color=colour("grey"), markerfacecolor="none", markersize=7, label="open: untrained")
    axes.set(xlabel="effective dimension, top block", ylabel="complexity per unit, top block (bits)")
    axes.margins(0.1)
    legend_below(figure, [axes], 2)
    return figure


def by_block(shown: Sequence[xr.Dataset]) -> Figure:
    """Draw linearity by block (a), and the top block's normalised total correlation by network (b); J, figure 5.

    Networks are in the order of their test error, their names are the key to both panels; open: before training.
    """
    shown = sorted(shown, key=lambda chosen: -float(tasks.error_of(chosen).mean()))
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, max(3.2, 1.2 + 0.27 * len(shown))))
    for number, chosen in enumerate(shown):
        style = style_of(chosen)
        values = np.stack([tasks.of_block(chosen, "linearity", block) for block in tasks.BLOCKS])
        draw(left, tasks.BLOCKS, xr.DataArray(values, dims=("block", "seed")), name_of(chosen), **line_of(chosen))
        for epoch, filled in ((-1, True), (0, False)):
            found = tasks.of_block(chosen, "normalized_total_correlation", epoch=epoch)
            face = style["color"] if filled else "none"
            bars: dict[str, Any] = {"xerr": _bar(found), "markerfacecolor": face, "color": style["color"]}
            right.errorbar(found.mean(), number, fmt=style["marker"], **bars)
    left.axhline(0.5, **look("nominal"))
    left.set(xlabel="block", ylabel=AXIS["linearity"], xticks=tasks.BLOCKS)
    right.set_yticks(range(len(shown)), [name_of(chosen) for chosen in shown], fontsize=8)
    right.set(xlabel=SHARED, ylim=(-0.6, len(shown) - 0.4), xlim=(0, None))
    panel_labels([left, right])
    return figure


def layers_at(shown: Sequence[xr.Dataset], epoch: int) -> Figure:
    """Draw effective dimension (a) and complexity per unit (b) of all layers after one epoch, a line per network.

    Axes are the same at every epoch, so that figures of several can be laid over each other; grey is the number of
    channels. Networks need one depth, and an estimate of entropy at that epoch: see `common_moments`.

    Raises
    ------
    ValueError
        If networks are of several depths, or one has no entropy at that epoch.
    """
    if len({int(chosen["depth"]) for chosen in shown}) != 1:
        raise ValueError("Networks have no or several depths: layers can be laid over each other at one depth only.")
    if epoch not in (moments := common_moments(shown)):
        raise ValueError(f"There are no entropies of all networks at epoch {epoch}; there are at {moments}.")
    figure, panels = plt.subplots(1, 2, figsize=(7.4, 3.0 + legend_height(len(shown) + 1)))
    for axes, quantity in zip(panels, ("effective_dimension", "complexity"), strict=True):
        for chosen in shown:
            place = int(np.flatnonzero(chosen["epoch"].values == epoch)[0])
            style = {**line_of(chosen), "markersize": 3, "linewidth": 1.4}
            draw(axes, chosen["layer"].values, _layers(chosen, quantity, epoch=place), name_of(chosen), **style)
        for place in np.flatnonzero(np.diff(shown[0]["block"].values) > 0):
            axes.axvline(place + 0.5, color=colour("grey"), linewidth=0.6, alpha=0.6, zorder=0)
        axes.set(xlabel="layer", ylabel=AXIS[quantity], ylim=(0, 1.02))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    left = panels[0]
    left.step(shown[0]["layer"], shown[0]["units"], where="mid", label="channels", color=colour("grey"), linewidth=1.0)
    left.set_ylim(0, 1.05 * float(shown[0]["units"].max()))
    panel_labels(panels)
    legend_below(figure, list(panels), 2)
    return figure


def common_moments(shown: Sequence[xr.Dataset]) -> list[int]:
    """Return the epochs at which the entropies of all of some networks are known."""
    known = (tasks.course(chosen, "complexity")[0].astype(int).tolist() for chosen in shown)
    return sorted(set.intersection(*(set(epochs) for epochs in known)))


# -- words and numbers ------------------------------------------------------------------------------------------------


def table(shown: Sequence[xr.Dataset]) -> pd.DataFrame:
    """Return a row per network: epochs, seeds, errors, and the top block before and after training, mean over seeds."""
    rows = {}
    for chosen in shown:
        rows[name_of(chosen)] = {
            "epochs": tasks.epochs_of(chosen),
            "seeds": chosen.sizes["seed"],
            "train error": f"{tasks.error_of(chosen, 'train_error').mean():.3f}",
            "test error": f"{tasks.error_of(chosen).mean():.3f}",
            "effective dimension": _change(chosen, "effective_dimension", 1),
            "complexity per unit (bits)": _change(chosen, "complexity", 2),
            SHARED: _change(chosen, "normalized_total_correlation", 2),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("network")


def _change(chosen: xr.Dataset, quantity: str, digits: int) -> str:
    before, after = (f"{tasks.of_block(chosen, quantity, epoch=epoch).mean():.{digits}f}" for epoch in (0, -1))
    return f"{before} → {after}"


def waiting_for(record: xr.Dataset | None) -> pd.DataFrame:
    """Return for which tasks the text's network is not stored, and which claims wait for each."""
    claims: dict[str, list[str]] = {}
    for claim, names in waiting(record).items():
        for name in names:
            claims.setdefault(name, []).append(claim)
    rows = pd.Series({name: ", ".join(ids) for name, ids in claims.items()}, name="claims", dtype=object)
    return rows.rename_axis("not stored: ResNet-56 on").to_frame()


def numbers(live: xr.Dataset) -> dict[str, float]:
    """Return what the prose says of the networks that were run live; names end with that of the task.

    What a run has not, such as torn digits at preset smoke, is nan.
    """
    found: dict[str, float] = {}
    shown = {suffix_of(chosen): chosen for chosen in networks(live)}
    for suffix, chosen in shown.items():
        of_network = {
            "epochs": tasks.epochs_of(chosen),
            "learned": int(chosen["learned"]),
            "accuracy": 100 * (1 - tasks.error_of(chosen).mean()),
            "train-accuracy": 100 * (1 - tasks.error_of(chosen, "train_error").mean()),
        }
        for epoch, when in ((-1, ""), (0, "-untrained")):
            for quantity, key in _KEYS.items():
                of_network[f"{key}{when}"] = tasks.of_block(chosen, quantity, epoch=epoch).mean()
        of_network["dimension-least"] = tasks.along(chosen, "effective_dimension").mean(axis=0).min()
        share = shares_of_rise(shown["whole"], chosen)
        if chosen is not shown["whole"] and share is not None:
            of_network["share"] = share.mean()
        if _is_read(chosen, "object"):
            profile = tasks.layers(chosen, "complexity", "object").mean(axis=0)
            of_network |= {"object-first": profile[0], "patches-first": tasks.layers(chosen, "complexity").mean(0)[0]}
        found |= {f"{key}-{suffix}": value for key, value in of_network.items()}
    keys = {key.rsplit("-", 1)[0] for key in found} | {"share"}
    unknown = {f"{key}-{suffix}": np.nan for key in keys for suffix in ("whole", "torn", "random")}
    found = {"seconds-tasks": float(live.attrs["wall_time_s"])} | unknown | found
    return {key: round(float(value), 6) for key, value in found.items()}


def recorded(record: xr.Dataset | None) -> dict[str, float]:
    """Return what the prose says of stored networks as deep as the text's; names end with that of the task.

    ``moments-least`` and ``moments-most``: at how many epochs entropies of a network are known, of all stored ones.
    What is not stored is nan.
    """
    moments = [len(tasks.course(chosen, "complexity")[0]) for chosen in networks(record)]
    ends = (min(moments), max(moments)) if moments else (np.nan, np.nan)
    found: dict[str, float] = {"moments-least": ends[0], "moments-most": ends[1]}
    stored = {task: None if record is None else tasks.of_task(record, task) for task in (*tasks.WHOLE, *tasks.TORN)}
    easiest = stored[tasks.WHOLE[0]]
    for task, chosen in stored.items():
        of_task: dict[str, Any] = dict.fromkeys(_OF_TASK, np.nan)
        if chosen is not None:
            of_task |= {"epochs": tasks.epochs_of(chosen), "error": 100 * tasks.error_of(chosen).mean()}
            for quantity, key in _KEYS.items():
                for epoch, when in ((-1, ""), (0, "-untrained")):
                    of_task[f"{key}{when}"] = tasks.of_block(chosen, quantity, epoch=epoch).mean()
            top = tasks.layers(chosen, "effective_dimension")[:, chosen["block"].values == tasks.TOP]
            of_task["least"] = top.mean(axis=0).min()
            for quantity, short in tasks.OBSERVABLES.items():
                of_task[f"half-{short}"] = half_rise(*tasks.course(chosen, quantity)).mean()
            if easiest is not None and chosen is not easiest:
                share = shares_of_rise(easiest, chosen)
                of_task["share"] = np.nan if share is None else share.mean()
        found |= {f"{key}-{task.lower()}": round(float(value), 6) for key, value in of_task.items()}
    return found


def turning_profiles(shown: Sequence[xr.Dataset]) -> dict[str, int]:
    """Return in how many networks complexity falls from block to block before training, and rises in the end."""
    found = {"profiles": len(shown)}
    for key, epoch, sign in (("profiles-falling", 0, -1), ("profiles-rising", -1, 1)):
        steps = [
            np.diff([tasks.of_block(chosen, "complexity", block, epoch=epoch).mean() for block in tasks.BLOCKS])
            for chosen in shown
        ]
        found[key] = sum(bool((sign * each > 0).all()) for each in steps)
    return found


def precisions(pieces: Iterable[xr.Dataset]) -> dict[str, str]:
    """Return with which precision stored networks of each depth learned, by ``precision-DEPTH``."""
    found: dict[str, set[str]] = {}
    for piece in pieces:
        for depth in np.unique(piece["depth"].values):
            found.setdefault(f"precision-{depth}", set()).add(str(piece.attrs["precision"]))
    return {key: " or ".join(sorted(known)) for key, known in found.items()}


def of_random_labels(record: xr.Dataset | None, depth: int = 20) -> dict[str, float]:
    """Return what the prose says of a stored network with random labels beside one that learned CIFAR-10.

    Both of `depth` layers and read on train pictures, block by block; what is not stored is nan. ``random-exponent`` is
    that of the power law through the text's epochs 40 to 80.
    """
    listed = (tasks.RANDOM, "CIFAR-10")
    random, images = (None if record is None else tasks.of_task(record, task, depth) for task in listed)
    found: dict[str, Any] = {"random-exponent": np.nan}
    found |= dict.fromkeys((f"random-{kind}-error" for kind in ("train", "test")), np.nan)
    found |= dict.fromkeys((f"random-half-{short}" for short in tasks.OBSERVABLES.values()), np.nan)
    for name, chosen in (("random", random), ("images", images)):
        found[f"{name}-epochs"] = np.nan if chosen is None else tasks.epochs_of(chosen)
        found[f"{name}-learned"] = np.nan if chosen is None else int(chosen["learned"])
        for (quantity, key), block in product(_KEYS.items(), tasks.BLOCKS):
            value = np.nan if chosen is None else tasks.of_block(chosen, quantity, block, "train").mean()
            found[f"{name}-{key}-{block}"] = value
    if random is not None:
        for kind in ("train", "test"):
            found[f"random-{kind}-error"] = 100 * tasks.error_of(random, f"{kind}_error").mean()
        for quantity, short in tasks.OBSERVABLES.items():
            found[f"random-half-{short}"] = half_rise(*tasks.course(random, quantity)).mean()
        law = law_of(random)
        found["random-exponent"] = np.nan if law is None else law.exponent.mean()
    return {key: round(float(value), 6) for key, value in found.items()}


_KEYS = {
    "effective_dimension": "dimension",
    "complexity": "complexity",
    "linearity": "linearity",
    "independent_bits": "alone",
    "normalized_total_correlation": "shared",
}

_OF_TASK = (
    "epochs",
    "error",
    "share",
    "least",
    *(f"half-{short}" for short in tasks.OBSERVABLES.values()),
    *(f"{key}{when}" for key in _KEYS.values() for when in ("", "-untrained")),
)


# -- parts of figures -------------------------------------------------------------------------------------------------


_COLUMNS = 3


def panels_of(count: int) -> tuple[Figure, list[Axes]]:
    """Return a figure with so many panels, three in a row, and their axes."""
    columns = min(_COLUMNS, count)
    lines = -(-count // columns)
    figure, grid = plt.subplots(lines, columns, figsize=(2.4 * columns + 0.4, 2.5 * lines + 0.9), squeeze=False)
    for axes in grid.flat[count:]:
        axes.remove()
    panels = list(grid.flat[:count])
    if count > 1:
        panel_labels(panels)
    return figure, panels


def label_outer(panels: Sequence[Axes], x: str, y: str) -> None:
    """Name the axes of panels from `panels_of`: the ordinate at the left of each row, the abscissa everywhere."""
    for number, axes in enumerate(panels):
        axes.set_xlabel(x)
        if number % _COLUMNS == 0:
            axes.set_ylabel(y)


def legend_height(entries: int) -> float:
    """Inches that a legend of two columns needs."""
    return 0.22 * -(-entries // 2)


def titled(axes: Axes, chosen: xr.Dataset) -> None:
    """Write a network's name above a panel, task, network and rate in a line each."""
    heading(axes, name_of(chosen).replace(", ResNet", "\nResNet").replace(", rate", "\nrate"))


def _layers(chosen: xr.Dataset, quantity: str, part: str | None = None, epoch: int = -1) -> xr.DataArray:
    return xr.DataArray(tasks.layers(chosen, quantity, part, epoch), dims=("seed", "layer"))


def _is_read(chosen: xr.Dataset, part: str) -> bool:
    if part not in chosen["part"].values:
        return False
    return bool(np.isfinite(tasks.layers(chosen, "linearity", part)).all())


def _ceiling(axes: Axes, chosen: xr.Dataset, quantity: str) -> None:
    layer = chosen["layer"].values
    if quantity == "effective_dimension":
        axes.step(layer, chosen["units"].values, where="mid", label="channels", color=colour("grey"), linewidth=1.0)
    if quantity == "complexity":
        style: dict[str, Any] = {"color": colour("final"), "linestyle": (0, (1, 1.2)), "linewidth": 1.4}
        draw(axes, layer, _layers(chosen, "independent_bits"), "trained, if independent", **style)
        axes.set_ylim(0, 1.02)


def _bar(values: np.ndarray) -> list[list[float]] | None:
    """Return how far the interval over seeds reaches below and above the mean; None for fewer than three."""
    found = seed_interval(values)
    if np.isnan(found.low):
        return None
    return [[max(float(found.mean - found.low), 0.0)], [max(float(found.high - found.mean), 0.0)]]
