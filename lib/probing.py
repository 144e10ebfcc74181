"""Read complexity and effective dimension of every layer off any network, in one pass over data.

:func:`probe` hooks into the activations of a PyTorch module and gives the observables of *Complexity for deep neural
networks* for each: what the text calls complexity is the entropy of which units are on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
import xarray as xr
from scipy.special import entr
from torch import Tensor, nn

from lib.measures._packing import pack, unpack
from lib.measures.dimension import Covariance
from lib.measures.patterns import Budget, PatternEntropy, pattern_entropies

OBSERVABLES = ("complexity", "linearity", "effective_dimension", "joint_complexity")
"""What can be asked for, see `probe`."""

_TOGETHER = 2**27  # numbers in the patterns of layers that are estimated side by side


@dataclass(frozen=True)
class Site:
    """One use of an activation module in a forward pass."""

    name: str  #: of the layer: the module's, with the number of the call where it is ambiguous
    module: str  #: name of the module
    call: int  #: which call of the module in one pass, from 0 on


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
        that is called several times. By default those of `activation_sites`: every ReLU, in residual cells only the
        one after the summation.
    observables
        Some of :data:`OBSERVABLES`. "joint_complexity", eq. 8, is for networks whose layers have one pattern a sample.
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
        ``units``, ``patterns`` (rows that were read).

    Raises
    ------
    ValueError
        If a layer or observable is unknown, there is no ReLU, nothing is left to read, an argument is out of range, or
        an activation is nan or infinite.

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
    if patches is not None and patches < 1:
        raise ValueError(f"{patches} patches an image leave nothing to read: use 1 or more, or None for all.")
    batches = _batches(data, batch, _device(model))
    first = next(batches, None)
    if first is None or not len(first):
        raise ValueError("There is no data to run the model on: give at least one sample.")
    sites = _named_sites(model, layers) if layers is not None else activation_sites(model, first)
    choice = _Choice(patches, pixel, None if where is None else torch.as_tensor(where), seed)
    readings = {site: _Reading(site, levels, "effective_dimension" in observables) for site in sites}
    with _evaluation(model), torch.no_grad():
        done = 0
        for inputs in _again(first, batches):
            with _hooked(model, readings, choice, done):
                model(inputs)
            done += len(inputs)
    for reading in readings.values():
        reading.check()
    return _observables(list(readings.values()), observables, levels, method, folds, seed, budget)


def activation_sites(model: nn.Module, example: Tensor) -> list[Site]:
    """Return the ReLUs of a model in the order in which they are used; in residual cells those after the summation.

    A cell is a module that holds ReLUs and calls one of them on the sum of two tensors.

    Parameters
    ----------
    model
        Any module.
    example
        Inputs to run it on; one is enough.

    Raises
    ------
    ValueError
        If the model uses no ReLU module.

    Examples
    --------
    >>> from lib.models.resnet import ResNet
    >>> sites = activation_sites(ResNet(20), torch.zeros(1, 3, 32, 32))
    >>> len(sites), sites[0].name, sites[1].name
    (10, 'relu', 'layer1.0.relu')
    """
    used: list[tuple[str, int, bool]] = []
    calls: dict[str, int] = {}
    handles = []

    def note(name: str) -> None:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            number = calls.get(name, 0)
            calls[name] = number + 1
            made_by = inputs[0].grad_fn
            used.append((name, number, made_by is not None and type(made_by).__name__.startswith("AddBackward")))

        handles.append(model.get_submodule(name).register_forward_pre_hook(hook))

    try:
        for name, module in model.named_modules():
            if isinstance(module, nn.ReLU):
                note(name)
        one = example[:1].detach().clone()
        with _evaluation(model), torch.enable_grad():
            model(one.requires_grad_() if one.is_floating_point() else one)
    finally:
        for handle in handles:
            handle.remove()
    if not used:
        raise ValueError("The model uses no nn.ReLU module: name the modules to read in layers.")
    cells = {name.rpartition(".")[0] for name, _, summed in used if summed}
    kept = [(name, number) for name, number, summed in used if summed or name.rpartition(".")[0] not in cells]
    names = [name for name, _ in kept]
    return [Site(name if names.count(name) == 1 else f"{name}[{n}]", name, n) for name, n in kept]


def _named_sites(model: nn.Module, layers: Sequence[str]) -> list[Site]:
    known = dict(model.named_modules())
    sites = []
    for layer in layers:
        name, _, call = layer.partition("[")
        if name not in known or (call and not call.rstrip("]").isdigit()):
            some = ", ".join(list(known)[1:9])
            raise ValueError(f"The model has no module {layer!r}: name modules such as {some}.")
        sites.append(Site(layer, name, int(call.rstrip("]")) if call else 0))
    if not sites:
        raise ValueError("No layers are named: leave layers out for every ReLU, or name at least one module.")
    return sites


# -- running ----------------------------------------------------------------------------------------------------------


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


@contextmanager
def _evaluation(model: nn.Module) -> Iterator[None]:
    """Switch to evaluation mode, and every module back to its own mode in the end."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def _hooked(model: nn.Module, readings: dict[Site, _Reading], choice: _Choice, done: int) -> Iterator[None]:
    """Let every reading see its module's input and output in one pass; `done` samples came before."""
    by_module: dict[str, list[_Reading]] = {}
    for site, reading in readings.items():
        by_module.setdefault(site.module, []).append(reading)
    handles = []
    try:
        for name, here in by_module.items():
            module, counter = model.get_submodule(name), _Counter()

            def before(module: nn.Module, inputs: tuple, here: list = here, counter: _Counter = counter) -> None:
                for reading in here:
                    if reading.site.call == counter.calls:
                        reading.see_input(inputs[0], choice, done)

            def after(
                module: nn.Module, inputs: tuple, output: Tensor, here: list = here, counter: _Counter = counter
            ) -> None:
                for reading in here:
                    if reading.site.call == counter.calls:
                        reading.see_output(output)
                counter.calls += 1

            handles += [module.register_forward_pre_hook(before), module.register_forward_hook(after)]
        yield
    finally:
        for handle in handles:
            handle.remove()


