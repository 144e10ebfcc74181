"""Residual networks in their first steps: is there a quench? (chapter 7; J, section 7).

The text finds no dip and recovery of effective dimension in ResNet-56, and one in small networks at very low rates. So
ResNet-56 is read here as the highway networks are, in steps: as appendix C trains it, and with Adam at an ordinary rate
and at the highest of the low ones. Images are moved and mirrored while learning, as there.

What batch normalisation keeps for later use lags behind the weights by tens of steps, which is as long as a quench at
an ordinary rate. So means and variances are taken anew, of train images, before every reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.optim.swa_utils import update_bn

from lib import data
from lib.data.crops import crops
from lib.data.images import ImageSet
from lib.data.order import Stream, generator_of
from lib.device import fast_precision
from lib.experiments._joining import joined_along_seeds
from lib.experiments._progress import Progress, portion
from lib.experiments._reading import loss_and_error, reading_steps
from lib.experiments._residual import batches, blocks_of, inputs, scores_of, topmost
from lib.experiments._rounding import to_four_digits
from lib.experiments.narrow_networks import plain_rate
from lib.experiments.networks import network_pieces
from lib.models.resnet import ResNet, untrained
from lib.probing import probe
from lib.training import Recipe, steps_of_module

VERSION = 1

STORED_BY_PIECE = True
"""Each network's record stands alone, so that a list of runs can be stored as it grows."""


_OPTIMIZERS = {"adam": "Adam", "sgd": "SGD"}


@dataclass(frozen=True)
class Network:
    """One network and how it learns."""

    depth: int = 56  # layers with weights
    optimizer: str = "adam"  # or sgd, then with the text's momentum and weight decay
    rate: float = 1e-4
    steps: int = 600
    seeds: tuple[int, ...] | None = None  # those of the whole run where None

    @property
    def name(self) -> str:
        """What it is called in the results."""
        rate = plain_rate(self.rate) if self.rate < 0.01 else f"{self.rate:g}"
        return f"ResNet-{self.depth}, {_OPTIMIZERS[self.optimizer]}, rate {rate}"

    def recipe(self, batch: int) -> Recipe:
        """How it learns, in batches of that size."""
        plain = Recipe(self.optimizer, self.rate, batch=batch)
        return replace(plain, momentum=0.9, weight_decay=1e-4) if self.optimizer == "sgd" else plain


@dataclass(frozen=True)
class Config:
    """Size and setting of a run."""

    networks: tuple[Network, ...] = (Network(),)  # in the order in which they are run
    dataset: str = "cifar10"
    size: int | None = None  # pixels of a side that images are brought to; their own size where None
    mirror: bool = True  # whether half of the images are mirrored while learning
    batch: int = 128  # images per step
    images: int = 2_000  # test images on which layers, loss and error are read; as many train images for the norms
    patches: int = 8  # pixels of each image that are read, in every layer alike
    readings: int = 40  # after that before training
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)  # of initial weights, order, crops; pixels read
    seeds_together: int = 1  # networks in one record


_TEXT, _ORDINARY = Network(optimizer="sgd", rate=0.1, steps=391), Network(rate=1e-3, steps=391)

PRESETS = {
    "smoke": Config(
        networks=(Network(8, rate=1e-3, steps=8), Network(8, "sgd", 0.1, steps=6, seeds=(1,))),
        dataset="digits",
        size=16,
        mirror=False,
        batch=32,
        images=60,
        patches=4,
        readings=5,
        seeds=(0, 1),
    ),
    "book": Config(
        networks=(Network(8, rate=1e-4, steps=300), Network(8, "sgd", 0.1, steps=120)),
        dataset="digits",
        size=16,
        mirror=False,
        batch=32,
        images=300,
        readings=30,
        seeds=(0, 1, 2),
    ),
    "reduced": Config(networks=(Network(), _TEXT), images=1_000, readings=30, seeds=(0,)),
    "paper": Config(
        networks=(Network(), _TEXT, _ORDINARY, Network(rate=3e-5, steps=2_000), Network(rate=1e-6, steps=50_000))
    ),
}


def pieces(config: Config) -> list[Config]:
    """Return one config a network, in the order in which they are to be run."""
    return network_pieces(config)


