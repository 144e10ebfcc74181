"""Training a residual network as this library does it, beside a plain loop over a DataLoader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from lib.bench._timing import BenchResult, side_by_side
from lib.data.crops import crops
from lib.data.order import Stream, generator_of
from lib.device import choose, fast_precision
from lib.experiments._residual import inputs
from lib.models.resnet import PIXEL_DEVIATION, PIXEL_MEAN, untrained
from lib.training import Recipe, fit_module

_RATE, _DECAY, _MOMENTUM = 0.1, 1e-4, 0.9


def run(
    depth: int = 56, steps: int = 10, few: int = 5, batch: int = 128, repeats: int = 3, device: str | None = None
) -> BenchResult:
    """Time steps of a residual network on made pictures: images per second, ours in the fastest precision.

    The reference is what one would write down at first: float32, a DataLoader of one process whose dataset crops,
    mirrors and scales image by image with torchvision, and torch's own SGD; it does a `few` of the steps.

    Examples
    --------
    >>> run(depth=8, steps=2, few=1, batch=4, repeats=1).name
    'residual_training'
    """
    where = choose(device)
    images, labels = _made(steps * batch)
    precision = fast_precision(where)
    result = side_by_side(
        "residual_training",
        _ours(depth, images.to(where), labels.to(where), batch, precision),
        _reference(depth, images[: few * batch], labels[: few * batch], batch, where),
        share=few / steps,
        repeats=repeats,
        note="",
    )
    seconds = {"ours": result.ours_s, "reference": result.reference_s}
    speeds = {name: f"{len(images) / took:,.0f}" for name, took in seconds.items()}
    kind = str(precision).removeprefix("torch.")
    note = (
        f"{steps} steps of {batch} images, ResNet-{depth}, {where.type}, {kind}: {speeds['ours']} images per second; "
        f"reference: float32, DataLoader, image by image, {speeds['reference']}, timed on {few} steps"
    )
    return replace(result, note=note)


def _made(number: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (number, 3, 32, 32), dtype=torch.uint8, generator=generator)
    return images, torch.randint(0, 10, (number,), generator=generator)


def _ours(depth: int, images: Tensor, labels: Tensor, batch: int, precision: torch.dtype) -> Callable[[], object]:
    model = untrained(depth, seed=0).to(images.device).to(memory_format=torch.channels_last)
    recipe = Recipe("sgd", _RATE, _DECAY, batch, momentum=_MOMENTUM)

    def prepare(samples: Tensor, step: int) -> Tensor:
        return inputs(crops(samples, generator_of(0, Stream.CROPS, step), mirror=True))

    return lambda: list(fit_module(model, images, labels, recipe, 1, 0, prepare=prepare, precision=precision))


class _Pictures(Dataset):
    """Images one by one, each cropped, mirrored and scaled when it is asked for."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images, self.labels = images.permute(0, 2, 3, 1).numpy(), labels
        self.transform = transforms.Compose(
            [
                transforms.ToPILImage(),
                transforms.RandomHorizontalFlip(),
                transforms.RandomCrop(32, 4),
                transforms.ToTensor(),
                transforms.Normalize(PIXEL_MEAN, PIXEL_DEVIATION),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        return self.transform(self.images[number]), self.labels[number]


def _reference(depth: int, images: Tensor, labels: Tensor, batch: int, device: torch.device) -> Callable[[], object]:
    model = untrained(depth, seed=0).to(device).train()
    optimizer = torch.optim.SGD(model.parameters(), _RATE, momentum=_MOMENTUM, weight_decay=_DECAY)
    loader = DataLoader(_Pictures(images, labels), batch, shuffle=True)

    def epoch() -> float:
        total = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(x.to(device)), y.to(device))
            loss.backward()
            optimizer.step()
            total += float(loss.detach())
        return total

    return epoch
