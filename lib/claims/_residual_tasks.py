"""What judges of ``residual_tasks`` share: which networks a record has, means over blocks, who memorised.

Choices made before any record was judged:

- Complexity is per unit, so that layers of 16, 32 and 64 channels can be compared. A block's number is the mean over
  its layers; the top block is the fourth.
- Layers are read on test pictures, where labels are memorised on train pictures, as in the text. Difficulty is the
  error on test pictures after the last epoch.
- A run has memorised its labels if its error on train pictures is below 0.1 in the end.
- Networks that share a seed began with the same weights, so seeds are paired. What needs several tasks takes the seeds
  that all of them have.
- A shallower network, or a shorter training than the text's 100 epochs, can say *partly* at most.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

from lib.claims._judging import TINY, conclude, span
from lib.claims._model import Condition, Judgement
from lib.claims._verdict import lies
from lib.data.image_tasks import TASKS
from lib.experiments.networks import common_seeds
from lib.experiments.residual_tasks import Network
from lib.measures.statistics import Estimate, difference_interval

DEPTH, EPOCHS = 56, 100
"""The text's network, and how long it learns."""

WHOLE = ("CMNIST", "CKMNIST", "CFashionMNIST", "CIFAR-10", "CIFAR-100")
TORN = tuple(f"{task}_T8" for task in WHOLE)
RANDOM = "CIFAR-10, random labels"
TRUE = "CIFAR-10, true labels"
"""What random labels differ from in nothing but the labels: as many pictures, learned in the same way for as long."""

NEEDED: dict[str, tuple[str, ...]] = {
    "J2": (RANDOM, "CIFAR-10"),
    "J3": ("CMNIST", "CFashionMNIST", "CIFAR-10", "CIFAR-100"),
    "J4": ("CMNIST",),
    "J6": (RANDOM, "CIFAR-10"),
    "J8": (*WHOLE, *TORN),
    "J9": (*WHOLE, *TORN),
    "J10": (*WHOLE, *TORN, RANDOM),
    "J11": (*WHOLE, *TORN),
    "J13": (*WHOLE, *TORN, RANDOM),
    "J14": (*WHOLE, *TORN),
    "J15": ("CMNIST", "CFashionMNIST", "CIFAR-10", "CIFAR-100"),
    "J16": ("CKMNIST", "CFashionMNIST", "CIFAR-10", RANDOM),
    "J17": (*WHOLE, *TORN, RANDOM),
    "J18": ("CKMNIST", "CFashionMNIST", "CIFAR-10", RANDOM),
    "J19": ("CKMNIST", "CFashionMNIST", "CIFAR-10", "CIFAR-10, rate 0.05", RANDOM),
    "J20": ("CIFAR-10", "CIFAR-10, rate 0.05"),
    "J21": (RANDOM,),
}
"""Tasks that each claim names, and rates other than 0.1."""

BLOCKS = (2, 3, 4)
TOP = 4

FEWEST = 4
"""Tasks below which there is nothing to rank."""

MEMORISED = 0.1
"""Error on train pictures below which labels are memorised."""

PER_UNIT = {"complexity", "independent_bits", "total_correlation"}
"""What is divided by the units of its layer."""

OBSERVABLES = {"effective_dimension": "dimension", "complexity": "complexity"}
"""The axes of the text's plane, and how conditions call them."""


# -- networks of a record ---------------------------------------------------------------------------------------------


def networks(record: xr.Dataset) -> list[xr.Dataset]:
    """Return all networks of a record, each without the seeds, epochs and layers that it has not."""
    return [chosen for name in record["network"].values if (chosen := one(record, str(name))) is not None]


def one(record: xr.Dataset, name: str) -> xr.Dataset | None:
    """Return a network of a record by name, without the seeds, epochs and layers that it has not; None if missing."""
    if name not in record["network"].values:
        return None
    chosen = record.sel(network=name)
    learned = chosen["test_error"].notnull()
    seeds, epochs = (np.flatnonzero(learned.any(dim)) for dim in ("epoch", "seed"))
    layers = np.flatnonzero(chosen["block"].notnull())
    chosen = chosen.isel(seed=seeds, epoch=epochs, layer=layers)
    return chosen if chosen.sizes["seed"] and chosen.sizes["epoch"] else None


def of_task(record: xr.Dataset, task: str, depth: int = DEPTH, rate: float | None = None) -> xr.Dataset | None:
    """Return the network that learned a task as the text says, but for depth and rate; None if it is missing."""
    known = Network(task, depth=depth)
    return one(record, known.name if rate is None else Network(task, depth=depth, rate=rate).name)


