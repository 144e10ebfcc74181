"""Find a stored result, or run the experiment and store it.

A record is found by the hash of its config, so asking twice costs nothing, and carries where it comes from in its
attributes; its file is the matter of :mod:`lib.record_files`.
"""

from __future__ import annotations

import hashlib
import json
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
import xarray as xr

from lib import device as devices
from lib import experiments, presets, provenance
from lib.record_files import RecordError, cache_folder, read, stored_folder, write

Progress = Callable[[float, str], None]


class RecordWarning(UserWarning):
    """A stored record cannot be used and is made anew."""


def config_hash(experiment: experiments.Experiment, config: Any) -> str:
    """Return the hash that identifies what a config asks of an experiment: its name, its version and every setting."""
    asked = {"experiment": experiment.name, "version": experiment.version, **experiments.as_plain(config)}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


# -- asking -----------------------------------------------------------------------------------------------------------


def obtain(
    name: str,
    preset: str | None = None,
    seeds: Sequence[int] | None = None,
    *,
    config: Any = None,
    device: torch.device | None = None,
    store: bool = False,
    progress: Progress = lambda fraction, message: None,
) -> xr.Dataset:
    """Return the result of an experiment: the stored record if there is one, else run it and store it.

    Seeds that learn side by side are run, and stored, as one batch; an interrupted run loses at most the batch under
    way, and the next call goes on with those that are missing.

    Parameters
    ----------
    name
        Experiment.
    preset
        Size; by default the active one.
    seeds
        Seeds instead of the preset's.
    config
        Config instead of the preset's with those seeds, such as one of a sweep; it is stored under the preset's name.
    device
        Where to compute; by default CUDA where there is one.
    store
        Keep the result in ``book/records`` and not only in the cache.
    progress
        Called with the share done and a message.

    Raises
    ------
    ValueError
        If experiment, preset or seeds are unknown or wrong, or both seeds and a config are given.
    """
    experiment = experiments.get(name)
    preset = presets.check(preset) if preset else presets.active()
    if config is not None and seeds is not None:
        raise ValueError("A config has seeds of its own: give it those that you want, or give no config.")
    config = experiment.config(preset, seeds) if config is None else config
    found = find(experiment, config, preset)
    there = found is not None
    if found is None:
        batches = experiment.batches(config)
        parts = []
        for number, batch in enumerate(batches):

            def report(fraction: float, message: str, number: int = number, batch: Any = batch) -> None:
                progress((number + fraction) / len(batches), f"seeds {_span(batch.seeds)}: {message}")

            part = find(experiment, batch, preset)
            if part is None:
                part = _run(experiment, batch, preset, device or devices.choose(), report)
                part = write(part, _path(cache_folder(), experiment, batch, preset))
            if store and experiment.stored_by_piece:
                _keep(part, _path(stored_folder(), experiment, batch, preset))
            parts.append(part)
            progress((number + 1) / len(batches), f"seeds {_span(batch.seeds)} done")
        found = parts[0]
        if len(parts) > 1:
            found = _join(parts, experiment, config)
            if not experiment.stored_by_piece:
                found = write(found, _path(cache_folder(), experiment, config, preset))
    if store and (there or not experiment.stored_by_piece):
        _keep(found, _path(stored_folder(), experiment, config, preset))
    return found


def _keep(found: xr.Dataset, path: Path) -> None:
    if not path.exists():
        write(found, path)


def find(experiment: experiments.Experiment, config: Any, preset: str) -> xr.Dataset | None:
    """Return the stored record of a config, or None; a damaged one is named in a warning and counts as missing."""
    for folder in (stored_folder(), cache_folder()):
        path = _path(folder, experiment, config, preset)
        if not path.exists():
            continue
        try:
            found = read(path)
        except RecordError as error:
            warnings.warn(f"{error} It is made anew.", RecordWarning, stacklevel=2)
            continue
        if found.attrs.get("config_hash") == config_hash(experiment, config):
            return found
        warnings.warn(f"{path} holds another config than its name says. It is made anew.", RecordWarning, stacklevel=2)
    return None


def largest(name: str) -> xr.Dataset | None:
    """Return the book's stored record of an experiment's largest preset, most seeds first; None where there is none.

    Where an experiment is stored piece by piece, all pieces of that preset that are there are joined.
    """
    known = [record for record in stored(name) if not record.stale]
    known.sort(key=lambda r: (presets.rank(r.preset), len(r.seeds)), reverse=True)
    if known and experiments.get(name).stored_by_piece:
        return _gather(name, [record for record in known if record.preset == known[0].preset])
    return known[0].dataset if known else None


