"""Residual networks along training, task by task (chapter 6; J, figures 4 to 7 and table 1).

Appendix C of the text: ResNet-56, 100 epochs of SGD at 0.1 with momentum 0.9, weight decay 1e-4 and batches of 128,
the rate divided by ten after epochs 80 and 90; shorter trainings have the same schedule in proportion. Pictures are
moved by up to 4 pixels; photographs are mirrored in half of the cases, digits and torn pictures never. For random
labels there is no weight decay and no augmentation, for it is these very pictures that are to be memorised; true labels
are learned in the same way, too, so that both differ in the labels alone.

Layers are read on test pictures, on train pictures where the text does (random labels) or the comparison asks for it
(CIFAR-10), and on patches of coloured objects alone, without the constant background. Every layer is read at as many
patches of as many pictures, at every moment of every task, so that bounds are equally loose; ``patterns`` says how many
there were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from lib.data.crops import crops
from lib.data.image_tasks import TASKS, load_task, objects
from lib.data.images import ImageSet
from lib.data.order import Stream, generator_of
from lib.device import fast_precision
from lib.experiments._joining import joined_along_seeds
from lib.experiments._progress import Progress
from lib.experiments._residual import batches, blocks_of, channels_of, inputs, scores_of, topmost
from lib.experiments.networks import network_pieces
from lib.measures.patterns import Budget
from lib.models.resnet import ResNet, untrained
from lib.probing import probe
from lib.training import Recipe, fit_module
from lib.unfinished import Unfinished

VERSION = 1

STORED_BY_PIECE = True
"""Each network's record stands alone, so that a long list of runs can be stored as it grows."""

PARTS = ("test", "train", "object")
"""What layers are read on: test pictures, train pictures, patches of test pictures that show the coloured object."""

RATE = 0.1
"""Learning rate of the text, before it drops."""

RANDOM_RANGE = (40, 80)
"""Epochs between which the text fits its exponent for random labels."""


@dataclass(frozen=True)
class Network:
    """One network and how it learns; the defaults are the text's."""

    task: str = "CIFAR-10"  # one of lib.data.image_tasks.TASKS
    depth: int = 56  # layers with weights
    epochs: int = 100
    rate: float = RATE  # of SGD, before it drops
    learned: int | None = None  # train pictures that are learned from, the first ones; all where None
    augmented: bool | None = None  # whether pictures are moved and mirrored; unless they are memorised where None
    seeds: tuple[int, ...] | None = None  # those of the whole run where None

    @property
    def name(self) -> str:
        """What it is called in the results: its task and depth, and what else differs from the text's."""
        rate = f", rate {self.rate:g}" if self.rate != RATE else ""
        return f"{self.task}, ResNet-{self.depth}{rate}{', augmented' if self.augmented else ''}"

    @property
    def moved(self) -> bool:
        """Whether pictures are moved and mirrored while learning."""
        return not TASKS[self.task].memorised if self.augmented is None else self.augmented

    @property
    def weight_decay(self) -> float:
        """Its coefficient."""
        return 0.0 if TASKS[self.task].memorised else 1e-4

    def entropy_epochs(self, moments: int) -> list[int]:
        """Epochs after which its entropies are estimated, see :func:`entropy_epochs`."""
        return entropy_epochs(self.epochs, moments, memorised=TASKS[self.task].memorised)

    @property
    def parts(self) -> tuple[str, ...]:
        """What its layers are read on."""
        task = TASKS[self.task]
        if task.memorised or self.task == "CIFAR-10":
            return "test", "train"
        return ("test", "object") if task.coloured else ("test",)


@dataclass(frozen=True)
class Config:
    """Size and setting of a run."""

    networks: tuple[Network, ...] = (Network(),)  # in the order in which they are run
    batch: int = 128  # pictures a step
    evaluated: int = 5_000  # train pictures, as they are, on which loss and error are taken; test: all
    images: int = 10_000  # pictures of each part on which layers are read
    patches: int = 8  # of each picture, in every layer alike; few thin digits have fewer on the coarsest pixels
    moments: int = 12  # epochs at which entropies are estimated, at most; a few more with random labels
    method: str = "autoregressive"  # of the entropy
    budget: Budget | None = None  # of its networks, the same for all layers; by their size where None
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)  # of initial weights, order, crops; patches read, folds
    seeds_together: int = 1  # networks in one record


