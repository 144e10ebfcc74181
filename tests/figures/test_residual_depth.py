"""Figures of residual networks by depth."""

import numpy as np
import pytest

from lib import records
from lib.figures import residual_depth as figures


@pytest.mark.parametrize("quantity", ["effective_dimension", "complexity_per_unit"])
def test_profiles_have_a_panel_a_network_and_a_line_a_state(smoke_record, quantity):
    record = smoke_record("residual_depth")
    figure = figures.profiles(record, quantity)
    figure.canvas.draw()
    (axes,) = figure.axes
    assert axes.get_xlabel() == "layer"
    labels = axes.get_legend_handles_labels()[1]
    assert set(figures.STATES) <= set(labels)
    trained = axes.lines[0]
    np.testing.assert_allclose(trained.get_ydata(), record[quantity].isel(depth=0).sel(state="trained").mean("seed"))


def test_the_other_figures_draw_and_label_their_axes(smoke_record):
    record = smoke_record("residual_depth")
    for figure in (figures.depth_series(record), figures.linearity(record, 20)):
        figure.canvas.draw()
        assert all(axes.get_xlabel() and axes.get_ylabel() for axes in figure.axes)


def test_numbers_are_those_of_the_record(smoke_record):
    record = smoke_record("residual_depth")
    found = figures.numbers(record, record)
    assert found["deepest"] == 20
    assert found["dimension-peak-deepest"] == found["dimension-peak-digits"]
    assert found["digits-accuracy"] == pytest.approx(
        100 * float(record["accuracy"].sel(state="trained").mean()), abs=0.01
    )
    assert "dimension-peak-deepest" not in figures.numbers(record, None)


def test_blocks_are_means_over_their_layers(smoke_record):
    record = smoke_record("residual_depth")
    figure = figures.blocks(record, 20)
    figure.canvas.draw()
    chosen = figures.network(record, 20).sel(state="trained")
    top = chosen["block"].isel(seed=0).values == 4
    expected = float(chosen["linearity"].isel(layer=top).mean())
    assert figure.axes[0].lines[0].get_ydata()[-1] == pytest.approx(expected)
    assert figures.block_numbers(record, 20)["block-linearity-4"] == pytest.approx(expected, abs=1e-3)


def test_networks_that_rise_from_block_to_block_are_counted(smoke_record):
    record = smoke_record("residual_depth").copy(deep=True)
    block = record["block"].isel(state=0, seed=0)
    record["complexity_per_unit"] = (0.1 * block).where(record["state"] == "trained", -0.1 * block)
    record["complexity_per_unit"] = record["complexity_per_unit"].expand_dims(seed=record["seed"].values)
    found = figures.rising_networks(record)
    assert found == {"networks": 1, "rising-trained": 1, "rising-untrained": 0, "rising-shuffled": 0}


def test_what_chapter_5_says_of_sixteen_channels():
    """With 16 channels drawn from every layer, dimension grows with depth and falls at both borders of blocks."""
    record = records.largest("residual_depth")
    found = figures.numbers(record, record)
    assert found["drawn-first-deepest"] < found["drawn-peak-deepest"]
    assert found["drawn-rise-deepest"] > 0.5 > found["drawn-rise-untrained-deepest"]
    for block in (3, 4):
        assert found[f"drawn-above-{block}-deepest"] < found[f"drawn-below-{block}-deepest"]
