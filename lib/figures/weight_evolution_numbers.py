"""The table of chapter 2, and the numbers that its prose says of a Dataset of `lib.experiments.weight_evolution`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from lib.claims.stop_and_correction import entropy_pairs
from lib.experiments.networks import data_sets, of_network, one_network
from lib.experiments.weight_statistics import cells
from lib.figures._weight_evolution import LAYER_NAMES, layers_of, places_of
from lib.measures.complexity import gaussian_curve


def table(record: xr.Dataset, bins: int = 256) -> pd.DataFrame:
    """Return H and C of every layer before and after training, own range and fixed edges, and the moments."""
    place, rows = places_of(record, bins)["c"], {}
    for network in map(str, record["network"].values):
        chosen = of_network(record, network)
        c = place.sel(network=network, seed=chosen["seed"])
        for layer in layers_of(record):
            part = chosen.sel(part=layer)
            cells = {}
            for rule in ("own", "fixed"):
                cells[f"H (bits), {rule}"] = _change(part["entropy"].sel(rule=rule, bins=bins), 2)
                cells[f"C, {rule}"] = _change(c.sel(rule=rule, layer=layer), 3)
            cells["standard deviation"] = _change(part["sd"], 3)
            cells["excess kurtosis"] = _change(part["kurtosis"], 1)
            rows[network, LAYER_NAMES[layer]] = cells
    return pd.DataFrame.from_dict(rows, orient="index")


def _change(values: xr.DataArray, digits: int) -> str:
    mean = values.mean("seed")
    before, after = (f"{float(mean.isel(snapshot=place)) + 0.0:.{digits}f}" for place in (0, -1))
    return f"{before} → {after}".replace("-", "−")


_OF_BATCH = ("steps", "dh-own", "dh-fixed", "back")
"""What the prose says of the third layer under another batch."""


def numbers(live: xr.Dataset, record: xr.Dataset) -> dict[str, float]:
    """Return the numbers that the chapter's prose quotes, rounded, each of the first data set of its record."""
    found: dict[str, float] = {
        "seconds-live": round(float(live.attrs["wall_time_s"])),
        "minutes-record": round(float(record.attrs["wall_time_s"]) / 60),
    }
    for prefix, result in (("live", live), ("record", record)):
        of_one = _numbers(result, data_sets(result)[0])
        found |= {f"{prefix}-{name}": value for name, value in of_one.items()}
    for batch in (100, 1000):
        chosen = one_network(record, f"{data_sets(record)[0]}, batch {batch}")
        of_batch = dict.fromkeys(_OF_BATCH, np.nan)  # where it was not run
        if chosen is not None:
            changes = {"steps": int(chosen["step"][-1]), **_changes(chosen, layers_of(record)[-1])}
            of_batch = {key: changes[key] for key in _OF_BATCH}
        found |= {f"batch-{batch}-{key}": value for key, value in of_batch.items()}
    return found | _of_recipes(record) | {f"record-{key}": value for key, value in _of_planes(record).items()}


def _of_recipes(record: xr.Dataset) -> dict[str, float]:
    """Return what the prose says of weight decay, and of random labels on the last data set; nan where not run."""
    first, last = (data_sets(record)[place] for place in (0, -1))
    decay, random = one_network(record, f"{first}, weight decay"), one_network(record, f"{last}, random labels")
    found = {
        f"decay-dh-fixed-{layer}": np.nan if decay is None else _changes(decay, layer)["dh-fixed"]
        for layer in layers_of(record)
    }
    third, less = layers_of(record)[-1], np.nan
    if random is not None:
        less = _changes(random, third)["dh-own"] - _changes(of_network(record, last), third)["dh-own"]
    return found | {"last-random-less": round(less, 2)}


