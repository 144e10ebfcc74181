"""Judges of residual networks along training, on courses made by hand."""

import numpy as np
import pytest

from lib.claims import training_trajectories as judges
from lib.claims.training_trajectories import corner, half_rise

from .residual_record import network, record

RANDOM = "CIFAR-10, random labels"
TASKS = ("CKMNIST", "CFashionMNIST", "CIFAR-10")


def test_half_of_a_rise():
    epochs = np.array([0.0, 1, 2, 10])
    found = half_rise(epochs, np.array([[0.0, 0, 0, 8], [4.0, 8, 8, 8], [1.0, 0, 0, 0.5]]))
    np.testing.assert_allclose(found, [6, 0.5, np.nan])


def test_a_corner_is_where_a_path_turns():
    epochs = np.array([0, 1, 2, 3, 10, 30])
    up = np.array([0.0, 0.5, 1, 1, 1, 1])
    right = np.array([0.0, 0, 0, 1, 2, 3])
    assert corner(epochs, right, up) == 2
    np.testing.assert_array_equal(corner(epochs, np.stack([right, 9 * right]), np.stack([up, up - 4])), [2, 2])
    assert corner(epochs, np.zeros(6), up) == corner(epochs, np.zeros(6), 2 * up)
    with pytest.raises(ValueError, match="2 moments has no corner"):
        corner(epochs[:2], right[:2], up[:2])


def test_complexity_first():
    made = [network(name) for name in TASKS]
    found = judges.complexity_rises_first(record(*made, network(RANDOM)))
    assert found.verdict == "reproduced"
    assert len(found.conditions) == 4
    late = [network(name, pace=(20.0, 5.0)) for name in TASKS]
    assert judges.complexity_rises_first(record(*late)).verdict == "not reproduced"
    assert judges.complexity_rises_first(record(network("CIFAR-10", complexity=(0.5, 0.4)))).conditions[0].passes is (
        False
    )


def test_random_labels_turn_late():
    slow = {"dimension": (2, 30), "pace": (5.0, 20.0)}
    first, last = network("CIFAR-10", pace=(0.5, 20.0)), network(RANDOM, pace=(30.0, 1e4), **{"dimension": (2, 30)})
    found = judges.memorising_begins_late(record(first, last))
    assert "turns after" in found.conditions[0].note
    alike = judges.memorising_begins_late(record(network("CIFAR-10", **slow), network(RANDOM, **slow)))
    assert alike.verdict == "not reproduced"
    fewer = judges.memorising_begins_late(record(first, network(RANDOM, learned=5_000)))
    assert "fewer pictures" in fewer.text
    epochs, steps = fewer.conditions
    assert steps.name == "ResNet-56, CIFAR-10, in thousands of steps"
    last = [float(turn) for turn in epochs.note.rpartition("after ")[2].split(", ")]
    early = [float(turn) for turn in epochs.note.partition("after ")[2].partition(" epochs")[0].split(", ")]
    assert steps.effect == pytest.approx((40 * np.mean(last) - 3 * 391 * np.mean(early)) / 1000)
    assert judges.memorising_begins_late(record(first)) is None


@pytest.mark.parametrize(
    ("errors", "passes"),
    [((0.01, 0.02, 0.06, 0.7, 0.8), True), ((0.01,) * 5, None), ((0.8,) * 3, None), ((0.8,) * 9, False)],
)
def test_some_memorise(errors, passes):
    found = judges.some_runs_memorise(record(network(RANDOM, seeds=len(errors), train_error=errors)))
    assert found.conditions[0].passes is passes
    assert found.effect == pytest.approx(np.mean(np.array(errors) < 0.1))
    assert "not run" in found.control


def test_memorising_at_another_rate_is_the_control():
    found = judges.some_runs_memorise(record(network(RANDOM), network(RANDOM, rate=0.01, seeds=2, train_error=0.5)))
    assert found.control == "CIFAR-10, random labels, ResNet-56, rate 0.01: accuracies 50.0, 50.0 %"
