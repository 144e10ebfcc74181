"""Benchmarks: the library's fast routes beside what one would otherwise do, timed side by side in one run."""

from __future__ import annotations

from collections.abc import Callable

from lib.bench import (
    dimension,
    following,
    histogram,
    narrow_networks,
    patterns,
    perceptron,
    residual_training,
    response,
    training,
    unit_root,
)
from lib.bench._stored import store, stored
from lib.bench._timing import BenchResult

__all__ = ["BENCHMARKS", "BenchResult", "store", "stored"]

BENCHMARKS: dict[str, Callable[[], BenchResult]] = {
    "dimension": dimension.run,
    "following": following.run,
    "histogram": histogram.run,
    "narrow_networks": narrow_networks.run,
    "patterns": patterns.default,
    "patterns_batched": patterns.batched,
    "patterns_few": patterns.few,
    "patterns_large": patterns.large,
    "perceptron": perceptron.run,
    "residual_training": residual_training.run,
    "response": response.run,
    "training": training.run,
    "unit_root": unit_root.run,
}
"""All benchmarks by name."""
