"""What a bound says by the minutes of a recording: the figure, and the numbers of the prose."""

import numpy as np
import pytest
import xarray as xr

from lib.data.population import simulated_population
from lib.experiments.estimates import rows
from lib.figures import recording_length as figures


@pytest.fixture
def made(smoke_record):
    return smoke_record("recording_length")


def test_a_row_for_each_recording_and_the_truth_where_it_is_known(made):
    stored = made.copy(deep=True)
    stored["source"] = ("estimate", ["stored"] * made.sizes["estimate"])
    stored[["truth", "truth_independent", "truth_dimension"]] *= np.nan
    figure = figures.length(xr.concat([stored, made], "estimate", data_vars="minimal"))
    figure.canvas.draw()
    assert len(figure.axes) == 6
    assert all(axes.get_ylabel() for axes in figure.axes)
    assert [axes.get_xlabel() for axes in figure.axes[3:]] == ["minutes used"] * 3
    population = simulated_population("natural movie", 12)
    exact = 100 * (1 - population.bits / population.independent_bits)
    heights = [[line.get_ydata()[0] for line in figure.axes[k].lines] for k in (1, 4)]
    assert [pytest.approx(exact) in each for each in heights] == [False, True]


def test_points_are_those_of_the_record(made):
    axes = figures.length(made).axes[2]
    alone = rows(made, method="independent")
    np.testing.assert_allclose(axes.lines[0].get_ydata(), alone["dimension"] / alone["neurons"])


def test_numbers_are_of_the_shortest_and_the_longest_stretch(made):
    found = figures.numbers(made, "simulated", "long")
    short, long = (rows(made, method="logistic", length=length) for length in (1.0, 2.0))
    for name, each in (("short", short), ("long", long)):
        percent = 100 * float(each["gain"] / (each["bits"] + each["gain"]))
        assert found[f"length-gain-logistic-{name}-long"] == pytest.approx(percent, abs=1e-4)
    population = simulated_population("natural movie", 12)
    share = 100 * float(long["gain"]) / (population.independent_bits - population.bits)
    assert found["length-share-logistic-long-long"] == pytest.approx(share, abs=1e-4)
    assert "simulated neurons, stretches of 0.0167 to 0.0333 min, 1 of each length" in figures.caption_of(made)
