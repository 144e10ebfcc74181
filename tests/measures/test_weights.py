"""Weights in the plane: against numpy's histograms, and a control that normal weights cannot be told from."""

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import VisionTransformer

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


WITHOUT_PLACE = {
    "tenth": (torch.full((30, 30), 0.1), "all weights are 0.1"),  # whose mean is off in the last digit
    "zeros": (-torch.zeros(3, 3), "all weights are 0"),
    "none": (torch.zeros(0, 30), "there are no weights"),
    "nan": (torch.tensor([[1.0, torch.nan]]), "weights are nan or infinite"),
    "infinite": (torch.tensor([[1.0, -torch.inf]]), "weights are nan or infinite"),
    "narrow": (torch.tensor([[1, 1 + 3e-16]], dtype=torch.float64), "is too narrow for 256 bins"),
    "huge": (torch.tensor([[1e300, -1e300]], dtype=torch.float64), "beyond float64"),
    "small": (torch.tensor([[1e-300, 2e-300]], dtype=torch.float64), "beyond float64"),
}


@pytest.mark.parametrize("name", WITHOUT_PLACE)
def test_a_matrix_without_a_place_has_a_note_and_leaves_others_as_they_are(name):
    value, why = WITHOUT_PLACE[name]
    found, alone = weight_plane({name: value, "w": normal()}), weight_plane({"w": normal()})
    assert why in found["note"].sel(layer=name).item()
    assert np.isnan(found[["entropy", "complexity", "h", "c", "normal_h"]].sel(layer=name).to_array()).all()
    assert found["count"].sel(layer=name) == value.numel()
    assert found["note"].sel(layer="w") == ""
    for key in ("h", "c", "normal_h", "kurtosis", "zeros"):
        np.testing.assert_array_equal(found[key].sel(layer="w"), alone[key].sel(layer="w"))
    assert weight_plane({name: value}, strict=False)["note"].values == found["note"].sel(layer=name)


def test_a_fresh_transformer_and_scales_of_layers_are_placed():
    torch.manual_seed(0)
    model = VisionTransformer(16, 8, num_layers=1, num_heads=2, hidden_dim=16, mlp_dim=32, num_classes=3)
    model.layer_scale = nn.Parameter(torch.full((16, 1, 1), 1e-6))  # as ConvNeXt begins
    found = weight_plane(model)
    notes = dict(zip(found["layer"].values, found["note"].values, strict=True))
    assert notes["class_token"] == notes["heads.head.weight"] == "all weights are 0"
    assert notes["layer_scale"] == "all weights are 1e-06"
    rest = found.sel(layer=found["note"] == "")
    assert rest.sizes["layer"] == found.sizes["layer"] - 3
    assert rest[["h", "c", "normal_h", "normal_c"]].to_array().notnull().all()


@pytest.mark.parametrize(
    ("weights", "rules", "message"),
    [
        ({"b": torch.zeros(3)}, ("own",), "no weight matrix: give"),
        ({"w": torch.zeros(3, 3, dtype=torch.int8)}, ("own",), "floating-point numbers, and 'w' is of torch.int8"),
        ({"w": torch.full((3, 3), torch.nan)}, ("own",), r"No .* has a place .*\('w': weights are nan or infinite\)"),
        ({str(k): torch.ones(3, 3) for k in range(9)}, ("own",), r"\('0': all weights are 1; '1': [^;]*; '2': [^;]*\)"),
        ({"w": torch.eye(3)}, ("magic",), "Unknown binning rule 'magic'"),
        ({"w": torch.eye(3)}, (), "Unknown binning rule"),
    ],
)
def test_what_has_no_place_is_refused(weights, rules, message):
    with pytest.raises(ValueError, match=message):
        weight_plane(weights, rules)


def test_too_few_bins_are_no_matter_of_the_weights():
    with pytest.raises(ValueError, match="1 bins tell nothing"):
        weight_plane({"w": normal()}, bins=1)
