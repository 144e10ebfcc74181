"""Figures of complexity and linear regions along training."""

import numpy as np
import pytest

from lib.figures import linear_regions as figures


def test_every_figure_draws_and_labels_its_axes(smoke_record):
    record = smoke_record("linear_regions")
    for figure in (figures.complexity(record), figures.regions(record), figures.together(record)):
        figure.canvas.draw()
        labelled = [axes.get_xlabel() for axes in figure.axes]
        assert any(labelled)
        assert figure.axes[0].get_ylabel()


def test_curves_are_means_over_seeds(smoke_record):
    record = smoke_record("linear_regions")
    axes = figures.complexity(record).axes[0]
    wanted = record["joint_per_unit"].sel(network="width 6").mean("seed")
    np.testing.assert_allclose(axes.lines[0].get_ydata(), wanted)


def test_borders_on_a_line_are_drawn_by_layer():
    weights = [np.array([[1.0], [1.0]]), np.array([[1.0, -2.0]]), np.array([[1.0]])]
    biases = [np.array([-0.2, -0.6]), np.array([-0.3]), np.array([0.0])]
    figure = figures.along_a_line(weights, biases, np.array([0.0]), np.array([1.0]))
    places = [line.get_xdata()[0] for line in figure.axes[0].lines[:-1]]
    np.testing.assert_allclose(places, [0.2, 0.6, 0.5, 0.7])  # x - 0.5 to 0.6, then 0.7 - x


def test_numbers_are_those_of_the_record(smoke_record):
    record = smoke_record("linear_regions")
    found = figures.numbers(record, record)
    assert found["seconds-net"] == round(record.attrs["wall_time_s"])
    assert found["width-narrow-net-live"] == 6
    assert found["single-narrow-net-live"] == 100
    wanted = record["regions_per_unit"].sel(network="width 8", shape="line", source="noise").isel(epoch=0).mean()
    assert found["regions-first-line-noise-wide-net-live"] == pytest.approx(float(wanted), abs=1e-3)
    assert "width-narrow-random-net-live" in found
    shared = 100 * (1 - found["joint-wide-net"] / found["independent-wide-net"])
    assert found["shared-wide-net"] == pytest.approx(shared, abs=0.1)
