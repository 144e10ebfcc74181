"""The deep network of *Easing the knot*: its weights, errors and layers after every epoch (chapters 3 and 4).

Appendix A of the text: 16 hidden layers of 512 units, each linear, batch norm, ReLU, dropout 0.3; Adam at 0.001 with
weight decay 1e-4; 50 epochs of 40,000 freshly drawn samples in batches of 32. Around it the controls that the text has
not: no weight decay, decoupled weight decay, no batch norm, random labels, other depths and initial weights, a deep
linear network. Weights are kept as histograms and predictions one by one, so that claims can be judged without the
networks.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from lib import data
from lib.experiments._layer_information import layer_information
from lib.experiments._progress import Progress
from lib.experiments.networks import for_seeds, join_networks, network_pieces, run_networks
from lib.experiments.weight_statistics import FINE, layer_names, weight_statistics
from lib.models.mlp import Architecture, MLPs
from lib.training import Moment, Recipe, fit

VERSION = 1

STORED_BY_PIECE = True
"""Each network's record stands alone, so that a long list of runs can be stored as it grows."""


@dataclass(frozen=True)
class Network:
    """One network and how it learns; the defaults are the text's."""

    name: str = "MNIST"  # under which it is found in the results
    dataset: str = "mnist"
    depth: int = 16  # hidden layers
    width: int = 512  # units of a hidden layer
    activation: str = "relu"
    batch_norm: bool = True
    dropout: float = 0.3
    initial: str = "he-uniform"
    optimizer: str = "adam"
    rate: float = 0.001
    weight_decay: float = 1e-4
    labels: str = "true"  # random: shuffled once, the same in all epochs
    validation: int = 0  # train images that are never trained on, drawn anew by each seed
    information: bool = False  # whether mutual information of the layers is estimated
    seeds: tuple[int, ...] | None = None  # those of the whole run where None


@dataclass(frozen=True)
class Config:
    """Size and setting of a run."""

    networks: tuple[Network, ...] = (Network(),)  # in the order in which they are run
    epochs: int = 50
    samples: int = 40_000  # freshly drawn for each epoch
    batch: int = 32
    evaluated: int = 5_000  # train images on which the error without dropout is taken
    information_epochs: tuple[int, ...] = (0, 1, 3, 5, 10, 20, 30, 50)
    information_samples: int = 2_000  # test images for mutual information
    seeds: tuple[int, ...] = (0, 1, 2)  # each draws initial weights, order of samples, dropout, random labels
    seeds_together: int = 1  # networks that learn side by side


MNIST = Network(information=True)
CIFAR10 = replace(MNIST, name="CIFAR-10", dataset="cifar10")


def _vary(network: Network, name: str, seeds: tuple[int, ...] | None = (0,), **changes: object) -> Network:
    changes = {"information": False, **changes}
    return replace(network, name=f"{network.name}, {name}", seeds=seeds, **changes)  # type: ignore[arg-type]


DECAYS: dict[str, dict[str, object]] = {
    "": {},
    "no weight decay": {"weight_decay": 0.0},
    "AdamW": {"optimizer": "adamw"},
}
NORMS: dict[str, dict[str, object]] = {"": {}, "no batch norm": {"batch_norm": False}}
LABELLINGS: dict[str, dict[str, object]] = {"": {}, "random labels": {"labels": "random"}}
"""Factors that may make a path instead of learning, by what a network's name says of them: nothing, if as in the
text."""


def crossed_name(network: str, *kinds: str) -> str:
    """Return what a network is called that differs in several respects.

    Examples
    --------
    >>> crossed_name("MNIST", "AdamW", "", "random labels")
    'MNIST, AdamW, random labels'
    """
    return ", ".join(filter(None, (network, *kinds)))


def crossed(network: Network, seeds: tuple[int, ...] = (0, 1, 2)) -> list[Network]:
    """Return the networks that differ from one in the factors of `DECAYS`, `NORMS` and `LABELLINGS`, crossed."""
    return [
        _vary(network, crossed_name(decay, norm, kind), seeds, **DECAYS[decay], **NORMS[norm], **LABELLINGS[kind])
        for norm, kind, decay in itertools.product(NORMS, LABELLINGS, DECAYS)
        if decay or norm or kind
    ]


SMALLER = _vary(MNIST, "6 x 256", seeds=tuple(range(10)), depth=6, width=256, validation=5_000)

