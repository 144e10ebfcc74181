"""Judges of what residual networks show layer by layer: J1, J5, J7 and J12.

On records of ``residual_depth``, the published networks on CIFAR-10, trained to their end but one a depth, and beside
them of ``residual_tasks``, our own networks task by task. There the control is the network before it learned, and
random labels are judged by the same test, on train pictures, among those runs that memorised them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import xarray as xr

from lib.claims._judging import TINY, all_of, conclude, passing, range_of, span, weakest
from lib.claims._model import Condition, Judgement, Verdict
from lib.claims._registry import judge
from lib.claims._residual_tasks import (
    RANDOM,
    TOP,
    above_zero,
    as_the_text,
    layers,
    learners,
    same_seeds,
    scale_of,
    task_of,
    with_tasks,
)
from lib.claims._verdict import lies
from lib.measures.statistics import Estimate, difference_interval, kendall_tau, seed_interval

RISE = 0.8
"""Rank correlation of depth and effective dimension, up to its peak, above which it grows."""

STEP = 3.0
"""Multiple of the median step below which the steps at block borders are smooth."""

FALL = 0.9
"""Share of the peak that the last layer must stay below."""

LINEAR = (0.4, 0.6)
"""Linearity that is about 0.5."""

CLASSES = ("CIFAR-100", "CIFAR-10", "CIFAR-10, 5 classes", "CIFAR-10, 2 classes")
"""Tasks that differ in the number of classes, more first."""

ALIKE = 0.1
"""Spread over tasks below which linearity is the same for all."""


def _networks(record: xr.Dataset) -> Iterator[tuple[str, xr.Dataset]]:
    """Yield name and layers of each network, layers that it does not have left out."""
    for depth in record["depth"].values:
        chosen = record.sel(depth=depth)
        present = np.isfinite(chosen["units"].isel(state=0, seed=0).values)
        yield f"ResNet-{depth}", chosen.isel(layer=present)


def values(chosen: xr.Dataset, name: str, state: str) -> np.ndarray:
    """Return a variable of one state, shape (seed, layer), float64."""
    return np.asarray(chosen[name].sel(state=state).transpose("seed", "layer").values, dtype=np.float64)


def rise(profile: np.ndarray) -> np.ndarray:
    """Kendall's tau of depth and a profile (..., layer) up to its peak; nan where the peak is the first layer.

    Examples
    --------
    >>> rise(np.array([[1.0, 2.0, 3.0, 1.0], [1.0, 3.0, 2.0, 4.0]])).round(2)
    array([1.  , 0.67])
    """
    flat = profile.reshape(-1, profile.shape[-1])
    found = []
    for row in flat:
        top = int(row.argmax())
        found.append(float(kendall_tau(np.arange(top + 1), row[: top + 1])) if top else np.nan)
    return np.reshape(found, profile.shape[:-1])


def border_step(profile: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Largest step of a profile (..., layer) between blocks of different resolution over the median of all steps.

    Examples
    --------
    >>> border_step(np.array([0.0, 1.0, 2.0, 5.0, 6.0, 7.0]), np.array([1, 2, 2, 3, 3, 4]))
    3.0
    """
    steps = np.abs(np.diff(profile, axis=-1))
    borders = (np.diff(block) > 0) & (block[1:] > 2)  # the first convolution and block 2 have one shape
    return np.asarray(steps[..., borders].max(axis=-1) / np.median(steps, axis=-1))[()]


def _of_tasks(record: xr.Dataset | None) -> tuple[list[tuple[str, xr.Dataset]], list[tuple[str, xr.Dataset]]]:
    """Return name and network of tasks with true labels, and of random ones."""
    found = [] if record is None else learners(record)
    return [each for each in found if task_of(each[1]) != RANDOM], [
        each for each in found if task_of(each[1]) == RANDOM
    ]


def _run(tasks: list[tuple[str, xr.Dataset]], random: list[tuple[str, xr.Dataset]]) -> str:
    """Say what was run beside the published networks."""
    used = [chosen for _, chosen in (*tasks, *random)]
    beside = f" and {scale_of(used)}" if used else "; no other task"
    return f" Run: published networks on CIFAR-10{beside}.{'' if random else ' Not run: random labels.'}"


