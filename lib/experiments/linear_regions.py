"""Entropy of a whole network's patterns beside its linear regions (chapter 7; J, section 8, figures 10 and 11).

Networks of three hidden layers of equal width learn to classify images, as in Hanin and Rolnick's figure that the text
sets beside its own. Along training two complexities are read, each over all hidden units: the entropy of the whole
network's pattern (joint, J's eq. 8) and the sum of its layers' (additive, eq. 9). Beside them, on the same networks,
the linear regions that lines and circles through images meet. Controls are random labels, and lines and circles
through images whose pixels were shuffled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from lib import data
from lib.experiments._joining import joined_along_seeds
from lib.experiments._progress import Progress, portion
from lib.experiments._residual import shuffled_pixels
from lib.experiments.fc3_widths import entropies, patterns
from lib.experiments.networks import for_seeds, network_pieces
from lib.measures.linear_regions import Regions, regions_on_circles, regions_on_lines
from lib.measures.patterns import pattern_entropy
from lib.models.mlp import Architecture, MLPs
from lib.training import Recipe, fit

VERSION = 1

STORED_BY_PIECE = True
"""Each network's record stands alone, so that a long list of runs can be stored as it grows."""

SHAPES = ("line", "circle")
"""Paths: between two images, and around the circle through three."""

SOURCES = ("images", "noise")
"""What paths go through: test images, or the same with their pixels shuffled, each in an order of its own."""


@dataclass(frozen=True)
class Network:
    """One network; random labels are the control."""

    width: int = 20  # units of each hidden layer
    labels: str = "true"  # or random: shuffled once, the same in all epochs
    seeds: tuple[int, ...] | None = None  # those of the whole run where None

    @property
    def name(self) -> str:
        """What it is called in the results."""
        return f"width {self.width}" + (", random labels" if self.labels == "random" else "")


@dataclass(frozen=True)
class Config:
    """Size and setting of a run."""

    networks: tuple[Network, ...] = (Network(20), Network(40), Network(20, "random"))
    dataset: str = "mnist"
    depth: int = 3  # hidden layers
    epochs: int = 16
    moments: tuple[int, ...] = (0, 1, 2, 4, 8, 12, 14, 16)  # epochs after which networks are read
    batch: int = 128  # images per step
    rate: float = 0.001  # of Adam
    initial: str = "he-normal"  # weights, one of lib.models.mlp.INITIALS
    images: int = 10_000  # test images on which patterns are read
    paths: int = 100  # lines, and circles, through images and through noise, the same at all moments
    method: str = "autoregressive"  # of the entropy
    hidden: int = 64  # units of its networks
    by_the_text: tuple[int, ...] = (0,)  # seeds whose last patterns, with true labels, the text's method estimates too
    seeds: tuple[int, ...] = tuple(range(10))  # of initial weights, order and random labels, and of the paths
    seeds_together: int = 5  # networks that learn side by side


PRESETS = {
    "smoke": Config(
        (Network(6), Network(8), Network(6, "random")),
        "digits",
        epochs=4,
        moments=(0, 2, 3, 4),
        batch=32,
        images=200,
        paths=3,
        method="miller-madow",
        by_the_text=(),
        seeds=(0, 1),
    ),
    "book": Config(
        (Network(10), Network(20), Network(20, "random")),
        "digits",
        epochs=16,
        moments=(0, 1, 4, 8, 12, 16),
        batch=32,
        rate=0.003,
        images=360,
        paths=10,
        hidden=16,
        by_the_text=(),
        seeds=(0, 1, 2),
    ),
    "paper": Config(),
}


def pieces(config: Config) -> list[Config]:
    """Return one config a network, in the order in which they are to be run."""
    return network_pieces(config)


def join_pieces(results: Sequence[xr.Dataset]) -> xr.Dataset:
    """Put seeds and networks together; seeds that a network has not are nan."""
    return joined_along_seeds(results, "network", data_vars="minimal")


