"""Judges of the claims about the evolution of weights: B1 to B3 and B8, on records of ``weight_evolution``.

Choices that hold for all of them are in `lib.claims._evolution`; B4, B5 and B7 are in `lib.claims.weight_trends`, B6 in
`lib.claims.stop_and_correction`.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache

import numpy as np
import xarray as xr

from lib.claims._evolution import (
    BINS,
    RANDOM,
    above,
    below,
    by_rule,
    corrected_entropy,
    each_rule,
    found_networks,
    layers,
    needed,
    places,
    sensitivity,
    title,
)
from lib.claims._judging import TINY, all_of, conclude, range_of
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.experiments.networks import one_network
from lib.experiments.weight_evolution import PIXELS, QUANTITIES
from lib.measures.complexity import complexity_entropy
from lib.measures.statistics import Estimate, difference_interval, seed_interval

PUBLISHED = (
    ((4 / 6, 2 / 6), 0.9182958340544894, 0.06112816548804511),
    ((1 / 2, 1 / 4, 1 / 4, *[0.0] * 21), 0.3271564379782973, 0.2701200547320647),
    ((1 / 3, 1 / 15, 4 / 15, 2 / 15, 1 / 5, 0), 0.8314454838586238, 0.16576716623440763),
    ((*[1 / 4] * 4, *[0.0] * 716), 0.21070701155008006, 0.20704765093242872),
)
"""Distributions with H and C as published in ordpy's documentation of ``complexity_entropy``."""


# ---------------------------------------------------------------------------------------------------------------------
# B1: the initial weights


@judge("B1", experiment="weight_evolution")
def starts_uniform(record: xr.Dataset) -> Judgement | None:
    """Initial weights against the uniform law within +-1/sqrt(fan-in), and their entropy and complexity.

    The weights themselves are not stored, so the Kolmogorov-Smirnov statistic is taken at the edges of the fine
    histogram, and its p-value from samples of the uniform law that are binned alike: a valid test, blind only to what
    happens inside a bin. Not rejected means that no p-value of the record is below 5 % after Bonferroni's correction.
    No control network: initial weights have learnt nothing.
    """
    if not found_networks(record):
        return None
    chances: dict[tuple[str, str], np.ndarray] = {}
    null: dict[tuple[int, float], np.ndarray] = {}
    distances: list[float] = []
    for name, data in found_networks(record):
        for layer, fan_in in zip(layers(data), _fans_in(data), strict=True):
            counts = data["counts"].isel(snapshot=0).sel(layer=layer).transpose("seed", "bin").values
            law = _uniform_at(data["edge"].values, 1 / math.sqrt(fan_in))
            size = int(counts[0].sum())
            distance = _kolmogorov(counts, law)
            distances.append(float(distance.mean()))
            if (size, fan_in) not in null:
                drawn = np.random.default_rng(0).multinomial(size, np.diff(law), size=4000)
                null[size, fan_in] = _kolmogorov(drawn, law)
            chances[name, layer] = (1 + (null[size, fan_in] >= distance[:, None]).sum(1)) / 4001
    tests = sum(len(p) for p in chances.values())
    finite = _finite_sample(min(size for size, _ in null))
    conditions = []
    for name, data, rule in each_rule(record):
        place = places(data, rule)
        for number, layer in enumerate(layers(data)):
            h, c = (seed_interval(place[key][:, number, 0]) for key in ("h", "c"))
            p = float(chances[name, layer].min())
            conditions.append(
                Condition.measured(
                    f"{name}, {title(layer)}, {rule}",
                    h,
                    passes=all_of(p * tests >= 0.05, above(h, 0.99), below(c, 0.01)),
                    note=f"C {float(c.mean):.4f}; smallest Kolmogorov-Smirnov p {p:.3f}, of {tests} in all",
                )
            )
    return conclude(
        min(conditions, key=lambda condition: condition.effect),
        conditions,
        measure="entropy of the initial weights over its largest value, H/log n, lowest of all layers and rules",
        control=f"uniform samples as large as the smallest layer, {min(size for size, _ in null):,} weights in {BINS} "
        f"bins: H/log n {finite[0]:.4f}, C {finite[1]:.4f}",
        text=f"The initial weights are {'' if min(map(min, chances.values())) * tests >= 0.05 else 'not '}compatible "
        f"with the uniform law: Kolmogorov-Smirnov distance {range_of(distances, 4)}. Whether their entropy is high "
        f"depends on the range of the bins: passed by rule {by_rule(conditions)}. Bins of rules own and robust end "
        "where the weights end, those of the others do not.",
    )


