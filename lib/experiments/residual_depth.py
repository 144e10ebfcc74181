"""Complexity and effective dimension by depth in trained residual networks (chapter 5; J, figures 2, 3 and 5).

The text reads ResNet-56 on eleven tasks. Here are the four depths whose trained weights were published for CIFAR-10, so
that depth itself can vary, beside three controls: the network before training, the trained network on images whose
pixels were shuffled, and the ReLU inside each residual cell instead of the one after its summation. Live, a smaller
network learns scikit-learn's digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from lib.data.images import ImageSet
from lib.experiments._joining import joined
from lib.experiments._progress import Progress
from lib.experiments._residual import (
    DIGITS,
    FEW_DIGITS,
    PUBLISHED,
    Source,
    batches,
    blocks_of,
    shuffled_pixels,
    topmost,
)
from lib.measures.dimension import dimension_of_spectrum
from lib.models.resnet import ResNet, untrained
from lib.probing import probe

VERSION = 1
STORED_BY_PIECE = True

_INSIDE = 2_000  # images for the share of units that are on inside the cells: more would not change it

STATES = ("trained", "untrained", "shuffled pixels")
"""Conditions, in the order of the dimension ``state``."""


@dataclass(frozen=True)
class Config:
    """Size and setting of a run."""

    source: Source = DIGITS  # data set, and how networks come to know it
    depths: tuple[int, ...] = (20,)  # layers with weights
    images: int | None = None  # test images that are read; all where None
    patches: int = 16  # pixels of each image that are read, in every layer alike
    method: str = "autoregressive"  # of the entropy
    channels: int = 16  # that layers are compared at, drawn from each
    draws: int = 200  # of those channels
    seeds: tuple[int, ...] = (0, 1, 2)  # of initial weights, order of training, pixels, folds


PRESETS = {
    "smoke": Config(FEW_DIGITS, images=60, patches=4, method="miller-madow", draws=5, seeds=(0, 1)),
    "book": Config(images=180, patches=8),
    "paper": Config(PUBLISHED, depths=(20, 32, 44, 56), patches=16, draws=1_000, seeds=(0,)),
}


def pieces(config: Config) -> list[Config]:
    """Return one config a depth."""
    return [replace(config, depths=(depth,)) for depth in config.depths]


def join_pieces(results: list[xr.Dataset]) -> xr.Dataset:
    """Put depths together; what a shallower network has not is NaN."""
    return joined(sorted(results, key=lambda result: int(result["depth"][0])), "depth", combine_attrs="override")


def run(config: Config, *, device: torch.device, progress: Progress) -> xr.Dataset:
    """Read every layer of every network in each state.

    Returns
    -------
    Dataset
        Dimensions ``depth``, ``state``, ``seed`` and ``layer`` (0 is the first convolution, then one a residual cell):
        complexity with its standard error and per unit, independent bits, normalised total correlation, linearity and
        that inside the cell, effective dimension and that of some channels; ``accuracy`` on the images that are read;
        ``relative_depth``, ``block`` and ``units`` of each layer.

    Raises
    ------
    ValueError, FileNotFoundError
        If a depth, the data set or the published weights do not exist, or more images are asked for than there are.
    """
    images = config.source.images(device)
    count = config.images or images.n_test
    if count > images.n_test:
        raise ValueError(f"{images.name} has {images.n_test:,} test images, not {count:,}: ask for fewer.")
    whole = len(config.depths) * len(config.seeds)
    networks = []
    for number, depth in enumerate(config.depths):
        of_seed = []
        for place, seed in enumerate(config.seeds):
            done = number * len(config.seeds) + place

            def report(share: float, doing: str, done: int = done, depth: int = depth, seed: int = seed) -> None:
                progress((done + share) / whole, f"ResNet-{depth}, seed {seed}, {doing}")

            of_seed.append(_run_seed(config, depth, seed, images, count, report))
        networks.append(xr.concat(of_seed, "seed"))
    progress(1.0, "done")
    result = xr.concat(networks, "depth").assign_coords(
        depth=list(config.depths), seed=list(config.seeds), state=list(STATES)
    )
    result["depth"].attrs.update(long_name="layers with weights", units="1")
    return result.assign_attrs(patches_an_image=config.patches, images=count)


def _run_seed(
    config: Config, depth: int, seed: int, images: ImageSet, count: int, report: Callable[[float, str], None]
) -> xr.Dataset:
    x, y = images.x_test[:count], images.y_test[:count]
    initial = untrained(depth, seed, len(images.classes)).to(images.device)
    begun = 0.5 if config.source.epochs else 0.0
    trained = config.source.network(depth, seed, images, lambda share: report(begun * share, "training"))
    parts = []
    for number, (state, model, inputs) in enumerate(
        zip(STATES, (trained, initial, trained), (x, x, shuffled_pixels(x, seed)), strict=True)
    ):
        report(begun + (1 - begun) * number / len(STATES), state)
        parts.append(_read(config, model, inputs, y, seed))
    return xr.concat(parts, "state")


def _read(config: Config, model: ResNet, images: Tensor, labels: Tensor, seed: int) -> xr.Dataset:
    model = model.to(memory_format=torch.channels_last)
    answers: list[Tensor] = []
    handle = model.linear.register_forward_hook(lambda module, inputs, scores: answers.append(scores.argmax(1)))
    observables = ("complexity", "linearity", "effective_dimension", "covariance")
    try:
        found = probe(
            model, batches(images), None, observables, patches=config.patches, method=config.method, seed=seed
        )
    finally:
        handle.remove()
    right = torch.cat(answers)[-len(labels) :] == labels  # probe looks at one image before it begins
    inside = [f"{name}1" for name in topmost(model)[1:]]
    branch = probe(model, batches(images[:_INSIDE]), inside, ("linearity",), patches=config.patches, seed=seed)
    units = found["units"].values
    sampled = [
        _sampled_dimension(covariance[:count, :count], config.channels, config.draws, seed)
        for covariance, count in zip(found["covariance"].values, units, strict=True)
    ]
    return (
        found.drop_vars(("covariance", "additive_complexity"))
        .assign_coords(layer=("layer", np.arange(len(units)), {"long_name": "layer", "units": "1"}))
        .assign(
            accuracy=((), float(right.double().mean()), _attrs("share of images classified rightly")),
            branch_linearity=(
                "layer",
                np.concatenate([[np.nan], branch["linearity"].values]),
                _attrs("share of patterns in which a unit inside the cell is linear, mean"),
            ),
            sampled_dimension=(
                "layer",
                sampled,
                _attrs(f"effective dimension of {config.channels} channels, mean over draws"),
            ),
            block=("layer", blocks_of(model), _attrs("block of the network, from 1 on")),
            relative_depth=(
                "layer",
                np.arange(len(units)) / (len(units) - 1),
                _attrs("place of the layer, 0 the first and 1 the last"),
            ),
        )
    )


def _attrs(long_name: str) -> dict[str, str]:
    return {"long_name": long_name, "units": "1"}


def _sampled_dimension(covariance: np.ndarray, channels: int, draws: int, seed: int) -> float:
    """Effective dimension of some channels drawn from a layer, mean over draws."""
    rng = np.random.default_rng(seed)
    units = len(covariance)
    chosen = rng.random((draws if units > channels else 1, units)).argsort(1)[:, : min(channels, units)]
    values = np.linalg.eigvalsh(covariance[chosen[:, :, None], chosen[:, None, :]]).clip(0)
    return float(dimension_of_spectrum(values).mean())
