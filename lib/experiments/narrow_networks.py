"""Highway networks and plain ones at very low rates, read in steps (chapter 7; J, figures 9, D.13 and D.14).

The text trains a highway network of 11 layers of 28 units on MNIST at rates of 1e-6 to 1e-4, to pinpoint what *would
otherwise occur almost instantly within the first epoch*, and finds that the effective dimension of its layers dips and
recovers where the loss falls. Optimiser, batch, rate and bias of the gates are not given: here they are Adam, 128, and
several of the others. Controls are a plain network of the same shape, random labels and an ordinary rate. All seeds of
a network learn side by side; readings are dense in the beginning, so that an ordinary rate is resolved too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from lib import data
from lib.experiments._joining import joined
from lib.experiments._progress import Progress, portion
from lib.experiments._reading import loss_and_error, reading_steps
from lib.experiments._rounding import to_four_digits
from lib.experiments.networks import for_seeds, network_pieces
from lib.measures.dimension import effective_dimensions
from lib.measures.patterns import Budget, PatternEntropies, pattern_entropies
from lib.models.highway import HighwayNetworks, Shape
from lib.training import Recipe, fit

VERSION = 1

STORED_BY_PIECE = True
"""Each network's record stands alone, so that a list of runs can be stored as it grows."""


@dataclass(frozen=True)
class Network:
    """One network and how it learns."""

    width: int = 28  # units of a hidden layer
    depth: int = 11  # hidden layers, the plain first one among them
    gate_bias: float | None = -1.0  # at the start; None: no gates
    rate: float = 3e-5  # of Adam
    epochs: float = 6.0
    initial: str = "torch"  # weights, see lib.models.highway
    labels: str = "true"  # or random: shuffled once by each seed
    seeds: tuple[int, ...] | None = None  # those of the whole run where None

    @property
    def name(self) -> str:
        """What it is called in the results: its kind, shape and rate, and what else differs from the defaults."""
        kind = "plain" if self.gate_bias is None else "highway"
        parts = [f"{kind} {self.depth} x {self.width}, rate {plain_rate(self.rate)}"]
        if self.gate_bias not in (None, -1.0):
            parts.append(f"gate bias {self.gate_bias:g}")
        if self.initial != "torch":
            parts.append(self.initial)
        if self.labels != "true":
            parts.append(f"{self.labels} labels")
        return ", ".join(parts)


def plain_rate(rate: float) -> str:
    """Write a rate shortly.

    Examples
    --------
    >>> plain_rate(1e-5), plain_rate(3e-4), plain_rate(0.001)
    ('1e-5', '3e-4', '1e-3')
    """
    return f"{rate:.0e}".replace("e-0", "e-")


_BUDGET = Budget(hidden=32, steps=60, batch=128, decay=1.0, checks=6, patience=3)


@dataclass(frozen=True)
class Config:
    """Size and setting of a run."""

    networks: tuple[Network, ...] = (Network(),)  # in the order in which they are run
    dataset: str = "mnist"
    batch: int = 128  # images per step
    images: int = 2_000  # test images on which layers, loss and error are read
    readings: int = 60  # after that before training
    entropy_every: int = 6  # complexity is estimated at one reading of so many
    method: str = "autoregressive"  # of the entropy
    budget: Budget | None = _BUDGET  # of its networks, the same for all readings
    seeds: tuple[int, ...] = tuple(range(10))  # of initial weights, order of samples, random labels


PAPER = (
    Network(),
    Network(gate_bias=None),
    Network(width=36),
    Network(width=36, depth=10),
    Network(rate=1e-3, epochs=1.0),
    Network(rate=1e-4, epochs=3.0, labels="random"),
    Network(rate=1e-4, epochs=8.0),
    Network(rate=1e-5, epochs=10.0),
    Network(gate_bias=-2.0),
    Network(rate=1e-6, epochs=160.0),
)
"""The text's network in the middle of its rates, a plain one, the text's other shapes; then an ordinary rate, random
labels, a higher and a lower rate of the text's, gates that are shut more, and the lowest of the text's rates."""

_LIVE = Network(width=20, depth=8, rate=1e-3, epochs=6.0)

PRESETS = {
    "smoke": Config(
        networks=(
            Network(width=6, depth=3, rate=1e-3, epochs=1.0),
            Network(width=6, depth=2, rate=1e-3, epochs=1.0, gate_bias=None),
        ),
        dataset="digits",
        batch=32,
        images=120,
        readings=8,
        method="miller-madow",
        budget=None,
        seeds=(0, 1, 2),
    ),
    "book": Config(
        networks=(_LIVE, replace(_LIVE, gate_bias=None)),
        dataset="digits",
        batch=32,
        images=360,
        readings=40,
        budget=Budget(hidden=32, steps=60, batch=128, decay=2.0, checks=6, patience=3),
        seeds=(0, 1, 2, 3, 4),
    ),
    "paper": Config(networks=PAPER),
}


def pieces(config: Config) -> list[Config]:
    """Return one config a network, in the order in which they are run."""
    return network_pieces(config)


def join_pieces(results: Sequence[xr.Dataset]) -> xr.Dataset:
    """Put networks together; what a network has not, such as a layer, is NaN."""
    return joined(results, "network")


