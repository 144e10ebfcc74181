"""Judges of what trained residual networks show task by task: J2, J4, J6, J10 and J13.

On records of ``residual_tasks``; how networks are found and compared is in `lib.claims._residual_tasks`, how tasks
compare by difficulty in `lib.claims.task_difficulty`. Where a record has no network for what a claim is about, there is
no verdict: digits, which are learned live, are no task of the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import xarray as xr

from lib.claims._judging import TINY, all_of, passing, range_of, span, weakest
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._residual_tasks import (
    BLOCKS,
    FEWEST,
    NEEDED,
    OBSERVABLES,
    RANDOM,
    TOP,
    TORN,
    TRUE,
    WHOLE,
    above_zero,
    by_success,
    close,
    gap,
    layers,
    missing,
    of_block,
    of_depth,
    of_task,
    reversed_gap,
    with_tasks,
)
from lib.claims._verdict import lies
from lib.claims.residual_depth import border_step
from lib.measures.statistics import Estimate, difference_interval, seed_interval

FLAT = 0.15
"""Range over layers of complexity per unit (bits) below which it is flat."""

STEP = 2.0
"""Multiple of the median step below which it is continuous at the borders of blocks."""

LESS_LINEAR = 0.05
"""By how much lower blocks must be less linear in memorisation."""


# -- memorisation -----------------------------------------------------------------------------------------------------


def _memorisers(record: xr.Dataset) -> list[tuple[int, xr.Dataset | None, xr.Dataset | None, xr.Dataset]]:
    """Return depth, successful and failed runs with random labels, and the network that learned CIFAR-10."""
    found = with_tasks(record, RANDOM, "CIFAR-10")
    return [(depth, *by_success(random), images) for depth, (random, images) in found]


def _beside(record: xr.Dataset, depth: int, images: xr.Dataset) -> list[tuple[str, xr.Dataset, str]]:
    """Return what random labels are held against: its name, the network, the pictures that it is read on.

    CIFAR-10 differs from them in the number of pictures, augmentation, weight decay and epochs as well as in the
    labels; true labels that were learned in the same way differ in the labels alone.
    """
    alike = of_task(record, TRUE, depth)
    found = [("CIFAR-10 on test", images, "test"), ("CIFAR-10 on train", images, "train")]
    return found if alike is None else [*found, ("the same pictures with true labels", alike, "train")]


def _alone(record: xr.Dataset) -> str:
    """Say where nothing is there that differs in the labels alone."""
    depths = [depth for depth, *_ in _memorisers(record) if of_task(record, TRUE, depth) is None]
    named = ", ".join(f"ResNet-{depth}" for depth in depths)
    return f" True labels learned as random ones are: not run ({named})." if depths else ""


@judge("J2", experiment="residual_tasks")
def memorisers_are_rich_on_top(record: xr.Dataset) -> Judgement | None:
    """Random labels against CIFAR-10: effective dimension higher in block 4, lower in blocks 2 and 3; failures low.

    Of runs that memorised, on train pictures, against CIFAR-10's on test pictures and, as the control asks, on train
    pictures too, and against true labels that were learned as the random ones are, where they were run; and in block 4
    successful against failed runs. Every effect is counted in the stated direction.
    """
    conditions, used = [], []
    for depth, good, bad, images in _memorisers(record):
        for (name, other, part), block in product(_beside(record, depth, images), (TOP, 3, 2)):
            if good is not None:
                found = gap(good, other, "effective_dimension", block, parts=("train", part))
                found = found if block == TOP else reversed_gap(found)
                side = "above" if block == TOP else "below"
                conditions.append(above_zero(f"ResNet-{depth}, block {block} {side} {name}", found))
        if good is not None and bad is not None:
            found = gap(good, bad, "effective_dimension")
            conditions.append(above_zero(f"ResNet-{depth}, failed below successful", found))
        used += [each for each in (good, bad, images) if each is not None]
    return _of_memorisers("J2", record, conditions, used, "effective dimension in the stated direction")


@judge("J6", experiment="residual_tasks")
def memorisers_are_complex_throughout(record: xr.Dataset) -> Judgement | None:
    """Random labels: mean complexity per unit of blocks 2 to 4 above CIFAR-10's; failed runs differ from successful.

    Of runs that memorised, on train pictures, against CIFAR-10's on test and on train pictures, and against true labels
    that were learned as the random ones are, where they were run. That failed runs differ asks for an interval of the
    difference, in the mean over these blocks, without 0.
    """
    conditions, used = [], []
    for depth, good, bad, images in _memorisers(record):
        for (name, other, part), block in product(_beside(record, depth, images), BLOCKS):
            if good is not None:
                found = gap(good, other, "complexity", block, parts=("train", part))
                conditions.append(above_zero(f"ResNet-{depth}, block {block} above {name}", found))
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
        text=f"{passing(conditions)} are as stated.{_alone(record)}"
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
        tasks = of_depth(record, depth, (*WHOLE, *TORN))
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
    carrier = weakest([c for c in conditions if f", {OBSERVABLES['complexity']}, " in c.name])
    both = {word for word in ("successful", "failed") if any(word in condition.name for condition in conditions)}
    return close(
        "J10",
        carrier,
        conditions,
        used,
        record=record,
        measure=f"complexity beyond that of the nearest task, bits per unit, least ({carrier.name})",
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
    train pictures, and against true labels that were learned in the same way, in the mean over blocks 2 and 3. Every
    effect is the margin in the stated direction.
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
            since = difference_interval(margins[0], margins[1])
            conditions.append(above_zero(f"ResNet-{depth}, {task}", found, before, difference=since))
            used.append(chosen)
    for depth, good, _, images in _memorisers(record):
        if good is None:
            continue
        second = np.mean([of_block(good, "linearity", lower) for lower in (2, 3)], axis=0)
        for name, other, part in _beside(record, depth, images):
            first = np.mean([of_block(other, "linearity", lower, part) for lower in (2, 3)], axis=0)
            found = difference_interval(first - LESS_LINEAR, second, paired=False)
            conditions.append(above_zero(f"ResNet-{depth}, {RANDOM} below {name}", found))
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
        text=f"{passing(conditions)} are as stated.{_alone(record)}",
        partly=not any(RANDOM in condition.name for condition in conditions),
    )


def waiting(record: xr.Dataset | None) -> dict[str, list[str]]:
    """Return for each claim on these networks the tasks for which a record has not the text's network.

    Examples
    --------
    >>> waiting(None)["J20"]
    ['CIFAR-10', 'CIFAR-10, rate 0.05']
    """
    return {claim: list(tasks) if record is None else missing(record, claim) for claim, tasks in NEEDED.items()}
