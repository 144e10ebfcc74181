"""Figures of chapter 7: that they draw what is in the record, and label their axes."""

import numpy as np
import pytest
import xarray as xr

from lib import records
from lib.figures import narrow_networks as figures
from lib.figures import small_cnn as of_cnn


def labelled(figure):
    figure.canvas.draw()
    return [axes for axes in figure.axes if axes.axison and axes.get_label() != "<colorbar>"]


@pytest.mark.parametrize("seed", [None, 1])
def test_profiles_have_a_line_a_layer(smoke_record, seed):
    record = smoke_record("narrow_networks")
    name = figures.names(record)[0]
    panels = labelled(figures.profiles(record, name, seed))
    assert [axes.get_ylabel() for axes in panels][:3] == [
        "effective dimension",
        "complexity\n(bits per unit)",
        "mean gate",
    ]
    drawn = record.sel(network=name)["effective_dimension"]
    expected = (drawn.mean("seed") if seed is None else drawn.sel(seed=seed)).sel(layer=2)
    np.testing.assert_allclose(panels[0].lines[1].get_ydata(), expected, rtol=1e-6)
    assert len(panels[2].lines) == 3 + 1  # the first layer has no gate: an empty line; and the beginning of the fall


def test_the_other_figures_draw_and_label_their_axes(smoke_record):
    record = smoke_record("narrow_networks")
    listed = figures.names(record)
    for figure in (
        figures.depths(record),
        figures.moments(record, listed),
        figures.moments(record, listed[:1]),
        figures.rates(record, listed),
        figures.compare(record, listed),
        figures.compare(record, listed[:1], "complexity"),
    ):
        panels = labelled(figure)
        assert panels[-1].get_xlabel()
        assert panels[0].get_ylabel()


def test_no_two_of_many_networks_look_alike(smoke_record):
    record = smoke_record("narrow_networks")
    many = xr.concat([record.isel(network=0)] * 12, "network").assign_coords(network=[f"n{k}" for k in range(12)])
    lines = labelled(figures.depths(many))[0].lines[:12]
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == 12


def test_pixels_minima_and_late_spread_are_drawn(smoke_record):
    record = smoke_record("small_cnn")
    panels = labelled(of_cnn.pixels(record, of_cnn.names(record)[0]))
    thin = panels[1].lines[0].get_ydata()
    middle = record.isel(network=0, pixel=81)["effective_dimension"].mean("seed")
    np.testing.assert_allclose(thin, middle, rtol=1e-6)
    for figure in (of_cnn.minima(record), of_cnn.late(record)):
        assert labelled(figure)[0].get_ylabel()


def test_numbers_are_those_of_the_record(smoke_record):
    record = smoke_record("narrow_networks")
    name = figures.names(record)[0]
    found = figures._numbers_of(record, name, "live")
    assert found["seeds-live"] == 3
    error = 100 * float(record.sel(network=name)["test_error"].isel(reading=-1).mean())
    assert found["error-live"] == pytest.approx(error, abs=0.01)
    record = smoke_record("small_cnn")
    assert of_cnn._numbers_of(record, of_cnn.names(record)[0], "live")["cnn-seeds-live"] == 3


def test_numbers_are_named_after_the_run_and_the_network(smoke_record, monkeypatch):
    for module, shift in ((figures, ""), (of_cnn, "cnn-")):
        record = smoke_record(module.__name__.rpartition(".")[2])
        *_, last = module.names(record)
        monkeypatch.setattr(module, "NETWORKS", {"last": last})
        found = module.numbers(record, record)
        assert {f"seconds-{shift}live", f"minutes-{shift}record"} < set(found)
        assert found[f"{shift}error-last"] == module._numbers_of(record, last, "last")[f"{shift}error-last"]
    live = smoke_record("narrow_networks")
    monkeypatch.setattr(figures, "NETWORKS", {})
    found = figures.numbers(live, live)
    for key, name in zip(("live", "plain-live"), figures.names(live), strict=True):
        assert found[f"error-{key}"] == figures._numbers_of(live, name, key)[f"error-{key}"]


@pytest.mark.parametrize("module", [figures, of_cnn])
def test_the_stored_record_has_the_networks_that_the_chapter_speaks_of(module):
    record = records.largest(module.__name__.rpartition(".")[2])
    assert set(module.NETWORKS.values()) <= set(module.names(record))


def test_the_chapter_says_in_which_order_things_happen():
    """Collapse, then the loss's fall, then the minimum; the lag is short beside the fall, at every rate."""
    record = records.largest("narrow_networks")
    found = figures.numbers(record, record)
    assert found["fallen-at-onset-text"] > 50
    for word in ("text", "lowest", "low", "ordinary"):
        taken = found[f"end-{word}"] - found[f"onset-{word}"]
        assert -taken < found[f"lag-low-{word}"] < found[f"lag-{word}"] < found[f"lag-high-{word}"] < 0
    for key in ("half", "minimum", "onset"):
        assert 0 < found[f"{key}-min-rates"] < found[f"{key}-max-rates"] < 2 * found[f"{key}-min-rates"]
    assert found["half-max-rates"] < found["onset-min-rates"]


def test_how_much_of_a_fall_is_over_when_the_loss_begins_to_fall():
    loss = np.interp(np.arange(11.0), [0, 4, 6, 10], [2.0, 2.0, 0.5, 0.5])
    made = xr.Dataset(
        {
            "effective_dimension": (
                ("seed", "layer", "reading"),
                [[np.interp(np.arange(11.0), [0, 8, 10], [10, 2, 4])]],
            ),
            "test_loss": (("seed", "reading"), [loss]),
            "epoch": ("reading", np.arange(11.0)),
        }
    )
    np.testing.assert_allclose(figures._fallen_at_onset(made), [0.5])
    made["effective_dimension"] *= 0
    np.testing.assert_array_equal(figures._fallen_at_onset(made), [0])
