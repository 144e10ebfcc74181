"""What a sweep would take: work counted by hand, and time shared out."""

import numpy as np
import pytest
import xarray as xr

from lib.bench.sweep_cost import Work, hours, makespan, patterns_per_second, works
from lib.experiments._residual import topmost
from lib.experiments.residual_tasks import Config, Network
from lib.models.resnet import untrained


def test_work_is_counted():
    config = Config((Network("CIFAR-10"), Network("CKMNIST", seeds=(1,), learned=100, epochs=3)), seeds=(0, 1))
    layers = len(topmost(untrained(56, 0)))
    cifar = Work(learned=100 * 50_000, seen=21 * (5_000 + 30_000), patterns=12 * layers * 20_000 * 8)
    kmnist = Work(learned=3 * 100, seen=4 * (5_000 + 30_000), patterns=4 * layers * 20_000 * 8)
    assert works(config) == [cifar, cifar, kmnist]
    assert Work(learned=100, seen=30, patterns=8).seconds(images=10, patterns=4) == 10 + 1 + 2


def test_hours_fall_with_speed_and_with_machines_down_to_one_network():
    config = Config((Network("CIFAR-10"),), seeds=tuple(range(10)))
    table = hours(config, {"slow": (500, 10_000), "fast": (2_000, 40_000)})
    alone = works(config)[0].seconds(500, 10_000) / 3600
    np.testing.assert_allclose(table.loc["slow"], [10 * alone, 2 * alone, alone])
    np.testing.assert_allclose(table.loc["fast"], table.loc["slow"] / 4)


def test_no_machine_waits_while_there_is_work():
    seconds = np.random.default_rng(0).random(50)
    for machines in (1, 3, 8, 64):
        least = max(seconds.sum() / machines, seconds.max())
        assert least - 1e-9 <= makespan(list(seconds), machines) <= 4 / 3 * least


def test_a_record_of_another_depth_is_refused():
    with pytest.raises(ValueError, match="take that of depth 56 alone"):
        patterns_per_second(xr.Dataset(coords={"depth": [20, 56]}))
