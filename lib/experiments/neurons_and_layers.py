"""Neurons of the visual cortex and units of a network at equal rate, number and sample size (chapter 9; J, figure 4).

Neurons are active in one bin of a hundred and units of a trained ResNet's top block in every second patch, so their
entropies cannot be compared as they are. Here each unit gets a threshold at which it is as rarely on as one of the
neurons. Surrogates then keep the rates, the single trains, or the pairs, and what is left beyond each is compared.
Each estimate is one row of a long table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from lib import data
from lib.experiments import cortex
from lib.experiments._progress import Progress
from lib.experiments._residual import DIGITS, FEW_DIGITS, PUBLISHED, Source, batches
from lib.experiments.estimates import table
from lib.measures.dimension import effective_dimension
from lib.measures.patterns import default_budget, pattern_entropy
from lib.measures.surrogates import pairwise, permuted, shifted

VERSION = 2

METHODS = ("independent", "autoregressive", "logistic")
"""Estimators; the first is that which the others are compared with."""

NEURONS, LAYER, SPARSE = "neurons", "layer", "sparse layer"
"""Systems: neurons, units of a layer as they are, and the same units with thresholds that give them neurons' rates."""

SURROGATES = ("none", "permuted", "shifted", "pairwise")
"""What is kept: all; each unit's rate; its train; rates and pairs."""


@dataclass(frozen=True)
class Config:
    """Size and setting of a run."""

    recording: str = cortex.SIMULATED  # a source of lib.experiments.cortex
    seconds: float = 40.0  # of each stimulus
    block: float = 5.0  # seconds of neighbouring bins that are kept in one fold
    source: Source = DIGITS
    depth: int = 20  # layers with weights of the network
    part: str = "train"  # of the image set: each image gives one pattern
    units: int = 32  # drawn at random from either system
    decay: float = 4.0  # of the masked network's weights, as in lib.experiments.cortex
    seeds: tuple[int, ...] = (0, 1)  # of subsets, pixels, surrogates and folds; the first trains and simulates


PRESETS = {
    "smoke": Config(
        f"{cortex.SIMULATED} 12",
        seconds=8.0,
        block=1.0,
        source=replace(FEW_DIGITS, epochs=1, learned=32),
        units=6,
        seeds=(0,),
    ),
    "book": Config(f"{cortex.SIMULATED} 32", seconds=20.0, units=24, seeds=(0,)),
    "paper": Config(
        cortex.STORED, seconds=300.0, block=10.0, source=PUBLISHED, depth=56, part="test", units=64, seeds=(0, 1, 2)
    ),
}


@dataclass(frozen=True)
class Patterns:
    """Binary patterns of one system, and how they are to be read."""

    system: str
    stimulus: str  # that the neurons were shown, and whose rates a sparse layer has
    z: np.ndarray  # uint8, shape (sample, unit)
    groups: np.ndarray | None  # of samples that are kept in one fold
    whole: bool  # whether all neurons are in
    lag: int = 1  # bins by which trains are shifted at least


def run(config: Config, *, device: torch.device, progress: Progress) -> xr.Dataset:
    """Estimate entropy and effective dimension of neurons and units, and of their surrogates.

    Returns
    -------
    Dataset
        Dimension ``estimate``: ``bits`` with ``standard_error``, ``independent_bits``, ``gain`` (bits below the
        independent estimate of the same samples and folds) with ``gain_error``, ``dimension`` (of the binary patterns),
        ``activity``, ``seconds``, and what was asked: ``system``, ``stimulus``, ``surrogate``, ``method``, ``units``,
        ``samples``, ``draw``; ``whole`` where all neurons are in.

    Raises
    ------
    ValueError, FileNotFoundError
        If the recording, the image set or the weights are not there, or there are too few neurons or units.
    """
    asked = cortex.Config(sources=(config.recording,), seconds=config.seconds, seeds=config.seeds)
    recording = cortex.segmented(cortex.load(config.recording, asked), config.seconds)
    first = [recording.during(recording.epochs_of(stimulus)[0]) for stimulus in recording.stimuli]
    images = config.source.images(device)
    seed = config.seeds[0]
    model = config.source.network(config.depth, seed, images, lambda share: progress(0.1 * share, "training"))
    x = images.x_train if config.part == "train" else images.x_test
    x = x[data.epoch_order(len(x), seed, 0, device)]
    samples = min(len(x), len(first[0].z))
    rows: list[dict[str, Any]] = []
    for number, draw in enumerate(config.seeds):
        values = layer_values(model, batches(x[:samples]), _top(model), draw)
        everything = list(_systems(config, first, values, samples, draw, whole=number == 0))
        for place, patterns in enumerate(everything):
            share = (number + place / len(everything)) / len(config.seeds)
            progress(0.1 + 0.9 * share, f"draw {draw}: {patterns.system}, {patterns.stimulus}")
            for surrogate in _surrogates(patterns):
                rows += _estimates(config, patterns, surrogate, draw, device)
    progress(1.0, "done")
    return (
        table(rows, _TEXTS)
        .assign_coords(seed=list(config.seeds))
        .assign_attrs(
            recording=cortex.named(config.recording),
            network=f"ResNet-{config.depth}",
            dataset=images.name,
            layer=_top(model),
        )
    )


