"""Judges of residual networks along training, on courses made by hand."""

import numpy as np
import pytest

from lib.claims import training_trajectories as judges
from lib.claims._residual_tasks import networks
from lib.claims.training_trajectories import corner, falling, half_rise

from .residual_record import network, record

RANDOM = "CIFAR-10, random labels"
TASKS = ("CKMNIST", "CFashionMNIST", "CIFAR-10")


def power(exponent, level=0.4):
    return lambda t: level * np.maximum(t, 0.5) ** -exponent


def test_half_of_a_rise():
    epochs = np.array([0.0, 1, 2, 10])
    found = half_rise(epochs, np.array([[0.0, 0, 0, 8], [4.0, 8, 8, 8], [1.0, 0, 0, 0.5]]))
    np.testing.assert_allclose(found, [6, 0.5, np.nan])


def test_a_corner_is_where_a_path_turns():
    epochs = np.array([0, 1, 2, 3, 10, 30])
    up = np.array([0.0, 0.5, 1, 1, 1, 1])
    right = np.array([0.0, 0, 0, 1, 2, 3])
    assert corner(epochs, right, up) == 2
    np.testing.assert_array_equal(corner(epochs, np.stack([right, 9 * right]), np.stack([up, up - 4])), [2, 2])
    assert corner(epochs, np.zeros(6), up) == corner(epochs, np.zeros(6), 2 * up)
    with pytest.raises(ValueError, match="2 moments has no corner"):
        corner(epochs[:2], right[:2], up[:2])


def test_complexity_first():
    made = [network(name) for name in TASKS]
    found = judges.complexity_rises_first(record(*made, network(RANDOM)))
    assert found.verdict == "reproduced"
    assert len(found.conditions) == 4
    late = [network(name, pace=(20.0, 5.0)) for name in TASKS]
    assert judges.complexity_rises_first(record(*late)).verdict == "not reproduced"
    assert judges.complexity_rises_first(record(network("CIFAR-10", complexity=(0.5, 0.4)))).conditions[0].passes is (
        False
    )


def test_random_labels_turn_late():
    slow = {"dimension": (2, 30), "pace": (5.0, 20.0)}
    first, last = network("CIFAR-10", pace=(0.5, 20.0)), network(RANDOM, pace=(30.0, 1e4), **{"dimension": (2, 30)})
    found = judges.memorising_begins_late(record(first, last))
    assert "turns after" in found.conditions[0].note
    alike = judges.memorising_begins_late(record(network("CIFAR-10", **slow), network(RANDOM, **slow)))
    assert alike.verdict == "not reproduced"
    fewer = judges.memorising_begins_late(record(first, network(RANDOM, learned=5_000)))
    assert "fewer pictures" in fewer.text
    assert judges.memorising_begins_late(record(first)) is None


@pytest.mark.parametrize(
    ("errors", "passes"),
    [((0.01, 0.02, 0.06, 0.7, 0.8), True), ((0.01,) * 5, None), ((0.8,) * 3, None), ((0.8,) * 9, False)],
)
def test_some_memorise(errors, passes):
    found = judges.some_runs_memorise(record(network(RANDOM, seeds=len(errors), train_error=errors)))
    assert found.conditions[0].passes is passes
    assert found.effect == pytest.approx(np.mean(np.array(errors) < 0.1))
    assert "not run" in found.control


def test_memorising_at_another_rate_is_the_control():
    found = judges.some_runs_memorise(record(network(RANDOM), network(RANDOM, rate=0.01, seeds=2, train_error=0.5)))
    assert found.control == "CIFAR-10, random labels, ResNet-56, rate 0.01: accuracies 50.0, 50.0 %"


def test_the_range_of_a_fit_ends_before_the_rate_drops():
    chosen, random = networks(record(network(moments=30), network(RANDOM, moments=30)))
    assert falling(chosen)[0][[0, -1]].tolist() == [1, 70]
    assert falling(random)[0].tolist() == [40, 50, 60, 70, 80]


def scattered(made, size=0.01):
    """Add noise that differs from moment to moment, so that no law with more freedom gains by it."""
    shape = made["normalized_total_correlation"].shape[:3]
    noise = 1 + size * np.random.default_rng(3).standard_normal(shape)
    made["normalized_total_correlation"] *= noise[..., None, None]
    return made


def test_power_laws():
    found = judges.total_correlation_falls_as_a_power(
        record(*(scattered(network(name, shared=power(0.2), moments=30)) for name in TASKS))
    )
    assert all(condition.passes in (True, None) for condition in found.conditions)
    assert "exponent 0.20" in found.conditions[0].note


def test_other_laws_are_no_power_law():
    for law in (lambda t: 0.4 * np.exp(-t / 30), lambda t: 0.2 + 0.2 * np.exp(-t / 10), lambda t: 0.1 + 0.004 * t):
        found = judges.total_correlation_falls_as_a_power(record(network("CMNIST", shared=law, moments=30)))
        assert found.conditions[0].passes is False


def test_less_than_a_decade_or_too_few_moments_decide_nothing():
    short = judges.total_correlation_falls_as_a_power(record(network(shared=power(0.2), epochs=10, moments=12)))
    assert short.conditions[0].passes is not True
    assert judges.total_correlation_falls_as_a_power(record(network(shared=power(0.2), epochs=5))) is None


def test_exponents_beside_those_of_the_table():
    values = zip(TASKS, (0.07, 0.22, 0.24), strict=True)
    made = [scattered(network(name, shared=power(value), seeds=12), 0.02) for name, value in values]
    found = judges.exponents_are_those_of_the_table(record(*made, network("CIFAR-10", rate=0.05, shared=power(0.3))))
    *same, slow = found.conditions
    assert slow.name == "ResNet-56, CIFAR-10, rate 0.05"
    assert slow.passes is False
    assert slow.effect == pytest.approx(0.14, abs=0.01)
    assert found.verdict == "partly"
    assert all(condition.passes is not None for condition in same)


def test_one_seed_holds_no_value():
    found = judges.exponents_are_those_of_the_table(record(network(shared=power(0.24), seeds=1)))
    assert found.conditions[0].passes is None


def test_exponents_by_rate():
    fast, slow = network(shared=power(0.24)), network(rate=0.05, shared=power(0.16))
    found = judges.exponent_depends_on_the_rate(record(fast, slow))
    assert found.effect == pytest.approx(0.08, abs=1e-3)
    assert found.verdict == "partly"  # two of four rates
    more = record(network(rate=0.2, shared=power(0.3)), fast, slow, network(rate=0.025, shared=power(0.1)))
    assert judges.exponent_depends_on_the_rate(more).verdict == "reproduced"
    assert judges.exponent_depends_on_the_rate(record(fast)) is None
    turned = record(network(shared=power(0.16)), network(rate=0.05, shared=power(0.24)))
    assert judges.exponent_depends_on_the_rate(turned).verdict == "not reproduced"
