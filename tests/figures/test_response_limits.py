"""Figures of the limits of the response's theory."""

import numpy as np
import pytest

from lib.claims.response_limits import by_width
from lib.figures import response_limits as figures


@pytest.mark.parametrize("draw", [figures.first_order, figures.superposition, figures.width_scaling])
def test_figures_draw_a_panel_an_activation(smoke_record, draw):
    figure = draw(smoke_record("response_limits"))
    figure.canvas.draw()
    assert len(figure.axes) == 2
    assert all(axes.get_xlabel() for axes in figure.axes)
    assert figure.axes[0].get_ylabel()
    assert [axes.texts[-1].get_text() for axes in figure.axes] == ["ReLU", "ELU"]


def test_lines_are_means_of_the_record(smoke_record):
    record = smoke_record("response_limits")
    axes = figures.first_order(record).axes[0]
    errors = record["first_order_error"].sel(activation="relu", form="both gates").isel(epoch=0)
    np.testing.assert_allclose(axes.lines[0].get_ydata(), np.exp(np.log(errors).mean("seed")), rtol=1e-5)


def test_numbers_are_those_of_the_record(smoke_record):
    record = smoke_record("response_limits")
    found = figures.numbers(record, "-live")
    assert all(name.endswith("-live") for name in found)
    assert found["width-last-live"] == 128
    slope = float(by_width(record).sel(activation="relu", parametrisation="tangent").mean())
    assert found["width-slope-relu-tangent-live"] == pytest.approx(slope, rel=0.01)
    assert found["limits-small-rate-live"] == 0.01
    assert all(np.isfinite(value) for value in found.values())
