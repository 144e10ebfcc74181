"""The table of chapter 4, and the numbers that its prose says of a Dataset of `lib.experiments.deep_mlp`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from lib.claims.between_layers import deep_over_early
from lib.claims.information import DEPTHS, gradient_ratio, information_gap, readings
from lib.experiments.networks import data_sets, one_network
from lib.experiments.weight_statistics import BINS
from lib.figures._between_layers import by_estimator, profiles


def ratios(record: xr.Dataset) -> pd.DataFrame:
    """Return, for each network that is there, the mean of the deep pairs over that of the early ones, before and after.

    Deep pairs are 6-7 and on, early ones those before 5-6; networks of fewer layers have none and are left out, and so
    are those whose weights have decayed away.
    """
    rows = {}
    for name in map(str, record["network"].values):
        found = _of_weights(one_network(record, name))
        for key, text in (("own", "abs(dH), own range"), ("fixed", "abs(dH), fixed edges"), ("kl", "KL")):
            row = {"untrained": found[f"ratio-{key}-start"], "last epoch": found[f"ratio-{key}-end"]}
            if np.isfinite(row["last epoch"]):
                rows[name, text] = row
    return pd.DataFrame.from_dict(rows, orient="index")


def numbers(live: xr.Dataset, record: xr.Dataset) -> dict[str, float]:
    """Return the numbers that the chapter's prose quotes, rounded; NaN where the record has not the network."""
    found: dict[str, float] = {
        "seconds-live": round(float(live.attrs["wall_time_s"])),
        "hours-record": round(float(record.attrs["wall_time_s"]) / 3600, 1),
    }
    for key, dataset in (("live", live), ("record", record)):
        ceiling = float(dataset["ceiling"].max()) if "ceiling" in dataset else np.nan
        found[f"ceiling-{key}"] = round(ceiling, 2)
        found[f"samples-{key}"] = np.nan if np.isnan(ceiling) else round(2**ceiling)
    first = one_network(live, data_sets(live)[0])
    free = "MNIST, no weight decay"
    networks = {"live": first, "mnist": one_network(record, "MNIST"), "cifar": one_network(record, "CIFAR-10")}
    for key, chosen in {**networks, "free": one_network(record, free)}.items():
        found |= {f"{name}-{key}": value for name, value in _of_weights(chosen).items()}
    for key in ("live", "mnist"):
        found |= {f"{name}-{key}": value for name, value in _of_information(networks[key]).items()}
    for depth, name in DEPTHS.items():
        chosen = one_network(record, name)
        last = None if chosen is None else chosen["test_error"].isel(epoch=-1)
        found[f"error-depth-{depth}"] = np.nan if last is None else round(100 * float(last.mean()), 1)
    return found


def _of_weights(chosen: xr.Dataset | None) -> dict[str, float]:
    """Ratios of late to early pairs, the first pair's KL with its closed form, the bias of KL, gradients."""
    names = [f"ratio-{text}-{end}" for text in ("own", "fixed", "kl") for end in ("start", "end")]
    names += ["first-kl", "first-form", "floor", "rest-kl", "gradient"]
    found = dict.fromkeys(names, float("nan"))
    if chosen is None:
        return found
    named = dict(zip(("own", "fixed", "kl"), profiles(chosen), strict=True))
    for text, profile in named.items():
        ratio = deep_over_early(profile)
        for end, place in (("start", 0), ("end", -1)):
            if ratio is not None:
                found[f"ratio-{text}-{end}"] = round(float(ratio.isel(epoch=place).mean()), 2)
    sizes = chosen["counts"].isel(epoch=0, seed=0).sum("bin").values
    kl = named["kl"]
    found["first-kl"] = round(float(kl.isel(epoch=0, pair=0).mean()), 3)
    found["first-form"] = round(float(np.log2(sizes[0] / sizes[1]) / 2), 3)
    found["floor"] = float(f"{(BINS[-1] - 1) / sizes[1] / np.log(2):.2g}")
    found["rest-kl"] = float(f"{float(kl.isel(epoch=-1, pair=slice(1, None)).mean()):.2g}")
    found["gradient"] = round(float(gradient_ratio(chosen).isel(epoch=-1).mean()), 2)
    return found


def _of_information(chosen: xr.Dataset | None) -> dict[str, float]:
    """How many pairs of layers some estimates have reversed, and the gap between early and deep layers."""
    found = {f"reversed-{name}": float("nan") for name in ("bins", "noise")}
    found |= {f"gap-{name}-{end}": float("nan") for name in ("noise", "neighbours") for end in ("start", "end")}
    if chosen is None or not readings(chosen, "I(X;T)"):
        return found
    for name, estimator in (("bins", "2 bins"), ("noise", "noise 10")):
        drop = by_estimator(chosen, "I(X;T)", estimator).isel(moment=-1).mean("seed").diff("layer")
        found[f"reversed-{name}"] = int((drop > 0).sum())
    for name, estimator in (("noise", "noise 10"), ("neighbours", "neighbours")):
        gap = information_gap(by_estimator(chosen, "I(T;Y)", estimator)).mean("seed")
        found |= {f"gap-{name}-start": round(float(gap[0]), 2), f"gap-{name}-end": round(float(gap[-1]), 2)}
    return found
