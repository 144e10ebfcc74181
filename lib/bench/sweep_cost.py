"""What a sweep of the residual networks would take: its work counted from the configs, its speed measured.

Three things take time in :mod:`lib.experiments.residual_tasks`: learning from images, passing images through a network
to read it, and estimating the entropy of its layers' patterns. How often each is done follows from a config. How fast a
machine learns is what the stored benchmark says; how fast it estimates is known from the wall time of a stored record.
No GPU was measured: there both speeds are assumptions.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import xarray as xr

from lib.data._catalogue import CATALOGUE
from lib.data.image_tasks import TASKS
from lib.experiments import residual_tasks
from lib.experiments.residual_tasks import Config, stored_epochs

_FORWARD = 1 / 3
"""Share of a step's time that the forward pass takes: the backward pass has twice as many products."""


@dataclass(frozen=True)
class Work:
    """What one network has to do."""

    learned: int  # images, each as often as it is learned from
    seen: int  # images that are passed through the network only
    patterns: int  # of units of a layer, over all layers, whose entropy is estimated

    def seconds(self, images: float, patterns: float) -> float:
        """Return the time of a machine that learns from so many images, and estimates so many patterns, per second."""
        return (self.learned + _FORWARD * self.seen) / images + self.patterns / patterns


def works(config: Config) -> list[Work]:
    """Return the work of each network of a config and each of its seeds.

    Examples
    --------
    >>> from lib.experiments.residual_tasks import PRESETS
    >>> len(works(PRESETS["paper"])), works(PRESETS["paper"])[0].learned
    (110, 6000000)
    """
    return [_work(piece) for piece in residual_tasks.pieces(config) for _ in piece.seeds]


def _work(piece: Config) -> Work:
    (network,) = piece.networks
    train, test = CATALOGUE[TASKS[network.task].dataset].published
    read = len(network.parts) * piece.images
    layers = (network.depth - 2) // 2 + 1  # the first convolution, and one for every two that follow
    return Work(
        learned=network.epochs * min(train, network.learned or train),
        seen=len(stored_epochs(network.epochs)) * (piece.evaluated + test + read),
        patterns=len(network.entropy_epochs(piece.moments)) * layers * read * piece.patches,
    )


def patterns_per_second(record: xr.Dataset, depth: int = 56) -> float:
    """Return how many patterns of layers a machine estimates per second, from a record of `residual_depth`.

    What else that run did, such as passing images through the network, counts as part of it: this is the lower limit.

    Parameters
    ----------
    record
        Of one depth, as it is stored, or a part of the whole with that depth's wall time.
    depth
        Layers with weights of the network.

    Raises
    ------
    ValueError
        If the record is of another depth, or of several.

    Examples
    --------
    >>> made = xr.Dataset({"complexity": (("depth", "state", "seed", "layer"), [[[[5.0, 5.0]]]])}, {"depth": [56]})
    >>> patterns_per_second(made.assign_attrs(images=10, patches_an_image=4, wall_time_s=2.0))
    40.0
    """
    if list(record["depth"].values) != [depth]:
        raise ValueError(f"The record is of depths {list(record['depth'].values)}: take that of depth {depth} alone.")
    samples = record.attrs["images"] * record.attrs["patches_an_image"]
    return float(record["complexity"].notnull().sum()) * samples / float(record.attrs["wall_time_s"])


def learning_speeds(note: str) -> tuple[float, float]:
    """Return from how many images per second a network learns, ours and the reference, by a benchmark's note.

    Parameters
    ----------
    note
        Of :mod:`lib.bench.residual_training`, as it is stored.

    Raises
    ------
    ValueError
        If the note says no such thing.

    Examples
    --------
    >>> learning_speeds("ResNet-56, cpu: 1,483 images per second; reference: float32, DataLoader, 215, timed on 5")
    (1483.0, 215.0)
    """
    found = re.search(r"([\d,]+) images per second; reference: .*, ([\d,]+), timed", note)
    if found is None:
        raise ValueError(f"{note!r} is no note of the benchmark residual_training: it names no images per second.")
    ours, reference = (float(number.replace(",", "")) for number in found.groups())
    return ours, reference


def makespan(seconds: Sequence[float], machines: int) -> float:
    """Return when the last of several machines is done, if each that is idle takes the longest task that is left.

    At most a third longer than the best there is: R. L. Graham, Bounds on multiprocessing timing anomalies (1969).

    Examples
    --------
    >>> makespan([3, 2, 2, 1], 1), makespan([3, 2, 2, 1], 2), makespan([3, 2, 2, 1], 8)
    (8.0, 4.0, 3.0)
    """
    busy = [0.0] * machines
    for task in sorted(seconds, reverse=True):
        heapq.heapreplace(busy, busy[0] + task)
    return max(busy)


def hours(
    config: Config, speeds: Mapping[str, tuple[float, float]], machines: Sequence[int] = (1, 8, 64)
) -> pd.DataFrame:
    """Return the hours that a sweep over all networks of a config takes.

    Parameters
    ----------
    config
        Of :mod:`lib.experiments.residual_tasks`.
    speeds
        Images that a machine learns from, and patterns that it estimates, per second, by the name of the machine.
    machines
        How many there are.

    Returns
    -------
    DataFrame
        Hours; a row for each speed, and a column for each number of machines.

    Examples
    --------
    >>> from lib.experiments.residual_tasks import PRESETS
    >>> hours(PRESETS["paper"], {"slow": (500, 10_000), "fast": (5_000, 100_000)}).shape
    (2, 3)
    """
    table = {
        name: [makespan([work.seconds(*speed) for work in works(config)], number) / 3600 for number in machines]
        for name, speed in speeds.items()
    }
    return pd.DataFrame.from_dict(table, orient="index", columns=list(machines))
