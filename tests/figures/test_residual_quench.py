"""The figure of residual networks in their first steps, and the numbers said of it."""

import numpy as np
import pytest

from lib import records
from lib.figures import residual_quench as figures


@pytest.fixture
def record(smoke_record):
    return smoke_record("residual_quench")


def test_a_column_a_network_and_a_line_a_layer(record):
    figure = figures.first_steps(record)
    figure.canvas.draw()
    panels = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    assert len(panels) == 2 * record.sizes["network"]
    assert len(panels[0].lines) == record.sizes["layer"]
    expected = record["effective_dimension"].isel(network=0).mean("seed").sel(layer=2)
    np.testing.assert_allclose(panels[0].lines[2].get_ydata(), expected, rtol=1e-6)
    np.testing.assert_array_equal(panels[0].lines[2].get_xdata(), record["step"].isel(network=0))
    only = record["test_loss"].isel(network=1).sel(seed=1)
    np.testing.assert_allclose(panels[3].lines[0].get_ydata(), only, rtol=1e-6)
    assert panels[0].get_ylabel() == "effective dimension"
    assert panels[2].get_ylabel() == "test loss (nats)"
    assert all(axes.get_xlabel() == "step" for axes in panels[2:])


def test_numbers_are_those_of_the_curves(record, monkeypatch):
    monkeypatch.setattr(figures, "NETWORKS", {"low": str(record["network"][0].values), "text": "ResNet-56, none"})
    found = figures.numbers(record)
    assert all(type(value) in (int, float) for value in found.values())
    dimension = record["effective_dimension"].isel(network=0).transpose("layer", "seed", "reading")
    lost = (1 - dimension.min("reading") / dimension.isel(reading=0)).mean("seed") * 100
    assert found["residual-lost-most-low"] == pytest.approx(float(lost.max()), abs=0.06)
    assert found["residual-last-low"] == pytest.approx(float(dimension.isel(layer=-1, reading=-1).mean()), abs=0.06)
    assert found["residual-steps-low"] == 8
    assert np.isnan(found["residual-lost-most-text"])


def test_the_loss_rises_before_the_layers_collapse_at_the_high_rate_only():
    """As the chapter says, and that what comes back is far less than what was lost."""
    found = figures.numbers(records.largest("residual_quench"))
    assert found["residual-loss-most-text"] > 2 * found["residual-loss-first-text"]
    assert 0 < found["residual-loss-most-step-text"] <= found["residual-drop-step-text"] < found["residual-steps-text"]
    assert found["residual-loss-most-step-low"] == 0
    assert found["residual-lowest-text"] < found["residual-last-text"] < found["residual-first-text"] / 2
    assert found["residual-regained-most-low"] < found["residual-regained-most-text"] / 2
