"""What is kept of weights: against numpy on the same bins, and on weights whose statistics are known."""

import numpy as np
import pytest
import torch

from lib.experiments.weight_statistics import (
    FINE,
    FIXED,
    RULES,
    bin_edges,
    cells,
    coordinates,
    family_coordinates,
    occupied_bins,
    part_names,
    weight_statistics,
)
from lib.measures.complexity import complexity_entropy
from lib.measures.histogram import rebin


@pytest.fixture(scope="module")
def matrices():
    generator = torch.Generator().manual_seed(0)
    return [0.1 * torch.randn(shape, generator=generator) for shape in ((64, 96), (64, 64), (64, 64), (10, 64))]


@pytest.fixture(scope="module")
def found(matrices):
    return weight_statistics(matrices, np.random.default_rng(0))


def test_every_part_is_there(found):
    assert list(found["part"].values) == ["1", "2", "3", "output", "hidden", "all"] == part_names(3)
    assert list(found["layer"].values) == ["1", "2", "3", "output"]
    assert list(found["pair"].values) == ["1-2", "2-3"]


@pytest.mark.parametrize("part", ["2", "hidden", "all"])
def test_coordinates_are_those_of_numpy_s_histogram(matrices, found, part):
    weights = {"2": matrices[1:2], "hidden": matrices[:3], "all": matrices}[part]
    weights = torch.cat([matrix.flatten() for matrix in weights]).double().numpy()
    for bins in (64, 256):
        own = complexity_entropy(np.histogram(weights, bins)[0])
        chosen = found.sel(part=part, bins=bins, rule="own")
        assert float(chosen["entropy"]) == pytest.approx(float(own.entropy), abs=2e-3)
        assert float(chosen["disequilibrium"]) == pytest.approx(float(own.disequilibrium), abs=2e-3)
        edges = np.array([-np.inf, *np.linspace(*FIXED, bins + 1)[0:], np.inf])
        fixed = complexity_entropy(np.histogram(weights, edges)[0])
        assert float(found.sel(part=part, bins=bins, rule="fixed")["entropy"]) == pytest.approx(
            float(fixed.entropy), abs=2e-3
        )


def test_moments_are_those_of_numpy(matrices, found):
    weights = matrices[2].double().numpy()
    chosen = found.sel(part="3")
    assert float(chosen["low"]) == pytest.approx(weights.min())
    assert float(chosen["high"]) == pytest.approx(weights.max())
    assert float(chosen["sd"]) == pytest.approx(weights.std(), rel=1e-5)
    standard = (weights - weights.mean()) / weights.std()
    assert float(chosen["kurtosis"]) == pytest.approx((standard**4).mean() - 3, abs=1e-4)


def test_layers_of_one_law_differ_as_two_halves_do(found):
    """The floor: halves have half the weights, hence about twice the divergence."""
    between = found["divergence"].sel(edges="common", kind="jensen-shannon").mean("pair")
    halves = found["halves"].sel(edges="common", measure="jensen-shannon").sel(half=["2", "3"]).mean("half")
    assert float(between) == pytest.approx(float(halves) / 2, rel=0.5)


def test_layers_of_different_spread_differ(matrices):
    wide = [matrices[0], 3 * matrices[1], matrices[2], matrices[3]]
    found = weight_statistics(wide, np.random.default_rng(0))
    between = found["divergence"].sel(edges="common", pair="1-2")
    assert (between > 10 * found["halves"].sel(edges="common", measure="jensen-shannon", half="1")).all()


def test_fine_counts_hold_every_weight(matrices, found):
    assert found["counts"].shape == (4, len(FINE) - 1)
    assert list(found["counts"].sum("bin").values) == [matrix.numel() for matrix in matrices]


def test_occupied_bins_of_few_weights():
    few = occupied_bins([torch.tensor([[0.0, 0.1], [0.1, 1.0]]), torch.tensor([[0.0, 1.0]])])
    assert few.shape == (4, 3, 2)
    assert list(few.values[0, -1]) == [3, 2]


