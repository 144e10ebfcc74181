"""Entropy of activation patterns beside the text's estimator.

On the top block of the published ResNet-56 and CIFAR-10's test images, which must lie in a folder of ``BOOK_DATA``.
"""

from __future__ import annotations

import resource
from dataclasses import replace

import numpy as np
import torch

from lib import data
from lib.bench._timing import BenchResult, side_by_side
from lib.measures.patterns import Budget, PatternEntropy, default_budget, pattern_entropies, pattern_entropy
from lib.models.resnet import published, scaled
from lib.probing import LayerPatterns, read_patterns

TOP = "layer3.8.relu"
"""The last ReLU of ResNet-56."""


def default(images: int = 10_000, repeats: int = 1) -> BenchResult:
    """Time the masked network at its default budget on all patches of some images, beside the chain of xgboost."""
    patterns = _patterns(images)
    return _beside_xgboost("patterns", patterns, default_budget(len(patterns.packed), patterns.units), repeats)


def large(images: int = 10_000, repeats: int = 1) -> BenchResult:
    """Time the masked network at about a quarter of the time of the chain of xgboost."""
    patterns = _patterns(images)
    budget = replace(default_budget(len(patterns.packed), patterns.units), hidden=1024, steps=2000)
    return _beside_xgboost("patterns_large", patterns, budget, repeats)


def few(images: int = 313, repeats: int = 3) -> BenchResult:
    """Time both on about 20,000 patterns."""
    patterns = _patterns(images)
    return _beside_xgboost("patterns_few", patterns, default_budget(len(patterns.packed), patterns.units), repeats)


def batched(sets: int = 40, samples: int = 10_000, units: int = 28, repeats: int = 3) -> BenchResult:
    """Time many sets side by side, as along a training curve, and one after the other.

    Examples
    --------
    >>> batched(sets=2, samples=60, units=3, repeats=1).name
    'patterns_batched'
    """
    rng = np.random.default_rng(0)
    common = rng.standard_normal((sets, samples, 4)) @ rng.standard_normal((sets, 4, units))
    z = torch.from_numpy(common + rng.standard_normal(common.shape) > 0)
    return side_by_side(
        "patterns_batched",
        lambda: pattern_entropies(z),
        lambda: [pattern_entropy(each) for each in z],
        repeats=repeats,
        note=f"{sets} sets of {samples:,} patterns of {units} units side by side; reference: one by one",
    )


def _patterns(images: int) -> LayerPatterns:
    x = data.load("cifar10").x_test[:images]
    batches = (scaled(part) for part in x.split(250))
    return read_patterns(published(56), batches, [TOP])[TOP]


def _beside_xgboost(name: str, patterns: LayerPatterns, budget: Budget, repeats: int) -> BenchResult:
    found: dict[str, PatternEntropy] = {}

    def estimate(method: str, budget: Budget | None = None) -> None:
        found[method] = pattern_entropy(
            patterns.packed, method, groups=patterns.groups, units=patterns.units, budget=budget
        )

    before = _peak()
    estimate("autoregressive", budget)
    memory = _peak() - before
    result = side_by_side(
        name,
        lambda: estimate("autoregressive", budget),
        lambda: estimate("xgboost"),
        repeats=repeats,
        warm_up=False,
        note="",
    )
    ours, theirs = found["autoregressive"], found["xgboost"]
    tighter = 100 * (1 - ours.bits / theirs.bits)
    return replace(
        result,
        note=f"{ours.samples:,} patterns of {patterns.units} units: {ours.bits:.2f} bits with {budget.hidden} hidden "
        f"units and {budget.steps} steps, {memory:.2f} GiB above the input; reference: xgboost as in the text, "
        f"{theirs.bits:.2f} bits, so ours is {tighter:.1f} % tighter",
    )


def _peak() -> float:
    """Largest memory that the process has had so far, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
