"""What the figures and the numbers of chapter 3 share: places in the plane, and where complexity peaks."""

from __future__ import annotations

import numpy as np
import xarray as xr

from lib.experiments.weight_statistics import FIXED, place_of
from lib.measures.complexity import ComplexityEntropy, complexity_entropy, family_probabilities
from lib.measures.curves import peak

BINS = 256
"""Bins of all figures but those that compare numbers of bins, as in the ledger."""

FAMILIES = {"gaussian": "Gaussian", "laplace": "Laplace", "student t": "Student t"}


def peak_epochs(chosen: xr.Dataset, rule: str = "own", bins: int = BINS, part: str = "hidden") -> xr.Dataset:
    """Return the peak epoch of C of each seed (``epoch``) and whether C turns back there (``interior``)."""
    found = peak(place_of(chosen, rule, part, bins)["C"].transpose("seed", "epoch").values)
    return xr.Dataset({"epoch": ("seed", found.epoch), "interior": ("seed", found.interior)})


def fixed_law(name: str, bins: int, sd: np.ndarray) -> ComplexityEntropy:
    """Places of a centred law under the rule ``fixed``, for several standard deviations."""
    edges = np.concatenate([[-np.inf], np.linspace(*FIXED, bins + 1), [np.inf]])
    return complexity_entropy(family_probabilities(name, edges, mean=np.zeros_like(sd), sd=sd))
