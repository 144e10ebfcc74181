"""How parts of a run report on the whole."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[float, str], None]
"""Is told the share that is done, from 0 to 1, and what is being done."""


def portion(progress: Progress, number: int, parts: int) -> Progress:
    """Return what one of several equal parts reports its own share to.

    Examples
    --------
    >>> portion(lambda share, doing: print(share, doing), number=1, parts=2)(0.5, "training")
    0.75 training
    """
    return lambda share, doing: progress((number + share) / parts, doing)
