"""A training that goes on from a copy ends where it would have ended; no copy is used that is not of this very run."""

import os
import time

import pytest
import torch
import xarray as xr
from torch import nn

from lib import netcdf, provenance, unfinished
from lib.training import Recipe, fit_module
from lib.unfinished import Unfinished, UnfinishedWarning

CPU = torch.device("cpu")
RECIPES = {
    "sgd": Recipe("sgd", rate=0.1, weight_decay=1e-4, batch=16, momentum=0.9, drops=(0.5,)),
    "adam": Recipe("adam", rate=0.01, batch=16),
}


@pytest.fixture(autouse=True)
def copies_at_once(monkeypatch):
    monkeypatch.setattr(unfinished, "EVERY", 0.0)


def network():
    """Return a small network whose weights lie in memory as those of the residual networks do."""
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def learn(recipe, epochs, asked="one"):
    """Learn up to an epoch of six, from the copy where there is one; return model, all that was found, epochs made."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(72, 3, 8, 8, generator=generator).contiguous(memory_format=torch.channels_last)
    y = torch.randint(4, (72,), generator=generator)
    model = network()
    optimizer, training = recipe.start(*model.parameters()), Unfinished("some", asked, CPU)
    done, found = training.resume(model, optimizer)
    made = 0
    for epoch in fit_module(model, x, y, recipe, 6, seed=3, optimizer=optimizer, done=done):
        found.append(xr.Dataset({"loss": ((), epoch.loss, {"units": "nats"}), "word": ("part", ["é", "test"])}))
        training.keep(epoch.number, model, optimizer, found)
        made += 1
        if epoch.number == epochs:
            return model, found, made
    training.end()
    return model, found, made


def same(first, second):
    return all(
        torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize("recipe", RECIPES)
def test_it_ends_where_it_would_have_ended_without_a_break(recipe):
    whole, all_found, _ = learn(RECIPES[recipe], None)
    learn(RECIPES[recipe], 2)
    learn(RECIPES[recipe], 4)
    model, found, made = learn(RECIPES[recipe], None)
    assert made == 2
    assert same(model, whole)
    assert len(found) == len(all_found) == 6
    assert all(a.identical(b) for a, b in zip(found, all_found, strict=True))
    assert not list(Unfinished("some", "one", CPU).path.parent.iterdir()), "a finished training leaves no copy"


def test_seconds_spent_before_are_counted(monkeypatch):
    now = 1000.0
    monkeypatch.setattr(unfinished.time, "monotonic", lambda: now)
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters())
    for before in (0.0, 50.0, 100.0):
        training = Unfinished("some", "seconds", CPU)
        training.resume(model, optimizer)
        assert training.seconds_before == before
        now += 50.0
        training.keep(1, model, optimizer, [xr.Dataset({"loss": 0.5})])


def test_copies_are_made_now_and_then(monkeypatch):
    monkeypatch.setattr(unfinished, "EVERY", 3600.0)
    learn(RECIPES["sgd"], 5)
    assert learn(RECIPES["sgd"], None)[2] == 6


def test_another_run_or_code_begins_anew(monkeypatch):
    learn(RECIPES["sgd"], 2)
    assert learn(RECIPES["sgd"], None, asked="another")[2] == 6
    monkeypatch.setattr(provenance, "revision", lambda: "another")
    assert learn(RECIPES["sgd"], 3)[2] == 3


def test_a_damaged_copy_is_named_and_the_training_begins_anew():
    learn(RECIPES["sgd"], 2)
    path = Unfinished("some", "one", CPU).path
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    with pytest.warns(UnfinishedWarning, match=r"damaged.* The training begins anew"):
        assert learn(RECIPES["sgd"], None)[2] == 6


def test_a_full_disk_does_not_end_the_training(monkeypatch):
    def full_disk(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(netcdf, "write", full_disk)
    with pytest.warns(UnfinishedWarning, match=r"No copy of this training can be kept: .*No space left"):
        assert learn(RECIPES["sgd"], None)[2] == 6


def test_copies_that_nobody_went_on_with_are_dropped():
    learn(RECIPES["sgd"], 2)
    path = Unfinished("some", "one", CPU).path
    month = time.time() - 31 * 86_400
    os.utime(path, (month, month))
    learn(RECIPES["sgd"], 1, asked="another")
    assert not path.exists()
