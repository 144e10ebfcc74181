"""Residual networks by task: when and on what they are read, how they learn, and how networks join."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from lib import experiments, records, unfinished
from lib.data.image_tasks import TASKS, load_task
from lib.experiments import residual_tasks
from lib.experiments._residual import batches, scores_of
from lib.experiments.residual_tasks import PAPER, PRESETS, Config, Network, entropy_epochs, stored_epochs
from lib.models.resnet import untrained
from lib.probing import probe

CPU = torch.device("cpu")
ONE = replace(
    PRESETS["smoke"], networks=(Network("CDigits_T8", depth=8, epochs=1, learned=64),), seeds=(0,), evaluated=20
)


def run(config):
    return residual_tasks.run(config, device=CPU, progress=lambda share, text: None)


def test_networks_are_read_before_training_and_after_every_stored_epoch(smoke_record):
    record = smoke_record("residual_tasks")
    digits, random = record.sel(network="CDigits, ResNet-8"), record.sel(network="CDigits, random labels, ResNet-8")
    assert list(record["epoch"].values) == [0, 1, 2, 3]
    for name in ("train_loss", "test_loss", "train_error", "test_error"):
        assert np.isfinite(digits[name].sel(epoch=[0, 1, 2])).all(), name
        assert np.isnan(digits[name].sel(epoch=3)).all(), name
        assert np.isfinite(random[name].sel(seed=1)).all(), name
        assert np.isnan(random[name].sel(seed=0)).all(), name
    assert np.isnan(record["learning_loss"].sel(epoch=0)).all()
    assert record["effective_dimension"].min() > 0
    assert (record["effective_dimension"] <= record["units"]).where(record["effective_dimension"].notnull(), True).all()


def test_each_task_is_read_on_its_own_parts(smoke_record):
    record = smoke_record("residual_tasks").isel(epoch=0).sel(seed=1)
    read = record["linearity"].notnull().all("layer")
    assert read.sel(network="CDigits, ResNet-8").to_series().to_dict() == {"test": True, "train": False, "object": True}
    of_random = read.sel(network="CDigits, random labels, ResNet-8").to_series().to_dict()
    assert of_random == {"test": True, "train": True, "object": False}
    parts = {name: Network(name).parts for name in TASKS}
    assert parts["CMNIST_T8"] == ("test", "object")
    assert parts["CIFAR-10"] == parts["CIFAR-10, random labels"] == ("test", "train")
    assert parts["CIFAR-10_T8"] == parts["CIFAR-100"] == ("test",)


def test_every_layer_is_read_at_as_many_patterns(smoke_record):
    config, patterns = PRESETS["smoke"], smoke_record("residual_tasks")["patterns"]
    assert set(patterns.values[np.isfinite(patterns.values)]) == {config.images * config.patches}


def test_a_loss_falls_while_learning(smoke_record):
    loss = smoke_record("residual_tasks")["learning_loss"].sel(network="CDigits, ResNet-8")
    assert (loss.sel(epoch=2) < loss.sel(epoch=1)).all()


def test_total_correlation_is_what_independent_units_have_more(smoke_record):
    record = smoke_record("residual_tasks")
    np.testing.assert_allclose(record["total_correlation"], record["independent_bits"] - record["complexity"])
    share = record["total_correlation"] / record["independent_bits"]
    np.testing.assert_allclose(record["normalized_total_correlation"], share, rtol=1e-12)


def test_before_training_it_is_the_network_of_its_seed():
    """Errors and layers at epoch 0, against the model and `probe` themselves."""
    found = run(ONE).isel(network=0, seed=0).sel(epoch=0)
    task, model = load_task("CDigits_T8"), untrained(8, 0)
    wrong = scores_of(model, task.x_test).argmax(1) != task.y_test
    assert float(found["test_error"]) == pytest.approx(float(wrong.double().mean()))
    read = probe(model, batches(task.x_test[:30]), patches=4, method="miller-madow", seed=0)
    for name in ("linearity", "effective_dimension", "complexity"):
        np.testing.assert_allclose(found[name].sel(part="test"), read[name], rtol=1e-4, err_msg=name)
    assert found["units"].values.tolist() == [16, 16, 32, 64]
    assert found["block"].values.tolist() == [1, 2, 3, 4]


def test_random_labels_are_learned_without_weight_decay_and_as_they_are():
    network = Network("CIFAR-10, random labels")
    assert (network.weight_decay, network.moved) == (0.0, False)
    assert replace(network, augmented=True).moved
    assert (Network("CMNIST_T8").weight_decay, Network("CMNIST_T8").moved) == (1e-4, True)


def test_names_say_what_differs_from_the_text():
    assert Network("CIFAR-10").name == "CIFAR-10, ResNet-56"
    assert Network("CIFAR-10", depth=20, rate=0.05, epochs=8).name == "CIFAR-10, ResNet-20, rate 0.05"
    assert Network("CDigits, random labels", augmented=True).name == "CDigits, random labels, ResNet-56, augmented"
    for config in PRESETS.values():
        assert len({network.name for network in config.networks}) == len(config.networks)


def test_presets_hold_the_tasks_of_the_text():
    assert {network.task for network in PAPER} == {name for name in TASKS if "Digits" not in name}
    assert all(network.epochs == 100 and network.depth == 56 for network in PAPER)
    reduced = residual_tasks.pieces(PRESETS["reduced"])
    depths = [piece.networks[0].depth for piece in reduced]
    assert depths == sorted(depths, reverse=True)
    assert [piece.seeds for piece in reduced if piece.networks[0].depth == 20] == [(0, 1, 2)] * 11
    assert [len(piece.seeds) for piece in reduced if piece.networks[0].depth == 56] == [1] * 8 + [3]


@pytest.mark.parametrize(("epochs", "moments"), [(1, 3), (2, 8), (8, 8), (10, 8), (100, 12), (150, 8), (33, 3)])
def test_entropies_are_estimated_at_some_of_the_stored_epochs(epochs, moments):
    stored, chosen = stored_epochs(epochs), entropy_epochs(epochs, moments)
    assert set(chosen) <= set(stored)
    assert len(chosen) <= moments
    assert (chosen[0], chosen[-1], stored[-1]) == (0, epochs, epochs)
    assert chosen == sorted(chosen)


def test_random_labels_are_read_where_the_text_fits_its_exponent():
    moments = Network("CIFAR-10, random labels", epochs=150).entropy_epochs(8)
    assert [epoch for epoch in moments if 40 <= epoch <= 80] == [40, 50, 60, 70, 80]
    assert set(entropy_epochs(150, 8)) <= set(moments)
    assert Network("CIFAR-10", epochs=150).entropy_epochs(8) == entropy_epochs(150, 8)
    assert max(entropy_epochs(30, 4, memorised=True)) == 30


def test_a_network_is_the_same_alone_and_among_others(smoke_record):
    """A record of one network and seed, as it is stored, is that part of the whole."""
    experiment, whole = experiments.get("residual_tasks"), smoke_record("residual_tasks")
    piece = experiment.batches(experiment.config("smoke"))[1]
    alone = experiment.run(piece, device=CPU).isel(network=0, seed=0)
    same = whole.sel(network="CDigits, ResNet-8", seed=1, epoch=[0, 1, 2], part=["test", "object"])
    xr.testing.assert_allclose(alone.drop_vars("learned"), same.drop_vars("learned"))


def test_records_are_stored_network_by_network_and_found_together(tmp_path, monkeypatch):
    monkeypatch.setenv("BOOK_RECORDS", str(tmp_path))
    records.obtain("residual_tasks", "smoke", store=True)
    assert len(list(tmp_path.glob("residual_tasks-smoke-*.nc"))) == 4
    found = records.largest("residual_tasks")
    assert found.sizes["network"] == 3
    assert list(found["seed"].values) == [0, 1]
    assert list(found["part"].values) == list(residual_tasks.PARTS)


def test_networks_of_other_depth_join():
    shallow = Config((Network("CDigits, random labels", depth=8, epochs=1, learned=40),), 20, 10, 10, 2, 2, "plugin")
    shallow = replace(shallow, seeds=(0,))
    deep = replace(shallow, networks=(replace(shallow.networks[0], depth=14),))
    joined = residual_tasks.join_pieces([run(shallow), run(deep)])
    assert joined["depth"].values.tolist() == [8, 14]
    assert joined["units"].notnull().sum("layer").values.tolist() == [4, 7]
    assert joined["linearity"].attrs["units"] == "1"


def test_too_many_pictures_are_refused():
    with pytest.raises(ValueError, match="has 360 test pictures, not 400: read fewer"):
        run(replace(ONE, images=400))
    random = Network("CDigits, random labels", depth=8, epochs=1, learned=64)
    with pytest.raises(ValueError, match="has 64 train pictures, not 80"):
        run(replace(ONE, networks=(random,), images=80))


def test_a_run_that_is_interrupted_goes_on_where_it_stood(monkeypatch):
    monkeypatch.setattr(unfinished, "EVERY", 0.0)
    config = replace(ONE, networks=(replace(ONE.networks[0], epochs=3),))
    whole = run(config)
    seen = []

    def stop(share, text):
        seen.append(share)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        residual_tasks.run(config, device=CPU, progress=stop)
    seen = [0.0, 0.0]
    resumed = residual_tasks.run(config, device=CPU, progress=stop)
    assert seen[2:] == pytest.approx([1.0, 1.0]), "one epoch was left"
    assert resumed.attrs.pop("seconds_before") > whole.attrs.pop("seconds_before") == 0
    assert resumed.identical(whole)
