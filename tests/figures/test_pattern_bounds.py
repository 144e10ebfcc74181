"""Figures of bounds for a real layer."""

import numpy as np
import pytest
import xarray as xr

from lib.experiments.estimates import rows
from lib.figures import pattern_bounds as figures
from lib.figures.style import colour

NAMES = ("bits_against_seconds", "bits_against_samples", "folds_and_groups")


@pytest.mark.parametrize("name", NAMES)
def test_figures_draw_and_label_their_axes(smoke_record, name):
    figure = getattr(figures, name)(smoke_record("pattern_bounds"))
    figure.canvas.draw()
    assert all(axes.get_xlabel() and axes.get_ylabel() for axes in figure.axes)


def test_the_two_ends_of_the_masked_network_are_told_apart(smoke_record):
    axes = figures.bits_against_samples(smoke_record("pattern_bounds")).axes[0]
    ends = [container.lines[0] for container in axes.containers if len(container.lines[0].get_xdata()) == 1]
    assert [line.get_markerfacecolor() for line in ends[:2]] == [colour("autoregressive"), "white"]
    assert {"default", "large"} <= {text.get_text() for text in axes.texts}
    labels = axes.get_legend_handles_labels()[1]
    assert "masked network" in labels
    assert not any("autoregressive" in label for label in labels)


def test_the_default_is_drawn_where_it_is(smoke_record):
    record = smoke_record("pattern_bounds")
    axes = figures.bits_against_seconds(record).axes[0]
    star = next(line for line in axes.lines if line.get_marker() == "*")
    default = rows(record, study="budget", method="autoregressive", hidden=0)
    np.testing.assert_allclose(star.get_ydata(), default["bits"].values)


def test_layers_are_drawn_where_they_were_compared(smoke_record):
    """The smoke run compares no layers, so its table is taken for one of two layers."""
    record = smoke_record("pattern_bounds")
    found = rows(record, study="budget", hidden=0)
    chosen = found.isel(estimate=np.flatnonzero(found["method"].values != "logistic"))
    images = int(chosen["images"].max())
    below = rows(record, study="coincidences", images=images)
    parts = []
    for layer in (0, 1):
        for part, study in ((chosen, "layers"), (below, "coincidences")):
            part = part.copy(deep=True)
            part["study"] = ("estimate", [study] * part.sizes["estimate"])
            part["layer"] = ("estimate", [layer] * part.sizes["estimate"])
            parts.append(part)
    joined = xr.concat([record, *parts], "estimate", data_vars="minimal")
    figure = figures.layers(joined)
    figure.canvas.draw()
    assert len(figure.axes[1].lines[0].get_xdata()) == 2
    assert "looser-most-x" in figures.numbers(joined, "x")


def test_numbers_are_finite_and_say_what_the_table_says(smoke_record):
    record = smoke_record("pattern_bounds")
    found = figures.numbers(record, "live")
    assert all(np.isfinite(value) for name, value in found.items() if "collisions" not in name)
    assert found["units-live"] == 16
    assert 0 < found["slower-least-live"] <= found["slower-most-live"]
    assert found["bits-tightest-error-live"] > 0
    assert found["limit-low-live"] <= found["limit-live"] <= found["limit-high-live"]
    assert "ResNet-20 on digits" in figures.caption_of(record)
