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

from .residual_record import network
from .residual_record import record as networks

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
    found = dimension_grows_smoothly(made(RISING, FLAT), None)
    assert found.verdict == "partly"
    assert found.effect < 3
    assert "peak is 1.00" in found.text
    assert found.holds_in_control is False
    assert "Not run: random labels." in found.text
    assert all(condition.passes for condition in found.conditions)


def test_growth_that_is_there_before_training_holds_in_the_control():
    found = dimension_grows_smoothly(made(RISING, RISING), None)
    assert found.holds_in_control is True


def test_a_jump_at_a_border_is_not_smooth():
    jump = RISING + 20 * (BLOCK > 2)
    found = dimension_grows_smoothly(made(jump, FLAT), None)
    assert found.verdict == "not reproduced"
    assert found.effect in (20, 21)


def test_no_growth_is_not_reproduced():
    assert dimension_grows_smoothly(made(FLAT, RISING), None).verdict == "not reproduced"


def test_a_fall_towards_the_end():
    found = both_fall_in_the_end(made(RISING, RISING.cumsum()), None)
    assert found.verdict == "partly"
    assert found.effect == pytest.approx(9 / 12)
    assert found.holds_in_control is False
    assert len(found.conditions) == 4
    assert both_fall_in_the_end(made(np.arange(1.0, 11), FLAT), None).verdict == "not reproduced"


def test_complexity_that_rises_from_block_to_block():
    found = complexity_rises_with_depth(made(RISING, FLAT), None)
    assert [condition.passes for condition in found.conditions] == [True, True]
    assert found.effect == pytest.approx((32 / 3 - 9) / 20)
    assert found.verdict == "partly"  # one seed
    assert found.holds_in_control is False
    assert complexity_rises_with_depth(made(RISING[::-1], FLAT), None).verdict == "not reproduced"


def test_complexity_that_rises_without_training_or_images_holds_in_the_control():
    assert complexity_rises_with_depth(made(RISING, RISING), None).holds_in_control is True
    assert complexity_rises_with_depth(made(RISING, FLAT, shuffled=RISING), None).holds_in_control is True


@pytest.mark.parametrize(
    ("linear", "verdict"), [(0.5, "partly"), (0.59, "partly"), (0.65, "not reproduced"), (0.3, "not reproduced")]
)
def test_linearity_of_the_top_block(linear, verdict):
    found = top_block_is_half_linear(made(RISING, FLAT, linear=linear), None)
    assert found.verdict == verdict
    assert found.effect == pytest.approx(linear)


def test_linearity_of_an_untrained_network_is_the_control():
    assert top_block_is_half_linear(made(RISING, FLAT, linear_untrained=0.5), None).holds_in_control is True
    assert top_block_is_half_linear(made(RISING, FLAT, linear_untrained=0.7), None).holds_in_control is False


def test_depths_without_some_layers_are_judged_on_theirs():
    record = made(RISING, FLAT)
    shorter = record.sel(depth=[20]).isel(layer=slice(0, 9))
    joined = xr.concat(
        [shorter.assign_coords(layer=np.arange(9)), record.sel(depth=[32]).assign_coords(layer=np.arange(10))], "depth"
    )
    for judge in JUDGES:
        assert np.isfinite(judge(joined, None).effect)


def test_judges_read_what_the_experiment_gives(smoke_record):
    record = smoke_record("residual_depth")
    for judge in JUDGES:
        found = judge(record, None)
        assert found.seeds == record.sizes["seed"]
        assert len(found.conditions) in (1, 2)


RANDOM = "CIFAR-10, random labels"


def test_tasks_of_our_own_are_asked_the_same():
    rising, jump = RISING, RISING + 20 * (BLOCK > 2)
    smooth = dimension_grows_smoothly(
        made(RISING, FLAT),
        networks(network("CMNIST", dimension=(FLAT, rising)), network(RANDOM, dimension=(FLAT, rising))),
    )
    assert [condition.name for condition in smooth.conditions][2:] == ["ResNet-56, CMNIST"]
    assert smooth.conditions[2].passes
    assert smooth.conditions[2].holds_in_control is False
    assert "random labels: tau 1.00, step 1.0, so it holds there too" in smooth.text
    rough = dimension_grows_smoothly(
        made(RISING, FLAT), networks(network("CMNIST", dimension=(FLAT, jump)), network(RANDOM, dimension=(FLAT, jump)))
    )
    assert [condition.passes for condition in rough.conditions] == [True, True, False]
    assert "holds there" not in rough.text
    assert "Not run: random labels." in dimension_grows_smoothly(made(RISING, FLAT), None).text


def test_complexity_rises_in_networks_of_our_own_beyond_their_start():
    own = network("CIFAR-10", complexity=(FLAT / 20, RISING / 20))
    found = complexity_rises_with_depth(made(RISING, FLAT), networks(own))
    last = found.conditions[-1]
    assert last.name == "ResNet-56, 100 epochs of 50,000 pictures"
    assert last.passes
    assert last.difference_interval[0] > 0
    same = network("CIFAR-10", complexity=(RISING / 20, RISING / 20))
    last = complexity_rises_with_depth(made(RISING, FLAT), networks(same)).conditions[-1]
    assert last.holds_in_control
    assert last.difference_interval[0] <= 0 <= last.difference_interval[1]


def test_more_classes_fall_less():
    def end(last):
        return np.append(RISING[:-1], last)

    shares = {"CIFAR-100": 10, "CIFAR-10": 9, "CIFAR-10, 5 classes": 8, "CIFAR-10, 2 classes": 6}
    own = [
        network(task, dimension=(FLAT, end(last)), complexity=(FLAT / 20, end(last) / 20))
        for task, last in shares.items()
    ]
    random = network(RANDOM, dimension=(FLAT, end(3)), complexity=(FLAT / 20, end(3) / 20))
    found = both_fall_in_the_end(made(RISING, RISING.cumsum()), networks(*own[:2], random))
    more = [condition for condition in found.conditions if "above" in condition.name]
    assert [condition.passes for condition in more] == [True, True]
    assert "dimension 0.25" in found.text
    assert "Not run: fewer classes than 10." in found.text
    assert found.verdict == "partly"
    found = both_fall_in_the_end(made(RISING, RISING.cumsum()), networks(*own, random))
    more = [condition for condition in found.conditions if "above" in condition.name]
    assert [condition.passes for condition in more] == [True] * 6
    assert "fewer classes than 10" not in found.text


def test_linearity_is_asked_of_all_tasks_together():
    def of(**linear):
        tasks = zip(("CMNIST", "CIFAR-10", RANDOM), linear.values(), strict=True)
        own = networks(*(network(task, linearity=(0.7, value)) for task, value in tasks))
        return top_block_is_half_linear(made(RISING, FLAT), own).conditions

    alike = of(first=0.45, second=0.5, third=0.52)
    assert [condition.passes for condition in alike] == [True] * 6
    assert alike[-1].name == "ResNet-56, spread over 3 tasks"
    apart = of(first=0.42, second=0.5, third=0.58)
    assert [condition.passes for condition in apart] == [True] * 5 + [False]
    assert of(first=0.3, second=0.5, third=0.5)[2].passes is False
