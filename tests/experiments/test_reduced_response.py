"""The reduced system over slopes, rates and targets, at small size."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lib.experiments import reduced_response as experiment
from lib.models.reduced_response import flow, iterate


@pytest.fixture(scope="module")
def smoke(smoke_record):
    return smoke_record("reduced_response")


def test_exponents_and_asymptotes_are_those_of_theory(smoke):
    assert float(abs(smoke["exponent"] - 1).max()) < 0.01
    assert float(abs(smoke["raw_exponent"] - 1.5).max()) < 0.01
    assert float(abs(smoke["asymptote"] - 1).max()) < 0.01
    assert float(smoke["closed_form"].max()) < 1e-6


def test_targets_between_fall_at_their_rate(smoke):
    between = smoke.sel(target=[0.5, 0.9])
    assert float(abs(between["fall"] - 1).max()) < 0.01
    assert float(abs(between["plateau"] - 1).max()) < 1e-6
    assert not np.isfinite(smoke["plateau"].sel(target=1.0)).any()
    assert float(smoke["fall"].sel(target=1.0).min()) > 2


def test_curves_are_means_over_starts(smoke):
    config = experiment.PRESETS["smoke"]
    start = [np.random.default_rng((seed, 6)).normal(0, config.spread) for seed in config.seeds]
    at = {"target": 0.9, "slope": 2.0, "rate": 0.1}
    followed = flow(smoke["time"].values, start, 0.9, 2.0, 0.1).response
    np.testing.assert_allclose(smoke["flow_response"].sel(at), np.exp(np.log(followed).mean(0)), rtol=1e-5)
    stepped = iterate(smoke["epoch"].values, start, 0.9, 2.0, 0.1).response
    np.testing.assert_allclose(smoke["map_response"].sel(at), np.exp(np.log(stepped).mean(0)), rtol=1e-5)
    assert int(smoke["epoch"][-1]) == config.epochs


def test_a_seed_is_the_same_alone_and_with_others(smoke):
    config = replace(experiment.PRESETS["smoke"], seeds=(1,))
    alone = experiment.run(config, device=torch.device("cpu"), progress=lambda share, text: None)
    for name in ("exponent", "fall", "map_ratio"):
        np.testing.assert_allclose(alone[name].sel(seed=1), smoke[name].sel(seed=1), rtol=1e-5)


def test_without_target_1_there_is_no_power_law_to_fit():
    config = replace(experiment.PRESETS["smoke"], targets=(0.9,), seeds=(0,))
    found = experiment.run(config, device=torch.device("cpu"), progress=lambda share, text: None)
    assert "exponent" not in found
    assert "fall" in found
