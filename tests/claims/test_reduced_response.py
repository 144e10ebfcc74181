"""Judges of the reduced system, on numbers made by hand."""

import numpy as np
import pytest
import xarray as xr

from lib.claims.reduced_response import response_between_tends_to_a_constant, response_is_a_power_law


def made(exponent=1.0, asymptote=1.0, fall=1.0, plateau=1.0, fall_one=5.0, worst=None):
    """A record of 2 slopes, 2 rates and 6 seeds with the same numbers everywhere, but for one slope and rate."""
    shape, jitter = (2, 2, 6), np.linspace(-1e-3, 1e-3, 6)
    dims = ("slope", "rate", "seed")
    numbers = {
        "exponent": exponent,
        "raw_exponent": 1.5,
        "asymptote": asymptote,
        "early_exponent": 1.0,
        "map_exponent": 0.9,
        "map_ratio": 1.0,
    }
    variables = {name: (dims, np.full(shape, value) + jitter) for name, value in numbers.items()}
    if worst is not None:
        variables["exponent"][1][0, 1] = worst + jitter
    over_targets = {"fall": (fall, fall_one), "plateau": (plateau, np.nan), "closed_form": (1e-9, 1e-9)}
    for name, (between, one) in over_targets.items():
        values = np.stack([np.full(shape, between) + jitter * (name != "closed_form")] * 2 + [np.full(shape, one)])
        variables[name] = (("target", *dims), values)
    coords = {"target": [0.5, 0.9, 1.0], "slope": [1.0, 2.0], "rate": [0.1, 1.0], "seed": range(6)}
    return xr.Dataset(variables, coords=coords)


def test_a_power_law_for_all_is_reproduced():
    found = response_is_a_power_law(made())
    assert found.verdict == "reproduced"
    assert len(found.conditions) == 4
    assert found.seeds == 6
    assert "4 of 4 flows and 0 maps" in found.text


@pytest.mark.parametrize(("changed", "verdict"), [({"exponent": 1.2}, "not reproduced"), ({"worst": 0.8}, "partly")])
def test_another_exponent_is_not(changed, verdict):
    found = response_is_a_power_law(made(**changed))
    assert found.verdict == verdict
    assert found.effect == pytest.approx(next(iter(changed.values())))


def test_the_asymptote_must_be_met_too():
    assert response_is_a_power_law(made(asymptote=1.3)).verdict == "not reproduced"


def test_without_target_1_there_is_nothing_to_judge():
    record = made().sel(target=[0.5, 0.9]).drop_vars("exponent")
    assert response_is_a_power_law(record) is None
    found = response_between_tends_to_a_constant(record)
    assert found.control == "target 1: not run"
    assert found.holds_in_control is None


def test_an_exponential_between_is_reproduced():
    found = response_between_tends_to_a_constant(made())
    assert found.verdict == "reproduced"
    assert found.holds_in_control is False
    assert len(found.conditions) == 2
    assert "0.5: 16" in found.text


@pytest.mark.parametrize("changed", [{"fall": 1.1}, {"plateau": 0.9}])
def test_another_rate_or_plateau_is_not(changed):
    assert response_between_tends_to_a_constant(made(**changed)).verdict == "not reproduced"


def test_a_test_that_target_1_passes_shows_nothing():
    found = response_between_tends_to_a_constant(made(fall_one=1.0))
    assert found.verdict == "partly"
    assert found.holds_in_control is True


def test_only_target_1_leaves_nothing_between():
    assert response_between_tends_to_a_constant(made().sel(target=[1.0])) is None


def test_judges_read_what_the_experiment_gives(smoke_record):
    record = smoke_record("reduced_response")
    for judge in (response_is_a_power_law, response_between_tends_to_a_constant):
        found = judge(record)
        assert found.seeds == record.sizes["seed"]
        assert found.verdict == "reproduced"
