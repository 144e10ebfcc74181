"""The judges of B1 to B5, B7 and B8 give the right verdict on records whose answer is known."""

import math

import numpy as np
import ordpy
import pytest
import torch
import xarray as xr
from scipy import stats

from lib import experiments
from lib.claims import weight_evolution as judges
from lib.experiments.networks import data_sets, one_network
from lib.experiments.weight_statistics import FINE

from .evolution_record import (
    ALL,
    HIDDEN,
    PIXELS,
    SEEDS,
    SIZES,
    SNAPSHOTS,
    TIME,
    TRUE_LABELS,
    judged,
    learns,
    made,
    per_seed,
    uniform_counts,
)

# -- what the judges share


def test_networks_are_told_from_their_variants():
    record = made()
    assert data_sets(record) == list(TRUE_LABELS)
    assert one_network(record, "MNIST, random labels")["network"] == "MNIST, random labels"
    assert one_network(record, "MNIST, SGD 0.1") is None


@pytest.mark.parametrize("claim", [f"B{number}" for number in range(1, 8)])
def test_nothing_is_judged_without_the_network_of_a_data_set(claim):
    assert judged(claim, made(("MNIST, random labels",))) is None


def test_seeds_that_were_not_run_are_left_out_and_said():
    record = made(h=lambda _: per_seed(0.9 - 0.1 * TIME))
    record = xr.concat([record, made(seeds=1).assign_coords(seed=[9])], "seed", data_vars="minimal")
    gaps = record.where(record["seed"] < 1)
    gaps["edge"] = record["edge"]
    assert one_network(gaps, "MNIST").sizes["seed"] == 1
    assert one_network(gaps.where(gaps["seed"] < 0), "MNIST") is None
    result = judged("B4", gaps)
    assert result.seeds == 1
    assert result.verdict == "partly"
    assert all("1 seed: no interval" in condition.note for condition in result.conditions)


@pytest.mark.parametrize("claim", [f"B{number}" for number in range(1, 9)])
@pytest.mark.parametrize(
    "networks", [("MNIST",), ("MNIST", "MNIST, random labels"), ("MNIST", "Fashion-MNIST"), (*ALL, "MNIST, SGD 0.1")]
)
def test_any_part_of_the_networks_is_judged(claim, networks):
    result = judged(claim, made(networks))
    assert np.isfinite(result.effect)
    if claim in ("B2", "B4", "B5", "B7") and len(networks) < 4:
        assert "Not run: " in result.text


# -- B1


def test_uniform_weights_are_called_uniform():
    result = judged("B1", made())
    assert result.verdict == "reproduced"
    assert "are compatible" in result.text
    assert len(result.conditions) == 2 * 3 * 4


@pytest.mark.parametrize(
    "law",
    [
        lambda generator, bound, size: generator.normal(0, bound / 2, size),
        lambda generator, bound, size: generator.uniform(-1.05 * bound, 1.05 * bound, size),
        lambda generator, bound, size: generator.uniform(-0.9 * bound, 0.9 * bound, size),
    ],
    ids=["normal", "wider", "narrower"],
)
def test_other_weights_are_not(law):
    result = judged("B1", made(counts=lambda _: uniform_counts(SEEDS, law)))
    assert result.verdict == "not reproduced"
    assert "are not compatible" in result.text


def test_high_entropy_under_one_rule_only_is_partly():
    record = made()
    record["entropy"] = record["entropy"].where(record["rule"] == "own", 0.5 * record["entropy"])
    result = judged("B1", record)
    assert result.verdict == "partly"
    assert "own 6 of 6, fixed 0 of 6" in result.text


def test_complexity_that_is_not_low_fails_even_where_entropy_is_high():
    assert judged("B1", made(c=lambda _: 0.02)).verdict == "not reproduced"


def test_distance_at_edges_is_scipys_within_a_bin():
    values = np.random.default_rng(0).uniform(-0.1, 0.1, 2000)
    counts = np.histogram(values, FINE)[0]
    exact = stats.kstest(values, stats.uniform(-0.1, 0.2).cdf).statistic
    ours = float(judges._kolmogorov(counts, judges._uniform_at(FINE, 0.1)))
    assert exact - (counts / 2000).max() <= ours <= exact + 1e-12


def test_layers_have_the_inputs_of_their_units():
    assert judges._fans_in(one_network(made(), "MNIST")) == [PIXELS, HIDDEN, HIDDEN]


# -- B2


def bands(last, random=None):
    """A share of 0.01 before that becomes `last` = ((weight: all, live), (displacement: all, live)) after."""

    def of(network):
        share = np.full((SEEDS, SNAPSHOTS, 2, 2, 2), 0.01)
        share[:, 0, 1] = np.nan  # nothing has moved yet
        share[:, -1, :, :, 0] = last if learns(network) or random is None else random
        return share * (1 + 0.01 * np.arange(SEEDS))[:, None, None, None, None]

    return of


