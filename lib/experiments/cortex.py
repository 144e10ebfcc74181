"""Neurons of the visual cortex read as the units of a layer are, stimulus by stimulus (chapter 9; J, section 9).

Every stimulus is cut into segments of one length, so that all bounds are from equally many bins. Each segment's
patterns are estimated by several methods, then with their rates made equal, with trains shifted against each other, in
wider bins and from fewer neurons. Each estimate is one row of a long table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import torch
import xarray as xr

from lib.data.population import simulated_population, simulated_session
from lib.data.recording import Epoch, Part, Recording
from lib.data.recording_files import stored_session
from lib.experiments._progress import Progress, portion
from lib.experiments.estimates import table
from lib.measures.dimension import effective_dimension
from lib.measures.patterns import PatternEntropy, default_budget, pattern_entropy
from lib.measures.surrogates import shifted, thinned

VERSION = 1
STORED_BY_PIECE = True

METHODS = ("autoregressive", "logistic")
"""Estimators; the text's is logistic regression."""

STUDIES = (("stimuli",), ("surrogates", "rates"), ("bins", "neurons", "halves"), ("methods",))
"""What estimates serve for, in the order in which they are made; those made together are stored together."""

SIMULATED, STORED = "simulated", "stored"
"""Sources: neurons whose entropy is known, and the stored session of the Allen Brain Observatory. Any other is the
number of one of its sessions, which is fetched. `simulated 12` is a smaller session, with as many neurons and two of
the stimuli; tables call it simulated, too."""

FEW_STIMULI = ("spontaneous", "natural movie")
"""Stimuli of a smaller simulated session."""


@dataclass(frozen=True)
class Config:
    """Size and setting of a run."""

    sources: tuple[str, ...] = (SIMULATED,)
    seconds: float = 60.0  # of a segment
    block: float = 5.0  # seconds of neighbouring bins that are kept in one fold
    decay: float = 4.0  # of the masked network's weights: of 0.8, 2, 4, 8, 16 best where the entropy is known
    bins: tuple[float, ...] = (0.1, 0.3)  # wider bins, in seconds
    neurons: tuple[int, ...] = (8, 16, 32)  # sizes of random subsets
    studies: tuple[str, ...] = tuple(study for together in STUDIES for study in together)
    seeds: tuple[int, ...] = (0, 1)  # of surrogates, subsets, folds, initial weights; the first simulates


PRESETS = {
    "smoke": Config(
        sources=(f"{SIMULATED} 12",),
        seconds=5.0,
        block=0.5,
        bins=(0.2,),
        neurons=(4,),
        studies=("stimuli", "surrogates", "methods"),
        seeds=(0,),
    ),
    "book": Config(studies=("stimuli", "surrogates", "methods"), seeds=(0,)),
    "paper": Config(
        sources=(STORED, SIMULATED),
        seconds=300.0,
        block=10.0,
        bins=(0.1, 0.25, 0.5, 1.0),
        neurons=(16, 32, 64, 128),
        seeds=(0, 1, 2),
    ),
}


@dataclass(frozen=True)
class Request:
    """One estimate to be made."""

    study: str
    epoch: Epoch  # a segment
    segment: int  # its number among those of its stimulus
    method: str
    seed: int
    surrogate: str = "none"  # or shifted; or thinned, to rates that all stimuli can have
    bin_width: float = 0.0  # seconds; the recording's own where 0
    neurons: int = 0  # of a random subset; all where 0
    grouped: bool = True  # whether neighbouring bins are kept in one fold


def segmented(recording: Recording, seconds: float) -> Recording:
    """Return a recording whose epochs are cut into segments of one length; what is left over belongs to none.

    Raises
    ------
    ValueError
        If a stimulus has no epoch as long as that.

    Examples
    --------
    >>> recording = Recording(np.zeros((2, 25)), 0.1, (Epoch("grey", 0, 12), Epoch("movie", 12, 25)), "made up")
    >>> [str(epoch) for epoch in segmented(recording, 0.6).epochs]
    ["'grey' (0 to 6)", "'grey' (6 to 12)", "'movie' (12 to 18)", "'movie' (18 to 24)"]
    """
    size = round(seconds / recording.bin_width)
    cut = tuple(
        Epoch(epoch.name, start, start + size)
        for epoch in recording.epochs
        for start in range(epoch.start, epoch.end - size + 1, size)
    )
    for stimulus in recording.stimuli:
        if all(epoch.name != stimulus for epoch in cut):
            longest = max(epoch.bins for epoch in recording.epochs_of(stimulus))
            raise ValueError(
                f"A segment of {seconds:g} s needs {size} bins, but {stimulus!r} was never shown for more than "
                f"{longest}: ask for at most {longest * recording.bin_width:.4g} s."
            )
    return replace(recording, epochs=cut)