_ALL = ("CMNIST", "CKMNIST", "CFashionMNIST", "CIFAR-10", "CIFAR-100")
_TORN = tuple(f"{name}_T8" for name in _ALL)
_RANDOM, _TRUE = "CIFAR-10, random labels", "CIFAR-10, true labels"
_PIECES = tuple(f"{name}, 64 pieces" for name in ("CMNIST", "CFashionMNIST", "CIFAR-10"))

PAPER = (
    *(Network(task) for task in (*_ALL, *_TORN, _RANDOM)),
    Network("CIFAR-10", rate=0.05),
    Network(_TRUE),
    *(Network("CIFAR-10", rate=rate) for rate in (0.2, 0.025)),
    Network(_RANDOM, rate=0.01),
    Network(_RANDOM, augmented=True),
    *(Network(task) for task in (*_PIECES, "CIFAR-10, 2 classes", "CIFAR-10, 5 classes")),
)
"""The text's networks, and then the controls that it has not."""

_FEW_TASKS = ("CIFAR-10", "CMNIST", "CKMNIST", "CFashionMNIST", "CIFAR-100")
_FEW_TORN = ("CIFAR-10_T8", "CMNIST_T8", "CFashionMNIST_T8")

REDUCED = (
    *(Network(task, epochs=8, seeds=(0,)) for task in (*_FEW_TASKS, *_FEW_TORN)),
    Network(_RANDOM, epochs=150, learned=5_000),
    *(Network(task, depth=20, epochs=8) for task in (*_FEW_TASKS, *_FEW_TORN)),
    Network("CIFAR-10", depth=20, epochs=8, rate=0.05),
    *(Network(task, depth=20, epochs=150, learned=5_000) for task in (_RANDOM, _TRUE)),
)
"""One ResNet-56 a task, three for random labels; then ResNet-20, which carries the seeds."""

_LIVE = (
    Network("CDigits", depth=8, epochs=5, learned=800),
    Network("CDigits_T8", depth=8, epochs=5, learned=800),
    Network("CDigits, random labels", depth=8, epochs=24, learned=60),
)
_LIVE_BUDGET = Budget(hidden=32, steps=80, batch=128, decay=2.0, checks=8, patience=3)

PRESETS = {
    "smoke": Config(
        networks=(
            Network("CDigits", depth=8, epochs=2, learned=160),
            Network("CDigits, random labels", depth=8, epochs=3, learned=64, seeds=(1,)),
            Network("CDigits_T8", depth=8, epochs=1, learned=64, seeds=(1,)),
        ),
        batch=32,
        evaluated=64,
        images=30,
        patches=4,
        moments=3,
        method="miller-madow",
        seeds=(0, 1),
    ),
    "book": Config(_LIVE, batch=16, evaluated=60, images=60, patches=16, moments=4, budget=_LIVE_BUDGET, seeds=(0,)),
    "reduced": Config(networks=REDUCED, evaluated=2_000, images=2_000, moments=8, seeds=(0, 1, 2)),
    "paper": Config(networks=PAPER),
}


def stored_epochs(epochs: int) -> list[int]:
    """Return the epochs after which networks are looked at: 0 to 10, 15, 20, 30 and so on, and the last.

    Examples
    --------
    >>> stored_epochs(33)
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 30, 33]
    """
    early = (*range(11), 15, *range(20, epochs, 10))
    return sorted({epoch for epoch in early if epoch < epochs} | {epochs})


def entropy_epochs(epochs: int, moments: int, *, memorised: bool = False) -> list[int]:
    """Return the stored epochs after which entropies are estimated: 0, and near to evenly spaced in the logarithm.

    Where labels are memorised also all of :data:`RANDOM_RANGE`.

    Examples
    --------
    >>> entropy_epochs(100, 8), entropy_epochs(4, 8)
    ([0, 1, 2, 5, 10, 20, 50, 100], [0, 1, 2, 3, 4])
    """
    stored = stored_epochs(epochs)
    if len(stored) <= moments:
        return stored
    wanted = np.geomspace(1, epochs, moments - 1)
    nearest = np.abs(np.log(np.array(stored[1:])[:, None] / wanted)).argmin(0)
    first, last = RANDOM_RANGE
    fitted = {epoch for epoch in stored if memorised and first <= epoch <= last}
    return [0, *sorted({stored[1 + place] for place in nearest.tolist()} | fitted)]


