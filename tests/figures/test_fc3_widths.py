"""Figures of three-layer networks by width."""

import numpy as np
import pytest
import xarray as xr

from lib.figures import fc3_widths as figures


def test_every_figure_draws_and_labels_its_axes(smoke_record):
    record = smoke_record("fc3_widths")
    for figure in (figures.linearity(record), figures.complexity(record), figures.against_images(record)):
        figure.canvas.draw()
        assert all(axes.get_xlabel() for axes in figure.axes)
        assert figure.axes[0].get_ylabel()


def test_lines_are_means_over_seeds(smoke_record):
    record = smoke_record("fc3_widths")
    untrained = figures.linearity(record).axes[2]
    wanted = record["linearity"].sel(stage="untrained", layer=1).mean("seed")
    np.testing.assert_allclose(untrained.lines[0].get_ydata(), wanted)


def test_numbers_are_those_of_the_record(smoke_record):
    record = smoke_record("fc3_widths")
    found = figures.numbers(record, record)
    assert found["seconds-fc3"] == round(record.attrs["wall_time_s"])
    assert found["seeds-fc3-live"] == 2
    assert found["narrowest-fc3-live"] == 6
    last = record.sel(stage="last").isel(width=-1)
    assert found["test_accuracy-wide-fc3-live"] == pytest.approx(100 * float(last["test_accuracy"].mean()), abs=1e-3)
    assert "digits" not in figures.caption_of(record)


def test_widths_that_not_every_seed_brings_to_the_target_are_named():
    epoch = xr.DataArray([[1.0, np.nan], [np.nan, np.nan], [1.0, 2.0]], {"width": [8, 4, 16]}, ("width", "seed"))
    made = xr.Dataset({"epoch": epoch.expand_dims(stage=["target"])})
    assert figures.left_out(made) == "1 at N = 8 and none at N = 4"
    assert figures.left_out(made.sel(width=[16])) == "all at every N"
