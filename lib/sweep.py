"""Many configs of an experiment at once, on the cores and GPUs of this machine or on a cluster.

A **sweep** takes the config of a preset, gives some of its settings every combination of the values of a grid, and cuts
each config into the batches that know nothing of each other (:meth:`lib.experiments.Experiment.batches`). Those whose
record is not there are run by the workers of a `Dask cluster <https://distributed.dask.org>`_::

    python -m lib sweep perceptron_plane --preset book --grid rate=0.05,0.1,0.2 epochs=10,20
    python -m lib sweep residual_tasks --preset paper                      # the preset itself, piece by piece

Each worker writes its record itself, whole or not at all, and reads it again before it says that it is done. So nothing
that is finished is lost with a worker, the scheduler or the process that asked for it, and the same command goes on
with what is missing. A batch whose worker died or whose run failed is tried again a few times. Two sweeps at once may
do a batch twice; the last record stays, and it is whole.

By default workers are processes of this machine, one a core or, where there are GPUs, one a GPU. Each has one batch at
a time; there is no dashboard, and they listen to this machine alone.

On a cluster, ``--scheduler ADDRESS`` names a Dask scheduler that runs already. Its workers import the same ``lib``,
share the folders ``$BOOK_RUNS`` and ``$BOOK_DATA``, and have one thread each. With ``--device cuda`` only workers that
offer the resource ``GPU`` are given work: ``dask worker ADDRESS --nthreads 1 --resources GPU=1``. Dask's processes send
each other pickled messages: use no scheduler but your own.
"""

from __future__ import annotations

import difflib
import errno
import logging
import math
import multiprocessing
import os
import socket
import sys
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, is_dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from lib import device as devices
from lib import experiments, presets, record_files, records

if TYPE_CHECKING:
    from distributed import Client, Future

PATIENCE = 10.0
"""Seconds in which a scheduler must answer."""

RETRIES = 3
"""Times that a batch is tried again."""

_NO_SETTINGS = ("seeds", "seeds_together")  # the first are given by themselves, the second change no result
_LOOPBACK = "127.0.0.1"
_AGAIN = "the same command goes on with those that are missing."
_SHARE = "let BOOK_RUNS name one folder that all machines share."

# What a worker does first. Ctrl-C, which a terminal sends to all, is left to us, who then end the workers.
_PREPARE = """
import os, signal, torch
signal.signal(signal.SIGINT, signal.SIG_IGN)
torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
"""


class UnreachableError(ConnectionError):
    """No scheduler answers where one should be."""


@dataclass(frozen=True)
class Outcome:
    """What became of a sweep: one record a batch."""

    there: int  # records that were there before
    made: int  # records that were made
    failed: dict[str, str]  # why, by batch


# -- what is asked for ------------------------------------------------------------------------------------------------


def parse_grid(texts: Sequence[str], config: Any) -> dict[str, tuple[Any, ...]]:
    """Return the values of each setting, in the types of the config's fields.

    Parameters
    ----------
    texts
        ``"SETTING=VALUE,VALUE"`` each. Elements of a tuple are joined by colons, truth is ``true`` or ``false``, and
        nothing is ``none``. A setting of each of a list of networks is named after both: ``networks.rate``.
    config
        A frozen dataclass that has these fields.

    Raises
    ------
    ValueError
        If a setting is unknown, given twice, without values, or one that no text stands for; if a value is not of its
        type, or there twice; or if there is no setting at all.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Config:
    ...     rate: float = 0.1
    ...     width: int | None = None
    ...     rates: tuple[float, ...] = ()
    >>> parse_grid(["rate=0.1,0.05", "width=20,none", "rates=0.1:1,2"], Config())
    {'rate': (0.1, 0.05), 'width': (20, None), 'rates': ((0.1, 1.0), (2.0,))}
    """
    if not texts:
        raise ValueError(
            "The grid is empty: write SETTING=VALUE,VALUE, or leave --grid out to run the preset as it is."
        )
    kinds = _kinds(type(config))
    known = [name for name, kind in kinds.items() if _can_be_text(kind)]
    found: dict[str, tuple[Any, ...]] = {}
    for text in texts:
        name, _, listed = text.partition("=")
        if name in _NO_SETTINGS:
            raise ValueError(f"{name!r} is no setting of a grid: give seeds by --seeds.")
        if name in kinds and name not in known:
            raise ValueError(f"{name!r} is no number, word or list of these: choose from {', '.join(known)}.")
        if name not in kinds:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(known)}."
            raise ValueError(f"Unknown setting {name!r}: {hint}")
        if not listed:
            raise ValueError(f"{text!r} gives {name!r} no value: write {name}=VALUE,VALUE.")
        if name in found:
            raise ValueError(f"{name!r} is given twice: write all its values once, as {name}=VALUE,VALUE.")
        try:
            values = tuple(_value(each, kinds[name]) for each in listed.split(","))
        except (ValueError, KeyError) as error:
            raise ValueError(f"{text!r} cannot be read: values of {name!r} are {_in_words(kinds[name])}.") from error
        if len(set(values)) < len(values):
            raise ValueError(f"{text!r} has a value twice: leave one out.")
        found[name] = values
    return found