def depths_of(record: xr.Dataset) -> list[int]:
    """Return the depths of a record's networks, deepest first.

    Examples
    --------
    >>> depths_of(xr.Dataset(coords={"depth": ("network", [20, 56, 20])}))
    [56, 20]
    """
    return sorted({int(depth) for depth in record["depth"].values}, reverse=True)


def of_depth(record: xr.Dataset, depth: int, tasks: Sequence[str]) -> list[xr.Dataset]:
    """Return those networks of a depth that the record has, in the order of the tasks."""
    return [chosen for task in tasks if (chosen := of_task(record, task, depth)) is not None]


def with_tasks(record: xr.Dataset, *tasks: str) -> Iterator[tuple[int, list[xr.Dataset]]]:
    """Yield every depth at which a record has networks for all of some tasks, deepest first, and the networks."""
    for depth in depths_of(record):
        found = [chosen for task in tasks if (chosen := of_task(record, task, depth)) is not None]
        if len(found) == len(tasks):
            yield depth, found


def task_of(chosen: xr.Dataset) -> str:
    """Return the task of one network."""
    return str(chosen["task"].item())


def epochs_of(chosen: xr.Dataset) -> int:
    """Return how long a network learned."""
    return int(chosen["epoch"].values[-1])


def part_of(chosen: xr.Dataset) -> str:
    """Return the pictures on which a network's layers are read where nothing else is asked for."""
    return "train" if TASKS[task_of(chosen)].memorised else "test"


def by_success(chosen: xr.Dataset) -> tuple[xr.Dataset | None, xr.Dataset | None]:
    """Part a network's seeds into those that have memorised their labels and those that have not; None for none."""
    good = (chosen["train_error"].isel(epoch=-1) < MEMORISED).values
    successful, failed = (chosen.isel(seed=np.flatnonzero(which)) for which in (good, ~good))
    return (successful if good.any() else None), (failed if (~good).any() else None)


def learners(record: xr.Dataset) -> list[tuple[str, xr.Dataset]]:
    """Return name and network of all tasks at all depths, of random labels those seeds that memorised them."""
    found = []
    for task in (*WHOLE, *TORN, RANDOM):
        for depth, (chosen,) in with_tasks(record, task):
            kept = by_success(chosen)[0] if TASKS[task].random_labels else chosen
            if kept is not None:
                found.append((f"ResNet-{depth}, {task}", kept))
    return found


# -- their layers -----------------------------------------------------------------------------------------------------


def values(chosen: xr.Dataset, quantity: str, part: str | None = None) -> np.ndarray:
    """Return a quantity of every layer after every stored epoch, float64, shape (seed, epoch, layer)."""
    found = chosen[quantity].sel(part=part or part_of(chosen)).transpose("seed", "epoch", "layer").values
    return np.asarray(found / chosen["units"].values if quantity in PER_UNIT else found, dtype=np.float64)


def layers(chosen: xr.Dataset, quantity: str, part: str | None = None, epoch: int = -1) -> np.ndarray:
    """Return a quantity of every layer after one of the stored epochs, by place, shape (seed, layer)."""
    return np.asarray(values(chosen, quantity, part)[:, epoch])


def of_block(
    chosen: xr.Dataset, quantity: str, block: int = TOP, part: str | None = None, epoch: int = -1
) -> np.ndarray:
    """Return the mean of a quantity over the layers of a block after one of the stored epochs, shape (seed,)."""
    return np.asarray(along(chosen, quantity, block, part)[:, epoch])


def along(chosen: xr.Dataset, quantity: str, block: int = TOP, part: str | None = None) -> np.ndarray:
    """Return the mean of a quantity over the layers of a block after every stored epoch, shape (seed, epoch)."""
    return np.asarray(values(chosen, quantity, part)[..., chosen["block"].values == block].mean(axis=-1))


