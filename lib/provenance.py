"""Where a number comes from: versions, machine, device, source revision."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from lib import device as devices

ROOT = Path(__file__).resolve().parent.parent
"""The project's top folder, in an editable install.

:meta hide-value:
"""

_PACKAGES = ("numpy", "scipy", "torch", "xarray", "h5netcdf", "scikit-learn", "statsmodels", "matplotlib")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that numbers depend on.

    Examples
    --------
    >>> sorted(versions())[:2]
    ['h5netcdf', 'matplotlib']
    """
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


@cache
def revision() -> str:
    """Return the commit of the source, with ``+changes`` when tracked files differ from it; ``unknown`` outside git."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=20, check=True)
        return done.stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + ("+changes" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def processor() -> str:
    """Return the processor's model name, or its architecture where no name can be read."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.lower().startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def memory_gib() -> float:
    """Return the machine's memory in GiB, or nan where it cannot be read."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (ValueError, OSError, AttributeError):
        return float("nan")


def environment(device: torch.device | None = None) -> dict[str, str]:
    """Return what a reader needs to judge a number or a time: versions, device, machine, revision.

    Examples
    --------
    >>> {"python", "torch", "device", "processor", "cores", "memory", "system", "revision"} <= set(environment())
    True
    """
    return {
        **versions(),
        "device": devices.describe(device or devices.choose()),
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory_gib():.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "byte order": sys.byteorder,
        "revision": revision(),
    }
