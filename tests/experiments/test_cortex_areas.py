"""Many sessions of several areas: which are taken, and what the animal does."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lib.data import neural
from lib.data.population import STIMULI
from lib.data.recording import Epoch, Recording
from lib.experiments import cortex, cortex_areas
from lib.experiments.cortex_areas import DRIVEN, PRESETS, STATES, UNDRIVEN, simulated_area
from lib.experiments.estimates import rows

SMOKE = PRESETS["smoke"]


def run(config):
    return cortex_areas.run(config, device=torch.device("cpu"), progress=lambda share, text: None)


@pytest.fixture
def counted(monkeypatch):
    """Count patterns instead of learning them, where a test is about what is estimated and not how well."""
    monkeypatch.setattr(cortex, "METHODS", ("plugin",))


def test_still_and_running_are_of_equal_time(smoke_record):
    record = smoke_record("cortex_areas")
    assert set(record["study"].values) == {"stimuli", *STATES}
    assert set(record["area"].values) == {DRIVEN}
    by = [rows(record, study=state, method="independent") for state in STATES]
    assert set(by[0]["stimulus"].values) == set(cortex.FEW_STIMULI)
    np.testing.assert_array_equal(*(each["samples"] for each in by))
    assert (by[0]["bits"] != by[1]["bits"]).any()


def test_blocks_are_of_the_state_that_they_are_called():
    """Events say whether the animal runs; a block that was not measured is in neither state."""
    running = np.repeat([0.0, 5.0, 0.2, np.nan, 9.0, 0.0, 3.0, 0.0], 10)
    events = np.stack([running > 1, running <= 1])
    recording = Recording(events, 0.1, (Epoch("grey", 0, 80),), "made up", running=running)
    found = {request.study: part for request, part, _ in cortex_areas._states(recording, replace(SMOKE, block=1.0))}
    assert [found[state].z.mean(0).tolist() for state in STATES] == [[0, 1], [1, 0]]
    assert {len(part.z) for part in found.values()} == {30}
    still = replace(recording, running=np.zeros(80))
    assert not list(cortex_areas._states(still, replace(SMOKE, block=1.0)))
    assert not list(cortex_areas._states(replace(recording, running=None), SMOKE))


def test_stimuli_drive_one_of_the_simulated_areas():
    def active(area):
        session = simulated_area(area, 200.0, seed=1)
        return [session.during(stimulus).z.mean() for stimulus in STIMULI]

    driven, not_driven = active(DRIVEN), active(UNDRIVEN)
    assert driven[-1] > 1.5 * driven[0]
    assert max(not_driven) < 1.2 * min(not_driven)
    assert simulated_area(DRIVEN, 2.0, 1).n_neurons != simulated_area(DRIVEN, 2.0, 2).n_neurons


def test_sessions_of_the_observatory_are_listed_and_read_one_by_one(counted, monkeypatch):
    """As at preset paper, from sessions that the test makes: amplitudes, and three intervals of gratings."""
    listed = [
        neural.Session(number, area, "three_session_B", 60, 275, None, 0, None, False)
        for area, numbers in (("VISp", (1, 2, 3)), ("VISrl", (4,)))
        for number in numbers
    ]
    asked = []

    def sessions(areas, session_type, more_than):
        asked.append((areas, session_type, more_than))
        return [session for session in listed if session.area in areas]

    def load(number):
        rng = np.random.default_rng(number)
        events = rng.exponential(size=(5, 300)) * (rng.random((5, 300)) < 0.3)
        epochs = (Epoch("spontaneous", 0, 100), *(Epoch("static_gratings", k, k + 60) for k in (100, 160, 240)))
        area = next(session.area for session in listed if session.id == number)
        return Recording(events, 0.1, epochs, "made up", area=area)

    monkeypatch.setattr(neural, "sessions", sessions)
    monkeypatch.setattr(neural, "load", load)
    config = replace(
        PRESETS["paper"], areas=("VISp", "VISrl"), sessions=2, seconds=5.0, block=1.0, neurons=3, studies=("stimuli",)
    )
    record = rows(run(config), method="independent")
    assert asked == [((area,), "three_session_B", 50) for area in ("VISp", "VISrl")]
    assert list(dict.fromkeys(record["source"].values)) == ["1", "2", "4"]
    assert rows(record, source="4", stimulus="static_gratings").sizes["estimate"] == 3
    assert set(rows(record, source="4")["area"].values) == {"VISrl"}
    assert (record["dimension"] != record["dimension_of_counts"]).all()  # of amplitudes


def test_what_cannot_be_run_is_named(monkeypatch):
    with pytest.raises(ValueError, match="Unknown study 'weather': choose from stimuli"):
        run(replace(SMOKE, studies=("weather",)))
    with pytest.raises(ValueError, match="no simulated area 'VISp'"):
        run(replace(SMOKE, areas=("VISp",)))
    monkeypatch.setattr(neural, "sessions", lambda **asked: [])
    with pytest.raises(ValueError, match="No session of VISp, VISl, VISrl has more than 50 neurons: ask for fewer"):
        run(PRESETS["paper"])
