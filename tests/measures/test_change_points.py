"""Dips and bends: cases that can be done in the head, and a search written out."""

import numpy as np
import pytest

from lib.measures.change_points import bends, dip

TIMES = np.array([0.0, 1.0, 2.0, 4.0, 7.0, 11.0])


def test_a_dip_is_as_deep_as_its_lower_rim_is_high():
    found = dip(TIMES, np.array([8.0, 10.0, 4.0, 2.0, 6.0, 5.0]))
    assert (found.time, found.depth, found.fall, found.end) == (4.0, 0.4, 0.8, 7.0)
    found = dip(TIMES, np.array([8.0, 10.0, 4.0, 2.0, 20.0, 5.0]))
    assert (found.time, found.depth, found.fall, found.end) == (4.0, 0.8, 0.8, 7.0)


@pytest.mark.parametrize("values", [np.arange(6.0), np.arange(6.0)[::-1], np.ones(6), np.zeros(6), [1, 2, 3, 3, 2, 1]])
def test_what_only_rises_falls_or_rests_has_no_dip(values):
    found = dip(TIMES, np.array(values, dtype=float))
    assert found.depth == found.fall == 0
    assert np.isnan(found.time)
    assert np.isnan(found.end)


def test_the_deepest_dip_counts_and_not_the_lowest_value():
    found = dip(TIMES, np.array([10.0, 6.0, 9.0, 8.0, 3.0, 4.0]))
    assert (found.time, found.depth) == (1.0, pytest.approx(0.3))


def test_curves_are_taken_one_by_one():
    curves = np.random.default_rng(0).random((3, 4, 6))
    found = dip(TIMES, curves)
    for place in np.ndindex(3, 4):
        alone = dip(TIMES, curves[place])
        for name in ("time", "depth", "fall", "end"):
            np.testing.assert_equal(getattr(found, name)[place], getattr(alone, name))


def test_a_dip_is_the_same_in_other_units():
    curve = np.random.default_rng(1).random((5, 6))
    found, other = dip(TIMES, curve), dip(60 * TIMES, 7 * curve)
    np.testing.assert_allclose(other.time, 60 * found.time)
    np.testing.assert_allclose(other.depth, found.depth)


def test_bends_of_three_lines_are_found_exactly():
    times = np.linspace(0, 3, 31) ** 2
    curve = np.interp(times, [0, times[12], times[20], 9], [2.3, 2.2, 0.5, 0.3])
    found = bends(times, np.stack([curve, 5 - curve]))
    np.testing.assert_allclose(found.first, times[12])
    np.testing.assert_allclose(found.second, times[20])
    slope = np.diff(np.interp(times[[0, 12, 20, 30]], times, curve)) / np.diff(times[[0, 12, 20, 30]])
    np.testing.assert_allclose(found.slopes, [slope, -slope], atol=1e-9)
    np.testing.assert_allclose(found.residual, 0, atol=1e-9)


def test_bends_are_the_best_of_all_pairs():
    random = np.random.default_rng(2)
    times, curve = np.sort(random.random(9)), random.random(9)
    best = np.inf
    for first in range(1, 8):
        for second in range(first + 1, 8):
            hinges = [np.maximum(times - times[place], 0) for place in (first, second)]
            design = np.stack([np.ones(9), times, *hinges], axis=1)
            left = curve - design @ np.linalg.lstsq(design, curve, rcond=None)[0]
            if (size := np.sqrt(np.mean(left**2))) < best:
                best, pair = size, (times[first], times[second])
    found = bends(times, curve)
    assert (found.first, found.second) == pair
    assert found.residual == pytest.approx(best)


def test_wrong_curves_are_refused():
    with pytest.raises(ValueError, match="times do not rise"):
        dip(TIMES[::-1], np.ones(6))
    with pytest.raises(ValueError, match=r"times of shape \(6,\) do not fit curves of shape \(5,\)"):
        dip(TIMES, np.ones(5))
    with pytest.raises(ValueError, match="a value is negative"):
        dip(TIMES, -np.ones(6))
    with pytest.raises(ValueError, match="a value is nan"):
        bends(TIMES, np.full(6, np.nan))
    with pytest.raises(ValueError, match="4 moments cannot hold two bends"):
        bends(TIMES[:4], np.ones(4))
