"""Simulated neurons: entropy, covariance and rate against enumeration, another system, and samples."""

from itertools import product

import numpy as np
import pytest

from lib.data.exact import CommonFactor
from lib.data.population import STIMULI, Population, simulated_population


def test_the_entropy_is_that_of_all_patterns_one_by_one():
    population = Population(rates=(0.3, 0.1, 0.02), size=2, correlation=0.4)
    weight, chance = population._given_signal
    of_unit = np.repeat(chance, 2, axis=0)
    q = [
        (weight * np.where(np.array(z)[:, None], of_unit, 1 - of_unit).prod(0)).sum() for z in product((0, 1), repeat=6)
    ]
    assert sum(q) == pytest.approx(1, abs=1e-12)
    assert population.bits == pytest.approx(-(q * np.log2(q)).sum(), abs=1e-10)


@pytest.mark.parametrize(("classes", "size"), [(1, 16), (2, 8), (4, 4)])
def test_classes_of_one_rate_are_the_common_factor(classes, size):
    alike = Population(rates=(0.05,) * classes, size=size, correlation=0.3)
    assert alike.bits == pytest.approx(CommonFactor(units=16, rate=0.05, correlation=0.3).bits, abs=1e-9)


def test_samples_have_the_rates_and_covariance():
    population = Population(rates=(0.1, 0.3), size=3, correlation=0.4)
    z = population.draw(200_000, seed=0).astype(float)
    np.testing.assert_allclose(z.mean(0), population.on, atol=0.005)
    np.testing.assert_allclose(np.cov(z.T), population.covariance, atol=0.005)
    np.testing.assert_allclose(np.diag(population.covariance), population.on * (1 - population.on))


def test_stimuli_drive_the_population_through_the_range_of_the_text():
    activity = [simulated_population(stimulus).on.mean() for stimulus in STIMULI]
    assert activity == sorted(activity)
    assert activity[0] == pytest.approx(0.005, abs=2e-4)
    assert activity[-1] == pytest.approx(0.009, abs=2e-4)
    excess = [1 - p.bits / p.independent_bits for p in map(simulated_population, STIMULI)]
    assert 0.02 < min(excess) < max(excess) < 0.05


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rates": ()}, "0 classes"),
        ({"rates": (0.1,) * 5}, "5 classes"),
        ({"rates": (0.0,)}, "rate of 0.0"),
        ({"size": 0}, "0 neurons"),
        ({"correlation": 1.0}, "1.0 is out of range"),
    ],
)
def test_what_is_no_population_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        Population(**change)


def test_an_unknown_stimulus_is_named():
    with pytest.raises(ValueError, match="'darkness'"):
        simulated_population("darkness")