def pieces(config: Config) -> list[Config]:
    """Return one config a network, in the order in which they are to be run."""
    return network_pieces(config)


def join_pieces(results: Sequence[xr.Dataset]) -> xr.Dataset:
    """Put networks and seeds together; what a network has not, such as a layer or an epoch, is NaN."""
    found = joined_along_seeds(results, "network")
    return found.sel(part=[part for part in PARTS if part in found["part"].values])


def run(config: Config, *, device: torch.device, progress: Progress) -> xr.Dataset:
    """Let every network learn its task, and read its layers along the way.

    Returns
    -------
    Dataset
        Dimensions ``network``, ``seed`` and ``epoch``: loss and error on test and train pictures, and while learning.
        With ``part`` (:data:`PARTS`) and ``layer`` (0 is the first convolution, then one a residual cell): effective
        dimension and linearity; at some epochs complexity with its standard error, independent bits, total correlation
        and its normalised form. ``task``, ``depth``, ``rate`` and ``learned`` of each network; ``units`` and ``block``
        of each layer.

    Raises
    ------
    ValueError, FileNotFoundError
        If a task or depth does not exist, its image set is not here, or more pictures are asked for than there are.
    """
    parts = [(piece, seed) for piece in pieces(config) for seed in piece.seeds]
    found = []
    for number, (piece, seed) in enumerate(parts):

        def report(share: float, number: int = number, name: str = piece.networks[0].name, seed: int = seed) -> None:
            progress((number + share) / len(parts), f"{name}, seed {seed}")

        found.append(_run_network(config, piece.networks[0], seed, device, report))
    progress(1.0, "done")
    return join_pieces(found)


def _run_network(
    config: Config, network: Network, seed: int, device: torch.device, report: Callable[[float], None]
) -> xr.Dataset:
    images = load_task(network.task, device)
    x, y = images.x_train[: network.learned], images.y_train[: network.learned]
    pictures = _pictures(config, network, images, x)
    # not compiled: on a processor without bfloat16, torch.compile makes a step of ResNet-56 take half as long again
    model = untrained(network.depth, seed, len(images.classes)).to(device).to(memory_format=torch.channels_last)
    recipe = Recipe("sgd", network.rate, network.weight_decay, config.batch, momentum=0.9, drops=(0.8, 0.9))
    precision = fast_precision(device)
    mirror = TASKS[network.task].mirror

    def prepare(samples: Tensor, step: int) -> Tensor:
        if network.moved:
            samples = crops(samples, generator_of(seed, Stream.CROPS, step), mirror=mirror)
        return inputs(samples)

    def look(learning: dict[str, float], epoch: int) -> xr.Dataset:
        train = _loss_and_error(model, x[: config.evaluated], y[: config.evaluated], precision)
        test = _loss_and_error(model, images.x_test, images.y_test, precision)
        known = {
            **learning,
            "train_loss": train[0],
            "train_error": train[1],
            "test_loss": test[0],
            "test_error": test[1],
        }
        scalars = {name: ((), value, _SCALARS[name]) for name, value in known.items()}
        layers = [_read(config, model, *of_part, seed, epoch in known_at) for of_part in pictures.values()]
        return xr.concat(layers, "part").assign(scalars)

    stored, known_at = stored_epochs(network.epochs), network.entropy_epochs(config.moments)
    asked = (VERSION, replace(config, networks=(network,), seeds=(seed,)))
    optimizer, unfinished = recipe.start(*model.parameters()), Unfinished("residual_tasks", asked, device)
    done, found = unfinished.resume(model, optimizer)
    if not found:
        found = [look({"learning_loss": np.nan, "learning_error": np.nan}, 0)]
    learned = fit_module(
        model,
        x,
        y,
        recipe,
        network.epochs,
        seed,
        prepare=prepare,
        precision=precision,
        optimizer=optimizer,
        done=done,
    )
    for epoch in learned:
        if epoch.number in stored:
            found.append(look({"learning_loss": epoch.loss, "learning_error": epoch.error}, epoch.number))
        unfinished.keep(epoch.number, model, optimizer, found)
        report(epoch.number / network.epochs)
    unfinished.end()
    result = xr.concat(found, "epoch").assign_coords(epoch=stored, part=list(pictures)).expand_dims("seed")
    result["epoch"].attrs.update(long_name="epochs of training", units="1")
    return (
        result.assign(
            units=("layer", channels_of(model), _attrs("channels of a layer")),
            block=("layer", blocks_of(model), _attrs("block of the network, from 1 on")),
        )
        .expand_dims("network")
        .assign_coords(
            network=[network.name],
            seed=[seed],
            layer=("layer", np.arange(len(blocks_of(model))), _attrs("layer")),
            task=("network", [network.task]),
            depth=("network", [network.depth], _attrs("layers with weights")),
            rate=("network", [network.rate], _attrs("learning rate at the start")),
            learned=("network", [len(x)], _attrs("train pictures that are learned from")),
        )
        .assign_attrs(precision=str(precision).removeprefix("torch."), seconds_before=unfinished.seconds_before)
    )