def run(config: Config, *, device: torch.device, progress: Progress) -> xr.Dataset:
    """Let every network learn, and read its layers along the way.

    Returns
    -------
    Dataset
        Dimensions ``network``, ``seed``, ``reading`` and ``layer`` (1 is nearest to the input): effective dimension,
        linearity and mean gate of each layer; at some readings complexity of the nonlinear part, and that of
        independent units. Test loss and error. ``step`` and ``epoch`` of each reading; ``width``, ``depth``, ``rate``,
        ``gate_bias`` and ``labels`` of each network.

    Raises
    ------
    ValueError, FileNotFoundError
        If the data set or kind of labels does not exist, or more images or readings are asked for than there are.
    """
    parts = pieces(config)
    found = [_run_network(part, device, portion(progress, number, len(parts))) for number, part in enumerate(parts)]
    progress(1.0, "done")
    return found[0] if len(found) == 1 else join_pieces(found)


def _run_network(config: Config, device: torch.device, progress: Progress) -> xr.Dataset:
    (network,) = config.networks
    images = data.load(config.dataset, device=device)
    if config.images > images.n_test:
        raise ValueError(f"{images.name} has {images.n_test:,} test images, not {config.images:,}: ask for fewer.")
    shape = Shape(
        images.features, len(images.classes), network.width, network.depth, network.gate_bias, network.initial
    )
    nets = HighwayNetworks(shape, config.seeds, device)
    recipe = Recipe(rate=network.rate, batch=config.batch)
    inputs, labels = images.vectors("train"), for_seeds(images.y_train, network.labels, config.seeds)
    test, y = images.vectors("test")[: config.images], images.y_test[: config.images]
    per_epoch = recipe.steps(images.n_train)
    steps = reading_steps(round(network.epochs * per_epoch), config.readings)
    found = []
    for number, moment in enumerate(fit(nets, inputs, labels, recipe, steps)):
        read, on = _read(nets, test, y)
        known = number % config.entropy_every == 0
        bits = pattern_entropies(on, config.method, budget=config.budget) if known else None
        found.append(read.assign(_complexity(bits, nets)))
        progress(number / config.readings, f"{network.name}: step {moment.step:,} of {steps[-1]:,}")
    return to_four_digits(_labelled(xr.concat(found, "reading"), network, nets, np.array(steps), per_epoch))


@torch.no_grad()
def _read(nets: HighwayNetworks, x: Tensor, y: Tensor) -> tuple[xr.Dataset, Tensor]:
    """Return what each layer does to test images, and its on/off patterns, (seed and layer, image, unit)."""
    layers = nets.layers(x)
    loss, error = loss_and_error(nets.scores(layers[-1].output), y)
    by_layer = {
        "effective_dimension": [effective_dimensions(layer.output.mT) for layer in layers],
        "linearity": [_mean(layer.on) for layer in layers],
        "gate": [np.full(len(loss), np.nan) if layer.gate is None else _mean(layer.gate) for layer in layers],
    }
    scalars = {"test_loss": ("seed", loss), "test_error": ("seed", error)}
    variables = {name: (("seed", "layer"), np.stack(each, 1)) for name, each in by_layer.items()}
    return xr.Dataset({**variables, **scalars}), torch.stack([layer.on.mT for layer in layers], 1).flatten(0, 1)


def _mean(shares: Tensor) -> np.ndarray:
    return shares.double().mean((-2, -1)).cpu().numpy()


def _complexity(bits: PatternEntropies | None, nets: HighwayNetworks) -> dict[str, tuple[tuple[str, str], np.ndarray]]:
    """Return complexity and independent bits of each layer; NaN where they were not estimated."""
    shape = len(nets.seeds), nets.shape.depth
    found = {}
    for name, field in (("complexity", "bits"), ("independent_bits", "independent_bits")):
        values = [np.nan] * (shape[0] * shape[1]) if bits is None else [getattr(each, field) for each in bits]
        found[name] = (("seed", "layer"), np.reshape(values, shape))
    return found


def _labelled(
    result: xr.Dataset, network: Network, nets: HighwayNetworks, steps: np.ndarray, per_epoch: int
) -> xr.Dataset:
    """Add coordinates, units and long names, and keep 32 bits."""
    of_network = {
        "width": network.width,
        "depth": network.depth,
        "rate": network.rate,
        "gate_bias": np.nan if network.gate_bias is None else network.gate_bias,
        "parameters": nets.shape.parameters,
    }
    result = result.astype(np.float32).assign_coords(
        seed=list(nets.seeds),
        layer=np.arange(1, network.depth + 1),
    )
    result = result.expand_dims(network=[network.name]).assign_coords(
        labels=("network", [network.labels]), initial=("network", [network.initial])
    )
    result = result.assign({name: ("network", [float(value)]) for name, value in of_network.items()})
    result = result.assign(step=(("network", "reading"), steps[None].astype(np.float64)))
    result["epoch"] = result["step"] / per_epoch
    for name, (long_name, units) in _ATTRS.items():
        result[name].attrs.update(long_name=long_name, units=units)
    return result.transpose("network", "seed", "reading", "layer", missing_dims="ignore")


_ATTRS = {
    "effective_dimension": ("effective dimension of a layer's output", "1"),
    "complexity": ("complexity of a layer's nonlinear part", "bits"),
    "independent_bits": ("entropy of as many independent units", "bits"),
    "linearity": ("share of units and images for which the nonlinear part is on", "1"),
    "gate": ("mean gate: share of the transform in the output", "1"),
    "test_loss": ("cross-entropy on test images", "nats"),
    "test_error": ("share of mistakes on test images", "1"),
    "step": ("steps of training", "1"),
    "epoch": ("epochs of training", "1"),
    "width": ("units of a hidden layer", "1"),
    "depth": ("hidden layers", "1"),
    "rate": ("learning rate", "1"),
    "gate_bias": ("bias of the gates at the start", "1"),
    "parameters": ("weights and biases", "1"),
    "seed": ("seed", "1"),
    "layer": ("layer, numbered from the input", "1"),
}
