"""Judges of whole networks' complexity beside their linear regions, on curves made by hand."""

import numpy as np
import pytest
import xarray as xr

from lib.claims.linear_regions import complexity_behaves_as_regions, complexity_settles, late_change, networks

EPOCHS = np.array([0, 2, 5, 10, 20, 30, 35, 40])
UP = 0.2 + 0.17 * (1 - np.exp(-EPOCHS / 4))
SEEDS = 6


def made(joint=UP, additive=UP, wide=0.0, random=0.6, images=UP, noise=UP[::-1], single=1.0):
    """A record of two widths and their random labels; the wider one is higher by `wide`."""
    rng = np.random.default_rng(0)
    names = [("width 20", 20, "true"), ("width 40", 40, "true")]
    names += [(f"{name}, random labels", width, "random") for name, width, _ in names]

    def over(curve):
        curves = np.stack([curve, curve + wide, random + 0 * curve, random + 0 * curve])
        return ("network", "epoch", "seed"), curves[..., None] + np.linspace(-0.003, 0.003, SEEDS)

    regions = np.stack([np.stack([images, noise])] * 2)  # shape, source, epoch
    shape = (4, SEEDS, 2, 2, len(EPOCHS))
    return xr.Dataset(
        {
            "test_error": over(UP),
            "joint_per_unit": over(joint),
            "additive_per_unit": over(additive),
            "text_joint_per_unit": (("network", "seed"), np.full((4, SEEDS), 0.4)),
            "text_additive_per_unit": (("network", "seed"), np.full((4, SEEDS), 0.5)),
            "regions_per_unit": (
                ("network", "seed", "shape", "source", "epoch"),
                regions + 1e-4 * rng.standard_normal(shape),
            ),
            "single_flips": (("network", "seed", "shape", "source", "epoch"), np.full(shape, single)),
        },
        coords={
            "network": [name for name, _, _ in names],
            "width": ("network", [width for _, width, _ in names]),
            "labels": ("network", [labels for _, _, labels in names]),
            "epoch": EPOCHS,
            "seed": range(SEEDS),
            "shape": ["line", "circle"],
            "source": ["images", "noise"],
        },
    )


def test_networks_are_found_by_width():
    assert list(networks(made())) == [20, 40]
    assert str(networks(made(), "random")[40]["network"].values) == "width 40, random labels"


def test_the_last_quarter_changes_by_its_slope():
    steady = np.where(EPOCHS >= 30, 0.3 + 0.002 * (EPOCHS - 30), 0.0)
    assert late_change(networks(made(joint=steady))[20], "joint_per_unit") == pytest.approx(0.02, abs=0.005)


def test_curves_that_settle_at_the_value():
    found = complexity_settles(made())
    assert found.verdict == "reproduced"
    assert found.effect == pytest.approx(0.37, abs=0.002)
    assert len(found.conditions) == 4 + 4 + 2
    assert "joint 0.40, additive 0.50" in found.text
    assert "only" not in found.text
    assert found.conditions[0].difference_interval[1] < -0.2


def test_random_labels_at_the_same_value_are_no_learning():
    assert complexity_settles(made(random=0.37)).verdict == "partly"


def test_random_labels_at_one_width_are_said():
    found = complexity_settles(made().isel(network=slice(0, 3)))
    assert "Random labels were run at width 20 only." in found.text
    wide = next(condition for condition in found.conditions if condition.name == "width 40, joint, value")
    assert wide.control is None
    assert wide.note == "random labels: not run"


def test_random_labels_that_settle_near_it_are_told_apart_by_the_difference():
    near = complexity_settles(made(random=0.36))
    assert near.conditions[0].difference_interval[0] > 0
    assert complexity_settles(made(random=float(UP[-3:].mean()))).conditions[0].difference_interval[0] <= 0


def test_another_value_is_told_from_the_plateau():
    found = complexity_settles(made(joint=UP + 0.1, additive=UP + 0.1))
    assert found.verdict == "partly"  # it settles, and widths are alike
    assert found.effect == pytest.approx(0.47, abs=0.002)
    assert not any(condition.passes for condition in found.conditions if condition.name.endswith("value"))


def test_widths_that_differ_and_curves_that_go_on():
    found = complexity_settles(made(joint=UP + 0.003 * EPOCHS, wide=0.1))
    passes = {condition.name: condition.passes for condition in found.conditions}
    assert passes["width 20, joint, change over the last quarter"] is False
    assert passes["width 20, additive, change over the last quarter"]
    assert passes["width 40 less width 20, joint"] is False


def test_complexity_that_goes_with_regions():
    found = complexity_behaves_as_regions(made())
    assert found.verdict == "reproduced"
    assert found.effect > 0.5
    assert found.holds_in_control is None  # borders have none
    assert len(found.conditions) == 8


def test_regions_that_go_with_it_in_noise_too():
    found = complexity_behaves_as_regions(made(noise=UP))
    assert found.verdict == "partly"
    assert found.conditions[0].difference_interval[0] <= 0 <= found.conditions[0].difference_interval[1]


def test_regions_that_fall_while_complexity_rises():
    found = complexity_behaves_as_regions(made(images=UP[::-1], single=0.5))
    assert found.verdict == "not reproduced"
    assert found.effect < -0.5


def test_without_random_labels_the_control_is_not_run():
    record = made().isel(network=slice(0, 2))
    assert complexity_settles(record).control == "not run"
    assert complexity_settles(record.isel(network=[])) is None


def test_judges_read_what_the_experiment_gives(smoke_record):
    record = smoke_record("linear_regions")
    for judge in (complexity_settles, complexity_behaves_as_regions):
        assert np.isfinite(judge(record).effect)
