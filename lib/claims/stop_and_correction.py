"""Judge of the claim that the output layer stops and corrects itself: B6, on records of ``weight_evolution``."""

from __future__ import annotations

import itertools
import math
from functools import lru_cache

import numpy as np
import xarray as xr
from scipy import stats

from lib.claims._evolution import (
    above,
    by_rule,
    corrected_entropy,
    found_networks,
    layers,
    needed,
    places,
    tenth,
    title,
)
from lib.claims._judging import TINY, conclude, range_of
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.experiments.weight_statistics import bin_edges
from lib.measures.curves import sign_changes
from lib.measures.entropy import jensen_shannon
from lib.measures.histogram import rebin
from lib.measures.statistics import difference_interval, seed_interval


@judge("B6", experiment="weight_evolution")
def stops_and_corrects(record: xr.Dataset) -> Judgement | None:
    """Share of seeds whose output layer stops at one entropy while its distribution changes, and turns.

    In a seed it does if, after the first third of the snapshots, (1) two of them have entropies (bias-corrected) that
    differ by less than the standard error of the difference, and a Jensen-Shannon divergence above what resampling of
    their joint histogram gives (5 %, Bonferroni over all pairs); and (2) the differences of H or of C from snapshot to
    snapshot change their sign. Reproduced if the interval of the share lies above one half. The control are the layers
    before, of which the larger share counts: the text says it of the third alone.

    Errors are those of multinomial resampling, to first order in 1/n, with the edges held. They and the null take two
    snapshots for independent samples, though the same weights are in both: that makes "the same entropy" easier to
    show, and "another distribution" harder.
    """
    if not found_networks(record):
        return None
    conditions, controls, hundreds = [], [], []
    for name, data in found_networks(record):
        ten = _stops(data, tenth(data))
        hundred = _stops(data, 1) if tenth(data) > 1 else ten
        for number, rule in enumerate(data["rule"].values):
            *before_last, last = ten[number]
            before = max(before_last, key=np.mean)
            effect, control = seed_interval(last), seed_interval(before)
            controls.append(float(control.mean))
            hundreds.append(float(hundred[number, -1].mean()))
            shares = ", ".join(
                f"{title(layer)} {share:.0%}"
                for layer, share in zip(layers(data), hundred[number].mean(1), strict=True)
            )
            conditions.append(
                Condition.measured(
                    f"{name}, {rule}",
                    effect,
                    control=control,
                    difference=difference_interval(last, before),
                    passes=above(effect, 0.5),
                    holds_in_control=above(control, 0.5),
                    note=f"on all snapshots: {shares}",
                )
            )
    return conclude(
        min(conditions, key=lambda condition: condition.effect),
        conditions,
        record=record,
        needed=needed(record),
        measure="share of seeds whose output layer stops and turns after the first third of training, smallest",
        control=f"layers before, the larger share: {range_of(controls)}; all snapshots instead of ten, output layer: "
        f"{range_of(hundreds)}",
        text=f"A stop and correction of the output layer is seen by rule {by_rule(conditions)}; "
        f"the layers before show one too in {sum(c.holds_in_control is True for c in conditions)} of "
        f"{len(conditions)}.",
    )


def _stops(data: xr.Dataset, every: int) -> np.ndarray:
    """Return 1 where a layer stops and turns after the first third of the snapshots, shape (rule, layer, seed)."""
    chosen = _late(data, every)
    rules = [str(rule) for rule in data["rule"].values]
    counts = chosen["counts"].transpose("layer", "seed", "snapshot", "bin").values
    found = np.zeros((len(rules), *counts.shape[:2]))
    if chosen.sizes["snapshot"] < 3:
        return found  # too few to turn
    first, second = np.triu_indices(chosen.sizes["snapshot"], k=1)
    same = np.stack([_same_entropy(chosen, rule)[..., first, second] for rule in rules])
    turns = np.stack([_turn(chosen, rule) for rule in rules])
    for layer, seed in itertools.product(*map(range, counts.shape[:2])):
        candidates = same[:, layer, seed] & turns[:, layer, seed, None]
        if not candidates.any():
            continue
        each = counts[layer, seed]
        divergence = jensen_shannon(each[first], each[second])
        chance: dict[int, float] = {}  # rules share most pairs
        for rule in np.flatnonzero(candidates.any(1)):
            # the pair farthest apart is the likeliest to pass; there are hundreds, and one is enough
            pair = int(np.where(candidates[rule], divergence, -1.0).argmax())
            if pair not in chance:
                chance[pair] = _chance(each[first[pair]] + each[second[pair]], len(first))
            found[rule, layer, seed] = divergence[pair] > chance[pair]
    return found


def _late(data: xr.Dataset, every: int) -> xr.Dataset:
    """Return each `every`-th snapshot after the first third."""
    last = data.sizes["snapshot"] - 1
    return data.isel(snapshot=[number for number in range(0, last + 1, every) if 3 * number > last])


