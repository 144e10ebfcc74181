"""Exact systems: entropies against the enumeration of all patterns, samples against their probabilities."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.special import comb, xlogy

from lib.data.exact import (
    SYSTEMS,
    CommonFactor,
    Copies,
    IndependentUnits,
    IsingLattice,
    MarkovChain,
    ParityBlocks,
)


def states(units):
    return np.array(list(itertools.product((0, 1), repeat=units)))


def independent(system):
    z = states(system.units)
    return np.prod(np.where(z, system.probabilities, 1 - np.array(system.probabilities)), axis=1)


def copies(system):
    """Sum the probabilities of all bits that give a pattern."""
    z = states(system.units)
    p = np.zeros(len(z))
    order = np.tile(np.arange(len(system.probabilities)), system.times)
    places = np.random.default_rng(system.shuffle).permutation(order)
    for bits in itertools.product((0, 1), repeat=len(system.probabilities)):
        chance = math.prod(q if bit else 1 - q for bit, q in zip(bits, system.probabilities, strict=True))
        p[(z == np.array(bits)[places]).all(axis=1)] += chance
    return p


def parity(system):
    z = states(system.units).reshape(-1, system.units // system.block, system.block)
    even = (z.sum(axis=2) % 2 == 0).all(axis=1)
    return even / even.sum()


def chain(system):
    share = system.go_on / (system.go_on + system.go_off)
    p = []
    for z in states(system.units):
        chance = share if z[0] else 1 - share
        for before, now in itertools.pairwise(z):
            change = system.go_off if before else system.go_on
            chance *= change if before != now else 1 - change
        p.append(chance)
    return np.array(p)


def lattice(system):
    spins = 2 * states(system.units).reshape(-1, system.length, system.width) - 1
    pairs = (spins[:, 1:] * spins[:, :-1]).sum((1, 2)) + (spins[:, :, 1:] * spins[:, :, :-1]).sum((1, 2))
    p = np.exp(system.coupling * pairs)
    return p / p.sum()


def factor(system):
    """Integrate the probability of each number of units that are on."""
    level = stats.norm.ppf(system.rate)

    def chance(x):
        return stats.norm.cdf((level + math.sqrt(system.correlation) * x) / math.sqrt(1 - system.correlation))

    def of_pattern(k):
        return quad(lambda x: stats.norm.pdf(x) * chance(x) ** k * (1 - chance(x)) ** (system.units - k), -9, 9)[0]

    found = np.array([of_pattern(k) for k in range(system.units + 1)])
    return found[states(system.units).sum(axis=1)]


SMALL = [
    (IndependentUnits((0.1, 0.5, 0.9, 0.3, 1.0)), independent),
    (Copies((0.2, 0.6, 0.5), times=2, shuffle=3), copies),
    (Copies((0.2,), times=1), copies),
    (ParityBlocks(units=8, block=4), parity),
    (ParityBlocks(units=6, block=2), parity),
    (MarkovChain(units=6, go_on=0.1, go_off=0.3), chain),
    (MarkovChain(units=1), chain),
    (IsingLattice(width=2, length=3, coupling=0.44), lattice),
    (IsingLattice(width=3, length=2, coupling=-0.7), lattice),
    (IsingLattice(width=3, length=3, coupling=0.3), lattice),
    (IsingLattice(width=4, length=1, coupling=0.5), lattice),
    (IsingLattice(width=1, length=5, coupling=0.5), lattice),
    (CommonFactor(units=6, rate=0.2, correlation=0.4), factor),
    (CommonFactor(units=5, rate=0.02, correlation=0.1), factor),
    (CommonFactor(units=4, rate=0.7, correlation=0.0), factor),
]
NAMES = [f"{system.name}, {system.units} units, {number}" for number, (system, _) in enumerate(SMALL)]


def assert_drawn_from(p, z):
    """Chi-squared test of samples, at a level that a right sampler misses once in ten thousand."""
    counts = np.bincount(z @ (1 << np.arange(z.shape[1])[::-1]), minlength=len(p))
    assert counts[p < 1e-12].sum() == 0
    common = p * len(z) > 5
    seen, expected = (np.append(each[common], each[~common].sum()) for each in (counts, p * len(z)))
    kept = expected > 1e-9
    assert stats.chisquare(seen[kept], expected[kept] * seen.sum() / expected[kept].sum()).pvalue > 1e-4


@pytest.mark.parametrize(("system", "enumerate_"), SMALL, ids=NAMES)
def test_entropies_are_those_of_all_patterns(system, enumerate_):
    p = enumerate_(system)
    assert p.sum() == pytest.approx(1, abs=1e-9)
    assert system.bits == pytest.approx(-xlogy(p, p).sum() / math.log(2), abs=1e-9)
    on = p @ states(system.units)
    np.testing.assert_allclose(system.on, on, atol=1e-9)
    alone = -(xlogy(on, on) + xlogy(1 - on, 1 - on)).sum() / math.log(2)
    assert system.independent_bits == pytest.approx(alone, abs=1e-9)


@pytest.mark.parametrize(("system", "enumerate_"), SMALL, ids=NAMES)
def test_samples_are_drawn_from_the_system(system, enumerate_):
    z = system.draw(50_000, seed=1)
    assert z.dtype == np.uint8
    assert z.shape == (50_000, system.units)
    assert_drawn_from(enumerate_(system), z)


def test_samples_are_a_function_of_the_seed():
    for system in SYSTEMS.values():
        first, again = system.draw(5, seed=3), system.draw(5, seed=np.random.default_rng(3))
        np.testing.assert_array_equal(first, again)
        assert (first != system.draw(5, seed=4)).any()


def test_listed_systems_have_room_between_independence_and_truth():
    for name, system in SYSTEMS.items():
        assert system.name == name
        assert 0 < system.bits <= system.independent_bits <= system.units
        z = system.draw(5_000, seed=0)
        np.testing.assert_allclose(z.mean(0), system.on, atol=0.035)
        assert z.shape[1] == len(system.on) == system.units
    assert SYSTEMS["sparse population"].on.mean() == pytest.approx(0.007)


def test_a_lattice_is_the_same_from_every_side():
    wide, long = IsingLattice(width=8, length=6), IsingLattice(width=6, length=8)
    assert wide.bits == pytest.approx(long.bits, rel=1e-12)
    staggered = IsingLattice(width=8, length=6, coupling=-wide.coupling)
    assert staggered.bits == pytest.approx(wide.bits, rel=1e-12)


def test_lattices_go_from_independent_spins_to_one_bit():
    assert IsingLattice(width=5, length=7, coupling=0).bits == pytest.approx(35)
    assert IsingLattice(width=5, length=7, coupling=20).bits == pytest.approx(1)
    row = IsingLattice(width=1, length=30, coupling=0.6)
    flip = 1 / (1 + math.exp(1.2))
    assert row.bits == pytest.approx(MarkovChain(units=30, go_on=flip, go_off=flip).bits)


def test_a_factor_of_many_units_has_the_entropy_of_their_number_and_places():
    """Of 64 units, by another rule of integration: Gauss-Hermite in place of the trapezoidal sum."""
    system = CommonFactor(units=64, rate=0.2, correlation=0.3)
    x, weight = np.polynomial.hermite_e.hermegauss(250)
    chance = stats.norm.cdf((stats.norm.ppf(0.2) + math.sqrt(0.3) * x) / math.sqrt(0.7))
    k = np.arange(65)[:, None]
    of_number = comb(64, k) * chance**k * (1 - chance) ** (64 - k)
    p = (of_number * weight).sum(1) / weight.sum()
    bits = (p * (np.log2(comb(64, k[:, 0])) - np.log2(p))).sum()
    assert system.bits == pytest.approx(bits, rel=1e-7)


def test_the_heat_bath_leaves_the_distribution_as_it_is():
    system = IsingLattice(width=2, length=3, coupling=0.5)
    z = system.draw(50_000, seed=0)
    for updates in (1, 7):
        moved = system.heat_bath(z, updates, seed=5)
        assert_drawn_from(lattice(system), moved)
        assert 0 < (moved != z).any(axis=1).mean() < 1
    np.testing.assert_array_equal(system.heat_bath(z, 0, seed=5), z)
    assert (system.heat_bath(z, 1, seed=5) != z).sum(axis=1).max() == 1


def test_the_heat_bath_forgets_where_it_began():
    system = IsingLattice(width=2, length=3, coupling=0.5)
    assert_drawn_from(lattice(system), system.heat_bath(np.ones((20_000, 6), dtype=np.uint8), 200, seed=0))


def test_a_series_has_the_patterns_of_the_system_and_a_memory():
    system = CommonFactor(units=4, rate=0.2, correlation=0.4)
    assert_drawn_from(factor(system), system.draw_series(50_000, seed=0, memory=0.9)[::50])
    many = CommonFactor(units=64, rate=0.2, correlation=0.4)
    for memory, low, high in ((0.0, -0.03, 0.03), (0.9, 0.75, 0.95)):
        share = many.draw_series(20_000, seed=0, memory=memory).mean(1)
        assert low < np.corrcoef(share[1:], share[:-1])[0, 1] < high


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: IndependentUnits(()), "at least one probability"),
        (lambda: IndependentUnits((0.5, 1.2)), r"with probability 1\.2: use from 0 to 1"),
        (lambda: Copies((0.5,), times=0), "copied 0 times"),
        (lambda: Copies((math.nan,), times=2), "with probability nan"),
        (lambda: ParityBlocks(units=10, block=4), "10 units are no whole blocks of 4"),
        (lambda: ParityBlocks(units=4, block=1), "blocks of 2 or more"),
        (lambda: MarkovChain(units=0), "0 units"),
        (lambda: MarkovChain(go_on=0.0), r"with probability 0\.0"),
        (lambda: IsingLattice(width=11), "11 spins wide .* from 1 to 10"),
        (lambda: IsingLattice(length=0), "0 columns long"),
        (lambda: IsingLattice(coupling=math.inf), "coupling inf"),
        (lambda: IsingLattice().heat_bath(np.zeros((3, 4), dtype=np.uint8), 1, 0), "none of 48 units"),
        (lambda: IsingLattice().heat_bath(np.zeros((3, 48), dtype=np.uint8), -1, 0), "-1 updates"),
        (lambda: CommonFactor(rate=0.0), r"rate of 0\.0"),
        (lambda: CommonFactor(correlation=1.0), r"correlation 1\.0"),
        (lambda: CommonFactor().draw_series(10, 0, memory=1.0), r"memory of 1\.0"),
        (lambda: CommonFactor().draw_series(0, 0, memory=0.5), "0 samples"),
        (lambda: MarkovChain().draw(0, seed=0), "0 samples cannot be drawn"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
