"""Judges of how observables of residual networks move along training: J16 to J21, on records of ``residual_tasks``.

Choices made before any record was judged:

- A network's course is that of the means over its top block, at the epochs where entropies were estimated: both
  observables at the same epochs.
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
from scipy.stats import binomtest

from lib.claims._judging import TINY, all_of, farthest, passing, span, weakest
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._residual_tasks import (
    MEMORISED,
    RANDOM,
    TORN,
    WHOLE,
    above_zero,
    by_success,
    close,
    course,
    depths_of,
    epochs_of,
    error_of,
    of_task,
    one,
    same_seeds,
    task_of,
    with_tasks,
)
from lib.claims._response import SHAPE
from lib.claims._verdict import lies
from lib.data.image_tasks import TASKS
from lib.experiments.residual_tasks import Network
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

RANDOM_RANGE = (40, 80)
"""Epochs of the text's fit for random labels."""

DROP = 0.8
"""Share of the training after which the rate drops first."""

LONGER = 3.0
"""How many times as long the first stage must be with random labels."""

MEMORISERS = 3 / 5
"""Share of the text's runs that memorised."""

FEWEST = 5
"""Moments below which nothing is fitted."""

RATIO = 1.0
"""Von Neumann's ratio of residuals above which they have no trend."""

ROOM = 10.0
"""Factor of time that a power law must span."""


def _runs(record: xr.Dataset) -> list[tuple[str, xr.Dataset]]:
    """Return name and network of all tasks at all depths, of random labels those seeds that memorised them."""
    found = []
    for task in (*WHOLE, *TORN, RANDOM):
        for depth, (chosen,) in with_tasks(record, task):
            kept = by_success(chosen)[0] if TASKS[task].random_labels else chosen
            if kept is not None:
                found.append((f"ResNet-{depth}, {task}", kept))
    return found


# -- two stages -------------------------------------------------------------------------------------------------------


def half_rise(epochs: np.ndarray, curves: np.ndarray) -> np.ndarray:
    """Epoch at which curves have first made half of their rise from the first moment to the last.

    Parameters
    ----------
    epochs
        Shape (moment,), increasing.
    curves
        Shape (..., moment); between moments they are straight.

    Returns
    -------
    numpy.ndarray
        Shape (...); nan where a curve ends no higher than it begins.

    Examples
    --------
    >>> half_rise(np.array([0.0, 1.0, 2.0, 4.0]), np.array([[0.0, 1.0, 3.0, 4.0], [1.0, 1.0, 1.0, 1.0]]))
    array([1.5, nan])
    """
    total = curves[..., -1] - curves[..., 0]
    half = (curves[..., 0] + total / 2)[..., None]
    place = np.maximum((curves >= half).argmax(axis=-1), 1)[..., None]
    low, high = (np.take_along_axis(curves, place - shift, -1) for shift in (1, 0))
    step = np.divide(half - low, high - low, out=np.ones_like(low), where=high > low)
    found = epochs[place - 1] + step * (epochs[place] - epochs[place - 1])
    return np.where(total > 0, found[..., 0], np.nan)


