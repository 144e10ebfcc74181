"""Figures of the mouse visual cortex."""

import numpy as np
import pytest
import xarray as xr

from lib.data.population import simulated_population, simulated_session
from lib.experiments.cortex import SIMULATED
from lib.experiments.estimates import rows
from lib.figures import cortex as figures


@pytest.fixture
def made(smoke_record):
    return smoke_record("cortex")


@pytest.fixture
def whole(made):
    """Return a record with all studies: the smoke run has not all, so some of its rows are taken for them."""
    plain = rows(made, study="stimuli")
    parts = [made]
    for study, name, value in (
        ("rates", "surrogate", "thinned"),
        ("bins", "bin_width", 0.1),
        ("neurons", "neurons", 9),
    ):
        part = plain.copy(deep=True)
        part["study"] = ("estimate", [study] * part.sizes["estimate"])
        part[name] = ("estimate", [value] * part.sizes["estimate"])
        parts.append(part)
    return xr.concat(parts, "estimate", data_vars="minimal")


@pytest.fixture
def stored(whole):
    """Return the same under the names of the stored session, whose entropy nobody knows."""
    names = {"natural movie": "natural_movie_one"}
    renamed = whole.copy(deep=True)
    renamed["stimulus"] = ("estimate", [names.get(name, name) for name in map(str, whole["stimulus"].values)])
    renamed["source"] = ("estimate", ["stored"] * whole.sizes["estimate"])
    renamed["truth"] = renamed["truth"] * np.nan
    return renamed


@pytest.mark.parametrize("name", ["by_stimulus", "equal_rates", "gain", "by_bin_and_neurons", "methods"])
def test_both_sources_are_drawn_with_names_on_every_axis(whole, stored, name):
    for record, source in ((whole, SIMULATED), (stored, "stored")):
        figure = getattr(figures, name)(record, source)
        figure.canvas.draw()
        assert all(axes.lines for axes in figure.axes)
        assert figure.axes[0].get_ylabel()
        assert all(axes.get_xlabel() for axes in figure.axes if axes.get_subplotspec().is_last_row())


def test_dimensions_of_counts_are_drawn_open(whole):
    more = rows(whole, study="bins").copy(deep=True)
    more["dimension_of_counts"] = more["dimension_of_counts"] * 0 + 6.0  # half of the neurons
    others = whole.isel(estimate=np.flatnonzero(whole["study"].values != "bins"))
    figure = figures.dimensions(xr.concat([others, more], "estimate", data_vars="minimal"), SIMULATED)
    figure.canvas.draw()
    opened = [line for line in figure.axes[0].lines if line.get_markerfacecolor() == "white"]
    assert [line.get_ydata()[-1] for line in opened[:2]] == [0.5] * 2
    assert all(axes.get_xlabel() for axes in figure.axes)
    with pytest.raises(ValueError, match="varies neither bins nor neurons"):
        figures.dimensions(rows(whole, study="stimuli"), SIMULATED)


def test_segments_are_drawn_when_they_were_recorded(made):
    axes = figures.over_time(made, SIMULATED).axes[0]
    found = rows(made, study="stimuli", method="independent", stimulus="spontaneous")
    np.testing.assert_allclose(axes.lines[0].get_xdata(), found["start"] / 60)
    np.testing.assert_allclose(axes.lines[0].get_ydata(), 100 * found["activity"])


def test_a_rise_is_drawn_and_said_in_words(stored):
    stored["area"] = ("estimate", ["VISp"] * stored.sizes["estimate"])
    movie = [
        "movie" in name and study == "stimuli"
        for name, study in zip(stored["stimulus"].values, stored["study"].values, strict=True)
    ]
    stored["bits"] = stored["bits"] + 12.0 * np.array(movie)
    stored["standard_error"] = 0 * stored["standard_error"] + 0.01
    figure = figures.rises(stored, "VISp")
    figure.canvas.draw()
    assert all(axes.get_xlabel().startswith("rise of") for axes in figure.axes)
    assert figure.axes[0].lines[0].get_xdata()[0] > 0.9
    said = figures.answers(stored, "VISp", "x")
    assert said["rise-complexity-stimuli-x"].startswith("rises (+1.0")
    assert not said["rise-complexity-surrogates-x"].startswith("rises (+1.0")
    assert {name.split("-")[1] for name in said} == {"complexity", "dimension"}


def test_areas_stand_side_by_side_with_their_sessions(made):
    """Three sessions of one area and one of another; amplitudes decide which dimension is drawn."""
    plain = rows(made, study="stimuli")
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


def test_halves_are_drawn_in_pairs(made):
    halves = rows(made, study="stimuli", segment=0).copy(deep=True)
    halves["study"] = ("estimate", ["halves"] * halves.sizes["estimate"])
    later = halves.copy(deep=True)
    later["start"], later["bits"] = later["start"] + 5, later["bits"] / 2
    record = xr.concat([made, halves, later], "estimate", data_vars="minimal")
    axes = figures.halves(record, SIMULATED).axes[0]
    np.testing.assert_allclose(axes.lines[0].get_ydata(), axes.lines[0].get_xdata() / 2)


