"""One way to put a slider on a page: live for those who run the notebook, precomputed in the built book.

`explore` draws a figure for every value of one parameter. In a live notebook it returns an ipywidgets slider.
Anywhere else, and always while the book is built or tested (``BOOK_BUILD=1``), it returns the frames themselves
with a plain ``<input type=range>``: that needs no kernel, no network and no library, works from a file on disk,
and is as quick with the keyboard as with the mouse.

Displaying a widget that owns an ``Output`` makes the executing client hang now and then until its time-out
(nbclient, issue 312). So the built page never sees a widget, and the live one is an HTML widget without any
``Output``.

For those who write chapters: an interactive figure is a figure. Number, caption and name come from the metadata
of its cell, exactly as for a picture, and MyST-NB puts them round the frames as well; the words for those who
cannot see it come from ``alt``, frame by frame::

    # metadata of the cell: {"mystnb": {"figure": {"name": "fig-walk", "caption": "The path of the weights. ..."}}}
    explore(
        lambda epoch: perceptron.draw_walk(result, epoch),   # a function of lib, with its axis limits fixed
        values=range(0, 31, 2), start=30, name="walk", label="epoch",
        alt="Path of the two weights up to epoch {value}: it winds outwards and ends near the dashed line.",
    )

The call is the last line of its cell and the cell shows nothing else, so that there is one figure and one number.
At preset smoke only the first value, the last and the one shown first are drawn.
"""

from __future__ import annotations

import base64
import html
import io
import os
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from PIL import Image

from lib import presets

T = TypeVar("T")

# Set by Jupyter's server for the kernel of an opened notebook, by Colab and by VS Code; by no client that
# merely executes.
LIVE_FRONT_ENDS = ("JPY_SESSION_NAME", "COLAB_RELEASE_TAG", "VSCODE_PID")

# Swaps the visible frame. It finds its own figure, so any number of them live on one page; it is repeated in
# each, because a page that is copied out of the book, or an output looked at in a notebook viewer, should work
# too.
SCRIPT = """(function () {
  const root = document.currentScript.parentElement;
  const slider = root.querySelector("input"), shown = root.querySelector("output");
  const frames = Array.from(root.querySelectorAll("img"));
  function show() {
    const frame = frames[Number(slider.value)];
    frames.forEach((each) => { each.hidden = each !== frame; });
    shown.textContent = frame.dataset.value;
    slider.setAttribute("aria-valuetext", frame.dataset.value);
  }
  slider.addEventListener("input", show);
  show();
})();"""


@dataclass(frozen=True)
class Frame:
    """One drawn value: a picture, the words that stand for it, and the value as the reader sees it."""

    png: bytes
    width: int  # CSS pixels
    height: int  # CSS pixels
    alt: str
    text: str

    def to_html(self, *, hidden: bool = False) -> str:
        """Return the picture as an ``<img>`` that carries its own data."""
        data = base64.b64encode(self.png).decode("ascii")
        return (
            f'<img src="data:image/png;base64,{data}" alt="{html.escape(self.alt)}" '
            f'data-value="{html.escape(self.text)}" width="{self.width}" height="{self.height}" decoding="sync"'
            f"{' hidden' if hidden else ''}>"
        )


@dataclass(frozen=True)
class Explorer:
    """Frames with a slider, as a page shows them. Made by `explore`."""

    name: str
    label: str
    frames: tuple[Frame, ...]
    start: int

    def _repr_html_(self) -> str:
        slider = f"explore-{self.name}"
        pictures = "\n".join(frame.to_html(hidden=k != self.start) for k, frame in enumerate(self.frames))
        text = html.escape(self.frames[self.start].text)
        return f"""<div class="explore">
{pictures}
<div class="explore-controls">
<label for="{slider}">{html.escape(self.label)}</label>
<input type="range" id="{slider}" min="0" max="{len(self.frames) - 1}" step="1" value="{self.start}" \
aria-valuetext="{text}" autocomplete="off">
<output for="{slider}">{text}</output>
</div>
<script>{SCRIPT}</script>
</div>"""

    def __repr__(self) -> str:
        return f"Explorer({self.name!r}, {len(self.frames)} frames over {self.label!r})"


def is_live() -> bool:
    """Tell whether a reader with a front end is at the other end of this kernel.

    Careful rather than clever: without ``BOOK_BUILD`` and with a sign of a known front end it is; in every
    other case it is not.

    Examples
    --------
    >>> is_live()
    False
    """
    if os.environ.get("BOOK_BUILD", "0") not in ("", "0"):
        return False
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None and any(os.environ.get(sign) for sign in LIVE_FRONT_ENDS)


