"""The sizes an experiment is run at.

``smoke`` takes seconds and serves tests; ``book`` runs live in a chapter; ``reduced`` is the largest size for machines
without a GPU, where ``paper`` - the text's own setting - is out of reach.
"""

from __future__ import annotations

import os

PRESETS = ("smoke", "book", "reduced", "paper")
"""All presets, from the smallest to the largest."""


def active() -> str:
    """Return the preset that chapters run at: ``$BOOK_PRESET``, or ``book``.

    Raises
    ------
    ValueError
        If ``$BOOK_PRESET`` names no preset.

    Examples
    --------
    >>> active() in PRESETS
    True
    """
    return check(os.environ.get("BOOK_PRESET") or "book")


def check(preset: str) -> str:
    """Return `preset` if there is one of that name.

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> check("smoke")
    'smoke'
    """
    if preset not in PRESETS:
        raise ValueError(f"Unknown preset {preset!r}: choose one of {', '.join(PRESETS)}.")
    return preset


def rank(preset: str) -> int:
    """Return the place of a preset in the order of size.

    Examples
    --------
    >>> rank("paper") > rank("book")
    True
    """
    return PRESETS.index(check(preset))
