"""Figures of the calibration draw what the record holds."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import same_color

from lib.experiments.pattern_calibration import BOUNDING, LATTICE, SPARSE
from lib.figures import pattern_calibration as figures
from lib.figures.style import LOOKS, colour


@pytest.mark.parametrize("name", ["excess", "leakage", "cost"])
def test_figures_draw_and_label_their_axes(smoke_record, name):
    record = smoke_record("pattern_calibration")
    for given in (record, record.isel(seed=[1])):
        figure = getattr(figures, name)(given)
        figure.canvas.draw()
        shown = [axes for axes in figure.axes if axes.axison]
        assert all(axes.get_xlabel() for axes in shown)
        assert shown[0].get_ylabel()
        assert figure.legends


def test_every_method_has_a_look_a_mark_and_a_name(smoke_record):
    methods = list(smoke_record("pattern_calibration")["estimator"].values)
    assert set(figures.METHOD_NAMES) == set(figures.MARKS) == set(methods)
    assert len({LOOKS[method]["color"] for method in methods}) == len(methods)
    assert len(set(figures.MARKS.values())) == len(methods)


def test_lines_are_the_means_over_seeds(smoke_record):
    record = smoke_record("pattern_calibration")
    figure = figures.excess(record)
    axes = figure.axes[list(record["system"].values).index(LATTICE)]
    for method in ("autoregressive", "plugin"):
        line = next(line for line in axes.lines if same_color(line.get_color(), colour(method)))
        expected = figures.excess_percent(record).sel(system=LATTICE, estimator=method).mean("seed")
        np.testing.assert_allclose(line.get_ydata(), expected)
        low, high = axes.get_ylim()
        assert low < float(expected.min())
        assert float(expected.max()) < high


def test_one_system_is_drawn_in_bits(smoke_record):
    record = smoke_record("pattern_calibration")
    for system in record["system"].values:
        figure = figures.one_system(record, system)
        figure.canvas.draw()
        lines = {line.get_label(): line.get_ydata() for line in figure.axes[0].lines}
        assert set(lines["exact"]) == {float(record["truth"].sel(system=system))}
        assert set(lines["independent units"]) == {float(record["independent_bits"].sel(system=system))}
        assert lines["plug-in"] == pytest.approx(
            record["bits"].sel(system=system, estimator="plugin").mean("seed").values
        )


def test_what_was_not_tried_is_not_drawn(smoke_record):
    record = smoke_record("pattern_calibration")
    axes = figures.excess(record).axes[list(record["system"].values).index(SPARSE)]
    assert not any(same_color(line.get_color(), colour("xgboost")) for line in axes.lines)


def test_means_are_over_the_seeds_that_there_are(smoke_record):
    values = xr.DataArray([[1.0, 2, 6], [3, np.nan, 5], [np.nan] * 3], dims=("samples", "seed"))
    mean, low, high = figures._interval(values)
    np.testing.assert_array_equal(mean, [3, 4, np.nan])
    assert low[0] < 1
    assert high[0] > 6
    assert np.isnan([low[1:], high[1:]]).all()


def test_numbers_are_those_of_the_record(smoke_record):
    record = smoke_record("pattern_calibration")
    found = figures.numbers(record)
    lattice = record.sel(system=LATTICE)
    excess = 100 * (float(lattice["bits"].sel(estimator="autoregressive", samples=200).mean()) / lattice["truth"] - 1)
    assert found["excess-autoregressive-Ising-lattice"] == pytest.approx(float(excess), abs=0.006)
    leak = float(lattice["truth"] - record["split_bits"].sel(estimator="autoregressive", updates=0).mean())
    assert found["leak-autoregressive"] == pytest.approx(leak, abs=0.06)
    assert found["smallest-plugin"] < -50
    assert found["largest-autoregressive"] > 0
    assert found["errors"] > -3
    assert {f"leak-{method}" for method in BOUNDING if method != "xgboost"} <= set(found)
    assert all(type(value) in (int, float) and np.isfinite(value) for value in found.values())