def _of_planes(record: xr.Dataset) -> dict[str, float]:
    """Return how far the paths of `lib.figures.weight_evolution.planes` lie from the Gaussians, and how many come down.

    A path, of a layer that learns true labels, comes down if over fixed edges it has less C at its end than at its
    start.
    """
    place, away, down = places_of(record), [], []
    drawn = [name + labels for name in data_sets(record) for labels in ("", ", random labels")]
    for name in [name for name in drawn if name in record["network"].values]:
        of_set = place.sel(network=name, seed=of_network(record, name)["seed"]).mean("seed")
        for rule in ("own", "fixed"):
            law, path = gaussian_curve(cells(rule, 256)), of_set.sel(rule=rule)
            away.append(float(np.abs(path["c"] - np.interp(path["h"], law.h, law.c)).max()))
        if name in data_sets(record):
            c = of_set["c"].sel(rule="fixed")
            down.append((c.isel(snapshot=-1) < c.isel(snapshot=0)).values)
    return {
        "paths": int(np.size(down)),
        "paths-down": int(np.sum(down)),
        "gaussian-away": round(max(away), 2),
        "gaussian-top": round(float(law.c.max()), 2),
    }


def _changes(chosen: xr.Dataset, layer: str) -> dict[str, float]:
    """Return by how much a layer's entropy changes under each rule, and where and how far it comes back."""
    bits = chosen["entropy"].sel(bins=256, part=layer).mean("seed")
    change, own = bits.isel(snapshot=-1) - bits.isel(snapshot=0), bits.sel(rule="own")
    lowest = _lowest(chosen, layer)
    return {f"dh-{rule}": round(float(change.sel(rule=rule)), 2) for rule in map(str, change["rule"].values)} | {
        "lowest": int(chosen["step"][lowest]),
        "back": round(float(own[-1] - own[lowest]), 2),
    }


def _lowest(chosen: xr.Dataset, layer: str) -> int:
    """Return the snapshot at which a layer's entropy over its own range is lowest."""
    return int(chosen["entropy"].sel(rule="own", bins=256, part=layer).mean("seed").values.argmin())


def _reach(part: xr.Dataset) -> float:
    """Return half the range of some weights in standard deviations."""
    return round(float((part["high"] - part["low"]) / 2 / part["sd"]), 1)


def _numbers(result: xr.Dataset, name: str) -> dict[str, float]:
    chosen = of_network(result, name)
    place = places_of(result).sel(network=name, seed=chosen["seed"]).mean("seed")
    before, after = (chosen.isel(snapshot=end).mean("seed") for end in (0, -1))
    found: dict[str, float] = {
        "seeds": chosen.sizes["seed"],
        "dead": round(100 * float(1 - chosen["live"].astype(float).mean()), 1),
        "error": round(100 * float(after["test_error"]), 1),
    }
    for pixels in ("all", "live"):
        start, end = (each["bands"].sel(pixels=pixels, order="true") for each in (before, after))
        chance = after["bands"].sel(pixels=pixels, order="permuted", quantity="displacement")
        found[f"band-ratio-{pixels}"] = round(float((end / start).sel(quantity="weight")), 2)
        found[f"band-moved-{pixels}"] = round(100 * float(end.sel(quantity="displacement")), 1)
        found[f"band-chance-{pixels}"] = round(100 * float(chance), 2)
    for layer in layers_of(result):
        for rule in map(str, result["rule"].values):
            c = place["c"].sel(rule=rule, layer=layer)
            found[f"dc-{rule}-{layer}"] = round(float(c[-1] - c[0]), 3)
        h, c = place["h"].sel(rule="own", layer=layer), place["c"].sel(rule="own", layer=layer)
        found |= {f"h-start-{layer}": round(float(h[0]), 4), f"c-start-{layer}": round(float(c[0]), 4)}
        found |= {f"{key}-{layer}": value for key, value in _changes(chosen, layer).items()}
        lowest = chosen.isel(snapshot=_lowest(chosen, layer)).mean("seed")
        found[f"reach-lowest-{layer}"] = _reach(lowest.sel(part=layer))
        for moment, now in (("start", before), ("end", after)):
            part = now.sel(part=layer)
            found[f"sd-{moment}-{layer}"] = round(float(part["sd"]), 3)
            found[f"reach-{moment}-{layer}"] = _reach(part)
    for rule in ("own", "fixed"):
        pairs = entropy_pairs(chosen, rule)
        same, other = pairs["difference"] < pairs["error"], pairs["divergence"] > pairs["chance"]
        found[f"pairs-same-{rule}"] = round(100 * float(same.mean()))
        found[f"pairs-both-{rule}"] = round(100 * float((same & other).mean()))
    return found
