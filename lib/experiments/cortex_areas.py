"""Areas of the visual cortex over many sessions, each read as `cortex` reads one (chapter 9; J, figure 12).

At preset paper the sessions are those that the text took: all of type B in areas VISp, VISl and VISrl with more than 50
neurons. They are fetched from the Allen Brain Observatory, which takes allensdk and a network; sizes are shown before.
At the other presets sessions are simulated, of an area that stimuli drive and of one that they do not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
import xarray as xr

from lib.data.population import NEURONS, STIMULI, simulated_population, simulated_session
from lib.data.recording import Part, Recording
from lib.experiments import cortex
from lib.experiments._progress import Progress, portion
from lib.experiments.cortex import SIMULATED
from lib.experiments.estimates import table

VERSION = 1

DRIVEN, UNDRIVEN = "simulated, driven", "simulated, not driven"
"""Simulated areas: stimuli drive the neurons of the first as in `lib.data.population`, and not those of the second."""

STUDIES = ("stimuli", "surrogates", "rates", "neurons")
"""Studies of `cortex`; the last is of one number of neurons that all sessions have."""

STATES = ("still", "running")
"""Studies of what the animal does: as many blocks of time in which it stands still, and in which it runs."""


@dataclass(frozen=True)
class Config:
    """Size and setting of a run."""

    session_type: str = SIMULATED  # or one of lib.data.neural.SESSION_TYPES
    areas: tuple[str, ...] = (DRIVEN, UNDRIVEN)
    more_than: int = 50  # neurons; sessions with so many or fewer are left out (simulated ones have fewer)
    population: int = NEURONS  # neurons of a simulated area, of which a session records some
    stimuli: tuple[str, ...] = tuple(STIMULI)  # that simulated sessions show
    sessions: int = 5  # of an area at most; all that there are where 0
    seconds: float = 30.0  # of a segment
    block: float = 5.0  # seconds of neighbouring bins that are kept in one fold
    decay: float = 4.0  # of the masked network's weights, as in lib.experiments.cortex
    neurons: int = 24  # of a random subset, the same number in all sessions
    speed: float = 1.0  # cm/s; the animal runs in a block if it is faster on average
    studies: tuple[str, ...] = (*STUDIES, *STATES)
    seeds: tuple[int, ...] = (0,)  # of surrogates, subsets, folds, initial weights; the first simulates


PRESETS = {
    "smoke": Config(
        areas=(DRIVEN,),
        population=8,
        stimuli=cortex.FEW_STIMULI,
        sessions=1,
        seconds=4.0,
        block=0.5,
        neurons=4,
        studies=("stimuli", *STATES),
    ),
    "book": Config(sessions=3, studies=("stimuli",)),
    "paper": Config(
        session_type="three_session_B",
        areas=("VISp", "VISl", "VISrl"),
        sessions=0,
        seconds=270.0,  # spontaneous activity is shown for five minutes, less a few frames
        block=10.0,
        neurons=50,
    ),
}


def pieces(config: Config) -> list[Config]:
    """Return one config for each area."""
    return [replace(config, areas=(area,)) for area in config.areas]


join_pieces = cortex.join_pieces


def run(config: Config, *, device: torch.device, progress: Progress) -> xr.Dataset:
    """Estimate the entropy and effective dimension of neurons in many sessions.

    Returns
    -------
    Dataset
        The table of `lib.experiments.cortex.run` for all sessions, ``source`` their numbers. Studies ``still`` and
        ``running`` are of equal time in either state, of those segments that have both; none where running speed was
        not measured.

    Raises
    ------
    ImportError
        If sessions are to be fetched, and allensdk is not installed.
    ValueError, FileNotFoundError
        If there is no session, one cannot be fetched or is too short, or there is no such study.
    """
    if unknown := [study for study in config.studies if study not in (*STUDIES, *STATES)]:
        raise ValueError(f"Unknown study {unknown[0]!r}: choose from {', '.join((*STUDIES, *STATES))}.")
    sessions = [each for area in config.areas for each in _sessions(area, config)]
    if not sessions:
        raise ValueError(
            f"No session of {', '.join(config.areas)} has more than {config.more_than} neurons: ask for fewer."
        )
    tables: list[xr.Dataset] = []
    for number, (name, load) in enumerate(sessions):
        tables += _tables(name, load(), config, device, portion(progress, number, len(sessions)))
    return join_pieces(tables)


def simulated_area(
    area: str, seconds: float, seed: int, *, neurons: int = NEURONS, stimuli: Sequence[str] = tuple(STIMULI)
) -> Recording:
    """Return a session of a simulated area: some of the neurons of a simulated population, each stimulus shown once.

    Parameters
    ----------
    area
        :data:`DRIVEN`, or :data:`UNDRIVEN`, whose neurons do the same whatever is shown.
    seconds
        Length of each stimulus.
    seed
        Decides which neurons are recorded, at least five eighths of them, and what they do.
    neurons
        How many the population has.
    stimuli
        Those that are shown.

    Returns
    -------
    Recording
        The animal stands still and runs in turn, for a quarter of a stimulus each, and neurons do not care.

    Raises
    ------
    ValueError
        If there is no such area, or a stimulus is shorter than a bin.

    Examples
    --------
    >>> session = simulated_area(UNDRIVEN, 20.0, seed=0)
    >>> session.area, session.stimuli == tuple(STIMULI), 30 <= session.n_neurons <= 48
    ('simulated, not driven', True, True)
    """
    if area not in (DRIVEN, UNDRIVEN):
        raise ValueError(f"There is no simulated area {area!r}: use {DRIVEN!r} or {UNDRIVEN!r}.")
    session = simulated_session(seconds, seed, shows=1, neurons=neurons, stimuli=stimuli)
    rng = np.random.default_rng([seed, 1])
    if area == UNDRIVEN:
        session = replace(
            session, events=simulated_population(next(iter(STIMULI)), neurons).draw(session.n_bins, rng).T
        )
    quarter = session.epochs[0].bins / 4
    running = np.where(np.arange(session.n_bins) // quarter % 2, 10.0, 0.0)
    recorded = rng.permutation(session.n_neurons)[: rng.integers(5 * neurons // 8, neurons + 1)]
    return replace(session, area=area, running=running).select(np.sort(recorded))


def _sessions(area: str, config: Config) -> list[tuple[str, Callable[[], Recording]]]:
    """Return the names of an area's sessions, and what loads each when its turn comes."""
    if config.session_type == SIMULATED:
        make = partial(simulated_area, area, config.seconds, neurons=config.population, stimuli=config.stimuli)
        first = 1_000 * config.seeds[0]
        return [(f"{area} {k + 1}", partial(make, first + k)) for k in range(config.sessions)]
    from lib.data import neural

    listed = neural.sessions(areas=(area,), session_type=config.session_type, more_than=config.more_than)
    return [(str(each.id), partial(neural.load, each.id)) for each in listed[: config.sessions or None]]


