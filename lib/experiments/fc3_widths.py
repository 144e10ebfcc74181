"""Three-layer networks by the width of the second layer (chapter 7; J, section 7, figure 8).

Images, a first layer L1 of 14 units, a second layer L2 of N, the classes. Each network learns until it classifies 95 %
of the train images, as the text's do, and then goes on for as many epochs as all others, so that widths can also be
compared at equal time. Layers are read on test images before training, at the first look at which the target is
reached, and after the last epoch; what never reaches it has no second reading. All bounds on the entropy are from as
many images and by networks with as many hidden units, so that widths can be compared. Those on L2 cost most: before
training they are made for a few seeds, after the last epoch for none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from lib import data
from lib.experiments._joining import joined_along_seeds
from lib.experiments._progress import Progress, portion
from lib.measures.patterns import PatternEntropies, default_budget, pattern_entropies
from lib.models.mlp import Architecture, MLPs
from lib.training import Recipe, fit

VERSION = 1

STORED_BY_PIECE = True
"""The networks of one width know nothing of those of another, so that a long list can be stored as it grows."""

STAGES = ("untrained", "target", "last")
"""When layers are read: before training, when the target accuracy is reached, after the last epoch."""


@dataclass(frozen=True)
class Config:
    """Size and setting of a run."""

    dataset: str = "mnist"
    first: int = 14  # units of L1
    widths: tuple[int, ...] = (16, 64, 256, 32, 128, 768, 8, 4)  # units of L2, in the order in which they are run
    target: float = 0.95  # share of train images classified correctly
    epochs: int = 8
    looks: int = 4  # at the accuracy in an epoch, evenly
    evaluated: int = 10_000  # train images on which that is taken
    batch: int = 64  # images per step
    rate: float = 0.002  # of Adam
    initial: str = "torch"  # weights, one of lib.models.mlp.INITIALS
    images: int = 10_000  # test images on which layers are read
    fewer: tuple[int, ...] = (2_500, 5_000)  # images for more bounds on L2 at the target
    few: tuple[int, ...] = (0, 1, 2)  # seeds with bounds from fewer images, and on L2 before training
    method: str = "autoregressive"  # of the entropy
    hidden: int = 64  # units of its networks, for all layers alike
    seeds: tuple[int, ...] = tuple(range(10))  # of initial weights and order of images
    seeds_together: int = 5  # networks that learn side by side


PRESETS = {
    "smoke": Config(
        "digits",
        widths=(6, 8, 12, 16),
        target=0.2,
        epochs=3,
        looks=2,
        evaluated=300,
        batch=32,
        rate=0.01,
        images=200,
        fewer=(100,),
        few=(0, 1),
        method="miller-madow",
        seeds=(0, 1),
    ),
    "book": Config(
        "digits",
        widths=(4, 8, 16, 64),
        epochs=12,
        looks=2,
        evaluated=1_437,
        batch=32,
        rate=0.005,
        images=360,
        fewer=(180,),
        hidden=16,
        seeds=(0, 1, 2),
    ),
    "paper": Config(),
}


def pieces(config: Config) -> list[Config]:
    """Return one config a width, in the order in which they are to be run."""
    return [replace(config, widths=(width,)) for width in config.widths]


def join_pieces(results: Sequence[xr.Dataset]) -> xr.Dataset:
    """Put seeds and widths together; seeds that a width has not are nan."""
    return joined_along_seeds(results, "width", data_vars="minimal").sortby("width")


def run(config: Config, *, device: torch.device, progress: Progress) -> xr.Dataset:
    """Let networks of every width learn, and read their layers.

    Returns
    -------
    Dataset
        Dimensions ``width``, ``seed``, ``stage`` (:data:`STAGES`): ``epoch``, ``accuracy`` on train images and
        ``test_accuracy`` of the reading. With ``layer`` (1, 2): ``linearity``, ``complexity_per_unit`` with
        ``complexity_error``, and ``independent_per_unit``, in bits. With ``fewer``: ``from_fewer``, complexity per unit
        of L2 at the target from fewer images. What was not reached, or not estimated, is nan.

    Raises
    ------
    ValueError
        If more images are asked for than there are, or the target is no share.
    """
    if not 0 < config.target < 1:
        raise ValueError(f"A target of {config.target} is no share of images: use a number between 0 and 1.")
    images = data.load(config.dataset, device=device)
    if max(config.images, *config.fewer) > images.n_test or config.evaluated > images.n_train:
        raise ValueError(
            f"{config.dataset} has {images.n_train:,} train and {images.n_test:,} test images: ask for no more."
        )
    parts = pieces(config)
    found = [_run_width(part, images, portion(progress, number, len(parts))) for number, part in enumerate(parts)]
    return join_pieces(found)


@dataclass
class _Reading:
    """On/off patterns of both layers and how good the network was, of one stage, seed by seed."""

    layers: list[Tensor]  # L1 and L2, bool, (seed, image, unit)
    known: dict[str, np.ndarray]  # epoch, accuracy, test_accuracy, each (seed,); nan where the stage was not reached

    def take(self, other: _Reading, seeds: np.ndarray) -> None:
        """Take over what another reading has of some seeds."""
        for mine, theirs in zip(self.layers, other.layers, strict=True):
            mine[seeds] = theirs[seeds]
        for name, values in self.known.items():
            values[seeds] = other.known[name][seeds]


def _run_width(config: Config, images: data.ImageSet, progress: Progress) -> xr.Dataset:
    (width,) = config.widths
    sizes = (images.features, config.first, width, len(images.classes))
    nets = MLPs(Architecture(sizes, batch_norm=False, initial=config.initial), config.seeds, images.device)
    recipe = Recipe(rate=config.rate, batch=config.batch)
    steps = recipe.steps(images.n_train)
    train, test = images.vectors("train"), images.vectors("test")
    stops = sorted({round(look * steps / config.looks) for look in range(config.epochs * config.looks + 1)})

    def share_right(x: Tensor, y: Tensor) -> np.ndarray:
        return (nets.outputs(x).argmax(-1) == y).double().mean(1).cpu().numpy()

    def read(step: int, accuracy: np.ndarray) -> _Reading:
        epoch = np.full(len(config.seeds), step / steps)
        known = {"epoch": epoch, "accuracy": accuracy, "test_accuracy": share_right(test, images.y_test)}
        return _Reading(patterns(nets, test[: config.images]), known)

    found: dict[str, _Reading] = {}
    for moment in fit(nets, train, images.y_train, recipe, stops):
        accuracy = share_right(train[: config.evaluated], images.y_train[: config.evaluated])
        if moment.step == 0:
            found["untrained"], found["target"] = read(0, accuracy), read(0, accuracy.copy())
            for values in found["target"].known.values():
                values[:] = np.nan
        arrived = (accuracy >= config.target) & np.isnan(found["target"].known["epoch"])
        if arrived.any():
            found["target"].take(read(moment.step, accuracy), arrived)
        if moment.step == stops[-1]:
            found["last"] = read(moment.step, accuracy)
        progress(0.5 * moment.step / stops[-1], f"L2 of {width}: epoch {moment.step / steps:.1f}")
    few = np.isin(config.seeds, config.few)
    everyone = np.full(len(few), True)
    of_second = {"untrained": few, "target": everyone, "last": ~everyone}
    readings = []
    for number, stage in enumerate(STAGES):
        progress(0.5 + 0.15 * number, f"L2 of {width}: entropies, {stage}")
        readings.append(_read(config, found[stage], (everyone, of_second[stage])))
    progress(0.9, f"L2 of {width}: entropies from fewer images")
    result = xr.concat(readings, "stage").assign_coords(
        stage=list(STAGES), layer=("layer", [1, 2], _attrs("layer")), seed=("seed", list(config.seeds), _attrs("seed"))
    )
    result["from_fewer"] = _from_fewer(config, found["target"], few)
    progress(1.0, f"L2 of {width}: done")
    result = result.expand_dims("width").assign_coords(width=("width", [width], _attrs("units of L2")))
    return result.assign_attrs(first=config.first, target=config.target, images=config.images)


@torch.no_grad()
def patterns(nets: MLPs, x: Tensor, together: int = 1_000) -> list[Tensor]:
    """Return which units of each hidden layer give more than 0: bool, (seed, image, unit) each."""
    parts = [[layer > 0 for layer in nets.layers(part)[:-1]] for part in x.split(together)]
    return [torch.cat(layer, dim=1) for layer in zip(*parts, strict=True)]


def entropies(z: Tensor, method: str, hidden: int) -> PatternEntropies:
    """Return entropies of patterns (set, image, unit), learned by networks with so many hidden units.

    Steps are as many as for any patterns, but for few images, of which more would only be learned by heart.
    """
    _, images, units = z.shape
    budget = default_budget(images, units)
    budget = replace(budget, hidden=hidden, steps=min(budget.steps, images // 4))
    return pattern_entropies(z.to(torch.uint8), method, budget=budget if method == "autoregressive" else None)


def _read(config: Config, reading: _Reading, wanted: tuple[np.ndarray, ...]) -> xr.Dataset:
    """Return what layers are like, and the entropies of those seeds that are wanted of each layer."""
    there = np.isfinite(reading.known["epoch"])
    linearity = np.stack([z.double().mean((1, 2)).cpu().numpy() for z in reading.layers])
    bits = np.full((3, len(reading.layers), len(there)), np.nan)
    for number, (z, seeds) in enumerate(zip(reading.layers, wanted, strict=True)):
        if (chosen := there & seeds).any():
            each = entropies(z[torch.from_numpy(chosen)], config.method, config.hidden)
            rows = [(e.bits, e.standard_error, e.independent_bits) for e in each]
            bits[:, number, chosen] = np.transpose(rows) / z.shape[2]
    return xr.Dataset(
        {
            **{name: ("seed", values, _SCALARS[name]) for name, values in reading.known.items()},
            "linearity": (("layer", "seed"), np.where(there, linearity, np.nan), _attrs("share of units that are on")),
            **{
                name: (("layer", "seed"), values, attrs)
                for (name, attrs), values in zip(_BITS.items(), bits, strict=True)
            },
        }
    )


def _from_fewer(config: Config, reading: _Reading, wanted: np.ndarray) -> xr.DataArray:
    chosen = wanted & np.isfinite(reading.known["epoch"])
    bits = np.full((len(config.fewer), len(chosen)), np.nan)
    for number, images in enumerate(config.fewer):
        if chosen.any():
            of_chosen = reading.layers[1][torch.from_numpy(chosen), :images]
            each = entropies(of_chosen, config.method, config.hidden)
            bits[number, chosen] = [e.bits_per_unit for e in each]
    return xr.DataArray(
        bits,
        dims=("fewer", "seed"),
        coords={"fewer": ("fewer", list(config.fewer), _attrs("test images"))},
        attrs=_attrs("complexity per unit of L2 at the target, from fewer images", "bits"),
    )


def _attrs(long_name: str, units: str = "1") -> dict[str, str]:
    return {"long_name": long_name, "units": units}


_SCALARS = {
    "epoch": _attrs("epochs of training until layers are read"),
    "accuracy": _attrs("share of train images classified correctly"),
    "test_accuracy": _attrs("share of test images classified correctly"),
}

_BITS = {
    "complexity_per_unit": _attrs("entropy of the layer's patterns over its units", "bits"),
    "complexity_error": _attrs("standard error of complexity per unit, over images", "bits"),
    "independent_per_unit": _attrs("entropy of independent units with the same rates, over units", "bits"),
}
