"""Figures of neurons beside a network."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from lib.figures import neurons_and_layers as figures


@pytest.fixture
def made(smoke_record):
    return smoke_record("neurons_and_layers")


@pytest.mark.parametrize("draw", [figures.plane, figures.excess])
def test_every_panel_has_points_and_names(made, draw):
    figure = draw(made)
    figure.canvas.draw()
    assert all(axes.lines for axes in figure.axes)
    assert figure.axes[0].get_ylabel()
    plt.close(figure)


def test_the_plane_shows_the_tightest_bound(made):
    figure = figures.plane(made)
    axes = figure.axes[0]
    points = axes.lines[0].get_xydata()
    assert len(points) == 2
    chosen = (made["system"] == "neurons") & (made["whole"] == 0) & (made["surrogate"] == "none")
    first = made.isel(estimate=np.flatnonzero(chosen & (made["stimulus"] == "spontaneous")))
    learned = first["bits"].values[first["method"].values != "independent"]
    assert points[0, 0] == pytest.approx(learned.min() / 6)
    assert points[0, 1] == pytest.approx(float(first["dimension"][0]) / 6)
    plt.close(figure)


def test_numbers_are_those_of_the_record(made):
    found = figures.numbers(made, "live")
    assert found["plane-units-live"] == 6
    assert found["neurons-complexity-least-live"] <= found["neurons-complexity-most-live"]
    assert "6 units each" in figures.caption_of(made)


def test_rates_explain_all_where_sparse_units_are_as_complex_as_neurons(made):
    chosen = {
        system: np.flatnonzero((made["system"] == system) & (made["whole"] == 0) & (made["surrogate"] == "none"))
        for system in ("neurons", "sparse layer")
    }
    made["bits"][chosen["sparse layer"]] = made["bits"].values[chosen["neurons"]]
    found = figures.numbers(made, "live")
    assert found["explained-least-live"] == found["explained-most-live"] == 100


def test_where_nothing_is_shared_pairs_have_no_part_of_it(made, monkeypatch):
    monkeypatch.setattr(figures, "total_correlation", lambda found: np.zeros(1))
    found = figures.numbers(made, "live")
    assert found["neurons-correlation-live"] == 0
    assert "neurons-pairs-live" not in found
