"""Accuracies on random subsets: against the hypergeometric law."""

import numpy as np
import pytest

from lib.measures.subsets import sampling_deviation, subset_accuracies


def test_many_subsets_spread_as_sampling_says():
    correct = np.arange(2_000) < 1_800
    drawn = subset_accuracies(correct, size=500, draws=4_000)
    assert drawn.mean() == pytest.approx(0.9, abs=1e-3)
    expected = sampling_deviation(np.array(0.9), 500, 2_000)
    assert expected == pytest.approx(np.sqrt(0.9 * 0.1 / 500 * 1500 / 1999))
    assert drawn.std(ddof=1) == pytest.approx(float(expected), rel=0.04)


def test_subsets_are_the_same_for_every_epoch():
    correct = np.stack([np.arange(100) < 60, np.arange(100) < 60, np.ones(100, dtype=bool)])
    first, again, all_right = subset_accuracies(correct, size=10, draws=20)
    np.testing.assert_array_equal(first, again)
    assert (all_right == 1).all()
    assert subset_accuracies(correct[0], size=100, draws=3) == pytest.approx(0.6)  # no image twice


@pytest.mark.parametrize("size", [0, 101])
def test_subsets_that_cannot_be_drawn_are_refused(size):
    with pytest.raises(ValueError, match=f"subset of {size} samples cannot be drawn from 100: use 1 to 100"):
        subset_accuracies(np.ones(100, dtype=bool), size, draws=2)


def test_labels_are_no_truth_values():
    with pytest.raises(ValueError, match="give truth values"):
        subset_accuracies(np.arange(10)[None], 5, 2)