def pieces(config: Config) -> list[Config]:
    """Return one config for each source and group of studies."""
    return [
        replace(config, sources=(source,), studies=studies)
        for source in config.sources
        for together in STUDIES
        if (studies := tuple(study for study in together if study in config.studies))
    ]


def join_pieces(results: list[xr.Dataset]) -> xr.Dataset:
    """Put tables one below the other."""
    return xr.concat(results, "estimate", data_vars="minimal", combine_attrs="drop_conflicts")


def requests(config: Config, recording: Recording) -> Iterator[Request]:
    """Yield all estimates of a segmented recording, study by study."""
    first = config.seeds[0]
    number: dict[str, int] = {}
    every = []
    for epoch in recording.epochs:
        every.append((epoch, number.setdefault(epoch.name, 0)))
        number[epoch.name] += 1
    once = [(epoch, segment) for epoch, segment in every if segment == 0]
    pair, both = ("independent", METHODS[0]), ("independent", *METHODS)
    for study in config.studies:
        if study == "stimuli":
            yield from (Request(study, *each, method, first) for each in every for method in both)
        elif study in ("surrogates", "rates"):
            surrogate = "shifted" if study == "surrogates" else "thinned"
            for seed in config.seeds:  # the chain of classifiers, which is slow, once
                methods = both if seed == first else pair
                yield from (Request(study, *each, m, seed, surrogate) for each in every for m in methods)
        elif study == "bins":
            yield from (
                Request(study, *each, method, first, bin_width=width)
                for width in config.bins
                for each in every
                for method in both
            )
        elif study == "neurons":
            yield from (
                Request(study, *each, method, seed, neurons=size)
                for size in _subsets(config, recording)
                for seed in config.seeds
                for each in once
                for method in both
            )
        elif study == "halves":
            for epoch, segment in every:
                middle = (epoch.start + epoch.end) // 2
                for start, end in ((epoch.start, middle), (middle, epoch.end)):
                    yield from (Request(study, Epoch(epoch.name, start, end), segment, m, first) for m in pair)
        elif study == "methods":
            for each in once:
                yield from (Request(study, *each, method, first) for method in (*both, "xgboost"))
                yield from (Request(study, *each, method, first, grouped=False) for method in both)
        else:
            raise ValueError(f"Unknown study {study!r}: choose from {', '.join(sum(STUDIES, ()))}.")


def _subsets(config: Config, recording: Recording) -> list[int]:
    """Return the sizes of subsets that a recording has neurons for."""
    sizes = [size for size in config.neurons if size < recording.n_neurons]
    if not sizes:
        raise ValueError(f"{min(config.neurons)} neurons cannot be chosen from {recording.n_neurons}: ask for fewer.")
    return sizes


def run(config: Config, *, device: torch.device, progress: Progress) -> xr.Dataset:
    """Estimate the entropy and effective dimension of recordings in many ways.

    Returns
    -------
    Dataset
        Dimension ``estimate``: ``bits`` with ``standard_error``, ``independent_bits``, ``gain`` (bits below the
        independent estimate of the same bins and folds) with ``gain_error``, ``dimension`` (of the binary patterns)
        with ``dimension_error``, ``dimension_of_counts`` (of the events as they are in bins of that width),
        ``activity``, ``truth`` (nan where nobody knows it), ``seconds``, and what was asked: ``source``, ``area``,
        ``study``, ``stimulus``, ``segment``, ``start`` (s), ``method``, ``surrogate``, ``bin_width``, ``neurons``,
        ``samples``, ``grouped``, ``draw``.

    Raises
    ------
    ValueError, FileNotFoundError
        If a recording is not there, is too short, or there is no such study.
    """
    parts = pieces(config)
    if len(parts) > 1:
        return join_pieces(
            [
                run(part, device=device, progress=portion(progress, number, len(parts)))
                for number, part in enumerate(parts)
            ]
        )
    (source,) = config.sources
    return estimates(load(source, config), named(source), config, device=device, progress=progress)