def _fans_in(data: xr.Dataset) -> list[int]:
    """Inputs of each layer's units, from the sizes of the layers."""
    sizes = data["counts"].isel(snapshot=0, seed=0).sum("bin").values.astype(int)
    inputs = [int(data.sizes["pixel"])]
    for size in sizes[:-1]:
        inputs.append(int(size) // inputs[-1])
    return inputs


def _uniform_at(edges: np.ndarray, bound: float) -> np.ndarray:
    return np.asarray(np.clip((edges + bound) / (2 * bound), 0, 1))


def _kolmogorov(counts: np.ndarray, law: np.ndarray) -> np.ndarray:
    """Largest distance at the inner edges between the empirical distribution function (..., bin) and a law's."""
    share = counts.cumsum(-1) / counts.sum(-1, keepdims=True)
    return np.asarray(np.abs(share - law[1:]).max(-1))


@lru_cache
def _finite_sample(size: int) -> tuple[float, float]:
    """Mean h and c of uniform samples of that size, over as many bins as are judged."""
    drawn = np.random.default_rng(0).multinomial(size, np.full(BINS, 1 / BINS), size=400)
    found = complexity_entropy(drawn)
    return float(found.h.mean()), float(found.c.mean())


# ---------------------------------------------------------------------------------------------------------------------
# B2: bands in the first layer


@judge("B2", experiment="weight_evolution")
def makes_bands(record: xr.Dataset) -> Judgement | None:
    """Share of the first layer's variance that lies between pixels, after training over before.

    Before training nothing has moved, so the displacement abs(w - w_0) has no share then: its share after training is
    divided by that of the same displacements permuted within each unit, which is chance. For the weights the permuted
    ones are the null that the ratio has to differ from; for both, random labels are the control.
    """
    if not found_networks(record):
        return None
    conditions, null, random, amounts = [], [], [], []
    for name, data in found_networks(record):
        control = one_network(record, f"{name}, {RANDOM}")
        for quantity, pixels in itertools.product(QUANTITIES, PIXELS):
            ratio, chance = _band_ratios(data, quantity, pixels)
            null.append(float(chance.mean()))
            other = None if control is None else seed_interval(_band_ratios(control, quantity, pixels)[0])
            random += [] if other is None else [float(other.mean)]
            bands = data["bands"].isel(snapshot=-1).sel(quantity=quantity, pixels=pixels, order="true").values
            amounts.append(float(bands.mean()))
            effect = seed_interval(ratio)
            conditions.append(
                Condition.measured(
                    f"{name}, {'weights' if quantity == 'weight' else 'displacement'}, {pixels} pixels",
                    effect,
                    control=other,
                    difference=difference_interval(ratio, chance),
                    passes=above(effect, 3),
                    holds_in_control=None if other is None else above(other, 3),
                    note=f"{amounts[-1]:.1%} of the variance lies between pixels after training; permuted within units "
                    f"the ratio is {null[-1]:.2f}, which the difference is taken to",
                )
            )
    return conclude(
        min(conditions, key=lambda condition: condition.effect),
        conditions,
        record=record,
        needed=needed(record, RANDOM),
        measure="share of variance between pixels, after training over before (displacement: over chance), smallest",
        control=f"permuted within units: ratio {range_of(null)}; "
        + (f"random labels: {range_of(random)}" if random else "random labels were not run"),
        text=f"{sum(c.passes is True for c in conditions)} of {len(conditions)} ratios exceed 3, "
        f"{sum(c.passes is True for c in conditions if c.name.endswith('live pixels'))} of them on live pixels. "
        f"After training {range_of([100 * amount for amount in amounts], 1)} % of the variance lies between pixels."
        + sensitivity(
            record,
            lambda data: [
                above(seed_interval(_band_ratios(data, quantity, pixels)[0]), 3)
                for quantity, pixels in itertools.product(QUANTITIES, PIXELS)
            ],
        ),
    )


def _band_ratios(data: xr.Dataset, quantity: str, pixels: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the ratio and that of the permuted weights, shape (seed,) each."""
    share = data["bands"].sel(quantity=quantity, pixels=pixels).transpose("order", "snapshot", "seed").values
    (true, permuted) = share.astype(np.float64)
    if quantity == "displacement":
        return true[-1] / permuted[-1], np.ones_like(true[-1])
    return true[-1] / true[0], permuted[-1] / permuted[0]


# ---------------------------------------------------------------------------------------------------------------------
# B3: the third layer


@judge("B3", experiment="weight_evolution")
def third_layer_is_ordered(record: xr.Dataset) -> Judgement | None:
    """Entropy of the output layer's weights after training less before, in bits.

    It falls if the plug-in entropy and the bias-corrected one (Miller-Madow) both do; the effect is the latter. The
    control is the rule: with bins of fixed width entropy follows the width of the distribution, with bins over the
    weights' own range only its shape. So what fixed bins give stands beside the other rules, no null but a check.
    """
    if not found_networks(record):
        return None
    conditions, shapes = [], []
    for name, data, rule in each_rule(record):
        effect = _change_of_output(data, rule)
        checked = rule != "fixed" and "fixed" in record["rule"].values
        entropy = places(data, rule)["H"][:, -1]
        plug_in = seed_interval(entropy[:, -1] - entropy[:, 0])
        shape = _shape_of_output(data)
        shapes += [f"on {name} {shape}"] if rule == record["rule"].values[0] else []
        conditions.append(
            Condition.measured(
                f"{name}, {rule}",
                effect,
                control=_change_of_output(data, "fixed") if checked else None,
                passes=all_of(below(effect, -TINY), below(plug_in, -TINY)),
                note=f"without correction {float(plug_in.mean):+.3f} bits; {shape}",
            )
        )
    fixed = [condition.effect for condition in conditions if condition.name.endswith(", fixed")]
    return conclude(
        max(conditions, key=lambda condition: condition.effect),
        conditions,
        record=record,
        needed=needed(record),
        measure="change of the bias-corrected entropy of the output layer's weights, in bits, largest of all rules",
        control=f"fixed bins: {range_of(fixed)} bits" if fixed else "the record has no fixed bins",
        text=f"Entropy falls by rule {by_rule(conditions)}. From before to after training, {'; '.join(shapes)}: "
        "weights are concentrated only if their standard deviation falls, not if a few of them widen the range.",
    )


def _change_of_output(data: xr.Dataset, rule: str) -> Estimate:
    corrected = corrected_entropy(data, rule)[:, -1]
    return seed_interval(corrected[:, -1] - corrected[:, 0])


def _shape_of_output(data: xr.Dataset) -> str:
    ends = data.sel(part=layers(data)[-1]).isel(snapshot=[0, -1]).mean("seed")
    sd, low, high, kurtosis = (ends[name].values for name in ("sd", "low", "high", "kurtosis"))
    return (
        f"the standard deviation is {sd[1] / sd[0]:.2f} times as large, the range {np.ptp([low, high], axis=0)[1]:.2f} "
        f"instead of {np.ptp([low, high], axis=0)[0]:.2f}, and excess kurtosis goes from {kurtosis[0]:.2f} to "
        f"{kurtosis[1]:.2f}"
    )


# ---------------------------------------------------------------------------------------------------------------------
# B8: the formulas


@judge("B8", experiment="weight_evolution")
def formulas_are_ordpys(record: xr.Dataset) -> Judgement:
    """Normalised H, D and C of published distributions; D, which is not published, is their C over their H.

    Nothing of the record is read: the claim is about formulas.
    """
    conditions = []
    for p, h, c in PUBLISHED:
        found = complexity_entropy(np.array(p))
        gap = max(abs(float(found.h) - h), abs(float(found.c) - c), abs(float(found.d) - c / h))
        conditions.append(
            Condition(
                f"{sum(x > 0 for x in p)} of {len(p)} bins occupied",
                gap,
                seeds=0,
                passes=gap < 1e-8,
                note=f"published H {h:.8f}, C {c:.8f}; here H {float(found.h):.8f}, D {float(found.d):.8f}, "
                f"C {float(found.c):.8f}",
            )
        )
    signed = -float(complexity_entropy(np.array(PUBLISHED[2][0])).entropy)
    return conclude(
        max(conditions, key=lambda condition: condition.effect),
        conditions,
        measure="largest difference of H, D or C from the published values",
        control=f"the sum p log p as it is written, without the minus sign: {signed:.2f} bits, no entropy",
        text="With H normalised and D = q x JSD the text's complexity is the one of the literature. Its formula of S "
        "lacks the minus sign: a slip, for the entropies it speaks of are positive.",
    )
