"""The training response: what is asked of networks, and what does not depend on what else is run."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from lib import experiments
from lib.experiments import training_response
from lib.experiments.training_response import PRESETS, Setting, moments

CPU = torch.device("cpu")
SMOKE = PRESETS["smoke"]


def run(config):
    return training_response.run(config, device=CPU, progress=lambda share, text: None)


def test_every_setting_has_its_seeds_and_rates(smoke_record):
    record = smoke_record("training_response")
    assert list(record["setting"].values) == ["ReLU", "ELU", "ReLU, 10 % wrong", "ReLU, target 0.7"]
    there = np.isfinite(record["error"].isel(epoch=0)).sum(("rate", "seed"))
    assert there.values.tolist() == [12, 12, 12, 3]
    assert record["epoch"].values[0] == 0
    assert record["epoch"].values[-1] == SMOKE.epochs
    assert set(record["profile_epoch"].values) <= set(record["epoch"].values)


def test_the_response_reduces_the_error(smoke_record):
    record = smoke_record("training_response")
    plain = record.sel(setting="ReLU")
    assert (plain["response"] > 0).all()
    assert (plain["error"].isel(epoch=-1) < plain["error"].isel(epoch=0)).all()
    assert (plain["negative"] < 0.5).all()
    assert plain["first_order_error"].sel(rate=0.1).mean() < plain["ungated_error"].sel(rate=0.1).mean()


def test_the_trained_point_is_that_at_distance_0(smoke_record):
    record = smoke_record("training_response")
    at = record.sel(epoch=record["profile_epoch"].values, setting="ELU")
    near = record["response_at"].sel(setting="ELU", distance=0)
    np.testing.assert_allclose(at["response"].values, near.values, rtol=3e-4)
    output = record["output_at"].sel(setting="ELU", distance=0)
    np.testing.assert_allclose(1 - at["error"].values, output.values, rtol=3e-4)


def test_permuted_strings_keep_the_point_and_the_responses(smoke_record):
    record = smoke_record("training_response").sel(setting="ReLU")
    number = xr.DataArray([1, 4, 6, 4, 1], dims="distance")  # strings of 4 bits
    sums = [(record[name] * number).sum("distance") for name in ("response_at", "permuted_at")]
    np.testing.assert_allclose(*sums, rtol=2e-3, atol=1e-5)
    np.testing.assert_array_equal(record["permuted_at"].sel(distance=0), record["response_at"].sel(distance=0))
    assert not np.allclose(record["permuted_at"].sel(distance=4), record["response_at"].sel(distance=4), rtol=0.01)


def test_wrong_labels_and_points_are_a_seeds_own():
    """A seed alone gives what it gives beside others, at one rate or at several."""
    setting = Setting("relu", noise=0.3)
    many = run(replace(SMOKE, settings=(setting,)))
    one = run(replace(SMOKE, settings=(setting,), seeds=(4,), rates=(1.0,)))
    for name in ("response", "output_at"):
        np.testing.assert_allclose(many[name].sel(seed=[4], rate=[1.0]), one[name], rtol=3e-4)


def test_rare_wrong_labels_differ_from_none():
    quiet, noisy = (run(replace(SMOKE, settings=(Setting(noise=noise),))) for noise in (0.0, 0.3))
    assert (noisy["error"].isel(epoch=-1).values > quiet["error"].isel(epoch=-1).values).mean() > 0.9


def test_pieces_are_the_whole():
    config = replace(SMOKE, settings=SMOKE.settings[2:])
    experiment = experiments.get("training_response")
    parts = [experiment.run(batch, device=CPU) for batch in experiment.batches(config)]
    joined = experiment.join(parts, config)
    whole = run(config)
    for name in whole.data_vars:
        np.testing.assert_array_equal(joined[name], whole[name])


def test_moments_end_where_training_ends():
    assert moments(10_000, 9).tolist() == [0, 1, 3, 10, 31, 100, 316, 1_000, 3_162, 10_000]


@pytest.mark.parametrize("setting", [Setting("sine"), Setting(target=1.2), Setting(noise=-0.1)])
def test_what_is_no_setting_is_named(setting):
    with pytest.raises((ValueError, KeyError)):
        run(replace(SMOKE, settings=(setting,)))