def configs(config: Any, grid: Mapping[str, Sequence[Any]]) -> list[Any]:
    """Return the config with every combination of the values; the last setting changes fastest.

    A setting of networks is changed in each of them, and those that are then the same are one.

    Examples
    --------
    >>> plane = experiments.get("perceptron_plane").config("smoke")
    >>> [(each.rate, each.epochs) for each in configs(plane, {"rate": (0.1, 0.2), "epochs": (1, 2)})]
    [(0.1, 1), (0.1, 2), (0.2, 1), (0.2, 2)]
    >>> tasks = experiments.get("residual_tasks").config("smoke")
    >>> [network.rate for network in configs(tasks, {"networks.rate": (0.02,)})[0].networks]
    [0.02, 0.02, 0.02]
    """
    found = []
    for values in product(*grid.values()):
        each = config
        for name, value in zip(grid, values, strict=True):
            each = _changed(each, name, value)
        found.append(each)
    return found


def _changed(config: Any, name: str, value: Any) -> Any:
    outer, _, inner = name.partition(".")
    if not inner:
        return replace(config, **{name: value})
    changed = (replace(part, **{inner: value}) for part in getattr(config, outer))
    return replace(config, **{outer: tuple(dict.fromkeys(changed))})


def _setting(config: Any, name: str) -> Any:
    outer, _, inner = name.partition(".")
    return getattr(getattr(config, outer)[0], inner) if inner else getattr(config, name)


def _kinds(config: type) -> dict[str, Any]:
    """Return the types of all settings by name, those of the elements of a list after the list's."""
    found = {}
    for name, kind in typing.get_type_hints(config).items():
        if name in _NO_SETTINGS:
            continue
        found[name] = kind
        element, many, _ = _parts(kind)
        if many and isinstance(element, type) and is_dataclass(element):
            found |= {f"{name}.{inner}": of_inner for inner, of_inner in _kinds(element).items()}
    return found


_SCALARS = {int: "whole numbers", float: "numbers", str: "words", bool: "true or false"}


def _parts(kind: Any) -> tuple[Any, bool, bool]:
    """Return the type of a value or of its elements, whether it is a tuple of these, and whether it may be None."""
    optional = typing.get_origin(kind) in (typing.Union, types.UnionType)
    if optional:
        kind = next((each for each in typing.get_args(kind) if each is not types.NoneType), None)
    many = typing.get_origin(kind) is tuple and typing.get_args(kind)[1:] == (Ellipsis,)
    return typing.get_args(kind)[0] if many else kind, many, optional


def _can_be_text(kind: Any) -> bool:
    return _parts(kind)[0] in _SCALARS


def _in_words(kind: Any) -> str:
    scalar, many, optional = _parts(kind)
    joined = f"{_SCALARS[scalar]} joined by colons" if many else _SCALARS[scalar]
    return f"{joined}, or none" if optional else joined


def _value(text: str, kind: Any) -> Any:
    scalar, many, optional = _parts(kind)
    if optional and text == "none":
        return None
    return tuple(_scalar(part, scalar) for part in text.split(":")) if many else _scalar(text, scalar)


def _scalar(text: str, kind: type) -> Any:
    if kind is bool:
        return {"true": True, "false": False}[text]
    value = kind(text)
    if value == "" or (kind is float and not math.isfinite(value)):
        raise ValueError
    return value


# -- running ----------------------------------------------------------------------------------------------------------


class _Task(NamedTuple):
    """A record to make."""

    name: str
    preset: str
    batch: Any
    key: str  # hash of the batch, to notice another version of the library
    label: str


class _Said(NamedTuple):
    """What a worker says of a task."""

    problem: str = ""  # why there is no record
    full: bool = False  # whether there is no space for any
    host: str = ""


