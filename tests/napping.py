"""An experiment that sleeps, so that processes can be killed while it runs; workers preload it."""

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from lib import experiments
from lib.__main__ import main

VERSION = 1


@dataclass(frozen=True)
class Config:
    nap: float = 0.3  # seconds
    numbers: int = 3  # in the record, a seed
    scale: float = 1.0
    label: str | None = None
    loud: bool = False
    scales: tuple[int, ...] = ()
    pairs: tuple[tuple[int, int], ...] = ()
    seeds: tuple[int, ...] = (0, 1, 2)
    seeds_together: int = 1


PRESETS = {"smoke": Config(), "book": Config(nap=0.0)}


def run(config, *, device, progress):
    """Sleep, and return numbers that do not compress; say in the folder `$NAPS` who does what."""
    if config.scale < 0:
        raise ValueError(f"A scale of {config.scale:g} cannot be: take a positive one.")
    begun = Path(os.environ["NAPS"], f"{config.scale:g} {config.seeds} {os.getpid()}")
    begun.touch()
    time.sleep(config.nap)
    if config.scale == 0:
        raise RuntimeError("out of luck")
    seeds = np.array(config.seeds)
    values = np.random.default_rng(config.seeds).random((len(seeds), config.numbers)) * config.scale
    return xr.Dataset({"value": (("seed", "number"), values)}, coords={"seed": seeds})


def register():
    """Make it known to this process."""
    experiments.EXPERIMENTS["napping"] = experiments.Experiment(sys.modules[__name__])


def dask_setup(worker):
    """Make it known to a worker that preloads this module."""
    register()


def command_line(environment, errors, arguments):
    """Run the command line in a process of its own, as the first of a session."""
    os.setsid()
    # a shell that starts the tests in the background lets all its children ignore Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.update(environment)
    register()
    with errors.open("w") as sys.stderr:
        status = main(arguments)
    sys.exit(status)
