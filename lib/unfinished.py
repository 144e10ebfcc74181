"""Where a long training stands, kept on disk, so that what interrupts it costs a minute and not the run.

A copy holds the model, the optimizer and what was found so far, in one file like a record's: written whole or not at
all, with a digest and a sum. As samples come in an order that is a function of seed and epoch alone, a training that
goes on from a copy ends where it would have ended without an interruption, to the last bit on the same machine.
"""

from __future__ import annotations

import hashlib
import json
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import torch
import xarray as xr
from safetensors.torch import load, save
from torch import Tensor, nn

from lib import device as devices
from lib import provenance
from lib.record_files import RecordError, cache_folder, read, write

EVERY = 60.0
"""Seconds between two copies, at least; what is shorter leaves none."""

_FORGOTTEN = 30 * 86_400  # seconds after which nobody goes on with a run


class UnfinishedWarning(UserWarning):
    """A copy cannot be kept, or not be used."""


class Unfinished:
    """One training that may be interrupted.

    Its file is found by what is asked for, and by the revision of the source, the versions of libraries and the device:
    with other code a training begins anew, so that no result comes half from one code and half from another.

    Parameters
    ----------
    experiment
        Its name.
    asked
        All that decides the result; its `repr` counts.
    device
        Where it computes.

    Examples
    --------
    >>> model = nn.Linear(2, 1)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> Unfinished("perceptron", ("seed", 0), torch.device("cpu")).resume(model, optimizer)
    (0, [])
    """

    def __init__(self, experiment: str, asked: Any, device: torch.device) -> None:
        known = [repr(asked), provenance.revision(), provenance.versions(), devices.describe(device)]
        name = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:16]
        self.path = cache_folder() / "unfinished" / f"{experiment}-{name}.nc"
        self.seconds_before = 0.0  #: that earlier processes spent on it, up to the copy that it goes on from
        self._begun = self._last = time.monotonic()

    def resume(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[int, list[xr.Dataset]]:
        """Put model and optimizer where they were; return the epochs made and what was found, or 0 and nothing.

        Parameters
        ----------
        model, optimizer
            As new, on their device; changed in place.
        """
        if not self.path.exists():
            return 0, []
        try:
            kept = read(self.path)
        except RecordError as error:
            warnings.warn(f"{error} The training begins anew.", UnfinishedWarning, stacklevel=2)
            return 0, []
        tensors = load(kept["state"].values.tobytes())
        model.load_state_dict(_below("model", tensors))
        _set_state(optimizer, _below("optimizer", tensors))
        self.seconds_before = float(kept.attrs["seconds"])
        found = kept.drop_vars("state").assign_attrs(json.loads(kept.attrs["attributes"]))
        for name in ("epochs", "seconds", "attributes", "content_sha256"):
            del found.attrs[name]
        return int(kept.attrs["epochs"]), [found.isel(moment=each) for each in range(found.sizes["moment"])]

    def keep(
        self, epochs: int, model: nn.Module, optimizer: torch.optim.Optimizer, found: Sequence[xr.Dataset]
    ) -> None:
        """Keep a copy, if the last one is old enough.

        Parameters
        ----------
        epochs
            Epochs made.
        model, optimizer
            As they are after them.
        found
            What was found until then, at one moment each, with the same variables and attributes.
        """
        now = time.monotonic()
        if now - self._last < EVERY:
            return
        tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
        for number, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": value for name, value in state.items() if value is not None}
        state = save({name: value.detach().cpu().contiguous() for name, value in tensors.items()})
        copy = xr.concat(found, "moment").assign(state=("byte", np.frombuffer(state, np.uint8)))
        attributes = {"epochs": epochs, "seconds": self.seconds_before + now - self._begun}
        try:
            write(copy.assign_attrs(**attributes, attributes=json.dumps(found[0].attrs)), self.path)
            self._drop_forgotten()
        except OSError as error:
            warnings.warn(f"No copy of this training can be kept: {error}", UnfinishedWarning, stacklevel=2)
        self._last = time.monotonic()

    def end(self) -> None:
        """Leave no copy behind: the training is over."""
        self.path.unlink(missing_ok=True)

    def _drop_forgotten(self) -> None:
        for path in self.path.parent.glob("*.nc"):
            with suppress(OSError):  # another process may have been faster
                if time.time() - path.stat().st_mtime > _FORGOTTEN:
                    path.unlink()


def _below(name: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}


def _set_state(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        number, what = name.split(".", 1)
        like = parameters[int(number)]
        # in the parameter's own order in memory, which fused optimizers take for granted
        state.setdefault(int(number), {})[what] = torch.empty_like(like).copy_(value) if value.dim() else value
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