def _gather(name: str, pieces: list[Record]) -> xr.Dataset:
    """Join stored pieces, in the order of the preset; what is not stored yet is missing."""
    experiment, preset = experiments.get(name), pieces[0].preset
    paths = [_path(stored_folder(), experiment, b, preset) for b in experiment.batches(experiment.config(preset))]
    order = {path.name: number for number, path in enumerate(paths)}
    pieces = sorted(pieces, key=lambda record: order.get(record.path.name, len(order)))
    parts = [record.dataset for record in pieces]
    if len(parts) == 1:
        return parts[0]
    joined = _provenance_of(parts, experiment.module.join_pieces(parts))
    seeds = sorted({seed for record in pieces for seed in record.seeds})
    return joined.assign_attrs(
        experiment=name,
        version=experiment.version,
        preset=preset,
        seeds=json.dumps(seeds),
        config=json.dumps([json.loads(part.attrs["config"]) for part in parts]),
        config_hash="*",  # with experiment and preset, the pattern of the pieces' file names
    )


@dataclass(frozen=True)
class Record:
    """A stored record."""

    path: Path
    dataset: xr.Dataset = field(repr=False, compare=False)

    @property
    def attrs(self) -> dict[Any, Any]:
        """Where it comes from."""
        return self.dataset.attrs

    @property
    def experiment(self) -> str:
        """Name of the experiment."""
        return str(self.attrs["experiment"])

    @property
    def preset(self) -> str:
        """Size it was run at."""
        return str(self.attrs["preset"])

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds in it."""
        return tuple(json.loads(self.attrs["seeds"]))

    @property
    def stale(self) -> bool:
        """Whether the experiment's code has changed since, or is gone."""
        known = experiments.EXPERIMENTS.get(self.experiment)
        return known is None or known.version != int(self.attrs["version"])


def stored(experiment: str | None = None) -> list[Record]:
    """Return the records in ``book/records``, all or those of one experiment, by file name.

    A damaged file is named in a warning and left out.
    """
    records = []
    for path in sorted(stored_folder().glob(f"{experiment}-*.nc" if experiment else "*.nc")):
        try:
            records.append(Record(path, read(path)))
        except RecordError as error:
            warnings.warn(str(error), RecordWarning, stacklevel=2)
    return records


# -- running ----------------------------------------------------------------------------------------------------------


def _run(
    experiment: experiments.Experiment, config: Any, preset: str, device: torch.device, progress: Progress
) -> xr.Dataset:
    revision = provenance.revision()  # of the code that runs, even if files change meanwhile
    start = time.perf_counter()
    result = experiment.run(config, device=device, progress=progress)
    wall_time = time.perf_counter() - start + result.attrs.pop("seconds_before", 0.0)
    return result.assign_attrs(
        **_identity(experiment, config),
        preset=preset,
        device=devices.describe(device),
        versions=json.dumps(provenance.versions()),
        revision=revision,
        processor=provenance.processor(),
        wall_time_s=round(wall_time, 2),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _identity(experiment: experiments.Experiment, config: Any) -> dict[str, Any]:
    return {
        "experiment": experiment.name,
        "version": experiment.version,
        "config": json.dumps(experiments.as_plain(config)),
        "config_hash": config_hash(experiment, config),
        "seeds": json.dumps(list(config.seeds)),
    }


def _join(parts: list[xr.Dataset], experiment: experiments.Experiment, config: Any) -> xr.Dataset:
    """Join batches; their times add up, and what differs between them is listed."""
    joined = _provenance_of(parts, experiment.join(parts, config))
    return joined.assign_attrs(_identity(experiment, config), preset=parts[0].attrs["preset"])


def _provenance_of(parts: list[xr.Dataset], joined: xr.Dataset) -> xr.Dataset:
    for key in ("device", "versions", "revision", "processor"):
        joined.attrs[key] = "; ".join(dict.fromkeys(str(part.attrs[key]) for part in parts))
    joined.attrs["wall_time_s"] = round(sum(float(part.attrs["wall_time_s"]) for part in parts), 2)
    joined.attrs["created"] = max(str(part.attrs["created"]) for part in parts)
    joined.attrs.pop("content_sha256", None)
    return joined


def _span(seeds: Sequence[int]) -> str:
    return str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"


def _path(folder: Path, experiment: experiments.Experiment, config: Any, preset: str) -> Path:
    return folder / f"{experiment.name}-{preset}-{config_hash(experiment, config)}.nc"
