"""The judges of K25 to K28 give the right verdict on records whose answer is known."""

import numpy as np
import pytest
import xarray as xr

from lib.claims import judges
from lib.claims.reproducibility import Runs, drawn_accuracies, sd_difference, spread_ratios
from lib.measures.subsets import subset_accuracies

from .deep_record import EPOCHS, hump, level, network, record

WIDE = "MNIST, 6 x 256"


def judged(claim, *networks):
    return judges()[claim].function(record(*networks))


# -- K25, K26 ---------------------------------------------------------------------------------------------------------


def test_draws_spread_as_the_hypergeometric_law_says():
    rng = np.random.default_rng(0)
    correct = rng.random((2, 3000)) < np.array([[0.5], [0.95]])
    accuracies = subset_accuracies(correct, 500, 2000, 1)
    for averaged, sets in ((1, 100), (20, 5)):
        ratios = spread_ratios(accuracies, correct, averaged)
        assert ratios.shape == (2, sets)
        assert ratios.mean() == pytest.approx(1, abs=0.35 / np.sqrt(sets / 2))
    assert np.isnan(spread_ratios(np.ones((1, 20)), np.ones((1, 1000), dtype=bool), 1)).all()


def test_draws_are_the_same_at_every_epoch_and_others_for_another_seed():
    chosen = network(samples=1200).isel(network=0)
    one = chosen["shift"].isel(seed=0, epoch=0, drop=True)
    chosen["shift"] = one.expand_dims(seed=chosen["seed"], epoch=chosen["epoch"])
    correct, drawn = drawn_accuracies(chosen, [5, 10], draws=40)
    assert correct.shape == (3, 2, 1200)
    assert drawn.shape == (3, 2, 40)
    np.testing.assert_array_equal(drawn[:, 0], drawn[:, 1])
    assert (drawn[0, 0] != drawn[1, 0]).any()


def test_spread_that_is_sampling_alone_is_not_reproduced():
    result = judged("K25", *(network(name, 3, samples=2000) for name in ("MNIST", "CIFAR-10")))
    assert len(result.conditions) == 4
    assert result.verdict != "reproduced"
    assert "sampling gives a ratio of 1 ± 0.32" in result.control
    assert "(1.0" in result.conditions[0].note or "(0.9" in result.conditions[0].note  # over all draws


def test_spread_needs_more_than_500_test_images():
    assert judged("K25", network(samples=300)) is None


def test_accuracy_within_half_a_point_is_competitive():
    def gaining(points):
        return lambda seed: 0.1 - 0.01 * points * np.clip((EPOCHS - 25) / 25, 0, 1) + 1e-4 * seed

    pair = [network("MNIST", test_error=gaining(0.4)), network("CIFAR-10", test_error=gaining(1.4))]
    result = judged("K26", *pair)
    assert result.verdict == "reproduced"
    pair = [network("MNIST", test_error=gaining(0.8)), network("CIFAR-10", test_error=gaining(1.4))]
    assert judged("K26", *pair).verdict == "partly"
    assert judged("K26", network("MNIST", 1, test_error=gaining(3))).verdict == "not reproduced"


# -- K27, K28 ---------------------------------------------------------------------------------------------------------


def stopped(seeds=10, spread=None, peak=25, lowest=45, share=None, samples=400):
    """Return a network whose seeds scatter by `spread`, and differ in a `share` of answers, epoch by epoch."""
    spread = np.full(51, 0.01) if spread is None else spread
    share = np.full(51, 0.1) if share is None else share
    found = network(
        WIDE,
        seeds,
        entropy=hump(peak) if np.isscalar(peak) else peak,
        test_error=lambda seed: 0.1 + spread * np.random.default_rng(seed).standard_normal(),
        validation_loss=lambda seed: 1 + np.abs(EPOCHS - lowest) / 50,
        samples=samples,
    )
    rng = np.random.default_rng(9)
    answers = np.where(rng.random((seeds, 51, samples)) < share[:, None], rng.integers(1, 10, (seeds, 51, samples)), 0)
    return found.assign(shift=(found["shift"].dims, answers[None].astype(np.uint8)))


def calm(low, high, inside, outside):
    return np.where((low <= EPOCHS) & (high >= EPOCHS), inside, outside)


def test_disagreement_is_the_share_of_answers_that_differ():
    answers = np.array([[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 2, 2]])[:, None]
    runs = Runs(answers, np.ones((3, 1)))
    np.testing.assert_allclose(runs.disagreement(np.zeros(3, dtype=int)), [0.375, 0.375, 0.5])


def test_sd_difference_covers_what_is_known():
    rng = np.random.default_rng(4)
    narrow, wide = rng.standard_normal((1, 40)), 3 * rng.standard_normal((1, 40))
    found = sd_difference(narrow, wide)
    assert found.high < 0
    assert found.low < -2 < found.high
    same = sd_difference(narrow, narrow)
    assert float(same.low) == float(same.mean) == float(same.high) == 0
    assert np.isnan(sd_difference(narrow[:, :4], wide[:, :4]).low)


def test_guided_seeds_that_agree_more_are_not_better_than_the_clock():
    network_ = stopped(spread=calm(18, 37, 0.001, 0.03), share=calm(18, 37, 0.02, 0.3))
    result = judged("K27", network_)
    assert all(condition.passes for condition in result.conditions)
    assert len(result.conditions) == 20
    assert result.holds_in_control is None  # the region of epochs is a clock itself and has no such control
    assert {c.holds_in_control for c in result.conditions if "e* of C" in c.name} == {True}
    assert result.verdict == "partly"


def test_guided_seeds_that_agree_less_are_not_reproduced():
    result = judged("K27", stopped(spread=calm(18, 37, 0.05, 0.005), share=calm(18, 37, 0.3, 0.02)))
    assert result.verdict == "not reproduced"
    assert result.effect > 0


def test_stopping_needs_several_seeds_and_held_out_images():
    assert judged("K27", network()) is None
    assert judged("K28", stopped(seeds=1)) is None
    without = stopped().drop_vars("validation_loss")
    assert judges()["K27"].function(without) is None


def test_complexity_stops_where_accuracy_is_the_same():
    result = judged("K28", stopped(peak=10))
    assert result.conditions[0].passes
    assert result.holds_in_control
    assert result.verdict == "partly"  # a fixed epoch does it too
    assert "35.0 epochs before" in result.conditions[0].note


def test_complexity_stops_too_early():
    low = np.where(EPOCHS < 20, 0.1, 0.0)
    found = stopped(peak=10)
    found["test_error"] = found["test_error"] + xr.DataArray(low, dims="epoch")
    result = judges()["K28"].function(found)
    assert result.verdict == "not reproduced"
    assert result.effect == pytest.approx(-10, abs=0.5)


def test_a_complexity_that_never_turns_stops_last():
    result = judged("K28", stopped(peak=level(10) + EPOCHS / 100))
    assert "5.0 epochs after" in result.conditions[0].note
