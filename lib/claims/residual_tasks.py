"""Judges of what trained residual networks show task by task: J2 to J4, J6, J8 to J11 and J13 to J15.

On records of ``residual_tasks``; how networks are found and compared is in `lib.claims._residual_tasks`. Where a record
has no network for what a claim is about, there is no verdict: digits, which are learned live, are no task of the text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, permutations, product

import numpy as np
import xarray as xr

from lib.claims._judging import TINY, all_of, passing, range_of, span, weakest
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._residual_tasks import (
    BLOCKS,
    NEEDED,
    OBSERVABLES,
    RANDOM,
    TOP,
    TORN,
    WHOLE,
    above_zero,
    by_success,
    close,
    course,
    depths_of,
    error_of,
    gap,
    layers,
    missing,
    of_block,
    of_task,
    over_tasks,
    reversed_gap,
    same_seeds,
    task_of,
    with_tasks,
)
from lib.claims._verdict import lies
from lib.claims.residual_depth import border_step
from lib.measures.statistics import Estimate, difference_interval, kendall_tau, seed_interval

FEWEST = 4
"""Tasks below which there is nothing to rank."""

FLAT = 0.15
"""Range over layers of complexity per unit (bits) below which it is flat."""

STEP = 2.0
"""Multiple of the median step below which it is continuous at the borders of blocks."""

TAU = 0.6
"""Rank correlation beyond which two quantities go together."""

BAND = 0.9
"""Share of variance of the first principal component above which points lie on a band."""

LESS_LINEAR = 0.05
"""By how much lower blocks must be less linear in memorisation."""

INDEPENDENCE = 0.7
"""Share of a rise in complexity that the fall of total correlation must explain."""

_PERMUTATIONS = 5_040  # all of them up to 7 tasks, beyond that as many at random


# -- memorisation -----------------------------------------------------------------------------------------------------


def _memorisers(record: xr.Dataset) -> list[tuple[int, xr.Dataset | None, xr.Dataset | None, xr.Dataset]]:
    """Return depth, successful and failed runs with random labels, and the network with the true ones."""
    found = with_tasks(record, RANDOM, "CIFAR-10")
    return [(depth, *by_success(random), images) for depth, (random, images) in found]


@judge("J2", experiment="residual_tasks")
def memorisers_are_rich_on_top(record: xr.Dataset) -> Judgement | None:
    """Random labels against CIFAR-10: effective dimension higher in block 4, lower in blocks 2 and 3; failures low.

    Of runs that memorised, on train pictures, against CIFAR-10's on test pictures and, as the control asks, on train
    pictures too; and in block 4 successful against failed runs. Every effect is counted in the stated direction.
    """
    conditions, used = [], []
    for depth, good, bad, images in _memorisers(record):
        for part, block in product(("test", "train"), (TOP, 3, 2)):
            if good is not None:
                found = gap(good, images, "effective_dimension", block, parts=("train", part))
                found = found if block == TOP else reversed_gap(found)
                side = "above" if block == TOP else "below"
                conditions.append(above_zero(f"ResNet-{depth}, block {block} {side} CIFAR-10 on {part}", found))
        if good is not None and bad is not None:
            found = gap(good, bad, "effective_dimension")
            conditions.append(above_zero(f"ResNet-{depth}, failed below successful", found))
        used += [each for each in (good, bad, images) if each is not None]
    return _of_memorisers("J2", record, conditions, used, "effective dimension in the stated direction")


@judge("J6", experiment="residual_tasks")
def memorisers_are_complex_throughout(record: xr.Dataset) -> Judgement | None:
    """Random labels: mean complexity per unit of blocks 2 to 4 above CIFAR-10's; failed runs differ from successful.

    Of runs that memorised, on train pictures, against CIFAR-10's on test and on train pictures. That failed runs differ
    asks for an interval of the difference, in the mean over these blocks, without 0.
    """
    conditions, used = [], []
    for depth, good, bad, images in _memorisers(record):
        for part, block in product(("test", "train"), BLOCKS):
            if good is not None:
                found = gap(good, images, "complexity", block, parts=("train", part))
                conditions.append(above_zero(f"ResNet-{depth}, block {block} above CIFAR-10 on {part}", found))
        if good is not None and bad is not None:
            first, second = (np.mean([of_block(each, "complexity", b) for b in BLOCKS], axis=0) for each in (good, bad))
            found = difference_interval(first, second, paired=False)
            away = None if np.isnan(found.low) else not found.low <= 0 <= found.high
            conditions.append(Condition.measured(f"ResNet-{depth}, successful less failed", found, passes=away))
        used += [each for each in (good, bad, images) if each is not None]
    return _of_memorisers("J6", record, conditions, used, "complexity per unit (bits)")


def _of_memorisers(
    claim: str, record: xr.Dataset, conditions: list[Condition], used: Sequence[xr.Dataset], quantity: str
) -> Judgement | None:
    if not conditions:
        return None
    carrier = weakest(conditions)
    apart = any("failed" in condition.name for condition in conditions)
    return close(
        claim,
        carrier,
        conditions,
        used,
        record=record,
        measure=f"difference of {quantity}, least ({carrier.name})",
        control="CIFAR-10 on train pictures: among the conditions",
        text=f"{passing(conditions)} are as stated."
        + ("" if apart else " No depth has both successful and failed runs."),
        partly=not apart,
    )


@judge("J10", experiment="residual_tasks")
def memorisers_are_at_the_extremes(record: xr.Dataset) -> Judgement | None:
    """Successful memorisers must lie above all tasks in both measures, failed ones below all, by means over seeds.

    The effect is the distance to the nearest task's mean, in the stated direction.
    """
    conditions, used = [], []
    for depth, good, bad, _ in _memorisers(record):
        tasks = _of_depth(record, depth, (*WHOLE, *TORN))
        for runs, words, sign in ((good, "successful above", 1), (bad, "failed below", -1)):
            if runs is None or len(tasks) < FEWEST:
                continue
            for quantity, short in OBSERVABLES.items():
                others = [float(of_block(each, quantity).mean()) for each in tasks]
                beyond = sign * of_block(runs, quantity) - max(sign * other for other in others)
                conditions.append(above_zero(f"ResNet-{depth}, {short}, {words} all tasks", seed_interval(beyond)))
        used += [*tasks, *(each for each in (good, bad) if each is not None)] if len(tasks) >= FEWEST else []
    if not conditions:
        return None
    carrier = weakest(conditions)
    both = {word for word in ("successful", "failed") if any(word in condition.name for condition in conditions)}
    return close(
        "J10",
        carrier,
        conditions,
        used,
        record=record,
        measure=f"distance beyond the nearest task, least ({carrier.name})",
        control="none named",
        text=f"{passing(conditions)} are as stated."
        + ("" if len(both) == 2 else f" There are only {both.pop()} runs."),
        partly=len(both) < 2,
    )


# -- depth ------------------------------------------------------------------------------------------------------------


@judge("J4", experiment="residual_tasks")
def complexity_is_flat_on_cmnist(record: xr.Dataset) -> Judgement | None:
    """Complexity per unit on CMNIST: range over layers below 0.15, largest step at borders below 2 median steps.

    On all patches, and on those that show the object, for a background that is the same everywhere makes any layer
    flat. The effect is the range where it is largest. Control: the same of the untrained network.
    """
    conditions, used = [], []
    for depth, (chosen,) in with_tasks(record, "CMNIST"):
        block = chosen["block"].values
        for part, words in (("test", "all patches"), ("object", "object patches")):
            spread, flat, step = _flatness(layers(chosen, "complexity", part), block)
            before, flat_before, _ = _flatness(layers(chosen, "complexity", part, 0), block)
            conditions.append(
                Condition.measured(
                    f"ResNet-{depth}, {words}",
                    spread,
                    control=before,
                    passes=flat,
                    holds_in_control=flat_before is True,
                    note=f"largest step at a border {step.mean:.1f} times the median step",
                )
            )
        used.append(chosen)
    if not conditions:
        return None
    carrier = max(conditions, key=lambda condition: condition.effect)
    return close(
        "J4",
        carrier,
        conditions,
        used,
        record=record,
        measure=f"range over layers of complexity per unit (bits), largest ({carrier.name})",
        control=f"untrained: {range_of([c.control for c in conditions if c.control is not None])}",
        text=f"{passing(conditions)} are flat and continuous.",
    )


def _flatness(profile: np.ndarray, block: np.ndarray) -> tuple[Estimate, bool | None, Estimate]:
    """Return range over layers, whether a profile (seed, layer) is flat and continuous, and its step at borders."""
    spread = seed_interval(profile.max(axis=1) - profile.min(axis=1))
    step = seed_interval(border_step(profile, block))
    return spread, all_of(lies(span(spread), high=FLAT - TINY), lies(span(step), high=STEP - TINY)), step


@judge("J13", experiment="residual_tasks")
def lower_blocks_are_more_linear(record: xr.Dataset) -> Judgement | None:
    """Linearity of blocks 2 and 3 above that of block 4 on images; with random labels lower there, by more than 0.05.

    Every task by itself, by the nearer block; control: before training. Random labels against CIFAR-10 on test and on
    train pictures, in the mean over blocks 2 and 3. Every effect is the margin in the stated direction.
    """
    conditions, used = [], []
    for task in (*WHOLE, *TORN):
        for depth, (chosen,) in with_tasks(record, task):
            margins = [
                np.minimum(*(of_block(chosen, "linearity", lower, epoch=epoch) for lower in (2, 3)))
                - of_block(chosen, "linearity", TOP, epoch=epoch)
                for epoch in (-1, 0)
            ]
            found, before = map(seed_interval, margins)
            conditions.append(above_zero(f"ResNet-{depth}, {task}", found, before))
            used.append(chosen)
    for depth, good, _, images in _memorisers(record):
        if good is None:
            continue
        second = np.mean([of_block(good, "linearity", lower) for lower in (2, 3)], axis=0)
        for part in ("test", "train"):
            first = np.mean([of_block(images, "linearity", lower, part) for lower in (2, 3)], axis=0)
            found = difference_interval(first - LESS_LINEAR, second, paired=False)
            conditions.append(above_zero(f"ResNet-{depth}, {RANDOM} below CIFAR-10 on {part}", found))
            used.append(good)
    if not conditions:
        return None
    carrier = weakest(conditions)
    controls = [c.control for c in conditions if c.control is not None]
    return close(
        "J13",
        carrier,
        conditions,
        used,
        record=record,
        measure=f"margin of linearity in the stated direction, least ({carrier.name})",
        control=f"untrained: {range_of(controls)}" if controls else "not run",
        text=f"{passing(conditions)} are as stated.",
        partly=not any(RANDOM in condition.name for condition in conditions),
    )


# -- difficulty -------------------------------------------------------------------------------------------------------

ORDER = NEEDED["J3"]
"""From easy to difficult."""


def _of_depth(record: xr.Dataset, depth: int, tasks: Sequence[str]) -> list[xr.Dataset]:
    return [chosen for task in tasks if (chosen := of_task(record, task, depth)) is not None]


def _ranked(record: xr.Dataset) -> list[tuple[int, list[xr.Dataset]]]:
    """Return each depth with at least so many tasks that they can be ranked, and their networks with common seeds."""
    found = []
    for depth in depths_of(record):
        tasks = _of_depth(record, depth, (*WHOLE, *TORN))
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
        found = _of_depth(record, depth, ORDER)
        for easy, hard in pairwise(found):
            conditions.append(
                above_zero(
                    f"ResNet-{depth}, {task_of(easy)} to {task_of(hard)}",
                    gap(hard, easy, "effective_dimension"),
                    gap(hard, easy, "effective_dimension", epoch=0),
                    _at_equal_error(easy, hard),
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


def partial_tau(x: np.ndarray, y: np.ndarray, given: np.ndarray) -> np.ndarray:
    r"""Kendall's partial rank correlation, along the last axis.

    .. math:: \tau_{xy \cdot z} = \frac{\tau_{xy} - \tau_{xz} \tau_{yz}}{\sqrt{(1 - \tau_{xz}^2)(1 - \tau_{yz}^2)}}

    Returns
    -------
    numpy.ndarray
        Shape (...); nan where the ranks of `given` are those of x or y, or their reverse.

    Notes
    -----
    Source: Kendall (1942), Biometrika 32, 277.

    Examples
    --------
    >>> x, z = np.array([1.0, 2, 3, 4, 5]), np.array([1.0, 3, 2, 5, 4])
    >>> float(partial_tau(x, x, z)), float(partial_tau(x, z, x))
    (1.0, nan)
    """
    both, first, second = kendall_tau(x, y), kendall_tau(x, given), kendall_tau(y, given)
    rest = np.sqrt(np.clip((1 - first**2) * (1 - second**2), 0, None))
    return np.divide(both - first * second, rest, out=np.full(np.shape(rest), np.nan), where=rest > 1e-12)[()]


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
            found, before = (seed_interval(taus(tasks, quantity, epoch)) for epoch in (-1, 0))
            conditions.append(
                Condition.measured(
                    f"ResNet-{depth}, {short}, {len(tasks)} tasks",
                    found,
                    control=before,
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
        found, before = (seed_interval(taus(tasks, "normalized_total_correlation", epoch)) for epoch in (-1, 0))
        conditions.append(
            Condition.measured(
                f"ResNet-{depth}, {len(tasks)} tasks",
                found,
                control=before,
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

    Control: the same before training. Pieces are of 8 x 8 pixels.
    """
    conditions, used = [], []
    for whole, torn in zip(WHOLE, TORN, strict=True):
        for depth, (first, second) in with_tasks(record, whole, torn):
            for quantity, short in OBSERVABLES.items():
                found, before = (gap(second, first, quantity, epoch=epoch) for epoch in (-1, 0))
                conditions.append(above_zero(f"ResNet-{depth}, {whole}, {short}", found, before))
            used += [first, second]
    if not conditions:
        return None
    carrier = weakest(conditions)
    measure = f"torn less whole, least ({carrier.name})"
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


def waiting(record: xr.Dataset | None) -> dict[str, list[str]]:
    """Return for each claim on these networks the tasks for which a record has not the text's network.

    Examples
    --------
    >>> waiting(None)["J20"]
    ['CIFAR-10']
    """
    return {claim: list(tasks) if record is None else missing(record, claim) for claim, tasks in NEEDED.items()}