def test_constant_weights_have_no_entropy():
    flat = [torch.full((4, 4), 0.25), torch.full((4, 4), 0.25), torch.zeros(2, 4)]
    found = weight_statistics(flat, np.random.default_rng(0))
    assert float(found["entropy"].sel(part="1", rule="own", bins=256)) == 0.0
    assert np.isnan(found["kurtosis"].sel(part="1"))


# -- reading it again


@pytest.mark.parametrize("rule", RULES)
def test_places_are_those_of_the_measure(found, rule):
    place = coordinates(found.sel(rule=rule), bins=64)
    np.testing.assert_allclose(place["C"], place["H"] * place["D"])
    n = cells(rule, 64)
    assert n == (64 if rule == "own" else 66)
    single, uniform = (complexity_entropy(counts) for counts in (np.eye(1, n)[0], np.ones(n)))
    np.testing.assert_allclose(place["h"], place["H"] / uniform.entropy)
    np.testing.assert_allclose(place["c"], place["h"] * place["D"] / single.disequilibrium)
    assert 0 <= float(place["c"].min()) <= float(place["c"].max()) < 0.5 < float(place["h"].max()) <= 1


def test_places_of_all_rules_are_those_of_each(found):
    together = coordinates(found)
    for rule in RULES:
        for name, values in coordinates(found.sel(rule=rule)).items():
            np.testing.assert_array_equal(together[name].sel(rule=rule), values)


@pytest.mark.parametrize("rule", RULES)
def test_edges_are_those_of_the_stored_histograms(rule):
    generator = torch.Generator().manual_seed(0)
    large = [0.1 * torch.randn(n, generator=generator) + 0.01 for n in (60_000, 40_000, 50_000)]
    stored = weight_statistics(large, np.random.default_rng(0))
    layers = stored.sel(part=stored["layer"].values)
    edges = bin_edges(layers, rule)
    assert edges.shape == (3, cells(rule) + 1)
    ours = complexity_entropy(rebin(stored["counts"].values, FINE, edges))
    theirs = coordinates(layers.sel(rule=rule))
    np.testing.assert_allclose(ours.entropy, theirs["H"], atol=0.03)
    np.testing.assert_allclose(ours.c, theirs["c"], atol=0.02)


def test_an_unknown_rule_has_no_edges(found):
    with pytest.raises(ValueError, match="no bins of the rule 'wide': choose one of own"):
        bin_edges(found.sel(part="1"), "wide")


def test_gaussian_weights_are_their_own_family():
    weights = torch.from_numpy(np.random.default_rng(0).normal(0.01, 0.05, 200_000))
    stored = weight_statistics([weights, torch.ones(10)], np.random.default_rng(0)).sel(part="1")
    for rule in RULES:
        if rule == "robust":
            continue
        place, law = coordinates(stored.sel(rule=rule)), family_coordinates(stored, "gaussian", rule)
        assert float(law["H"]) == pytest.approx(float(place["H"]), abs=0.01)
        assert float(law["C"]) == pytest.approx(float(place["C"]), abs=0.01)
        assert abs(float(family_coordinates(stored, "laplace", rule)["H"] - place["H"])) > 0.05


def test_weights_that_decay_has_shrunk_to_rounding_errors_are_one_bin():
    """At 1e-30 they still differ, in digits that training no longer moves: no distribution to speak of."""
    shrunk = [torch.randn(64, 8) * 1e-30, torch.randn(8, 4)]
    stored = weight_statistics(shrunk, np.random.default_rng(0)).astype(np.float32)
    assert stored["entropy"].sel(part="1", rule="own", bins=256) > 5
    place = coordinates(stored)
    for rule in RULES:
        single = complexity_entropy(np.eye(1, cells(rule))[0])
        here = place.sel(part="1", rule=rule)
        assert here["H"] == here["C"] == here["h"] == here["c"] == 0
        assert float(here["D"]) == pytest.approx(float(single.disequilibrium))
    assert place["H"].sel(part="output", rule="own") > 3