@dataclass
class _Counter:
    calls: int = 0


@dataclass(frozen=True)
class _Choice:
    """Which patterns of a layer are read."""

    patches: int | None
    pixel: tuple[int, int] | None
    where: Tensor | None
    seed: int

    def rows(self, samples: int, shape: tuple[int, ...], done: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Return the numbers of the rows to read of (sample * position) patterns, and the sample of each."""
        positions = int(np.prod(shape))
        chosen = torch.ones(samples, positions, dtype=torch.bool)
        if self.where is not None:
            chosen = self._masked(done, samples, shape)
        if self.pixel is not None:
            if len(shape) != 2 or not all(0 <= p < size for p, size in zip(self.pixel, shape, strict=False)):
                raise ValueError(
                    f"A layer of {'x'.join(map(str, shape)) or 'one'} positions has no pixel {self.pixel}."
                )
            only = torch.zeros(positions, dtype=torch.bool)
            only[self.pixel[0] * shape[1] + self.pixel[1]] = True
            chosen = chosen & only
        if self.patches is not None and self.patches < positions:
            # one draw for each sample and position: layers of equal resolution are read at the same places
            keys = torch.stack([self._keys(done + n, positions) for n in range(samples)])
            rank = keys.masked_fill(~chosen, 2.0).argsort(1).argsort(1)
            chosen = chosen & (rank < self.patches)
        sample, position = torch.nonzero(chosen, as_tuple=True)
        return (sample * positions + position).to(device), sample + done

    def _keys(self, sample: int, positions: int) -> Tensor:
        return torch.from_numpy(np.random.default_rng((self.seed, sample)).random(positions))

    def _masked(self, done: int, samples: int, shape: tuple[int, ...]) -> Tensor:
        where = self.where
        assert where is not None
        if where.dtype != torch.bool or where.ndim not in (1, 3) or len(where) < done + samples:
            raise ValueError(
                f"where, {where.dtype} of shape {tuple(where.shape)}, fits no data: give bool of shape (sample,) or "
                "(sample, row, column)."
            )
        mask = where[done : done + samples].cpu()
        if mask.ndim == 1 or not shape:
            if mask.ndim == 3:
                mask = mask.flatten(1).any(1)
            return mask[:, None].expand(-1, int(np.prod(shape)))
        if len(shape) != 2:
            raise ValueError(f"A mask of pixels does not fit a layer of {len(shape)} dimensions: give bool a sample.")
        return nn.functional.adaptive_max_pool2d(mask.float()[:, None], shape).flatten(1) > 0


@dataclass
class _Reading:
    """What is read of one site: packed patterns, the spread of activations."""

    site: Site
    levels: tuple[float, ...]
    wants_spread: bool
    packed: list[Tensor] = field(default_factory=list)
    groups: list[Tensor] = field(default_factory=list)
    spread: Covariance = field(default_factory=Covariance)
    units: int = 0
    positions: tuple[int, ...] = ()
    _rows: Tensor | None = None

    def see_input(self, x: Tensor, choice: _Choice, done: int) -> None:
        table = _table(x.detach())
        self.positions = tuple(x.shape[2:]) if x.ndim > 3 else tuple(x.shape[1:-1])
        self.units = table.shape[1]
        rows, samples = choice.rows(len(x), self.positions, done, x.device)
        self._rows = rows
        chosen = table[rows]
        if not bool(torch.isfinite(chosen).all()):
            raise ValueError(
                f"Layer {self.site.name!r} has activations that are nan or infinite: has training diverged?"
            )
        on = torch.stack([chosen >= level for level in self.levels], -1).flatten(1)
        self.packed.append(pack(on))
        self.groups.append(samples)

    def see_output(self, output: Tensor) -> None:
        assert self._rows is not None
        if self.wants_spread:
            self.spread.add(_table(output.detach())[self._rows])
        self._rows = None

    def check(self) -> None:
        if not self.packed:
            raise ValueError(f"The model never called {self.site.name!r}: name modules that its forward pass uses.")
        if not sum(map(len, self.packed)):
            raise ValueError(f"Nothing of layer {self.site.name!r} is left to read: where leaves no sample or pixel.")

    @property
    def patterns(self) -> Tensor:
        return torch.cat(self.packed)

    @property
    def group_of(self) -> np.ndarray:
        return torch.cat(self.groups).numpy()


def _table(x: Tensor) -> Tensor:
    """Return activations as (row, unit): channels are the second dimension of images, and the last of all else."""
    if x.ndim < 2:
        raise ValueError(f"Activations of shape {tuple(x.shape)} have no units: a layer gives (sample, ..., unit).")
    return (x.flatten(2).transpose(1, 2) if x.ndim > 3 else x).reshape(-1, x.shape[1] if x.ndim > 3 else x.shape[-1])


# -- observables ------------------------------------------------------------------------------------------------------


def _observables(
    readings: list[_Reading],
    observables: Sequence[str],
    levels: tuple[float, ...],
    method: str,
    folds: int,
    seed: int,
    budget: Budget | None,
) -> xr.Dataset:
    choice = {"method": method, "folds": folds, "seed": seed, "budget": budget}
    found: dict[str, tuple] = {
        "units": ("layer", [r.units for r in readings], _attrs("units or channels of a layer", "1")),
        "patterns": ("layer", [sum(map(len, r.packed)) for r in readings], _attrs("patterns read", "1")),
    }
    scores = _unit_scores(readings, levels)
    if "linearity" in observables:
        linear = [share for _, share in scores]
        found["linearity"] = ("layer", linear, _attrs("share of patterns in which a unit is linear, mean", "1"))
    if "complexity" in observables:
        entropies = _entropies(readings, len(levels), choice)
        independent = np.array([bits for bits, _ in scores])
        bits = np.array([each.bits for each in entropies])
        with np.errstate(invalid="ignore", divide="ignore"):
            correlation = np.where(independent > 0, (independent - bits) / independent, np.nan)
        found |= {
            "complexity": ("layer", bits, _attrs("entropy of the layer's patterns", "bits")),
            "complexity_error": (
                "layer",
                [each.standard_error for each in entropies],
                _attrs("standard error of complexity, over samples", "bits"),
            ),
            "complexity_per_unit": (
                "layer",
                bits / [r.units for r in readings],
                _attrs("complexity over the number of units", "bits"),
            ),
            "independent_bits": ("layer", independent, _attrs("entropy of independent units", "bits")),
            "normalized_total_correlation": (
                "layer",
                correlation,
                _attrs("share of independent bits that units have in common", "1"),
            ),
            "additive_complexity": ((), float(bits.sum()), _attrs("sum of the layers' complexities", "bits")),
        }
    if "effective_dimension" in observables:
        dimension = [r.spread.effective_dimension().dimension for r in readings]
        found["effective_dimension"] = ("layer", dimension, _attrs("effective dimension of the activations", "1"))
    if "joint_complexity" in observables:
        joint = _joint(readings, len(levels), choice)
        found["joint_complexity"] = ((), joint.bits, _attrs("entropy of the patterns of all layers together", "bits"))
        found["joint_complexity_error"] = ((), joint.standard_error, _attrs("its standard error", "bits"))
    attrs = {
        "rule": f"z = 1 where the pre-activation is at least {', '.join(f'{level:g}' for level in levels)}",
        "method": method,
        "folds": folds,
        "seed": seed,
    }
    return xr.Dataset(found, coords={"layer": [r.site.name for r in readings]}, attrs=attrs)


def _attrs(long_name: str, units: str) -> dict[str, str]:
    return {"long_name": long_name, "units": units}


def _entropies(readings: list[_Reading], levels: int, choice: dict) -> list[PatternEntropy]:
    """Entropy of every layer's patterns; layers of one shape are estimated side by side where memory allows."""
    found: dict[int, PatternEntropy] = {}
    alike: dict[tuple, list[int]] = {}
    for number, reading in enumerate(readings):
        groups = reading.group_of
        alike.setdefault((reading.units, len(groups), groups.tobytes()), []).append(number)
    for (units, samples, _), numbers in alike.items():
        size = max(1, _TOGETHER // (units * levels * samples))
        for start in range(0, len(numbers), size):
            part = numbers[start : start + size]
            packed = torch.stack([readings[number].patterns for number in part])
            groups = readings[part[0]].group_of
            several = pattern_entropies(packed, units=units * levels, groups=groups, **choice)
            found |= dict(zip(part, several, strict=True))
    return [found[number] for number in range(len(readings))]


def _joint(readings: list[_Reading], levels: int, choice: dict) -> PatternEntropy:
    """Entropy of all layers' patterns together."""
    wide = next((r for r in readings if int(np.prod(r.positions)) > 1), None)
    if wide is not None:
        raise ValueError(
            f"Layer {wide.site.name!r} has {int(np.prod(wide.positions))} patterns a sample: joint complexity is for "
            "networks whose layers have one."
        )
    together = torch.cat([unpack(r.patterns, r.units * levels) for r in readings], 1)
    return pattern_entropies(together[None], groups=readings[0].group_of, **choice)[0]


def _unit_scores(readings: list[_Reading], levels: tuple[float, ...]) -> list[tuple[float, float]]:
    """For each layer, entropy of its units as if independent, in bits, and the share in which they are linear."""
    found = []
    for reading in readings:
        counts = np.zeros((len(levels) + 1, reading.units))
        for packed in reading.packed:
            regime = unpack(packed, reading.units * len(levels)).view(len(packed), reading.units, len(levels)).sum(-1)
            counts += np.stack([(regime == r).sum(0).cpu().numpy() for r in range(len(levels) + 1)])
        share = counts / counts.sum(0)
        linear = share[1:] if len(levels) == 1 else share[1:-1]
        found.append((float(entr(share).sum() / np.log(2)), float(linear.sum(0).mean())))
    return found
