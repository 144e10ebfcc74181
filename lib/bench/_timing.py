"""Time two ways of doing the same work, turn by turn."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class BenchResult:
    """Times for the same amount of work, medians over the repeats."""

    name: str
    ours_s: float  # seconds
    reference_s: float  # seconds
    ratio: float  # reference over ours: how many times faster ours is
    spread: tuple[float, float]  # smallest and largest ratio over the repeats
    note: str  # what was timed, on how much
    machine: str

    def __str__(self) -> str:
        low, high = self.spread
        return (
            f"{self.name}: {self.ours_s:.3g} s, reference {self.reference_s:.3g} s, {self.ratio:.1f} times faster "
            f"({low:.1f} to {high:.1f}). {self.note}. {self.machine}"
        )


def side_by_side(
    name: str,
    ours: Callable[[], object],
    reference: Callable[[], object],
    *,
    share: float = 1.0,
    repeats: int = 5,
    warm_up: bool = True,
    note: str,
) -> BenchResult:
    """Time `ours` and `reference` in turns, so that a busy machine slows both.

    Parameters
    ----------
    name
        Name of the benchmark.
    ours, reference
        The work, done our way and the other way.
    share
        Share of the work that `reference` does, if the whole would take too long; its time is scaled up by it.
    repeats
        Number of turns.
    warm_up
        Whether each is called once beforehand; work of minutes needs no warming up.
    note
        What is timed.

    Returns
    -------
    BenchResult
        Median times, and the ratio with its range over the turns.

    Examples
    --------
    >>> result = side_by_side("sum", lambda: sum(range(10)), lambda: sum(range(1000)), note="10 for 1,000")
    >>> result.ratio > 1
    True
    """
    if warm_up:
        ours(), reference()
    pairs = [(seconds_of(ours), seconds_of(reference) / share) for _ in range(repeats)]
    ratios = [there / here for here, there in pairs]
    cores = f"{os.cpu_count()} cores, {torch.get_num_threads()} threads"
    return BenchResult(
        name=name,
        ours_s=statistics.median(here for here, _ in pairs),
        reference_s=statistics.median(there for _, there in pairs),
        ratio=statistics.median(ratios),
        spread=(min(ratios), max(ratios)),
        note=note,
        machine=f"{platform.machine()}, {cores}, torch {torch.__version__}",
    )


def seconds_of(work: Callable[[], object]) -> float:
    """Return how long some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