def _tables(
    name: str, recording: Recording, config: Config, device: torch.device, progress: Progress
) -> Iterator[xr.Dataset]:
    """Yield the table of a session, and that of what the animal does, if it was measured."""
    asked = cortex.Config(
        sources=(name,),
        seconds=config.seconds,
        block=config.block,
        decay=config.decay,
        neurons=(config.neurons,),
        studies=tuple(study for study in STUDIES if study in config.studies),
        seeds=config.seeds,
    )
    if asked.studies:
        yield cortex.estimates(recording, name, asked, device=device, progress=progress)
    rows = []
    for request, part, groups in _states(cortex.segmented(recording, config.seconds), config):
        about = cortex.described(name, recording, request, part, asked)
        found = [
            cortex.estimate(part.patterns, method, groups=groups, seed=request.seed, decay=config.decay, device=device)
            for method in ("independent", *cortex.METHODS)
        ]
        rows += [about | cortex.measured(each, found[0]) for each in found]
    if rows:
        yield table(rows, cortex.COLUMNS).assign_coords(seed=list(config.seeds))


def _states(recording: Recording, config: Config) -> Iterator[tuple[cortex.Request, Part, np.ndarray]]:
    """Yield as many blocks of either state from each segment, with the labels of their bins; at least two of each."""
    seed, count = config.seeds[0], Counter[str]()
    for epoch in recording.epochs:
        part = recording.during(epoch)
        if part.running is None:
            return
        blocks = part.blocks(config.block)
        speed = np.array([_mean(part.running[blocks == block]) for block in np.unique(blocks)])
        kinds = {"still": np.flatnonzero(speed <= config.speed), "running": np.flatnonzero(speed > config.speed)}
        number = min(map(len, kinds.values()))
        for state, kind in kinds.items() if number > 1 else ():
            chosen = np.isin(blocks, np.random.default_rng(seed).permutation(kind)[:number])
            request = cortex.Request(state, epoch, count[epoch.name], "independent", seed)
            if state in config.studies:
                yield request, replace(part, z=part.z[chosen], time=part.time[chosen]), blocks[chosen]
        count[epoch.name] += 1


def _mean(speed: np.ndarray) -> float:
    """Mean of what was measured; nan, which is in neither state, where nothing was."""
    known = speed[~np.isnan(speed)]
    return float(known.mean()) if len(known) else np.nan
