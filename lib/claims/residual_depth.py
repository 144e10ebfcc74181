"""Judges of what trained residual networks on one task allow: J1, J5, J7 and J12, on records of ``residual_depth``."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from lib.claims._judging import TINY, all_of, conclude, passing, range_of, span, weakest
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.measures.statistics import kendall_tau, seed_interval

RISE = 0.8
"""Rank correlation of depth and effective dimension, up to its peak, above which it grows."""

STEP = 3.0
"""Multiple of the median step below which the steps at block borders are smooth."""

FALL = 0.9
"""Share of the peak that the last layer must stay below."""

LINEAR = (0.4, 0.6)
"""Linearity that is about 0.5."""


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


def _untrained(conditions: list[Condition]) -> str:
    """Say from where to where the untrained networks go."""
    return f"untrained: {range_of([c.control for c in conditions if c.control is not None])}"


@judge("J1", experiment="residual_depth")
def dimension_grows_smoothly(record: xr.Dataset) -> Judgement:
    """Effective dimension must rise with depth up to its peak, and not jump where the number of channels doubles.

    Kendall's tau of depth and effective dimension up to the peak must exceed 0.8, and the larger step at a border
    between blocks must stay below 3 times the median step. The effect is that step, where it is largest. The same is
    asked of the untrained network; tau with 16 channels drawn from every layer is in the notes.
    """
    conditions, rises = [], []
    for name, chosen in _networks(record):
        block = chosen["block"].isel(state=0, seed=0).values
        found = {}
        for state in ("trained", "untrained"):
            profile = values(chosen, "effective_dimension", state)
            tau, step = seed_interval(rise(profile)), seed_interval(border_step(profile, block))
            found[state] = (tau, step, all_of(lies(span(tau), low=RISE), lies(span(step), high=STEP)))
        tau, step, passes = found["trained"]
        control_tau, control, control_passes = found["untrained"]
        drawn = seed_interval(rise(values(chosen, "sampled_dimension", "trained")))
        conditions.append(
            Condition.measured(
                name,
                step,
                control=control,
                passes=passes,
                holds_in_control=control_passes is True,
                note=f"tau up to the peak {tau.mean:.2f} (untrained {control_tau.mean:.2f}), with 16 channels drawn "
                f"from every layer {drawn.mean:.2f}",
            )
        )
        rises.append(float(tau.mean))
    return conclude(
        max(conditions, key=lambda condition: condition.effect),
        conditions,
        measure="largest step of effective dimension at a border of blocks over the median step, largest of networks",
        control=_untrained(conditions),
        text=f"{passing(conditions)} rise without a jump where channels double, on CIFAR-10; tau of depth and "
        f"effective dimension up to its peak is {range_of(rises)}. Random labels are a control that is not run.",
        at_most="partly",
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


@judge("J5", experiment="residual_depth")
def complexity_rises_with_depth(record: xr.Dataset) -> Judgement:
    """Complexity per unit must rise from block 2 to 3 and from 3 to 4, in the mean over their layers, on CIFAR-10.

    The effect is the smaller rise, of the network where it is least. Controls that must not show it: the untrained
    network, and the trained one on images whose pixels were shuffled. What independent units with the same rates would
    show, which is marginal entropy alone, is in the notes.
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
                name,
                found["trained"],
                control=found["untrained"],
                passes=lies(span(found["trained"]), low=TINY),
                holds_in_control=holds,
                note=f"shuffled pixels {found['shuffled pixels'].mean:.3f}; "
                f"independent units {least_rise(alone, block).mean():.3f}",
            )
        )
    return conclude(
        weakest(conditions),
        conditions,
        measure="smaller rise of complexity per unit from block to block (bits), least of networks",
        control=_untrained(conditions),
        text=f"{passing(conditions)} rise from block to block on CIFAR-10.",
    )


@judge("J7", experiment="residual_depth")
def both_fall_in_the_end(record: xr.Dataset) -> Judgement:
    """Complexity per unit and effective dimension of the last layer must be below 0.9 of their peak over layers.

    The effect is that share where it is largest. The untrained network is asked the same. That CIFAR-100 falls less
    needs networks trained on it, so the verdict is ``partly`` at most.
    """
    conditions = []
    for name, chosen in _networks(record):
        for quantity, words in (("complexity_per_unit", "complexity"), ("effective_dimension", "dimension")):
            shares = {}
            for state in ("trained", "untrained"):
                profile = values(chosen, quantity, state)
                shares[state] = seed_interval(profile[:, -1] / profile.max(axis=1))
            control = shares["untrained"]
            conditions.append(
                Condition.measured(
                    f"{name}, {words}",
                    shares["trained"],
                    control=control,
                    passes=lies(span(shares["trained"]), high=FALL),
                    holds_in_control=lies(span(control), high=FALL) is True,
                )
            )
    return conclude(
        max(conditions, key=lambda condition: condition.effect),
        conditions,
        measure="last layer over peak, largest",
        control=_untrained(conditions),
        text=f"{passing(conditions)} fall on CIFAR-10. CIFAR-100, fewer classes and random labels are not run.",
        at_most="partly",
    )


@judge("J12", experiment="residual_depth")
def top_block_is_half_linear(record: xr.Dataset) -> Judgement:
    """Mean linearity of block 4, as the text's figure 5 has it, must lie between 0.4 and 0.6.

    The effect is that mean for the network where it is farthest from 0.5; from where to where single layers go is in
    the notes. Controls are the untrained network, after the summation, and the ReLU inside the cell, where batch norm
    alone would give about 0.5. That tasks differ by less than 0.1 cannot be asked of one task: ``partly`` at most.
    """
    conditions = []
    for name, chosen in _networks(record):
        top = chosen["block"].isel(state=0, seed=0).values == 4
        layers = values(chosen, "linearity", "trained")[:, top]
        untrained = seed_interval(values(chosen, "linearity", "untrained")[:, top].mean(axis=1))
        inside = seed_interval(values(chosen, "branch_linearity", "trained")[:, top].mean(axis=1))
        mean = seed_interval(layers.mean(axis=1))
        conditions.append(
            Condition.measured(
                name,
                mean,
                control=untrained,
                passes=lies(span(mean), *LINEAR),
                holds_in_control=lies(span(untrained), *LINEAR) is True,
                note=f"its layers go from {layers.min():.2f} to {layers.max():.2f}; inside the cells {inside.mean:.2f}",
            )
        )
    return conclude(
        max(conditions, key=lambda condition: abs(condition.effect - 0.5)),
        conditions,
        measure="mean linearity of block 4, farthest from 0.5",
        control=_untrained(conditions),
        text=f"{passing(conditions)} are about 0.5 on CIFAR-10, one of the text's tasks; single layers go farther.",
        at_most="partly",
    )