def test_what_was_not_run_is_left_out_or_named(made):
    figures.by_stimulus(rows(made, study="stimuli"), SIMULATED).canvas.draw()
    figures.gain(rows(made, study="stimuli"), SIMULATED).canvas.draw()
    with pytest.raises(ValueError, match="no simulated neurons with study 'rates'"):
        figures.equal_rates(made, SIMULATED)
    with pytest.raises(ValueError, match="varies neither bins nor neurons"):
        figures.by_bin_and_neurons(made, SIMULATED)
    with pytest.raises(ValueError, match="no stored neurons"):
        figures.by_stimulus(made, "stored")


def test_stimuli_are_in_the_order_of_the_text(stored, made):
    assert figures.stimuli_of(made) == ["spontaneous", "natural movie"]
    assert figures.stimuli_of(stored) == ["spontaneous", "natural_movie_one"]
    given = ["natural_movie_two", "noise", "drifting_gratings", "natural_scenes", "natural_movie_one"]
    found = figures.stimuli_of(xr.Dataset({"stimulus": ("estimate", given)}))
    assert found == ["drifting_gratings", "natural_scenes", "natural_movie_one", "natural_movie_two", "noise"]


def test_points_are_those_of_the_record(made):
    axes = figures.by_stimulus(made, SIMULATED).axes[2]
    found = rows(made, study="stimuli", method="independent", stimulus="spontaneous").sortby("segment")
    np.testing.assert_allclose(axes.lines[0].get_ydata(), found["dimension"] / found["neurons"])


def test_shifted_trains_are_averaged_over_draws(made):
    first = rows(made, study="surrogates", method="autoregressive", stimulus="natural movie")
    both = xr.concat([first, first.assign(draw=first["draw"] + 1, bits=first["bits"] + 0.5)], "estimate")
    shown = figures._means(both)
    expected = rows(first, segment=1)["bits"].item() + 0.25
    assert shown.loc[1, "bits"] == pytest.approx(expected)


def test_the_exact_percentage_is_drawn_where_it_is_known(made, stored):
    population = simulated_population("spontaneous", 12)
    exact = 100 * (1 - population.bits / population.independent_bits)
    labels = [each.get_label() for each in figures.gain(stored, "stored").axes[0].collections]
    assert "exact" not in labels
    drawn = figures.gain(made, SIMULATED).axes[0].collections
    first = next(each for each in drawn if each.get_label() == "exact")
    assert first.get_segments()[0][0, 1] == pytest.approx(exact)


def test_below_independent_neurons_in_sample_and_cross_fitted(made):
    found = rows(made, study="stimuli", stimulus="natural movie", segment=0)
    alone, bound = (float(rows(found, method=name)["bits"].values[0]) for name in ("independent", "logistic"))
    in_sample = float(found["independent_bits"].values[0])
    each = figures._means(rows(found, method="logistic"))
    assert figures._below_independent(each)[0].item() == pytest.approx(100 * (1 - bound / alone))
    assert figures._below_independent(each, of_text=True)[0].item() == pytest.approx(100 * (1 - bound / in_sample))


def test_estimates_of_all_stimuli_share_their_axes(made):
    names = figures.stimuli_of(made)
    limits = {figures.at_stimulus(made, SIMULATED, name).axes[0].get_xlim() for name in names}
    assert len(limits) == 1
    assert len(figures.against_truth(made).axes) == 2


def test_a_raster_shows_the_events_of_its_stretch():
    session = simulated_session(5.0, 0)
    axes = figures.raster(session, start=5.0, seconds=10.0).axes[0]
    assert len(axes.lines[0].get_xdata()) == session.events[:, 150:450].sum()
    assert [text.get_text() for text in axes.texts] == ["static gratings", "natural scenes"]
    with pytest.raises(ValueError, match="no bin from 100 s on"):
        figures.raster(session, start=100.0)


def test_numbers_are_those_of_the_record(made, stored):
    found = figures.numbers(made, SIMULATED, "live")
    movie = rows(made, study="stimuli", stimulus="natural movie", method="independent")
    assert found["neurons-live"] == 12
    assert found["activity-natural-movie-live"] == pytest.approx(float(movie["activity"].mean()), abs=1e-4)
    assert found["activity-least-live"] <= found["activity-most-live"]
    beyond = found["gain-logistic-natural-movie-live"] - found["gain-logistic-shifted-natural-movie-live"]
    assert found["beyond-logistic-natural-movie-live"] == pytest.approx(beyond, abs=2e-4)
    population = simulated_population("natural movie", 12)
    exact = 100 * (1 - population.bits / population.independent_bits)
    assert found["exact-gain-natural-movie-live"] == pytest.approx(exact, abs=1e-4)
    assert "complexity-logistic-thinned-spontaneous-live" not in found
    assert "complexity-logistic-thinned-natural-movie-one-x" in figures.numbers(stored, "stored", "x")
    assert "12 simulated neurons" in figures.caption_of(made)