def course(chosen: xr.Dataset, quantity: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the epochs at which entropies are known, (moment,), and the top block's quantity there, (seed, moment)."""
    known = np.isfinite(along(chosen, "complexity")).all(axis=0)
    return chosen["epoch"].values[known].astype(np.float64), along(chosen, quantity)[:, known]


def error_of(chosen: xr.Dataset, kind: str = "test_error") -> np.ndarray:
    """Return an error after the last epoch, shape (seed,)."""
    return np.asarray(chosen[kind].isel(epoch=-1).values, dtype=np.float64)


def same_seeds(*chosen: xr.Dataset) -> list[xr.Dataset]:
    """Return networks with the seeds that all of them have."""
    seeds = common_seeds(*chosen)
    return [each.sel(seed=seeds) for each in chosen]


# -- comparing them ---------------------------------------------------------------------------------------------------


def gap(
    higher: xr.Dataset,
    lower: xr.Dataset,
    quantity: str,
    block: int = TOP,
    *,
    parts: tuple[str | None, str | None] = (None, None),
    epoch: int = -1,
) -> Estimate:
    """Return by how much a block's quantity is larger in one network than in another, over seeds.

    Paired where both have a seed in common, and then over common seeds only.
    """
    paired = bool(common_seeds(higher, lower))
    if paired:
        higher, lower = same_seeds(higher, lower)
    first = of_block(higher, quantity, block, parts[0], epoch)
    return difference_interval(first, of_block(lower, quantity, block, parts[1], epoch), paired=paired)


def gap_since(higher: xr.Dataset, lower: xr.Dataset, quantity: str, block: int = TOP) -> Estimate:
    """Return by how much such a difference has grown in training: how far it is from its control."""
    paired = bool(common_seeds(higher, lower))
    if paired:
        higher, lower = same_seeds(higher, lower)
    first, second = (
        of_block(each, quantity, block) - of_block(each, quantity, block, epoch=0) for each in (higher, lower)
    )
    return difference_interval(first, second, paired=paired)


def reversed_gap(found: Estimate) -> Estimate:
    """Return a difference taken the other way round."""
    return Estimate(-found.mean, -found.high, -found.low, found.n)


def above_zero(
    name: str,
    found: Estimate,
    control: Estimate | None = None,
    note: str = "",
    *,
    difference: Estimate | None = None,
) -> Condition:
    """Make the condition that a difference is above 0; a control where it is above 0 too holds as well.

    Where the interval of its `difference` to the control holds 0, it is not beyond the control.
    """
    return Condition.measured(
        name,
        found,
        control=control,
        difference=difference,
        passes=lies(span(found), low=TINY),
        holds_in_control=None if control is None else lies(span(control), low=TINY) is True,
        note=note,
    )


def over_tasks(chosen: Sequence[xr.Dataset], quantity: str, epoch: int = -1) -> np.ndarray:
    """Return a quantity of the top block of several networks with common seeds, shape (seed, network)."""
    return np.stack([of_block(each, quantity, epoch=epoch) for each in same_seeds(*chosen)], axis=1)


# -- concluding -------------------------------------------------------------------------------------------------------


def scale_of(used: Sequence[xr.Dataset]) -> str:
    """Say how deep networks are and how long they learned, deepest first.

    Examples
    --------
    >>> coords = {"depth": 20, "epoch": [0, 8], "learned": 5000}
    >>> scale_of([xr.Dataset(coords=coords)])
    'ResNet-20, 8 epochs of 5,000 pictures'
    """
    kinds = {(int(each["depth"]), epochs_of(each), int(each["learned"])) for each in used}
    by_depth: dict[int, list[str]] = {}
    for depth, epochs, learned in sorted(kinds, reverse=True):
        by_depth.setdefault(depth, []).append(f"{epochs} epochs of {learned:,}")
    return "; ".join(f"ResNet-{depth}, {' or '.join(each)} pictures" for depth, each in by_depth.items())


def as_the_text(chosen: xr.Dataset) -> bool:
    """Say whether a network is as deep as the text's, and learned as long."""
    return int(chosen["depth"]) == DEPTH and epochs_of(chosen) >= EPOCHS


def missing(record: xr.Dataset, claim: str) -> list[str]:
    """Return the tasks that a claim names and for which a record has not the text's network."""
    absent = []
    for needed in NEEDED[claim]:
        task, _, rate = needed.partition(", rate ")
        if of_task(record, task, rate=float(rate) if rate else None) is None:
            absent.append(needed)
    return absent


def close(
    claim: str,
    carrier: Condition,
    conditions: Sequence[Condition],
    used: Sequence[xr.Dataset],
    *,
    record: xr.Dataset,
    measure: str,
    control: str,
    text: str,
    partly: bool = False,
) -> Judgement:
    """Conclude from conditions, say at what scale, and which of the text's networks are missing.

    Parameters
    ----------
    claim
        Its key; where the text's network for a task that it names is missing, the text says so.
    carrier, conditions, measure, control, text
        As for `conclude`.
    used
        Networks behind the conditions.
    record
        Where they are from.
    partly
        Whether something else that the claim names cannot be had from the record.
    """
    not_there = missing(record, claim)
    short = partly or bool(not_there) or not all(map(as_the_text, used))
    if not_there:
        text += f" No ResNet-{DEPTH} of: {', '.join(not_there)}."
    return conclude(
        carrier,
        conditions,
        measure=measure,
        control=control,
        text=f"{text} Run: {scale_of(used)}.",
        at_most="partly" if short else "reproduced",
    )
