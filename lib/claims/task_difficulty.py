"""Judges of how observables of residual networks go with the difficulty of the task: J3, J8, J9, J11, J14 and J15.

On records of ``residual_tasks``; how networks are found and compared is in `lib.claims._residual_tasks`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, permutations

import numpy as np
import xarray as xr

from lib.claims._judging import TINY, passing, range_of, span, weakest
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._residual_tasks import (
    FEWEST,
    NEEDED,
    OBSERVABLES,
    TORN,
    WHOLE,
    above_zero,
    close,
    course,
    depths_of,
    error_of,
    gap,
    gap_since,
    of_block,
    of_depth,
    of_task,
    over_tasks,
    same_seeds,
    task_of,
    with_tasks,
)
from lib.claims._verdict import lies
from lib.measures.curves import partial_tau
from lib.measures.statistics import difference_interval, kendall_tau, seed_interval

TAU = 0.6
"""Rank correlation beyond which two quantities go together."""

BAND = 0.9
"""Share of variance of the first principal component above which points lie on a band."""

INDEPENDENCE = 0.7
"""Share of a rise in complexity that the fall of total correlation must explain."""

_PERMUTATIONS = 5_040  # all of them up to 7 tasks, beyond that as many at random

ORDER = NEEDED["J3"]
"""From easy to difficult."""


def _ranked(record: xr.Dataset) -> list[tuple[int, list[xr.Dataset]]]:
    """Return each depth with at least so many tasks that they can be ranked, and their networks with common seeds."""
    found = []
    for depth in depths_of(record):
        tasks = of_depth(record, depth, (*WHOLE, *TORN))
        if len(tasks) >= FEWEST and same_seeds(*tasks)[0].sizes["seed"]:
            found.append((depth, same_seeds(*tasks)))
    return found


@judge("J3", experiment="residual_tasks")
def dimension_rises_with_difficulty(record: xr.Dataset) -> Judgement | None:
    """Effective dimension of block 4 must be in the order CMNIST < CFashionMNIST < CIFAR-10 < CIFAR-100.

    One condition a neighbouring pair of those that were run. Control: the same before training. In the notes both test
    errors, and the difference where the easier task had the error that the other has in the end.
    """
    conditions, used = [], []
    for depth in depths_of(record):
        found = of_depth(record, depth, ORDER)
        for easy, hard in pairwise(found):
            conditions.append(
                above_zero(
                    f"ResNet-{depth}, {task_of(easy)} to {task_of(hard)}",
                    gap(hard, easy, "effective_dimension"),
                    gap(hard, easy, "effective_dimension", epoch=0),
                    _at_equal_error(easy, hard),
                    difference=gap_since(hard, easy, "effective_dimension"),
                )
            )
        used += found if len(found) > 1 else []
    if not conditions:
        return None
    carrier = weakest(conditions)
    return close(
        "J3",
        carrier,
        conditions,
        used,
        record=record,
        measure=f"rise of the top block's effective dimension from task to task, least ({carrier.name})",
        control=f"untrained: {range_of([c.control for c in conditions if c.control is not None], 1)}",
        text=f"{passing(conditions)} rise.",
    )


def _at_equal_error(easy: xr.Dataset, hard: xr.Dataset) -> str:
    """Say by how much the harder task is ahead of the easier one at the epoch where that had the same error."""
    errors = easy["test_error"].mean("seed").values
    final = float(error_of(hard).mean())
    place = int(np.abs(errors - final).argmin())
    ahead = of_block(hard, "effective_dimension").mean() - of_block(easy, "effective_dimension", epoch=place).mean()
    return (
        f"test errors {errors[-1]:.3f} and {final:.3f}; {ahead:.1f} to the easier task after "
        f"{int(easy['epoch'][place])} epochs, with error {errors[place]:.3f}"
    )


def taus(tasks: Sequence[xr.Dataset], quantity: str, epoch: int = -1) -> np.ndarray:
    """Kendall's tau, over tasks, of the top block's quantity with the test error in the end, shape (seed,)."""
    errors = np.stack([error_of(each) for each in same_seeds(*tasks)], axis=1)
    return np.asarray(kendall_tau(errors, over_tasks(tasks, quantity, epoch)))


def _partial(tasks: Sequence[xr.Dataset], quantity: str) -> float:
    """Partial tau of the test error and a quantity, the error on train pictures being given, mean over seeds."""
    test, train = (
        np.stack([error_of(each, kind) for each in same_seeds(*tasks)], axis=1)
        for kind in ("test_error", "train_error")
    )
    return float(np.mean(partial_tau(test, over_tasks(tasks, quantity), train)))


@judge("J8", experiment="residual_tasks")
def both_go_with_difficulty(record: xr.Dataset) -> Judgement | None:
    """Over tasks, tau of the test error with effective dimension and complexity of block 4 must exceed 0.6.

    Of all tasks but random labels, with the seeds that all have. Control: the same observables before training. In the
    notes the partial correlation, the error on train pictures being given.
    """
    conditions, used = [], []
    for depth, tasks in _ranked(record):
        for quantity, short in OBSERVABLES.items():
            after, start = (taus(tasks, quantity, epoch) for epoch in (-1, 0))
            found, before = seed_interval(after), seed_interval(start)
            conditions.append(
                Condition.measured(
                    f"ResNet-{depth}, {short}, {len(tasks)} tasks",
                    found,
                    control=before,
                    difference=difference_interval(after, start),
                    passes=lies(span(found), low=TAU + TINY),
                    holds_in_control=lies(span(before), low=TAU + TINY) is True,
                    note=f"with the train error given {_partial(tasks, quantity):.2f}",
                )
            )
        used += tasks
    if not conditions:
        return None
    measure = "tau over tasks of test error and observable, least"
    return _of_tasks("J8", record, weakest(conditions), conditions, used, measure)


@judge("J14", experiment="residual_tasks")
def total_correlation_falls_with_difficulty(record: xr.Dataset) -> Judgement | None:
    """Over tasks, tau of the test error with the normalised total correlation of block 4 must be below -0.6.

    Control: the same before training. Bounds are by one estimator at equal numbers of patterns; how much looser they
    are on harder tasks the record does not say, so the verdict is ``partly`` at most.
    """
    conditions, used = [], []
    for depth, tasks in _ranked(record):
        after, start = (taus(tasks, "normalized_total_correlation", epoch) for epoch in (-1, 0))
        found, before = seed_interval(after), seed_interval(start)
        conditions.append(
            Condition.measured(
                f"ResNet-{depth}, {len(tasks)} tasks",
                found,
                control=before,
                difference=difference_interval(after, start),
                passes=lies(span(found), high=-TAU - TINY),
                holds_in_control=lies(span(before), high=-TAU - TINY) is True,
            )
        )
        used += tasks
    if not conditions:
        return None
    carrier = max(conditions, key=lambda condition: condition.effect)
    measure = "tau over tasks of test error and normalised total correlation, largest"
    return _of_tasks("J14", record, carrier, conditions, used, measure, partly=True)


@judge("J9", experiment="residual_tasks")
def torn_pictures_lie_beyond(record: xr.Dataset) -> Judgement | None:
    """Torn versions must lie above whole ones in effective dimension and complexity of block 4, each pair by itself.

    Control: the same before training. Pieces are of 8 x 8 pixels; in the notes the difference for 64 pieces of 4 x 4,
    which is the other way to read the text, where they were run.
    """
    conditions, used = [], []
    for whole, torn in zip(WHOLE, TORN, strict=True):
        for depth, (first, second) in with_tasks(record, whole, torn):
            for quantity, short in OBSERVABLES.items():
                found, before = (gap(second, first, quantity, epoch=epoch) for epoch in (-1, 0))
                finer = of_task(record, f"{whole}, 64 pieces", depth)
                note = "" if finer is None else f"64 pieces {gap(finer, first, quantity).mean:+.3f}"
                conditions.append(
                    above_zero(
                        f"ResNet-{depth}, {whole}, {short}",
                        found,
                        before,
                        note,
                        difference=gap_since(second, first, quantity),
                    )
                )
            used += [first, second]
    if not conditions:
        return None
    carrier = weakest([c for c in conditions if c.name.endswith("complexity")])
    measure = f"complexity of torn less that of whole pictures, bits per unit, least ({carrier.name})"
    return _of_tasks("J9", record, carrier, conditions, used, measure)


def _of_tasks(
    claim: str,
    record: xr.Dataset,
    carrier: Condition,
    conditions: Sequence[Condition],
    used: Sequence[xr.Dataset],
    measure: str,
    *,
    control: str = "untrained",
    partly: bool = False,
) -> Judgement:
    controls = [c.control for c in conditions if c.control is not None]
    return close(
        claim,
        carrier,
        conditions,
        used,
        record=record,
        measure=measure,
        control=f"{control}: {range_of(controls)}",
        text=f"{passing(conditions)} are as stated.",
        partly=partly,
    )


def band_share(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Share of variance of the first principal component of two standardised quantities, along the last axis.

    That is (1 + abs(r)) / 2 with r their correlation, whose square is the R2 of a line; nan where one does not vary.

    Examples
    --------
    >>> float(band_share(np.array([1.0, 2.0, 3.0]), np.array([5.0, 3.0, 1.0])))
    1.0
    """
    x, y = x - x.mean(axis=-1, keepdims=True), y - y.mean(axis=-1, keepdims=True)
    scale = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    r = np.divide((x * y).sum(axis=-1), scale, out=np.full(np.shape(scale), np.nan), where=scale > 0)
    return np.asarray((1 + np.abs(r)) / 2)


