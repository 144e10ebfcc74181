"""What every experiment has in common."""

from dataclasses import fields, is_dataclass

import numpy as np
import pytest

from lib import experiments, records

NAMES = list(experiments.EXPERIMENTS)


@pytest.mark.parametrize("name", NAMES)
def test_a_smoke_record_can_be_made_again(name):
    """Every experiment runs at preset smoke, names its units, and gives the same numbers twice."""
    first = records.obtain(name, "smoke")
    experiment = experiments.get(name)
    second = experiment.run(experiment.config("smoke"), device=records.devices.choose("cpu"))
    assert set(first.data_vars) == set(second.data_vars)
    for variable in second.data_vars:
        np.testing.assert_array_equal(first[variable], second[variable], err_msg=str(variable))
        assert {"units", "long_name"} <= set(first[variable].attrs), variable
    assert list(first["seed"].values) == list(experiment.config("smoke").seeds)


@pytest.mark.parametrize("name", NAMES)
def test_configs_are_frozen_and_hold_the_seeds(name):
    for config in experiments.get(name).presets.values():
        assert is_dataclass(config)
        assert config.__dataclass_params__.frozen
        assert "seeds" in {field.name for field in fields(config)}
        hash(config)


@pytest.mark.parametrize("name", NAMES)
def test_batches_cover_all_seeds_once(name):
    experiment = experiments.get(name)
    for preset in experiment.presets:
        config = experiment.config(preset)
        batches = experiment.batches(config)
        assert tuple(seed for batch in batches for seed in batch.seeds) == config.seeds


def test_unknown_names_get_one_sentence():
    with pytest.raises(ValueError, match="did you mean 'perceptron'"):
        experiments.get("perceptrons")
    with pytest.raises(ValueError, match="choose one of perceptron"):
        experiments.get("zebra")
    with pytest.raises(ValueError, match="has no preset 'reduced': choose one of smoke, book, paper"):
        experiments.get("perceptron").config("reduced")
    with pytest.raises(ValueError, match="must be different numbers"):
        experiments.get("perceptron").config("smoke", (1, 1))


def test_stored_records_are_current_and_whole():
    for record in records.stored():
        assert not record.stale, f"{record.path.name}: raise no version without making the record again"
        config_hash = record.attrs["config_hash"]
        assert record.path.name == f"{record.experiment}-{record.preset}-{config_hash}.nc"
