"""Calibration of entropy estimates: what is drawn is what it says, and the known facts come out at small size."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lib.data.exact import SYSTEMS
from lib.experiments import pattern_calibration as calibration
from lib.experiments.pattern_calibration import BOUNDING, COUNTING, LATTICE, PRESETS, SPARSE, Config, Limit


@pytest.fixture(scope="module")
def smoke(smoke_record):
    return smoke_record("pattern_calibration")


def test_truth_is_that_of_the_systems(smoke):
    for name in smoke["system"].values:
        at, system = smoke.sel(system=name), SYSTEMS[name]
        assert (at["truth"], at["independent_bits"], at["units"]) == (
            system.bits,
            system.independent_bits,
            system.units,
        )


def test_bounds_lie_above_the_truth_and_counts_below(smoke):
    excess = smoke["bits"] - smoke["truth"]
    bounding = (excess / smoke["standard_error"]).sel(estimator=list(BOUNDING))
    assert float(bounding.min()) > -3
    counted = smoke["bits"].sel(estimator="plugin")
    assert (counted <= np.log2(smoke["samples"]) + 1e-9).all()
    assert (counted.sel(system=LATTICE) < 0.3 * smoke["truth"].sel(system=LATTICE)).all()
    assert (counted <= smoke["bits"].sel(estimator="miller-madow")).all()


def test_limits_leave_out_what_is_slow_and_say_so(smoke):
    tried = np.isfinite(smoke["bits"])
    assert tried.sel(estimator="xgboost", system=LATTICE, samples=100).values.tolist() == [True, False]
    assert not tried.sel(estimator="xgboost", samples=200).any()
    assert not tried.sel(estimator="xgboost", system=SPARSE).any()
    assert tried.sel(estimator="logistic", seed=0).sum() == 3
    assert not tried.sel(estimator="logistic", seed=1).any()
    assert tried.sel(estimator=["autoregressive", *COUNTING]).all()
    assert "xgboost on more than 5,000 samples x units: not tried" in smoke.attrs["left_out"]
    assert calibration._left_out(Config()) == "nothing"


def test_repeats_that_are_split_are_learned_by_heart(smoke):
    masked = smoke.sel(estimator="autoregressive", updates=0)
    assert (masked["split_bits"] < 0.9 * masked["grouped_bits"]).all()
    assert (masked["grouped_bits"] > smoke["truth"].sel(system=LATTICE)).all()
    assert not np.isfinite(smoke["grouped_bits"].sel(estimator=list(COUNTING))).any()


def test_repeated_patterns_are_as_far_apart_as_they_say():
    config = Config(groups=30, repeats=5)
    exact, near = (calibration.repeated(config, 0, updates).reshape(30, 5, 48) for updates in (0, 4))
    assert (exact == exact[:, :1]).all()
    distance = (near != exact).sum(-1)
    assert distance.max() <= 4
    assert distance.mean() > 0.3


def test_orders_and_recording_are_estimated(smoke):
    orders = smoke["order_bits"].sel(estimator="autoregressive")
    assert np.isfinite(orders).all()
    assert (orders.isel(order=0) != orders.isel(order=1)).all()
    recording = smoke.sel(estimator="autoregressive")
    assert (recording["recording_seconds"] > 0).all()
    above = (recording["recording_bits"] - smoke["truth"].sel(system=SPARSE)) / recording["recording_error"]
    assert (abs(above) < 4).all()  # few bins and a slow signal: the standard error over blocks knows of it


def test_closed_forms_come_out(smoke):
    assert (smoke["regime_bits"].sel(regime=["linear", "off", "half and half"]) == 0).all()
    assert (smoke["regime_bits"].sel(regime="switching") > 4).all()
    shares = smoke["regime_linearity"].mean("seed")
    np.testing.assert_array_equal(shares.sel(regime=["linear", "off", "half and half"]), [1, 0, 0.5])
    np.testing.assert_allclose(smoke["ball_dimension"].mean("seed"), smoke["ball"], rtol=0.03)


def test_dataset_is_labelled(smoke):
    assert smoke["bits"].dims == ("system", "estimator", "samples", "seed")
    assert list(smoke["seed"].values) == [0, 1]
    assert tuple(smoke["estimator"].values) == (*BOUNDING, *COUNTING)
    for name, variable in smoke.data_vars.items():
        assert variable.attrs["units"], name
        assert variable.attrs["long_name"], name


def test_progress_goes_from_nothing_to_all():
    config = replace(
        PRESETS["smoke"],
        seeds=(0,),
        methods=("logistic", "plugin"),
        order_methods=("logistic",),
        limits=(),
        samples=(40,),
        groups=4,
        bins=40,
        ball_samples=100,
        order_samples=40,
    )
    steps = []
    found = calibration.run(config, device=torch.device("cpu"), progress=lambda share, _: steps.append(share))
    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == (0, 1)
    assert steps[-2] < 1
    assert tuple(found["estimator"].values) == ("logistic", "plugin")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"systems": ("Ising lattice", "gas")}, "Unknown system 'gas': choose from independent units, "),
        ({"systems": (LATTICE, "Markov chain")}, "The system 'sparse population' is missing"),
        ({"ordered": ("copies",)}, "The system 'copies' is missing"),
        ({"methods": ("autoregressive", "guess")}, "Unknown method 'guess'"),
        ({"limits": (Limit("guess", 10, 0),)}, "Unknown method 'guess'"),
        ({"bins": 20}, "Blocks of 20 of 20 bins leave one group"),
        ({"balls": (65,)}, "A ball of 65 dimensions"),
        ({"balls": (0,)}, "A ball of 0 dimensions"),
    ],
)
def test_wrong_settings_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        calibration.run(
            replace(PRESETS["smoke"], **change), device=torch.device("cpu"), progress=lambda share, text: None
        )
