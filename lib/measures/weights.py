"""A network's weights, matrix by matrix, in the complexity-entropy plane, beside normal weights of the same spread."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from torch import Tensor, nn

from lib.measures.complexity import complexity_entropy, family_probabilities
from lib.measures.histogram import RULES, Histogram, histogram

DRAWS = 20
"""Samples of normal weights that a matrix is compared with."""


def matrices(weights: nn.Module | Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weight matrices and kernels of a network by name: floating-point tensors of two axes or more.

    Biases, and scales and shifts of normalisations, have one axis and are left out; so are running means and counters.

    Examples
    --------
    >>> list(matrices(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))))
    ['0.weight', '3.weight']
    """
    state = weights.state_dict() if isinstance(weights, nn.Module) else weights
    return {name: value for name, value in state.items() if value.ndim > 1 and value.is_floating_point()}


def weight_plane(
    weights: nn.Module | Mapping[str, Tensor],
    rules: Sequence[str] = ("own", "robust", "spread"),
    bins: int = 256,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    strict: bool = True,
) -> xr.Dataset:
    r"""Entropy and complexity of the weights of every matrix, under several binning rules, with their control.

    The control of a matrix of n weights are `draws` samples of n normal weights of the same mean and standard
    deviation, in the same bins: so few weights in so many bins have the same bias of their entropy. What training has
    done to the shape of a distribution is the way from the control to the weights; untrained weights that were drawn
    from a uniform law differ from it too.

    Parameters
    ----------
    weights
        A module, or tensors by name, such as `lib.checkpoints.load_weights` gives.
    rules
        Some of `lib.measures.histogram.RULES`; the sign of a difference can hang on the rule.
    bins
        Bins of each histogram; overflow bins come on top where a rule has them.
    draws, seed
        Of the control.
    strict
        Whether to refuse weights of which no matrix has a place; without it there is a note for each.

    Returns
    -------
    Dataset
        Dimensions ``rule`` and ``layer``: ``entropy`` H (bits), ``complexity`` C = H D (bits squared, *Easing the
        knot*, eq. 1), both normalised, ``h`` and ``c`` (without unit), and the control's mean ``normal_h``,
        ``normal_c`` and standard deviation over draws, ``normal_h_error``, ``normal_c_error``. By ``layer`` alone:
        ``count``, ``mean``, ``spread`` (standard deviation), ``kurtosis`` (excess, 0 for a normal law), ``zeros``
        (share of weights that are 0), ``note``. A matrix whose weights are all alike, or not all finite, has no place:
        nan stands for what it has not, and ``note`` says why; it is empty for every other matrix.

    Raises
    ------
    ValueError
        If there is no matrix, or none of them has a place; if a rule is unknown.

    Examples
    --------
    >>> import torch
    >>> _ = torch.manual_seed(0)
    >>> found = weight_plane({"normal": torch.randn(300, 300), "uniform": torch.rand(300, 300)}, bins=64)
    >>> away = (found["h"] - found["normal_h"]).sel(rule="spread") / found["normal_h_error"].sel(rule="spread")
    >>> bool(abs(away.sel(layer="normal")) < 4), bool(abs(away.sel(layer="uniform")) > 40)
    (True, True)
    """
    unknown = [rule for rule in rules if rule not in RULES]
    if unknown or not rules:
        raise ValueError(f"Unknown binning rule {(unknown or ['none'])[0]!r}: choose from {', '.join(RULES)}.")
    found = matrices(weights)
    if not found:
        raise ValueError(_no_matrix(weights))
    layers = [_layer(value, rules, bins, draws, seed) for value in found.values()]
    if strict and all(each["note"] for each in layers):
        some = "; ".join(f"{name!r}: {each['note']}" for name, each in list(zip(found, layers, strict=True))[:3])
        raise ValueError(f"No weight matrix has a place in the plane ({some}): give finite weights that differ.")
    table = xr.Dataset(
        {
            name: (("rule", "layer") if name in _BY_RULE else "layer", np.array([each[name] for each in layers]).T)
            for name in layers[0]
        },
        coords={"rule": list(rules), "layer": list(found)},
        attrs={"bins": bins, "draws": draws, "seed": seed},
    )
    for name, (text, unit) in (_BY_RULE | _BY_LAYER).items():
        table[name].attrs.update(long_name=text, units=unit)
    table["note"].attrs["long_name"] = "why a matrix has no place in the plane"
    return table


