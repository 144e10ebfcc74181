"""How much faster the library is than what one would otherwise do."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from lib.figures.style import PALETTE, look

_ROW = 0.34  # inches
_FRAME = 0.9


def ratios(table: pd.DataFrame) -> Figure:
    """Draw the ratio of each benchmark and its range over the repeats, the largest on top.

    Parameters
    ----------
    table
        A row a benchmark with columns ``ratio``, ``low`` and ``high``, as from `lib.bench.stored`.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there is no row.

    Examples
    --------
    >>> ratios(pd.DataFrame({"ratio": [3.0], "low": [2.5], "high": [3.5]}, index=["histogram"])).axes[0].get_xscale()
    'log'
    """
    if table.empty:
        raise ValueError("No benchmark is stored: run `python -m lib bench --store`.")
    ordered = table.sort_values("ratio")
    figure, axes = plt.subplots(figsize=(7.2, _FRAME + _ROW * len(ordered)))
    spread = [ordered["ratio"] - ordered["low"], ordered["high"] - ordered["ratio"]]
    axes.errorbar(ordered["ratio"], range(len(ordered)), xerr=spread, fmt="o", color=PALETTE["blue"], capsize=3)
    axes.axvline(1, **look("theory"))
    axes.set_yticks(range(len(ordered)), labels=[name.replace("_", " ") for name in ordered.index])
    axes.set(xscale="log", xlabel="times faster", ylim=(-0.7, len(ordered) - 0.3))
    for each in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        each(FuncFormatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "125" else ""))
    return figure
