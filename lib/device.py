"""Which device the numbers are computed on."""

from __future__ import annotations

import os

import torch


def choose(name: str | None = None) -> torch.device:
    """Return the device to compute on: the one named, else ``$BOOK_DEVICE``, else CUDA, else the CPU.

    Parameters
    ----------
    name
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ...

    Raises
    ------
    ValueError
        If the name is no device, or a device that this machine does not have.

    Examples
    --------
    >>> choose("cpu")
    device(type='cpu')
    """
    name = name or os.environ.get("BOOK_DEVICE") or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"{name!r} is no device: use 'cpu', or 'cuda' on a machine with an NVIDIA GPU.") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"Device {name!r} is not on this machine: use one of {', '.join(available())}.")
    return device


def available() -> list[str]:
    """Return the names of the devices of this machine, the CPU first.

    Examples
    --------
    >>> available()[0]
    'cpu'
    """
    return ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]


def fast_precision(device: torch.device) -> torch.dtype:
    """Return the type of number in which networks learn fastest: bfloat16 where the device multiplies it, or float32.

    Without instructions of its own for bfloat16, a processor takes ten times longer with it.

    Examples
    --------
    >>> fast_precision(torch.device("cpu")) in (torch.bfloat16, torch.float32)
    True
    """
    if device.type == "cuda":
        multiplies = torch.cuda.get_device_capability(device) >= (8, 0)
    else:
        able = torch.cpu.get_capabilities()
        multiplies = any(able.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return torch.bfloat16 if multiplies else torch.float32


def describe(device: torch.device) -> str:
    """Return the device's name as a reader would know it, for provenance.

    Examples
    --------
    >>> describe(torch.device("cpu")).startswith("CPU")
    True
    """
    if device.type == "cuda":
        return f"CUDA ({torch.cuda.get_device_name(device)})"
    threads = torch.get_num_threads()
    return f"CPU ({threads} thread{'s' * (threads > 1)})"
