"""The post on the evolution of weights: a 784-512-512-10 network on digits and on clothes (chapter 2).

The post keeps the weights of three layers at ten moments of ten epochs of 6,000 steps, and follows their histograms,
entropy and complexity. Here a hundred moments are kept, over several seeds, beside what the post has not: random
labels, another optimizer, other batches, and the pixels that are always black and whose weights cannot learn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from lib import data
from lib.experiments._progress import Progress
from lib.experiments.networks import for_seeds, join_networks, network_pieces, run_networks
from lib.experiments.weight_statistics import FINE, layer_names, occupied_bins, weight_statistics
from lib.models.mlp import Architecture, MLPs
from lib.training import Recipe, fit

VERSION = 1

STORED_BY_PIECE = True
"""Each network's record stands alone, so that a long list of runs can be stored as it grows."""

QUANTITIES = ("weight", "displacement")
"""What bands are looked for in: the first layer's weights, and how far each has moved, abs(w - w_0)."""

PIXELS = ("all", "live")
"""All pixels, or only those that are not 0 in every train image."""

ORDERS = ("true", "permuted")
"""The first layer as it is, or the weights of each unit in random order: what is between pixels then is chance."""


@dataclass(frozen=True)
class Network:
    """One network and how it learns; the defaults are our reading of the post."""

    name: str = "MNIST"  # under which it is found in the results
    dataset: str = "mnist"
    hidden: tuple[int, ...] = (512, 512)  # units of the hidden layers
    optimizer: str = "adam"
    rate: float = 0.001
    weight_decay: float = 0.0
    batch: int = 10  # 60,000 batches in 10 epochs of 60,000 images
    labels: str = "true"  # random: shuffled once, the same in all epochs
    seeds: tuple[int, ...] | None = None  # those of the whole run where None


@dataclass(frozen=True)
class Config:
    """Size and setting of a run."""

    networks: tuple[Network, ...] = (Network(),)  # in the order in which they are run
    epochs: int = 10
    samples: int | None = None  # of an epoch; all train images where None
    snapshots: int = 100  # equally spaced in steps, beside the one before training
    shown: int = 128  # units of the first seed whose weights are kept as an image, before and after
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)  # each draws initial weights, order of samples, random labels
    seeds_together: int = 5  # networks that learn side by side


MNIST, FASHION = Network(), Network(name="Fashion-MNIST", dataset="fashion-mnist")


def _vary(network: Network, name: str, seeds: tuple[int, ...] | None = None, **changes: object) -> Network:
    return replace(network, name=f"{network.name}, {name}", seeds=seeds, **changes)  # type: ignore[arg-type]


_DIGITS = Network(name="digits", dataset="digits", hidden=(128, 128))

PRESETS = {
    "smoke": Config(
        networks=(
            replace(_DIGITS, hidden=(16, 16)),
            _vary(replace(_DIGITS, hidden=(16, 16)), "random labels", labels="random"),
        ),
        epochs=1,
        samples=400,
        snapshots=10,
        shown=8,
        seeds=(0, 1),
        seeds_together=2,
    ),
    "book": Config(
        networks=(_DIGITS, _vary(_DIGITS, "random labels", labels="random")),
        epochs=20,
        snapshots=50,
        seeds=(0, 1, 2),
        seeds_together=3,
    ),
    "paper": Config(
        networks=(
            MNIST,
            FASHION,
            _vary(MNIST, "random labels", labels="random"),
            _vary(MNIST, "SGD 0.1", optimizer="sgd", rate=0.1),
            _vary(FASHION, "random labels", labels="random"),
            _vary(MNIST, "weight decay", weight_decay=1e-4),
            _vary(MNIST, "batch 100", batch=100),
            _vary(FASHION, "batch 100", batch=100),
            _vary(MNIST, "batch 1000", batch=1000),
        )
    ),
}


def pieces(config: Config) -> list[Config]:
    """Return one config a network, in the order in which they are to be run."""
    return network_pieces(config)


def join_pieces(results: list[xr.Dataset]) -> xr.Dataset:
    """Put networks and seeds together; what a network has not, such as a seed, is NaN."""
    return join_networks(results)


def run(config: Config, *, device: torch.device, progress: Progress) -> xr.Dataset:
    """Let every network of `config` learn, and return what became of its weights.

    Returns
    -------
    Dataset
        Dimensions ``network``, ``seed`` and, by variable, ``snapshot`` (0 is before training), ``layer``, ``part``,
        ``rule``, ``bins``, ``bin``, ``pixel``, ``unit``, ``end`` (before and after training), ``quantity``,
        ``pixels`` and ``order``.

    Raises
    ------
    ValueError
        If a network's labels are of an unknown kind, or more images are asked for than there are.
    """
    return run_networks(config, _run_network, device, progress)


