"""The observables of a layer, read off a recording: one stimulus after the other, beside trains shifted in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from lib.data.recording import Recording
from lib.measures.dimension import effective_dimension
from lib.measures.patterns import PatternEntropy, default_budget, pattern_entropy
from lib.measures.surrogates import shifted

SPARSE_DECAY = 4.0
"""Weight decay of the masked network on neurons that are on in a percent of bins; found where the entropy is known."""


SHIFT = 1.0
"""Seconds by which a train of the control is shifted at least."""


def probe_recording(
    recording: Recording,
    stimuli: Sequence[str] | None = None,
    *,
    method: str = "logistic",
    block: float = 5.0,
    seed: int = 0,
) -> xr.Dataset:
    """Complexity, total correlation and effective dimension of a recording's neurons under each stimulus.

    A pattern is which neurons had any event in a bin. Beside each number stands that of trains shifted around a circle
    by a lag of each neuron's own, of a second at least, which keep their rates and lose their correlation.

    Parameters
    ----------
    recording
        What was recorded.
    stimuli
        Names of those to read; all by default.
    method
        Of the entropy, see `lib.measures.patterns.pattern_entropy`.
    block
        Seconds of neighbouring bins that are kept in one fold.
    seed
        Of folds, initial weights and shifts.

    Returns
    -------
    Dataset
        Dimension ``stimulus``. In bits: ``complexity``, ``complexity_error``, ``complexity_per_unit``,
        ``independent_bits`` (cross-fitted, as the complexity is), and ``gain``, by which complexity is below them, with
        ``gain_error``, over blocks. Without units: ``normalized_total_correlation``, the gain over the independent
        bits; ``effective_dimension``, ``activity`` (share of bins in which a neuron is on), ``units``, ``patterns``.
        ``shifted_complexity``, ``shifted_gain``, ``shifted_gain_error`` and ``shifted_effective_dimension`` of the
        control.

    Raises
    ------
    ValueError
        If a stimulus was not shown, or for less than two blocks.

    Examples
    --------
    >>> from lib.data.population import simulated_session
    >>> found = probe_recording(simulated_session(20.0, 0, neurons=8, stimuli=("spontaneous", "natural movie")))
    >>> found["stimulus"].values.tolist(), bool((found["complexity_per_unit"] < 0.2).all())
    (['spontaneous', 'natural movie'], True)
    """
    names = list(stimuli or recording.stimuli)
    rows = []
    for name in names:
        part = recording.during(name)
        groups = part.blocks(block)
        least = max(1, round(SHIFT / part.bin_width))  # as activity of one moment lasts for many bins
        control_patterns = shifted(part.patterns, seed, least=least)
        own, control = (_observables(z, groups, method, seed) for z in (part.patterns, control_patterns))
        kept = ("complexity", "gain", "gain_error", "effective_dimension")
        rows.append(own | {f"shifted_{key}": control[key] for key in kept})
    found = xr.Dataset(
        {key: ("stimulus", [row[key] for row in rows]) for key in rows[0]},
        coords={"stimulus": names},
        attrs={"source": recording.source, "method": method, "block": block, "bin_width": recording.bin_width},
    )
    for key in found.data_vars:
        about = str(key).removeprefix("shifted_")
        text, unit = _TEXTS[about]
        found[key].attrs.update(long_name=f"{text}, trains shifted" if about != key else text, units=unit)
    return found


def _observables(z: np.ndarray, groups: np.ndarray, method: str, seed: int) -> dict[str, float]:
    found, alone = (_entropy(z, groups, each, seed) for each in (method, "independent"))
    gain, error = found.gain_over(alone)
    return {
        "complexity": found.bits,
        "complexity_error": found.standard_error,
        "complexity_per_unit": found.bits_per_unit,
        "independent_bits": alone.bits,
        "gain": gain,
        "gain_error": error,
        "normalized_total_correlation": gain / alone.bits if alone.bits else np.nan,
        "effective_dimension": effective_dimension(z).dimension,
        "activity": float(z.mean()),
        "units": z.shape[1],
        "patterns": len(z),
    }


def _entropy(z: np.ndarray, groups: np.ndarray, method: str, seed: int) -> PatternEntropy:
    budget = replace(default_budget(*z.shape), decay=SPARSE_DECAY) if method == "autoregressive" else None
    return pattern_entropy(z, method, groups=groups, seed=seed, budget=budget)


_TEXTS = {
    "complexity": ("entropy of the neurons' patterns", "bits"),
    "complexity_error": ("standard error of complexity, over blocks of time", "bits"),
    "complexity_per_unit": ("complexity over the number of neurons", "bits"),
    "independent_bits": ("entropy of independent neurons, cross-fitted", "bits"),
    "gain": ("bits below independent neurons", "bits"),
    "gain_error": ("standard error of the gain, over blocks of time", "bits"),
    "normalized_total_correlation": ("share of independent bits that neurons have in common", "1"),
    "effective_dimension": ("effective dimension of the patterns", "1"),
    "activity": ("share of bins in which a neuron is on", "1"),
    "units": ("neurons", "1"),
    "patterns": ("bins", "1"),
}