def _ceiling(tasks: list[tuple[str, xr.Dataset]], random: list[tuple[str, xr.Dataset]]) -> Verdict:
    """Return the verdict that such networks allow at most."""
    as_stated = tasks and random and all(as_the_text(chosen) for _, chosen in (*tasks, *random))
    return "reproduced" if as_stated else "partly"


def _untrained(conditions: list[Condition]) -> str:
    """Say from where to where the untrained networks go."""
    return f"untrained: {range_of([c.control for c in conditions if c.control is not None])}"


def _smooth(profile: np.ndarray, block: np.ndarray) -> tuple[Estimate, Estimate, bool | None]:
    """Return tau up to the peak of a profile (seed, layer), its largest step at a border, and whether both pass."""
    tau, step = seed_interval(rise(profile)), seed_interval(border_step(profile, block))
    return tau, step, all_of(lies(span(tau), low=RISE), lies(span(step), high=STEP))


@judge("J1", experiment="residual_depth", beside=["residual_tasks"])
def dimension_grows_smoothly(record: xr.Dataset, tasks: xr.Dataset | None) -> Judgement:
    """Effective dimension must rise with depth up to its peak, and not jump where the number of channels doubles.

    Kendall's tau of depth and effective dimension up to the peak must exceed 0.8, and the larger step at a border
    between blocks must stay below 3 times the median step. The effect is that step, where it is largest. The same is
    asked of the untrained network and of one that memorised random labels; tau with 16 channels drawn from every layer
    is in the notes.
    """
    conditions, rises = [], []
    for name, chosen in _networks(record):
        block = chosen["block"].isel(state=0, seed=0).values
        trained, before = (values(chosen, "effective_dimension", state) for state in ("trained", "untrained"))
        drawn = seed_interval(rise(values(chosen, "sampled_dimension", "trained")))
        note = f", with 16 channels drawn from every layer {drawn.mean:.2f}"
        conditions.append(_grows(f"{name}, published", _smooth(trained, block), _smooth(before, block), note))
        rises.append(float(rise(trained).mean()))
    others, random = _of_tasks(tasks)
    for name, chosen in others:
        block = chosen["block"].values
        after, before = (layers(chosen, "effective_dimension", epoch=epoch) for epoch in (-1, 0))
        conditions.append(_grows(name, _smooth(after, block), _smooth(before, block)))
        rises.append(float(rise(layers(chosen, "effective_dimension")).mean()))
    memorised = [(name, _smooth(layers(each, "effective_dimension"), each["block"].values)) for name, each in random]
    said = "".join(
        f" {name}: tau {tau.mean:.2f}, step {step.mean:.1f}{', so it holds there too' if holds else ''}."
        for name, (tau, step, holds) in memorised
    )
    return conclude(
        max(conditions, key=lambda condition: condition.effect),
        conditions,
        measure="largest step of effective dimension at a border of blocks over the median step, largest of networks",
        control=_untrained(conditions),
        text=f"{passing(conditions)} rise without a jump where channels double; tau of depth and effective dimension "
        f"up to its peak is {range_of(rises)}.{said}{_run(others, random)}",
        at_most=_ceiling(others, random),
    )


def _grows(
    name: str,
    found: tuple[Estimate, Estimate, bool | None],
    before: tuple[Estimate, Estimate, bool | None],
    note: str = "",
) -> Condition:
    tau, step, passes = found
    return Condition.measured(
        name,
        step,
        control=before[1],
        passes=passes,
        holds_in_control=before[2] is True,
        note=f"tau up to the peak {tau.mean:.2f} (untrained {before[0].mean:.2f}){note}",
    )


