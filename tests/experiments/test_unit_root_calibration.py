"""Calibration of the unit-root tests: made series are what they claim, and the known facts come out."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lib.experiments.unit_root_calibration import PRESETS, TESTS, Config, kinds, make_series, run


def calibrate(config, steps=None):
    return run(config, device=torch.device("cpu"), progress=lambda f, m: steps.append(f) if steps is not None else None)


@pytest.fixture(scope="module")
def smoke():
    return calibrate(PRESETS["smoke"])


@pytest.fixture(scope="module")
def large():
    """Enough series of full length for shares to within 3 %."""
    return calibrate(Config(seeds=(0, 1), samples=300, surrogates=3)).mean("seed")


def test_series_are_of_their_kind():
    config = Config(samples=300, points=400)
    series = dict(zip(kinds(config), make_series(config, seed=5), strict=True))
    assert series["random walk"][:, -1].var() == pytest.approx(400, rel=0.3)
    assert series["random walk with drift"][:, -1].mean() == pytest.approx(0.1 * 400, rel=0.1)
    shrinking = np.diff(series["random walk, steps shrink by exp(-3)"], axis=1).std(axis=0)
    assert shrinking[:50].mean() / shrinking[-50:].mean() == pytest.approx(np.exp(3 * 349 / 400), rel=0.05)
    for memory in config.memories:
        ar = series[f"autoregressive, {memory:g}"]
        assert ar.std() == pytest.approx(1 / np.sqrt(1 - memory**2), rel=0.1)
        assert ar[:, 0].std() == pytest.approx(1 / np.sqrt(1 - memory**2), rel=0.15)
        assert np.corrcoef(ar[:, 1:].ravel(), ar[:, :-1].ravel())[0, 1] == pytest.approx(memory, abs=0.02)
    for white in ("white noise", "displacement of a random walk"):
        assert series[white].std() == pytest.approx(1, rel=0.02)
        assert np.corrcoef(series[white][:, 1:].ravel(), series[white][:, :-1].ravel())[0, 1] == pytest.approx(
            0, abs=0.02
        )
    assert np.ptp(series["constant"]) == 0


def test_tests_hold_their_size_on_random_walks(large):
    walk = large.rejected.sel(series="random walk")
    for test in ("ADF, textbook", "ADF, random signs", "variance ratio"):
        assert walk.sel(test=test) == pytest.approx(0.05, abs=0.025)
    assert large.adf_quantile.sel(series="random walk") == pytest.approx(-2.86, abs=0.2)
    assert walk.sel(test="KPSS") > 0.95
    assert large.rejected.sel(series="white noise", test="KPSS") == pytest.approx(0.05, abs=0.025)


def test_shrinking_steps_break_textbook_pvalues_and_random_signs_mend_them(large):
    shares = [large.rejected.sel(series=f"random walk, steps shrink by exp(-{d})") for d in (1, 3, 5, 10)]
    textbook = [float(share.sel(test="ADF, textbook")) for share in shares]
    assert textbook == sorted(textbook)
    assert textbook[2] == pytest.approx(0.65, abs=0.1)
    for share in shares:
        assert share.sel(test="ADF, random signs") == pytest.approx(0.05, abs=0.03)
        assert share.sel(test="variance ratio") == pytest.approx(0.045, abs=0.03)


def test_displacements_of_a_random_walk_and_stationary_series_are_rejected(large):
    for kind in ("displacement of a random walk", "white noise", "autoregressive, 0.5", "autoregressive, 0.9"):
        rejected = large.rejected.sel(series=kind)
        assert (rejected.sel(test=["ADF, textbook", "ADF, random signs"]) > 0.99).all()
        assert rejected.sel(test="variance ratio") > 0.9


def test_constant_series_have_no_test(smoke):
    assert np.isnan(smoke.rejected.sel(series="constant")).all()
    assert np.isnan(smoke.adf_quantile.sel(series="constant")).all()
    assert (smoke.constant.sel(series="constant") == 1).all()
    assert (smoke.constant.drop_sel(series="constant") == 0).all()


def test_dataset_is_labelled(smoke):
    assert smoke.rejected.dims == ("seed", "series", "test")
    assert tuple(smoke.test.values) == TESTS
    assert list(smoke.seed.values) == [0, 1, 2]
    for name, variable in smoke.data_vars.items():
        assert variable.attrs["units"], name
        assert variable.attrs["long_name"], name


def test_a_seed_gives_the_same_numbers_alone(smoke):
    steps = []
    alone = calibrate(replace(PRESETS["smoke"], seeds=(1,)), steps)
    np.testing.assert_array_equal(alone.rejected[0], smoke.rejected.sel(seed=1))
    assert steps == [0.0, 1.0]


def test_unstable_coefficients_are_refused():
    with pytest.raises(ValueError, match="must lie between -1 and 1"):
        calibrate(replace(PRESETS["smoke"], memories=(1.0,)))
