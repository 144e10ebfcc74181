"""Residual networks that have learned an image set, by themselves or elsewhere, and how they see images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lib import data
from lib.data.images import ImageSet
from lib.models.resnet import Cell, ResNet, published, scaled, untrained
from lib.training import Recipe, fit_module

_TOGETHER = 250  # images that a network sees at once


@dataclass(frozen=True)
class Source:
    """An image set, and how a network comes to know it."""

    dataset: str
    size: int | None  # pixels of a side that images are brought to; their own size where None
    epochs: int  # of training; 0 for the published weights
    rate: float = 0.002  # of Adam
    batch: int = 64  # images per step
    learned: int | None = None  # train images that are learned from, the first ones; all where None

    def images(self, device: torch.device) -> ImageSet:
        """Load the image set."""
        return data.load(self.dataset, size=self.size, device=device)

    def network(
        self, depth: int, seed: int, images: ImageSet, progress: Callable[[float], None] = lambda share: None
    ) -> ResNet:
        """Return a network that has learned the train images, in evaluation mode.

        Raises
        ------
        ValueError, FileNotFoundError, OSError
            If weights of that depth were not published, are not there, or are damaged.
        """
        if not self.epochs:
            return published(depth).to(images.device)
        model = untrained(depth, seed, len(images.classes)).to(images.device)
        recipe = Recipe(rate=self.rate, batch=self.batch)
        x, y = inputs(images.x_train[: self.learned]), images.y_train[: self.learned]
        for epoch in fit_module(model, x, y, recipe, self.epochs, seed):
            progress(epoch.number / self.epochs)
        return model


DIGITS = Source("digits", size=16, epochs=4, batch=32)
"""What is run live: scikit-learn's digits at 16 x 16, learned in seconds."""

FEW_DIGITS = replace(DIGITS, epochs=2, batch=16, learned=300)
"""For tests: learned in a second or two, and not well."""

PUBLISHED = Source("cifar10", size=None, epochs=0)
"""CIFAR-10, and the weights that were published for it."""


def inputs(images: Tensor) -> Tensor:
    """Return images as the networks are given them: scaled, three channels, in channels-last order."""
    return scaled(images.expand(-1, 3, -1, -1)).to(memory_format=torch.channels_last)


def batches(images: Tensor) -> Iterator[Tensor]:
    """Yield inputs for many images, part by part."""
    return (inputs(part) for part in images.split(_TOGETHER))


def scores_of(model: ResNet, images: Tensor, precision: torch.dtype = torch.float32) -> Tensor:
    """Return the scores that a network in evaluation mode gives to many images, float32, shape (sample, class)."""
    with torch.no_grad(), torch.autocast(images.device.type, precision, enabled=precision != torch.float32):
        return torch.cat([model(part) for part in batches(images)]).float()


def topmost(model: ResNet) -> list[str]:
    """Return the names of the ReLUs that layers are read at: the first, then in each cell that after the summation.

    Examples
    --------
    >>> topmost(ResNet(8))
    ['relu', 'layer1.0.relu', 'layer2.0.relu', 'layer3.0.relu']
    """
    return ["relu", *(f"{name}.relu" for name, module in model.named_modules() if isinstance(module, Cell))]


def blocks_of(model: ResNet) -> list[int]:
    """Return the block of each of those layers: 1 is the first convolution, 2 to 4 hold the cells.

    Examples
    --------
    >>> blocks_of(ResNet(8))
    [1, 2, 3, 4]
    """
    return [1, *(1 + int(name.removeprefix("layer").split(".")[0]) for name in topmost(model)[1:])]


def channels_of(model: ResNet) -> list[int]:
    """Return the number of channels of each of those layers.

    Examples
    --------
    >>> channels_of(ResNet(8))
    [16, 16, 32, 64]
    """
    cells = [module.bn2.num_features for module in model.modules() if isinstance(module, Cell)]
    return [model.bn1.num_features, *cells]


def shuffled_pixels(images: Tensor, seed: int) -> Tensor:
    """Return images whose pixels were put in an order of its own for each image, all channels alike.

    Examples
    --------
    >>> image = torch.arange(4, dtype=torch.uint8).view(1, 1, 2, 2)
    >>> shuffled_pixels(image, seed=0).flatten().sort().values
    tensor([0, 1, 2, 3], dtype=torch.uint8)
    """
    generator = torch.Generator().manual_seed(seed)
    flat = images.flatten(2)
    order = torch.rand(len(flat), flat.shape[2], generator=generator).argsort(1).to(images.device)
    return flat.gather(2, order[:, None].expand_as(flat)).view_as(images)
