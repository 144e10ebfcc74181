"""Judges of how total correlation of residual networks falls in training: J18 to J20, on records of ``residual_tasks``.

Choices made before any record was judged:

- A network's course is that of :mod:`lib.claims.training_trajectories`.
- Power laws are fitted from epoch 1 to the last before the rate drops first, with random labels from 40 to 80; fewer
  than 5 moments there, and there is no fit.
- A law *is* a power law if it misses left-out moments by less than any other law does, spans a decade or more, falls,
  and leaves residuals without a trend: a best shape within 0.25 of 0, and a ratio of von Neumann above 1, which is
  halfway between a trend and none (`lib.measures.decay`).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import xarray as xr

from lib.claims._judging import TINY, all_of, farthest, passing, span, weakest
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._residual_tasks import (
    RANDOM,
    above_zero,
    close,
    course,
    depths_of,
    epochs_of,
    learners,
    of_task,
    same_seeds,
    task_of,
)
from lib.claims._response import SHAPE
from lib.claims._verdict import lies
from lib.data.image_tasks import TASKS
from lib.experiments.residual_tasks import RANDOM_RANGE
from lib.measures.decay import Decay, fit_decay, held_out_errors, neighbour_ratio
from lib.measures.statistics import Estimate, difference_interval, seed_interval

EXPONENTS = {
    "CKMNIST": 0.07,
    "CFashionMNIST": 0.22,
    "CIFAR-10, rate 0.05": 0.16,
    "CIFAR-10": 0.24,
    RANDOM: 1.52,
}
"""The text's table 1, by task; the rate is named where it is not 0.1."""

DROP = 0.8
"""Share of the training after which the rate drops first."""

FEWEST = 5
"""Moments below which nothing is fitted."""

RATIO = 1.0
"""Von Neumann's ratio of residuals above which they have no trend."""

ROOM = 10.0
"""Factor of time that a power law must span."""