def _run_network(config: Config, network: Network, device: torch.device, progress: Progress) -> xr.Dataset:
    images = data.load(network.dataset, device=device)
    labels = for_seeds(images.y_train, network.labels, config.seeds)
    nets = MLPs(
        Architecture((images.features, *network.hidden, len(images.classes)), batch_norm=False, initial="torch"),
        config.seeds,
        device,
    )
    recipe = Recipe(network.optimizer, network.rate, network.weight_decay, network.batch, config.samples)
    inputs, test = images.vectors("train"), images.vectors("test")
    steps = config.epochs * recipe.steps(images.n_train)
    stops = sorted({round(steps * number / config.snapshots) for number in range(config.snapshots + 1)})
    before = nets.weights[0].clone()
    live = (inputs > 0).any(0).cpu().numpy()
    moments = []
    for moment in fit(nets, inputs, labels, recipe, stops):
        scores = nets.outputs(test)
        wrong = (scores.argmax(-1) != images.y_test).double().mean(1)
        of_seeds = []
        for number, seed in enumerate(nets.seeds):
            generator = np.random.default_rng((seed, moment.step))
            matrices = [matrix[number] for matrix in nets.weights]
            found = weight_statistics(matrices, generator)
            found["occupied"] = occupied_bins(matrices)
            found["bands"] = _bands(matrices[0], before[number], live, generator)
            found["pixel_mean"] = ("pixel", matrices[0].mean(0).cpu().numpy(), _PIXEL_MEAN)
            found["pixel_moved"] = ("pixel", (matrices[0] - before[number]).abs().mean(0).cpu().numpy(), _PIXEL_MOVED)
            of_seeds.append(found)
        all_seeds = xr.concat(of_seeds, "seed", combine_attrs="override")
        for name, values, text in (
            ("train_loss", moment.loss, "cross-entropy since the last snapshot, on the batches learnt"),
            ("train_error", moment.error, "share of mistakes since the last snapshot, on the batches learnt"),
            ("test_error", wrong, "share of mistakes on test images"),
        ):
            all_seeds[name] = (
                "seed",
                values.cpu().numpy(),
                {"long_name": text, "units": "nats" if "loss" in name else "1"},
            )
        moments.append(all_seeds)
        progress(moment.step / steps, f"{network.name}: step {moment.step:,} of {steps:,}")
    result = xr.concat(moments, "snapshot", combine_attrs="override")
    result["first_layer"] = (
        ("end", "unit", "pixel"),
        torch.stack([before[0], nets.weights[0][0]])[:, : config.shown].cpu().numpy().astype(np.float16),
        {"long_name": "weights of the first layer, some units of the first seed", "units": "1"},
    )
    result["live"] = ("pixel", live, {"long_name": "whether a pixel is ever above 0 in a train image", "units": "1"})
    # pixels are kept before, after, and at every tenth snapshot: the rest is in the shares between them
    kept = sorted({*range(0, len(stops), max(1, len(stops) // 10)), len(stops) - 1})
    for name in ("pixel_mean", "pixel_moved"):
        result[name] = result[name].isel(snapshot=kept).rename(snapshot="kept")
    result = result.assign_coords(kept=kept, end=["before", "after"])
    return _labelled(result, network, nets, stops)


_PIXEL_MEAN = {"long_name": "mean weight of a pixel, over the units of the first layer", "units": "1"}
_PIXEL_MOVED = {"long_name": "mean distance of a pixel's weights from their start", "units": "1"}


def _bands(weights: Tensor, before: Tensor, live: np.ndarray, generator: np.random.Generator) -> xr.DataArray:
    """Return the share of variance that lies between pixels (columns), as it is and with units permuted."""
    columns = torch.from_numpy(live).to(weights.device)
    share = np.empty((len(QUANTITIES), len(PIXELS), len(ORDERS)))
    for q, values in enumerate((weights.double(), (weights - before).abs().double())):
        for p, chosen in enumerate((values, values[:, columns])):
            order = torch.from_numpy(generator.random(tuple(chosen.shape))).argsort(1).to(weights.device)
            for o, image in enumerate((chosen, chosen.gather(1, order))):
                total = image.var(correction=0)
                share[q, p, o] = float(image.mean(0).var(correction=0) / total) if total > 0 else np.nan
    return xr.DataArray(
        share,
        dims=("quantity", "pixels", "order"),
        coords={"quantity": list(QUANTITIES), "pixels": list(PIXELS), "order": list(ORDERS)},
        attrs={"long_name": "share of variance between pixels in the first layer", "units": "1"},
    )


def _labelled(result: xr.Dataset, network: Network, nets: MLPs, stops: list[int]) -> xr.Dataset:
    for name, variable in result.data_vars.items():
        if variable.dtype == np.float64 and name not in ("entropy", "disequilibrium"):
            result[name] = variable.astype(np.float32)
    result = result.assign_coords(
        seed=("seed", list(nets.seeds), {"long_name": "seed", "units": "1"}),
        step=("snapshot", stops, {"long_name": "steps made", "units": "1"}),
        layer=layer_names(nets.architecture.depth),
    ).expand_dims(network=[network.name])
    result["edge"] = ("boundary", FINE, {"long_name": "edges of the fine bins", "units": "1"})
    return result.transpose("network", "seed", "snapshot", ..., missing_dims="ignore")
