"""Entropy of activation patterns beside the text's estimator, and along a training beside one estimate after the other.

On the top block of the published ResNet-56 and CIFAR-10's test images, and on a highway network that learns MNIST: both
must lie in a folder of ``BOOK_DATA``.
"""

from __future__ import annotations

import resource
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from lib import data
from lib.bench._timing import BenchResult, side_by_side
from lib.measures.patterns import Budget, PatternEntropy, default_budget, pattern_curve, pattern_entropy
from lib.models.highway import HighwayNetworks, Shape
from lib.models.resnet import published, scaled
from lib.probing import LayerPatterns, read_patterns
from lib.training import Recipe, fit

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


def batched(
    dataset: str = "mnist", images: int = 10_000, width: int = 28, depth: int = 11, moments: int = 12, repeats: int = 3
) -> BenchResult:
    """Time the layers of a network along its training, side by side and each moment from the one before.

    Examples
    --------
    >>> batched("digits", images=60, width=3, depth=2, moments=2, repeats=1).name
    'patterns_batched'
    """
    z = _along_training(dataset, images, width, depth, moments)
    bits: dict[str, float] = {}

    def ours() -> None:
        bits["ours"] = _mean_bits(each for moment in pattern_curve(z) for each in moment)

    def reference() -> None:
        bits["reference"] = _mean_bits(pattern_entropy(each) for moment in z for each in moment)

    result = side_by_side("patterns_batched", ours, reference, repeats=repeats, warm_up=False, note="")
    looser = 100 * (bits["ours"] / bits["reference"] - 1)
    return replace(
        result,
        note=f"{images:,} {dataset} test images in {depth} layers of {width} units at {moments} moments of training, "
        f"layers side by side and each moment from the one before; reference: {depth * moments} estimates one by one, "
        f"from scratch; mean bound {bits['ours']:.3f} bits, {looser:.2f} % above the reference's",
    )


def _along_training(dataset: str, images: int, width: int, depth: int, moments: int) -> Tensor:
    """Patterns of the layers of a highway network, (moment, layer, image, unit), every 100 steps from 0 on."""
    given = data.load(dataset)
    nets = HighwayNetworks(Shape(given.features, len(given.classes), width, depth), [0])
    test, steps = given.vectors("test")[:images], range(0, 100 * moments, 100)
    fitting = fit(nets, given.vectors("train"), given.y_train, Recipe(rate=1e-3, batch=128), steps)
    return torch.stack([torch.cat([layer.on.mT for layer in nets.layers(test)]) for _ in fitting])


def _mean_bits(found: Iterable[PatternEntropy]) -> float:
    return float(np.mean([each.bits for each in found]))


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
