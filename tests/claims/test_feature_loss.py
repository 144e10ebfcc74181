"""Judges of the loss of features, on records made by hand."""

import numpy as np
import pytest
import xarray as xr

from lib.claims import feature_loss as judges
from lib.claims.feature_loss import (
    equal_loss,
    fixed_pair_makes_a_delta,
    jumps,
    loss_is_irreversible,
    lost_units_can_be_removed,
    mixed_labels_lower_the_mean_feature,
    pick,
    random_training_loses_features,
    smooth_activations_are_less_fragile,
    what_is_left_is_sensitive,
    when_reached,
)
from lib.experiments.feature_loss import LOST, TASKS, optimal_prediction

SEEDS, STEPS, BITS = 6, [0, 10, 100], 4
NOISE = np.linspace(-1, 1, SEEDS)
FOLLOWED = ("feature", "feature_at", "kernel", "off", "prediction_at", "prediction_beside", "excess")
BY_LOST = ("lost", "living_at", "lost_own", "lost_others", "reach", "without_lost", "without_random")
BY_TASK = ("revived", "regrown", "feature_after", "feature_fresh", "error_after", "error_fresh")
DELTA = [0.95, 0.6, 0.5, 0.5, 0.5]
SLOPE = [0.95, 0.8, 0.7, 0.6, 0.5]


def made(settings):
    """A record of settings, each a dictionary of values; a little noise makes seeds differ where `spread` says so."""
    rows = []
    for name, values in settings.items():
        spread = values.get("spread", 1e-3) * NOISE[None, :]
        row = {}
        for dims, names, size in (("step", FOLLOWED, 3), ("lost_by", BY_LOST, 2), ("task", BY_TASK, 2)):
            for each in names:
                given = np.broadcast_to(np.asarray(values.get(each, 0.5), dtype=float), (1, size))
                noise = spread if each in values.get("noisy", ("feature", "feature_at", "kernel")) else 0 * spread
                noise = noise[..., None] * (np.arange(size) == size - 1 if dims == "step" else 1)
                row[each] = (("rate", "seed", dims), given[:, None] + noise)
        profile = np.asarray(values.get("profile", DELTA))
        row["profile"] = (("rate", "seed", "distance"), profile + spread[..., None])
        row["farthest"] = (("rate", "seed"), 0.1 + 0 * spread)
        row["steps"] = ((), STEPS[-1])
        coords = {
            "rate": [0.1],
            "seed": np.arange(SEEDS),
            "step": STEPS,
            "distance": np.arange(BITS + 1),
            "lost_by": list(LOST),
            "task": list(TASKS),
        }
        rows.append(xr.Dataset(row, coords=coords).expand_dims(setting=[name]))
    return xr.concat(rows, "setting").assign_attrs(bits=BITS)


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


@pytest.mark.parametrize(
    ("others", "at", "calm", "verdict"),
    [
        (0.97, 0.99, 0.0, "reproduced"),
        (0.97, 0.5, 0.0, "not reproduced"),
        (0.3, 0.99, 0.0, "not reproduced"),
        (0.97, 0.99, 0.97, "partly"),
    ],
)
def test_what_is_left(others, at, calm, verdict):
    noisy = {"noisy": ("lost_others", "living_at")}
    settings = {
        "pair, relu": {"lost_others": others, "living_at": at, **noisy},
        "pair, relu, expected": {"lost_others": calm, "living_at": at, **noisy},
    }
    assert what_is_left_is_sensitive(made(settings)).verdict == verdict


@pytest.mark.parametrize(
    ("revived", "regrown", "elu", "verdict", "holds"),
    [
        (0.0, 0.01, 0.8, "reproduced", False),
        (0.0, 0.01, 0.0, "partly", True),
        (0.0, 0.9, 0.8, "partly", False),
        (0.5, 0.9, 0.8, "not reproduced", None),
    ],
)
def test_what_comes_back(revived, regrown, elu, verdict, holds):
    noisy = {"noisy": ("revived", "regrown"), "spread": 1e-4}
    settings = {
        "random, relu": {"revived": revived, "regrown": regrown, **noisy},
        "random, elu": {"revived": elu, "regrown": elu, **noisy},
    }
    found = loss_is_irreversible(made(settings))
    assert found.verdict == verdict
    assert found.holds_in_control is holds
    assert found.effect == pytest.approx(max(revived, regrown))


@pytest.mark.parametrize(
    ("lost", "at_random", "verdict", "holds"),
    [
        ((0.0, 1e-3), 0.2, "reproduced", False),
        ((0.0, 1e-3), 0.0, "partly", True),
        ((0.0, 0.1), 0.2, "partly", False),
        ((0.1, 0.1), 0.2, "not reproduced", None),
    ],
)
def test_what_can_be_removed(lost, at_random, verdict, holds):
    found = lost_units_can_be_removed(made({"pair, relu": {"without_lost": lost, "without_random": at_random}}))
    assert found.verdict == verdict
    assert found.holds_in_control is holds


def test_seeds_that_lost_nothing_are_left_out():
    record = made({"pair, relu": {"without_lost": (0.0, 1e-3), "without_random": 0.2}})
    record["without_lost"][..., 0, 0] = np.nan
    record["without_random"][..., 0, 0] = np.nan
    off, weak = lost_units_can_be_removed(record).conditions
    assert (off.seeds, weak.seeds) == (SEEDS - 1, SEEDS)


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
    settings = {"pair, relu": fragile(0.1)} | {f"pair, {name}": fragile(jump) for name in judges.SMOOTH}
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


JUDGES = [
    mixed_labels_lower_the_mean_feature,
    random_training_loses_features,
    fixed_pair_makes_a_delta,
    what_is_left_is_sensitive,
    loss_is_irreversible,
    lost_units_can_be_removed,
    smooth_activations_are_less_fragile,
]


@pytest.mark.parametrize("judged", JUDGES)
def test_judges_read_what_the_experiment_gives(smoke_record, judged):
    found = judged(smoke_record("feature_loss"))
    assert found is None or np.isfinite(found.effect)
    assert found is not None or judged is smooth_activations_are_less_fragile  # too short a run to reach its levels


@pytest.mark.parametrize("judged", JUDGES)
def test_a_record_without_the_settings_is_not_judged(judged):
    assert judged(made({"clean, tanh": {}})) is None
