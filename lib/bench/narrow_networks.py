"""Ten narrow networks trained side by side, beside the same one after the other with torch's modules."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lib.bench._timing import BenchResult, side_by_side
from lib.models.highway import HighwayNetworks, Shape
from lib.training import Recipe, fit


def run(
    depth: int = 11, width: int = 28, seeds: int = 10, steps: int = 30, few: int = 2, repeats: int = 5
) -> BenchResult:
    """Time steps of Adam on batches of 128, for highway networks; the reference trains a `few` of the seeds.

    Examples
    --------
    >>> run(depth=2, width=4, seeds=2, steps=2, few=1, repeats=1).name
    'narrow_networks'
    """
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(steps * 128, 784, generator=generator)
    y = torch.randint(0, 10, (steps * 128,), generator=generator)
    recipe = Recipe(rate=1e-5, batch=128)
    nets = HighwayNetworks(Shape(784, 10, width, depth), range(seeds))

    def reference() -> None:
        for seed in range(few):
            _one(Highway(width, depth), x, y, seed, recipe)

    return side_by_side(
        "narrow_networks",
        lambda: list(fit(nets, x, y, recipe, (steps,))),
        reference,
        share=few / seeds,
        repeats=repeats,
        note=f"{steps} steps of 128 samples for {seeds} highway networks of {depth} x {width}; reference: torch's "
        f"modules, eager, one network after the other, timed on {few} and scaled to {seeds}",
    )


def _one(model: nn.Module, x: Tensor, y: Tensor, seed: int, recipe: Recipe) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.rate)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    for rows in order.split(recipe.batch):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()


class Highway(nn.Module):
    """One highway network as one would write it down at first."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.first = nn.Linear(784, width)
        self.transforms = nn.ModuleList(nn.Linear(width, width) for _ in range(depth - 1))
        self.gates = nn.ModuleList(nn.Linear(width, width) for _ in range(depth - 1))
        self.last = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of the classes, shape (samples, classes)."""
        y = self.first(x).relu()
        for transform, gate in zip(self.transforms, self.gates, strict=True):
            opened = gate(y).sigmoid()
            y = opened * transform(y).relu() + (1 - opened) * y
        return self.last(y)