def layer_values(model: nn.Module, inputs: Iterator[Tensor], layer: str, seed: int) -> np.ndarray:
    """Return what a layer's activation function is given at one pixel of each image, drawn at random.

    Parameters
    ----------
    model
        In evaluation mode.
    inputs
        Batches that it takes.
    layer
        Name of the module, which sees (image, channel, row, column).
    seed
        Decides the pixels.

    Returns
    -------
    ndarray
        float32, shape (image, channel).
    """
    generator = torch.Generator().manual_seed(seed)
    found: list[Tensor] = []

    def look(module: nn.Module, given: tuple[Tensor]) -> None:
        flat = given[0].flatten(2)
        pixel = torch.randint(flat.shape[2], (len(flat), 1, 1), generator=generator).to(flat.device)
        found.append(flat.gather(2, pixel.expand(-1, flat.shape[1], -1))[..., 0].float().cpu())

    handle = model.get_submodule(layer).register_forward_pre_hook(look)
    try:
        with torch.no_grad():
            for each in inputs:
                model(each)
    finally:
        handle.remove()
    return torch.cat(found).numpy()


def rarest(values: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """Return patterns in which each unit is on for its largest values, as often as its rate says.

    Examples
    --------
    >>> rarest(np.array([[1.0, 5.0], [2.0, 4.0], [3.0, 3.0], [4.0, 2.0]]), np.array([0.25, 0.5])).tolist()
    [[0, 1], [0, 1], [0, 0], [1, 0]]
    """
    rank = (-values).argsort(0).argsort(0)
    return (rank < np.rint(rates * len(values))).astype(np.uint8)


def _top(model: nn.Module) -> str:
    """Name of the last ReLU after a summation."""
    return [name for name, module in model.named_modules() if isinstance(module, nn.ReLU)][-1]


def _systems(
    config: Config, parts: list, values: np.ndarray, samples: int, draw: int, whole: bool
) -> Iterator[Patterns]:
    """Yield neurons under each stimulus, units as they are, and units at the neurons' rates."""
    rng = np.random.default_rng(draw)
    neurons, channels = parts[0].z.shape[1], values.shape[1]
    if config.units > min(neurons, channels):
        raise ValueError(f"There are {neurons} neurons and {channels} units, not {config.units}: ask for fewer.")
    few = np.sort(rng.permutation(neurons)[: config.units])
    chosen = values[:, np.sort(rng.permutation(channels)[: config.units])]
    yield Patterns(LAYER, "", (chosen >= 0).astype(np.uint8), None, False)
    for part in parts:
        z, groups = part.patterns[:samples], part.blocks(config.block)[:samples]
        lag = round(1 / part.bin_width)
        if whole:
            yield Patterns(NEURONS, part.stimulus, z, groups, True, lag)
        yield Patterns(NEURONS, part.stimulus, z[:, few], groups, False, lag)
        yield Patterns(SPARSE, part.stimulus, rarest(chosen, z[:, few].mean(0)), None, False)


def _surrogates(patterns: Patterns) -> tuple[str, ...]:
    """Return those that a system can have: patches of different images are no trains, and all neurons take long."""
    if patterns.whole:
        return ("none", "shifted")
    return SURROGATES if patterns.system == NEURONS else tuple(each for each in SURROGATES if each != "shifted")


def _estimates(
    config: Config, patterns: Patterns, surrogate: str, draw: int, device: torch.device
) -> Iterator[dict[str, Any]]:
    z = patterns.z
    if surrogate == "permuted":
        z = permuted(z, draw)
    elif surrogate == "shifted":
        z = shifted(z, draw, least=patterns.lag)
    elif surrogate == "pairwise":
        z = pairwise(z, draw)
    # surrogates of independent samples need no blocks; those of trains keep them
    groups = patterns.groups if surrogate in ("none", "shifted") else None
    found = {
        method: pattern_entropy(
            torch.from_numpy(z).to(device),
            method,
            groups=groups,
            seed=draw,
            budget=replace(default_budget(*z.shape), decay=config.decay) if _needs_budget(method, patterns) else None,
        )
        for method in METHODS
    }
    about = {
        "system": patterns.system,
        "stimulus": patterns.stimulus,
        "surrogate": surrogate,
        "whole": int(patterns.whole),
        "units": z.shape[1],
        "samples": len(z),
        "draw": draw,
        "dimension": effective_dimension(z).dimension,
    }
    for method, each in found.items():
        gain, error = each.gain_over(found["independent"])
        yield about | {
            "method": method,
            "bits": each.bits,
            "standard_error": each.standard_error,
            "independent_bits": each.independent_bits,
            "gain": gain,
            "gain_error": error,
            "activity": each.linearity,
            "seconds": each.seconds,
        }


def _needs_budget(method: str, patterns: Patterns) -> bool:
    """Say whether weights decay faster than by default, which was chosen on a layer as it is."""
    return method == "autoregressive" and patterns.system != LAYER


_TEXTS = {
    "bits": ("bound on the entropy of the patterns", "bits"),
    "standard_error": ("its standard error over blocks of time or images", "bits"),
    "independent_bits": ("entropy of independent units at the same rates", "bits"),
    "gain": ("bits below independent units by the same folds", "bits"),
    "gain_error": ("its standard error over blocks of time or images", "bits"),
    "dimension": ("effective dimension of the binary patterns", "1"),
    "activity": ("share of samples in which a unit is on", "1"),
    "seconds": ("time taken", "s"),
    "system": ("system", "1"),
    "stimulus": ("stimulus shown, or whose rates units have", "1"),
    "surrogate": ("what was done to the patterns", "1"),
    "method": ("method", "1"),
    "whole": ("whether all neurons are in", "1"),
    "units": ("units", "1"),
    "samples": ("samples", "1"),
    "draw": ("seed of subset, pixels, surrogate and folds", "1"),
}
