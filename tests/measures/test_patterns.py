"""Entropy of binary patterns against systems whose entropy is known exactly."""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.special import xlogy

from lib.measures import _autoregressive, patterns
from lib.measures._masked_network import MaskedNetworks
from lib.measures._packing import pack, unpack
from lib.measures.patterns import METHODS, Budget, pattern_curve, pattern_entropies, pattern_entropy

UNITS, SAMPLES = 12, 100_000
STATES = np.array(list(itertools.product((0, 1), repeat=UNITS)), dtype=np.uint8)
SMALL = Budget(hidden=32, steps=300, batch=256)


def binary(p):
    return -(xlogy(p, p) + xlogy(1 - p, 1 - p)) / math.log(2)


def independent(rng):
    p = np.linspace(0.02, 0.7, UNITS)
    return (rng.random((SAMPLES, UNITS)) < p).astype(np.uint8), binary(p).sum()


def copies(rng):
    """Four bits, each three times."""
    p = np.array([0.1, 0.3, 0.5, 0.8])
    bits = (rng.random((SAMPLES, 4)) < p).astype(np.uint8)
    return np.tile(bits, 3), binary(p).sum()


def markov(rng):
    """A chain that stays in its state with probability 0.9."""
    flips = (rng.random((SAMPLES, UNITS)) < 0.1).astype(np.uint8)
    flips[:, 0] = rng.random(SAMPLES) < 0.5
    return np.cumsum(flips, axis=1, dtype=np.uint8) % 2, 1 + (UNITS - 1) * binary(0.1)


def ising(rng):
    """A periodic lattice of 3 x 4 spins near its critical temperature, drawn from all of its states."""
    spins = 2.0 * STATES.reshape(-1, 3, 4) - 1
    energy = sum((spins * np.roll(spins, 1, axis)).sum((1, 2)) for axis in (1, 2))
    p = np.exp(0.4 * (energy - energy.max()))
    p /= p.sum()
    return STATES[rng.choice(len(STATES), SAMPLES, p=p)], -xlogy(p, p).sum() / math.log(2)


def parity(bits):
    """Some bits and their parity: no two units tell anything of each other. The other units are off."""

    def system(rng):
        z = np.zeros((SAMPLES, UNITS), dtype=np.uint8)
        z[:, :bits] = rng.integers(0, 2, (SAMPLES, bits))
        z[:, bits] = z[:, :bits].sum(1) % 2
        return z, bits

    return system


SYSTEMS = {each.__name__: each for each in (independent, copies, markov, ising)}
PARITIES = {f"parity of {bits}": parity(bits) for bits in (2, 3, 4)}


@pytest.fixture(scope="module")
def estimated():
    """All systems estimated side by side, with their exact entropies."""
    systems = SYSTEMS | PARITIES
    drawn = [system(np.random.default_rng(number)) for number, system in enumerate(systems.values())]
    found = pattern_entropies(np.stack([z for z, _ in drawn]))
    return {
        name: SimpleNamespace(found=each, z=z, truth=truth)
        for name, each, (z, truth) in zip(systems, found, drawn, strict=True)
    }


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_bound_is_tight_and_a_bound(estimated, system):
    found, truth = estimated[system].found, estimated[system].truth
    assert truth - 3 * found.standard_error <= found.bits <= 1.01 * truth


@pytest.mark.parametrize("system", SYSTEMS)
def test_counts_agree_where_there_are_few_states(estimated, system):
    z, truth = estimated[system].z, estimated[system].truth
    plugin, corrected, bayes = (pattern_entropy(z, method) for method in ("plugin", "miller-madow", "grassberger"))
    assert plugin.bits <= corrected.bits
    for found in (corrected, bayes):
        assert found.bits == pytest.approx(truth, abs=4 * found.standard_error + 0.01)
        assert not found.bound


def test_gaussian_thresholds_are_as_the_counts_say():
    """Correlated Gaussians have no closed form for so many units: the counts of 2^10 states are the reference."""
    rng = np.random.default_rng(0)
    common = rng.standard_normal((SAMPLES, 2)) @ rng.standard_normal((2, 10))
    z = common + rng.standard_normal((SAMPLES, 10)) > np.linspace(-1, 1, 10)
    found, reference = pattern_entropy(z), pattern_entropy(z, "miller-madow")
    assert reference.bits - 3 * found.standard_error <= found.bits <= 1.01 * reference.bits


