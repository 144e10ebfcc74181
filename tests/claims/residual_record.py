"""Made records of ``residual_tasks`` for tests of its judges and figures: every course is known."""

import numpy as np
import xarray as xr

from lib.experiments.residual_tasks import PARTS, Network, entropy_epochs, join_pieces, stored_epochs

BLOCK = np.array([1, 2, 2, 2, 3, 3, 3, 4, 4, 4])
UNITS = 2 ** (BLOCK.clip(2) + 2)
ALONE = 0.95
"""Bits a unit that independent units have."""


def rise(epoch, epochs, pace=5.0):
    """Share of what is to come that is there after an epoch: 0 before training, 1 in the end."""
    return (1 - np.exp(-epoch / pace)) / (1 - np.exp(-epochs / pace))


def network(
    task="CIFAR-10",
    depth=56,
    rate=0.1,
    seeds=5,
    epochs=100,
    moments=12,
    dimension=(2, 30),
    complexity=(0.2, 0.5),
    linearity=(0.7, 0.5),
    shared=None,
    pace=(5.0, 20.0),
    test_error=0.1,
    train_error=0.01,
    learned=50_000,
    parts=None,
    spread=1e-3,
):
    """Return the record of one network.

    Observables are given before and after training: a number, or one for each layer; `pace` says in how many epochs
    complexity, and effective dimension, come near their ends. `shared` is a function of the epoch, where normalised
    total correlation is not to follow from complexity. Errors are numbers, or one for each seed. `parts` gives other
    ends to the observables of a part, by name.
    """
    rng = np.random.default_rng(len(task) + depth)
    about = Network(task, depth=depth, rate=rate)
    times = np.array(stored_epochs(epochs), dtype=float)
    known = np.isin(times, entropy_epochs(epochs, moments))
    shape = (1, seeds, len(times), len(PARTS), len(BLOCK))
    noise = 1 + spread * rng.standard_normal((seeds, 1, 1))
    observables = {"effective_dimension": dimension, "complexity": complexity, "linearity": linearity}
    paces = {"effective_dimension": pace[1], "complexity": pace[0], "linearity": pace[0]}
    found = {name: np.full(shape, np.nan) for name in observables}
    for place, part in enumerate(PARTS):
        if part not in about.parts:
            continue
        for name, ends in observables.items():
            start, end = (parts or {}).get(part, {}).get(name, ends)
            share = rise(times, epochs, paces[name])[:, None]
            course = np.broadcast_to(start, len(BLOCK)) * (1 - share) + np.broadcast_to(end, len(BLOCK)) * share
            found[name][0, :, :, place] = course * noise
    bits = np.where(known[:, None, None], found["complexity"] * UNITS, np.nan)
    alone = np.where(np.isnan(bits), np.nan, ALONE * UNITS)
    common = (alone - bits) / alone
    if shared is not None:
        common = np.where(np.isnan(bits), np.nan, (shared(times) * noise[..., 0])[None, :, :, None, None])
        common = common * np.ones(len(BLOCK))
    dims = ("network", "seed", "epoch", "part", "layer")
    scalar = ("network", "seed", "epoch")
    errors = {}
    for name, value in (("test_error", test_error), ("train_error", train_error)):
        end = np.broadcast_to(value, seeds)[:, None]
        errors[name] = (scalar, (0.9 + (end - 0.9) * rise(times, epochs, 3.0))[None])
    return xr.Dataset(
        {
            "effective_dimension": (dims, found["effective_dimension"]),
            "linearity": (dims, found["linearity"]),
            "complexity": (dims, bits),
            "independent_bits": (dims, alone),
            "total_correlation": (dims, alone - bits),
            "normalized_total_correlation": (dims, common),
            **errors,
            "units": (("network", "layer"), UNITS[None]),
            "block": (("network", "layer"), BLOCK[None]),
        },
        coords={
            "network": [about.name],
            "seed": np.arange(seeds),
            "epoch": times.astype(int),
            "part": list(PARTS),
            "layer": np.arange(len(BLOCK)),
            "task": ("network", [task]),
            "depth": ("network", [depth]),
            "rate": ("network", [rate]),
            "learned": ("network", [learned]),
        },
        attrs={"preset": "paper", "device": "made", "wall_time_s": 60.0, "created": "2000-01-01T00:00:00"},
    )


def record(*networks):
    """Join networks as the experiment does."""
    return join_pieces(networks)


def tasks(depth=56, **changed):
    """Return networks of all of the text's tasks, the more difficult the higher in the plane, torn ones above whole."""
    found = []
    for place, name in enumerate(("CMNIST", "CKMNIST", "CFashionMNIST", "CIFAR-10", "CIFAR-100")):
        for torn in (0, 1):
            step = place + 0.5 * torn
            options = {
                "dimension": (5 - 0.1 * step, 10 + 4 * step),
                "complexity": (0.3 - 0.01 * step, 0.4 + 0.06 * step),
                "test_error": 0.01 + 0.05 * step,
                "seeds": 3,
            }
            found.append(network(name + "_T8" * torn, depth=depth, **(options | changed)))
    return found
