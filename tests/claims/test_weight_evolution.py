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


# -- B4, B5


def only_when_learning(start, step):
    return lambda network: per_seed(start + step * (TIME if learns(network) else np.cos(9 * TIME)))


@pytest.mark.parametrize(("claim", "quantity", "sign"), [("B4", "h", -1), ("B5", "c", 1)])
def test_trends(claim, quantity, sign):
    def trend(direction):
        return judged(claim, made(**{quantity: only_when_learning(0.5, 0.1 * direction)}))

    right, wrong = trend(sign), trend(-sign)
    assert right.verdict == "reproduced"
    assert right.effect == pytest.approx(sign)
    assert len(right.conditions) == 2 * 3 * 4
    assert wrong.verdict == "not reproduced"

    both = judged(claim, made(**{quantity: lambda _: per_seed(0.5 + 0.1 * sign * TIME)}))
    assert both.verdict == "partly"
    assert both.holds_in_control
    assert "passed in 24 of 24" in both.control


@pytest.mark.parametrize(("claim", "quantity", "sign"), [("B4", "h", -1), ("B5", "c", 1)])
def test_a_trend_under_one_rule_is_partly(claim, quantity, sign):
    record = made(**{quantity: only_when_learning(0.5, 0.1 * sign)})
    for name in ("entropy", "disequilibrium"):
        record[name] = record[name].where(record["rule"] != "fixed", record[name].isel(snapshot=0))
    result = judged(claim, record)
    assert result.verdict == "partly"
    assert "own 6 of 6, fixed 0 of 6" in result.text


def test_a_missing_data_set_leaves_partly():
    record = made(("MNIST", "MNIST, random labels"), h=only_when_learning(0.5, -0.1))
    result = judged("B4", record)
    assert all(condition.passes for condition in result.conditions)
    assert result.verdict == "partly"
    assert "Not run: Fashion-MNIST; Fashion-MNIST, random labels." in result.text


def test_another_optimizer_is_reported_and_does_not_decide():
    def of(network):
        return per_seed(0.5 - 0.1 * TIME) if network != "MNIST, SGD 0.1" else per_seed(0.5 + 0.1 * TIME)

    with_sgd, without = (judged("B4", made(names, h=of)) for names in ((*ALL, "MNIST, SGD 0.1"), ALL))
    assert with_sgd.verdict == without.verdict
    assert "MNIST with SGD 0.1, 5 seeds: 0 of 12 pass." in with_sgd.text
    assert "SGD" not in without.text


def test_bands_under_other_batches_are_reported_and_do_not_decide():
    names = (*ALL, "MNIST, batch 100")
    with_batch, without = judged("B2", made(names)), judged("B2", made(ALL))
    assert with_batch.verdict == without.verdict
    assert "MNIST with batch 100, 5 seeds: 0 of 4 pass." in with_batch.text
    assert "batch" not in without.text


def test_the_text_sees_every_tenth_snapshot():
    hundred = made(h=lambda _: 0.9).isel(snapshot=np.arange(101) % SNAPSHOTS)
    zigzag = 0.9 - 0.001 * np.arange(101) + 0.05 * (np.arange(101) % 2)
    hundred["entropy"] = hundred["entropy"] * 0 + xr.DataArray(zigzag * 8, dims="snapshot")
    result = judged("B4", hundred)
    assert result.effect == pytest.approx(-1)
    assert "all snapshots -0." in result.conditions[0].note


# -- B7


def falling_error(network):
    return (0.5 - 0.4 * TIME)[None] if learns(network) else 0.9


def test_complexity_that_rises_with_accuracy_and_over_seeds_is_reproduced():
    skill = np.array([0.3, 0.1, 0.4, 0.2, 0.0])[:, None]
    result = judged(
        "B7",
        made(
            c=lambda n: (0.1 + 0.1 * TIME + 0.01 * skill)[..., None] if learns(n) else per_seed(0.1 - 0.05 * TIME),
            test_error=lambda n: falling_error(n) - 0.01 * skill,
        ),
    )
    assert result.verdict == "reproduced"
    assert result.effect == pytest.approx(1)
    assert {condition.effect for condition in result.conditions} == {1.0}


def test_complexity_that_rises_under_random_labels_too_says_nothing():
    result = judged("B7", made(c=lambda _: per_seed(0.1 + 0.1 * TIME), test_error=falling_error))
    assert result.verdict == "partly"
    over = [condition for condition in result.conditions if condition.name.startswith("over snapshots")]
    within = [condition for condition in result.conditions if condition.name.startswith("over seeds")]
    assert all(condition.passes and condition.holds_in_control for condition in over)
    assert not any(condition.passes for condition in within)


def test_complexity_that_falls_is_not_performance():
    result = judged("B7", made(c=lambda _: per_seed(0.2 - 0.1 * TIME), test_error=falling_error))
    assert result.verdict == "not reproduced"


def test_accuracy_that_stays_is_no_correlation():
    result = judged("B7", made(c=lambda _: per_seed(0.1 + 0.1 * TIME)))
    assert result.verdict == "not reproduced"
    assert result.effect == 0


@pytest.mark.parametrize("seeds", [3, 4, 5, 8])
def test_seeds_are_compared_by_permutation(seeds):
    rising = np.arange(seeds)[:, None] + np.zeros(10)
    condition = judges._within("", rising, rising)
    assert condition.effect == 1
    assert condition.passes is (True if seeds >= 5 else None)
    unrelated = np.random.default_rng(0).random((seeds, 10))
    assert judges._within("", rising, unrelated).passes is None


def test_permutations_keep_their_level():
    generator = np.random.default_rng(0)
    # accuracy that differs between seeds, alike in all snapshots: the hard case for a test over snapshots
    passed = [
        judges._within("", np.tile(generator.random((5, 1)), 10), np.tile(generator.random((5, 1)), 10)).passes
        for _ in range(400)
    ]
    assert np.mean([answer is True for answer in passed]) < 0.05


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
