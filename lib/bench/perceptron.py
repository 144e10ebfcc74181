"""Many perceptrons learning side by side in blocks, beside the same in a loop over samples."""

from __future__ import annotations

import numpy as np
import torch

from lib.bench._timing import BenchResult, side_by_side
from lib.models.perceptron import OnlinePerceptrons, uniform_weights


def run(samples: int = 1_200, inputs: int = 784, streams: int = 5, chains: int = 80, repeats: int = 5) -> BenchResult:
    """Time Rosenblatt's rule on `streams` x `chains` weight vectors; the loop, over all chains at once, does a tenth.

    Examples
    --------
    >>> run(samples=20, inputs=5, streams=1, chains=2, repeats=1).name
    'perceptron'
    """
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(samples, inputs, generator=generator, dtype=torch.float64)
    signs = torch.randint(0, 2, (streams, chains, samples), generator=generator).to(torch.float64) * 2 - 1
    start = uniform_weights((streams, chains, inputs), generator)
    order = torch.stack([torch.randperm(samples, generator=generator) for _ in range(streams)])
    few = max(1, samples // 10)

    def ours() -> None:
        for _ in OnlinePerceptrons(x, signs, start, ["rosenblatt"] * chains, [0.01] * chains).learn(order):
            pass

    images, targets, path = x.numpy(), signs.numpy(), order.numpy()
    stream = np.arange(streams)

    def loop() -> None:
        weights = start.numpy().copy()
        for j in path.T[:few]:
            seen = images[j][:, None]
            y = targets[stream, :, j]
            mistaken = y * (weights * seen).sum(axis=-1) <= 0
            weights += (0.01 * mistaken * y)[..., None] * seen

    return side_by_side(
        "perceptron",
        ours,
        loop,
        share=few / samples,
        repeats=repeats,
        note=f"{samples:,} samples of {inputs} inputs, {streams * chains} weight vectors, one sample at a time; "
        "reference: numpy, all weight vectors at once, in a loop over samples",
    )
