"""Growth of the cost of a bound: the figure, and slopes that are known."""

import numpy as np
import pytest
import xarray as xr

from lib.figures import pattern_growth as figures


def test_the_figure_draws_and_labels_its_axes(smoke_record):
    record = smoke_record("pattern_growth")
    figure = figures.growth(record)
    figure.canvas.draw()
    assert [axes.get_xlabel() for axes in figure.axes[2:]] == ["patterns", "units"]
    assert all(axes.get_ylabel() for axes in figure.axes)
    excess = figure.axes[3].lines[0].get_ydata()
    np.testing.assert_allclose(excess, 100 * (record["bits_units"] / record["truth_units"] - 1).mean("seed"))


def test_slopes_are_those_of_power_laws():
    size = np.array([1.0, 2, 4, 8])
    seconds = {"seconds_samples": ("samples", 3 * size**0.5), "seconds_units": ("units", 0.1 * size)}
    record = xr.Dataset(seconds, coords={"samples": size, "units": size}).expand_dims("seed")
    assert figures.exponents(record) == {"growth-samples": pytest.approx(0.5), "growth-units": pytest.approx(1)}
