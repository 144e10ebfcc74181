"""Figures of what neurons of the mouse visual cortex do."""

import numpy as np
import pytest
import xarray as xr

from lib.data.population import simulated_session
from lib.experiments.cortex import SIMULATED
from lib.experiments.estimates import rows
from lib.figures import cortex as figures


@pytest.mark.parametrize("name", ["by_stimulus", "equal_rates"])
def test_both_sources_are_drawn_with_names_on_every_axis(cortex_studies, cortex_session, name):
    for record, source in ((cortex_studies, SIMULATED), (cortex_session, "stored")):
        figure = getattr(figures, name)(record, source)
        figure.canvas.draw()
        assert all(axes.lines for axes in figure.axes)
        assert figure.axes[0].get_ylabel()
        assert all(axes.get_xlabel() for axes in figure.axes if axes.get_subplotspec().is_last_row())


def test_segments_are_drawn_when_they_were_recorded(cortex_record):
    axes = figures.over_time(cortex_record, SIMULATED).axes[0]
    found = rows(cortex_record, study="stimuli", method="independent", stimulus="spontaneous")
    np.testing.assert_allclose(axes.lines[0].get_xdata(), found["start"] / 60)
    np.testing.assert_allclose(axes.lines[0].get_ydata(), 100 * found["activity"])


def test_a_rise_is_drawn(cortex_rise):
    figure = figures.rises(cortex_rise, "VISp")
    figure.canvas.draw()
    assert all(axes.get_xlabel().startswith("rise of") for axes in figure.axes)
    assert figure.axes[0].lines[0].get_xdata()[0] > 0.9


def test_areas_stand_side_by_side_with_their_sessions(cortex_record):
    """Three sessions of one area and one of another; amplitudes decide which dimension is drawn."""
    plain = rows(cortex_record, study="stimuli")
    sessions = []
    for number, area in enumerate(("VISp", "VISp", "VISp", "VISrl")):
        each = plain.copy(deep=True)
        each["source"] = ("estimate", [str(number)] * plain.sizes["estimate"])
        each["area"] = ("estimate", [area] * plain.sizes["estimate"])
        each["bits"] = each["bits"] + number
        sessions.append(each)
    record = xr.concat(sessions, "estimate", data_vars="minimal")
    figure = figures.by_area(record)
    figure.canvas.draw()
    assert [axes.texts[0].get_text() for axes in figure.axes[:2]] == ["VISp\n3 sessions", "VISrl\n1 session"]
    first = rows(plain, method="logistic", stimulus="spontaneous")
    expected = float((first["bits"] / first["neurons"]).mean()) + 1 / 12
    assert figure.axes[0].lines[-1].get_ydata()[0] == pytest.approx(expected)
    assert "binary patterns" in figure.axes[2].get_ylabel()
    assert figures.caption_of_areas(record).startswith("sessions of VISp: 3; VISrl: 1; preset smoke")
    record["dimension_of_counts"] = record["dimension_of_counts"] + 1
    assert "events" in figures.by_area(record).axes[2].get_ylabel()


def test_halves_are_drawn_in_pairs(cortex_record):
    halves = rows(cortex_record, study="stimuli", segment=0).copy(deep=True)
    halves["study"] = ("estimate", ["halves"] * halves.sizes["estimate"])
    later = halves.copy(deep=True)
    later["start"], later["bits"] = later["start"] + 5, later["bits"] / 2
    record = xr.concat([cortex_record, halves, later], "estimate", data_vars="minimal")
    axes = figures.halves(record, SIMULATED).axes[0]
    np.testing.assert_allclose(axes.lines[0].get_ydata(), axes.lines[0].get_xdata() / 2)


def test_what_was_not_run_is_left_out_or_named(cortex_record):
    figures.by_stimulus(rows(cortex_record, study="stimuli"), SIMULATED).canvas.draw()
    with pytest.raises(ValueError, match="no simulated neurons with study 'rates'"):
        figures.equal_rates(cortex_record, SIMULATED)
    with pytest.raises(ValueError, match="no stored neurons"):
        figures.by_stimulus(cortex_record, "stored")


def test_stimuli_are_in_the_order_of_the_text(cortex_session, cortex_record):
    assert figures.stimuli_of(cortex_record) == ["spontaneous", "natural movie"]
    assert figures.stimuli_of(cortex_session) == ["spontaneous", "natural_movie_one"]
    given = ["natural_movie_two", "noise", "drifting_gratings", "natural_scenes", "natural_movie_one"]
    found = figures.stimuli_of(xr.Dataset({"stimulus": ("estimate", given)}))
    assert found == ["drifting_gratings", "natural_scenes", "natural_movie_one", "natural_movie_two", "noise"]


def test_points_are_those_of_the_record(cortex_record):
    axes = figures.by_stimulus(cortex_record, SIMULATED).axes[2]
    found = rows(cortex_record, study="stimuli", method="independent", stimulus="spontaneous").sortby("segment")
    np.testing.assert_allclose(axes.lines[0].get_ydata(), found["dimension"] / found["neurons"])


def test_a_raster_shows_the_events_of_its_stretch():
    session = simulated_session(5.0, 0)
    axes = figures.raster(session, start=5.0, seconds=10.0).axes[0]
    assert len(axes.lines[0].get_xdata()) == session.events[:, 150:450].sum()
    assert [text.get_text() for text in axes.texts] == ["static gratings", "natural scenes"]
    with pytest.raises(ValueError, match="no bin from 100 s on"):
        figures.raster(session, start=100.0)


def test_a_caption_says_what_the_record_is(cortex_record):
    assert "12 simulated neurons" in figures.caption_of(cortex_record)
