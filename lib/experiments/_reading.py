"""When networks that learn side by side are read, and how well they do there."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def reading_steps(steps: int, readings: int) -> list[int]:
    """Return the steps at which networks are read: 0, then as the squares of equally spaced numbers, up to the last.

    Raises
    ------
    ValueError
        If there are fewer steps than readings.

    Examples
    --------
    >>> reading_steps(100, 5), reading_steps(6, 5)
    ([0, 4, 16, 36, 64, 100], [0, 1, 2, 3, 4, 6])
    """
    if not 1 <= readings <= steps:
        raise ValueError(f"{steps} steps cannot be read {readings} times: ask for from 1 to {steps} readings.")
    return [max(number, round(steps * (number / readings) ** 2)) for number in range(readings + 1)]


def loss_and_error(scores: Tensor, labels: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return mean cross-entropy in nats and share of mistakes, shape (seeds,), of scores (seeds, samples, classes).

    Examples
    --------
    >>> loss, error = loss_and_error(torch.tensor([[[0.0, 0.0], [0.0, 0.0]]]), torch.tensor([0, 1]))
    >>> loss.round(4), error
    (array([0.6931]), array([0.5]))
    """
    true = labels.expand(len(scores), -1)
    loss = torch.nn.functional.cross_entropy(scores.transpose(1, 2), true, reduction="none")
    return tuple(
        each.mean(1, dtype=torch.float64).cpu().numpy() for each in (loss, (scores.argmax(-1) != true).double())
    )  # type: ignore[return-value]
