"""What the layers of a network know of the input and of the labels, by several estimators, beside permuted labels.

In evaluation mode a layer is a function of its input, so :math:`I(X;T)` is infinite, or with bins the entropy of the
binned layer: the estimates say how coarsely a layer is looked at (chapter 4).
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from torch import Tensor

from lib.experiments.weight_statistics import layer_names
from lib.measures.mutual_information import (
    binned_information,
    kde_information,
    knn_information,
    permuted,
    probe_information,
)
from lib.models.mlp import MLPs

UNIT_BINS = (2, 4, 8, 30)
"""Bins of each unit, over the layer's own range."""

NOISES = (0.1, 1.0, 10.0)
"""Variance of the noise in the kernel estimates, as a share of the layer's mean variance: with hundreds of units the
distances are so large that less noise than this leaves every sample alone."""

LABELS = ("true", "permuted")


def layer_information(nets: MLPs, x: Tensor, y: Tensor) -> xr.Dataset:
    """Estimate :math:`I(X;T)` and :math:`I(T;Y)` of every layer.

    Parameters
    ----------
    nets
        Networks, read in evaluation mode.
    x, y
        Samples (samples, inputs) and their labels; the linear probe is fitted on the first half.

    Returns
    -------
    Dataset
        In bits: ``binned_input`` and ``binned_labels`` by ``unit_bins``, ``kernel_input`` and ``kernel_labels`` by
        ``noise`` and ``bound``, ``neighbour_labels``, ``probe_labels`` and the probe's ``probe_accuracy``; labels
        ``true`` or ``permuted``; dimensions ``seed`` and ``layer``.
    """
    names, shuffled = layer_names(nets.architecture.depth), permuted(y, 0)
    by_seed = []
    for layers in zip(*nets.layers(x), strict=True):
        by_seed.append(xr.concat([_one(layer, y, shuffled) for layer in layers], xr.Variable("layer", names)))
    found = xr.concat(by_seed, "seed")
    for name, text in _TEXTS.items():
        found[name].attrs = {"long_name": text, "units": "1" if name == "probe_accuracy" else "bits"}
    found["ceiling"] = ((), np.log2(len(x)), {"long_name": "largest I(X;T) that so many samples show", "units": "bits"})
    return found


_TEXTS = {
    "binned_input": "I(X;T), plug-in with bins: the entropy of the binned layer",
    "binned_labels": "I(T;Y), plug-in with bins",
    "kernel_input": "I(X;T + noise), bounds by pairwise distances",
    "kernel_labels": "I(T + noise;Y), bounds by pairwise distances",
    "neighbour_labels": "I(T;Y) by nearest neighbours in ten principal components",
    "probe_labels": "I(T;Y), lower bound by a linear probe",
    "probe_accuracy": "accuracy of a linear probe on held-out samples",
}


def _one(layer: Tensor, y: Tensor, shuffled: Tensor) -> xr.Dataset:
    binned_input = [binned_information(layer, y, bins).with_input for bins in UNIT_BINS]
    by_labels = []
    half = len(y) // 2
    for labels in (y, shuffled):
        kernels = [kde_information(layer, labels, noise, relative=True) for noise in NOISES]
        probe = probe_information(layer[:half], labels[:half], layer[half:], labels[half:])
        by_labels.append(
            xr.Dataset(
                {
                    "binned_labels": (
                        "unit_bins",
                        [binned_information(layer, labels, bins).with_labels for bins in UNIT_BINS],
                    ),
                    "kernel_labels": (("noise", "bound"), [[k.with_labels_low, k.with_labels_high] for k in kernels]),
                    "neighbour_labels": knn_information(layer, labels),
                    "probe_labels": probe.bits,
                    "probe_accuracy": probe.accuracy,
                }
            )
        )
    found = xr.concat(by_labels, xr.Variable("labels", list(LABELS)))
    found["binned_input"] = ("unit_bins", binned_input)
    found["kernel_input"] = (("noise", "bound"), [[k.with_input_low, k.with_input_high] for k in kernels])
    return found.assign_coords(unit_bins=list(UNIT_BINS), noise=list(NOISES), bound=["low", "high"])