@pytest.mark.parametrize("system", PARITIES)
def test_parity_is_found(estimated, system):
    found, bits = estimated[system].found, estimated[system].truth
    assert bits - 3 * found.standard_error <= found.bits <= 1.02 * bits
    assert found.independent_bits == pytest.approx(bits + 1, abs=0.01)
    assert found.total_correlation == pytest.approx(1, abs=0.02 * bits)


def test_what_follows_from_the_bits():
    z = np.array([[0, 0, 1], [1, 1, 1]] * 50)
    found = pattern_entropy(z, "plugin")
    assert found.linearity == pytest.approx(2 / 3)
    assert found.bits_per_unit == pytest.approx(1 / 3)
    assert found.normalized_total_correlation == pytest.approx(0.5)
    assert (found.samples, found.groups, found.method, found.settings) == (100, 100, "plugin", {})
    still = pattern_entropy(np.ones((10, 2), dtype=int), "plugin")
    assert (still.bits, still.total_correlation) == (0, 0)
    assert math.isnan(still.normalized_total_correlation)


@pytest.mark.parametrize("method", ["autoregressive", "xgboost", "logistic"])
def test_learned_methods_see_what_counting_sees(method):
    rng = np.random.default_rng(0)
    z = (rng.random((4000, 5)) < [0.2, 0.5, 0.5, 0.7, 0.4]).astype(np.uint8)
    z[:, 4] = z[:, 1] ^ (rng.random(4000) < 0.1)
    found, reference = pattern_entropy(z, method), pattern_entropy(z, "miller-madow")
    assert found.bound
    assert found.bits == pytest.approx(reference.bits, abs=0.06)
    assert found.seconds > 0
    assert found.settings["folds"] == 2


