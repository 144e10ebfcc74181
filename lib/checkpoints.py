"""Weights from a file, whoever wrote it: safetensors, or a state dict of PyTorch, of which nothing is executed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")
"""How names of files with weights end; all but the first are read by PyTorch, with ``weights_only=True``."""

_NAMES = ("state_dict", "model_state_dict", "model")
_DEPTH = 8  # of checkpoints inside checkpoints; a dictionary in a pickle may hold itself
_WRAPPERS = ("module.", "_orig_mod.", "model.")  # of DistributedDataParallel, torch.compile, and Lightning


def load_weights(path: str | Path) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint by name, on the CPU.

    A state dict that stands inside a larger checkpoint, beside the state of an optimizer say, is found by its name,
    ``state_dict``, ``model_state_dict`` or ``model``. What wrappers put before every name is taken off.

    Parameters
    ----------
    path
        File whose name ends in one of :data:`SUFFIXES`.

    Returns
    -------
    dict
        In the order of the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is of another kind, damaged, holds anything but tensors and plain values, or no tensor; or if a tensor is
        not dense, or announces more values than there are.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "epoch-3.pt"
    ...     torch.save({"epoch": 3, "state_dict": {"module.fc.weight": torch.zeros(2, 3)}}, path)
    ...     {name: tuple(tensor.shape) for name, tensor in load_weights(path).items()}
    {'fc.weight': (2, 3)}
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no file {path}.")
    if path.suffix not in SUFFIXES or not path.is_file():
        raise ValueError(f"{path} is no file of weights: give one whose name ends in {', '.join(SUFFIXES)}.")
    found = _tensors(_read(path))
    if not found:
        raise ValueError(f"{path} holds no tensors: save model.state_dict().")
    for name, tensor in found.items():
        _require_values(path, name, tensor)
    while wrapper := next((each for each in _WRAPPERS if all(name.startswith(each) for name in found)), None):
        found = {name.removeprefix(wrapper): tensor for name, tensor in found.items()}
    return found


def _read(path: Path) -> Any:
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except Exception as error:  # besides its own: what Python raises of names and shapes that cannot be
            raise ValueError(f"{path} is damaged, or not of safetensors' format; write it anew.") from error
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # its reader meets damage in many ways: RuntimeError, EOFError, KeyError, ...
        raise ValueError(
            f"{path} is damaged, or holds more than tensors, which is not executed here: save model.state_dict()."
        ) from error


def _require_values(path: Path, name: str, tensor: Tensor) -> None:
    """Refuse a tensor that is not as large as it says: a file of a kilobyte may announce a thousand gigabytes."""
    if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.is_quantized or tensor.is_nested:
        raise ValueError(f"{path} holds {name!r}, which is no plain tensor: save one with all of its values.")
    held = tensor.untyped_storage().nbytes() // tensor.element_size()
    if tensor.numel() > held:
        raise ValueError(
            f"{path} holds {name!r} of shape {tuple(tensor.shape)} with {held:,} values: save one with all of them."
        )


def _tensors(found: Any) -> dict[str, Tensor]:
    """Return the state dict in what a file held."""
    for _ in range(_DEPTH):
        inner = [found[name] for name in _NAMES if isinstance(found, Mapping) and isinstance(found.get(name), Mapping)]
        if not inner:
            break
        found = inner[0]
    if not isinstance(found, Mapping):
        return {}
    return {str(name): tensor for name, tensor in found.items() if isinstance(tensor, Tensor)}