def run(config: Config, *, device: torch.device, progress: Progress) -> xr.Dataset:
    """Let every network learn, and read its patterns and regions along the way.

    Returns
    -------
    Dataset
        Dimensions ``network``, ``seed``, ``epoch``: ``test_error``, ``learning_loss``; ``joint_per_unit``,
        ``additive_per_unit`` and ``independent_per_unit``, in bits. With ``layer``: ``linearity``. With ``shape``
        (:data:`SHAPES`) and ``source`` (:data:`SOURCES`): ``regions_per_unit`` met by a path, and ``single_flips``,
        the share of crossings at which one unit switches. At the last epoch of some seeds ``text_joint_per_unit`` and
        ``text_additive_per_unit``, by the text's boosted trees; else nan. ``width`` and ``labels`` of each network.

    Raises
    ------
    ValueError
        If moments are no epochs of the training, or more images are asked for than there are.
    """
    if not set(config.moments) <= set(range(config.epochs + 1)) or config.epochs not in config.moments:
        raise ValueError(f"Moments {config.moments} must be epochs from 0 to {config.epochs}, the last among them.")
    images = data.load(config.dataset, device=device)
    if config.images > images.n_test:
        raise ValueError(f"{config.dataset} has {images.n_test:,} test images, not {config.images:,}: read fewer.")
    parts = pieces(config)
    return join_pieces(
        [_run_network(part, images, portion(progress, number, len(parts))) for number, part in enumerate(parts)]
    )


def _run_network(config: Config, images: data.ImageSet, progress: Progress) -> xr.Dataset:
    (network,) = config.networks
    sizes = (images.features, *config.depth * [network.width], len(images.classes))
    nets = MLPs(Architecture(sizes, batch_norm=False, initial=config.initial), config.seeds, images.device)
    recipe = Recipe(rate=config.rate, batch=config.batch)
    labels = for_seeds(images.y_train, network.labels, config.seeds)
    test = images.vectors("test")
    corners = [_corners(config, images, seed) for seed in config.seeds]
    stops = [epoch * recipe.steps(images.n_train) for epoch in config.moments]
    found = []
    for number, moment in enumerate(fit(nets, images.vectors("train"), labels, recipe, stops)):
        epoch = config.moments[number]
        progress(number / len(stops), f"{network.name}: regions after epoch {epoch}")
        regions = _regions(nets, corners)
        progress((number + 0.3) / len(stops), f"{network.name}: entropies after epoch {epoch}")
        wrong = nets.outputs(test).argmax(-1) != images.y_test
        z = patterns(nets, test[: config.images])
        known = {
            "test_error": ("seed", wrong.double().mean(1).cpu().numpy(), _attrs("share of mistakes on test images")),
            "learning_loss": (
                "seed",
                moment.loss.cpu().numpy(),
                _attrs("cross-entropy while learning, mean since the moment before", "nats"),
            ),
        }
        found.append(xr.merge([xr.Dataset(known), _complexity(config, z), regions], combine_attrs="drop_conflicts"))
        progress((number + 0.9) / len(stops), f"{network.name}: learning after epoch {epoch}")
    result = xr.concat(found, "epoch").assign_coords(
        epoch=("epoch", list(config.moments), _attrs("epochs of training")),
        layer=("layer", np.arange(1, config.depth + 1), _attrs("hidden layer")),
        seed=("seed", list(config.seeds), _attrs("seed")),
    )
    result = result.assign(_by_the_text(config, z))
    progress(1.0, f"{network.name}: done")
    return result.expand_dims("network").assign_coords(
        network=[network.name],
        width=("network", [network.width], _attrs("units of a hidden layer")),
        labels=("network", [network.labels]),
    )


