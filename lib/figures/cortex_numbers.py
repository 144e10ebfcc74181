"""Numbers that the prose of chapter 9 says of a Dataset of `lib.experiments.cortex`, and its answers in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from lib.claims.cortex import over_sessions, verb
from lib.experiments.cortex import METHODS, SIMULATED
from lib.experiments.estimates import rows
from lib.figures._cortex import (
    INDEPENDENT,
    VARIED,
    below_independent,
    exact_bits,
    frame,
    name_of,
    segment_means,
    table_of,
)
from lib.figures.cortex import OBSERVABLES, RISES, stimuli_of


def numbers(record: xr.Dataset, source: str, suffix: str) -> dict[str, float]:
    """Return what the prose says of a source, rounded; names end with `suffix`.

    Means over segments; what the record has not is left out.
    """
    plain = table_of(record, source, study="stimuli")
    alone = rows(plain, method=INDEPENDENT)
    found = {
        "neurons": float(plain["neurons"].max()),
        "samples": float(plain["samples"].max()),
        "minutes": float(record.attrs["wall_time_s"]) / 60,
        "short": float((100 * (1 - alone["independent_bits"] / alone["bits"])).mean()),
        "bar": float((200 * alone["standard_error"] / alone["bits"]).mean()),
        "rate": 1 / float(alone["bin_width"].min()),
        "segment": float((alone["samples"] * alone["bin_width"]).max()) / 60,
        "recorded": float((alone["start"] + alone["samples"] * alone["bin_width"]).max()) / 60,
    }
    keys = [_key(stimulus) for stimulus in stimuli_of(plain)]
    for stimulus, key in zip(stimuli_of(plain), keys, strict=True):
        found |= _numbers_of_stimulus(rows(record, source=source, stimulus=stimulus), key)
        if source == SIMULATED:
            found[f"exact-gain-{key}"] = 100 * (1 - np.divide(*exact_bits(stimulus, plain)))
    names = ("activity", "activity-thinned", "dimension", "complexity-logistic")
    for name in (*names, *(f"{of}-logistic" for of in ("gain", "correlation", "beyond")), "gain-logistic-shifted"):
        values = [found[f"{name}-{key}"] for key in keys if f"{name}-{key}" in found]
        found |= {f"{name}-least": min(values), f"{name}-most": max(values)} if values else {}
    for study, (along, _) in VARIED.items():
        varied = rows(record, source=source, study=study)
        for end in (min, max) if varied.sizes["estimate"] else ():
            at = end(varied[along].values)
            found[f"{end.__name__}-{study}"] = float(at)
            for method in METHODS:
                each = frame(rows(varied, method=method, **{along: at}))
                found[f"gain-{method}-{end.__name__}-{study}"] = float(below_independent(each)[0].mean())
                found[f"complexity-{method}-{end.__name__}-{study}"] = float((each["bits"] / each["neurons"]).mean())
    found |= _numbers_of_halves(rows(record, source=source, study="halves"))
    chosen = rows(record, source=source, study="methods")
    for method in (*METHODS, "xgboost") if chosen.sizes["estimate"] else ():
        each = frame(rows(chosen, method=method, grouped=1))
        found |= {f"seconds-{method}": each["seconds"].mean(), f"below-{method}": below_independent(each)[0].mean()}
        torn = rows(chosen, method=method, grouped=0)
        if torn.sizes["estimate"]:
            alone = rows(chosen, method=INDEPENDENT, grouped=1)
            found[f"torn-{method}"] = 100 * float((1 - torn["bits"].values / alone["bits"].values).mean())
    return {f"{name}-{suffix}": round(float(value), 4) for name, value in found.items()}


def answers(record: xr.Dataset, area: str, suffix: str, level: str = "movies") -> dict[str, str]:
    """Return in words whether both observables rise from spontaneous activity to a level, with the 95 % interval.

    Keys are the observable, what was done to the trains, and `suffix`, as in ``rise-complexity-rates-session``.
    """
    found = {}
    for observable, (_, _, key) in OBSERVABLES.items():
        for study in RISES:
            rise = over_sessions(record, study, area, observable, level)
            if rise is None:
                continue
            mean, low, high = (float(each) for each in (rise.mean, rise.low, rise.high))
            found[f"rise-{key}-{study}-{suffix}"] = f"{verb(rise)} ({mean:+z.3f}, {low:+z.3f} to {high:+z.3f})"
    return found


def in_words(found: Mapping[str, float]) -> dict[str, str]:
    """Return percentages of `numbers` below independent neurons in words, so that no reader has to turn a sign round.

    Keys are those of the numbers with ``-words`` after them; ``-range`` stands for ``-least`` and ``-most`` together.

    Examples
    --------
    >>> in_words({"gain-logistic-least-live": -7.41, "gain-logistic-most-live": 0.62})["gain-logistic-range-live"]
    'from 7.4 % above to 0.6 % below'
    >>> in_words({"gain-logistic-shifted-x": -0.3})
    {'gain-logistic-shifted-x-words': '0.3 % above'}
    """
    kept = {key: value for key, value in found.items() if key.startswith(_PERCENTAGES)}
    words = {f"{key}-words": f"{abs(value):.1f} % {_side(value)}" for key, value in kept.items()}
    for key, least in kept.items():
        most = kept.get(key.replace("-least-", "-most-"), least)
        near, far = sorted((abs(least), abs(most)))
        words[key.replace("-least-", "-range-")] = (
            f"{near:.1f} to {far:.1f} % {_side(least)}"
            if _side(least) == _side(most)
            else f"from {abs(least):.1f} % {_side(least)} to {abs(most):.1f} % {_side(most)}"
        )
    return {key: text for key, text in words.items() if "-range-" in key or key.endswith("-words")}


_PERCENTAGES = ("gain-", "correlation-", "length-gain-", "length-correlation-")


def _side(percent: float) -> str:
    """Say on which side of independent neurons a bound lies; below, where no digit is seen."""
    return "above" if round(percent, 1) < 0 else "below"


def _numbers_of_stimulus(record: xr.Dataset, key: str) -> dict[str, float]:
    """Return means over segments of what was recorded, and of the two surrogates."""
    found: dict[str, float] = {}
    for study, of in (("stimuli", key), ("surrogates", f"shifted-{key}"), ("rates", f"thinned-{key}")):
        for method in METHODS if rows(record, study=study).sizes["estimate"] else ():
            each = segment_means(rows(record, study=study, method=method))
            found[f"complexity-{method}-{of}"] = (each["bits"] / each["neurons"]).mean()
            found[f"gain-{method}-{of}"] = below_independent(each)[0].mean()
            found[f"correlation-{method}-{of}"] = below_independent(each, of_text=True)[0].mean()
            found[f"dimension-{of}"] = (each["dimension"] / each["neurons"]).mean()
            found[f"activity-{of}"] = each["activity"].mean()
            if study == "surrogates":
                found[f"beyond-{method}-{key}"] = found[f"gain-{method}-{key}"] - found[f"gain-{method}-{of}"]
    return found


def _numbers_of_halves(record: xr.Dataset) -> dict[str, float]:
    """Return by how much halves of a segment differ, and means of stimuli, a neuron."""
    found: dict[str, float] = {}
    for name in ("bits", "dimension") if record.sizes["estimate"] else ():
        table = rows(record, method=METHODS[0])[[name, "neurons", "stimulus", "segment", "start"]].to_dataframe()
        table["value"] = table[name] / table["neurons"]
        each = table.groupby(["stimulus", "segment"])["value"]
        found[f"within-{name}"] = float((each.max() - each.min()).mean())
        found[f"between-{name}"] = float(np.ptp(table.groupby("stimulus")["value"].mean()))
    return found


def _key(stimulus: str) -> str:
    return name_of(stimulus).replace(" ", "-")
