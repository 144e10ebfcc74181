"""Judges of residual networks by depth, on profiles made by hand."""

import numpy as np
import pytest
import xarray as xr

from lib.claims.residual_depth import (
    border_step,
    both_fall_in_the_end,
    complexity_rises_with_depth,
    dimension_grows_smoothly,
    rise,
    top_block_is_half_linear,
)

BLOCK = np.array([1, 2, 2, 2, 3, 3, 3, 4, 4, 4])
STATES = ["trained", "untrained", "shuffled pixels"]
RISING = np.array([4.0, 5, 6, 7, 8, 9, 10, 11, 12, 9])
JUDGES = (dimension_grows_smoothly, complexity_rises_with_depth, both_fall_in_the_end, top_block_is_half_linear)
FLAT = np.full(10, 6.0) + np.array([0, 0.2, -0.1, 0.1, -0.2, 0.3, -0.3, 0.1, -0.1, 0.1])


def made(trained, untrained, shuffled=None, linear=0.5, linear_untrained=0.7, inside=0.5, depths=(20, 32)):
    """A record with the same profiles at every depth, and complexity in proportion to dimension."""

    def over(profiles):
        return (("depth", "state", "seed", "layer"), np.tile(np.stack(profiles)[None, :, None], (len(depths), 1, 1, 1)))

    dimension = over([trained, untrained, untrained if shuffled is None else shuffled])
    ones = np.ones(10)
    return xr.Dataset(
        {
            "effective_dimension": dimension,
            "sampled_dimension": dimension,
            "complexity_per_unit": (dimension[0], dimension[1] / 20),
            "linearity": over([ones * linear, ones * linear_untrained, ones * linear]),
            "branch_linearity": over([ones * inside] * 3),
            "independent_bits": over([0.9 * 2.0 ** (BLOCK + 2)] * 3),
            "block": over([BLOCK] * 3),
            "units": over([2.0 ** (BLOCK + 2)] * 3),
        },
        coords={"depth": list(depths), "state": STATES, "seed": [0]},
    )


def test_rise_is_that_up_to_the_peak():
    assert rise(RISING[None])[0] == 1
    assert np.isnan(rise(RISING[None, ::-1] * [[2, *[1] * 9]])[0])


def test_the_step_is_that_between_resolutions():
    profile = RISING.copy()
    profile[1:] += 50  # between the first convolution and block 2, which have one shape
    assert border_step(profile, BLOCK) == 1
    profile[7:] += 9
    assert border_step(profile, BLOCK) == 10


def test_smooth_growth_is_partly_for_want_of_random_labels():
    found = dimension_grows_smoothly(made(RISING, FLAT))
    assert found.verdict == "partly"
    assert found.effect < 3
    assert "peak is 1.00" in found.text
    assert found.holds_in_control is False
    assert "not run" in found.text
    assert all(condition.passes for condition in found.conditions)


def test_growth_that_is_there_before_training_holds_in_the_control():
    found = dimension_grows_smoothly(made(RISING, RISING))
    assert found.holds_in_control is True


def test_a_jump_at_a_border_is_not_smooth():
    jump = RISING + 20 * (BLOCK > 2)
    found = dimension_grows_smoothly(made(jump, FLAT))
    assert found.verdict == "not reproduced"
    assert found.effect in (20, 21)


def test_no_growth_is_not_reproduced():
    assert dimension_grows_smoothly(made(FLAT, RISING)).verdict == "not reproduced"


def test_a_fall_towards_the_end():
    found = both_fall_in_the_end(made(RISING, RISING.cumsum()))
    assert found.verdict == "partly"
    assert found.effect == pytest.approx(9 / 12)
    assert found.holds_in_control is False
    assert len(found.conditions) == 4
    assert both_fall_in_the_end(made(np.arange(1.0, 11), FLAT)).verdict == "not reproduced"


def test_complexity_that_rises_from_block_to_block():
    found = complexity_rises_with_depth(made(RISING, FLAT))
    assert [condition.passes for condition in found.conditions] == [True, True]
    assert found.effect == pytest.approx((32 / 3 - 9) / 20)
    assert found.verdict == "partly"  # one seed
    assert found.holds_in_control is False
    assert complexity_rises_with_depth(made(RISING[::-1], FLAT)).verdict == "not reproduced"


def test_complexity_that_rises_without_training_or_images_holds_in_the_control():
    assert complexity_rises_with_depth(made(RISING, RISING)).holds_in_control is True
    assert complexity_rises_with_depth(made(RISING, FLAT, shuffled=RISING)).holds_in_control is True


@pytest.mark.parametrize(
    ("linear", "verdict"), [(0.5, "partly"), (0.59, "partly"), (0.65, "not reproduced"), (0.3, "not reproduced")]
)
def test_linearity_of_the_top_block(linear, verdict):
    found = top_block_is_half_linear(made(RISING, FLAT, linear=linear))
    assert found.verdict == verdict
    assert found.effect == pytest.approx(linear)


def test_linearity_of_an_untrained_network_is_the_control():
    assert top_block_is_half_linear(made(RISING, FLAT, linear_untrained=0.5)).holds_in_control is True
    assert top_block_is_half_linear(made(RISING, FLAT, linear_untrained=0.7)).holds_in_control is False


def test_depths_without_some_layers_are_judged_on_theirs():
    record = made(RISING, FLAT)
    shorter = record.sel(depth=[20]).isel(layer=slice(0, 9))
    joined = xr.concat(
        [shorter.assign_coords(layer=np.arange(9)), record.sel(depth=[32]).assign_coords(layer=np.arange(10))], "depth"
    )
    for judge in JUDGES:
        assert np.isfinite(judge(joined).effect)


def test_judges_read_what_the_experiment_gives(smoke_record):
    record = smoke_record("residual_depth")
    for judge in JUDGES:
        found = judge(record)
        assert found.seeds == record.sizes["seed"]
        assert len(found.conditions) in (1, 2)
