"""Made records of ``deep_mlp`` for tests of its judges: layers are alike but for what is told."""

import numpy as np
import xarray as xr

from lib.claims import judges
from lib.experiments.networks import join_networks

EPOCHS, MOMENTS = 20, (0, 1, 3, 10, 20)
FLAT, FALLING = np.ones(15), np.array([*4 * [1.0], *11 * [0.1]])


def over_time(start, end, count=EPOCHS + 1):
    """Go from one array to another, first axis epoch."""
    start, end = (np.asarray(each, dtype=float) for each in (start, end))
    share = np.linspace(0, 1, count).reshape(-1, *[1] * start.ndim)
    return (1 - share) * start + share * end


def made(
    name="MNIST",
    depth=16,
    seeds=(0, 1, 2),
    *,
    steps=None,
    divergence=None,
    curves=None,
    error=None,
    gradients=None,
    inputs=None,
    labels=None,
    permuted=None,
):
    """Return a record of one network whose layers are alike and do not change, but for what is given.

    In bits, of the hidden layers: steps and divergence (epoch, pair); curves, H and C (epoch, layer) each; inputs,
    labels and permuted (moment, layer), the same by every estimator. Also error (epoch,) and gradients (layer,).
    """
    rng = np.random.default_rng(sum(map(ord, name)))
    hidden = [str(layer) for layer in range(1, depth + 1)]
    epochs, pairs = EPOCHS + 1, [f"{layer}-{layer + 1}" for layer in range(1, depth)]
    steps = np.full((epochs, depth - 1), 0.01) if steps is None else steps
    entropy, complexity = curves or (
        7 - np.concatenate([np.zeros((epochs, 1)), np.cumsum(steps, axis=1)], axis=1),
        np.full((epochs, depth), 2.0),
    )

    def array(values, *dims, more=0, size=1e-4, **axes):
        """Repeat over seeds with a little noise, over `axes` without; add `more` layers or parts of ones at the end."""
        values = np.concatenate([values, np.ones((*np.shape(values)[:-1], more))], axis=-1)
        values = values + size * rng.standard_normal((len(seeds), *values.shape))
        return xr.DataArray(values, dims=("seed", *dims)).expand_dims(axes)

    def information(values, default, **axes):
        values = np.full((len(MOMENTS), depth), default) if values is None else values
        return array(values, "moment", "layer", more=1, size=1e-5, **axes)

    of_labels = xr.concat([information(labels, 2.0), information(permuted, 0.2)], "labels")
    error = array(np.linspace(0.9, 0.1, epochs) if error is None else error, "epoch")
    gradients = np.broadcast_to(np.ones(depth) if gradients is None else gradients, (epochs, depth))
    rules, edges = {"rule": ["own", "fixed"], "bins": [256]}, {"edges": ["common", "fixed"]}
    kinds = {"kind": ["forwards", "backwards", "jensen-shannon"]}
    halves = {"measure": ["kl", "jensen-shannon", "entropy difference"]}
    moments = {"low": -0.5, "high": 0.5, "mean": 0.0, "sd": 0.1}
    bins, noises = {"unit_bins": [4]}, {"noise": [1.0], "bound": ["low", "high"]}
    return xr.Dataset(
        {
            **dict.fromkeys(("test_error", "train_error", "train_off_error"), error),
            **{each: array(np.full((epochs, depth + 3), v), "epoch", "part", size=0) for each, v in moments.items()},
            "gradient_norm": array(gradients, "epoch", "layer", more=1, size=0),
            "entropy": array(entropy, "epoch", "part", more=3, **rules),
            "disequilibrium": array(complexity / entropy, "epoch", "part", more=3, size=1e-6, **rules),
            "divergence": array(steps if divergence is None else divergence, "epoch", "pair", **edges, **kinds),
            "halves": array(np.full((epochs, depth), 1e-3), "epoch", "half", **edges, **halves),
            "binned_input": information(inputs, 8.0, **bins),
            "kernel_input": information(inputs, 8.0, **noises),
            "binned_labels": of_labels.expand_dims(bins),
            "kernel_labels": of_labels.expand_dims(noises),
            "neighbour_labels": of_labels,
            "probe_labels": of_labels,
            "probe_accuracy": of_labels / 4,
            "ceiling": 11.0,
        },
        coords={
            "seed": list(seeds),
            "epoch": np.arange(epochs),
            "moment": list(MOMENTS),
            "layer": [*hidden, "output"],
            "part": [*hidden, "output", "hidden", "all"],
            "pair": pairs,
            "half": hidden,
            "labels": ["true", "permuted"],
        },
    ).expand_dims(network=[name])


def judged(claim, *networks):
    return judges()[claim].function(join_networks(networks) if len(networks) > 1 else networks[0])


def dips(layers, depth=16):
    """H falls; C rises everywhere, and in the given layers (from 1) turns back in the middle."""
    epochs = np.linspace(0, 1, EPOCHS + 1)[:, None]
    complexity = np.repeat(1 + epochs, depth, axis=1)
    complexity[:, [layer - 1 for layer in layers]] = 2 - 4 * (epochs - 0.5) ** 2
    return np.repeat(6 - epochs, depth, axis=1), complexity
