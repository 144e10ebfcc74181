"""The table of chapter 4, and the numbers that its prose says of a Dataset of `lib.experiments.deep_mlp`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from lib.claims.between_layers import DEEP, deep_over_early, without_first
from lib.claims.information import (
    DEPTHS,
    gap_slopes,
    gradient_ratio,
    information_gap,
    over_epochs,
    pairs_in_order,
    readings,
)
from lib.experiments.networks import data_sets, hidden_layers, one_network
from lib.experiments.weight_statistics import BINS
from lib.figures._between_layers import by_estimator, profiles
from lib.measures.statistics import seed_interval


def ratios(record: xr.Dataset) -> pd.DataFrame:
    """Return, for each network that is there, the mean of the deep pairs over that of the early ones, before and after.

    Deep pairs are 6-7 and on, early ones those before 5-6; networks of fewer layers have none and are left out, and so
    are those whose weights have decayed away. Beside it the same without the pair 1-2, whose layers differ in shape.
    """
    rows = {}
    for name in map(str, record["network"].values):
        found = _of_weights(one_network(record, name))
        for key, text in (("own", "abs(dH), own range"), ("fixed", "abs(dH), fixed edges"), ("kl", "KL")):
            row = {
                f"{when}{rest}": found[f"{ratio}-{key}-{end}"]
                for rest, ratio in (("", "ratio"), (", without 1-2", "without"))
                for when, end in (("untrained", "start"), ("last epoch", "end"))
            }
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
    found["gradient-bare"] = _of_weights(one_network(record, "MNIST, no batch norm"))["gradient"]
    found |= _of_slopes(record) | _of_order(record)
    for depth, name in DEPTHS.items():
        chosen = one_network(record, name)
        last = None if chosen is None else chosen["test_error"].isel(epoch=-1)
        found[f"error-depth-{depth}"] = np.nan if last is None else round(100 * float(last.mean()), 1)
    return found


def _of_weights(chosen: xr.Dataset | None) -> dict[str, float]:
    """Ratios of late to early pairs, the first pair's KL with its closed form, the bias of KL, gradients.

    Of gradients the ratio of layer 1 to the last hidden layer, geometric mean over epochs: ``gradient`` of whole
    matrices, with its interval over seeds, and ``gradient-each`` of the root mean square over a matrix's weights.
    """
    names = [
        f"{ratio}-{text}-{end}"
        for ratio in ("ratio", "without", "deep")
        for text in ("own", "fixed", "kl")
        for end in ("start", "end")
    ]
    names += ["first-kl", "first-form", "floor", "rest-kl"]
    names += ["gradient", "gradient-low", "gradient-high", "gradient-each"]
    found = dict.fromkeys(names, float("nan"))
    if chosen is None:
        return found
    named = dict(zip(("own", "fixed", "kl"), profiles(chosen), strict=True))
    for text, profile in named.items():
        ratio = deep_over_early(profile)
        for end, place in (("start", 0), ("end", -1)):
            if ratio is not None:
                found[f"ratio-{text}-{end}"] = round(float(ratio.isel(epoch=place).mean()), 2)
                found[f"without-{text}-{end}"] = round(without_first(profile, place), 2)
                deep = profile.isel(epoch=place).sel(pair=DEEP)
                found[f"deep-{text}-{end}"] = float(f"{float(deep.mean()):.2g}")
    sizes = chosen["counts"].isel(epoch=0, seed=0).sum("bin").values
    kl = named["kl"]
    found["first-kl"] = round(float(kl.isel(epoch=0, pair=0).mean()), 3)
    found["first-form"] = round(float(np.log2(sizes[0] / sizes[1]) / 2), 3)
    found["floor"] = float(f"{(BINS[-1] - 1) / sizes[1] / np.log(2):.2g}")
    found["rest-kl"] = float(f"{float(kl.isel(epoch=-1, pair=slice(1, None)).mean()):.2g}")
    gradient = seed_interval(over_epochs(gradient_ratio(chosen)))
    each = gradient.mean / np.sqrt(sizes[0] / sizes[len(hidden_layers(chosen)) - 1])
    gradients = {"": gradient.mean, "-low": gradient.low, "-high": gradient.high, "-each": each}
    return found | {f"gradient{name}": round(float(value), 2) for name, value in gradients.items()}


def _of_slopes(record: xr.Dataset) -> dict[str, float]:
    """How fast the gap grows, in bits an epoch: with true labels, in a network trained on random ones, and permuted."""
    found = {}
    for key, network in (("mnist", "MNIST"), ("cifar", "CIFAR-10")):
        for name, estimator in (("noise", "noise 10"), ("neighbours", "neighbours")):
            for kind, text in (("true", network), ("random", f"{network}, random labels")):
                chosen = one_network(record, text)
                known = [] if chosen is None else readings(chosen, "I(T;Y)")
                reading = next((each for each in known if each.estimator == estimator), None)
                bits = {kind: None if reading is None else reading.bits}
                if kind == "true":
                    bits["permuted"] = None if reading is None else reading.permuted
                for label, values in bits.items():
                    slopes = np.array([]) if values is None else gap_slopes(information_gap(values))
                    slope = round(float(slopes.mean()), 4) if len(slopes) else float("nan")
                    found[f"slope-{name}-{label}-{key}"] = slope
    return found


def _of_order(record: xr.Dataset) -> dict[str, float]:
    """How many pairs of layers any share of noise has in order after training, and how many it has reversed."""
    counts = {}
    for name in ("MNIST", "CIFAR-10", DEPTHS[6]):
        chosen = one_network(record, name)
        for reading in [] if chosen is None else readings(chosen, "I(X;T)"):
            bits = reading.bits.transpose("seed", "moment", "layer").values[:, -1]
            counts[name, reading.estimator] = pairs_in_order(bits)
    nan = float("nan")
    deep = [pairs for (name, estimator), pairs in counts.items() if name != DEPTHS[6] and "noise" in estimator]
    ordered, wrong = zip(*deep, strict=True) if deep else ([nan], [nan])
    found = {"ordered-noise-low": min(ordered), "ordered-noise-high": max(ordered), "reversed-noise-deep": sum(wrong)}
    return found | {"reversed-noise-depth-6": counts.get((DEPTHS[6], "noise 10"), (nan, nan))[1]}


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
