"""Read complexity and effective dimension of every layer off any network, in one pass over data.

:func:`probe` hooks into the activations of a PyTorch module and gives the observables of *Complexity for deep neural
networks* for each: what the text calls complexity is the entropy of which units are on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from lib.measures.patterns import Budget
from lib.probing._observables import observables_of
from lib.probing._readings import Choice, Reading, hooked
from lib.probing._recordings import probe_recording
from lib.probing._sites import RECTIFIERS, Site, activation_sites, evaluation, named_sites

__all__ = [
    "OBSERVABLES",
    "RECTIFIERS",
    "LayerPatterns",
    "Site",
    "activation_sites",
    "probe",
    "probe_recording",
    "read_patterns",
]

OBSERVABLES = ("complexity", "linearity", "effective_dimension", "covariance", "joint_complexity")
"""What can be asked for, see `probe`."""


def probe(
    model: nn.Module,
    data: Tensor | Iterable,
    layers: Sequence[str] | None = None,
    observables: Sequence[str] = OBSERVABLES[:3],
    *,
    threshold: float | Sequence[float] = 0.0,
    patches: int | None = None,
    pixel: tuple[int, int] | None = None,
    where: Tensor | np.ndarray | None = None,
    method: str = "autoregressive",
    folds: int = 2,
    seed: int = 0,
    budget: Budget | None = None,
    batch: int = 250,
) -> xr.Dataset:
    r"""Complexity, linearity and effective dimension of a network's layers on some data.

    The model runs once over the data, in evaluation mode and on its own device; afterwards its state is as before. A
    convolutional layer gives one pattern for each image and pixel, with as many units as channels (section 3).

    Parameters
    ----------
    model
        Any module.
    data
        Inputs, shape (sample, ...), or batches of them, or batches of pairs whose first part is the input, as a loader
        gives them.
    layers
        Names of activation modules, as ``model.named_modules`` has them; for ``"relu[1]"`` the second call of a module
        that is called several times. By default those of `activation_sites`: every ReLU, GELU or other rectifier,
        in residual cells only the one after the summation.
    observables
        Some of :data:`OBSERVABLES`, by default the first three. "joint_complexity", eq. 8, is for networks whose layers
        have one pattern a sample.
    threshold
        A unit is on, z = 1, where its pre-activation is at least this (eq. 4). Several increasing thresholds part a
        unit's range into regimes, such as the three of a sigmoid (section 4): complexity is then the entropy of the
        regimes, and linearity the share in the regimes between the thresholds.
    patches
        How many pixels of each image to read, drawn anew for each image, the same for the same `seed`; all by default.
    pixel
        Row and column of the one pixel to read, in each layer's own resolution.
    where
        Which to read: bool of shape (sample,), such as the images of a class, or (sample, row, column), a mask of
        pixels such as an object without its background; a layer's pixel is read if any pixel of the mask under it is.
    method, folds, seed, budget
        Of the entropy, see `lib.measures.patterns.pattern_entropy`; the patches of an image stay in one fold.
    batch
        Samples run at once, where `data` is a tensor.

    Returns
    -------
    Dataset
        Dimension ``layer``. In bits: ``complexity`` (eq. 7), ``complexity_error``, ``complexity_per_unit``,
        ``independent_bits``, and the scalars ``additive_complexity`` (eq. 9) and ``joint_complexity`` (eq. 8). Without
        units: ``normalized_total_correlation`` (eq. 10), ``linearity`` (eq. 11), ``effective_dimension`` (eq. 14),
        ``units``, ``patterns`` (rows that were read). ``covariance`` of the activations, (layer, unit, other unit), in
        their squared units, nan beyond a layer's units.

    Raises
    ------
    ValueError
        If a layer or observable is unknown, there is no rectifier, nothing is left to read, an argument is out of
        range, or an activation is nan or infinite.

    Examples
    --------
    >>> _ = torch.manual_seed(0)
    >>> model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2), nn.ReLU())
    >>> found = probe(model, torch.randn(500, 4), method="plugin")
    >>> list(found["layer"].values), found["units"].values.tolist()
    (['1', '3'], [3, 2])
    >>> bool(found["additive_complexity"] == found["complexity"].sum())
    True
    """
    unknown = [name for name in observables if name not in OBSERVABLES]
    if unknown:
        raise ValueError(f"Unknown observable {unknown[0]!r}: choose from {', '.join(OBSERVABLES)}.")
    levels = tuple(float(value) for value in np.atleast_1d(threshold))
    if not levels or any(b <= a for a, b in pairwise(levels)) or not np.isfinite(levels).all():
        raise ValueError(f"Thresholds {levels} part no range: give one finite number, or several that increase.")
    choice = Choice(patches, pixel, None if where is None else torch.as_tensor(where), seed)
    spread = bool({"effective_dimension", "covariance"} & set(observables))
    readings = _read(model, data, layers, levels, choice, spread, batch)
    return observables_of(readings, observables, levels, method, folds, seed, budget)


@dataclass(frozen=True)
class LayerPatterns:
    """Patterns of one layer, packed; ``pattern_entropy(p.packed, units=p.units, groups=p.groups)`` takes them."""

    packed: Tensor = field(repr=False)  #: uint8, shape (pattern, ceil(units / 8)), as by ``numpy.packbits``
    units: int
    groups: np.ndarray = field(repr=False)  #: number of the sample that a pattern is from, shape (pattern,)


def read_patterns(
    model: nn.Module,
    data: Tensor | Iterable,
    layers: Sequence[str] | None = None,
    *,
    patches: int | None = None,
    seed: int = 0,
    batch: int = 250,
) -> dict[str, LayerPatterns]:
    """Read which units are on, in every layer, and keep that: for estimators of your own.

    Parameters
    ----------
    model, data, layers, patches, seed, batch
        As for `probe`, which reads the same patterns from the same arguments. A unit is on where its pre-activation is
        at least 0.

    Returns
    -------
    dict
        By name of the layer, in the order in which the model uses them.

    Raises
    ------
    ValueError
        As `probe`.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    >>> found = read_patterns(model, torch.zeros(5, 4))
    >>> found["1"].units, found["1"].packed.shape, found["1"].groups.tolist()
    (3, torch.Size([5, 1]), [0, 1, 2, 3, 4])
    """
    readings = _read(model, data, layers, (0.0,), Choice(patches, None, None, seed), False, batch)
    return {each.site.name: LayerPatterns(each.patterns, each.units, each.group_of) for each in readings}


def _read(
    model: nn.Module,
    data: Tensor | Iterable,
    layers: Sequence[str] | None,
    levels: tuple[float, ...],
    choice: Choice,
    spread: bool,
    batch: int,
) -> list[Reading]:
    """Run the model over the data, and return what was read of each layer."""
    if choice.patches is not None and choice.patches < 1:
        raise ValueError(f"{choice.patches} patches an image leave nothing to read: use 1 or more, or None for all.")
    batches = _batches(data, batch, _device(model))
    first = next(batches, None)
    if first is None or not len(first):
        raise ValueError("There is no data to run the model on: give at least one sample.")
    sites = named_sites(model, layers) if layers is not None else activation_sites(model, first)
    readings = {site: Reading(site, levels, spread) for site in sites}
    with evaluation(model), torch.no_grad():
        done = 0
        for inputs in _again(first, batches):
            with hooked(model, readings, choice, done):
                model(inputs)
            done += len(inputs)
    for reading in readings.values():
        reading.check()
    return list(readings.values())


def _device(model: nn.Module) -> torch.device:
    for tensor in (*model.parameters(), *model.buffers()):
        return tensor.device
    return torch.device("cpu")


def _batches(data: Tensor | Iterable, size: int, device: torch.device) -> Iterator[Tensor]:
    for batch in data.split(size) if isinstance(data, Tensor) else data:
        inputs = batch[0] if isinstance(batch, tuple | list) else batch
        yield torch.as_tensor(inputs).to(device)


def _again(first: Tensor, rest: Iterator[Tensor]) -> Iterator[Tensor]:
    yield first
    yield from rest
