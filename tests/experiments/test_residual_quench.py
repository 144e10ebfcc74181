"""Residual networks in their first steps: what is read, and when."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lib import data, experiments
from lib.data.crops import crops
from lib.data.order import Stream, generator_of
from lib.experiments import residual_quench
from lib.experiments._residual import inputs
from lib.experiments.residual_quench import Config, Network
from lib.measures.dimension import effective_dimension
from lib.models.resnet import untrained

CPU = torch.device("cpu")
ONE = Config(
    (Network(8, "sgd", 0.1, steps=3),), "digits", 16, mirror=False, batch=32, images=40, readings=3, seeds=(0,)
)


def run(config):
    return residual_quench.run(config, device=CPU, progress=lambda share, text: None)


def test_readings_are_those_of_the_network_trained_by_hand():
    """Weights by a plain loop, batch norms from train images, and the dimension of what the last ReLU of all gives."""
    digits, found = data.load("digits", size=16), run(replace(ONE, patches=64)).isel(network=0, seed=0, reading=-1)
    model = untrained(8, 0, 10).train()
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, weight_decay=1e-4)
    for step, rows in enumerate(data.epoch_order(digits.n_train, 0, 0).split(32)[:3]):
        optimizer.zero_grad()
        x = inputs(crops(digits.x_train[rows], generator_of(0, Stream.CROPS, step)))
        torch.nn.functional.cross_entropy(model(x), digits.y_train[rows]).backward()
        optimizer.step()
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    outputs = []
    with torch.no_grad():
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
        model(inputs(digits.x_train[:40]))
        model.eval().layer3[0].relu.register_forward_hook(lambda module, given, output: outputs.append(output))
        scores = model(inputs(digits.x_test[:40]))
    expected = effective_dimension(outputs[-1].permute(0, 2, 3, 1).reshape(-1, 64)).dimension
    loss = torch.nn.functional.cross_entropy(scores, digits.y_test[:40])
    assert float(found["test_loss"]) == pytest.approx(float(loss), rel=1e-3)
    assert float(found["effective_dimension"][-1]) == pytest.approx(expected, rel=1e-3)


def test_reading_leaves_the_training_as_it_is():
    once, often = (run(replace(ONE, readings=number)).isel(reading=-1) for number in (1, 3))
    np.testing.assert_array_equal(once["effective_dimension"], often["effective_dimension"])
    assert float(once["step"].item()) == float(often["step"].item()) == 3


def test_networks_and_seeds_stand_in_their_places(smoke_record):
    record = smoke_record("residual_quench")
    assert list(record["network"].values) == ["ResNet-8, Adam, rate 1e-3", "ResNet-8, SGD, rate 0.1"]
    assert np.isfinite(record["effective_dimension"].isel(network=0)).all()
    second = record.isel(network=1)["test_loss"].transpose("seed", "reading")
    assert np.isnan(second[0]).all()
    assert np.isfinite(second[1]).all()
    assert list(record["step"].isel(network=0).values) == [0, 1, 2, 3, 5, 8]
    assert record["epoch"].isel(network=0, reading=-1) == pytest.approx(8 / 45)
    assert record["effective_dimension"].attrs["units"] == "1"


def test_the_text_s_network_learns_as_appendix_c_says():
    recipe = residual_quench.PRESETS["paper"].networks[1].recipe(128)
    assert (recipe.optimizer, recipe.rate, recipe.momentum, recipe.weight_decay) == ("sgd", 0.1, 0.9, 1e-4)
    assert Network().recipe(32).weight_decay == 0


def test_each_network_is_a_piece_and_each_seed_a_batch():
    experiment = experiments.get("residual_quench")
    config = experiment.config("paper")
    assert len(experiment.pieces(config)) == len(config.networks)
    assert len(experiment.batches(config)) == len(config.networks) * len(config.seeds)


def test_more_images_than_there_are_is_an_error():
    with pytest.raises(ValueError, match="test images, not 900: ask for fewer"):
        run(replace(ONE, images=900))