def band_by_chance(x: np.ndarray, y: np.ndarray, seed: int = 0) -> float:
    """Return the share that 5 % of pairings of the same values (task,) reach, the values of one being permuted.

    Examples
    --------
    >>> band_by_chance(np.arange(4.0), np.arange(4.0))  # of 24 orders two are on a line
    1.0
    """
    count = len(x)
    if math.factorial(count) <= _PERMUTATIONS:
        orders = np.array(list(permutations(range(count))))
    else:
        orders = np.random.default_rng(seed).random((_PERMUTATIONS, count)).argsort(1)
    return float(np.quantile(band_share(np.broadcast_to(x, orders.shape), y[orders]), 0.95))


@judge("J11", experiment="residual_tasks")
def tasks_lie_on_a_band(record: xr.Dataset) -> Judgement | None:
    """Tasks must lie on a line in the plane: the first principal component must have above 0.9 of the variance.

    Of effective dimension and complexity of block 4, standardised over tasks, for each seed. Control: the share that
    5 % of permutations of the tasks reach, which must not be above 0.9. In the notes R2, the share before training, and
    that of all epochs of all tasks together.
    """
    conditions, used = [], []
    for depth, tasks in _ranked(record):
        x, y = (over_tasks(tasks, quantity) for quantity in OBSERVABLES)
        share = seed_interval(band_share(x, y))
        chance = band_by_chance(x.mean(axis=0), y.mean(axis=0))
        before = band_share(*(over_tasks(tasks, quantity, 0) for quantity in OBSERVABLES)).mean()
        along = band_share(*(np.concatenate([course(each, q)[1].ravel() for each in tasks]) for q in OBSERVABLES))
        condition = Condition.measured(
            f"ResNet-{depth}, {len(tasks)} tasks",
            share,
            passes=lies(span(share), low=BAND + TINY),
            holds_in_control=chance > BAND,
            note=f"R2 {(2 * float(share.mean) - 1) ** 2:.2f}; untrained {before:.2f}; all epochs together {along:.2f}",
        )
        conditions.append(replace(condition, control=chance))
        used += tasks
    if not conditions:
        return None
    measure = "share of variance of the first principal component of the tasks, least"
    return _of_tasks("J11", record, weakest(conditions), conditions, used, measure, control="5 % of permutations reach")


