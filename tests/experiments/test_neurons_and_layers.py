"""Neurons and units at equal rate, number and sample size."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from lib.experiments import neurons_and_layers
from lib.experiments.estimates import rows
from lib.experiments.neurons_and_layers import LAYER, NEURONS, PRESETS, SPARSE, layer_values, rarest

SMOKE = PRESETS["smoke"]


def test_systems_are_compared_at_equal_rate_number_and_size(smoke_record):
    record = smoke_record("neurons_and_layers")
    few = rows(record, whole=0)
    assert set(few["units"].values) == {SMOKE.units}
    assert len(set(record["samples"].values)) == 1
    for stimulus in set(rows(record, system=NEURONS)["stimulus"].values):
        neurons, units = (
            rows(few, system=system, stimulus=stimulus, surrogate="none", method="independent")
            for system in (NEURONS, SPARSE)
        )
        assert neurons["activity"].item() == pytest.approx(units["activity"].item())
        assert neurons["independent_bits"].item() == pytest.approx(units["independent_bits"].item())
    assert rows(record, system=LAYER)["activity"].min() > 0.2


def test_surrogates_are_those_that_a_system_can_have(smoke_record):
    record = smoke_record("neurons_and_layers")
    assert set(rows(record, system=NEURONS, whole=0)["surrogate"].values) == {"none", "permuted", "shifted", "pairwise"}
    assert set(rows(record, system=SPARSE)["surrogate"].values) == {"none", "permuted", "pairwise"}
    assert set(rows(record, whole=1)["surrogate"].values) == {"none", "shifted"}
    assert (rows(record, method="independent")["gain"] == 0).all()


def test_the_rarest_values_of_each_unit_are_on():
    values = np.random.default_rng(0).standard_normal((1_000, 3))
    z = rarest(values, np.array([0.0, 0.01, 0.5]))
    assert z.sum(0).tolist() == [0, 10, 500]
    for unit in (1, 2):
        on = z[:, unit] > 0
        assert values[on, unit].min() > values[~on, unit].max()


def test_values_are_what_the_module_is_given_at_one_pixel():
    model = nn.Sequential(nn.Conv2d(1, 3, 1), nn.ReLU()).eval()
    images = torch.randn(5, 1, 4, 4)
    found = layer_values(model, iter(images.split(2)), "1", seed=0)
    before = model[0](images).flatten(2).detach().numpy()
    assert found.shape == (5, 3)
    for image in range(5):
        assert any(np.allclose(before[image, :, pixel], found[image]) for pixel in range(16))
    assert not np.allclose(found, layer_values(model, iter(images.split(2)), "1", seed=1))
    assert not model[1]._forward_pre_hooks


def test_too_many_units_are_named():
    with pytest.raises(ValueError, match="not 500: ask for fewer"):
        neurons_and_layers.run(replace(SMOKE, units=500), device=torch.device("cpu"), progress=lambda share, text: None)