def entropy_pairs(data: xr.Dataset, rule: str, layer: str = "output") -> xr.Dataset:
    """Compare all pairs of the text's late snapshots of a layer, as the judge does.

    Parameters
    ----------
    data
        One network of a record of ``weight_evolution``.
    rule
        Binning rule of the entropies.
    layer
        Name of the layer.

    Returns
    -------
    Dataset
        Dimensions ``seed`` and ``pair``: ``difference`` of the bias-corrected entropies and its standard ``error``,
        ``divergence`` of the fine histograms, and what it exceeds by ``chance`` in 5 % of cases for the largest of all
        pairs if both are samples of one distribution; all in bits.
    """
    late = _late(data, tenth(data))
    first, second = np.triu_indices(late.sizes["snapshot"], k=1)
    here = layers(late).index(layer)
    difference, error = (values[here][:, first, second] for values in _differences(late, rule))
    counts = late["counts"].sel(layer=layer).transpose("seed", "snapshot", "bin").values
    one, other = counts[:, first], counts[:, second]
    chance = np.array([[_chance(pooled, len(first)) for pooled in each] for each in one + other])
    found = {"difference": difference, "error": error, "divergence": jensen_shannon(one, other), "chance": chance}
    return xr.Dataset({name: (("seed", "pair"), values.reshape(len(counts), -1)) for name, values in found.items()})


def _turn(data: xr.Dataset, rule: str) -> np.ndarray:
    """Whether the changes of H or of C change their sign, shape (layer, seed)."""
    steps = [np.diff(places(data, rule)[quantity]) for quantity in ("H", "c")]
    return np.asarray(np.any([sign_changes(step, TINY).any(-1) for step in steps], axis=0).T)


def _same_entropy(data: xr.Dataset, rule: str) -> np.ndarray:
    """Whether two snapshots' entropies differ by less than their error, shape (layer, seed, snapshot, snapshot)."""
    difference, error = _differences(data, rule)
    return np.asarray(difference < error)


def _differences(data: xr.Dataset, rule: str) -> tuple[np.ndarray, np.ndarray]:
    """Difference of two snapshots' entropies and its error in bits, shapes (layer, seed, snapshot, snapshot)."""
    entropy = corrected_entropy(data, rule).transpose(1, 0, 2)
    parts = data.sel(part=layers(data)).transpose("part", "seed", "snapshot", ...)
    counts = data["counts"].transpose("layer", "seed", "snapshot", "bin").values
    error = _entropy_error(rebin(counts, data["edge"].values, bin_edges(parts, rule)))
    difference = np.abs(entropy[..., None] - entropy[..., None, :])
    return difference, np.hypot(error[..., None], error[..., None, :])


def _entropy_error(counts: np.ndarray) -> np.ndarray:
    r"""Standard deviation of the plug-in entropy under multinomial resampling of a histogram, in bits.

    .. math:: \sigma^2 = \frac{\sum_i p_i \log^2 p_i - H^2}{n} + \frac{m - 1}{2 n^2}

    with n the number of values and m that of occupied bins; the second term is all there is for even counts.

    Parameters
    ----------
    counts
        Shape (..., bin), as from ``rebin`` not necessarily whole.

    Returns
    -------
    numpy.ndarray
        Shape (...).

    Notes
    -----
    Source: Harris (1975), The statistical estimation of entropy in the non-parametric case.

    Examples
    --------
    >>> print(_entropy_error(np.array([900, 100])).round(4))
    0.0301
    """
    size = counts.sum(-1)
    p = counts / size[..., None]
    surprise = -np.log(np.where(p > 0, p, 1))
    entropy = (p * surprise).sum(-1)
    variance = ((p * surprise**2).sum(-1) - entropy**2) / size + ((counts > 0).sum(-1) - 1) / (2 * size**2)
    return np.asarray(np.sqrt(np.maximum(variance, 0)) / math.log(2))


def _chance(pooled: np.ndarray, pairs: int) -> float:
    """Divergence in bits that two samples of one distribution exceed in 5 % of cases, the largest of `pairs` pairs."""
    return _drawn_chance(tuple(pooled[pooled > 0].tolist()), pairs)


@lru_cache(4096)  # the judge and the figures of a page ask for the same pairs
def _drawn_chance(counts: tuple[int, ...], pairs: int, repeats: int = 200) -> float:
    pooled = np.array(counts)
    law = pooled / pooled.sum()
    generator = np.random.default_rng(0)
    first, second = generator.multinomial(int(pooled.sum()) // 2, law, size=(2, repeats))
    drawn = jensen_shannon(first, second)
    return float(drawn.mean() + stats.norm.isf(0.05 / pairs) * drawn.std(ddof=1))  # a sum over many bins
