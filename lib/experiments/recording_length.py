"""What both observables say of a recording by the minutes that are used of it (chapter 9; J, section 9).

A bound on the entropy falls, and an effective dimension rises, while a recording grows. Here stretches of several
lengths are cut out of one recording at random, and each is read as if it were all that there is. Of simulated neurons
the truth is known, so that it can be seen how many minutes are enough. Each estimate is one row of a long table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import xarray as xr

from lib.data.population import simulated_population
from lib.data.recording import Part, Recording
from lib.experiments import cortex
from lib.experiments._progress import Progress, portion
from lib.experiments.cortex import SIMULATED, STORED
from lib.experiments.estimates import table
from lib.measures.dimension import dimension_of_spectrum, effective_dimension

VERSION = 1

METHODS = ("independent", *cortex.METHODS)
"""Estimators; the first is that which the others are compared with."""


@dataclass(frozen=True)
class Config:
    """Size and setting of a run."""

    sources: tuple[str, ...] = (SIMULATED,)  # of lib.experiments.cortex
    stimuli: tuple[str, ...] = ("spontaneous", "natural movie")  # to be read, of each recording those that it has
    seconds: tuple[float, ...] = (60.0, 120.0, 240.0)  # of a stretch; those that a stimulus is too short for are left
    block: float = 5.0  # seconds of neighbouring bins that are kept in one fold
    decay: float = 4.0  # of the masked network's weights, as in lib.experiments.cortex
    seeds: tuple[int, ...] = (0, 1)  # of stretches, folds and initial weights; the first simulates


PRESETS = {
    "smoke": Config(
        sources=(f"{SIMULATED} 12",), stimuli=("natural movie",), seconds=(1.0, 2.0), block=0.25, seeds=(0,)
    ),
    "book": Config(seeds=(0,)),
    "paper": Config(
        sources=(STORED, SIMULATED),
        stimuli=("spontaneous", "drifting_gratings", "natural_movie_one", "natural_movie_three", "natural movie"),
        seconds=(75.0, 150.0, 300.0, 600.0, 1200.0, 2400.0, 3600.0),
        block=10.0,
    ),
}


def pieces(config: Config) -> list[Config]:
    """Return one config for each source."""
    return [replace(config, sources=(source,)) for source in config.sources]


join_pieces = cortex.join_pieces


def run(config: Config, *, device: torch.device, progress: Progress) -> xr.Dataset:
    """Estimate stretches of several lengths under each stimulus.

    Returns
    -------
    Dataset
        Dimension ``estimate``: ``bits`` with ``standard_error``, ``independent_bits``, ``gain`` (bits below the
        independent estimate of the same bins and folds) with ``gain_error``, ``dimension`` (of the binary patterns),
        ``activity``, ``truth``, ``truth_independent`` and ``truth_dimension`` (nan where nobody knows them),
        ``seconds``, and what was asked: ``source``, ``stimulus``, ``length`` (s), ``start`` (s), ``method``,
        ``neurons``, ``samples``, ``draw``.

    Raises
    ------
    ValueError, FileNotFoundError
        If a recording is not there, has none of the stimuli, or is shorter than all lengths.
    """
    parts = pieces(config)
    if len(parts) > 1:
        found = [run(part, device=device, progress=portion(progress, k, len(parts))) for k, part in enumerate(parts)]
        return join_pieces(found)
    (source,) = config.sources
    asked = [
        (part, length, seed)
        for part in _parts(_load(source, config), config)
        for length in config.seconds
        for seed in config.seeds
        if round(length / part.bin_width) <= len(part.z)
    ]
    if not asked:
        raise ValueError(
            f"No stimulus of the {source} recording was shown for {min(config.seconds):g} s: ask for shorter stretches."
        )
    rows = []
    for number, (part, length, seed) in enumerate(asked):
        progress(number / len(asked), f"{source}, {part.stimulus}: {length:g} s")
        rows += _estimates(cortex.named(source), part, length, seed, config, device)
    progress(1.0, "done")
    return table(rows, _TEXTS).assign_coords(seed=list(config.seeds))


def _load(source: str, config: Config) -> Recording:
    """Return the recording of a source; a simulated one shows each stimulus, in two epochs, for the longest stretch."""
    asked = cortex.Config(sources=(source,), seconds=max(config.seconds) / 2, seeds=config.seeds)
    return cortex.load(source, asked)


def _parts(recording: Recording, config: Config) -> list[Part]:
    known = [stimulus for stimulus in config.stimuli if stimulus in recording.stimuli]
    if not known:
        raise ValueError(
            f"The recording shows none of {', '.join(config.stimuli)}: ask for some of {', '.join(recording.stimuli)}."
        )
    return [recording.during(stimulus) for stimulus in known]


def _estimates(
    source: str, part: Part, length: float, seed: int, config: Config, device: torch.device
) -> list[dict[str, Any]]:
    bins = round(length / part.bin_width)
    start = int(np.random.default_rng(seed).integers(len(part.z) - bins + 1))
    rows = slice(start, start + bins)
    z, groups = part.patterns[rows], part.blocks(config.block)[rows]
    found = {
        method: cortex.estimate(z, method, groups=groups, seed=seed, decay=config.decay, device=device)
        for method in METHODS
    }
    about = {
        "source": source,
        "stimulus": part.stimulus,
        "length": length,
        "start": part.time[start],
        "neurons": z.shape[1],
        "samples": bins,
        "draw": seed,
        "dimension": effective_dimension(z).dimension,
        **(_truth(part.stimulus, z.shape[1]) if source == SIMULATED else dict.fromkeys(_TRUTHS, np.nan)),
    }
    return [about | cortex.measured(each, found["independent"]) for each in found.values()]


_TRUTHS = ("truth", "truth_independent", "truth_dimension")


def _truth(stimulus: str, neurons: int) -> dict[str, float]:
    population = simulated_population(stimulus, neurons)
    spectrum = np.linalg.eigvalsh(population.covariance)
    values = (population.bits, population.independent_bits, float(dimension_of_spectrum(spectrum)))
    return dict(zip(_TRUTHS, values, strict=True))


_TEXTS = {
    "bits": ("bound on the entropy of the patterns", "bits"),
    "standard_error": ("its standard error over blocks of time", "bits"),
    "independent_bits": ("entropy of independent neurons at the same rates", "bits"),
    "gain": ("bits below independent neurons by the same folds", "bits"),
    "gain_error": ("its standard error over blocks of time", "bits"),
    "dimension": ("effective dimension of the binary patterns", "1"),
    "activity": ("share of bins in which a neuron is active", "1"),
    "truth": ("exact entropy", "bits"),
    "truth_independent": ("exact entropy of independent neurons at the same rates", "bits"),
    "truth_dimension": ("exact effective dimension", "1"),
    "seconds": ("time taken", "s"),
    "source": ("recording", "1"),
    "stimulus": ("stimulus", "1"),
    "length": ("length of the stretch", "s"),
    "start": ("begin of the stretch", "s"),
    "method": ("method", "1"),
    "neurons": ("neurons", "1"),
    "samples": ("bins", "1"),
    "draw": ("seed of stretch, folds and initial weights", "1"),
}
