"""Weights in the plane: against numpy's histograms, and a control that normal weights cannot be told from."""

import numpy as np
import pytest
import torch
from torch import nn

from lib.measures.complexity import complexity_entropy
from lib.measures.weights import matrices, weight_plane


def normal(rows=200, columns=100, seed=0):
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))


def test_places_are_those_of_numpys_histogram():
    found = weight_plane({"w": normal()}, ("own",), bins=64)
    place = complexity_entropy(np.histogram(normal().double(), 64)[0])
    assert found["h"].item() == pytest.approx(float(place.h), rel=1e-6)
    assert found["complexity"].item() == pytest.approx(float(place.complexity), rel=1e-6)
    assert found["spread"].item() == pytest.approx(float(normal().double().std(correction=0)))
    assert found["h"].attrs["units"] == "1"


@pytest.mark.parametrize("rule", ["own", "robust", "spread", "fixed"])
def test_normal_weights_are_where_their_control_is(rule):
    found = weight_plane({str(k): 0.2 * normal(seed=k) + 0.05 for k in range(8)}, (rule,), bins=128)
    away = ((found["h"] - found["normal_h"]) / found["normal_h_error"]).values
    assert np.abs(away).max() < 5
    assert abs(away.mean()) < 1.5


def test_laplacian_weights_are_further_from_uniform_than_normal_ones():
    draw = np.random.default_rng(0)
    found = weight_plane({"w": torch.from_numpy(draw.laplace(size=(300, 300)))}, ("spread",))
    assert found["kurtosis"].item() == pytest.approx(3, abs=0.3)
    assert found["h"].item() < found["normal_h"].item() - 10 * found["normal_h_error"].item()


def test_matrices_are_those_of_a_module_without_what_has_one_axis():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    assert list(matrices(model)) == ["0.weight", "3.weight"]
    assert list(matrices({"ids": torch.zeros(3, 3, dtype=torch.int64)})) == []


def test_zeros_of_a_pruned_matrix_are_counted():
    pruned = normal()
    pruned[::4] = 0
    assert weight_plane({"w": pruned})["zeros"].item() == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("weights", "rules", "message"),
    [
        ({"b": torch.zeros(3)}, ("own",), "no weight matrix"),
        ({"w": torch.full((3, 3), torch.nan)}, ("own",), "Weights of 'w' are nan"),
        ({"w": torch.ones(3, 3)}, ("own",), "All weights of 'w' are 1"),
        ({"w": torch.eye(3)}, ("magic",), "Unknown binning rule 'magic'"),
        ({"w": torch.eye(3)}, (), "Unknown binning rule"),
    ],
)
def test_what_has_no_place_is_refused(weights, rules, message):
    with pytest.raises(ValueError, match=message):
        weight_plane(weights, rules)
