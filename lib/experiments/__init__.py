"""What can be run: every experiment, its presets, and how to ask for it.

An experiment is a module with ``VERSION`` (raised when its code changes what it returns), a frozen dataclass ``Config``
that alone decides the size of a run, ``PRESETS``, and ``run(config, device=..., progress=...)`` that returns an
:class:`xarray.Dataset`.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from types import ModuleType
from typing import Any

import torch
import xarray as xr

from lib import presets
from lib.experiments import (
    cortex,
    cortex_areas,
    deep_mlp,
    fc3_widths,
    feature_loss,
    linear_regions,
    narrow_networks,
    neurons_and_layers,
    pattern_bounds,
    pattern_calibration,
    pattern_growth,
    perceptron,
    perceptron_plane,
    recording_length,
    reduced_response,
    residual_depth,
    residual_quench,
    residual_tasks,
    response_limits,
    small_cnn,
    training_response,
    unit_root_calibration,
    weight_evolution,
)


@dataclass(frozen=True)
class Experiment:
    """One experiment: a thin, typed view of its module."""

    module: ModuleType

    @property
    def name(self) -> str:
        """Name to ask for."""
        return self.module.__name__.rsplit(".", 1)[-1]

    @property
    def version(self) -> int:
        """Version of what it returns; records of another version are stale."""
        return self.module.VERSION

    @property
    def summary(self) -> str:
        """First line of the module's docstring."""
        return (inspect.getdoc(self.module) or "").split("\n", 1)[0]

    @property
    def presets(self) -> dict[str, Any]:
        """Config of each preset."""
        return self.module.PRESETS

    def config(self, preset: str, seeds: Sequence[int] | None = None) -> Any:
        """Return the config of a preset, with other seeds if given.

        Raises
        ------
        ValueError
            If there is no such preset, or the seeds are empty, repeated or negative.
        """
        if presets.check(preset) not in self.presets:
            raise ValueError(f"{self.name} has no preset {preset!r}: choose one of {', '.join(self.presets)}.")
        config = self.presets[preset]
        if seeds is None:
            return config
        if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
            raise ValueError(f"Seeds {list(seeds)} must be different numbers from 0 on, at least one.")
        return replace(config, seeds=tuple(seeds))

    @property
    def stored_by_piece(self) -> bool:
        """Whether the book keeps one record a batch, each as soon as it is there, and not only the whole."""
        return getattr(self.module, "STORED_BY_PIECE", False)

    def pieces(self, config: Any) -> list[Any]:
        """Return the configs of the parts that know nothing of each other: `pieces(config)` of the module, or one."""
        return self.module.pieces(config) if hasattr(self.module, "pieces") else [config]

    def batches(self, config: Any) -> list[Any]:
        """Return the configs of the runs that make up `config`: of each piece, as many seeds as learn side by side."""
        return [batch for piece in self.pieces(config) for batch in _cut(piece)]

    def join(self, parts: Sequence[xr.Dataset], config: Any) -> xr.Dataset:
        """Put the results of `batches` together again: along seeds, then as the module's `join_pieces` says."""
        rest, pieces = list(parts), []
        for piece in self.pieces(config):
            number = len(_cut(piece))
            pieces.append(_along_seeds(rest[:number]))
            rest = rest[number:]
        return pieces[0] if len(pieces) == 1 else self.module.join_pieces(pieces)

    def run(self, config: Any, *, device: torch.device, progress: Any = lambda fraction, message: None) -> xr.Dataset:
        """Run it; `progress` is called with the share done and a message."""
        return self.module.run(config, device=device, progress=progress)


EXPERIMENTS: dict[str, Experiment] = {
    experiment.name: experiment
    for experiment in map(
        Experiment,
        (
            perceptron,
            perceptron_plane,
            unit_root_calibration,
            deep_mlp,
            weight_evolution,
            pattern_calibration,
            pattern_bounds,
            pattern_growth,
            residual_depth,
            residual_tasks,
            narrow_networks,
            small_cnn,
            residual_quench,
            fc3_widths,
            linear_regions,
            feature_loss,
            training_response,
            reduced_response,
            response_limits,
            cortex,
            cortex_areas,
            recording_length,
            neurons_and_layers,
        ),
    )
}
"""All experiments by name."""


def _cut(piece: Any) -> list[Any]:
    together = getattr(piece, "seeds_together", len(piece.seeds))
    return [
        replace(piece, seeds=piece.seeds[first : first + together]) for first in range(0, len(piece.seeds), together)
    ]


def _along_seeds(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    if len(parts) == 1:
        return parts[0]
    joined = xr.concat(
        parts, "seed", data_vars="minimal", coords="minimal", compat="equals", combine_attrs="drop_conflicts"
    )
    for name in joined.variables:
        joined[name].attrs = parts[0][name].attrs
    return joined


def get(name: str) -> Experiment:
    """Return the experiment of that name.

    Raises
    ------
    ValueError
        If there is none; the message names the nearest.

    Examples
    --------
    >>> get("perceptron").name
    'perceptron'
    """
    if name in EXPERIMENTS:
        return EXPERIMENTS[name]
    near = difflib.get_close_matches(name, EXPERIMENTS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(EXPERIMENTS)}."
    raise ValueError(f"Unknown experiment {name!r}: {hint}")


def as_plain(config: Any) -> dict[str, Any]:
    """Return a config as plain values, as it is stored and hashed.

    `seeds_together` is left out, for it decides how a run is cut into pieces, not what comes out.
    """
    plain = asdict(config)
    plain.pop("seeds_together", None)
    return plain
