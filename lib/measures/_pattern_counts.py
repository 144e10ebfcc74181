"""Entropy from how often each pattern occurs: for few units, where patterns repeat."""

import math
from collections.abc import Callable

import numpy as np
from scipy.special import digamma
from torch import Tensor


def _plugin(counts: np.ndarray) -> np.ndarray:
    return -np.log(counts / counts.sum())


def _miller_madow(counts: np.ndarray) -> np.ndarray:
    # (occupied patterns - 1) / (2 n) in all
    return _plugin(counts) + (len(counts) - 1) / (2 * counts.sum())


def _grassberger(counts: np.ndarray) -> np.ndarray:
    sign = 1 - 2 * (counts % 2)
    tail = sign / 2 * (digamma((counts + 1) / 2) - digamma(counts / 2))
    return math.log(counts.sum()) - (digamma(counts) + tail)


COUNTING: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "plugin": _plugin,
    "miller-madow": _miller_madow,
    "grassberger": _grassberger,
}
"""Estimators by name: from the counts of the occupied patterns to what one sample of each adds, in nats."""


def score(z: Tensor, method: str) -> np.ndarray:
    """Return what each sample adds to the estimate in bits, shape (sample,); their mean is the entropy."""
    packed = np.packbits(z.cpu().numpy(), axis=1)
    rows = np.ascontiguousarray(packed).view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, place, counts = np.unique(rows, return_inverse=True, return_counts=True)
    return np.asarray(COUNTING[method](counts)[place.reshape(-1)] / math.log(2))
