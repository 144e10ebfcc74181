"""The verdict rules, each with the smallest set of conditions that shows it."""

import math

import numpy as np
import pytest

from lib.claims import Condition, decide, holds_in_control, lies


def condition(passes, *, seeds=20, difference=None, in_control=None):
    return Condition(
        "set", 1.0, (0.9, 1.1), seeds=seeds, passes=passes, difference_interval=difference, holds_in_control=in_control
    )


@pytest.mark.parametrize(
    ("interval", "region", "expected"),
    [
        ((0.1, 0.4), {"high": 0.5}, True),
        ((0.1, 0.5), {"high": 0.5}, True),
        ((0.6, 0.7), {"high": 0.5}, False),
        ((0.4, 0.6), {"high": 0.5}, None),
        ((0.9, 1.2), {"low": 0.8}, True),
        ((7.5, 12.0), {"low": 7, "high": 13}, True),
        ((6.5, 12.0), {"low": 7, "high": 13}, None),
        ((1.0, 20.0), {"low": 7, "high": 13}, None),
        ((14.0, 20.0), {"low": 7, "high": 13}, False),
        ((0.3, 0.3), {"high": 0.5}, True),
        ((math.nan, 0.3), {"high": 0.5}, None),
        ((-math.inf, 0.3), {"high": 0.5}, True),
        (None, {"high": 0.5}, None),
    ],
)
def test_lies(interval, region, expected):
    assert lies(interval, **region) is expected


def test_lies_takes_numpy_numbers():
    assert lies((np.float64(0.1), np.float32(0.2)), high=0.5) is True


def test_lies_refuses_empty_regions_and_reversed_intervals():
    with pytest.raises(ValueError, match="empty"):
        lies((0.0, 1.0), 2.0, 1.0)
    with pytest.raises(ValueError, match="backwards"):
        lies((1.0, 0.0))


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([], "not run"),
        ([condition(True)], "reproduced"),
        ([condition(True), condition(True)], "reproduced"),
        ([condition(True), condition(False)], "partly"),
        ([condition(True), condition(None)], "partly"),
        ([condition(False)], "not reproduced"),
        ([condition(False), condition(None)], "not reproduced"),
        # the interval contains the threshold: neither shown nor excluded
        ([condition(None)], "partly"),
    ],
)
def test_conditions_decide(conditions, expected):
    assert decide(conditions) == expected


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        ((0.1, 0.4), "reproduced"),
        ((-0.4, -0.1), "reproduced"),
        ((-0.1, 0.4), "partly"),
        ((0.0, 0.4), "partly"),
        ((math.nan, math.nan), "partly"),
    ],
)
def test_where_the_control_is_a_null_the_difference_must_exclude_zero(difference, expected):
    assert decide([condition(True, difference=difference)]) == expected


def test_true_but_not_because_of_learning_is_partly():
    assert decide([condition(True, in_control=True)]) == "partly"
    assert decide([condition(True, in_control=False)]) == "reproduced"
    assert decide([condition(True, in_control=False), condition(True, in_control=True)]) == "partly"


def test_a_statement_that_fails_is_not_rescued_by_its_control():
    assert decide([condition(False, in_control=True)]) == "not reproduced"


def test_one_seed_is_at_most_partly():
    assert decide([condition(True, seeds=1)]) == "partly"
    assert decide([condition(True), condition(True, seeds=1)]) == "partly"
    assert decide([condition(False, seeds=1)]) == "not reproduced"


def test_a_hypothesis_is_at_most_partly():
    assert decide([condition(True)], at_most="partly") == "partly"
    assert decide([condition(False)], at_most="partly") == "not reproduced"


def test_numpy_truth_values_count():
    assert decide([condition(np.bool_(True))]) == "reproduced"
    assert decide([condition(np.bool_(False))]) == "not reproduced"
    assert decide([condition(np.bool_(True), in_control=np.bool_(True))]) == "partly"


def test_two_seeds_give_no_interval_and_are_at_most_partly():
    assert decide([Condition("set", 1.0, None, seeds=2, passes=True)]) == "partly"


def test_a_closed_form_needs_no_seeds():
    assert decide([Condition("closed form", 1.0, None, seeds=0, passes=True)]) == "reproduced"
    assert decide([Condition("closed form", 1.0, None, seeds=0, passes=False)]) == "not reproduced"


def test_a_negative_number_of_seeds_is_an_error():
    with pytest.raises(ValueError, match="'set' has -1 seeds"):
        decide([condition(True, seeds=-1)])


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([], None),
        ([condition(True)], None),
        ([condition(True, in_control=True)], True),
        ([condition(True, in_control=False)], False),
        ([condition(True, in_control=True), condition(True, in_control=False)], None),
        # where the statement fails there is nothing for the control to explain
        ([condition(True, in_control=False), condition(False, in_control=True)], False),
        ([condition(False, in_control=True)], None),
    ],
)
def test_holds_in_control(conditions, expected):
    assert holds_in_control(conditions) is expected