def run(
    name: str,
    preset: str | None = None,
    seeds: Sequence[int] | None = None,
    grid: Mapping[str, Sequence[Any]] | None = None,
    *,
    device: str | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    retries: int = RETRIES,
    store: bool = False,
    progress: records.Progress = lambda fraction, message: None,
) -> Outcome:
    """Make those records of a sweep that are not there yet, and join the batches of each config.

    Parameters
    ----------
    name, preset, seeds
        Experiment, size and seeds, as for :func:`lib.records.obtain`.
    grid
        Values of settings, as from `parse_grid`; the preset as it is where None.
    device
        Where workers compute; on CUDA each has one GPU. By default what this machine has or, on a cluster, what each
        worker finds.
    scheduler
        Address of a scheduler that runs already; workers on this machine where None.
    workers
        Processes on this machine, at most; by default one a core or GPU.
    retries
        Times that a batch is tried again whose worker died, or that failed for another reason than a wrong value.
    store
        Keep records in ``book/records``, too: those of a preset as it is only.
    progress
        Called with the share of records that are there, and a message.

    Raises
    ------
    ValueError
        If experiment, preset, seeds, device or number of workers are unknown or wrong, or a grid is to be stored.
    UnreachableError
        If no scheduler answers.
    ConnectionError
        If the scheduler is lost on the way; what is finished is stored.
    OSError
        If there is no space for records; what is finished is stored.
    """
    experiment, preset = experiments.get(name), preset or presets.active()
    if store and grid:
        raise ValueError("The book stores records of presets as they are: leave out --store, or --grid.")
    if (workers is not None and workers < 1) or retries < 0:
        raise ValueError(f"{workers} workers and {retries} retries cannot be: take at least 1 and 0.")
    tasks: dict[str, _Task] = {}
    missing = []
    wanted = configs(experiment.config(preset, seeds), grid or {})
    for config in wanted:
        whole = records.find(experiment, config, preset) is not None
        for task in _tasks(experiment, preset, config, grid or {}):
            if tasks.setdefault(task.key, task) is task and not whole and not _there(task):
                missing.append(task)
    failed: dict[str, str] = {}
    if missing:
        place = _cluster(scheduler, device) if scheduler else _processes(device, workers, len(missing), retries)
        with place as (client, where):
            failed = _work_off(client, missing, where, retries, len(tasks), progress)
    for config in wanted:
        if not any(task.key in failed for task in _tasks(experiment, preset, config, {})):
            records.obtain(name, preset, config=config, store=store)
    return Outcome(
        there=len(tasks) - len(missing),
        made=len(missing) - len(failed),
        failed={tasks[key].label: why for key, why in failed.items()},
    )


def _tasks(
    experiment: experiments.Experiment, preset: str, config: Any, settings: Mapping[str, Any]
) -> Iterator[_Task]:
    batches = experiment.batches(config)
    given = " ".join(f"{name}={_setting(config, name)}" for name in settings)
    for number, batch in enumerate(batches):
        part = f"part {number + 1} of {len(batches)}" if len(batches) > 1 else ""
        label = ", ".join(filter(None, (given, part))) or f"preset {preset}"
        yield _Task(experiment.name, preset, batch, records.config_hash(experiment, batch), label)


def _there(task: _Task) -> bool:
    return records.find(experiments.get(task.name), task.batch, task.preset) is not None


def _work_off(
    client: Client, tasks: Sequence[_Task], device: str | None, retries: int, total: int, progress: records.Progress
) -> dict[str, str]:
    """Let the workers do all tasks, and return why some failed, by their key."""
    from distributed import CancelledError, KilledWorker, as_completed

    folder = str(record_files.cache_folder().absolute())
    needed = {"GPU": 1} if device and device.startswith("cuda") else {}
    known = [worker["resources"] for worker in client.scheduler_info(n_workers=-1)["workers"].values()]
    able = any(resources.get(name, 0) >= number for resources in known for name, number in needed.items())
    waiting = "" if able or (known and not needed) else ", waiting for a worker" + " that offers a GPU" * len(needed)
    done, failed = total - len(tasks), {}
    progress(done / total, _state(done, total) + waiting)
    futures: dict[Future, _Task] = {
        client.submit(_work, task, folder, device, retries=retries, resources=needed, pure=False): task
        for task in tasks
    }
    for future in as_completed(futures, loop=client.loop):
        task = futures[future]
        try:
            said = future.result()
        except CancelledError as error:
            raise ConnectionError(f"The scheduler is lost with {_state(done, total)} made: {_AGAIN}") from error
        except KilledWorker as error:
            died = error.allowed_failures + 1
            said = _Said(f"{died} workers died of it, perhaps for want of memory: let fewer work at once on a machine.")
        except Exception as error:  # whatever an experiment raises
            said = _Said(f"{type(error).__name__}: {error}")
        if said.full:
            raise OSError(
                f"There is no space for more records in {folder}, with {_state(done, total)} made: make room; {_AGAIN}"
            )
        problem = said.problem or ("" if _arrived(task) else f"{said.host} stored it, but it is not here: {_SHARE}")
        if problem:
            failed[task.key] = problem
        else:
            done += 1
        progress((done + len(failed)) / total, _state(done, total))
    return failed


