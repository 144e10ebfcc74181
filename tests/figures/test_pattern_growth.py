"""Growth of the cost of a bound: the figure, and slopes that are known."""

import numpy as np
import pytest
import xarray as xr

from lib import records
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
    found = figures.exponents(record)
    for name, slope, size in (("samples", 0.5, 4), ("units", 1.0, 4)):
        assert found[f"growth-{name}-below"] == found[f"growth-{name}-above"] == pytest.approx(slope)
        assert (found[f"growth-{name}-middle"], found[f"growth-{name}-last"]) == (size, 8)


def test_a_bent_curve_has_two_slopes():
    size = np.array([1.0, 2, 4, 8])
    seconds = {"seconds_samples": ("samples", np.minimum(size, 4)), "seconds_units": ("units", size)}
    record = xr.Dataset(seconds, coords={"samples": size, "units": size}).expand_dims("seed")
    found = figures.exponents(record)
    assert (found["growth-samples-below"], found["growth-samples-above"]) == (1, 0)


def test_what_the_chapter_says_of_the_stored_record():
    """Time is about in proportion to the number of patterns up to the middle size, and far from it beyond."""
    found = figures.exponents(records.largest("pattern_growth"))
    assert abs(found["growth-samples-below"] - 1) < 0.15
    assert found["growth-samples-above"] < 0.5
