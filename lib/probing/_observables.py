"""From what was read of each layer to its observables, a Dataset over layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from scipy.special import entr

from lib.measures._packing import unpack
from lib.measures.patterns import Budget, PatternEntropy, pattern_entropies
from lib.probing._readings import Reading

_TOGETHER = 2**27  # numbers in the patterns of layers that are estimated side by side


def observables_of(
    readings: list[Reading],
    observables: Sequence[str],
    levels: tuple[float, ...],
    method: str,
    folds: int,
    seed: int,
    budget: Budget | None,
) -> xr.Dataset:
    choice = {"method": method, "folds": folds, "seed": seed, "budget": budget}
    found: dict[str, tuple] = {
        "units": ("layer", [r.units for r in readings], _attrs("units or channels of a layer", "1")),
        "patterns": ("layer", [sum(map(len, r.packed)) for r in readings], _attrs("patterns read", "1")),
    }
    scores = _unit_scores(readings, levels)
    if "linearity" in observables:
        linear = [share for _, share in scores]
        found["linearity"] = ("layer", linear, _attrs("share of patterns in which a unit is linear, mean", "1"))
    if "complexity" in observables:
        entropies = _entropies(readings, len(levels), choice)
        independent = np.array([bits for bits, _ in scores])
        bits = np.array([each.bits for each in entropies])
        with np.errstate(invalid="ignore", divide="ignore"):
            correlation = np.where(independent > 0, (independent - bits) / independent, np.nan)
        found |= {
            "complexity": ("layer", bits, _attrs("entropy of the layer's patterns", "bits")),
            "complexity_error": (
                "layer",
                [each.standard_error for each in entropies],
                _attrs("standard error of complexity, over samples", "bits"),
            ),
            "complexity_per_unit": (
                "layer",
                bits / [r.units for r in readings],
                _attrs("complexity over the number of units", "bits"),
            ),
            "independent_bits": ("layer", independent, _attrs("entropy of independent units", "bits")),
            "normalized_total_correlation": (
                "layer",
                correlation,
                _attrs("share of independent bits that units have in common", "1"),
            ),
            "additive_complexity": ((), float(bits.sum()), _attrs("sum of the layers' complexities", "bits")),
        }
    if "effective_dimension" in observables:
        dimension = [r.spread.effective_dimension().dimension for r in readings]
        found["effective_dimension"] = ("layer", dimension, _attrs("effective dimension of the activations", "1"))
    if "covariance" in observables:
        widest = max(r.units for r in readings)
        covariance = np.full((len(readings), widest, widest), np.nan)
        for number, reading in enumerate(readings):
            covariance[number, : reading.units, : reading.units] = reading.spread.matrix()
        text = _attrs("covariance of the activations", "squared units of the activations")
        found["covariance"] = (("layer", "unit", "other_unit"), covariance, text)
    if "joint_complexity" in observables:
        joint = _joint(readings, len(levels), choice)
        found["joint_complexity"] = ((), joint.bits, _attrs("entropy of the patterns of all layers together", "bits"))
        found["joint_complexity_error"] = ((), joint.standard_error, _attrs("its standard error", "bits"))
    attrs = {
        "rule": f"z = 1 where the pre-activation is at least {', '.join(f'{level:g}' for level in levels)}",
        "method": method,
        "folds": folds,
        "seed": seed,
    }
    return xr.Dataset(found, coords={"layer": [r.site.name for r in readings]}, attrs=attrs)


def _attrs(long_name: str, units: str) -> dict[str, str]:
    return {"long_name": long_name, "units": units}


def _entropies(readings: list[Reading], levels: int, choice: dict) -> list[PatternEntropy]:
    """Entropy of every layer's patterns; layers of one shape are estimated side by side where memory allows."""
    found: dict[int, PatternEntropy] = {}
    alike: dict[tuple, list[int]] = {}
    for number, reading in enumerate(readings):
        groups = reading.group_of
        alike.setdefault((reading.units, len(groups), groups.tobytes()), []).append(number)
    for (units, samples, _), numbers in alike.items():
        size = max(1, _TOGETHER // (units * levels * samples))
        for start in range(0, len(numbers), size):
            part = numbers[start : start + size]
            packed = torch.stack([readings[number].patterns for number in part])
            groups = readings[part[0]].group_of
            several = pattern_entropies(packed, units=units * levels, groups=groups, **choice)
            found |= dict(zip(part, several, strict=True))
    return [found[number] for number in range(len(readings))]


def _joint(readings: list[Reading], levels: int, choice: dict) -> PatternEntropy:
    """Entropy of all layers' patterns together."""
    wide = next((r for r in readings if int(np.prod(r.positions)) > 1), None)
    if wide is not None:
        raise ValueError(
            f"Layer {wide.site.name!r} has {int(np.prod(wide.positions))} patterns a sample: joint complexity is for "
            "networks whose layers have one."
        )
    together = torch.cat([unpack(r.patterns, r.units * levels) for r in readings], 1)
    return pattern_entropies(together[None], groups=readings[0].group_of, **choice)[0]


def _unit_scores(readings: list[Reading], levels: tuple[float, ...]) -> list[tuple[float, float]]:
    """For each layer, entropy of its units as if independent, in bits, and the share in which they are linear."""
    found = []
    for reading in readings:
        counts = np.zeros((len(levels) + 1, reading.units))
        for packed in reading.packed:
            regime = unpack(packed, reading.units * len(levels)).view(len(packed), reading.units, len(levels)).sum(-1)
            counts += np.stack([(regime == r).sum(0).cpu().numpy() for r in range(len(levels) + 1)])
        share = counts / counts.sum(0)
        linear = share[1:] if len(levels) == 1 else share[1:-1]
        found.append((float(entr(share).sum() / np.log(2)), float(linear.sum(0).mean())))
    return found