def shares_of_rise(easy: xr.Dataset, hard: xr.Dataset, epoch: int = -1) -> np.ndarray | None:
    r"""Share of a rise in complexity between two tasks that less total correlation explains, shape (seed,).

    With H the entropy of patterns, S that of independent units with the same rates and T their total correlation,
    :math:`dH = dS - dT`, and the share is :math:`-dT / dH`; None where complexity does not rise in every seed.
    """
    easy, hard = same_seeds(easy, hard)
    rise, common = (
        of_block(hard, quantity, epoch=epoch) - of_block(easy, quantity, epoch=epoch)
        for quantity in ("complexity", "total_correlation")
    )
    return -common / rise if len(rise) and (rise > 0).all() else None


@judge("J15", experiment="residual_tasks")
def units_become_independent(record: xr.Dataset) -> Judgement | None:
    """Of the rise of complexity from the easiest task, less total correlation must explain more than 0.7.

    From CMNIST to CFashionMNIST, CIFAR-10 and CIFAR-100, in block 4, per unit; a pair of tasks between which complexity
    does not rise in every seed decides nothing. Control: the same before training. By one estimator, so that the other
    control, a looser bound, is not run and the verdict ``partly`` at most.
    """
    conditions, used = [], []
    for hard in ORDER[1:]:
        for depth, (first, second) in with_tasks(record, ORDER[0], hard):
            name = f"ResNet-{depth}, {ORDER[0]} to {hard}"
            found, before = (shares_of_rise(first, second, epoch) for epoch in (-1, 0))
            used += [first, second]
            if found is None:
                conditions.append(Condition(name, math.nan, note="complexity does not rise in every seed"))
                continue
            share = seed_interval(found)
            control = None if before is None else seed_interval(before)
            conditions.append(
                Condition.measured(
                    name,
                    share,
                    control=control,
                    difference=None if before is None else difference_interval(found, before),
                    passes=lies(span(share), low=INDEPENDENCE + TINY),
                    holds_in_control=None if control is None else lies(span(control), low=INDEPENDENCE + TINY) is True,
                )
            )
    if not conditions:
        return None
    effects = [condition.effect for condition in conditions]
    controls = [c.control for c in conditions if c.control is not None]
    return close(
        "J15",
        weakest(conditions),
        conditions,
        used,
        record=record,
        measure="share of the rise in complexity that less total correlation explains, least",
        control=f"untrained: {range_of(controls)}" if controls else "untrained: complexity does not rise",
        text=f"{passing(conditions)} are as stated; {sum(map(math.isnan, effects))} have no rise to explain.",
        partly=True,
    )
