"""Judge of fragility, on records made by hand."""

import numpy as np
import pytest

from lib.claims._feature_loss import pick
from lib.claims.fragility import SMOOTH, equal_loss, jumps, smooth_activations_are_less_fragile, when_reached
from lib.experiments.noise_courses import optimal_prediction

from .loss_record import BITS, made


def fragile(jump):
    """Fit and loss are reached halfway between the last two moments, where the fall is half of that in the end."""
    level = equal_loss(BITS)
    return {
        "prediction_at": (0.5, 0.85, 0.95),
        "prediction_beside": (0.5, 0.85, 0.95 - 2 * jump),
        "excess": (3 * level, 1.5 * level, 0.5 * level),
        "noisy": ("prediction_beside",),
    }


@pytest.mark.parametrize(("jump", "verdict"), [(0.05, "partly"), (0.2, "not reproduced")])
def test_smooth_activations_are_never_more_than_partly(jump, verdict):
    settings = {"pair, relu": fragile(0.1)} | {f"pair, {name}": fragile(jump) for name in SMOOTH}
    settings["pair, relu"]["spread"] = 5e-3  # seeds are paired, so noise that all share would cancel
    found = smooth_activations_are_less_fragile(made(settings))
    assert found.verdict == verdict
    assert found.effect == pytest.approx(jump - 0.1, abs=2e-3)
    assert len(found.conditions) == 8


def test_fit_and_loss_are_equal_where_jumps_are_read():
    found = jumps(pick(made({"pair, relu": fragile(0.1)}), "pair", "relu"), 0.1, BITS)
    assert {name: float(values.mean()) for name, values in found.items()} == {
        "equal fit": pytest.approx(0.1),
        "equal loss": pytest.approx(0.1),
    }


def test_a_level_never_reached_is_nan_and_one_at_the_start_the_start():
    measure = np.array([[0.0, 0.1], [0.9, 1.0]])
    found = when_reached(measure, np.array([[1.0, 2.0], [3.0, 4.0]]), 0.5)
    np.testing.assert_array_equal(found, [np.nan, 3.0])


def test_the_equal_loss_is_a_quarter_of_a_constants():
    best, elsewhere = optimal_prediction("pair", 8)
    weight = 0.2 + 0.8 / 256
    constants = np.linspace(0, 1, 100_001)
    least = (weight * (constants - best) ** 2 + (1 - weight) * (constants - elsewhere) ** 2).min()
    assert equal_loss(8) == pytest.approx(least / 4, rel=1e-6)


def test_the_judge_reads_what_the_experiment_gives(smoke_record):
    found = smooth_activations_are_less_fragile(smoke_record("feature_loss"))
    assert found is None or np.isfinite(found.effect)  # too short a run may not reach its levels


def test_a_record_without_the_settings_is_not_judged():
    assert smooth_activations_are_less_fragile(made({"clean, tanh": {}})) is None