def join_pieces(results: Sequence[xr.Dataset]) -> xr.Dataset:
    """Put networks and seeds together; what a network has not, such as a layer, is NaN."""
    return joined_along_seeds(results, "network")


def run(config: Config, *, device: torch.device, progress: Progress) -> xr.Dataset:
    """Let every network take its first steps, and read its layers along the way.

    Returns
    -------
    Dataset
        Dimensions ``network``, ``seed``, ``reading`` and ``layer`` (0 is the first convolution, then one a residual
        cell): effective dimension and linearity of each layer. Test loss and error. ``step`` and ``epoch`` of each
        reading; ``depth`` and ``rate`` of each network; ``block`` of each layer.

    Raises
    ------
    ValueError, FileNotFoundError
        If a depth or the data set does not exist, or more images or readings are asked for than there are.
    """
    parts = [(piece, seed) for piece in pieces(config) for seed in piece.seeds]
    images = data.load(config.dataset, size=config.size, device=device)
    if config.images > images.n_test:
        raise ValueError(f"{images.name} has {images.n_test:,} test images, not {config.images:,}: ask for fewer.")
    found = [
        _run_network(config, piece.networks[0], seed, images, portion(progress, number, len(parts)))
        for number, (piece, seed) in enumerate(parts)
    ]
    progress(1.0, "done")
    return join_pieces(found)


def _run_network(config: Config, network: Network, seed: int, images: ImageSet, progress: Progress) -> xr.Dataset:
    model = untrained(network.depth, seed, len(images.classes)).to(images.device).to(memory_format=torch.channels_last)
    recipe, precision = network.recipe(config.batch), fast_precision(images.device)

    def prepare(samples: Tensor, step: int) -> Tensor:
        return inputs(crops(samples, generator_of(seed, Stream.CROPS, step), mirror=config.mirror))

    steps = reading_steps(network.steps, config.readings)
    found = []
    for step in steps_of_module(
        model, images.x_train, images.y_train, recipe, steps, seed, prepare=prepare, precision=precision
    ):
        found.append(_read(config, model, images, seed, precision))
        progress(len(found) / len(steps), f"{network.name}: step {step:,} of {steps[-1]:,}")
    return to_four_digits(_labelled(xr.concat(found, "reading"), network, seed, steps, recipe.steps(images.n_train)))


def _read(config: Config, model: ResNet, images: ImageSet, seed: int, precision: torch.dtype) -> xr.Dataset:
    """Return what each layer does to test images, and loss and error there."""
    update_bn(batches(images.x_train[: config.images]), model)
    x, y = images.x_test[: config.images], images.y_test[: config.images]
    observables = ("effective_dimension", "linearity")
    layers = probe(model, batches(x), topmost(model), observables, patches=config.patches, seed=seed)
    (loss,), (error,) = loss_and_error(scores_of(model, x, precision)[None], y)
    return layers[list(observables)].drop_vars("layer").assign(test_loss=loss, test_error=error)


def _labelled(result: xr.Dataset, network: Network, seed: int, steps: list[int], per_epoch: int) -> xr.Dataset:
    """Add coordinates, units and long names, and keep 32 bits."""
    result = result.astype(np.float32).expand_dims(network=[network.name], seed=[seed])
    result = result.assign_coords(layer=np.arange(result.sizes["layer"]), optimizer=("network", [network.optimizer]))
    result = result.assign(
        step=(("network", "reading"), [np.array(steps, dtype=np.float64)]),
        depth=("network", [float(network.depth)]),
        rate=("network", [network.rate]),
        block=("layer", blocks_of(ResNet(network.depth))),
    )
    result["epoch"] = result["step"] / per_epoch
    for name, (long_name, units) in _ATTRS.items():
        result[name].attrs = {"long_name": long_name, "units": units}
    result.attrs = {}
    return result


_ATTRS = {
    "effective_dimension": ("effective dimension of a layer", "1"),
    "linearity": ("share of patterns in which a unit is on, mean", "1"),
    "test_loss": ("cross-entropy on test images", "nats"),
    "test_error": ("share of mistakes on test images", "1"),
    "step": ("steps of training", "1"),
    "epoch": ("epochs of training", "1"),
    "depth": ("layers with weights", "1"),
    "rate": ("learning rate", "1"),
    "block": ("block of the network, from 1 on", "1"),
    "layer": ("layer", "1"),
}
