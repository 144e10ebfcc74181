"""A small convolutional network at low rates, read pixel by pixel (chapter 7; J, figure D.15).

The text's Conv(4-8-8)-FC(64-32) on MNIST: the effective dimension of each pixel of each convolution, *one-pixel slices
through all channels*, over images. The text shows two pixels of two layers; here all are read, those in the border of
the picture too. Optimiser and batch are not given: Adam and 128. An ordinary rate is the control. All seeds learn side
by side; readings are dense in the beginning, so that an ordinary rate is resolved too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from lib import data
from lib.experiments._joining import joined
from lib.experiments._progress import Progress, portion
from lib.experiments._reading import loss_and_error, reading_steps
from lib.experiments._rounding import to_four_digits
from lib.experiments.narrow_networks import plain_rate
from lib.experiments.networks import network_pieces
from lib.measures.dimension import effective_dimensions
from lib.models.small_cnn import PLACES, SIDE, SmallCNNs, arranged
from lib.training import Recipe, fit

VERSION = 1

STORED_BY_PIECE = True
"""Each network's record stands alone, so that a list of runs can be stored as it grows."""


@dataclass(frozen=True)
class Network:
    """How the network learns."""

    rate: float = 1e-4  # of Adam
    epochs: float = 15.0
    seeds: tuple[int, ...] | None = None  # those of the whole run where None

    @property
    def name(self) -> str:
        """What it is called in the results."""
        return f"small CNN, rate {plain_rate(self.rate)}"


@dataclass(frozen=True)
class Config:
    """Size and setting of a run."""

    networks: tuple[Network, ...] = (Network(),)  # in the order in which they are run
    dataset: str = "mnist"
    batch: int = 128  # images per step
    images: int = 2_000  # test images on which pixels, loss and error are read
    readings: int = 60  # after that before training
    seeds: tuple[int, ...] = tuple(range(10))  # of initial weights, order of samples


PRESETS = {
    "smoke": Config((Network(1e-3, 1.0),), dataset="digits", batch=32, images=60, readings=16, seeds=(0, 1, 2)),
    "book": Config((Network(1e-3, 12.0),), dataset="digits", batch=32, images=360, readings=40, seeds=(0, 1, 2, 3, 4)),
    "paper": Config((Network(), Network(1e-3, 3.0), Network(3e-5, 10.0))),
}


def pieces(config: Config) -> list[Config]:
    """Return one config a network, in the order in which they are run."""
    return network_pieces(config)


def join_pieces(results: Sequence[xr.Dataset]) -> xr.Dataset:
    """Put networks together."""
    return joined(results, "network", data_vars="minimal", coords="minimal", compat="equals")


def run(config: Config, *, device: torch.device, progress: Progress) -> xr.Dataset:
    """Let the network learn at every rate, and read its pixels along the way.

    Returns
    -------
    Dataset
        Dimensions ``network``, ``seed``, ``reading`` and ``pixel``: effective dimension of each pixel's channels over
        images. Test loss and error. ``convolution`` (0 is nearest to the input, as the text counts), ``row`` and
        ``column`` of each pixel; ``step`` and ``epoch`` of each reading; ``rate`` of each network.

    Raises
    ------
    ValueError, FileNotFoundError
        If the data set does not exist, or more images or readings are asked for than there are.
    """
    parts = pieces(config)
    found = [_run_network(part, device, portion(progress, number, len(parts))) for number, part in enumerate(parts)]
    progress(1.0, "done")
    return found[0] if len(found) == 1 else join_pieces(found)


def _run_network(config: Config, device: torch.device, progress: Progress) -> xr.Dataset:
    (network,) = config.networks
    images = data.load(config.dataset, size=SIDE, device=device)
    if config.images > images.n_test:
        raise ValueError(f"{images.name} has {images.n_test:,} test images, not {config.images:,}: ask for fewer.")
    nets = SmallCNNs(len(images.classes), config.seeds, device)
    recipe = Recipe(rate=network.rate, batch=config.batch)
    inputs = arranged(images.vectors("train"))
    test, y = arranged(images.vectors("test")[: config.images]), images.y_test[: config.images]
    per_epoch = recipe.steps(images.n_train)
    steps = reading_steps(round(network.epochs * per_epoch), config.readings)
    found = []
    for number, moment in enumerate(fit(nets, inputs, images.y_train, recipe, steps)):
        found.append(_read(nets, test, y))
        progress(number / config.readings, f"{network.name}: step {moment.step:,} of {steps[-1]:,}")
    return to_four_digits(_labelled(xr.concat(found, "reading"), network, config.seeds, np.array(steps), per_epoch))


@torch.no_grad()
def _read(nets: SmallCNNs, x: Tensor, y: Tensor) -> xr.Dataset:
    """Return the effective dimension of each pixel on test images, and loss and error there."""
    maps = nets.feature_maps(x)
    loss, error = loss_and_error(nets.scores(maps[-1]), y)
    dimensions = [effective_dimensions(each.transpose(1, 2)) for each in maps]
    return xr.Dataset(
        {
            "effective_dimension": (("seed", "pixel"), np.concatenate(dimensions, axis=1)),
            "test_loss": ("seed", loss),
            "test_error": ("seed", error),
        }
    )


def _labelled(
    result: xr.Dataset, network: Network, seeds: Sequence[int], steps: np.ndarray, per_epoch: int
) -> xr.Dataset:
    """Add coordinates, units and long names, and keep 32 bits."""
    places = [(number, *place) for number, places in enumerate(PLACES) for place in places.tolist()]
    columns = zip(("convolution", "row", "column"), np.array(places).T, strict=True)
    result = result.astype(np.float32).assign_coords(seed=list(seeds)).expand_dims(network=[network.name])
    result = result.assign_coords({name: ("pixel", values) for name, values in columns})
    result = result.assign(
        step=(("network", "reading"), steps[None].astype(np.float64)), rate=("network", [network.rate])
    )
    result["epoch"] = result["step"] / per_epoch
    for name, (long_name, units) in _ATTRS.items():
        result[name].attrs.update(long_name=long_name, units=units)
    return result.transpose("network", "seed", "reading", "pixel", missing_dims="ignore")


_ATTRS = {
    "effective_dimension": ("effective dimension of a pixel's channels over images", "1"),
    "test_loss": ("cross-entropy on test images", "nats"),
    "test_error": ("share of mistakes on test images", "1"),
    "step": ("steps of training", "1"),
    "epoch": ("epochs of training", "1"),
    "rate": ("learning rate", "1"),
    "seed": ("seed", "1"),
    "convolution": ("convolution, numbered from the input, the first being 0", "1"),
    "row": ("row of the pixel in its layer's output", "1"),
    "column": ("column of the pixel in its layer's output", "1"),
}