def corner(epochs: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Epoch at which a path in the plane turns: the corner of the two straight stretches that are nearest to it.

    Both coordinates are taken as shares of their range. The stretches lead from the first point of the path to one of
    its points, and from there to the last; that one is chosen which leaves the smallest sum of squared distances.

    Parameters
    ----------
    epochs
        Shape (moment,).
    x, y
        Shape (..., moment).

    Returns
    -------
    numpy.ndarray
        Shape (...): one of the epochs, neither first nor last.

    Raises
    ------
    ValueError
        If there are fewer than 3 moments.

    Examples
    --------
    >>> x, y = np.array([0.0, 0, 0, 1, 2, 3]), np.array([0.0, 1, 2, 2, 2, 2])
    >>> corner(np.array([0, 1, 2, 5, 10, 20]), x, y)
    array(2)
    """
    if len(epochs) < 3:
        raise ValueError(f"A path of {len(epochs)} moments has no corner: give 3 or more.")
    points = np.stack([_as_share(x), _as_share(y)], axis=-1)  # (..., moment, 2)
    losses = []
    for place in range(1, len(epochs) - 1):
        first = _distances(points[..., : place + 1, :]).sum(axis=-1)
        losses.append(first + _distances(points[..., place:, :]).sum(axis=-1))
    return np.asarray(epochs[1 + np.stack(losses, axis=-1).argmin(axis=-1)])


def _as_share(values: np.ndarray) -> np.ndarray:
    spread = values.max(axis=-1, keepdims=True) - values.min(axis=-1, keepdims=True)
    return np.asarray(values / np.where(spread > 0, spread, 1.0))


def _distances(points: np.ndarray) -> np.ndarray:
    """Squared distances of points (..., moment, 2) from the straight stretch between the first and the last."""
    along = points[..., -1:, :] - points[..., :1, :]
    length = np.maximum((along**2).sum(axis=-1, keepdims=True), np.finfo(float).tiny)
    away = points - points[..., :1, :]
    place = ((away * along).sum(axis=-1, keepdims=True) / length).clip(0, 1)
    return np.asarray(((away - place * along) ** 2).sum(axis=-1))


@judge("J16", experiment="residual_tasks")
def complexity_rises_first(record: xr.Dataset) -> Judgement | None:
    """Complexity must make half of its rise before effective dimension does, in each seed of each task.

    Both as shares of their own rise from before training to the end, which is the control that the row asks for: then
    the units do not matter. The effect is by how many epochs effective dimension is later, where it is least. Where one
    of the two does not rise, the statement fails.
    """
    conditions, used = [], []
    for name, chosen in _runs(record):
        epochs, complexity = course(chosen, "complexity")
        if len(epochs) < FEWEST - 1:
            continue
        late = half_rise(epochs, course(chosen, "effective_dimension")[1]) - half_rise(epochs, complexity)
        used.append(chosen)
        if np.isnan(late).any():
            share = float(np.isnan(late).mean())
            conditions.append(Condition(name, np.nan, passes=False, note=f"no rise in {100 * share:.0f} % of seeds"))
            continue
        found = seed_interval(late)
        each = True if (late > 0).all() else False if (late <= 0).all() else None
        conditions.append(Condition.measured(name, found, passes=all_of(lies(span(found), low=TINY), each)))
    if not conditions:
        return None
    return close(
        "J16",
        weakest([c for c in conditions if np.isfinite(c.effect)] or conditions),
        conditions,
        used,
        record=record,
        measure="half of the rise of effective dimension after that of complexity (epochs), least",
        control="other units: both are taken as shares of their own rise",
        text=f"{passing(conditions)} rise in this order.",
    )


@judge("J17", experiment="residual_tasks")
def memorising_begins_late(record: xr.Dataset) -> Judgement | None:
    """The first stage must be more than 3 times as long with random labels as in any other task.

    A stage ends where the path in the plane of both observables turns (:func:`corner`). The effect is the epoch of the
    turn with random labels less 3 times that of the other task. How long stages are is in the notes.
    """
    turns = {name: (chosen, _turns(chosen)) for name, chosen in _runs(record)}
    turns = {name: (chosen, found) for name, (chosen, found) in turns.items() if len(found)}
    conditions, used = [], []
    for name, (chosen, found) in turns.items():
        slow = turns.get(f"ResNet-{int(chosen['depth'])}, {RANDOM}")
        if slow is None or TASKS[task_of(chosen)].random_labels:
            continue
        longer = difference_interval(slow[1], LONGER * found, paired=False)
        note = f"turns after {_listed(found)} epochs, with random labels after {_listed(slow[1])}"
        conditions.append(above_zero(name, longer, note=note))
        used += [chosen, slow[0]]
    if not conditions:
        return None
    alike = len({int(each["learned"]) for each in used}) == 1
    return close(
        "J17",
        weakest(conditions),
        conditions,
        used,
        record=record,
        measure="turn with random labels less 3 times that of the other task (epochs), least",
        control="none named",
        text=f"{passing(conditions)} are as stated."
        + ("" if alike else " Random labels are those of fewer pictures, so that their epochs are shorter."),
        partly=not alike,
    )


def _turns(chosen: xr.Dataset) -> np.ndarray:
    epochs, complexity = course(chosen, "complexity")
    if len(epochs) < FEWEST:
        return np.array([])
    return corner(epochs, course(chosen, "effective_dimension")[1], complexity)


def _listed(values: np.ndarray) -> str:
    return ", ".join(f"{value:g}" for value in np.sort(values))


@judge("J21", experiment="residual_tasks")
def some_runs_memorise(record: xr.Dataset) -> Judgement | None:
    """The share of runs with random labels whose accuracy on train pictures exceeds 90 % must be that of the text, 3/5.

    With its exact binomial interval, which must hold 3/5, and there must be runs of both kinds; where all memorise or
    none does, few seeds decide nothing. Controls, where they were run: rate 0.01, and pictures moved and mirrored.
    """
    conditions, used = [], []
    for depth, (chosen,) in with_tasks(record, RANDOM):
        share, low, high, note = _memorised(chosen)
        kinds = 0 < share < 1
        inside = low <= MEMORISERS <= high
        conditions.append(
            Condition(
                f"ResNet-{depth}",
                share,
                (low, high),
                seeds=chosen.sizes["seed"],
                passes=(True if kinds else None) if inside else False,
                note=note,
            )
        )
        used.append(chosen)
    if not conditions:
        return None
    found = [_control(record, network) for network in (Network(RANDOM, rate=0.01), Network(RANDOM, augmented=True))]
    return close(
        "J21",
        farthest(conditions, MEMORISERS),
        conditions,
        used,
        record=record,
        measure="share of runs that memorise, exact binomial interval",
        control="; ".join(said for said in found if said) or "rate 0.01 and augmentation are not run",
        text=f"{passing(conditions)} have runs of both kinds and an interval that holds 3/5.",
    )


def _memorised(chosen: xr.Dataset) -> tuple[float, float, float, str]:
    """Return the share of seeds that memorised, its interval, and all accuracies in words."""
    errors = error_of(chosen, "train_error")
    found = binomtest(int((errors < MEMORISED).sum()), len(errors))
    interval = found.proportion_ci(0.95, "exact")
    said = ", ".join(f"{100 * (1 - error):.1f}" for error in np.sort(errors))
    return float(np.mean(errors < MEMORISED)), float(interval.low), float(interval.high), f"accuracies {said} %"


def _control(record: xr.Dataset, network: Network) -> str:
    chosen = one(record, network.name)
    return "" if chosen is None else f"{network.name}: {_memorised(chosen)[-1]}"


# -- power laws -------------------------------------------------------------------------------------------------------


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
    """Return what :func:`_runs` does, and CIFAR-10 at half the rate."""
    found = _runs(record)
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
    complete = all(any(f"rate {rate:g}" in c.name or f"and {rate:g}" in c.name for c in conditions) for rate in rates)
    return close(
        "J20",
        weakest(conditions),
        conditions,
        used,
        record=record,
        measure="exponent at the higher rate less that at the lower, least",
        control="epoch times rate as time: in the notes",
        text=f"{passing(conditions)} are larger at the higher rate.",
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
