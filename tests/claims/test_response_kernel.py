"""Judges of the shape of the response kernel, on kernels made by hand."""

import numpy as np
import pytest

from lib.claims.response_kernel import (
    change_explained,
    constants_explain_the_kernel,
    kernel_falls_with_distance,
    only_elus_kernel_is_negative,
    only_elus_kernel_is_s_shaped,
    peak_moves_away,
    response_is_a_product,
    s_shaped,
    wrong_labels_hold_the_kernel,
)

from .response_record import DISTANCE, FALLING, record, setting

HUMP = np.exp(-(((DISTANCE - 4) / 2.0) ** 2))
S_CURVE = np.cos(np.pi * DISTANCE / 8)


def plain(**change):
    return record({"ReLU": setting(**change), "ELU": setting(**change)})


def test_a_constant_kernel_is_a_product():
    assert response_is_a_product(plain()).verdict == "reproduced"
    found = response_is_a_product(plain(late_profile=HUMP))
    assert found.verdict == "partly"
    assert "output, all epochs" in found.measure


def test_a_kernel_falls_with_distance_before_training_too():
    found = kernel_falls_with_distance(plain())
    assert found.effect == -1
    assert found.holds_in_control is True
    assert found.verdict == "partly"
    assert "permuted strings: -1" not in found.control
    assert kernel_falls_with_distance(plain(profile=HUMP)).verdict == "not reproduced"


def test_a_peak_must_move_in_the_output_and_not_in_the_logit():
    found = peak_moves_away(plain(late_profile=HUMP))
    assert found.verdict == "reproduced"
    assert found.effect == 4
    assert found.holds_in_control is False
    assert peak_moves_away(plain()).verdict == "not reproduced"


def test_signs_are_judged_by_activation():
    made = record({"ReLU": setting(negative=0.0), "ELU": setting(negative=0.3)})
    found = only_elus_kernel_is_negative(made)
    assert [condition.passes for condition in found.conditions] == [True, True]
    assert found.holds_in_control is True  # it is so before training
    both = only_elus_kernel_is_negative(plain(negative=0.3))
    assert [condition.passes for condition in both.conditions] == [False, True]


def test_an_s_has_one_change_of_curvature_and_a_negative_end():
    assert s_shaped(S_CURVE)
    assert not s_shaped(S_CURVE + 2)
    assert not s_shaped(FALLING - 0.5)
    made = record({"ReLU": setting(), "ELU": setting(profile=S_CURVE)})
    assert [condition.passes for condition in only_elus_kernel_is_s_shaped(made).conditions] == [True, True]


@pytest.mark.parametrize(("late", "passes"), [(0.9 * FALLING + 0.1 * HUMP, True), (HUMP, None)])
def test_kernels_must_vary_less_with_wrong_labels(late, passes):
    settings = {
        "ReLU": setting(late_profile=0.5 * FALLING + 0.5 * HUMP),
        "ReLU, 10 % wrong": setting(late_profile=late),
    }
    found = wrong_labels_hold_the_kernel(record(settings))
    (output,) = (c for c in found.conditions if c.name.endswith("output, change"))
    assert output.passes is True if passes else output.passes is False
    assert output.effect < 0 if passes else output.effect > 0


def test_a_line_explains_a_line():
    made = plain()
    assert change_explained(made.isel(setting=0, rate=0)) == pytest.approx(1, abs=1e-6)
    assert constants_explain_the_kernel(made).effect == pytest.approx(0.99)
    found = constants_explain_the_kernel(plain(linear=0.7, late_profile=HUMP))
    assert found.verdict == "not reproduced"


def test_judges_read_what_the_experiment_gives(smoke_record):
    made = smoke_record("training_response")
    for judge in (
        response_is_a_product,
        kernel_falls_with_distance,
        peak_moves_away,
        only_elus_kernel_is_negative,
        only_elus_kernel_is_s_shaped,
        wrong_labels_hold_the_kernel,
        constants_explain_the_kernel,
    ):
        assert judge(made).conditions
