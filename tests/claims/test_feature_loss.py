"""Judges of the loss of features, on records made by hand."""

import numpy as np
import pytest

from lib.claims.feature_loss import (
    fixed_pair_makes_a_delta,
    mixed_labels_lower_the_mean_feature,
    random_training_loses_features,
)
from lib.experiments.noise_courses import optimal_prediction

from .loss_record import BITS, DELTA, SLOPE, made


def labels(mixed, clean=(0.2, 0.2, 0.3), calm=(0.2, 0.2, 0.3)):
    settings = {}
    for activation in ("relu", "elu"):
        settings[f"clean, {activation}"] = {"feature": clean, "feature_at": clean}
        for p in ("0.1", "0.5"):
            settings[f"mixed {p}, {activation}"] = {"feature": mixed, "feature_at": mixed}
            settings[f"mixed {p}, {activation}, expected"] = {"feature": calm, "feature_at": calm}
    return made(settings)


def test_mixed_labels_that_lower_the_mean_feature():
    found = mixed_labels_lower_the_mean_feature(labels((0.2, 0.15, 0.1)))
    assert found.verdict == "reproduced"
    assert found.effect == pytest.approx(-0.1)
    assert found.holds_in_control is False
    assert len(found.conditions) == 8


def test_a_fall_without_noise_is_not_one_of_noise():
    found = mixed_labels_lower_the_mean_feature(labels((0.2, 0.15, 0.1), calm=(0.2, 0.15, 0.1)))
    assert found.verdict == "partly"
    assert found.holds_in_control is True


@pytest.mark.parametrize(("mixed", "clean"), [((0.2, 0.2, 0.3), (0.2, 0.2, 0.3)), ((0.2, 0.2, 0.1), (0.2, 0.2, 0.1))])
def test_both_signs_are_needed(mixed, clean):
    assert mixed_labels_lower_the_mean_feature(labels(mixed, clean)).verdict == "not reproduced"


def random_record(last, calm_last=1.0):
    return made(
        {
            "random, relu": {"feature": (0.25, 0.2, 0.25 * last), "kernel": (25, 20, 25 * last)},
            "random, relu, expected": {"feature": (0.25, 0.2, 0.25 * calm_last), "kernel": (25, 20, 25 * calm_last)},
            "random, elu": {"kernel": (20, 10, 10)},
        }
    )


@pytest.mark.parametrize(
    ("last", "calm", "verdict", "holds"),
    [(0.02, 1.0, "reproduced", False), (0.02, 0.02, "partly", True), (0.3, 1.0, "not reproduced", None)],
)
def test_random_training(last, calm, verdict, holds):
    found = random_training_loses_features(random_record(last, calm))
    assert found.verdict == verdict
    assert found.holds_in_control is holds
    assert found.effect == pytest.approx(1 - last, abs=0.01)
    assert "ELU 50 % at rate 0.1" in found.text


def test_the_smaller_fall_counts():
    record = random_record(0.02)
    record["kernel"].loc[{"setting": "random, relu", "step": 100}] = 20.0
    assert random_training_loses_features(record).effect == pytest.approx(0.2)


def test_a_delta_that_needs_no_noise_is_partly():
    found = fixed_pair_makes_a_delta(made({"pair, relu": {}, "pair, relu, expected": {}}))
    assert found.verdict == "partly"
    assert found.holds_in_control is True
    assert f"{optimal_prediction('pair', BITS)[0]:.2f} at x_o" in found.text


def test_a_delta_that_only_noise_makes_is_reproduced_and_a_slope_is_none():
    found = fixed_pair_makes_a_delta(made({"pair, relu": {}, "pair, relu, expected": {"profile": SLOPE}}))
    assert found.verdict == "reproduced"
    assert fixed_pair_makes_a_delta(made({"pair, relu": {"profile": SLOPE}})).verdict == "not reproduced"
    assert fixed_pair_makes_a_delta(made({"pair, relu": {"profile": [0.8, *DELTA[1:]]}})).verdict == "not reproduced"


def test_distances_do_not_make_up_for_each_other():
    """Predictions above and below 1/2 are no 1/2, though their mean is."""
    profile = [0.95, 0.6, 0.7, 0.5, 0.3]
    assert fixed_pair_makes_a_delta(made({"pair, relu": {"profile": profile}})).verdict == "not reproduced"


JUDGES = [mixed_labels_lower_the_mean_feature, random_training_loses_features, fixed_pair_makes_a_delta]


@pytest.mark.parametrize("judged", JUDGES)
def test_judges_read_what_the_experiment_gives(smoke_record, judged):
    assert np.isfinite(judged(smoke_record("feature_loss")).effect)


@pytest.mark.parametrize("judged", JUDGES)
def test_a_record_without_the_settings_is_not_judged(judged):
    assert judged(made({"clean, tanh": {}})) is None