PAPER = (
    replace(MNIST, seeds=(0, 1, 2)),
    _vary(MNIST, "no weight decay", weight_decay=0.0),
    replace(CIFAR10, seeds=(0,)),
    _vary(MNIST, "random labels", labels="random", information=True),
    _vary(MNIST, "depth 2", depth=2, information=True),
    _vary(MNIST, "depth 6", depth=6, information=True),
    replace(CIFAR10, seeds=(1, 2)),
    _vary(MNIST, "no batch norm", batch_norm=False, information=True),
    _vary(MNIST, "AdamW", optimizer="adamw"),
    _vary(MNIST, "linear", activation="linear"),
    _vary(MNIST, "linear, plain", activation="linear", batch_norm=False, dropout=0.0),
    _vary(MNIST, "He-normal", initial="he-normal"),
    _vary(CIFAR10, "He-normal", initial="he-normal"),
    _vary(MNIST, "half rate", rate=0.0005),
    _vary(CIFAR10, "no weight decay", weight_decay=0.0),
    _vary(CIFAR10, "random labels", labels="random", information=True),
    SMALLER,
    *crossed(SMALLER),
)
"""The text's two networks, then what they are compared with, in the order in which they are run; last, a cheaper
network with images held out, over more seeds, and the controls crossed."""

_DIGITS = Network(name="digits", dataset="digits", depth=6, width=64, information=True)

PRESETS = {
    "smoke": Config(
        networks=(
            replace(_DIGITS, depth=3, width=16),
            _vary(replace(_DIGITS, depth=2, width=16, validation=200), "no weight decay", seeds=None, weight_decay=0.0),
        ),
        epochs=2,
        samples=640,
        evaluated=300,
        information_epochs=(0, 2),
        information_samples=200,
        seeds=(0, 1),
        seeds_together=2,
    ),
    "book": Config(
        networks=(
            _DIGITS,
            _vary(_DIGITS, "no weight decay", seeds=None, weight_decay=0.0),
            _vary(_DIGITS, "random labels", seeds=None, labels="random"),
        ),
        samples=1_200,
        evaluated=1_200,
        information_epochs=(0, 10, 50),
        information_samples=360,
        seeds=(0, 1, 2),
        seeds_together=3,
    ),
    "paper": Config(networks=PAPER, seeds=tuple(range(10))),
}
"""At ``paper`` the text's network has three seeds, its controls one, and the cheaper 6 x 256 network ten."""


def pieces(config: Config) -> list[Config]:
    """Return one config a network, in the order in which they are to be run.

    Steps of small networks cost more in dispatch than in arithmetic: five of them learn side by side.
    """
    return [
        piece if piece.networks[0].width > 256 else replace(piece, seeds_together=max(5, config.seeds_together))
        for piece in network_pieces(config)
    ]


def join_pieces(results: list[xr.Dataset]) -> xr.Dataset:
    """Put networks and seeds together; what a network has not, such as a layer or a seed, is NaN."""
    return join_networks(results)


def run(config: Config, *, device: torch.device, progress: Progress) -> xr.Dataset:
    """Let every network of `config` learn, and return what became of its weights.

    Returns
    -------
    Dataset
        Dimensions ``network``, ``seed`` and, by variable, ``epoch`` (0 is before training), ``layer``, ``part``,
        ``pair``, ``rule``, ``edges``, ``bins``, ``bin``, ``sample`` and those of mutual information.

    Raises
    ------
    ValueError
        If a network's labels are of an unknown kind, or more images are asked for than there are.
    """
    return run_networks(config, _run_network, device, progress)


def _run_network(config: Config, network: Network, device: torch.device, progress: Progress) -> xr.Dataset:
    images = data.load(network.dataset, device=device)
    labels, pools, held_out = _labels_and_pools(config, network, images)
    sizes = (images.features, *network.depth * [network.width], len(images.classes))
    architecture = Architecture(sizes, network.activation, network.batch_norm, network.dropout, network.initial)
    nets = MLPs(architecture, config.seeds, device)
    recipe = Recipe(network.optimizer, network.rate, network.weight_decay, config.batch, config.samples)
    inputs, test = images.vectors("train"), images.vectors("test")
    evaluated = pools[:, : config.evaluated]
    known = torch.arange(config.information_samples, device=device)
    stops = [epoch * recipe.steps(pools.shape[1]) for epoch in range(config.epochs + 1)]
    epochs, information = [], []
    for epoch, moment in enumerate(fit(nets, inputs, labels, recipe, stops, pools)):
        errors = _errors(nets, moment, inputs, labels, test, images.y_test, evaluated, held_out)
        weights = [
            weight_statistics([matrix[number] for matrix in nets.weights], np.random.default_rng((seed, epoch)))
            for number, seed in enumerate(nets.seeds)
        ]
        epochs.append(xr.merge([errors, xr.concat(weights, "seed")], combine_attrs="drop_conflicts"))
        if network.information and epoch in config.information_epochs:
            progress(epoch / config.epochs, f"{network.name}: mutual information after epoch {epoch}")
            information.append(layer_information(nets, test[known], images.y_test[known]).assign_coords(moment=epoch))
        progress(epoch / config.epochs, f"{network.name}: epoch {epoch} of {config.epochs}")
    result = xr.concat(epochs, xr.DataArray(np.arange(config.epochs + 1), dims="epoch", name="epoch"))
    if information:
        result = xr.merge([result, xr.concat(information, "moment")], combine_attrs="drop_conflicts")
    return _labelled(result, network, nets)