def _arrived(task: _Task) -> bool:
    # where a file was missing, a network file system believes that it is until its folder is read
    return any(record_files.cache_folder().glob("*.nc")) and _there(task)


def _state(done: int, total: int) -> str:
    return f"{done} of {total} records"


def _work(task: _Task, folder: str, device: str | None) -> _Said:
    """Make a record; on a worker. What another try would not change is said, the rest is raised."""
    host = socket.gethostname()
    here = str(record_files.cache_folder().absolute())
    try:
        if records.config_hash(experiments.get(task.name), task.batch) != task.key:
            return _Said(f"{host} has another version of the library: install this one there.")
        if here != folder:
            return _Said(f"{host} stores records in {here}, not in {folder}: {_SHARE}")
        records.obtain(task.name, task.preset, config=task.batch, device=devices.choose(device))
    except (ValueError, FileNotFoundError) as error:
        return _Said(str(error))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        return _Said(str(error), full=True)
    if not _there(task):
        raise OSError(f"The record cannot be read again on {host}.")
    return _Said(host=host)


# -- workers ----------------------------------------------------------------------------------------------------------


@contextmanager
def _cluster(address: str, device: str | None) -> Iterator[tuple[Client, str | None]]:
    """Connect to a scheduler that runs already."""
    from distributed import Client
    from distributed.comm.addressing import resolve_address

    try:
        # A client that fails at an address it cannot parse stays half open, and closes when it is collected: if that
        # is while another one starts, both wait for one lock.
        resolve_address(address)
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UnreachableError(
            f"No scheduler answers at {address!r}: start one by `dask scheduler`, or leave out --scheduler to use this "
            "machine."
        ) from error
    with client:
        yield client, device


@contextmanager
def _processes(device: str | None, workers: int | None, tasks: int, retries: int) -> Iterator[tuple[Client, str]]:
    """Start worker processes on this machine, and end them."""
    import dask
    from dask.system import CPU_COUNT
    from distributed import Client, Nanny, Scheduler, SpecCluster

    where = devices.choose(device)
    gpus = _gpus(where)
    number = min(tasks, workers or len(gpus) or CPU_COUNT, len(gpus) or tasks)
    share = os.environ.get("OMP_NUM_THREADS") or str(max(1, CPU_COUNT // number))
    threads = {f"{name}_NUM_THREADS": share for name in ("OMP", "MKL", "OPENBLAS")}
    settings = {
        "distributed.scheduler.allowed-failures": retries,
        "distributed.scheduler.worker-saturation": 1.0,  # no batch waits behind another and is blamed for its end
        "distributed.worker.profile.enabled": False,
        "distributed.worker.multiprocessing-method": "forkserver" if sys.platform == "linux" else "spawn",
        "distributed.nanny.pre-spawn-environ": threads,  # for what reads them when it is loaded
    }
    before = dict(os.environ)  # where Dask puts them, too
    common = {"host": _LOOPBACK, "dashboard": False, "dashboard_address": f"{_LOOPBACK}:0"}
    alike = {
        **common,
        "nthreads": 1,
        "memory_limit": 0,
        "silence_logs": logging.ERROR,
        "preload": [*dask.config.get("distributed.worker.preload"), _PREPARE],
        "resources": {"GPU": 1} if gpus else {},
    }
    crew = {
        each: {"cls": Nanny, "options": {**alike, "env": {**before, **threads, **_only(gpus[each : each + 1])}}}
        for each in range(number)
    }
    try:
        with dask.config.set(settings):
            _share_imports()
            scheduler = {"cls": Scheduler, "options": {**common, "port": 0}}
            with (
                SpecCluster(workers=crew, scheduler=scheduler, silence_logs=logging.ERROR) as cluster,
                Client(cluster, set_as_default=False) as client,
            ):
                yield client, where.type
    finally:
        os.environ.clear()
        os.environ.update(before)


def _only(gpus: Sequence[str]) -> dict[str, str]:
    return {"CUDA_VISIBLE_DEVICES": ",".join(gpus)} if gpus else {}


def _share_imports() -> None:
    """Let worker processes begin as copies of one that has imported this module, which takes seconds."""
    from distributed.utils import get_mp_context

    get_mp_context()  # names Dask's own imports the first time
    multiprocessing.set_forkserver_preload(["distributed.nanny", __name__])


def _gpus(device: torch.device) -> list[str]:
    """Return the GPUs that workers are given, one each, as CUDA_VISIBLE_DEVICES names them."""
    if device.type != "cuda":
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",") if visible else [str(each) for each in range(torch.cuda.device_count())]
    return names if device.index is None else [names[device.index]]
