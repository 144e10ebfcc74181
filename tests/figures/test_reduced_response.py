"""Figure of the reduced system."""

import numpy as np
import pytest

from lib.figures import reduced_response as figures


def test_panels_draw_flows_maps_and_asymptotes(smoke_record):
    record = smoke_record("reduced_response")
    figure = figures.reduced(record)
    figure.canvas.draw()
    slopes, rates, targets, exponents = figure.axes
    assert all(axes.get_xlabel() and axes.get_ylabel() for axes in figure.axes)
    assert slopes.get_legend_handles_labels()[1] == ["a = 1", "a = 2"]
    assert rates.get_legend_handles_labels()[1] == ["rate 0.1", "rate 1"]
    assert len(targets.get_legend_handles_labels()[1]) == record.sizes["target"]
    at = record.sel(target=1.0, slope=1.0, rate=1.0)
    np.testing.assert_allclose(slopes.lines[0].get_ydata(), at["flow_response"])
    asymptote = slopes.lines[-1]
    np.testing.assert_allclose(asymptote.get_ydata() * 2 * asymptote.get_xdata(), 1)
    assert len(exponents.lines[0].get_xdata()) == record.sizes["slope"] * record.sizes["rate"]


def test_numbers_are_those_of_the_record(smoke_record):
    record = smoke_record("reduced_response")
    found = figures.numbers(record, "-live")
    assert all(name.endswith("-live") for name in found)
    assert found["reduced-systems-live"] == 4
    assert found["reduced-exponent-live"] == pytest.approx(float(record["exponent"].mean()), abs=1e-3)
    assert found["reduced-fall-one-live"] == pytest.approx(float(record["fall"].sel(target=1.0).mean()), abs=1e-3)
    assert all(np.isfinite(value) for value in found.values())
