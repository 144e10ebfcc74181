"""Made records of ``weight_evolution`` for tests of its judges: nothing changes but what is told to."""

import math

import numpy as np
import xarray as xr

from lib.claims import judges
from lib.experiments.weight_statistics import BINS, FINE, RULES
from lib.measures.complexity import complexity_entropy

SEEDS, SNAPSHOTS, LAYERS = 5, 11, ("1", "2", "output")
PIXELS, HIDDEN, CLASSES = 64, 256, 20
SIZES = {"1": PIXELS * HIDDEN, "2": HIDDEN * HIDDEN, "output": HIDDEN * CLASSES}
FANS_IN = {"1": PIXELS, "2": HIDDEN, "output": HIDDEN}
ALL = ("MNIST", "Fashion-MNIST", "MNIST, random labels", "Fashion-MNIST, random labels")
TRUE_LABELS = ("MNIST", "Fashion-MNIST")
TIME = np.linspace(0, 1, SNAPSHOTS)


def made(networks=ALL, seeds=SEEDS, **changes):
    """Return a record in which nothing changes, but for `changes`.

    A change is a function of a network's name that returns what is to be broadcast to the variable's own shape:
    ``h`` and ``c`` (seed, snapshot, layer), the normalised entropy and complexity under every rule and number of bins;
    ``counts`` (seed, snapshot, layer, bin); ``bands`` (seed, snapshot, quantity, pixels, order); ``test_error``,
    (seed, snapshot); ``occupied`` and the moments (seed, snapshot, layer).
    """
    lead = (seeds, SNAPSHOTS)
    sizes = {
        "h": (*lead, 3),
        "c": (*lead, 3),
        "bands": (*lead, 2, 2, 2),
        "test_error": lead,
        "counts": (*lead, 3, len(FINE) - 1),
        "occupied": (*lead, 3),
        **dict.fromkeys(("low", "high", "mean", "sd", "kurtosis"), (*lead, 3)),
    }
    default = {"h": 0.995, "c": 0.005, "bands": 0.01, "test_error": 0.1, "counts": uniform_counts(seeds)}
    default |= {"occupied": 200, "low": -0.1, "high": 0.1, "mean": 0.0, "sd": 0.05, "kurtosis": 0.0}
    found = {
        name: np.stack([np.broadcast_to(changes.get(name, lambda _: default[name])(n), shape) for n in networks])  # noqa: B023
        for name, shape in sizes.items()
    }
    cells = np.array([[bins + 2 * (rule != "own") for bins in BINS] for rule in RULES])
    largest = np.array([[float(complexity_entropy(np.eye(1, n)[0]).disequilibrium) for n in row] for row in cells])
    h, c = (found.pop(name)[..., None, None, :] for name in ("h", "c"))
    over = ("network", "seed", "snapshot")
    record = xr.Dataset(
        {
            "entropy": ((*over, "rule", "bins", "part"), h * np.log2(cells)[..., None]),
            "disequilibrium": ((*over, "rule", "bins", "part"), c / h * largest[..., None]),
            "occupied": (
                (*over, "rule", "bins", "layer"),
                np.broadcast_to(found.pop("occupied")[..., None, None, :], (len(networks), *lead, 4, 3, 3)).copy(),
            ),
            "bands": ((*over, "quantity", "pixels", "order"), found.pop("bands")),
            "test_error": (over, found.pop("test_error")),
            "counts": ((*over, "layer", "bin"), found.pop("counts")),
            "live": ("pixel", np.ones(PIXELS, bool)),
            "edge": ("boundary", FINE),
            **{name: ((*over, "part"), values) for name, values in found.items()},
        },
        coords={
            "network": list(networks),
            "seed": np.arange(seeds),
            "rule": list(RULES),
            "bins": list(BINS),
            "part": list(LAYERS),
            "layer": list(LAYERS),
            "quantity": ["weight", "displacement"],
            "pixels": ["all", "live"],
            "order": ["true", "permuted"],
        },
    )
    return record.copy(deep=True)


def uniform_counts(seeds, law=None):
    """Counts of initial weights, shape (seed, 1, layer, bin)."""
    law = law or (lambda generator, bound, size: generator.uniform(-bound, bound, size))
    generator = np.random.default_rng(1)
    rows = [
        [np.histogram(law(generator, 1 / math.sqrt(FANS_IN[layer]), SIZES[layer]), FINE)[0] for layer in LAYERS]
        for _ in range(seeds)
    ]
    return np.array(rows)[:, None]


def judged(claim, record):
    return judges()[claim].function(record)


def per_seed(curve, spread=1e-3):
    """The same curve in every seed, but for a shift: shape (seed, snapshot, 1)."""
    return np.asarray(curve)[None, :, None] + spread * np.linspace(-1, 1, SEEDS)[:, None, None]


def learns(network):
    return "random labels" not in network
