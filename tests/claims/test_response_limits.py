"""Judges of the limits of the response's theory, on errors made by hand."""

import numpy as np
import pytest
import xarray as xr

from lib.claims.response_limits import (
    by_rate,
    by_width,
    first_order_gives_the_response,
    responses_add_up,
    wide_networks_keep_their_kernel,
)
from lib.experiments.response_limits import FORMS, PARAMETRISATIONS, SUMS

RATES, WIDTHS, SEEDS = np.array([1e-4, 1e-3, 1e-2, 1e-1]), np.array([8, 128, 512, 2048]), 6


def made(power=1.0, bare=0.0, torch=-0.8, tangent=-0.6):
    """A record whose errors go as powers of the rate, and whose kernels as powers of the width, over 6 seeds."""
    rng = np.random.default_rng(0)

    def spread(*shape):
        return np.exp(rng.normal(0, 0.01, (*shape, SEEDS)))

    def powers(names, right):
        each = [power if name in right else bare for name in names]
        return np.stack([0.3 * RATES**one for one in each])[..., None]

    first = powers(FORMS, ("both gates",)) * spread(2, 2, len(FORMS), len(RATES))
    sums = powers(SUMS, ("single steps", "first order")) * spread(2, 1, 2, len(SUMS), len(RATES))
    change = np.stack([WIDTHS**torch, WIDTHS**tangent])[..., None] * spread(2, 2, len(WIDTHS))
    return xr.Dataset(
        {
            "first_order_error": (("activation", "epoch", "form", "rate", "seed"), first),
            "superposition_error": (("activation", "points_epoch", "points", "sum", "rate", "seed"), sums),
            "at_kink": (("activation", "points_epoch", "points", "seed"), np.full((2, 1, 2, SEEDS), 0.02)),
            "kernel_change": (("activation", "parametrisation", "width", "seed"), change),
        },
        coords={
            "activation": ["relu", "elu"],
            "epoch": [0, 100],
            "form": list(FORMS),
            "rate": RATES,
            "points_epoch": [0],
            "points": [2, 8],
            "sum": list(SUMS),
            "parametrisation": list(PARAMETRISATIONS),
            "width": WIDTHS,
            "seed": range(SEEDS),
        },
        attrs={"error": 0.1},
    )


def test_slopes_are_those_of_small_rates_and_wide_networks():
    record = made()
    record["first_order_error"] = record["first_order_error"].where(record["rate"] < 0.05, 9.0)
    record["kernel_change"] = record["kernel_change"].where(record["width"] >= 128, 9.0)
    slopes = by_rate(record, "first_order_error").sel(form="both gates")
    np.testing.assert_allclose(slopes, 1, atol=0.02)
    np.testing.assert_allclose(by_width(record).sel(parametrisation="tangent"), -0.6, atol=0.05)
    assert float(by_width(record, wide=False).sel(parametrisation="tangent").mean()) < -0.8


def test_few_wide_networks_are_fitted_with_the_narrow():
    record = made().isel(width=slice(0, 2))
    np.testing.assert_allclose(by_width(record), by_width(record, wide=False))


@pytest.mark.parametrize("judge", [first_order_gives_the_response, responses_add_up])
def test_an_error_in_proportion_is_reproduced(judge):
    found = judge(made())
    assert found.verdict == "reproduced"
    assert found.effect == pytest.approx(1, abs=0.02)
    assert found.holds_in_control is False
    assert len(found.conditions) == 4
    assert "4 of 4 conditions" in found.text


@pytest.mark.parametrize("judge", [first_order_gives_the_response, responses_add_up])
@pytest.mark.parametrize("power", [0.0, 0.5])
def test_an_error_that_stays_is_not(judge, power):
    assert judge(made(power)).verdict == "not reproduced"


@pytest.mark.parametrize("judge", [first_order_gives_the_response, responses_add_up])
def test_a_control_that_is_first_order_too_leaves_partly(judge):
    found = judge(made(bare=1.0))
    assert found.verdict == "partly"
    assert found.holds_in_control is True


def test_features_at_their_kink_are_counted():
    assert "ReLU 2 % before training" in responses_add_up(made()).text


def test_without_gates_the_error_is_named():
    assert "30." in first_order_gives_the_response(made()).text


@pytest.mark.parametrize(
    ("torch", "tangent", "verdict"),
    [(-0.8, -0.6, "reproduced"), (-1.0, -0.5, "reproduced"), (-2.0, -0.8, "partly"), (-2.0, -0.1, "not reproduced")],
)
def test_kernels_of_wide_networks(torch, tangent, verdict):
    found = wide_networks_keep_their_kernel(made(torch=torch, tangent=tangent))
    assert found.verdict == verdict
    assert f"torch: {torch:.1f}" in found.control


def test_judges_read_what_the_experiment_gives(smoke_record):
    record = smoke_record("response_limits")
    for judge in (first_order_gives_the_response, responses_add_up, wide_networks_keep_their_kernel):
        found = judge(record)
        assert found.seeds == record.sizes["seed"]
        assert np.isfinite(found.effect)
