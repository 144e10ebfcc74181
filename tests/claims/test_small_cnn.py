"""Judges of the small CNN, on curves made by hand."""

import numpy as np
import pytest
import xarray as xr

from lib.claims.small_cnn import (
    border,
    centres,
    late_spread,
    only_the_small_network_is_quenched,
    pixels_are_synchronised_and_restless,
    synchrony,
)
from lib.models.small_cnn import PLACES

EPOCHS = np.linspace(0, 1, 41) ** 2 * 20
PIXELS = np.array([(number, *place) for number, places in enumerate(PLACES) for place in places.tolist()])
SEEDS = 5


def made(rate=1e-4, depth=0.5, within=0.1, between=2.0, wave=0.0, drift=0.0):
    """Pixels that dip one convolution after the other, scattered within each, and end in a wave or a drift."""
    random = np.random.default_rng(0)
    times = 4 + between * PIXELS[:, 0] + within * random.standard_normal((SEEDS, len(PIXELS)))
    curves = np.empty((1, SEEDS, len(EPOCHS), len(PIXELS)))
    for seed, pixel in np.ndindex(SEEDS, len(PIXELS)):
        curves[0, seed, :, pixel] = np.interp(EPOCHS, [0, times[seed, pixel], 12, 20], [3, 3 * (1 - depth), 3, 3])
    late = (EPOCHS - 12).clip(0)[None, None, :, None]
    curves *= 1 + wave * np.sin(3 * late) * (late > 0) + drift * late / 8
    return xr.Dataset(
        {
            "effective_dimension": (("network", "seed", "reading", "pixel"), curves),
            "epoch": (("network", "reading"), EPOCHS[None]),
            "rate": ("network", [rate]),
        },
        coords={
            "network": [f"small CNN, rate {rate}"],
            "seed": np.arange(SEEDS),
            **{name: ("pixel", PIXELS[:, place]) for place, name in enumerate(("convolution", "row", "column"))},
        },
    )


def together(*parts):
    return xr.concat(parts, "network", data_vars="minimal", coords="minimal", compat="equals")


ORDINARY = made(rate=1e-3, depth=0.0)


def test_the_middle_pixels_and_the_border_are_where_they_are():
    record = made()
    middle = centres(record)
    assert list(zip(middle["row"].values, middle["column"].values, strict=True)) == [(4, 4), (1, 1), (0, 0)]
    rim = border(record)
    assert rim.sum() == 32
    assert not rim[81:].any()


def test_a_dip_in_every_convolution_is_partly_for_want_of_the_large_network():
    found = only_the_small_network_is_quenched(together(made(), ORDINARY))
    assert found.verdict == "partly"
    assert found.effect == pytest.approx(0.5, abs=0.02)
    assert found.holds_in_control is False
    assert "ResNet-56 is not run at a low rate" in found.text
    assert only_the_small_network_is_quenched(together(made(depth=0.1), ORDINARY)).verdict == "not reproduced"
    assert only_the_small_network_is_quenched(together(made(), made(rate=1e-3))).holds_in_control is True
    assert only_the_small_network_is_quenched(ORDINARY) is None


def residual(rate=1e-4, depth=56, dips=(0.1, 0.15), seeds=3):
    """Two layers that fall by half and recover as told, in readings of a network of `depth` layers."""
    ends = np.array(dips)[:, None]
    curves = np.interp(EPOCHS, [0, 10, 20], [0.0, 1.0, 2.0])
    layers = np.where(curves <= 1, 20 * (1 - 0.5 * curves), 20 * (0.5 + ends * (curves - 1)))
    values = layers + 1e-3 * np.random.default_rng(1).standard_normal((seeds, *layers.shape))
    name = f"ResNet-{depth}, Adam, rate {rate:.0e}"
    dims = ("network", "seed", "reading")
    return xr.Dataset(
        {
            "effective_dimension": (("network", "seed", "layer", "reading"), values[None]),
            "test_error": (dims, np.full((1, seeds, len(EPOCHS)), 0.5)),
            "epoch": (("network", "reading"), EPOCHS[None]),
            "rate": ("network", [rate]),
            "depth": ("network", [float(depth)]),
        },
        coords={"network": [name], "seed": np.arange(seeds), "layer": [0, 1]},
    )


