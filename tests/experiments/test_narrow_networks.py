"""Highway and plain networks, and the small CNN: when and how they are read, names, pieces."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lib import data, experiments, records
from lib.experiments import narrow_networks, small_cnn
from lib.experiments._reading import loss_and_error, reading_steps
from lib.experiments.narrow_networks import Network
from lib.measures.dimension import effective_dimension
from lib.measures.patterns import pattern_entropy
from lib.models.highway import HighwayNetworks, Shape
from lib.models.small_cnn import SmallCNNs, arranged
from lib.training import Recipe, fit

CPU = torch.device("cpu")


def run(module, config):
    return module.run(config, device=CPU, progress=lambda share, text: None)


def test_readings_are_what_the_measures_say_of_the_network(smoke_record):
    """The last reading of a seed, from the network trained again and each measure on its own."""
    config, record = narrow_networks.PRESETS["smoke"], smoke_record("narrow_networks")
    network, digits = config.networks[0], data.load("digits")
    nets = HighwayNetworks(Shape(64, 10, network.width, network.depth), config.seeds)
    recipe = Recipe(rate=network.rate, batch=config.batch)
    x, y = digits.vectors("test")[: config.images], digits.y_test[: config.images]
    list(fit(nets, digits.vectors("train"), digits.y_train, recipe, (recipe.steps(digits.n_train),)))
    with torch.no_grad():
        layers, scores = nets.layers(x), nets.outputs(x)
    read = record.sel(network=network.name).isel(reading=-1)
    for place, layer in enumerate(layers):
        mine, output, on = read.isel(layer=place), layer.output[1].T, layer.on[1].T
        assert float(mine["effective_dimension"][1]) == pytest.approx(effective_dimension(output).dimension, rel=1e-3)
        assert float(mine["linearity"][1]) == pytest.approx(float(on.double().mean()), rel=1e-3)
        if layer.gate is not None:
            assert float(mine["gate"][1]) == pytest.approx(float(layer.gate[1].mean()), rel=1e-3)
    loss = torch.nn.functional.cross_entropy(scores[1], y)
    assert float(read["test_loss"][1]) == pytest.approx(float(loss), rel=1e-3)
    assert float(read["test_error"][1]) == pytest.approx(float((scores[1].argmax(1) != y).double().mean()), abs=1e-3)
    before = HighwayNetworks(nets.shape, config.seeds)
    with torch.no_grad():
        on = before.layers(x)[2].on[0].T
    first = record.sel(network=network.name).isel(reading=0, seed=0, layer=2)
    assert float(first["complexity"]) == pytest.approx(pattern_entropy(on, "miller-madow").bits, rel=1e-3)


def test_entropies_are_estimated_at_some_readings(smoke_record):
    config, record = narrow_networks.PRESETS["smoke"], smoke_record("narrow_networks")
    known = np.isfinite(record["complexity"].isel(network=0)).all(("seed", "layer")).values
    assert list(np.flatnonzero(known)) == list(range(0, config.readings + 1, config.entropy_every))
    assert np.isfinite(record["effective_dimension"].isel(network=0)).all()


def test_what_a_network_has_not_is_nan(smoke_record):
    record = smoke_record("narrow_networks")
    deep, plain = record.isel(network=0), record.isel(network=1)
    assert np.isnan(plain["effective_dimension"].sel(layer=3)).all()
    assert np.isnan(plain["gate"]).all()
    assert np.isnan(deep["gate"].sel(layer=1)).all()
    assert np.isfinite(deep["gate"].sel(layer=[2, 3])).all()
    assert np.isnan(plain["gate_bias"])


@pytest.mark.parametrize("name", ["narrow_networks", "small_cnn"])
def test_steps_and_epochs_agree_and_the_loss_falls(smoke_record, name):
    record, config = smoke_record(name), experiments.get(name).config("smoke")
    per_epoch = Recipe(batch=config.batch).steps(data.load("digits").n_train)
    np.testing.assert_allclose(record["step"], record["epoch"] * per_epoch)
    loss = record["test_loss"].isel(network=0).mean("seed").values
    assert loss[-1] < loss[0]


def test_pixels_are_read_where_they_are(smoke_record):
    config, record = small_cnn.PRESETS["smoke"], smoke_record("small_cnn")
    digits = data.load("digits", size=28)
    with torch.no_grad():
        maps = SmallCNNs(10, config.seeds).feature_maps(arranged(digits.vectors("test")[: config.images]))
    first = record.isel(network=0, reading=0, seed=1)
    assert record.sizes["pixel"] == 81 + 9 + 1
    for pixel in (0, 40, 80, 81, 89, 90):
        layer = int(first["convolution"][pixel])
        place = pixel - (0, 81, 90)[layer]
        expected = effective_dimension(maps[layer][1, :, place]).dimension
        assert float(first["effective_dimension"][pixel]) == pytest.approx(expected, rel=1e-3)
    places = {(int(row), int(column)) for row, column in zip(first["row"][:81], first["column"][:81], strict=True)}
    assert len(places) == 81


def test_readings_are_dense_in_the_beginning():
    steps = reading_steps(5_628, 60)
    assert (steps[0], steps[-1], len(set(steps))) == (0, 5_628, 61)
    assert (np.diff(np.diff(steps)) >= -2).all()
    with pytest.raises(ValueError, match="5 steps cannot be read 6 times"):
        reading_steps(5, 6)


def test_loss_and_error_are_torchs():
    scores, y = torch.randn(2, 9, 4, generator=torch.Generator().manual_seed(0)), torch.arange(9) % 4
    loss, error = loss_and_error(scores, y)
    for number in range(2):
        assert loss[number] == pytest.approx(float(torch.nn.functional.cross_entropy(scores[number], y)))
        assert error[number] == float((scores[number].argmax(1) != y).double().mean())


def test_names_say_what_differs():
    assert Network().name == "highway 11 x 28, rate 3e-5"
    assert Network(gate_bias=None, rate=1e-4).name == "plain 11 x 28, rate 1e-4"
    other = Network(gate_bias=-2.0, initial="he-uniform", labels="random")
    assert other.name == "highway 11 x 28, rate 3e-5, gate bias -2, he-uniform, random labels"
    for module in (narrow_networks, small_cnn):
        for config in module.PRESETS.values():
            assert len({network.name for network in config.networks}) == len(config.networks)


@pytest.mark.parametrize("name", ["narrow_networks", "small_cnn"])
def test_pieces_are_stored_and_found_together(tmp_path, monkeypatch, name):
    experiment = experiments.get(name)
    config = experiment.config("smoke")
    two = replace(config.networks[0], rate=2e-3)
    monkeypatch.setitem(experiment.presets, "smoke", replace(config, networks=(config.networks[0], two)))
    monkeypatch.setenv("BOOK_RECORDS", str(tmp_path))
    asked = records.obtain(name, "smoke", store=True)
    assert len(list(tmp_path.glob(f"{name}-smoke-*.nc"))) == 2
    found = records.largest(name)
    assert list(found["network"].values) == [config.networks[0].name, two.name]
    np.testing.assert_array_equal(found["effective_dimension"], asked["effective_dimension"])
    assert found["effective_dimension"].attrs["units"] == "1"


@pytest.mark.parametrize("module", [narrow_networks, small_cnn])
def test_too_many_images_are_refused(module):
    with pytest.raises(ValueError, match="digits has 360 test images, not 400: ask for fewer"):
        run(module, replace(module.PRESETS["smoke"], images=400))
