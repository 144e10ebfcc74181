"""How tight bounds on the entropy of a real layer's patterns are, and what it costs (chapter 5; J, appendix B).

The same patterns of one network are estimated again and again: by every method, at several budgets, from more and fewer
images, with 2 and 5 folds, with the patches of an image kept together and torn apart, with the units in other orders,
and layer by layer. Each estimate is one row of a long table. The collision entropy bounds them from below.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from lib import data
from lib.experiments._progress import Progress
from lib.experiments._residual import DIGITS, FEW_DIGITS, PUBLISHED, Source, batches
from lib.experiments.estimates import table
from lib.measures.collisions import collision_entropy
from lib.measures.patterns import default_budget, pattern_entropy
from lib.probing import LayerPatterns, activation_sites, read_patterns

VERSION = 1
STORED_BY_PIECE = True

METHODS = ("autoregressive", "logistic", "xgboost")
"""Estimators that are compared."""

STUDIES = (("budget", "samples"), ("layers",), ("groups", "orders"), ("folds",))
"""What estimates serve for, in the order in which they are made; those that share some are made together."""


@dataclass(frozen=True)
class Config:
    """Size and setting of a run."""

    source: Source = DIGITS
    depth: int = 20  # layers with weights of the network
    layer: int = -1  # which of its ReLUs is looked at closely: the last
    part: str = "train"  # of the image set: the digits' test part is small
    images: tuple[int, ...] = (30, 100, 300, 1_000)  # sample sizes, in images; all studies but "samples" use the last
    patches: int = 16  # of each image: all of the top block's
    budgets: tuple[tuple[int, int], ...] = ((32, 200), (128, 400), (512, 400), (1024, 800))  # hidden units, steps
    large: tuple[int, int] = (512, 400)  # of these, that which is followed over sample sizes
    slow: int = 300  # images up to which estimates are made for every seed
    studies: tuple[str, ...] = tuple(study for together in STUDIES for study in together)
    few: int = 320  # images of the second size at which numbers of folds are
    layer_patches: int = 4  # of each image, where all layers are compared
    orders: int = 3  # of the units
    seeds: tuple[int, ...] = (0, 1, 2)  # of images, folds, initial weights; the network's is the first


PRESETS = {
    "smoke": Config(
        replace(FEW_DIGITS, epochs=1, learned=32),
        layer=3,
        images=(4, 6, 8, 12),
        patches=4,
        budgets=((8, 20), (16, 40)),
        large=(16, 40),
        slow=4,
        few=8,
        studies=("budget", "samples", "groups", "orders", "folds"),
        orders=2,
        seeds=(0,),
    ),
    "book": Config(
        images=(20, 60, 150, 400),
        budgets=((32, 200), (128, 400), (512, 400)),
        studies=("budget", "samples"),
        seeds=(0,),
    ),
    "paper": Config(
        PUBLISHED,
        depth=56,
        part="test",
        images=(40, 156, 625, 2_500, 10_000),
        patches=64,
        budgets=((64, 500), (256, 1_000), (512, 1_500), (1_024, 2_000), (2_048, 3_000)),
        large=(1_024, 2_000),
        slow=625,
        few=78,
        layer_patches=8,
    ),
}


@dataclass(frozen=True)
class Request:
    """One estimate to be made."""

    study: str
    method: str
    images: int
    seed: int
    folds: int = 2
    grouped: bool = True
    budget: tuple[int, int] | None = None  # hidden units and steps of the masked network; its default where None
    layer: int = -1  # number of the layer where all are compared; -1 for the one that is looked at closely
    orders: int = 1


def requests(config: Config, layers: int) -> Iterator[Request]:
    """Yield all estimates of a config, study by study, for a network with that many layers."""
    first, everything = config.seeds[0], config.images[-1]
    pair = ("autoregressive", "xgboost")
    if "budget" in config.studies:
        for budget in config.budgets:
            yield Request("budget", "autoregressive", everything, first, budget=budget)
        for method in METHODS:
            yield Request("budget", method, everything, first)
    if "samples" in config.studies:
        for images in config.images:
            for seed in config.seeds:
                if images <= config.slow or seed == first:
                    for method in METHODS:
                        yield Request("samples", method, images, seed)
                    yield Request("samples", "autoregressive", images, seed, budget=config.large)
    if "layers" in config.studies:
        for method in pair:
            for layer in range(layers):
                yield Request("layers", method, everything, first, layer=layer)
    if "groups" in config.studies:
        for method in pair:
            for images in config.images[1:]:
                if method == "autoregressive" or images < everything:
                    for grouped in (True, False):
                        yield Request("groups", method, images, first, grouped=grouped)
    if "orders" in config.studies:
        yield Request("orders", "autoregressive", everything, first, orders=config.orders)
    if "folds" in config.studies:
        for method in pair:
            for folds in (2, 5):
                for seed in config.seeds:
                    yield Request("folds", method, config.few, seed, folds)
                yield Request("folds", method, everything, first, folds)


def pieces(config: Config) -> list[Config]:
    """Return one config for each group of studies."""
    groups = [tuple(study for study in together if study in config.studies) for together in STUDIES]
    return [replace(config, studies=studies) for studies in groups if studies]


def join_pieces(results: list[xr.Dataset]) -> xr.Dataset:
    """Put the tables of several studies one below the other."""
    return xr.concat(results, "estimate", data_vars="minimal", combine_attrs="drop_conflicts")


def run(config: Config, *, device: torch.device, progress: Progress) -> xr.Dataset:
    """Estimate the entropy of one layer's patterns in many ways, and of all layers in two.

    Returns
    -------
    Dataset
        Dimension ``estimate``: ``bits`` with ``standard_error``, ``independent_bits``, ``seconds``, and what was asked:
        ``study``, ``method``, ``images``, ``samples``, ``folds``, ``grouped``, ``hidden`` and ``steps`` (0 for the
        default), ``layer``, ``draw``, ``order``. Rows of the study "coincidences" hold the collision entropy, a lower
        bound, for each number of images and each layer.

    Raises
    ------
    ValueError, FileNotFoundError
        If the network, its weights or so many images are not there.
    """
    parts = pieces(config)
    if len(parts) > 1:
        return join_pieces([run(part, device=device, progress=progress) for part in parts])
    images = config.source.images(device)
    x = images.x_train if config.part == "train" else images.x_test
    if config.images[-1] > len(x):
        raise ValueError(
            f"{images.name} has {len(x):,} {config.part} images, not {config.images[-1]:,}: ask for fewer."
        )
    seed = config.seeds[0]
    model = config.source.network(config.depth, seed, images, lambda share: progress(0.1 * share, "training"))
    x = x[data.epoch_order(len(x), seed, 0, device)[: config.images[-1]]]
    names = [site.name for site in activation_sites(model, next(batches(x)))]
    close = names[config.layer]
    top = read_patterns(model, batches(x), [close], patches=config.patches, seed=seed)[close]
    every = [top]
    if "layers" in config.studies:
        every = [*read_patterns(model, batches(x), names, patches=config.layer_patches, seed=seed).values(), top]
    asked = list(requests(config, len(names)))
    rows: list[dict[str, Any]] = []
    known: dict[Request, list[dict[str, Any]]] = {}  # several studies ask for the same
    for number, request in enumerate(asked):
        progress(0.1 + 0.85 * number / len(asked), f"{request.study}: {request.method}, {request.images} images")
        same = replace(request, study="")
        if same not in known:
            known[same] = _estimate(request, every[request.layer], len(x))
        rows += [{**row, "study": request.study} for row in known[same]]
    below = []
    if "samples" in config.studies:
        below += [Request("coincidences", "collisions", count, seed) for count in config.images]
    if "layers" in config.studies:
        below += [Request("coincidences", "collisions", len(x), seed, layer=layer) for layer in range(len(names))]
    rows += [_coincidences(request, every[request.layer], len(x)) for request in below]
    progress(1.0, "done")
    found = table(rows, _TEXTS).assign_coords(seed=list(config.seeds))
    return found.assign_attrs(
        dataset=images.name,
        part=config.part,
        network=f"ResNet-{config.depth}",
        layer=close,
        patches_an_image=config.patches,
        units_of_layer=top.units,
    )


def _chosen(patterns: LayerPatterns, request: Request, available: int) -> tuple[Tensor, np.ndarray]:
    """Return the packed patterns of as many images as are asked for, another draw for each seed, and their images."""
    if request.images == available:
        return patterns.packed, patterns.groups
    order = data.epoch_order(available, request.seed, 1).numpy()[: request.images]
    rows = np.isin(patterns.groups, order)
    return patterns.packed[torch.from_numpy(rows).to(patterns.packed.device)], patterns.groups[rows]


def _estimate(request: Request, patterns: LayerPatterns, available: int) -> list[dict[str, Any]]:
    packed, groups = _chosen(patterns, request, available)
    budget = request.budget and replace(
        default_budget(len(packed), patterns.units), hidden=request.budget[0], steps=request.budget[1]
    )
    found = pattern_entropy(
        packed,
        request.method,
        groups=groups if request.grouped else None,
        folds=request.folds,
        seed=request.seed,
        units=patterns.units,
        orders=request.orders,
        budget=budget,
    )
    common = _asked(request, len(packed)) | {
        "standard_error": found.standard_error,
        "independent_bits": found.independent_bits,
        "seconds": found.seconds,
    }
    return [common | {"bits": bits, "order": order} for order, bits in enumerate(found.order_bits)]


def _coincidences(request: Request, patterns: LayerPatterns, available: int) -> dict[str, Any]:
    packed, groups = _chosen(patterns, request, available)
    found = collision_entropy(packed, groups=groups, units=patterns.units)
    return _asked(request, len(packed)) | {
        "standard_error": found.standard_error,
        "independent_bits": np.nan,
        "seconds": np.nan,
        "bits": found.bits,
        "order": 0,
    }


def _asked(request: Request, samples: int) -> dict[str, Any]:
    hidden, steps = request.budget or (0, 0)
    return {
        "study": request.study,
        "method": request.method,
        "images": request.images,
        "samples": samples,
        "folds": request.folds,
        "grouped": int(request.grouped),
        "hidden": hidden,
        "steps": steps,
        "layer": request.layer,
        "draw": request.seed,
    }


_TEXTS = {
    "bits": ("entropy of the patterns", "bits"),
    "standard_error": ("standard error of the entropy over images", "bits"),
    "independent_bits": ("entropy of independent units", "bits"),
    "seconds": ("time taken", "s"),
    "study": ("what the estimate serves for", "1"),
    "method": ("method", "1"),
    "images": ("images", "1"),
    "samples": ("patterns", "1"),
    "folds": ("folds", "1"),
    "grouped": ("whether the patches of an image are kept in one fold", "1"),
    "hidden": ("hidden units of the masked network, 0 for its default", "1"),
    "steps": ("most steps of its training, 0 for its default", "1"),
    "layer": ("layer, -1 for the one that is looked at closely", "1"),
    "draw": ("seed of images, folds and initial weights", "1"),
    "order": ("order of the units, 0 as they are", "1"),
}
