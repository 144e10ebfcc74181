"""What every experiment has in common."""

from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest

from lib import experiments, records

NAMES = list(experiments.EXPERIMENTS)


@pytest.mark.parametrize("name", NAMES)
def test_configs_are_frozen_and_hold_the_seeds(name):
    for config in experiments.get(name).presets.values():
        assert is_dataclass(config)
        assert config.__dataclass_params__.frozen
        assert "seeds" in {field.name for field in fields(config)}
        hash(config)


@pytest.mark.parametrize("name", NAMES)
def test_batches_cover_all_seeds_once_in_every_piece(name):
    experiment = experiments.get(name)
    for preset in experiment.presets:
        config = experiment.config(preset)
        batches = experiment.batches(config)
        wanted = [seed for piece in experiment.pieces(config) for seed in piece.seeds]
        assert [seed for batch in batches for seed in batch.seeds] == wanted
        assert set(wanted) == set(config.seeds)
        assert len(set(batches)) == len(batches)


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_is_its_own_only_batch(name):
    """So a batch can be asked for as any other config, by another process."""
    experiment = experiments.get(name)
    for preset in experiment.presets:
        for batch in experiment.batches(experiment.config(preset)):
            assert experiment.batches(batch) == [batch]


def test_joined_batches_are_the_whole():
    """Cut up by task and seeds and joined again, a run is what it is in one piece."""
    config = replace(experiments.get("perceptron").config("smoke"), seeds=(0, 1), seeds_together=1)
    experiment, cpu = experiments.get("perceptron"), records.devices.choose("cpu")
    batches = experiment.batches(config)
    assert len(batches) == 4
    joined = experiment.join([experiment.run(batch, device=cpu) for batch in batches], config)
    whole = experiment.run(config, device=cpu)
    assert joined.sizes == whole.sizes
    for name in whole.data_vars:
        assert joined[name].dims == whole[name].dims, name
        assert joined[name].attrs == whole[name].attrs, name
        np.testing.assert_allclose(joined[name], whole[name], rtol=1e-4, atol=1e-6, err_msg=str(name))


def test_networks_with_other_layers_seeds_and_variables_are_joined():
    """What a network has not is NaN, or what stands for nothing in whole numbers."""
    experiment, cpu = experiments.get("deep_mlp"), records.devices.choose("cpu")
    config = experiment.config("smoke")
    three, two = config.networks
    config = replace(config, networks=(three, replace(two, seeds=(1,))))
    joined = experiment.run(config, device=cpu)
    assert list(joined["network"].values) == [three.name, two.name]
    assert list(joined["layer"].values) == ["1", "2", "3", "output"]
    of_two = joined.sel(network=two.name)
    assert np.isnan(of_two["entropy"].sel(part="3")).all()
    assert np.isfinite(of_two["entropy"].sel(part=["1", "2", "output", "hidden", "all"], seed=1)).all()
    assert (of_two["counts"].sel(seed=0) == 0).all()
    assert (of_two["shift"].sel(seed=0) == 255).all()
    assert np.isfinite(of_two["validation_error"].sel(seed=1)).all()
    assert np.isnan(joined["validation_error"].sel(network=three.name)).all()
    assert np.isnan(of_two["binned_input"]).all()


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
