"""The table of chapter 3, and the numbers that its prose says of a Dataset of `lib.experiments.deep_mlp`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from lib.claims.complexity_plane import crossed_turns
from lib.experiments.deep_mlp import SMALLER, crossed_name
from lib.experiments.networks import data_sets, of_network, one_network
from lib.experiments.weight_statistics import family_coordinates, place_of
from lib.figures._complexity_plane import BINS, FAMILIES, fixed_law, peak_epochs
from lib.measures.curves import knee


def table(record: xr.Dataset) -> pd.DataFrame:
    """Return what became of each network, means over its seeds, as the page shows it."""
    rows = {}
    for network in map(str, record["network"].values):
        chosen = of_network(record, network)
        own, fixed, found = place_of(chosen), place_of(chosen, "fixed"), peak_epochs(chosen)
        error_knee = knee(chosen["train_error"].transpose("seed", "epoch").values)
        mean = own.mean("seed")
        spread = chosen["sd"].sel(part="hidden")
        rows[network] = {
            "seeds": str(chosen.sizes["seed"]),
            "test error (%)": f"{100 * float(chosen['test_error'].isel(epoch=-1).mean()):.1f}",
            "knee of the error": _mean(error_knee),
            "peak epoch of C": _mean(found["epoch"].values),
            "C turns back": f"{int(found['interior'].sum())} of {chosen.sizes['seed']}",
            "C, peak": f"{float(mean['C'].max()):.2f}",
            "C, last": f"{float(mean['C'].isel(epoch=-1)):.2f}",
            "H, first to last": _change(own["H"]),
            "H, fixed edges": _change(fixed["H"]),
            "deviation, last / first": f"{float((spread.isel(epoch=-1) / spread.isel(epoch=0)).mean()):.2f}",
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("network")


def _mean(values: np.ndarray) -> str:
    known = values[np.isfinite(values)]
    return f"{known.mean():.0f}" if len(known) else "–"


def _change(values: xr.DataArray) -> str:
    return f"{float(values.isel(epoch=0).mean()):.2f} to {float(values.isel(epoch=-1).mean()):.2f}"


def numbers(live: xr.Dataset, record: xr.Dataset) -> dict[str, float]:
    """Return the numbers that the chapter's prose quotes, rounded, all of the text's first network of each record."""
    spreads = np.geomspace(0.01, 0.3, 200)
    arch = fixed_law("gaussian", BINS, spreads)
    found: dict[str, float] = {
        "entropy-top": round(float(arch.entropy[arch.complexity.argmax()]), 1),
        "complexity-top": round(float(arch.complexity.max()), 1),
        "seconds-live": round(float(live.attrs["wall_time_s"])),
        "hours-record": round(float(record.attrs["wall_time_s"]) / 3600, 1),
    }
    for where, each in (("live", live), ("record", record)):
        chosen = of_network(each, data_sets(each)[0])
        place, epochs = place_of(chosen), chosen["epoch"].values
        mean = place.mean("seed")
        top = peak_epochs(chosen)["epoch"].values
        at = [
            np.nanmean(top),
            np.nanmean(np.append(knee(chosen["train_error"].transpose("seed", "epoch").values), np.nan)),
        ]
        spread = chosen["sd"].sel(part="hidden").mean("seed")
        made = {name: family_coordinates(chosen.sel(part="hidden"), name).mean("seed") for name in FAMILIES}
        found |= {
            f"seeds-{where}": chosen.sizes["seed"],
            f"epochs-{where}": int(epochs[-1]),
            f"layers-{where}": chosen.sizes["layer"] - 1,
            f"peak-{where}": round(float(at[0]), 1),
            f"knee-{where}": round(float(at[1]), 1),
            f"spread-ratio-{where}": round(float(spread[-1] / spread[0]), 2),
            f"kurtosis-last-{where}": round(float(chosen["kurtosis"].sel(part="hidden").isel(epoch=-1).mean()), 1),
        }
        for when, place_in_time in (("first", 0), ("last", -1)):
            found |= {f"{name}-{when}-{where}": round(float(mean[name][place_in_time]), 2) for name in "HDC"}
        for bins in chosen["bins"].values:
            found[f"peak-{bins}-{where}"] = round(float(peak_epochs(chosen, bins=int(bins))["epoch"].mean()), 1)
        found[f"C-peak-{where}"] = round(float(mean["C"].max()), 2)
        for name, law in made.items():
            gap = np.abs(law["C"].values - mean["C"].values).max() / float(mean["C"].max())
            found[f"gap-{name.replace(' ', '-')}-{where}"] = round(100 * float(gap))
    first = data_sets(record)[0]
    variants = {"free": "no weight decay", "adamw": "AdamW", "noise": "random labels"}
    for key, name in {"text": first, **{key: f"{first}, {variant}" for key, variant in variants.items()}}.items():
        found |= {f"{name}-{key}": value for name, value in _ends_of(record, name).items()}
    return found | numbers_of_crossed(record)


def _ends_of(record: xr.Dataset, network: str) -> dict[str, float]:
    """What training has come to, rounded: error, peak of C and the fall from it in percent, H over fixed edges."""
    chosen = one_network(record, network)
    if chosen is None:
        return dict.fromkeys(("error", "peak", "fallen", "H-fixed-first", "H-fixed-last"), float("nan"))
    complexity, entropy = place_of(chosen)["C"].mean("seed"), place_of(chosen, "fixed")["H"].mean("seed")
    return {
        "error": round(100 * float(chosen["test_error"].isel(epoch=-1).mean()), 1),
        "peak": round(float(peak_epochs(chosen)["epoch"].mean()), 1),
        "fallen": round(100 * float(1 - complexity[-1] / complexity.max())),
        "H-fixed-first": round(float(entropy[0]), 1),
        "H-fixed-last": round(float(entropy[-1]), 1),
    }


_LEVELS = {
    "adam": ("", None, None),
    "free": ("no weight decay", None, None),
    "adamw": ("AdamW", None, None),
    "norm": (None, "", None),
    "plain": (None, "no batch norm", None),
    "true": (None, None, ""),
    "random": (None, None, "random labels"),
    "adam-true": ("", None, ""),
    "adam-random": ("", None, "random labels"),
}
"""What the prose counts turns of: weight decay, batch norm, labels; None for any."""


def numbers_of_crossed(record: xr.Dataset) -> dict[str, float]:
    """In how many combinations and rules complexity turns back, by level, and where over the own range it does."""
    found: dict[str, float] = {}
    turned = crossed_turns(record)
    for key, level in _LEVELS.items():
        among = [
            interior
            for kinds, rules in turned.items()
            if all(wanted in (None, kind) for kind, wanted in zip(kinds, level, strict=True))
            for interior in rules
        ]
        found |= {f"turned-{key}": sum(among), f"turned-{key}-of": len(among)}
    decayed = {"true": ("", ""), "random": ("", "random labels"), "plain": ("no batch norm", "random labels")}
    for key, (norm, labels) in decayed.items():
        ends = _ends_of(record, crossed_name(SMALLER.name, "", norm, labels))
        found |= {f"{name}-crossed-{key}": ends[name] for name in ("peak", "fallen")}
    return found
