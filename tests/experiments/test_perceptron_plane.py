"""Two-input perceptrons: the path that is drawn is the one that was walked."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lib.experiments import perceptron_plane

CPU = torch.device("cpu")


def silent(fraction, message):
    pass


@pytest.fixture(scope="module")
def result():
    return perceptron_plane.run(replace(perceptron_plane.PRESETS["book"], seeds=(0, 1)), device=CPU, progress=silent)


def test_mean_squared_step_is_an_identity_in_the_mistakes(result):
    walked = result.sel(rule="rosenblatt")
    np.testing.assert_allclose(walked["msd"], walked["msd_from_mistakes"], rtol=1e-10, atol=1e-18)
    assert result["msd_from_mistakes"].sel(rule="logistic").isnull().all()


def test_one_pair_is_separable_and_the_other_is_not(result):
    last = result["mistakes"].sel(rule="rosenblatt", labels="true").isel(epoch=-1)
    assert float(last.isel(pair=0).max()) == 0.0
    assert float(last.isel(pair=1).min()) > 0.05


def test_a_stopped_walk_stands_still(result):
    path = result["path"].sel(rule="rosenblatt", labels="true").isel(pair=0)
    assert float(np.abs(path.diff("step").isel(step=slice(-280, None))).max()) == 0.0


def test_steps_follow_the_rule(result):
    """The first step of every walk, by hand."""
    for seed in (0, 1):
        for rule in ("rosenblatt", "logistic"):
            chosen = result.sel(rule=rule, labels="true").isel(pair=1, seed=seed)
            step = chosen["path"].isel(step=1) - chosen["path"].isel(step=0)
            if float(np.abs(step).max()) == 0:
                continue
            push = (chosen["inputs"] * chosen["sign"]).values
            along = np.abs(push @ step.values) / np.linalg.norm(push, axis=1) / np.linalg.norm(step.values)
            assert along.max() == pytest.approx(1.0, abs=1e-4)


def test_surrogate_takes_the_same_steps(result):
    lengths = [np.linalg.norm(np.diff(result[name].values, axis=-2), axis=-1) for name in ("path", "surrogate")]
    np.testing.assert_allclose(lengths[1], lengths[0], atol=1e-5)


def test_too_many_samples_get_one_sentence():
    with pytest.raises(ValueError, match="ask for at most that many"):
        perceptron_plane.run(replace(perceptron_plane.PRESETS["smoke"], samples=5_000), device=CPU, progress=silent)