def estimates(
    recording: Recording, source: str, config: Config, *, device: torch.device, progress: Progress
) -> xr.Dataset:
    """Make the table of one recording, called `source` in it; see `run`."""
    recording = segmented(recording, config.seconds)
    floor = _common_rates(recording)
    asked = list(requests(config, recording))
    rows = []
    for number, request in enumerate(asked):
        progress(number / len(asked), f"{source}, {request.study}: {request.method}, {request.epoch.name}")
        if request.method == "independent":  # which comes first of all methods on the same bins
            bins = _part(recording, request, floor)
            alone = _estimate(bins, request, config, device)
            about = described(source, recording, request, bins, config)
        found = alone if request.method == "independent" else _estimate(bins, request, config, device)
        rows.append(about | measured(found, alone))
    progress(1.0, "done")
    every = table(rows, COLUMNS).assign_coords(seed=list(config.seeds))
    return every.assign_attrs(neurons_recorded=recording.n_neurons)


def named(source: str) -> str:
    """Return what tables call a source: they have a column for the number of neurons.

    Examples
    --------
    >>> named("simulated 12"), named("stored")
    ('simulated', 'stored')
    """
    name, _, number = source.partition(" ")
    return name if name == SIMULATED and number.isdecimal() else source


def load(source: str, config: Config) -> Recording:
    """Return the recording of a source.

    Raises
    ------
    ValueError, FileNotFoundError
        If there is none of that name, or it cannot be read.
    """
    if source == SIMULATED:
        return simulated_session(config.seconds, config.seeds[0])
    if named(source) == SIMULATED:
        neurons = int(source.removeprefix(SIMULATED))
        return simulated_session(config.seconds, config.seeds[0], neurons=neurons, stimuli=FEW_STIMULI)
    if source == STORED:
        return stored_session()
    if source.isdigit():
        from lib.data import neural

        return neural.load(int(source))
    raise ValueError(
        f"There is no recording {source!r}: use {SIMULATED}, {STORED}, {SIMULATED} with a number of neurons, or the "
        "number of a session."
    )


def _common_rates(recording: Recording) -> np.ndarray:
    """Rate of each neuron, in events a bin, under the stimulus under which it is least active."""
    active = [(recording.during(stimulus).z > 0).mean(0) for stimulus in recording.stimuli]
    return np.asarray(np.min(active, axis=0))


def _part(recording: Recording, request: Request, floor: np.ndarray) -> Part:
    """Cut out what is asked for; halves are no epochs of the recording, so its epochs are replaced by the one."""
    one = replace(recording, epochs=(request.epoch,))
    if request.neurons:
        chosen = np.random.default_rng(request.seed).permutation(one.n_neurons)[: request.neurons]
        one = one.select(np.sort(chosen))
    if request.bin_width:
        one = one.rebinned(request.bin_width)
    part = one.during(request.epoch.name)
    if request.surrogate == "shifted":
        return replace(part, z=shifted(part.patterns, request.seed, least=round(1 / part.bin_width)))
    if request.surrogate == "thinned":
        return replace(part, z=thinned(part.patterns, floor, request.seed))
    return part


def estimate(
    z: np.ndarray, method: str, *, groups: np.ndarray | None, seed: int, decay: float, device: torch.device
) -> PatternEntropy:
    """Estimate the entropy of neurons' patterns; weights of the masked network decay as stated, not by default.

    Parameters
    ----------
    z
        0 and 1, shape (bin, neuron).
    method, groups, seed
        As for `lib.measures.patterns.pattern_entropy`.
    decay
        Of the masked network's weights: its default was chosen on units that are on in every second sample.
    device
        Where to compute.

    Returns
    -------
    PatternEntropy
        In bits.

    Raises
    ------
    ValueError
        As `pattern_entropy` does.

    Examples
    --------
    >>> z = simulated_population("natural movie").draw(500, 0)
    >>> cpu = torch.device("cpu")
    >>> found = estimate(z, "independent", groups=np.arange(500) // 50, seed=0, decay=4.0, device=cpu)
    >>> found.groups, found.bits > found.independent_bits
    (10, True)
    """
    budget = replace(default_budget(*z.shape), decay=decay) if method == "autoregressive" else None
    return pattern_entropy(torch.from_numpy(z).to(device), method, groups=groups, seed=seed, budget=budget)


def _estimate(part: Part, request: Request, config: Config, device: torch.device) -> PatternEntropy:
    return estimate(
        part.patterns,
        request.method,
        groups=part.blocks(config.block) if request.grouped else None,
        seed=request.seed,
        decay=config.decay,
        device=device,
    )


