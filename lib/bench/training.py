"""A step of the text's deep network: the written-out backward pass beside autograd on torch's own modules."""

from __future__ import annotations

from itertools import pairwise

import torch

from lib.bench._timing import BenchResult, side_by_side
from lib.models.mlp import Architecture, MLPs
from lib.training import Recipe


def run(depth: int = 16, width: int = 512, steps: int = 20, repeats: int = 5) -> BenchResult:
    """Time steps of Adam with weight decay on batches of 32, batch norm and dropout; losses agree without dropout.

    Examples
    --------
    >>> run(depth=2, width=16, steps=2, repeats=1).name
    'training'
    """
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(steps, 32, 784, generator=generator)
    y = torch.randint(0, 10, (steps, 32), generator=generator)
    sizes = (784, *depth * [width], 10)
    recipe = Recipe(weight_decay=1e-4)
    nets = MLPs(Architecture(sizes, dropout=0.3), seeds=(0,))
    optimizer = recipe.start(nets.parameters)
    model = _eager(sizes)
    plain = torch.optim.Adam(model.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay)

    def ours() -> None:
        for inputs, labels in zip(x, y, strict=True):
            nets.gradients(inputs, labels[None])
            optimizer.step()

    def reference() -> None:
        for inputs, labels in zip(x, y, strict=True):
            plain.zero_grad()
            torch.nn.functional.cross_entropy(model(inputs), labels).backward()
            plain.step()

    return side_by_side(
        "training",
        ours,
        reference,
        repeats=repeats,
        note=f"{steps} steps of {depth} x {width} with batch norm, dropout and Adam; reference: torch's modules, eager",
    )


def _eager(sizes: tuple[int, ...]) -> torch.nn.Module:
    layers: list[torch.nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [
            torch.nn.Linear(inputs, outputs),
            torch.nn.BatchNorm1d(outputs),
            torch.nn.ReLU(),
            torch.nn.Dropout(0.3),
        ]
    return torch.nn.Sequential(*layers[:-3])
