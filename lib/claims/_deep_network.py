"""What judges of experiment ``deep_mlp`` share: curves of complexity, when they turn, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from lib.claims._judging import span
from lib.claims._verdict import lies
from lib.experiments.networks import one_network
from lib.experiments.weight_statistics import place_of
from lib.measures.curves import Peak, peak
from lib.measures.statistics import Estimate, seed_interval

TEXT = ("MNIST", "CIFAR-10")
"""The text's networks."""

OPTIMAL = (20, 35)
"""Epochs of the text's optimal region."""

BINS = 256
"""Bins of the conditions; other numbers are in the notes."""


def each_rule(record: xr.Dataset, names: Sequence[str] = TEXT) -> Iterator[tuple[str, xr.Dataset, str]]:
    """Yield name, network and binning rule, for the networks that the record has."""
    for name in names:
        chosen = one_network(record, name)
        if chosen is not None:
            for rule in record["rule"].values:
                yield name, chosen, str(rule)


def complexity(chosen: xr.Dataset, rule: str, part: str | list[str] = "hidden", bins: int = BINS) -> np.ndarray:
    """Return C = H x D in bits squared, shape (seed, epoch), or (seed, part, epoch) of several parts.

    Of weights that have decayed away it is 0, as that of a single value.
    """
    found = place_of(chosen, rule, part, bins)["C"]
    return np.asarray(found.transpose("seed", ..., "epoch").values, dtype=np.float64)


def curve(chosen: xr.Dataset, name: str) -> np.ndarray:
    """Return a variable over epochs in float64, shape (seed, epoch)."""
    return np.asarray(chosen[name].transpose("seed", "epoch").values, dtype=np.float64)


@dataclass(frozen=True)
class Turn:
    """When the complexity of a network is highest, and whether it turns back."""

    epoch: np.ndarray  #: of each seed's peak
    interior: (
        bool  #: whether the mean over seeds turns back, by their standard error; of 1 or 2 seeds each by its scatter
    )
    back: np.ndarray  #: by how much each seed's complexity is lower in the end than at its peak, bits squared

    @property
    def estimate(self) -> Estimate:
        """Mean epoch over seeds."""
        return seed_interval(self.epoch)

    def within(self, low: float, high: float) -> bool | None:
        """Whether there is an interior peak between two epochs."""
        return lies(span(self.estimate), low, high) if self.interior else False

    def __str__(self) -> str:
        kind = "interior peak" if self.interior else "no interior peak, highest"
        return f"{kind} at {float(self.epoch.mean()):.1f}, back by {float(self.back.mean()):.3f} bits^2"


def turn(curves: np.ndarray) -> Turn:
    """Find where curves of shape (seed, epoch) turn back.

    From 3 seeds on, *interior* is a statement on their mean and its standard error over seeds. One or two seeds have no
    such error: there each curve is judged by its own scatter from epoch to epoch.
    """
    found = peak(curves)
    seeds = len(curves)
    if seeds < 3:
        interior = bool(found.interior.all())
    else:
        interior = bool(peak(curves.mean(axis=0), curves.std(axis=0, ddof=1) / np.sqrt(seeds)).interior)
    return Turn(found.epoch, interior, found.height - curves[:, -1])


def layer_turns(chosen: xr.Dataset, rule: str, layers: list[str], bins: int = BINS) -> Peak:
    """Peaks of each layer's complexity, shape (seed, layer), each curve judged by its own scatter."""
    return peak(complexity(chosen, rule, layers, bins))


def other_bins(chosen: xr.Dataset) -> list[int]:
    """Return the numbers of bins that are not those of the conditions.

    Examples
    --------
    >>> other_bins(xr.Dataset(coords={"bins": [64, 256]}))
    [64]
    """
    return [int(bins) for bins in chosen["bins"].values if bins != BINS]