def _dimension(z: np.ndarray, blocks: np.ndarray) -> tuple[float, float]:
    """Return the effective dimension, and its standard error by leaving out one block of time after the other."""
    without = np.array([effective_dimension(z[blocks != block]).dimension for block in np.unique(blocks)])
    error = np.sqrt((len(without) - 1) / len(without) * ((without - without.mean()) ** 2).sum())
    return effective_dimension(z).dimension, float(error)


@cache
def _truth(stimulus: str, neurons: int) -> float:
    return simulated_population(stimulus, neurons).bits


def described(source: str, recording: Recording, request: Request, bins: Part, config: Config) -> dict[str, Any]:
    """Say what bins are, and what is known of them without an estimator: the columns that `measured` does not give."""
    plain = request.surrogate == "none" and not request.neurons and not request.bin_width
    known = source == SIMULATED and plain and request.study != "halves"
    patterns = bins.patterns
    if request.study in _WITH_ERRORS:
        dimension, error = _dimension(patterns, bins.blocks(config.block))
    else:
        dimension, error = effective_dimension(patterns).dimension, np.nan
    return {
        "dimension": dimension,
        "dimension_error": error,
        "dimension_of_counts": effective_dimension(bins.z).dimension,
        "truth": _truth(request.epoch.name, bins.z.shape[1]) if known else np.nan,
        "source": source,
        "area": recording.area or "",
        "study": request.study,
        "stimulus": request.epoch.name,
        "segment": request.segment,
        "start": bins.time[0],
        "surrogate": request.surrogate,
        "bin_width": bins.bin_width,
        "neurons": bins.z.shape[1],
        "samples": len(bins.z),
        "grouped": int(request.grouped),
        "draw": request.seed,
    }


def measured(found: PatternEntropy, alone: PatternEntropy) -> dict[str, Any]:
    """Return the row of an estimate beside that of independent neurons, from the same bins.

    Parameters
    ----------
    found
        The estimate.
    alone
        That of independent neurons, cross-fitted. Where its folds keep the same bins together, the gain has an error,
        for bins that surprise one surprise the other; else that is nan.

    Returns
    -------
    dict
        Columns ``bits`` to ``method`` of the table.

    Examples
    --------
    >>> z = np.tile(np.eye(2, dtype=np.uint8), (100, 1))
    >>> alone = pattern_entropy(z, "independent")
    >>> measured(alone, alone)["gain"]
    0.0
    """
    gain, error = found.gain_over(alone) if found.groups == alone.groups else (alone.bits - found.bits, np.nan)
    return {
        "bits": found.bits,
        "standard_error": found.standard_error,
        "independent_bits": found.independent_bits,
        "gain": gain,
        "gain_error": error,
        "activity": found.linearity,
        "seconds": found.seconds,
        "method": found.method,
    }


_WITH_ERRORS = ("stimuli", "surrogates", "rates")
"""Studies whose effective dimension has an error: it takes as long as an estimate of the entropy."""

COLUMNS = {
    "bits": ("bound on the entropy of the patterns", "bits"),
    "standard_error": ("its standard error over blocks of time", "bits"),
    "independent_bits": ("entropy of independent neurons at the same rates", "bits"),
    "gain": ("bits below independent neurons by the same folds", "bits"),
    "gain_error": ("its standard error over blocks of time", "bits"),
    "dimension": ("effective dimension of the binary patterns", "1"),
    "dimension_error": ("its standard error over blocks of time", "1"),
    "dimension_of_counts": ("effective dimension of the events in a bin", "1"),
    "activity": ("share of bins in which a neuron is active", "1"),
    "truth": ("exact entropy", "bits"),
    "seconds": ("time taken", "s"),
    "source": ("recording", "1"),
    "area": ("area of the cortex", "1"),
    "study": ("what the estimate serves for", "1"),
    "stimulus": ("stimulus", "1"),
    "segment": ("number of the segment among those of its stimulus", "1"),
    "start": ("begin of the segment", "s"),
    "method": ("method", "1"),
    "surrogate": ("what was done to the trains", "1"),
    "bin_width": ("width of a bin", "s"),
    "neurons": ("neurons", "1"),
    "samples": ("bins", "1"),
    "grouped": ("whether neighbouring bins are kept in one fold", "1"),
    "draw": ("seed of surrogate, subset, folds and initial weights", "1"),
}
"""What each column of the table is, and its unit."""
