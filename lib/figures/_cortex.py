"""What the figures of chapter 9 share: tables of a record, percent below independent neurons, looks of stimuli."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes

from lib.data.population import simulated_population
from lib.experiments.cortex import METHODS
from lib.experiments.estimates import rows
from lib.figures.pattern_calibration import MARKS, METHOD_NAMES
from lib.figures.style import colour

INDEPENDENT = "independent"
"""The method that takes neurons for independent."""

KINDS = ("spontaneous", "gratings", "scenes", "movie")
"""Kinds of stimuli in the text's order, from least to most."""

TEXT_CORRELATION = 2.0
"""Normalised total correlation in VISp by the text, in percent."""

VARIED = {"bins": ("bin_width", "bin width (s)"), "neurons": ("neurons", "neurons")}
"""What a study varies: the variable, and the name of its axis."""

METHOD_ROWS = {
    "in sample": "independent, in sample",
    INDEPENDENT: "independent, cross-fitted",
    **{method: METHOD_NAMES[method] for method in (*METHODS, "xgboost")},
}
"""Names of all estimates of one entropy."""

_MEASURED = [
    *("bits", "standard_error", "independent_bits", "gain", "gain_error"),
    *("dimension", "dimension_error", "activity", "truth", "seconds", "neurons"),
]


# -- tables -----------------------------------------------------------------------------------------------------------


def table_of(record: xr.Dataset, source: str, **wanted: object) -> xr.Dataset:
    found = rows(record, source=source, **wanted)
    if not found.sizes["estimate"]:
        what = ", ".join(f"{name} {value!r}" for name, value in wanted.items())
        raise ValueError(f"This record has no {source} neurons with {what or 'any study'}: take a larger preset.")
    return found


def frame(found: xr.Dataset, *more: str) -> pd.DataFrame:
    return found[list(dict.fromkeys([*_MEASURED, "segment", *more]))].to_dataframe()


def segment_means(found: xr.Dataset) -> pd.DataFrame:
    """Return one row a segment: the mean over draws of a surrogate."""
    return frame(found).groupby("segment").mean()


def below_independent(each: pd.DataFrame, *, of_text: bool = False) -> tuple[pd.Series, pd.Series]:
    """Percent by which bounds are below independent neurons, and its standard error.

    Of independent neurons with cross-fitted rates; or, as in the text's equation 10, with the rates of the sample.
    """
    alone = each["independent_bits"] if of_text else each["bits"] + each["gain"]
    return 100 * (1 - each["bits"] / alone), 100 * each["gain_error"] / alone


def exact_bits(stimulus: str, found: xr.Dataset) -> tuple[float, float]:
    """Return the exact entropy of a table's simulated neurons, and that of independent neurons of their rates."""
    population = simulated_population(stimulus, int(found["neurons"].max()))
    return population.bits, population.independent_bits


# -- drawing ----------------------------------------------------------------------------------------------------------


def draw_segments(
    axes: Axes,
    place: float,
    values: pd.Series,
    error: pd.Series,
    label: str | None,
    method: str,
    filled: bool = True,
) -> None:
    """Draw one point a segment, with bars of two standard errors, and their mean as a short line."""
    if not len(values):
        return
    style = look_of(method, filled)
    spread = 0.035 * (np.arange(len(values)) - (len(values) - 1) / 2)
    bars = 2 * error.to_numpy()
    axes.errorbar(
        place + spread,
        values.to_numpy(),
        bars if np.any(bars > 0) else None,
        linestyle="",
        markersize=4,
        elinewidth=0.9,
        label=label,
        **style,
    )
    if len(values) > 1:
        axes.hlines(values.mean(), place - 0.1, place + 0.1, color=style["color"], linewidth=1.6)


def look_of(method: str, filled: bool) -> dict[str, Any]:
    known = method in (*METHODS, "xgboost")
    shade = colour(method) if known else colour("black" if method == "in sample" else "grey")
    marker = MARKS[method] if known else "^" if method == INDEPENDENT else "o"
    return {"color": shade, "marker": marker, "markerfacecolor": shade if filled else "white"}


def stimulus_axis(axes: Axes, names: list[str]) -> None:
    axes.set_xticks(range(len(names)), labels=[name_of(name) for name in names], rotation=35, ha="right", fontsize=9)
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.55, len(names) - 0.45)
    axes.set_xlabel("stimulus")
    axes.grid(False, axis="x")


def name_of(stimulus: str) -> str:
    return stimulus.replace("_", " ")


def rank_of(stimulus: str) -> int:
    return next((rank for rank, kind in enumerate(KINDS) if kind in stimulus), len(KINDS))


def shade_of(stimulus: str) -> str:
    """Name the colour of a stimulus, which those of one kind share."""
    return KINDS[rank_of(stimulus)] if rank_of(stimulus) < len(KINDS) else "brown"


def marker_of(stimulus: str) -> str:
    """Give movies, of which a session shows several, marks of their own."""
    return {"one": "^", "two": "v", "three": "s"}.get(stimulus.rsplit("_", 1)[-1], "o")
