"""What is read of each place while a model runs: packed patterns, and the spread of activations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

from lib.measures._packing import pack
from lib.measures.dimension import Covariance
from lib.probing._sites import Site


@dataclass(frozen=True)
class Choice:
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
class Reading:
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

    def see_input(self, x: Tensor, rows_of: Callable) -> None:
        table = _table(x.detach())
        self.positions = tuple(x.shape[2:]) if x.ndim > 3 else tuple(x.shape[1:-1])
        self.units = table.shape[1]
        rows, samples = rows_of(len(x), self.positions, x.device)
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


@contextmanager
def hooked(model: nn.Module, readings: dict[Site, Reading], choice: Choice, done: int) -> Iterator[None]:
    """Let every reading see its module's input and output in one pass; `done` samples came before."""

    @cache  # layers of equal resolution are read at the same places
    def rows_of(samples: int, shape: tuple[int, ...], device: torch.device) -> tuple[Tensor, Tensor]:
        return choice.rows(samples, shape, done, device)

    by_module: dict[str, list[Reading]] = {}
    for site, reading in readings.items():
        by_module.setdefault(site.module, []).append(reading)
    handles = []
    try:
        for name, here in by_module.items():
            module, counter = model.get_submodule(name), _Counter()

            def before(module: nn.Module, inputs: tuple, here: list = here, counter: _Counter = counter) -> None:
                for reading in here:
                    if reading.site.call == counter.calls:
                        reading.see_input(inputs[0], rows_of)

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
