"""The training response of many networks that learn side by side, beside a plain loop over networks in torch."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import numpy as np
import torch
from torch import Tensor

from lib.bench._timing import BenchResult, side_by_side
from lib.data.bits import bit_strings
from lib.measures.response import output_response
from lib.models.bit_encoder import BitEncoders, PointTraining

_RATE = 0.1
_AGREE = 1e-9


def run(seeds: int = 100, epochs: int = 10_000, moments: int = 40, few: int = 3, repeats: int = 3) -> BenchResult:
    """Time training on one point, with the response at all 256 inputs at some epochs; the loop does a `few` seeds.

    Raises
    ------
    ValueError
        If the two do not give the same responses, to 1e-9.

    Examples
    --------
    >>> run(seeds=4, epochs=20, moments=3, few=2, repeats=1).name
    'response'
    """
    few = min(few, seeds)
    when = moments_of(epochs, moments)
    points = torch.tensor([int(np.random.default_rng((seed, 1)).integers(256)) for seed in range(seeds)])
    found: dict[str, Tensor] = {}

    def ours() -> None:
        found["ours"] = side_by_side_responses(range(seeds), points, when)

    def reference() -> None:
        found["reference"] = torch.stack([plain_responses(seed, points[seed], when) for seed in range(few)])

    result = side_by_side(
        "response",
        ours,
        reference,
        share=few / seeds,
        repeats=repeats,
        warm_up=False,
        note=f"{seeds} networks of 128 features, {epochs:,} epochs, response at 256 inputs at {len(when)} of them; "
        f"reference: torch's modules and SGD, one network after the other, timed on {few} and scaled to {seeds}; same "
        f"responses to {_AGREE:.0e}",
    )
    apart = float((found["ours"][:few] - found["reference"]).abs().max())
    if not apart < _AGREE:
        raise ValueError(f"The responses differ by up to {apart:.1e}: the two do not do the same work.")
    return result


def moments_of(epochs: int, moments: int) -> list[int]:
    """Return different epochs, near to evenly spaced in the logarithm.

    Examples
    --------
    >>> moments_of(100, 5)
    [1, 3, 10, 32, 100]
    """
    order = np.arange(moments)
    spaced = np.geomspace(1, epochs, moments).round().astype(int)
    return (np.maximum.accumulate(spaced - order) + order).tolist()


def side_by_side_responses(seeds: Sequence[int], points: Tensor, when: Sequence[int]) -> Tensor:
    """Return responses at all inputs to a step after so many epochs, shape (seed, epoch, input), by the library."""
    inputs = bit_strings(8)
    x, y = inputs[points], torch.ones(len(seeds), dtype=torch.float64)
    nets = BitEncoders(seeds)
    training, found, done = PointTraining(nets, x), [], 0
    for epoch in when:
        for _ in range(epoch - done):
            training.step(y, _RATE)
        done = epoch
        after = training.write().copy()
        after.step(x[:, None], y[:, None], _RATE)
        found.append(output_response(nets.logits(inputs), after.logits(inputs)))
    return torch.stack(found, 1)


def plain_responses(seed: int, point: Tensor, when: Sequence[int]) -> Tensor:
    """Return the same of one network, shape (epoch, input), as one would write it down in torch."""
    inputs = bit_strings(8)
    x, y = inputs[point][None], torch.ones(1, 1, dtype=torch.float64)
    model = torch.nn.Sequential(
        torch.nn.Linear(8, 128), torch.nn.ReLU(), torch.nn.Linear(128, 1), torch.nn.Sigmoid()
    ).double()
    start = BitEncoders([seed])
    with torch.no_grad():
        weights = (start.inner[0, :-1].T, start.inner[0, -1], start.readout, start.offset)
        for parameter, value in zip(model.parameters(), weights, strict=True):
            parameter.copy_(value)
    optimizer, loss = torch.optim.SGD(model.parameters(), lr=_RATE), torch.nn.MSELoss()
    found, done = [], 0
    for epoch in when:
        for _ in range(epoch - done):
            optimizer.zero_grad()
            loss(model(x), y).backward()
            optimizer.step()
        done = epoch
        after = deepcopy(model)
        one = torch.optim.SGD(after.parameters(), lr=_RATE)
        one.zero_grad()
        loss(after(x), y).backward()
        one.step()
        with torch.no_grad():
            found.append((after(inputs) - model(inputs))[:, 0])
    return torch.stack(found)
