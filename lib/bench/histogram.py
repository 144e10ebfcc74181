"""Histograms of a whole network's weights and their place in the complexity-entropy plane, beside numpy."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from lib.bench._timing import BenchResult, side_by_side
from lib.measures.complexity import complexity_entropy
from lib.measures.histogram import histograms


def run(inputs: int = 784, width: int = 512, hidden: int = 16, bins: int = 256, repeats: int = 21) -> BenchResult:
    """Time entropy, disequilibrium and complexity of each weight matrix and of all weights together.

    Examples
    --------
    >>> run(inputs=5, width=4, hidden=2, bins=8, repeats=1).name
    'histogram'
    """
    generator = torch.Generator().manual_seed(0)
    sizes = [inputs, *[width] * hidden, 10]
    layers = [torch.randn(out, into, generator=generator) / into**0.5 for into, out in itertools.pairwise(sizes)]
    network = torch.cat([layer.flatten() for layer in layers])
    arrays = [values.numpy() for values in (*layers, network)]
    uniform = np.full(bins, 1 / bins)

    def ours() -> None:
        complexity_entropy(histograms(layers, bins, groups=[range(len(layers))]).counts)

    def reference() -> None:
        for values in arrays:
            p = np.histogram(values, bins)[0] / values.size
            entropy(p, base=2) * jensenshannon(p, uniform, base=2) ** 2

    return side_by_side(
        "histogram",
        ours,
        reference,
        repeats=repeats,
        note=f"H, D and C over {bins} bins of {len(layers)} weight matrices and of all {network.numel():,} weights; "
        "reference: numpy.histogram and scipy, one matrix at a time",
    )
