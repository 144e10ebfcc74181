"""Judges of the decay of the training response, on curves made by hand."""

import numpy as np
import pytest

from lib.claims.response_decay import (
    constant_kernel_exponents,
    elu_decays_alike,
    exponents_are_the_same,
    regression_converges,
    relu_decays_as_a_power_law,
    wrong_labels_blur_the_law,
)

from .response_record import record, setting


def test_a_power_law_is_reproduced_and_an_exponential_is_not():
    found = relu_decays_as_a_power_law(record({"ReLU": setting(scatter=0.01)}))
    assert found.verdict == "reproduced"
    assert [round(condition.effect, 2) for condition in found.conditions] == [1.5, 1.0]
    assert relu_decays_as_a_power_law(record({"ReLU": setting(law="exponential")})).verdict == "not reproduced"


def test_rate_1_is_a_control_and_no_condition():
    found = relu_decays_as_a_power_law(record({"ReLU": setting()}, rates=(0.1, 1.0)))
    assert all("rate 0.1" in condition.name for condition in found.conditions)
    assert "rate 1: raw 1.50 (a power law)" in found.control


def test_a_constant_kernel_gives_its_own_exponents(smoke_record):
    """From the measured kernel the map of eqs. 21 and 22 comes near 1 and 3/2 in the end."""
    runs = record({"ReLU": setting()}).isel(setting=0, rate=0)
    found = constant_kernel_exponents(runs)
    assert found["raw"].shape == (6,)
    assert (np.abs(found["divided"] - 1) < 0.2).all()
    np.testing.assert_allclose(found["raw"] - found["divided"], found["divided"] / 2, atol=0.1)


def test_elu_must_not_differ():
    same = {"ReLU": setting(scatter=0.02), "ELU": setting(scatter=0.02, seed=1)}
    assert elu_decays_alike(record(same)).verdict == "reproduced"
    other = {"ReLU": setting(scatter=0.02), "ELU": setting(exponent=1.8, scatter=0.02, seed=1)}
    found = elu_decays_alike(record(other))
    assert found.verdict == "not reproduced"
    assert found.effect == pytest.approx(0.3, abs=0.02)
    assert elu_decays_alike(record({"ReLU": setting()})) is None


def test_spread_is_that_over_seeds_and_between_settings():
    alike = {"ReLU": setting(scatter=0.01), "ELU": setting(scatter=0.01, seed=1)}
    assert exponents_are_the_same(record(alike)).verdict == "reproduced"
    apart = {"ReLU": setting(), "ELU": setting(exponent=1.8)}
    found = exponents_are_the_same(record(apart))
    assert found.verdict == "partly"
    assert found.effect == pytest.approx(0.3 / np.sqrt(2), abs=0.01)


def test_wrong_labels_must_blur_the_law_and_change_the_slope():
    clean, blurred = setting(), setting(exponent=0.3, scatter=0.5)
    found = wrong_labels_blur_the_law(record({"ReLU": clean, "ReLU, 10 % wrong": blurred}))
    assert found.verdict == "reproduced"
    same = wrong_labels_blur_the_law(record({"ReLU": clean, "ReLU, 10 % wrong": setting(scatter=0.01, seed=3)}))
    assert same.verdict == "not reproduced"
    control = {"ReLU": clean, "ReLU, 10 % wrong": blurred, "ReLU, target 0.9": blurred}
    assert wrong_labels_blur_the_law(record(control)).holds_in_control is True


def test_regression_must_fall_as_an_exponential():
    settings = {"ReLU": setting(), "ReLU, target 0.7": setting(law="exponential", scatter=0.001)}
    found = regression_converges(record(settings))
    assert found.verdict == "reproduced"
    assert found.effect == pytest.approx(0, abs=0.01)
    slow = {"ReLU": setting(), "ReLU, target 0.7": setting()}
    assert regression_converges(record(slow)).verdict == "not reproduced"


def test_judges_read_what_the_experiment_gives(smoke_record):
    made = smoke_record("training_response")
    for judge in (
        relu_decays_as_a_power_law,
        elu_decays_alike,
        exponents_are_the_same,
        wrong_labels_blur_the_law,
        regression_converges,
    ):
        assert judge(made).conditions


def test_spread_between_settings_is_known_as_well_as_seeds_allow():
    noisy = {"ReLU": setting(scatter=0.3), "ELU": setting(scatter=0.3, seed=1)}
    between = exponents_are_the_same(record(noisy)).conditions[2]
    assert between.name.startswith("between settings")
    assert between.interval is not None
    assert between.interval[0] < between.effect < between.interval[1]
    assert between.seeds > 1