def least_rise(profile: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Smaller one of the two rises of a profile (..., layer) in the mean over blocks, from 2 to 3 and from 3 to 4.

    Examples
    --------
    >>> float(least_rise(np.array([9.0, 1.0, 3.0, 3.0, 4.0]), np.array([1, 2, 2, 3, 4])))
    1.0
    """
    means = np.stack([profile[..., block == number].mean(axis=-1) for number in (2, 3, 4)], axis=-1)
    return np.asarray(np.diff(means, axis=-1).min(axis=-1))


@judge("J5", experiment="residual_depth", beside=["residual_tasks"])
def complexity_rises_with_depth(record: xr.Dataset, tasks: xr.Dataset | None) -> Judgement:
    """Complexity per unit must rise from block 2 to 3 and from 3 to 4, in the mean over their layers, on CIFAR-10.

    The effect is the smaller rise, of the network where it is least. Controls that must not show it: the untrained
    network, and the trained one on images whose pixels were shuffled, which our own networks were not shown. What
    independent units with the same rates would show, which is marginal entropy alone, is in the notes.
    """
    conditions = []
    for name, chosen in _networks(record):
        block = chosen["block"].isel(state=0, seed=0).values
        found = {
            state: seed_interval(least_rise(values(chosen, "complexity_per_unit", state), block))
            for state in ("trained", "untrained", "shuffled pixels")
        }
        alone = values(chosen, "independent_bits", "trained") / values(chosen, "units", "trained")
        holds = any(lies(span(found[state]), low=TINY) is True for state in ("untrained", "shuffled pixels"))
        conditions.append(
            Condition.measured(
                f"{name}, published",
                found["trained"],
                control=found["untrained"],
                passes=lies(span(found["trained"]), low=TINY),
                holds_in_control=holds,
                note=f"shuffled pixels {found['shuffled pixels'].mean:.3f}; "
                f"independent units {least_rise(alone, block).mean():.3f}",
            )
        )
    own = [] if tasks is None else list(with_tasks(tasks, "CIFAR-10"))
    for depth, (network,) in own:
        block = network["block"].values
        after, before = (least_rise(layers(network, "complexity", epoch=epoch), block) for epoch in (-1, 0))
        alone = seed_interval(least_rise(layers(network, "independent_bits"), block))
        conditions.append(
            Condition.measured(
                f"ResNet-{depth}, {scale_of([network]).partition(', ')[2]}",
                seed_interval(after),
                control=seed_interval(before),
                passes=lies(span(seed_interval(after)), low=TINY),
                holds_in_control=lies(span(seed_interval(before)), low=TINY) is True,
                difference=difference_interval(after, before),
                note=f"independent units {alone.mean:.3f}",
            )
        )
    return conclude(
        weakest(conditions),
        conditions,
        measure="smaller rise of complexity per unit from block to block (bits), least of networks",
        control=_untrained(conditions),
        text=f"{passing(conditions)} rise from block to block on CIFAR-10.",
    )


@judge("J7", experiment="residual_depth", beside=["residual_tasks"])
def both_fall_in_the_end(record: xr.Dataset, tasks: xr.Dataset | None) -> Judgement:
    """Complexity per unit and effective dimension of the last layer must be below 0.9 of their peak, less on CIFAR-100.

    The effect is that share where it is largest. The untrained network and one that memorised random labels are asked
    the same. That CIFAR-100 falls less asks for a share larger than CIFAR-10's at the same depth and scale; if the
    number of classes is the cause, as the text says, 10 classes of CIFAR-10 must fall less than 5, and 5 less than 2.
    Where those are not run the verdict is ``partly`` at most.
    """
    conditions, memorised = [], []
    for quantity, words in (("complexity_per_unit", "complexity"), ("effective_dimension", "dimension")):
        for name, chosen in _networks(record):
            trained, before = (last_over_peak(values(chosen, quantity, state)) for state in ("trained", "untrained"))
            conditions.append(_falls(f"{name}, published, {words}", trained, before))
    others, random = _of_tasks(tasks)
    for quantity in ("complexity", "effective_dimension"):
        words = quantity.removeprefix("effective_")
        for name, chosen in others:
            trained, before = (last_over_peak(layers(chosen, quantity, epoch=epoch)) for epoch in (-1, 0))
            conditions.append(_falls(f"{name}, {words}", trained, before))
        memorised += [
            f"{name}, {words} {float(last_over_peak(layers(chosen, quantity)).mean()):.2f}" for name, chosen in random
        ]
    fewer_run = tasks is not None and any(True for _ in with_tasks(tasks, *CLASSES))
    largest = max(conditions, key=lambda condition: condition.effect)
    falls = len(conditions)
    for quantity in ("complexity", "effective_dimension"):
        for more, fewer in pairwise(CLASSES):
            for depth, both in [] if tasks is None else with_tasks(tasks, more, fewer):
                first, second = (last_over_peak(layers(chosen, quantity)) for chosen in same_seeds(*both))
                if len(first):
                    name = f"ResNet-{depth}, {more} above {fewer}, {quantity.removeprefix('effective_')}"
                    conditions.append(above_zero(name, difference_interval(first, second)))
    return conclude(
        largest,
        conditions,
        measure="last layer over peak, largest",
        control=_untrained(conditions),
        text=f"{passing(conditions[:falls])} fall; {passing(conditions[falls:])} fall less with more classes."
        + (f" Random labels: {'; '.join(memorised)}." if memorised else "")
        + _run(others, random)
        + ("" if fewer_run else " Not run: fewer classes than 10."),
        at_most=_ceiling(others, random) if fewer_run else "partly",
    )


def last_over_peak(profile: np.ndarray) -> np.ndarray:
    """Return the last layer's share of the largest one, of profiles (seed, layer).

    Examples
    --------
    >>> last_over_peak(np.array([[1.0, 4.0, 3.0]]))
    array([0.75])
    """
    return np.asarray(profile[:, -1] / profile.max(axis=1))


def _falls(name: str, trained: np.ndarray, before: np.ndarray) -> Condition:
    share, control = seed_interval(trained), seed_interval(before)
    return Condition.measured(
        name,
        share,
        control=control,
        passes=lies(span(share), high=FALL),
        holds_in_control=lies(span(control), high=FALL) is True,
        difference=difference_interval(trained, before),
    )


@judge("J12", experiment="residual_depth", beside=["residual_tasks"])
def top_block_is_half_linear(record: xr.Dataset, tasks: xr.Dataset | None) -> Judgement:
    """Mean linearity of block 4, as the text's figure 5 has it, must lie between 0.4 and 0.6, on all tasks alike.

    The effect is that mean for the network where it is farthest from 0.5; from where to where single layers go is in
    the notes. Controls are the untrained network, after the summation, and for the published networks the ReLU inside
    the cell, where batch norm alone would give about 0.5. Tasks, learned at one depth, are alike where their means over
    seeds span less than 0.1. Random labels are one of the text's tasks.
    """
    conditions = []
    for name, chosen in _networks(record):
        top = chosen["block"].isel(state=0, seed=0).values == TOP
        trained, before = (values(chosen, "linearity", state)[:, top] for state in ("trained", "untrained"))
        inside = seed_interval(values(chosen, "branch_linearity", "trained")[:, top].mean(axis=1))
        conditions.append(_half(f"{name}, published", trained, before, f"; inside the cells {inside.mean:.2f}"))
    others, random = _of_tasks(tasks)
    by_depth: dict[int, list[float]] = {}
    for name, chosen in (*others, *random):
        top = chosen["block"].values == TOP
        after, before = (layers(chosen, "linearity", epoch=epoch)[:, top] for epoch in (-1, 0))
        conditions.append(_half(name, after, before))
        by_depth.setdefault(int(chosen["depth"]), []).append(float(after.mean()))
    carrier = max(conditions, key=lambda condition: abs(condition.effect - 0.5))
    for depth, means in by_depth.items():
        if len(means) > 1:
            spread = max(means) - min(means)
            name = f"ResNet-{depth}, spread over {len(means)} tasks"
            conditions.append(Condition(name, spread, seeds=1, passes=lies((spread, spread), high=ALIKE)))
    return conclude(
        carrier,
        conditions,
        measure="mean linearity of block 4, farthest from 0.5",
        control=_untrained(conditions),
        text=f"{passing(conditions)} are as stated; single layers go farther.{_run(others, random)}",
        at_most=_ceiling(others, random),
    )


def _half(name: str, trained: np.ndarray, before: np.ndarray, note: str = "") -> Condition:
    mean, untrained = seed_interval(trained.mean(axis=1)), seed_interval(before.mean(axis=1))
    return Condition.measured(
        name,
        mean,
        control=untrained,
        passes=lies(span(mean), *LINEAR),
        holds_in_control=lies(span(untrained), *LINEAR) is True,
        note=f"its layers go from {trained.min():.2f} to {trained.max():.2f}{note}",
    )
