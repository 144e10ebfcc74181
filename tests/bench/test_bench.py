"""Benchmarks: the arithmetic of a comparison, and that each one runs."""

import time

import numpy as np
import pytest
import torch

from lib.bench import BENCHMARKS
from lib.bench._timing import side_by_side
from lib.probing import LayerPatterns


def test_times_ratio_and_spread():
    result = side_by_side(
        "sleep", lambda: time.sleep(0.01), lambda: time.sleep(0.04), share=0.5, repeats=3, note="a nap"
    )
    assert result.ours_s >= 0.01
    assert result.reference_s >= 0.08
    assert result.spread[0] <= result.ratio <= result.spread[1]
    assert result.ratio > 2
    assert "cores" in result.machine
    assert str(result).startswith("sleep: ")
    assert "a nap" in str(result)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_names_agree(name):
    assert name.startswith(BENCHMARKS[name].__module__.removeprefix("lib.bench."))


@pytest.mark.parametrize("name", ["patterns", "patterns_few", "patterns_large"])
def test_bounds_are_timed_and_compared(name, monkeypatch):
    """On made patterns: the real ones need a trained network and its images."""
    z = np.random.default_rng(0).integers(0, 2, (60, 4), dtype=np.uint8)
    made = LayerPatterns(torch.from_numpy(np.packbits(z, axis=1)), 4, np.arange(60) // 3)
    monkeypatch.setattr("lib.bench.patterns._patterns", lambda images: made)
    result = BENCHMARKS[name](repeats=1)
    assert result.name == name
    assert result.note.startswith("60 patterns of 4 units: ")
    assert "% tighter" in result.note
