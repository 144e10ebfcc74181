"""The tasks of *Complexity for deep neural networks* by name: an image set, and what is done to it.

Pictures are drawn once, not anew in each epoch. Random labels are the true ones in random order
(:func:`lib.data.shuffled_labels`): the text speaks of "10 randomly chosen groups of images", so each class keeps its
size and guessing its 90 % of mistakes. Test images keep their own labels.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lib.data.images import ImageSet, Part, load
from lib.data.tasks import shuffled_labels
from lib.data.variants import coloured, placed, torn


@dataclass(frozen=True)
class Task:
    """What is to be learned: an image set, and what is done to it."""

    dataset: str
    coloured: bool = False
    enlarged: int | None = None  # pixels of a side to which images are brought before they are coloured
    pieces: int = 1  # along a side; 1 where pictures are whole
    classes: int | None = None  # the first ones; all where None
    random_labels: bool = False
    memorised: bool = False  # learned without weight decay and as they are, as random labels are: their control

    @property
    def mirror(self) -> bool:
        """Whether a picture's mirror image is one of its class as well: photographs only, and whole ones."""
        return not self.coloured and self.pieces == 1


_WHOLE = {
    "CMNIST": Task("mnist", coloured=True),
    "CKMNIST": Task("kmnist", coloured=True),
    "CFashionMNIST": Task("fashion-mnist", coloured=True),
    "CIFAR-10": Task("cifar10"),
    "CIFAR-100": Task("cifar100"),
    "CDigits": Task("digits", coloured=True, enlarged=28),
}
_MEMORISED = ("CIFAR-10", "CDigits")
TASKS: dict[str, Task] = {
    **_WHOLE,
    **{f"{name}_T8": replace(task, pieces=4) for name, task in _WHOLE.items()},
    **{f"{name}, random labels": replace(_WHOLE[name], random_labels=True, memorised=True) for name in _MEMORISED},
    **{f"{name}, true labels": replace(_WHOLE[name], memorised=True) for name in _MEMORISED},
    **{f"{name}, 64 pieces": replace(_WHOLE[name], pieces=8) for name in ("CMNIST", "CFashionMNIST", "CIFAR-10")},
    **{f"CIFAR-10, {number} classes": replace(_WHOLE["CIFAR-10"], classes=number) for number in (2, 5)},
}
"""Tasks by name: those of the text, the same made of scikit-learn's digits, which need no download, and controls.

Controls are true labels that are learned as random ones are, pictures torn into 64 pieces instead of 16, and fewer
classes.
"""


def load_task(name: str, device: str | torch.device | None = None, seed: int = 0) -> ImageSet:
    """Load the pictures and labels of a task, all 3 x 32 x 32, on one device.

    Parameters
    ----------
    name
        One of :data:`TASKS`.
    device
        Where they are made and stay; the CPU where None.
    seed
        Decides places, colours, noise, tearing and random labels; train and test pictures share the tearing only.

    Raises
    ------
    ValueError, FileNotFoundError
        If there is no such task, or its image set is not here and cannot be downloaded.

    Examples
    --------
    >>> load_task("CDigits_T8").x_train.shape
    torch.Size([1437, 3, 32, 32])
    """
    task = _task(name)
    images = _of_classes(load(task.dataset, size=task.enlarged, device=device), task.classes)

    def pictures(x: Tensor, part: Part) -> Tensor:
        x = coloured(x, _of_part(seed, part)) if task.coloured else x
        return torn(x, seed, task.pieces) if task.pieces > 1 else x

    return replace(
        images,
        name=name,
        x_train=pictures(images.x_train, "train"),
        y_train=shuffled_labels(images.y_train, seed) if task.random_labels else images.y_train,
        x_test=pictures(images.x_test, "test"),
    )


def _of_classes(images: ImageSet, number: int | None) -> ImageSet:
    if number is None:
        return images
    train, test = images.y_train < number, images.y_test < number
    return replace(
        images,
        x_train=images.x_train[train],
        y_train=images.y_train[train],
        x_test=images.x_test[test],
        y_test=images.y_test[test],
        classes=images.classes[:number],
    )


def objects(name: str, part: Part = "test", device: str | torch.device | None = None, seed: int = 0) -> Tensor | None:
    """Return where the objects of a task's pictures are, apart from the black background; None for photographs.

    Returns
    -------
    Tensor or None
        bool, shape (sample, 32, 32), for the pictures that :func:`load_task` gives with the same seed.

    Raises
    ------
    ValueError, FileNotFoundError
        As :func:`load_task`.

    Examples
    --------
    >>> mask, pictures = objects("CDigits"), load_task("CDigits").x_test
    >>> bool(pictures.movedim(1, -1)[~mask].any())
    False
    """
    task = _task(name)
    if not task.coloured:
        return None
    images = _of_classes(load(task.dataset, size=task.enlarged, device=device), task.classes)
    x = images.x_train if part == "train" else images.x_test
    mask = placed(x, _of_part(seed, part))[:, 0] > 0
    return torn(mask, seed, task.pieces) if task.pieces > 1 else mask


def _task(name: str) -> Task:
    if name not in TASKS:
        near = difflib.get_close_matches(name, TASKS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(TASKS)}."
        raise ValueError(f"Unknown task {name!r}: {hint}")
    return TASKS[name]


def _of_part(seed: int, part: Part) -> int:
    """Return another seed for test pictures than for train pictures."""
    return 2 * seed + (part == "test")