def test_sparse_short_recordings_are_not_looser_than_independent_units():
    rng = np.random.default_rng(0)
    z = rng.random((2000, 150)) < rng.uniform(0.002, 0.012, 150)
    found = pattern_entropy(z, groups=np.arange(2000) // 20)
    assert found.bits <= found.independent_bits + 2 * found.standard_error


@pytest.mark.parametrize("method", ["autoregressive", "logistic"])
def test_folds_of_groups_do_not_leak(method):
    """Each group is ten copies of one random pattern: only who has seen a group can tell its units from each other."""
    rng = np.random.default_rng(0)
    each = rng.integers(0, 2, (60, 20))
    z, groups = np.repeat(each, 10, axis=0), np.repeat(np.arange(60), 10)
    order = rng.permutation(600)
    grouped, leaking = pattern_entropy(z[order], method, groups=groups[order]), pattern_entropy(z, method)
    assert grouped.groups == 60
    assert leaking.bits < 0.9 * grouped.bits
    assert grouped.standard_error > leaking.standard_error


def test_the_standard_error_is_that_of_the_mean_over_groups():
    rng = np.random.default_rng(1)
    z = rng.random((4000, 3)) < 0.3
    alone, paired = (pattern_entropy(z, "plugin", groups=groups) for groups in (None, np.arange(4000) // 2))
    assert paired.standard_error == pytest.approx(alone.standard_error, rel=0.05)
    twice = pattern_entropy(np.repeat(z, 2, axis=0), "plugin", groups=np.repeat(np.arange(4000), 2))
    assert twice.standard_error == pytest.approx(alone.standard_error, rel=1e-6)
    spread = [pattern_entropy(rng.random((400, 3)) < 0.3, "miller-madow").bits for _ in range(200)]
    assert np.std(spread) == pytest.approx(pattern_entropy(z[:400], "plugin").standard_error, rel=0.25)


def test_orders_of_the_units_give_one_entropy():
    rng = np.random.default_rng(0)
    z = np.cumsum(rng.random((5000, 8)) < 0.2, axis=1) % 2
    found = pattern_entropy(z, orders=3, budget=SMALL)
    assert found.order_bits.shape == (3,)
    assert found.bits == found.order_bits[0]
    assert np.ptp(found.order_bits) < 0.1 * found.bits
    assert len(set(found.order_bits)) == 3
    assert pattern_entropy(z, "plugin", orders=3).order_bits.shape == (1,)


def test_sets_side_by_side_are_as_good_as_one_by_one():
    rng = np.random.default_rng(0)
    z = np.stack([np.cumsum(rng.random((2000, 6)) < p, axis=1) % 2 for p in (0.05, 0.2, 0.5)])
    together = pattern_entropies(z, budget=SMALL)
    assert len(together) == 3
    for each, alone in zip(together, z, strict=True):
        assert each.bits == pytest.approx(pattern_entropy(alone, budget=SMALL).bits, abs=0.05)


def test_a_warm_start_goes_on_where_the_last_one_ended():
    rng = np.random.default_rng(0)
    z = np.cumsum(rng.random((1, 4000, 8)) < 0.1, axis=2) % 2
    first = pattern_entropies(z, budget=SMALL)
    short = Budget(hidden=32, steps=10, batch=256)
    cold, warm = pattern_entropies(z, budget=short)[0], pattern_entropies(z, budget=short, warm_start=first)[0]
    assert warm.bits <= first[0].bits + 0.02 < cold.bits


def test_a_curve_is_as_tight_as_from_scratch_and_never_below_the_truth():
    rng = np.random.default_rng(0)
    flips = np.array([[0.05, 0.3], [0.06, 0.28], [0.08, 0.25], [0.11, 0.22]])  # of Markov chains, (moment, set)
    z = np.cumsum(rng.random((4, 2, 5000, 8)) < flips[..., None, None], axis=-1) % 2
    truth = 8 * binary(flips)
    cold = np.array([[each.bits for each in pattern_entropies(moment, budget=SMALL)] for moment in z])
    found = list(pattern_curve(z, budget=SMALL))
    bits = np.array([[each.bits for each in moment] for moment in found])
    errors = np.array([[each.standard_error for each in moment] for moment in found])
    assert (bits > truth - 3 * errors).all()
    np.testing.assert_allclose(bits, cold, rtol=0.01)
    steps = [moment[0].settings["steps"] for moment in found]
    assert steps == [SMALL.steps, *[max(60, SMALL.steps // 4)] * 3]


def test_a_curve_asks_for_one_moment_after_the_other():
    asked = []

    def moments():
        for number in range(3):
            asked.append(number)
            yield np.random.default_rng(number).integers(0, 2, (1, 100, 3 if number < 2 else 4))

    curve = pattern_curve(moments(), budget=SMALL)
    assert asked == []
    first, second = next(curve), next(curve)
    assert asked == [0, 1]
    assert all(torch.equal(a, b) for a, b in zip(first.folds, second.folds, strict=True))
    with pytest.raises(ValueError, match="units 3, not 4"):
        next(curve)


@pytest.mark.parametrize("method", METHODS)
def test_degenerate_units_have_no_entropy(method):
    z = np.zeros((400, 4), dtype=np.uint8)
    z[:, 1] = 1  # always on
    z[7, 2] = 1  # one flip
    found = pattern_entropy(z, method)
    # an event of one sample costs at most some 30 bits where it was never seen
    assert 0 <= found.bits <= 60 / 400
    assert pattern_entropy(z[:, :1], method).bits <= 0.02


@pytest.mark.parametrize("method", METHODS)
def test_one_unit_has_its_own_entropy(method):
    z = np.random.default_rng(0).random((3000, 1)) < 0.3
    assert pattern_entropy(z, method).bits == pytest.approx(binary(z.mean()), abs=0.01)


def test_independent_units_are_scored_by_the_other_fold():
    z = np.random.default_rng(0).random((60, 3)) < (0.1, 0.5, 0.9)
    found = pattern_entropy(z, "independent", groups=np.arange(60) // 10)
    half = [np.isin(np.arange(60) // 10, groups) for groups in itertools.combinations(range(6), 3)]
    candidates = []
    for test in half:  # whichever groups are in the first fold
        total = 0.0
        for score, learn in ((test, ~test), (~test, test)):
            share = (z[learn].sum(0) + 0.5) / (learn.sum() + 1)
            total -= np.where(z[score], np.log2(share), np.log2(1 - share)).sum()
        candidates.append(total / 60)
    assert np.abs(np.array(candidates) - found.bits).min() < 1e-6
    assert found.bits > found.independent_bits


def test_a_gain_is_known_better_than_either_bound():
    groups = np.arange(4_000) // 40
    rate = np.random.default_rng(1).uniform(0.05, 0.5, 100)[groups]  # blocks of more and of less activity
    z = np.random.default_rng(0).random((4_000, 6)) < rate[:, None]
    z[:, 5] = z[:, 0]
    copied, alone = (pattern_entropy(z, method, groups=groups) for method in ("autoregressive", "independent"))
    gain, error = copied.gain_over(alone)
    assert gain == pytest.approx(alone.bits - copied.bits)
    assert 0 < error < 0.5 * min(copied.standard_error, alone.standard_error)
    assert alone.gain_over(copied) == pytest.approx((-gain, error))
    assert copied.gain_over(copied) == (0, 0)
    with pytest.raises(ValueError, match="cannot be paired"):
        copied.gain_over(pattern_entropy(z, "independent"))


@pytest.mark.parametrize("kind", ["bool", "int", "float", "tensor", "packed", "packed tensor", "transposed"])
def test_patterns_may_come_in_many_forms(kind):
    z = np.random.default_rng(0).random((500, 11)) < 0.4
    given = {
        "bool": z,
        "int": z.astype(int),
        "float": z.astype(float),
        "tensor": torch.from_numpy(z),
        "packed": np.packbits(z, axis=1),
        "packed tensor": pack(torch.from_numpy(z)),
        "transposed": np.asfortranarray(z),
    }[kind]
    units = 11 if "packed" in kind else None
    assert pattern_entropy(given, "plugin", units=units).bits == pattern_entropy(z, "plugin").bits


def test_packing_is_numpys():
    z = torch.rand(5, 3, 19) < 0.5
    np.testing.assert_array_equal(pack(z).numpy(), np.packbits(z.numpy(), axis=-1))
    assert torch.equal(unpack(pack(z), 19).bool(), z)


GOOD = np.random.default_rng(0).integers(0, 2, (20, 3))


@pytest.mark.parametrize(
    ("z", "settings", "message"),
    [
        (GOOD + 1, {}, "Patterns hold 2"),
        (np.where(GOOD == 1, np.nan, 0.0), {}, "Patterns hold nan"),
        (GOOD * 0.5, {}, "Patterns hold 0.5"),
        (GOOD[:, 0], {}, "no table of samples and units"),
        (GOOD[:0], {}, "no sets of samples and units"),
        (GOOD, {"method": "magic"}, "Unknown method 'magic'"),
        (GOOD, {"folds": 1}, "1 folds cannot be made of 20 groups"),
        (GOOD[:1], {}, "2 folds cannot be made of 1 groups"),
        (GOOD, {"groups": [0] * 20}, "2 folds cannot be made of 1 groups"),
        (GOOD, {"groups": [0, 1]}, "do not fit 20 samples"),
        (GOOD, {"orders": 0}, "0 orders"),
        (GOOD, {"units": 9}, "9 packed units need uint8 of 2 columns"),
    ],
)
def test_bad_input_is_named(z, settings, message):
    with pytest.raises(ValueError, match=message):
        pattern_entropy(z, **settings)


def test_a_start_of_other_shape_is_refused():
    z = np.stack([GOOD, GOOD])
    start = pattern_entropies(z, budget=Budget(hidden=4, steps=2))
    with pytest.raises(ValueError, match="has 4 networks, not 2"):
        pattern_entropies(z[:1], warm_start=start)
    with pytest.raises(ValueError, match="has 0 networks, not 2"):
        pattern_entropies(z[:1], warm_start=pattern_entropies(z[:1], "plugin"))
    with pytest.raises(ValueError, match="has seed 0, not 1"):  # other folds: it would know what it is to score
        pattern_entropies(z, seed=1, budget=Budget(hidden=4, steps=2), warm_start=start)
    groups = np.arange(z.shape[1]) // 2
    with pytest.raises(ValueError, match="has other groups in its folds"):
        pattern_entropies(z, groups=groups, budget=Budget(hidden=4, steps=2), warm_start=start)
    with pytest.raises(ValueError, match="has hidden 4, not 5"):
        pattern_entropies(z, budget=Budget(hidden=5, steps=2), warm_start=start)


@pytest.mark.parametrize("folds", [2, 3, 7])
def test_folds_part_the_rows_and_keep_groups_whole(folds):
    groups = torch.from_numpy(np.random.default_rng(0).integers(0, 40, 500))
    found = _autoregressive.make_folds(groups, folds, torch.Generator().manual_seed(0))
    assert sorted(torch.cat([fold.test for fold in found]).tolist()) == list(range(500))
    for fold in found:
        parts = [set(groups[rows].tolist()) for rows in (fold.train, fold.inner, fold.test)]
        assert all(parts)
        assert not any(one & other for one, other in itertools.combinations(parts, 2))
        assert len(fold.train) + len(fold.inner) + len(fold.test) == 500


@pytest.mark.parametrize("dense", [0, 2**30])
def test_the_written_out_gradient_is_autograds(dense, monkeypatch):
    monkeypatch.setattr("lib.measures._masked_network._DENSE", dense)
    generator = torch.Generator().manual_seed(0)
    p = torch.rand(3, 10, generator=generator) * 0.8 + 0.1
    nets = MaskedNetworks(p, 70, generator)
    nets.weights = torch.randn(nets.weights.shape, generator=generator) * 0.1 * nets.mask
    z = (torch.rand(3, 50, 10, generator=generator) < 0.5).float()
    x = nets.see(z)
    torch.testing.assert_close(x, torch.cat([torch.ones(3, 50, 1), (z - p[:, None]) * 2], -1))
    weights = nets.weights.clone().requires_grad_()
    odds = torch.logit(p)[:, None] + x @ nets.of(weights, "direct")
    odds = odds + torch.relu(x @ nets.of(weights, "inward")) @ nets.of(weights, "outward")
    torch.nn.functional.binary_cross_entropy_with_logits(odds, z, reduction="none").sum(-1).mean(1).sum().backward()
    torch.testing.assert_close(nets.prior + nets.gain(nets.weights, x), odds.detach())
    torch.testing.assert_close(nets.gradient(x, z), weights.grad * nets.mask)


def test_no_unit_sees_itself_or_what_comes_after():
    nets = MaskedNetworks(torch.full((1, 9), 0.5), 40, torch.Generator().manual_seed(0))
    nets.weights = torch.randn(nets.weights.shape) * nets.mask
    x = torch.randn(1, 1, 10)
    for unit in range(9):
        other = x.clone()
        other[..., unit + 1] += 1  # the first input is the constant
        same = nets.gain(nets.weights, x) == nets.gain(nets.weights, other)
        assert same[..., : unit + 1].all()
        assert not same[..., unit + 1 :].any()


@pytest.mark.parametrize(("samples", "units"), [(10, 1), (500, 4), (10_000, 28), (640_000, 64), (9_000, 242)])
def test_the_default_budget_grows_with_the_data(samples, units):
    budget = patterns.default_budget(samples, units)
    assert 32 <= budget.hidden <= 1024
    assert 1 <= budget.batch <= 4096
    assert 50 <= budget.steps <= 4000


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_on_a_gpu_as_on_the_cpu():
    z = torch.from_numpy(markov(np.random.default_rng(0))[0][:20_000])
    here, there = pattern_entropy(z, budget=SMALL), pattern_entropy(z.cuda(), budget=SMALL)
    assert there.bits == pytest.approx(here.bits, rel=0.005)


def test_best_steps_are_those_of_the_set_alone():
    rng = np.random.default_rng(0)
    chain = np.cumsum(rng.random((1, 2000, 6)) < 0.05, axis=2) % 2
    z = np.concatenate([rng.integers(0, 2, (1, 2000, 6)), chain])
    noise, learned = pattern_entropies(z, budget=SMALL, orders=3)
    assert len(noise.settings["best steps"]) == len(learned.settings["best steps"]) == 3 * 2
    assert max(noise.settings["best steps"]) < min(learned.settings["best steps"])


def test_methods_without_memory_refuse_a_warm_start():
    z = np.random.default_rng(0).integers(0, 2, (1, 100, 3))
    first = pattern_entropies(z, budget=SMALL)
    with pytest.raises(ValueError, match="'logistic' cannot go on"):
        pattern_entropies(z, "logistic", warm_start=first)
