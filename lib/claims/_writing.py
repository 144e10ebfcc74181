"""How verdicts, numbers and intervals are written, in words and in HTML."""

from __future__ import annotations

import html
import math
import re
from importlib import resources

from lib.claims._model import Interval, Verdict

# word, sign and colour say the same thing, so none of them is needed alone; colours are the Okabe-Ito palette's
SIGNS: dict[Verdict, str] = {"reproduced": "✓", "partly": "◐", "not reproduced": "✗", "not run": "·"}


def badge(verdict: Verdict) -> str:
    name = verdict.replace(" ", "-")
    return f'<span class="verdict {name}"><span aria-hidden="true">{SIGNS[verdict]}</span> {verdict}</span>'


def wrap(table: str, caption: str, kind: str = "rows", after: str = "") -> str:
    # the region takes the focus, so that a table wider than the page can be scrolled by keyboard
    return (
        f'<style>{resource("ledger.css")}</style><div class="claims {kind}" role="region" tabindex="0" '
        f'aria-label="{text(caption)}"><table><caption>{text(caption)}</caption>{table}</table>{after}</div>'
    )


def resource(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def text(value: str) -> str:
    """Write words for HTML, with a minus sign instead of the hyphen before a number; 1e-3 and 2026-11-24 stay."""
    return re.sub(r"(?<![\w.)\]])-(?=\d)", "−", html.escape(value))


def yes_no(value: bool | None) -> str:
    return "–" if value is None else "yes" if value else "no"


def seeds(number: int) -> str:
    return {0: "nothing random", 1: "1 seed"}.get(number, f"{number} seeds")


def number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−") if math.isfinite(value) else "–"


def bounds(interval: Interval) -> str:
    low, high = (("−∞" if end < 0 else "∞") if math.isinf(end) else number(end) for end in interval)
    return f"[{low}, {high}]"


def effect(value: float | None, interval: Interval | None) -> str:
    if value is None:
        return "–"
    return number(value) if interval is None else f"{number(value)} {bounds(interval)}"