def _pictures(
    config: Config, network: Network, images: ImageSet, learned: Tensor
) -> dict[str, tuple[Tensor, Tensor | None]]:
    """Return the pictures of each part on which layers are read, and the pixels to read."""
    sources: dict[str, tuple[Tensor, Tensor | None]] = {"test": (images.x_test, None), "train": (learned, None)}
    if TASKS[network.task].coloured:
        sources["object"] = (images.x_test, objects(network.task, "test", images.device))
    found = {}
    for part in network.parts:
        pictures, mask = sources[part]
        if len(pictures) < config.images:
            raise ValueError(
                f"{network.name} has {len(pictures):,} {part} pictures, not {config.images:,}: read fewer."
            )
        found[part] = (pictures[: config.images], None if mask is None else mask[: config.images])
    return found


def _read(
    config: Config, model: ResNet, pictures: Tensor, mask: Tensor | None, seed: int, entropies: bool
) -> xr.Dataset:
    observables = ("linearity", "effective_dimension", *(("complexity",) if entropies else ()))
    found = probe(
        model,
        batches(pictures),
        topmost(model),
        observables,
        patches=config.patches,
        where=mask,
        method=config.method,
        budget=config.budget,
        seed=seed,
    ).drop_vars(("layer", "units", "complexity_per_unit", "additive_complexity"), errors="ignore")
    if not entropies:
        unknown = np.full(found.sizes["layer"], np.nan)
        return found.assign({name: ("layer", unknown, attrs) for name, attrs in _ENTROPIES.items()})
    known = found.assign(total_correlation=found["independent_bits"] - found["complexity"])
    return known.assign({name: known[name].assign_attrs(attrs) for name, attrs in _ENTROPIES.items()})


def _loss_and_error(model: ResNet, pictures: Tensor, labels: Tensor, precision: torch.dtype) -> tuple[float, float]:
    scores = scores_of(model, pictures, precision)
    loss = torch.nn.functional.cross_entropy(scores, labels)
    return float(loss), float((scores.argmax(1) != labels).double().mean())


def _attrs(long_name: str, units: str = "1") -> dict[str, str]:
    return {"long_name": long_name, "units": units}


_SCALARS = {
    "learning_loss": _attrs("cross-entropy while learning, mean over the epoch", "nats"),
    "learning_error": _attrs("share of mistakes while learning, mean over the epoch"),
    "train_loss": _attrs("cross-entropy on train pictures as they are", "nats"),
    "train_error": _attrs("share of mistakes on train pictures as they are"),
    "test_loss": _attrs("cross-entropy on test pictures", "nats"),
    "test_error": _attrs("share of mistakes on test pictures"),
}

_ENTROPIES = {
    "complexity": _attrs("entropy of the layer's patterns", "bits"),
    "complexity_error": _attrs("standard error of complexity, over pictures", "bits"),
    "independent_bits": _attrs("entropy of independent units", "bits"),
    "total_correlation": _attrs("independent bits less complexity", "bits"),
    "normalized_total_correlation": _attrs("share of independent bits that units have in common"),
}
