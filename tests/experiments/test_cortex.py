"""Neurons stimulus by stimulus: what is asked, and that each study does what it says."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lib.data.population import simulated_population, simulated_session
from lib.data.recording import Epoch, Recording
from lib.experiments import cortex
from lib.experiments.cortex import FEW_STIMULI, PRESETS, SIMULATED, STUDIES, requests, segmented
from lib.experiments.estimates import rows

SMOKE = PRESETS["smoke"]


def run(config):
    return cortex.run(config, device=torch.device("cpu"), progress=lambda share, text: None)


def test_every_study_is_in_the_table(smoke_record):
    record = smoke_record("cortex")
    assert set(record["study"].values) == {"stimuli", "surrogates", "methods"}
    assert set(rows(record, study="stimuli")["stimulus"].values) == set(FEW_STIMULI)
    assert set(rows(record, study="methods")["method"].values) == {"independent", *cortex.METHODS, "xgboost"}
    assert set(record["samples"].values) == {150}
    assert np.isfinite(record["bits"]).all()


def test_gains_are_over_the_same_bins(smoke_record):
    record = smoke_record("cortex")
    alone = rows(record, method="independent")
    assert (alone["gain"] == 0).all()
    for segment in (0, 1):
        here = rows(record, study="stimuli", stimulus="natural movie", segment=segment)
        by = {str(method): here.isel(estimate=k) for k, method in enumerate(here["method"].values)}
        for method in cortex.METHODS:
            expected = float(by["independent"]["bits"] - by[method]["bits"])
            assert float(by[method]["gain"]) == pytest.approx(expected, abs=1e-9)
        assert float(by["independent"]["truth"]) == pytest.approx(simulated_population("natural movie", 12).bits)


def test_shifted_trains_keep_rates_and_lose_truth(smoke_record):
    record = rows(smoke_record("cortex"), method="independent")
    plain, moved = rows(record, study="stimuli"), rows(record, study="surrogates")
    np.testing.assert_allclose(plain["activity"], moved["activity"])
    np.testing.assert_allclose(plain["independent_bits"], moved["independent_bits"])
    assert np.isnan(moved["truth"]).all()
    assert (moved["dimension_error"] > 0).all()


@pytest.fixture
def counted(monkeypatch):
    """Count patterns instead of learning them, where a test is about what is estimated and not how well."""
    monkeypatch.setattr(cortex, "METHODS", ("plugin",))


def test_rates_are_made_equal(counted):
    record = rows(run(replace(SMOKE, studies=("stimuli", "rates"))), method="independent")
    by = {
        study: np.array([rows(record, study=study, stimulus=name)["activity"].mean() for name in FEW_STIMULI])
        for study in ("stimuli", "rates")
    }
    assert np.ptp(by["rates"]) < 0.5 * np.ptp(by["stimuli"])
    assert (by["rates"] <= by["stimuli"]).all()


def test_bins_neurons_and_halves_are_as_asked_for(counted):
    record = run(replace(SMOKE, studies=("bins", "neurons", "halves")))
    wide = rows(record, study="bins")
    np.testing.assert_allclose(wide["bin_width"], 0.2)
    assert set(wide["samples"].values) == {25}
    assert set(rows(record, study="neurons")["neurons"].values) == {4}
    half = rows(record, study="halves", method="independent", stimulus="spontaneous", segment=0)
    assert half["samples"].values.tolist() == [75, 75]
    assert half["start"].values.tolist() == [0.0, 2.5]
    assert np.isnan(half["truth"]).all()


def test_independent_neurons_come_first_on_the_same_bins():
    """What comes after is compared with them."""
    recording = segmented(simulated_session(SMOKE.seconds, 0), SMOKE.seconds)
    config = replace(SMOKE, studies=tuple(study for together in STUDIES for study in together))
    last = None
    for request in requests(config, recording):
        bins = replace(request, method="", grouped=True)
        assert request.method == "independent" or bins == last
        last = bins


def test_subsets_larger_than_the_recording_are_left_out(counted):
    record = run(replace(SMOKE, studies=("neurons",), neurons=(4, 1_000)))
    assert set(record["neurons"].values) == {4}


def test_pieces_are_sources_and_studies():
    parts = cortex.pieces(PRESETS["paper"])
    assert len(parts) == 2 * len(STUDIES)
    assert {part.sources for part in parts} == {("stored",), ("simulated",)}


def test_a_segment_too_long_says_how_long_it_can_be():
    recording = Recording(np.zeros((2, 50)), 0.1, (Epoch("grey", 0, 20), Epoch("movie", 20, 50)), "made up")
    assert segmented(recording, 1.0).epochs[-1] == Epoch("movie", 40, 50)
    with pytest.raises(
        ValueError, match="needs 25 bins, but 'grey' was never shown for more than 20: ask for at most 2"
    ):
        segmented(recording, 2.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sources": ("nowhere",)}, "no recording 'nowhere'"),
        ({"studies": ("weather",)}, "Unknown study"),
        ({"studies": ("neurons",), "neurons": (1_000,)}, "1000 neurons cannot be chosen"),
    ],
)
def test_what_cannot_be_run_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        run(replace(SMOKE, **change))


def test_the_stored_session_is_missed_in_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("BOOK_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="allen_501574836_mlspike"):
        cortex.load("stored", SMOKE)


def test_a_number_makes_the_simulated_session_smaller():
    small = cortex.load("simulated 8", SMOKE)
    assert (small.n_neurons, small.stimuli) == (8, FEW_STIMULI)
    with pytest.raises(ValueError, match="9 neurons cannot be shared out among 4 rates"):
        cortex.load("simulated 9", SMOKE)


def test_the_first_seed_simulates():
    a, b = (cortex.load(SIMULATED, replace(SMOKE, seeds=(seed,))).events for seed in (0, 1))
    assert (a != b).any()
