"""Made records of ``deep_mlp`` for tests of its judges: every curve is known."""

from functools import cache

import numpy as np
import xarray as xr

from lib.experiments.networks import MISSING
from lib.measures.histogram import asinh_edges, histogram

EPOCHS = np.arange(51)
LAYERS = [*map(str, range(1, 17)), "output"]
PARTS = [*LAYERS, "hidden", "all"]
RULES = ["own", "fixed", "robust", "spread"]
EDGES = asinh_edges()


def hump(at, back=0.02):
    """Rise to 2 at epoch `at`, and fall by `back` an epoch from there."""
    return np.where(at > EPOCHS, 2 - 2 * (1 - EPOCHS / max(at, 1)) ** 2, 2 - back * (EPOCHS - at))


def level(at):
    """Rise to 2 at epoch `at` and stay there."""
    return hump(at, back=0.0)


def network(name="MNIST", seeds=3, entropy=None, disequilibrium=None, samples=60, weights=None, **errors):
    """Return the record of one network.

    `entropy` and `disequilibrium` are curves, or functions of a part's name and a seed that give one; `errors` are
    curves, or functions of a seed; `weights` is a function of generator, layer and epoch.
    """
    rng = np.random.default_rng(len(name))

    def of(given, default):
        given = default if given is None else given
        return given if callable(given) else lambda *_: given

    shape = (seeds, len(EPOCHS), len(RULES), 2, len(PARTS))
    places = {}
    for key, given, default in (("entropy", entropy, hump(10)), ("disequilibrium", disequilibrium, 0.5 + 0 * EPOCHS)):
        curves = [[of(given, default)(part, seed) for part in PARTS] for seed in range(seeds)]
        values = np.moveaxis(np.array(curves, dtype=float), 1, -1)[:, :, None, None]
        places[key] = np.broadcast_to(values, shape) * (1 + 1e-4 * rng.standard_normal((seeds, 1, 1, 1, 1)))
    parted = ("seed", "epoch", "part")
    variables = {key: (("seed", "epoch", "rule", "bins", "part"), values) for key, values in places.items()}
    moments = {"sd": 0.05, "mean": 0.0, "low": -0.2, "high": 0.2, "kurtosis": 0.5}
    variables |= {key: (parted, np.full((seeds, 51, len(PARTS)), value)) for key, value in moments.items()}
    variables["gradient_norm"] = (("seed", "epoch", "layer"), np.ones((seeds, 51, len(LAYERS))))
    fall = 0.9 * np.exp(-EPOCHS / 3)
    defaults = {"train_error": np.where(EPOCHS > 0, fall, np.nan), "train_off_error": fall, "test_error": 0.02 + fall}
    for key, default in (defaults | errors).items():
        curve = of(errors.get(key), default)
        variables[key] = (("seed", "epoch"), np.array([curve(seed) for seed in range(seeds)], dtype=float))
    wrong = rng.random((seeds, 1, samples)) < variables["test_error"][1][..., None]
    variables["shift"] = (("seed", "epoch", "sample"), wrong.astype(np.uint8))
    counts = _counts(seeds, len(name)) if weights is None else _histograms(seeds, rng, weights)
    variables["counts"] = (("seed", "epoch", "layer", "bin"), counts)
    coords = {
        "seed": np.arange(seeds),
        "epoch": EPOCHS,
        "rule": RULES,
        "bins": [64, 256],
        "part": PARTS,
        "layer": LAYERS,
        "pair": [f"{i}-{i + 1}" for i in range(1, 16)],
    }
    found = xr.Dataset(variables, coords=coords).expand_dims(network=[name])
    found["edge"] = ("boundary", EDGES)
    return found


@cache
def _counts(seeds, seed):
    """Weights of a normal distribution, which most tests do not look at: made once."""
    return _histograms(seeds, np.random.default_rng(seed), lambda rng, layer, epoch: 0.05 * rng.standard_normal(2000))


def _histograms(seeds, rng, weights):
    counts = np.zeros((seeds, 51, len(LAYERS), 512), dtype=np.int32)
    for seed, epoch, layer in np.ndindex(seeds, 4, len(LAYERS)):
        moment = (0, 1, 10, 50)[epoch]
        counts[seed, moment, layer] = histogram(weights(rng, layer, moment), edges=EDGES).counts
    return counts


def record(*networks):
    """Join networks as the experiment does."""
    seeds = sorted({int(seed) for each in networks for seed in each["seed"].values})
    known = {name: each[name] for each in networks for name in each.data_vars}
    filled = []
    for each in networks:
        full = each.reindex(seed=seeds, fill_value=MISSING)
        for name in set(known) - set(full):
            full[name] = xr.full_like(known[name].isel(network=0, drop=True).reindex(seed=seeds), np.nan)
            full[name] = full[name].expand_dims(network=full["network"].values)
        filled.append(full)
    return xr.concat(filled, "network", data_vars="minimal", coords="minimal", compat="override")
