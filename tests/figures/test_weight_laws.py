"""Pruning and fitted laws: against made weights and closed forms."""

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import trapezoid

from lib.figures import weight_laws as figures
from lib.measures.complexity import complexity_entropy
from lib.measures.histogram import asinh_edges, histogram


def made(weights: np.ndarray) -> xr.Dataset:
    """What the figures need of one network with one layer, one seed and one epoch."""
    fine = asinh_edges(512)
    found = histogram(weights, edges=fine)
    moments = {"low": weights.min(), "high": weights.max(), "mean": weights.mean(), "sd": weights.std()}
    variables = {name: ("part", [value]) for name, value in moments.items()}
    counts = np.stack([found.counts, np.zeros(512, dtype=int)])
    return xr.Dataset(
        {**variables, "counts": (("layer", "bin"), counts), "edge": ("boundary", fine)},
        coords={"part": ["hidden"], "layer": ["1", "output"]},
    )


@pytest.mark.parametrize("name", ["pruning", "amplitudes"])
def test_figures_draw_and_label_their_axes(smoke_record, name):
    record = smoke_record("deep_mlp")
    for given in (record, record.isel(seed=[1])):
        figure = getattr(figures, name)(given, "digits")
        figure.canvas.draw()
        assert all(axes.get_xlabel() for axes in figure.axes)
        assert figure.axes[0].get_ylabel()


def test_pruning_goes_from_the_weights_to_a_single_bin():
    weights = np.random.default_rng(0).uniform(-0.1, 0.1, 100_000)
    kept = np.array([1.0, 0.5, 1e-3])
    found = figures._smallest_first(made(weights), kept)
    assert found.entropy[0] == pytest.approx(8, abs=0.02)
    # half of them in one bin, the others uniform in the outer half of the bins
    expected = np.full(257, 0.0)
    expected[:64], expected[-64:], expected[128] = 0.5 / 128, 0.5 / 128, 0.5
    assert found.entropy[1] == pytest.approx(float(complexity_entropy(expected).entropy), abs=0.05)
    assert found.complexity[1] > found.complexity[0]
    assert found.entropy[2] < 0.03
    assert found.complexity[2] < 0.03


@pytest.mark.parametrize(
    ("law", "parameters", "mean"),
    [
        ("log-normal", (0.1, 0.5), 0.1 * np.exp(0.125)),
        ("half-normal", (0.1, np.nan), 0.1 * np.sqrt(2 / np.pi)),
        ("half-Laplace", (0.1, np.nan), 0.1),
        ("half-t", (0.1, 5.0), 0.2 * np.sqrt(5 / np.pi) * 2 / (4 * 0.75 * np.sqrt(np.pi))),
    ],
)
def test_drawn_laws_are_densities_with_their_mean(law, parameters, mean):
    x = np.geomspace(1e-6, 1e3, 200_001)
    density = figures._density(law, x, np.array(parameters))
    decades = np.log10(x)
    assert trapezoid(density, decades) == pytest.approx(1, abs=1e-4)
    assert trapezoid(density * x, decades) == pytest.approx(mean, rel=1e-3)


def test_numbers_are_the_shares_of_the_bin_about_zero(smoke_record):
    record = smoke_record("deep_mlp")
    found = figures.numbers(record, "digits")
    counts = record["counts"].sel(network="digits").isel(epoch=-1, layer=slice(None, -1)).sum("layer")
    width = (record["high"] - record["low"]).sel(network="digits", part="hidden").isel(epoch=-1).max() / 256
    near = abs(record["edge"].values[1:-1]) <= float(width)
    most = 100 * float((counts.isel(bin=slice(1, None))[:, near[:511]].sum("bin") / counts.sum("bin")).mean())
    assert 0 < found["at-zero-first"] < 5
    assert 0 < found["at-zero-last"] < most
    assert np.isnan(found["innermost-low-mnist"])  # none of the text's networks is there
    named = record.assign_coords(network=["MNIST", "CIFAR-10"])
    found = figures.numbers(named, "MNIST")
    assert 0 <= found["innermost-low-cifar"] <= found["innermost-high-cifar"] <= 100
    assert found["behind-mnist"] <= found["behind-of-mnist"] == record.sizes["layer"] * record.sizes["seed"]