def _complexity(config: Config, z: list[Tensor]) -> xr.Dataset:
    """Joint and additive complexity, and the entropy of independent units, each over all hidden units."""
    seeds, _, width = z[0].shape
    units = width * len(z)
    whole = entropies(torch.cat(z, dim=2), config.method, config.hidden)
    layers = [each.bits for each in entropies(torch.cat(z), config.method, config.hidden)]
    linearity = torch.stack([layer.double().mean((1, 2)) for layer in z]).cpu().numpy()
    return xr.Dataset(
        {
            "joint_per_unit": ("seed", [each.bits / units for each in whole], _BITS["joint_per_unit"]),
            "additive_per_unit": (
                "seed",
                np.reshape(layers, (len(z), seeds)).sum(0) / units,
                _BITS["additive_per_unit"],
            ),
            "independent_per_unit": (
                "seed",
                [each.independent_bits / units for each in whole],
                _BITS["independent_per_unit"],
            ),
            "linearity": (("layer", "seed"), linearity, _attrs("share of units that are on")),
        }
    )


def _by_the_text(config: Config, z: list[Tensor]) -> dict[str, xr.DataArray]:
    """Return both complexities by boosted trees with two folds, for the seeds that are to have them."""
    units = sum(layer.shape[2] for layer in z)
    wanted = config.by_the_text if config.networks[0].labels == "true" else ()
    bits = np.full((2, len(config.seeds)), np.nan)
    for number, seed in enumerate(config.seeds):
        if seed in wanted:
            each = [layer[number].to(torch.uint8) for layer in z]
            bits[0, number] = pattern_entropy(torch.cat(each, dim=1), "xgboost").bits
            bits[1, number] = sum(pattern_entropy(layer, "xgboost").bits for layer in each)
    names = ("joint_per_unit", "additive_per_unit")
    return {
        f"text_{name}": xr.DataArray(
            row / units, dims="seed", attrs=_attrs(f"{_BITS[name]['long_name']}, by boosted trees, last epoch", "bits")
        )
        for name, row in zip(names, bits, strict=True)
    }


def _corners(config: Config, images: data.ImageSet, seed: int) -> dict[str, np.ndarray]:
    """Return three points a path for each source, (3, path, pixel)."""
    rng = np.random.default_rng(seed)
    chosen = np.stack([rng.permutation(images.n_test)[:3] for _ in range(config.paths)], axis=1).ravel()
    shown = images.x_test[torch.from_numpy(chosen)]
    sources = {"images": shown, "noise": shuffled_pixels(shown, seed)}
    return {
        name: (each.double() / 255).flatten(1).cpu().numpy().reshape(3, config.paths, -1)
        for name, each in sources.items()
    }


def _regions(nets: MLPs, corners: list[dict[str, np.ndarray]]) -> xr.Dataset:
    hidden = nets.architecture.depth
    counts, single = np.empty((2, len(corners), len(SHAPES), len(SOURCES)))
    for seed, points in enumerate(corners):
        weights, biases = (
            [each[seed].double().cpu().numpy() for each in of[:hidden]] for of in (nets.weights, nets.biases)
        )
        units = sum(len(bias) for bias in biases)
        for column, source in enumerate(SOURCES):
            first, second, third = points[source]
            found: list[Regions] = [
                regions_on_lines(weights, biases, first, second),
                regions_on_circles(weights, biases, first, second, third),
            ]
            counts[seed, :, column] = [each.count.mean() / units for each in found]
            single[seed, :, column] = [each.single for each in found]
    dims = ("seed", "shape", "source")
    return xr.Dataset(
        {
            "regions_per_unit": (dims, counts, _attrs("linear regions met by a path, over hidden units")),
            "single_flips": (dims, single, _attrs("share of crossings at which one unit switches")),
        },
        coords={"shape": list(SHAPES), "source": list(SOURCES)},
    )


def _attrs(long_name: str, units: str = "1") -> dict[str, str]:
    return {"long_name": long_name, "units": units}


_BITS = {
    "joint_per_unit": _attrs("entropy of the whole network's patterns over its hidden units", "bits"),
    "additive_per_unit": _attrs("sum of the layers' entropies over hidden units", "bits"),
    "independent_per_unit": _attrs("entropy of independent units with the same rates, over hidden units", "bits"),
}