def _no_matrix(weights: nn.Module | Mapping[str, Tensor]) -> str:
    state = weights.state_dict() if isinstance(weights, nn.Module) else weights
    other = next((f"{name!r} is of {value.dtype}" for name, value in state.items() if value.ndim > 1), None)
    if other is None:
        return "There is no weight matrix: give a module, or tensors with two axes or more."
    return f"There is no weight matrix of floating-point numbers, and {other}: convert the weights, or dequantise them."


def _layer(value: Tensor, rules: Sequence[str], bins: int, draws: int, seed: int) -> dict[str, object]:
    flat = value.detach().double().flatten()
    none = [math.nan] * len(rules)
    row: dict[str, object] = {
        "count": flat.numel(),
        "mean": math.nan,
        "spread": math.nan,
        "kurtosis": math.nan,
        "zeros": float((flat == 0).double().mean()) if flat.numel() else math.nan,
        **dict.fromkeys(_BY_RULE, none),
    }
    if not flat.numel():
        return row | {"note": "there are no weights"}
    low, high = (float(end) + 0.0 for end in flat.aminmax())  # nan where a weight is; -0.0 + 0.0 is 0.0
    if not (math.isfinite(low) and math.isfinite(high)):
        return row | {"note": "weights are nan or infinite"}
    if low == high:  # the mean of equal weights may be off in the last digit, and then their spread is not 0
        return row | {"mean": low, "spread": 0.0, "note": f"all weights are {low:g}"}
    mean, spread = float(flat.mean()), float(flat.std(correction=0))
    if not (math.isfinite(mean) and 0 < spread < math.inf):
        return row | {"note": "the spread of the weights is beyond float64"}
    row |= {"mean": mean, "spread": spread, "kurtosis": float(((flat - mean) / spread).pow(4).mean()) - 3}
    try:
        by_rule = [_place(histogram(flat, bins, rule), mean, spread, draws, seed) for rule in rules]
    except ValueError as error:
        if bins < 2:
            raise
        return row | {"note": str(error)}  # weights that differ in their last digits alone
    return row | {key: [each[key] for each in by_rule] for key in _BY_RULE} | {"note": ""}


def _place(sorted_: Histogram, mean: float, spread: float, draws: int, seed: int) -> dict[str, float]:
    place = complexity_entropy(sorted_.counts)
    edges = sorted_.edges.copy()
    edges[0], edges[-1] = -np.inf, np.inf  # a normal law goes on where the weights end
    law = family_probabilities("gaussian", edges, mean=mean, sd=spread)
    control = complexity_entropy(np.random.default_rng(seed).multinomial(int(sorted_.size), law, size=draws))
    return {
        "entropy": float(place.entropy),
        "complexity": float(place.complexity),
        "h": float(place.h),
        "c": float(place.c),
        "normal_h": float(control.h.mean()),
        "normal_c": float(control.c.mean()),
        "normal_h_error": float(control.h.std(ddof=1)) if draws > 1 else np.nan,
        "normal_c_error": float(control.c.std(ddof=1)) if draws > 1 else np.nan,
    }


_BY_RULE = {
    "entropy": ("Shannon entropy of the weights", "bits"),
    "complexity": ("complexity H D of the weights", "bits^2"),
    "h": ("normalised entropy of the weights", "1"),
    "c": ("normalised complexity of the weights", "1"),
    "normal_h": ("normalised entropy of as many normal weights", "1"),
    "normal_c": ("normalised complexity of as many normal weights", "1"),
    "normal_h_error": ("its standard deviation over draws", "1"),
    "normal_c_error": ("its standard deviation over draws", "1"),
}
_BY_LAYER = {
    "count": ("number of weights", "1"),
    "mean": ("mean weight", "1"),
    "spread": ("standard deviation of the weights", "1"),
    "kurtosis": ("excess kurtosis of the weights", "1"),
    "zeros": ("share of weights that are 0", "1"),
}
