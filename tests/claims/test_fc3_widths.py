"""Judges of three-layer networks by width, on profiles made by hand."""

import numpy as np
import pytest
import xarray as xr

from lib.claims.fc3_widths import (
    ceiling,
    complexity_falls_as_an_offset_power,
    first_layer_does_not_depend_on_width,
    fit_over_seeds,
    linearity_changes_with_width,
    range_over_widths,
    reached,
)
from lib.measures.linear_regions import most_patterns

WIDTHS = np.array([4, 8, 16, 32, 64, 128, 256, 512, 768])
STAGES = ["untrained", "target", "last"]
FLAT = np.full(len(WIDTHS), 0.5)
SEEDS = 6


def made(linearity=(FLAT, FLAT), first=FLAT, second=0.2 + 1 / WIDTHS**0.5, untrained=FLAT, noise=0.002):
    """A record whose trained stages have the given profiles over widths, with a little noise over seeds."""
    rng = np.random.default_rng(0)

    def over(layers, before):
        profiles = np.stack([np.stack([before, before]), np.stack(layers), np.stack(layers)])  # stage, layer, width
        values = np.moveaxis(np.tile(profiles[..., None], SEEDS), 2, 0)
        return ("width", "stage", "layer", "seed"), values + noise * rng.standard_normal(values.shape)

    epoch = np.tile([[0.0], [2.0], [12.0]], (len(WIDTHS), 1, SEEDS))
    epoch[0, 1, 0] = np.nan  # one seed of the narrowest never got there
    return xr.Dataset(
        {
            "epoch": (("width", "stage", "seed"), epoch),
            "linearity": over(linearity, FLAT),
            "complexity_per_unit": over((first, second), untrained),
            "independent_per_unit": over((FLAT + 0.4, FLAT + 0.4), FLAT + 0.4),
            "from_fewer": (("width", "fewer", "seed"), np.tile(0.25, (len(WIDTHS), 1, SEEDS))),
        },
        coords={"width": WIDTHS, "stage": STAGES, "layer": [1, 2], "seed": range(SEEDS), "fewer": [1000]},
        attrs={"first": 14},
    )


def test_widths_that_a_seed_never_reached_are_left_out():
    assert 4 not in reached(made(), "target")["width"]
    assert reached(made(), "last").sizes["width"] == len(WIDTHS)


def test_the_range_of_noise_is_zero_in_the_mean():
    noise = np.random.default_rng(0).standard_normal((200, 10, 9))
    assert abs(np.mean([range_over_widths(each) for each in noise])) < 0.05
    assert range_over_widths(np.tile([0.2, 0.9, 0.4], (3, 1))) == pytest.approx(0.7)


def test_the_ceiling_is_that_of_hyperplanes():
    found = ceiling(WIDTHS, 14)
    assert found[0] == 1
    assert found[-1] == pytest.approx(np.log2(float(most_patterns(768, 14))) / 768)
    assert (np.diff(found) <= 0).all()


def test_linearity_that_changes():
    rise = np.linspace(0.4, 0.7, len(WIDTHS))
    found = linearity_changes_with_width(made((rise, rise)))
    assert found.verdict == "reproduced"
    assert found.effect == pytest.approx(0.3 * 7 / 8, abs=0.01)  # without the narrowest
    assert found.holds_in_control is False
    assert found.text.endswith(f"not all {SEEDS} seeds reached it (how many did): N = 4 ({SEEDS - 1}).")
    assert all(0.2 < condition.difference_interval[0] < 0.35 for condition in found.conditions)


def test_linearity_that_changes_in_one_layer_only():
    rise = np.linspace(0.4, 0.7, len(WIDTHS))
    assert linearity_changes_with_width(made((FLAT, rise))).verdict == "partly"
    assert linearity_changes_with_width(made()).verdict == "not reproduced"


def test_an_offset_power_law_is_described_and_its_offset_seen():
    found = complexity_falls_as_an_offset_power(made())
    assert found.verdict == "reproduced"
    assert found.effect == pytest.approx(0.2, abs=0.02)
    assert "above the ceiling" in found.text  # 0.2 is more than 768 hyperplanes allow


def test_a_law_without_offset_passes_the_first_test_only():
    found = complexity_falls_as_an_offset_power(made(second=1.2 / WIDTHS**0.4 - 0.1, noise=0.001))
    assert [condition.passes for condition in found.conditions] == [True, False]
    assert found.verdict == "partly"
    assert found.interval[0] <= -0.1 <= found.interval[1]


def test_a_slow_power_leaves_the_constant_without_a_lower_end():
    found = complexity_falls_as_an_offset_power(made(second=0.9 - 0.12 * np.log(WIDTHS)))
    describes, constant = found.conditions
    assert constant.interval[0] == -np.inf
    assert constant.interval[1] < 0
    assert constant.passes is False
    assert "no lower end" in found.text
    assert "0.05, the lowest tried" in describes.note
    assert "no lower end" not in complexity_falls_as_an_offset_power(made()).text


def test_differences_are_of_the_seeds_that_both_have():
    record = made()
    for stage in (0, 1):
        record["complexity_per_unit"][:, stage, :, 3 + stage :] = np.nan
    found = complexity_falls_as_an_offset_power(record).conditions[0]
    assert "the 3 seeds that both have" in found.note
    assert found.difference_interval[1] < 0


def test_a_law_that_holds_before_training_holds_in_the_control():
    law = 0.2 + 1 / WIDTHS**0.5
    found = complexity_falls_as_an_offset_power(made(second=law, untrained=law))
    assert found.conditions[0].holds_in_control
    assert found.verdict == "partly"


def test_a_curve_that_turns_is_no_power_law():
    found = complexity_falls_as_an_offset_power(made(second=0.4 + 0.2 * np.cos(np.log(WIDTHS))))
    assert found.conditions[0].passes is False


def test_the_interval_of_a_fit_holds_the_truth():
    rng = np.random.default_rng(1)
    profile = 0.3 + 2 / WIDTHS**0.6 + 0.01 * rng.standard_normal((10, len(WIDTHS)))
    found = fit_over_seeds(WIDTHS, profile)[1]
    for name, truth in (("offset", 0.3), ("exponent", 0.6)):
        assert float(found[name].low) < truth < float(found[name].high)


def test_complexity_of_the_first_layer():
    assert first_layer_does_not_depend_on_width(made()).verdict == "reproduced"
    found = first_layer_does_not_depend_on_width(made(first=0.5 + 0.05 * np.log(WIDTHS)))
    assert found.verdict == "not reproduced"
    assert found.effect == pytest.approx(0.05, abs=0.002)


def test_a_record_without_the_target_is_judged_on_equal_epochs_only():
    record = made()
    record["epoch"].loc[{"stage": "target"}] = np.nan
    assert complexity_falls_as_an_offset_power(record) is None
    assert len(first_layer_does_not_depend_on_width(record).conditions) == 1


def test_judges_read_what_the_experiment_gives(smoke_record):
    record = smoke_record("fc3_widths")
    for judge in (linearity_changes_with_width, first_layer_does_not_depend_on_width):
        assert np.isfinite(judge(record).effect)
    found = complexity_falls_as_an_offset_power(record)
    assert found is None or np.isfinite(found.effect)