def test_bands_beyond_the_controls_are_reproduced():
    result = judged("B2", made(bands=bands(np.full((2, 2), 0.1), np.full((2, 2), 0.02))))
    assert result.verdict == "reproduced"
    assert result.effect == pytest.approx(10)
    assert [condition.control for condition in result.conditions] == pytest.approx([2.0] * 8)


def test_bands_under_random_labels_too_are_not_because_of_learning():
    result = judged("B2", made(bands=bands(np.full((2, 2), 0.1))))
    assert result.verdict == "partly"
    assert result.holds_in_control


def test_bands_on_dead_pixels_only_are_partly():
    result = judged("B2", made(bands=bands(np.array([[0.1, 0.01], [0.1, 0.01]]), np.full((2, 2), 0.01))))
    assert result.verdict == "partly"
    assert "4 of 8 ratios exceed 3, 0 of them on live pixels" in result.text


def test_no_bands_are_not_reproduced():
    assert judged("B2", made(bands=bands(np.full((2, 2), 0.02)))).verdict == "not reproduced"


def test_bands_without_the_control_are_at_most_partly():
    result = judged("B2", made(TRUE_LABELS, bands=bands(np.full((2, 2), 0.1))))
    assert result.verdict == "partly"
    assert "random labels were not run" in result.control


def test_bands_under_other_batches_are_reported_and_do_not_decide():
    names = (*ALL, "MNIST, batch 100")
    with_batch, without = judged("B2", made(names)), judged("B2", made(ALL))
    assert with_batch.verdict == without.verdict
    assert "MNIST with batch 100, 5 seeds: 0 of 4 pass." in with_batch.text
    assert "batch" not in without.text


# -- B3


def test_entropy_that_falls_is_ordered():
    result = judged("B3", made(h=lambda _: per_seed(0.99 - 0.1 * TIME)))
    assert result.verdict == "reproduced"
    assert result.effect == pytest.approx(-0.1 * math.log2(256), rel=1e-6)
    assert result.effect == max(condition.effect for condition in result.conditions)


def test_entropy_that_rises_is_not():
    assert judged("B3", made(h=lambda _: per_seed(0.8 + 0.1 * TIME))).verdict == "not reproduced"


def test_entropy_that_does_not_move_is_not():
    assert judged("B3", made()).verdict == "not reproduced"


def test_a_fall_that_is_the_bias_only_is_not():
    # 150 more occupied bins take 150 / (2 n) nats from the plug-in entropy, which the correction gives back
    bias = 150 / (2 * SIZES["output"]) / math.log(2)
    result = judged(
        "B3",
        made(
            h=lambda _: per_seed(0.9 - bias / 8.1 * TIME, spread=1e-6),
            occupied=lambda _: np.rint(50 + 150 * TIME)[None, :, None],
        ),
    )
    assert result.verdict == "not reproduced"
    assert "without correction -0.02" in result.conditions[0].note


def test_what_became_of_the_width_is_said():
    result = judged("B3", made(sd=lambda _: (0.05 + 0.1 * TIME)[None, :, None]))
    assert "the standard deviation is 3.00 times as large" in result.text


# -- B8


def test_formulas_are_ordpys():
    result = judged("B8", made(("MNIST",)))
    assert result.verdict == "reproduced"
    assert result.seeds == 0
    assert result.effect < 1e-8


def test_published_values_are_those_of_ordpy():
    series = [4, 7, 9, 10, 6, 11, 3]
    assert ordpy.complexity_entropy(series, dx=2) == pytest.approx(judges.PUBLISHED[0][1:])
    assert ordpy.complexity_entropy([[1, 2, 1], [8, 3, 4], [6, 7, 5]], dx=2, dy=2) == pytest.approx(
        judges.PUBLISHED[1][1:]
    )
    assert ordpy.complexity_entropy(judges.PUBLISHED[2][0], dx=3, probs=True) == pytest.approx(judges.PUBLISHED[2][1:])
    image = [[1, 2, 1, 4], [8, 3, 4, 5], [6, 7, 5, 6]]
    assert ordpy.complexity_entropy(image, dx=3, dy=2) == pytest.approx(judges.PUBLISHED[3][1:])


# -- all


def test_judges_read_what_the_experiment_gives():
    config = experiments.get("weight_evolution").config("smoke")
    record = experiments.get("weight_evolution").run(config, device=torch.device("cpu"))
    for number in range(1, 9):
        for part in (record, record.isel(seed=[0]), record.sel(network=["digits"])):
            judgement = judged(f"B{number}", part)
            assert np.isfinite(judgement.effect)
            assert judgement.seeds == (0 if number == 8 else part.sizes["seed"])
            assert number in (1, 8) or judgement.verdict != "reproduced"
