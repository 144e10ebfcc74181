"""Judges of the fall of total correlation in training, on courses made by hand."""

import numpy as np
import pytest

from lib.claims import power_laws as judges
from lib.claims._residual_tasks import networks
from lib.claims.power_laws import falling

from .residual_record import network, record

RANDOM = "CIFAR-10, random labels"
TASKS = ("CKMNIST", "CFashionMNIST", "CIFAR-10")


def power(exponent, level=0.4):
    return lambda t: level * np.maximum(t, 0.5) ** -exponent


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