def explore(
    draw: Callable[[T], Figure],
    *,
    name: str,
    values: Iterable[T],
    label: str,
    alt: str | Callable[[T], str],
    start: T | None = None,
    text: Callable[[T], str] = str,
) -> Any:
    """Let the reader move one parameter of a figure.

    Parameters
    ----------
    draw : callable
        ``draw(value)`` returns a matplotlib figure. All figures have one size; fix the axis limits, or the
        frames jump.
    name : str
        Name of this slider, unique on its page: small letters, digits and hyphens.
    values : iterable
        The values of the parameter, at least two, in the order of the slider. A page holds one picture for
        each: twenty are plenty.
    label : str
        What the slider moves, with its unit.
    alt : str or callable
        What a frame shows, in one sentence, for those who cannot see it: a text in which ``{value}`` stands for
        the value as shown, or a function of the value.
    start : optional
        The value shown first; the first of `values` if not given.
    text : callable
        How a value is written beside the slider.

    Returns
    -------
    Explorer or ipywidgets.VBox
        Precomputed frames, or the live slider; either is shown by ending the cell with the call.

    Raises
    ------
    ValueError
        For a name that cannot be an identifier in HTML, fewer than two values, a start that is not among them,
        or an empty `alt`.
    TypeError
        Where `draw` returns no matplotlib figure.

    Examples
    --------
    >>> def draw(slope):
    ...     figure, ax = plt.subplots(figsize=(2, 1))
    ...     ax.plot([0, 1], [0, slope])
    ...     ax.set_ylim(0, 2)
    ...     return figure
    >>> explore(draw, name="slope", values=[1, 2], label="slope", alt="A line of slope {value} through the origin.")
    Explorer('slope', 2 frames over 'slope')
    """
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise ValueError(
            f"The slider's name {name!r} must be small letters, digits and hyphens, beginning with a letter."
        )
    values = list(values)
    if len(values) < 2:
        raise ValueError(f"Slider {name!r} needs at least two values to move between, not {len(values)}.")
    if start is not None and start not in values:
        raise ValueError(
            f"Slider {name!r} cannot start at {start!r}, which is not among its values; choose one of them."
        )
    at = 0 if start is None else values.index(start)
    if presets.active() == "smoke":  # seconds, for tests: both ends and what is shown first
        values = [values[place] for place in sorted({0, at, len(values) - 1})]
        at = min(at, 1)

    def frame(value: T) -> Frame:
        words = alt(value) if callable(alt) else alt.replace("{value}", text(value))
        if not words.strip():
            raise ValueError(
                f"Slider {name!r} has no alt text at {text(value)}; say in one sentence what the frame shows."
            )
        return _picture(draw(value), alt=words, text=text(value), name=name)

    if is_live():
        return _live(frame, values, at, label, text)
    frames = tuple(frame(value) for value in values)
    sizes = {(each.width, each.height) for each in frames}
    if len(sizes) > 1:
        raise ValueError(f"The frames of slider {name!r} have {len(sizes)} sizes; give every figure the same figsize.")
    return Explorer(name=name, label=label, frames=frames, start=at)


def _picture(figure: Figure, *, alt: str, text: str, name: str) -> Frame:
    """Render a figure and close it, so that the notebook does not show it a second time."""
    if not isinstance(figure, Figure):
        raise TypeError(
            f"The draw function of slider {name!r} must return a matplotlib figure, not {type(figure).__name__}."
        )
    scale = 2  # pixels of the picture for one of the page, as in lib.figures.style.use
    width, height = (int(side * scale * figure.dpi) for side in figure.get_size_inches())
    try:
        stream = io.BytesIO()
        figure.savefig(stream, format="rgba", dpi=scale * figure.dpi)
        drawn = Image.frombytes("RGBA", (width, height), stream.getvalue())
    finally:
        plt.close(figure)
    # A palette of 256 colours makes lines and text a third of the size, with no difference that can be seen.
    small = io.BytesIO()
    drawn.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(small, format="png", optimize=True)
    return Frame(png=small.getvalue(), width=width // scale, height=height // scale, alt=alt, text=text)


def _live(frame: Callable[[T], Frame], values: list[T], at: int, label: str, text: Callable[[T], str]) -> Any:
    """Return a slider that redraws on every move. An HTML widget keeps the alt text, and has no Output to hang on."""
    import ipywidgets

    slider = ipywidgets.SelectionSlider(
        options=[(text(value), k) for k, value in enumerate(values)],
        index=at,
        description=label,
        continuous_update=False,
    )
    slider.style.description_width = "initial"
    picture = ipywidgets.HTML(frame(values[at]).to_html())

    def show(change: dict[str, Any]) -> None:
        picture.value = frame(values[change["new"]]).to_html()

    slider.observe(show, names="value")
    return ipywidgets.VBox([slider, picture])
