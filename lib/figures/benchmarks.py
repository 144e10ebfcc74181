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


def ratios_in_words(table: pd.DataFrame) -> list[str]:
    """Say how many times faster each benchmark is, with the range over its turns if there is more than one.

    Examples
    --------
    >>> ratios_in_words(pd.DataFrame({"ratio": [3.0, 28.0], "low": [2.5, 28.0], "high": [3.5, 28.0]}))
    ['3 (2.5 to 3.5)', '28 (one turn)']
    """
    ranges = zip(table["ratio"], table["low"], table["high"], strict=True)
    return [f"{ratio:.2g} ({f'{low:.2g} to {high:.2g}' if low < high else 'one turn'})" for ratio, low, high in ranges]


def spread(table: pd.DataFrame, name: str) -> float:
    """Return the largest ratio of a benchmark over its smallest; nan if it is not stored.

    Examples
    --------
    >>> spread(pd.DataFrame({"low": [4.0], "high": [7.0]}, index=["histogram"]), "histogram")
    1.75
    """
    return float(table.loc[name, "high"] / table.loc[name, "low"]) if name in table.index else float("nan")


def revisions(table: pd.DataFrame) -> dict[str, int | str]:
    """Return the revision of the most results, as ``revision``, when it was timed last, and how many results it has.

    Examples
    --------
    >>> made = ["2026-11-24T04:16:05+00:00", "2026-11-24T05:16:05+00:00", "2026-11-30T12:00:00+00:00"]
    >>> kinds = [{"revision": "69e0512602b4"}, {"revision": "69e0512602b4"}, {"revision": "834ec5da66f6"}]
    >>> revisions(pd.DataFrame({"environment": kinds, "created": made}))
    {'first': 2, 'revision': '69e0512', 'made': '2026-11-24'}
    """
    known = table["environment"].map(lambda environment: str(environment["revision"]))
    revision = str(known.mode()[0])
    made = max(table["created"][known == revision])
    return {"first": int((known == revision).sum()), "revision": revision[:7], "made": made[:10]}
