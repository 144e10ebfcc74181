"""The one look of the book's figures: style sheet, colours, and the two or three marks that every chapter needs.

A chapter calls `use` once. Figure modules ask `colour` and `look` for a quantity by name, so the same quantity
keeps the same colour through the book. The six colours start from Okabe and Ito's set for the colour-blind,
darkened until each has a contrast of at least 3:1 on white (WCAG 2.2, criterion 1.4.11) and moved apart under
simulated protanopia, deuteranopia and tritanopia (matrices of Machado, Oliveira and Fernandes 2009); the tests
measure both.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from cycler import cycler
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from numpy.typing import ArrayLike

STYLE_SHEET = Path(__file__).with_name("book.mplstyle")

PALETTE: dict[str, str] = {
    "blue": "#0B4BAF",
    "vermilion": "#D55E00",
    "green": "#007E4C",
    "purple": "#953C8B",
    "sky": "#1E96F5",
    "brown": "#8A2A00",
    "black": "#222222",
    "grey": "#767676",
}
CYCLE: tuple[str, ...] = tuple(PALETTE[name] for name in ("blue", "vermilion", "green", "purple", "sky", "brown"))

# What a quantity looks like wherever it is drawn. Controls and theory are told apart by their dashes too, not
# by colour alone.
LOOKS: dict[str, dict[str, Any]] = {
    # learning rules and networks
    "rosenblatt": {"color": PALETTE["blue"]},
    "logistic": {"color": PALETTE["vermilion"]},
    # measured along the path
    "msd": {"color": PALETTE["blue"]},
    "mistakes": {"color": PALETTE["purple"]},
    "norm": {"color": PALETTE["green"]},
    "accuracy": {"color": PALETTE["green"]},
    "distance": {"color": PALETTE["sky"]},
    "exponent": {"color": PALETTE["brown"]},
    # estimates of the entropy of patterns ("logistic" is above)
    "autoregressive": {"color": PALETTE["blue"]},
    "xgboost": {"color": PALETTE["green"]},
    "plugin": {"color": PALETTE["purple"]},
    "miller-madow": {"color": PALETTE["sky"]},
    "grassberger": {"color": PALETTE["brown"]},
    # activation functions
    "relu": {"color": PALETTE["blue"]},
    "elu": {"color": PALETTE["vermilion"]},
    "gelu": {"color": PALETTE["green"]},
    "silu": {"color": PALETTE["purple"]},
    "tanh": {"color": PALETTE["sky"]},
    "leaky relu": {"color": PALETTE["brown"]},
    # kinds of stimuli
    "spontaneous": {"color": PALETTE["black"]},
    "gratings": {"color": PALETTE["sky"]},
    "scenes": {"color": PALETTE["green"]},
    "movie": {"color": PALETTE["purple"]},
    # before and after
    "initial": {"color": PALETTE["sky"]},
    "final": {"color": PALETTE["brown"]},
    # controls
    "shuffled labels": {"color": PALETTE["grey"], "linestyle": (0, (4, 2))},
    "random walk": {"color": PALETTE["grey"], "linestyle": (0, (1, 1.5))},
    "random signs": {"color": PALETTE["grey"], "linestyle": (0, (5, 1.5, 1, 1.5))},
    # closed forms and reference values
    "theory": {"color": PALETTE["black"], "linestyle": (0, (6, 3)), "linewidth": 1.4},
    "nominal": {"color": PALETTE["black"], "linestyle": (0, (1, 1.5)), "linewidth": 1.4},
}

BAND_ALPHA = 0.2


def use() -> None:
    """Switch to the book's style; in a notebook also to pictures of twice the pixels, sharp on any screen.

    PNG rather than SVG: a walk of 60,000 steps is 80 kB as a picture and many megabytes as a vector path.

    Examples
    --------
    >>> use()
    >>> float(plt.rcParams["lines.linewidth"]), plt.rcParams["figure.facecolor"]
    (2.0, 'white')
    """
    plt.style.use(STYLE_SHEET)
    plt.rcParams["axes.prop_cycle"] = cycler(color=CYCLE)
    # Asking sys.modules keeps this importable and silent outside a notebook.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None and getattr(shell, "kernel", None) is not None:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        # The layout fits the figure into its size; to trim it, IPython would draw each picture twice.
        set_matplotlib_formats("retina", bbox_inches=None)


def look(quantity: str) -> dict[str, Any]:
    """Keyword arguments of `Axes.plot` for a quantity: its colour and, for controls and theory, its dashes.

    Parameters
    ----------
    quantity : str
        A key of `LOOKS`, such as ``"msd"`` or ``"shuffled labels"``.

    Returns
    -------
    dict
        A new dictionary on every call.

    Raises
    ------
    ValueError
        For a name that has no look yet.

    Examples
    --------
    >>> look("msd")
    {'color': '#0B4BAF'}
    """
    try:
        return dict(LOOKS[quantity])
    except KeyError:
        known = ", ".join(LOOKS)
        raise ValueError(f"{quantity!r} has no look; use one of {known}, or add it to lib/figures/style.py.") from None


def colour(quantity: str) -> str:
    """Colour of a quantity as ``#RRGGBB``, the same through the book.

    Parameters
    ----------
    quantity : str
        A key of `LOOKS`, or the plain name of a colour of `PALETTE` for what has no meaning of its own.

    Raises
    ------
    ValueError
        For a name that is neither.

    Examples
    --------
    >>> colour("mistakes"), colour("purple")
    ('#953C8B', '#953C8B')
    """
    return PALETTE[quantity] if quantity in PALETTE else str(look(quantity)["color"])


def band(
    ax: Axes, x: ArrayLike, mean: ArrayLike, low: ArrayLike, high: ArrayLike, *, quantity: str, label: str | None = None
) -> PolyCollection:
    """Draw a line and the band between two others in the colour of a quantity: a mean over seeds and its spread.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    x, mean, low, high : array_like, shape (n,)
        Abscissa, line, and lower and upper edge of the band, in the units of the axes.
    quantity : str
        A key of `LOOKS`.
    label : str, optional
        Name of the line in the legend.

    Returns
    -------
    PolyCollection
        The band.

    Raises
    ------
    ValueError
        Where the shapes differ, or the lower edge lies above the upper one.

    Examples
    --------
    >>> ax = plt.figure().subplots()
    >>> drawn = band(ax, [0, 1], [1, 2], [0, 1], [2, 3], quantity="msd", label="20 seeds")
    >>> ax.lines[0].get_color(), ax.lines[0].get_label()
    ('#0B4BAF', '20 seeds')
    >>> plt.close()
    """
    x, mean, low, high = (np.asarray(a, dtype=float) for a in (x, mean, low, high))
    if not x.shape == mean.shape == low.shape == high.shape:
        raise ValueError(
            f"A band needs four arrays of one shape, not {x.shape}, {mean.shape}, {low.shape}, {high.shape}."
        )
    if np.any(low > high):
        raise ValueError(
            f"The band's lower edge is above its upper one at x = {x[np.argmax(low > high)]:g}; swap the two."
        )
    ax.plot(x, mean, label=label, **look(quantity))
    return ax.fill_between(x, low, high, color=colour(quantity), alpha=BAND_ALPHA, linewidth=0)


def panel_labels(axes: Axes | Iterable[Axes]) -> None:
    """Write a, b, c ... above the upper left corners of panels, for the caption to speak of.

    Parameters
    ----------
    axes : Axes or iterable of Axes
        The panels, in reading order; an array of them is read row by row.

    Examples
    --------
    >>> figure, axes = plt.subplots(1, 2)
    >>> panel_labels(axes)
    >>> [ax.get_title(loc="left") for ax in axes]
    ['a', 'b']
    >>> plt.close()
    """
    for k, ax in enumerate(np.ravel(np.asarray(axes, dtype=object))):
        ax.set_title(chr(ord("a") + k), loc="left", fontweight="bold", fontsize=plt.rcParams["axes.labelsize"])


def heading(axes: Axes, text: str) -> None:
    """Write above the middle of a panel, whose left corner holds its letter.

    Examples
    --------
    >>> axes = plt.figure().subplots()
    >>> heading(axes, "MNIST")
    >>> axes.texts[0].get_text()
    'MNIST'
    >>> plt.close()
    """
    axes.annotate(text, (0.5, 1.02), xycoords="axes fraction", ha="center", va="bottom", fontsize=10)
