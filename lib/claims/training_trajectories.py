"""Judges of how observables of residual networks move along training: J16, J17, J21, on records of ``residual_tasks``.

A network's course, as was chosen before any record was judged, is that of the means over its top block, at the epochs
where entropies were estimated: both observables at the same epochs.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.stats import binomtest

from lib.claims._judging import TINY, all_of, farthest, passing, span, weakest
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._residual_tasks import (
    MEMORISED,
    RANDOM,
    above_zero,
    close,
    course,
    error_of,
    learners,
    one,
    task_of,
    with_tasks,
)
from lib.claims._verdict import lies
from lib.data.image_tasks import TASKS
from lib.experiments.residual_tasks import Config, Network
from lib.measures.statistics import difference_interval, seed_interval

LONGER = 3.0
"""How many times as long the first stage must be with random labels."""

MEMORISERS = 3 / 5
"""Share of the text's runs that memorised."""

FEWEST = 4
"""Moments below which no half of a rise is looked for; a corner needs one more."""


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
    for name, chosen in learners(record):
        epochs, complexity = course(chosen, "complexity")
        if len(epochs) < FEWEST:
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
    turn with random labels less 3 times that of the other task. How long stages are is in the notes. Where random
    labels are those of fewer pictures, their epochs have fewer steps, and the same is asked in thousands of steps; that
    was added when the first run was known.
    """
    turns = {name: (chosen, _turns(chosen)) for name, chosen in learners(record)}
    turns = {name: (chosen, found) for name, (chosen, found) in turns.items() if len(found)}
    conditions, used = [], []
    for name, (chosen, found) in turns.items():
        slow = turns.get(f"ResNet-{int(chosen['depth'])}, {RANDOM}")
        if slow is None or TASKS[task_of(chosen)].random_labels:
            continue
        longer = difference_interval(slow[1], LONGER * found, paired=False)
        note = f"turns after {_listed(found)} epochs, with random labels after {_listed(slow[1])}"
        conditions.append(above_zero(name, longer, note=note))
        thousands = [_epoch_in_steps(each) / 1000 for each in (slow[0], chosen)]
        if thousands[0] != thousands[1]:
            longer = difference_interval(thousands[0] * slow[1], LONGER * thousands[1] * found, paired=False)
            conditions.append(above_zero(f"{name}, in thousands of steps", longer))
        used += [chosen, slow[0]]
    if not conditions:
        return None
    alike = len({int(each["learned"]) for each in used}) == 1
    return close(
        "J17",
        weakest([condition for condition in conditions if "steps" not in condition.name]),
        conditions,
        used,
        record=record,
        measure="turn with random labels less 3 times that of the other task (epochs), least",
        control="none named",
        text=f"{passing(conditions)} are as stated."
        + ("" if alike else " Random labels are those of fewer pictures, so that their epochs are shorter."),
        partly=not alike,
    )


def _epoch_in_steps(chosen: xr.Dataset) -> int:
    return -(-int(chosen["learned"]) // Config().batch)


def _turns(chosen: xr.Dataset) -> np.ndarray:
    epochs, complexity = course(chosen, "complexity")
    if len(epochs) <= FEWEST:
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
