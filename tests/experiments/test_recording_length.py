"""Stretches of several lengths, cut out of one recording."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lib.data.population import simulated_population
from lib.experiments import recording_length
from lib.experiments.estimates import rows
from lib.experiments.recording_length import PRESETS
from lib.measures.dimension import effective_dimension

SMOKE = PRESETS["smoke"]


def run(config):
    return recording_length.run(config, device=torch.device("cpu"), progress=lambda share, text: None)


@pytest.fixture
def alone(monkeypatch):
    """Estimate independent neurons only, where a test is about what is estimated and not how well."""
    monkeypatch.setattr(recording_length, "METHODS", ("independent",))


def test_each_length_is_estimated_by_each_method(smoke_record):
    record = smoke_record("recording_length")
    assert set(record["method"].values) == set(recording_length.METHODS)
    for length, samples in ((1.0, 30), (2.0, 60)):
        here = rows(record, length=length)
        assert here.sizes["estimate"] == len(recording_length.METHODS)
        assert set(here["samples"].values) == {samples}
    assert (rows(record, method="independent")["gain"] == 0).all()


def test_the_truth_is_known_where_neurons_are_simulated(smoke_record):
    record = smoke_record("recording_length")
    population = simulated_population("natural movie", 12)
    assert set(record["truth"].values) == {population.bits}
    assert set(record["truth_independent"].values) == {population.independent_bits}
    drawn = effective_dimension(population.draw(400_000, 0)).dimension
    assert float(record["truth_dimension"][0]) == pytest.approx(drawn, rel=0.01)


def test_stretches_are_drawn_and_those_too_long_are_left_out(alone):
    record = run(replace(SMOKE, stimuli=("natural movie", "spontaneous"), seconds=(1.0, 4.0), seeds=(0, 1, 2)))
    assert set(record["stimulus"].values) == {"natural movie", "spontaneous"}
    one = rows(record, length=1.0, stimulus="spontaneous")
    assert len(set(one["start"].values)) == 3
    assert len(set(one["bits"].values)) == 3
    whole = rows(record, length=4.0, stimulus="spontaneous")
    assert set(whole["start"].values) == {0.0}  # the two epochs of a simulated stimulus last so long together


def test_what_a_recording_has_not_is_named(alone, monkeypatch):
    with pytest.raises(ValueError, match=r"shows none of weather: ask for some of spontaneous, natural movie"):
        run(replace(SMOKE, stimuli=("weather",)))
    short = recording_length._load("simulated", replace(SMOKE, seconds=(0.5,)))
    monkeypatch.setattr(recording_length.cortex, "load", lambda source, config: short)
    with pytest.raises(
        ValueError, match="No stimulus of the simulated 12 recording was shown for 1 s: ask for shorter"
    ):
        run(SMOKE)


def test_recordings_are_pieces():
    assert [piece.sources for piece in recording_length.pieces(PRESETS["paper"])] == [("stored",), ("simulated",)]
    assert np.all(np.diff(PRESETS["paper"].seconds) > 0)