def falling(chosen: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return the epochs of the fit, (moment,), and the normalised total correlation there, (seed, moment)."""
    epochs, values = course(chosen, "normalized_total_correlation")
    end = np.nextafter(DROP * epochs_of(chosen), 0)
    first, last = RANDOM_RANGE if TASKS[task_of(chosen)].random_labels else (1, end)
    kept = (epochs >= first) & (epochs <= last)
    return epochs[kept], values[:, kept]


def law_of(chosen: xr.Dataset) -> Decay | None:
    """Fit the fall of a network's normalised total correlation; None where there are too few moments."""
    epochs, values = falling(chosen)
    return fit_decay(epochs, values) if len(epochs) >= FEWEST else None


def missed_by(chosen: xr.Dataset) -> dict[str, np.ndarray] | None:
    """Return by how much each law misses left-out moments of that fall, in nats, (seed,); None as :func:`law_of`."""
    epochs, values = falling(chosen)
    return held_out_errors(epochs, values) if len(epochs) >= FEWEST else None


def _exponents(chosen: xr.Dataset) -> Estimate | None:
    found = law_of(chosen)
    known = np.array([]) if found is None else found.exponent[np.isfinite(found.exponent)]
    return seed_interval(known) if len(known) else None


def _fallers(record: xr.Dataset) -> list[tuple[str, xr.Dataset]]:
    """Return what :func:`learners` does, and CIFAR-10 at half the rate."""
    found = learners(record)
    for depth in depths_of(record):
        half = of_task(record, "CIFAR-10", depth, 0.05)
        found += [(f"ResNet-{depth}, CIFAR-10, rate 0.05", half)] if half is not None else []
    return found


@judge("J18", experiment="residual_tasks")
def total_correlation_falls_as_a_power(record: xr.Dataset) -> Judgement | None:
    """Normalised total correlation of block 4 must fall as a power of the epoch, before the rate drops.

    The power law must miss left-out moments by less than the exponential, the stretched exponential and the power law
    with a constant do; the effect is by how much the best of those misses more, in nats of the logarithm. What spans
    less than a decade decides nothing.
    """
    conditions, used = [], []
    for name, chosen in _fallers(record):
        law, missed = law_of(chosen), missed_by(chosen)
        if law is None or missed is None or not np.isfinite(law.exponent).all():
            continue
        epochs, fallen = falling(chosen)
        others = np.stack([error for kind, error in missed.items() if kind != "power law"])
        ahead = seed_interval(others.min(axis=0) - missed["power law"])
        exponent, shape = seed_interval(law.exponent), seed_interval(law.shape)
        ratio = seed_interval(neighbour_ratio(epochs, fallen))
        conditions.append(
            Condition.measured(
                name,
                ahead,
                passes=all_of(
                    lies(span(ahead), low=TINY),
                    lies(span(exponent), low=TINY),
                    lies(span(shape), -SHAPE, SHAPE),
                    lies(span(ratio), low=RATIO),
                    True if _spans_a_decade(epochs) else None,
                ),
                note=f"epochs {epochs[0]:g} to {epochs[-1]:g}; exponent {exponent.mean:.2f}, best shape "
                f"{shape.mean:.2f}, ratio of von Neumann {ratio.mean:.1f}; "
                + ", ".join(f"{kind} misses by {np.mean(error):.4f}" for kind, error in missed.items()),
            )
        )
        used.append(chosen)
    if not conditions:
        return None
    short = sum(not _spans_a_decade(falling(chosen)[0]) for chosen in used)
    return close(
        "J18",
        weakest(conditions),
        conditions,
        used,
        record=record,
        measure="left-out moments: what the best other law misses less what the power law does (nats), least",
        control="epochs evenly spaced in the logarithm, before the rate drops: all conditions",
        text=f"{passing(conditions)} are power laws."
        + (f" {short} of the ranges span less than a decade, and could not pass." if short else ""),
    )


def _spans_a_decade(epochs: np.ndarray) -> bool:
    return bool(epochs[-1] >= ROOM * epochs[0])


@judge("J19", experiment="residual_tasks")
def exponents_are_those_of_the_table(record: xr.Dataset) -> Judgement | None:
    """The interval of each exponent must hold the value of the text's table 1.

    By the masked network, which is the tight bound; the text's own estimator is not run along training, so the verdict
    is ``partly`` at most. The effect is the exponent less the text's, farthest from 0.
    """
    conditions, used = [], []
    for name, chosen in _fallers(record):
        value = EXPONENTS.get(name.split(", ", 1)[1])
        found = None if value is None else _exponents(chosen)
        if value is None or found is None:
            continue
        low, high = span(found)
        conditions.append(
            Condition.measured(
                name,
                Estimate(found.mean - value, found.low - value, found.high - value, found.n),
                passes=None if found.n < 3 else bool(low <= value <= high),
                note=f"exponent {found.mean:.3f}, the text's {value:g}",
            )
        )
        used.append(chosen)
    if not conditions:
        return None
    return close(
        "J19",
        farthest(conditions, 0.0),
        conditions,
        used,
        record=record,
        measure="exponent less the text's, farthest from 0",
        control="the text's estimator: not run",
        text=f"{passing(conditions)} hold the text's value.",
        partly=True,
    )


@judge("J20", experiment="residual_tasks")
def exponent_depends_on_the_rate(record: xr.Dataset) -> Judgement | None:
    """CIFAR-10's exponent at rate 0.1 must be larger than at 0.05, and so on at 0.2 and 0.025 where they were run.

    In the notes the difference where the range of the fit is the same in epochs times rate, which is another time.
    """
    conditions, used = [], []
    rates = (0.2, 0.1, 0.05, 0.025)
    for depth in depths_of(record):
        known = [(rate, of_task(record, "CIFAR-10", depth, rate)) for rate in rates]
        found = [(rate, chosen) for rate, chosen in known if chosen is not None and law_of(chosen) is not None]
        for (fast, first), (slow, second) in pairwise(found):
            first, second = same_seeds(first, second)
            if not first.sizes["seed"]:
                continue
            gain = difference_interval(_known_exponents(first), _known_exponents(second))
            note = _in_other_time(first, second, fast / slow)
            conditions.append(above_zero(f"ResNet-{depth}, rate {fast:g} and {slow:g}", gain, note=note))
            used += [first, second]
    if not conditions:
        return None
    longer = any(not c.note.startswith("too few") for c in conditions)
    complete = all(any(f"rate {rate:g}" in c.name or f"and {rate:g}" in c.name for c in conditions) for rate in rates)
    return close(
        "J20",
        weakest(conditions),
        conditions,
        used,
        record=record,
        measure="exponent at the higher rate less that at the lower, least",
        control=f"epoch times rate as time: {'in the notes' if longer else 'not possible, too short'}",
        text=f"{passing(conditions)} are larger at the higher rate."
        + ("" if complete else f" Not all of the rates {', '.join(map(str, rates))} are run."),
        partly=not complete,
    )


def _known_exponents(chosen: xr.Dataset) -> np.ndarray:
    law = law_of(chosen)
    assert law is not None
    return law.exponent


def _in_other_time(fast: xr.Dataset, slow: xr.Dataset, factor: float) -> str:
    """Say what the difference is where both are fitted over the same range of epochs times rate."""
    epochs, values = falling(fast)
    others, slow_values = falling(slow)
    kept, slow_kept = epochs <= epochs[-1] / factor, others >= factor
    if min(kept.sum(), slow_kept.sum()) < FEWEST:
        return "too few moments for epochs times rate"
    first, second = fit_decay(epochs[kept], values[:, kept]), fit_decay(others[slow_kept], slow_values[:, slow_kept])
    return f"over equal epochs times rate {np.mean(first.exponent - second.exponent):.3f}"
