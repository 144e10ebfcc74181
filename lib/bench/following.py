"""A training that is followed at the default schedule beside the same training alone."""

from __future__ import annotations

import torch
from torch import nn

from lib.bench._timing import BenchResult, side_by_side
from lib.following import Follower


def run(steps: int = 6_000, width: int = 512, samples: int = 8_000, repeats: int = 3) -> BenchResult:
    """Time a plain loop with a follower beside the loop alone; one less the ratio is what following costs.

    Examples
    --------
    >>> run(steps=3, width=4, samples=40, repeats=1).name
    'following'
    """
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(samples, 784, generator=draw)
    y = (x[:, :10]).argmax(1)

    def train(followed: bool) -> None:
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Linear(784, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
        )
        optimizer = torch.optim.Adam(model.parameters())
        follow = Follower(model, x[:500]) if followed else None
        for step in range(steps):
            if follow is not None:
                follow(step)
            rows = torch.randint(samples, (64,))
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()

    return side_by_side(
        "following",
        lambda: train(True),
        lambda: train(False),
        repeats=repeats,
        warm_up=False,
        note=f"{steps:,} steps of a 784-{width}-{width}-10 network followed at the default schedule; reference: alone",
    )
