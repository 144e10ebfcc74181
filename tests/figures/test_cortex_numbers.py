"""Numbers and answers of the chapter on the mouse visual cortex."""

import pytest

from lib.data.population import simulated_population
from lib.experiments.cortex import SIMULATED
from lib.experiments.estimates import rows
from lib.figures import cortex_numbers as numbers


def test_numbers_are_those_of_the_record(cortex_record, cortex_session):
    found = numbers.numbers(cortex_record, SIMULATED, "live")
    movie = rows(cortex_record, study="stimuli", stimulus="natural movie", method="independent")
    assert found["neurons-live"] == 12
    assert found["activity-natural-movie-live"] == pytest.approx(float(movie["activity"].mean()), abs=1e-4)
    assert found["activity-least-live"] <= found["activity-most-live"]
    beyond = found["gain-logistic-natural-movie-live"] - found["gain-logistic-shifted-natural-movie-live"]
    assert found["beyond-logistic-natural-movie-live"] == pytest.approx(beyond, abs=2e-4)
    population = simulated_population("natural movie", 12)
    exact = 100 * (1 - population.bits / population.independent_bits)
    assert found["exact-gain-natural-movie-live"] == pytest.approx(exact, abs=1e-4)
    assert "complexity-logistic-thinned-spontaneous-live" not in found
    assert "complexity-logistic-thinned-natural-movie-one-x" in numbers.numbers(cortex_session, "stored", "x")


def test_a_rise_is_said_in_words(cortex_rise):
    said = numbers.answers(cortex_rise, "VISp", "x")
    assert said["rise-complexity-stimuli-x"].startswith("rises (+1.0")
    assert not said["rise-complexity-surrogates-x"].startswith("rises (+1.0")
    assert {name.split("-")[1] for name in said} == {"complexity", "dimension"}


def test_percentages_are_said_without_a_sign():
    found = {
        "gain-logistic-least-x": 0.0,
        "gain-logistic-most-x": 1.23,
        "length-gain-logistic-short-x": -4.0,
        "bar-x": 1.0,
    }
    assert numbers.in_words(found) == {
        "gain-logistic-least-x-words": "0.0 % below",
        "gain-logistic-most-x-words": "1.2 % below",
        "gain-logistic-range-x": "0.0 to 1.2 % below",
        "length-gain-logistic-short-x-words": "4.0 % above",
    }
    above = {"correlation-logistic-least-x": -2.43, "correlation-logistic-most-x": -0.29}
    assert numbers.in_words(above)["correlation-logistic-range-x"] == "0.3 to 2.4 % above"


def test_the_live_run_of_the_chapter_has_its_percentages_in_words(cortex_record):
    words = numbers.in_words(numbers.numbers(cortex_record, SIMULATED, "live"))
    assert words["gain-logistic-range-live"].endswith(("below", "above"))