def test_no_dip_in_the_large_network_completes_the_verdict():
    record = together(made(), ORDINARY)
    found = only_the_small_network_is_quenched(record, residual())
    assert found.verdict == "reproduced"
    assert found.conditions[-1].effect == pytest.approx(0.15, abs=0.01)
    assert "1 of 1 conditions: no dip in ResNet-56." in found.text
    assert only_the_small_network_is_quenched(record, residual(dips=(0.1, 0.4))).verdict == "partly"
    assert only_the_small_network_is_quenched(together(made(depth=0.1), ORDINARY), residual()).verdict == "partly"


def test_other_depths_and_ordinary_rates_are_not_enough():
    record = together(made(), ORDINARY)
    ordinary = only_the_small_network_is_quenched(record, residual(rate=0.1))
    assert ordinary.verdict == "partly"
    assert "not run at a low rate" in ordinary.text
    assert len(only_the_small_network_is_quenched(record, residual(depth=8)).conditions) == 2
    one = only_the_small_network_is_quenched(record, residual(seeds=1))
    assert one.verdict == "partly"
    assert "One seed" in one.text


def test_synchrony_is_spread_within_over_spread_between():
    chosen = made(within=0.5, between=2.0).isel(network=0)
    assert synchrony(chosen, np.arange(91)) == pytest.approx(np.full(SEEDS, 0.25), abs=0.08)
    flat = made(depth=0.0).isel(network=0)
    assert np.isnan(synchrony(flat, np.arange(91))).all()


def test_a_drift_is_told_from_a_wave():
    drift, wave = (made(**{kind: 0.5}).isel(network=0) for kind in ("drift", "wave"))
    assert np.nanmean(late_spread(drift)) > 0.05
    assert np.nanmean(late_spread(drift, straight=True)) < 1e-6
    assert np.nanmean(late_spread(wave, straight=True)) > 0.05
    with pytest.raises(ValueError, match="2 readings in the last quarter show no spread"):
        late_spread(drift.isel(reading=[0, 10, 20, 39, 40]))
    blank = made().isel(network=0).copy(deep=True)
    blank["effective_dimension"][:] = 0.0
    assert np.isnan(late_spread(blank)).all()


def test_seeds_without_minima_are_counted():
    record = made(wave=0.15)
    record["effective_dimension"][0, 0] = 3.0
    found = pixels_are_synchronised_and_restless(record).conditions[0]
    assert found.seeds == SEEDS - 1
    assert f"a ratio in {SEEDS - 1} of {SEEDS} seeds" in found.note


def test_a_border_without_a_dimension_is_no_control():
    record = made(wave=0.15)
    record["effective_dimension"][..., np.flatnonzero(border(record))] = 0.0
    late = pixels_are_synchronised_and_restless(record).conditions[1]
    assert late.passes is True
    assert late.control is None
    assert late.difference_interval is None


def test_the_low_rate_is_held_against_the_ordinary_one_seed_by_seed():
    fall, recovery = only_the_small_network_is_quenched(together(made(), ORDINARY)).conditions
    for condition in (fall, recovery):
        assert condition.difference_interval[0] > 0.4
    same = only_the_small_network_is_quenched(together(made(), made(rate=1e-3))).conditions[1]
    assert same.difference_interval == (0.0, 0.0)
    assert "ordinary rate: not run" in only_the_small_network_is_quenched(made()).conditions[0].note


def test_together_and_restless_is_more_than_either():
    both = pixels_are_synchronised_and_restless(made(wave=0.15))
    assert [condition.passes for condition in both.conditions] == [True, True]
    assert both.verdict == "partly"  # synchronised in the border too
    assert all(condition.holds_in_control for condition in both.conditions)
    assert f"a ratio in {SEEDS} of {SEEDS} seeds, control: {SEEDS} of {SEEDS} seeds" in both.conditions[0].note
    assert "of different size has no test in the row and is not judged" in both.text
    apart = pixels_are_synchronised_and_restless(made(within=2.0, between=0.3))
    assert [condition.passes for condition in apart.conditions] == [False, False]
    assert apart.verdict == "not reproduced"
    flat = pixels_are_synchronised_and_restless(made(depth=0.0, wave=0.07))
    assert flat.conditions[0].note.startswith("too few pixels dip")
    assert pixels_are_synchronised_and_restless(ORDINARY) is None