def _labels_and_pools(config: Config, network: Network, images: data.ImageSet) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return labels (seeds, train images), indices to train on (seeds, pool), and those held out or None."""
    if network.validation + config.evaluated > images.n_train or config.information_samples > images.n_test:
        raise ValueError(
            f"{network.dataset} has {images.n_train:,} train and {images.n_test:,} test images: ask for fewer than "
            f"{network.validation + config.evaluated:,} and {config.information_samples:,}."
        )
    labels = for_seeds(images.y_train, network.labels, config.seeds)
    order = torch.arange(images.n_train).expand(len(config.seeds), -1)
    if not network.validation:
        return labels, order.to(images.device), None
    order = torch.stack([data.permutation(images.n_train, seed, data.Stream.VALIDATION) for seed in config.seeds])
    held_out, pools = order.to(images.device).split([network.validation, images.n_train - network.validation], dim=1)
    return labels, pools.contiguous(), held_out


@torch.no_grad()
def _errors(
    nets: MLPs,
    moment: Moment,
    inputs: Tensor,
    labels: Tensor,
    test: Tensor,
    y_test: Tensor,
    evaluated: Tensor,
    held_out: Tensor | None,
) -> xr.Dataset:
    """Errors and losses on train, test and held-out images, dropout off and on, and every test prediction."""

    def measure(scores: Tensor, y: Tensor) -> tuple[np.ndarray, np.ndarray]:
        loss = torch.nn.functional.cross_entropy(scores.transpose(1, 2), y, reduction="none").mean(
            1, dtype=torch.float64
        )
        return loss.cpu().numpy(), (scores.argmax(-1) != y).double().mean(1).cpu().numpy()

    def on(chosen: Tensor) -> tuple[np.ndarray, np.ndarray]:
        # seeds see different images: one network at a time would be as fast on a CPU, but not on a GPU
        return measure(nets.outputs(inputs[chosen]), labels.gather(1, chosen))

    y = y_test.expand(len(nets.seeds), -1)
    scores = nets.outputs(test)
    shift = (scores.argmax(-1) - y).remainder(scores.shape[-1]).to(torch.uint8)
    found = {
        "train": (moment.loss.cpu().numpy(), moment.error.cpu().numpy(), "while learning, dropout on"),
        "train_off": (*on(evaluated), "on train images, dropout off"),
        "test": (*measure(scores, y), "on test images, dropout off"),
        "test_on": (*measure(nets.outputs(test, dropout=True), y), "on test images, dropout on"),
    }
    if held_out is not None:
        found["validation"] = (*on(held_out), "on held-out train images, dropout off")
    variables: dict[str, tuple] = {}
    for name, (loss, error, where) in found.items():
        variables[f"{name}_loss"] = ("seed", loss, {"long_name": f"cross-entropy {where}", "units": "nats"})
        variables[f"{name}_error"] = ("seed", error, {"long_name": f"share of mistakes {where}", "units": "1"})
    variables["gradient_norm"] = (
        ("seed", "layer"),
        moment.gradient_norms.cpu().numpy(),
        {"long_name": "root mean square norm of a weight matrix's gradient", "units": "1"},
    )
    variables["shift"] = (
        ("seed", "sample"),
        shift.cpu().numpy(),
        {"long_name": "predicted minus true class of each test image, modulo the number of classes", "units": "1"},
    )
    return xr.Dataset(variables, coords={"layer": layer_names(nets.architecture.depth)})


def _labelled(result: xr.Dataset, network: Network, nets: MLPs) -> xr.Dataset:
    """Add network and seed as coordinates, edges of the fine bins, and keep 32 bits of what needs no more."""
    for name, variable in result.data_vars.items():
        if variable.dtype == np.float64 and name not in ("entropy", "disequilibrium"):
            result[name] = variable.astype(np.float32)
    result = result.assign_coords(
        seed=("seed", list(nets.seeds), {"long_name": "seed", "units": "1"}),
        epoch=("epoch", result["epoch"].values, {"long_name": "epoch", "units": "1"}),
    )
    result = result.expand_dims(network=[network.name])
    result["parameters"] = (
        "network",
        [nets.parameters.numel() // len(nets.seeds)],
        {"long_name": "parameters of the network, biases and batch norm's included", "units": "1"},
    )
    result["edge"] = ("boundary", FINE, {"long_name": "edges of the fine bins", "units": "1"})
    return result.transpose("network", "seed", "epoch", "moment", ..., missing_dims="ignore")
