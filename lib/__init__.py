"""Library behind *Inside Learning*, an executable book on what happens inside a neural network while it learns.

Data flows one way through its packages, and nothing on the left imports anything on its right::

    data -> models -> measures -> probing -> experiments -> records -> claims, figures -> chapters

Start with :mod:`lib.experiments` (what can be run) and :mod:`lib.records` (how a result is found, or made and kept).
For a network of your own there is :func:`lib.probe`.
"""

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # imported when asked for, because the list of claims should open without torch
    if name == "probe":
        from lib.probing import probe

        return probe
    raise AttributeError(f"module 'lib' has no attribute {name!r}")
