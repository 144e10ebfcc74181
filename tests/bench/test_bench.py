"""Benchmarks: the arithmetic of a comparison, and that each one runs."""

import time

import pytest

from lib.bench import BENCHMARKS
from lib.bench._timing import side_by_side


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
