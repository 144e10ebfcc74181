"""Judges of how residual networks go with the difficulty of the task, on networks made by hand."""

import numpy as np
import pytest
from scipy import stats

from lib.claims import _residual_tasks as shared
from lib.claims import task_difficulty as judges
from lib.claims.task_difficulty import band_by_chance, band_share, partial_tau

from .residual_record import network, record, tasks

FEW = list(enumerate(shared.WHOLE))


def test_dimension_in_the_order_of_difficulty():
    found = judges.dimension_rises_with_difficulty(record(*tasks()))
    assert found.verdict == "reproduced"
    assert len(found.conditions) == 3
    assert "test errors 0.010 and 0.110" in found.conditions[0].note
    alike = record(*(network(name, dimension=(5, 10 + k % 2)) for k, name in enumerate(judges.ORDER)))
    assert [c.passes for c in judges.dimension_rises_with_difficulty(alike).conditions] == [True, False, True]


def test_what_was_there_before_training_holds_in_the_control():
    made = record(*(network(name, dimension=(10 * k, 10 * k + 5)) for k, name in enumerate(judges.ORDER, 1)))
    found = judges.dimension_rises_with_difficulty(made)
    assert found.holds_in_control is True
    assert found.verdict == "partly"


def test_both_observables_go_with_difficulty():
    found = judges.both_go_with_difficulty(record(*tasks()))
    assert found.verdict == "reproduced"
    assert found.effect == pytest.approx(1)
    assert [condition.control for condition in found.conditions] == pytest.approx([-1, -1], abs=0.2)
    assert judges.both_go_with_difficulty(record(*tasks()[:3])) is None  # nothing to rank
    easier = [
        network(name, dimension=(5, 20 - k), complexity=(0.3, 0.8 - k / 10), test_error=k / 10) for k, name in FEW
    ]
    assert judges.both_go_with_difficulty(record(*easier)).verdict == "not reproduced"


def test_partial_correlation_of_ranks():
    x, y, z = np.random.default_rng(0).standard_normal((3, 400))
    both, first, second = (stats.kendalltau(*pair)[0] for pair in ((x, x + y), (x, x + z), (x + y, x + z)))
    expected = (both - first * second) / np.sqrt((1 - first**2) * (1 - second**2))
    assert partial_tau(x, x + y, x + z) == pytest.approx(expected)
    assert partial_tau(x, x + y, z) == pytest.approx(
        both, abs=0.05
    )  # what has nothing to do with it takes nothing away


def test_total_correlation_that_falls_with_difficulty():
    found = judges.total_correlation_falls_with_difficulty(record(*tasks()))
    assert found.verdict == "partly"  # by one estimator
    assert found.effect == pytest.approx(-1)
    assert found.holds_in_control is False
    made = [network(name, shared=lambda t: 0.3 + 0 * t, test_error=0.1 * k) for k, name in FEW]
    assert judges.total_correlation_falls_with_difficulty(record(*made)).verdict == "not reproduced"


def test_torn_pictures():
    found = judges.torn_pictures_lie_beyond(record(*tasks()))
    assert found.verdict == "reproduced"
    assert len(found.conditions) == 10
    swapped = record(network("CMNIST", dimension=(2, 30)), network("CMNIST_T8", dimension=(2, 20)))
    assert judges.torn_pictures_lie_beyond(swapped).conditions[0].passes is False
    assert judges.torn_pictures_lie_beyond(record(network("CMNIST"))) is None


def test_a_band():
    x = np.arange(5.0)
    assert band_share(x, 3 - x) == pytest.approx(1)
    assert band_share(np.array([1.0, -1, 1, -1]), np.array([1.0, 1, -1, -1])) == pytest.approx(0.5)
    assert np.isnan(band_share(x, np.ones(5)))
    assert band_by_chance(np.arange(10.0), np.arange(10.0)) < 0.9
    found = judges.tasks_lie_on_a_band(record(*tasks()))
    assert found.verdict == "reproduced"
    assert found.effect == pytest.approx(1, abs=0.01)


def test_few_tasks_are_on_a_band_by_chance():
    found = judges.tasks_lie_on_a_band(record(*tasks()[:8:2]))
    assert found.holds_in_control is True
    assert found.verdict == "partly"


def test_tasks_off_a_band():
    bits = (0.4, 0.8, 0.3, 0.7, 0.5)
    made = [network(name, dimension=(2, 10 + 4 * k), complexity=(0.2, bits[k])) for k, name in FEW]
    assert judges.tasks_lie_on_a_band(record(*made)).verdict == "not reproduced"


def test_complexity_that_rises_by_independence():
    found = judges.units_become_independent(record(*tasks()))
    assert found.effect == pytest.approx(1)
    assert found.verdict == "partly"  # by one estimator
    easy, hard = network("CMNIST", complexity=(0.3, 0.4)), network("CIFAR-10", complexity=(0.3, 0.6))
    for name in ("independent_bits", "total_correlation"):  # all of the rise is that of single units
        easy[name] = easy[name] - 0.2 * easy["units"]
    assert judges.units_become_independent(record(easy, hard)).verdict == "not reproduced"


def test_without_a_rise_there_is_nothing_to_explain():
    found = judges.units_become_independent(record(network("CMNIST", complexity=(0.2, 0.6)), network("CIFAR-10")))
    assert np.isnan(found.effect)
    assert (found.verdict, found.conditions[0].passes) == ("partly", None)
