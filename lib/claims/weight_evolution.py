"""Judges of the claims about the evolution of weights: B1 to B8, on records of experiment ``weight_evolution``.

What holds for all of them, fixed before any result was seen:

- The text does not say how weights are binned, so wherever entropy or complexity is judged every rule of the record is
  a condition, at 256 bins; other numbers of bins are in the notes. C is the text's: H/log n times normalised D.
- The text's ten moments are every tenth snapshot, with the one before training. Verdicts rest on these; what all
  hundred give is in the notes.
- Its data sets are `DATA_SETS`. Where one of them, or a network that serves as the control, is missing from the record,
  a claim about them is at most ``partly`` reproduced, and the text says what is missing.
- Another optimizer and weight decay are sensitivities: reported in the text, no conditions.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
import xarray as xr
from scipy import stats

from lib.claims._judging import conclude, range_of, span
from lib.claims._model import Condition, Judgement, Verdict
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.measures.complexity import complexity_entropy, family_probabilities, jensen_shannon
from lib.measures.curves import sign_changes
from lib.measures.histogram import rebin
from lib.measures.statistics import Estimate, difference_interval, kendall_tau, seed_interval

DATA_SETS = ("MNIST", "Fashion-MNIST")
"""The data sets of the text; a small record has others in their place, which is no more than a rehearsal."""

RANDOM = "random labels"
SENSITIVITIES = ("SGD 0.1", "weight decay")
BINS = 256
MOMENTS = 10
"""Moments after the first at which the text looks."""

_TINY = 1e-12  # more than 0: no trend at all is not on either side

PUBLISHED = (
    ((4 / 6, 2 / 6), 0.9182958340544894, 0.06112816548804511),
    ((1 / 2, 1 / 4, 1 / 4, *[0.0] * 21), 0.3271564379782973, 0.2701200547320647),
    ((1 / 3, 1 / 15, 4 / 15, 2 / 15, 1 / 5, 0), 0.8314454838586238, 0.16576716623440763),
    ((*[1 / 4] * 4, *[0.0] * 716), 0.21070701155008006, 0.20704765093242872),
)
"""Distributions with H and C as published in ordpy's documentation of ``complexity_entropy``."""


def data_sets(record: xr.Dataset) -> list[str]:
    """Return the networks of a record that learn as the text says, one a data set: those without a variant's name.

    Examples
    --------
    >>> data_sets(xr.Dataset(coords={"network": ["MNIST", "MNIST, random labels"]}))
    ['MNIST']
    """
    return [str(name) for name in record["network"].values if ", " not in str(name)]


def network(record: xr.Dataset, name: str, variant: str = "") -> xr.Dataset | None:
    """Return one network with the seeds that it has, or None where it was not run.

    Examples
    --------
    >>> record = xr.Dataset({"test_error": (("network", "seed"), [[0.1, np.nan]])}, {"network": ["MNIST"]})
    >>> network(record, "MNIST").sizes["seed"], network(record, "MNIST", "random labels")
    (1, None)
    """
    name = f"{name}, {variant}" if variant else name
    if name not in record["network"].values:
        return None
    chosen = record.sel(network=name)
    error = chosen["test_error"]
    has = (error.isel(snapshot=0) if "snapshot" in error.dims else error).notnull().values
    return chosen.isel(seed=np.flatnonzero(has)) if has.any() else None


# ---------------------------------------------------------------------------------------------------------------------
# what the judges share


def _missing(record: xr.Dataset, variant: str = "") -> list[str]:
    """Networks that a claim about both data sets needs, those of a control included, and the record has not."""
    needed = list(dict.fromkeys([*DATA_SETS, *data_sets(record)]))
    variants = ["", variant] if variant else [""]
    return [
        f"{name}, {kind}" if kind else name
        for kind in variants
        for name in needed
        if network(record, name, kind) is None
    ]


def _ceiling(missing: Sequence[str]) -> Verdict:
    return "partly" if missing else "reproduced"


def _not_run(missing: Sequence[str]) -> str:
    return f" Not run: {'; '.join(missing)}." if missing else ""


def _all(*answers: bool | None) -> bool | None:
    """True if all are, False if one is False, else undecided."""
    if False in answers:
        return False
    return None if None in answers else True


def _of_seeds(seeds: int, note: str) -> str:
    """Add to a note that there are too few seeds for an interval."""
    few = {1: "one seed, no interval", 2: "two seeds, no interval"}.get(seeds)
    return f"{note}; {few}" if few else note


def _difference(values: np.ndarray, data: xr.Dataset, control_values: np.ndarray, control: xr.Dataset) -> Estimate:
    """Difference to a control, seed by seed where both have the same."""
    paired = np.array_equal(data["seed"].values, control["seed"].values)
    return difference_interval(values, control_values, paired)


def _layers(data: xr.Dataset) -> list[str]:
    return [str(layer) for layer in data["layer"].values]


def _title(layer: str) -> str:
    return "output layer" if layer == "output" else f"layer {layer}"


def _cells(rule: str, bins: int) -> int:
    """Size of the alphabet: every rule but "own" has two overflow bins."""
    return bins if rule == "own" else bins + 2


@lru_cache
def _largest(cells: int) -> float:
    return float(complexity_entropy(np.eye(1, cells)[0]).disequilibrium)


def _place(data: xr.Dataset, rule: str, bins: int = BINS) -> dict[str, np.ndarray]:
    """Return H in bits, h and c, each of shape (seed, layer, snapshot)."""
    chosen = data.sel(rule=rule, bins=bins, part=_layers(data)).transpose("seed", "part", "snapshot", ...)
    entropy, disequilibrium = (chosen[name].values.astype(np.float64) for name in ("entropy", "disequilibrium"))
    cells = _cells(rule, bins)
    h = entropy / math.log2(cells)
    return {"H": entropy, "h": h, "c": h * disequilibrium / _largest(cells)}


def _tenth(data: xr.Dataset) -> int:
    """Distance of the text's moments in snapshots."""
    return max(1, (data.sizes["snapshot"] - 1) // MOMENTS)


def _taus(data: xr.Dataset, quantity: str, rule: str, bins: int = BINS, every: int | None = None) -> np.ndarray:
    """Rank correlation with the snapshot, shape (layer, seed); 0 where nothing varies."""
    values = _place(data, rule, bins)[quantity][..., :: every or _tenth(data)]
    tau = kendall_tau(np.arange(values.shape[-1]), values)
    return np.nan_to_num(tau).T


def _found(record: xr.Dataset) -> list[tuple[str, xr.Dataset]]:
    """Name and network of every data set that was run; where there is none, nothing is judged."""
    chosen = [(name, network(record, name)) for name in data_sets(record)]
    return [(name, data) for name, data in chosen if data is not None]


def _each(record: xr.Dataset) -> Iterator[tuple[str, xr.Dataset, str]]:
    """Yield name, network and rule for every data set and binning rule."""
    for name, data in _found(record):
        for rule in record["rule"].values:
            yield name, data, str(rule)


def _by_rule(conditions: Sequence[Condition]) -> str:
    """Count the conditions that pass, by the rule that ends their name."""
    rules: dict[str, list[Condition]] = {}
    for condition in conditions:
        rules.setdefault(condition.name.rsplit(", ", 1)[-1], []).append(condition)
    return ", ".join(f"{rule} {sum(c.passes is True for c in each)} of {len(each)}" for rule, each in rules.items())


# ---------------------------------------------------------------------------------------------------------------------
# B1: the initial weights


@judge("B1", experiment="weight_evolution")
def starts_uniform(record: xr.Dataset) -> Judgement | None:
    """Initial weights against the uniform law within +-1/sqrt(fan-in), and their entropy and complexity.

    The weights themselves are not stored, so the Kolmogorov-Smirnov statistic is taken at the edges of the fine
    histogram, and its p-value from samples of the uniform law that are binned alike: a valid test, blind only to what
    happens inside a bin. Not rejected means that no p-value of the record is below 5 % after Bonferroni's correction.
    No control network: initial weights have learnt nothing.
    """
    if not _found(record):
        return None
    chances: dict[tuple[str, str], np.ndarray] = {}
    null: dict[tuple[int, float], np.ndarray] = {}
    distances: list[float] = []
    for name, data in _found(record):
        for layer, fan_in in zip(_layers(data), _fans_in(data), strict=True):
            counts = data["counts"].isel(snapshot=0).sel(layer=layer).transpose("seed", "bin").values
            law = _uniform_at(data["edge"].values, 1 / math.sqrt(fan_in))
            size = int(counts[0].sum())
            distance = _kolmogorov(counts, law)
            distances.append(float(distance.mean()))
            if (size, fan_in) not in null:
                drawn = np.random.default_rng(0).multinomial(size, np.diff(law), size=4000)
                null[size, fan_in] = _kolmogorov(drawn, law)
            chances[name, layer] = (1 + (null[size, fan_in] >= distance[:, None]).sum(1)) / 4001
    tests = sum(len(p) for p in chances.values())
    finite = _finite_sample(min(size for size, _ in null))
    conditions = []
    for name, data, rule in _each(record):
        place = _place(data, rule)
        for number, layer in enumerate(_layers(data)):
            h, c = (seed_interval(place[key][:, number, 0]) for key in ("h", "c"))
            p = float(chances[name, layer].min())
            conditions.append(
                Condition.measured(
                    f"{name}, {_title(layer)}, {rule}",
                    h,
                    passes=_all(p * tests >= 0.05, _above(h, 0.99), _below(c, 0.01)),
                    note=_of_seeds(
                        h.n,
                        f"C {float(c.mean):.4f}; smallest Kolmogorov-Smirnov p of the seeds {p:.3f}, of {tests} in all",
                    ),
                )
            )
    return conclude(
        min(conditions, key=lambda condition: condition.effect),
        conditions,
        measure="entropy of the initial weights over its largest value, H/log n, lowest of all layers and rules",
        control=f"uniform samples as large as the smallest layer, {min(size for size, _ in null):,} weights in {BINS} "
        f"bins: H/log n {finite[0]:.4f}, C {finite[1]:.4f}",
        text=f"The initial weights are {'' if min(map(min, chances.values())) * tests >= 0.05 else 'not '}compatible "
        f"with the uniform law: Kolmogorov-Smirnov distance {range_of(distances, 4)}. Whether their entropy is high "
        f"depends on the range of the bins: passed by rule {_by_rule(conditions)}. Bins of rules own and robust end "
        "where the weights end, those of the others do not.",
    )


def _above(measured: Estimate, threshold: float) -> bool | None:
    return lies(span(measured), low=threshold)


def _below(measured: Estimate, threshold: float) -> bool | None:
    return lies(span(measured), high=threshold)


def _fans_in(data: xr.Dataset) -> list[int]:
    """Inputs of each layer's units, from the sizes of the layers."""
    sizes = data["counts"].isel(snapshot=0, seed=0).sum("bin").values.astype(int)
    inputs = [int(data.sizes["pixel"])]
    for size in sizes[:-1]:
        inputs.append(int(size) // inputs[-1])
    return inputs


def _uniform_at(edges: np.ndarray, bound: float) -> np.ndarray:
    return np.asarray(np.clip((edges + bound) / (2 * bound), 0, 1))


def _kolmogorov(counts: np.ndarray, law: np.ndarray) -> np.ndarray:
    """Largest distance at the inner edges between the empirical distribution function (..., bin) and a law's."""
    share = counts.cumsum(-1) / counts.sum(-1, keepdims=True)
    return np.asarray(np.abs(share - law[1:]).max(-1))


@lru_cache
def _finite_sample(size: int) -> tuple[float, float]:
    """Mean h and c of uniform samples of that size, over as many bins as are judged."""
    drawn = np.random.default_rng(0).multinomial(size, np.full(BINS, 1 / BINS), size=400)
    found = complexity_entropy(drawn)
    return float(found.h.mean()), float(found.c.mean())


# ---------------------------------------------------------------------------------------------------------------------
# B2: bands in the first layer


@judge("B2", experiment="weight_evolution")
def makes_bands(record: xr.Dataset) -> Judgement | None:
    """Share of the first layer's variance that lies between pixels, after training over before.

    Before training nothing has moved, so the displacement abs(w - w_0) has no share then: its share after training is
    divided by that of the same displacements permuted within each unit, which is chance. For the weights the permuted
    ones are the null that the ratio has to differ from; for both, random labels are the control.
    """
    if not _found(record):
        return None
    conditions, null, random, amounts = [], [], [], []
    for name, data in _found(record):
        control = network(record, name, RANDOM)
        for quantity, pixels in itertools.product(("weight", "displacement"), ("all", "live")):
            ratio, chance = _band_ratios(data, quantity, pixels)
            null.append(float(chance.mean()))
            other = None if control is None else seed_interval(_band_ratios(control, quantity, pixels)[0])
            random += [] if other is None else [float(other.mean)]
            bands = data["bands"].isel(snapshot=-1).sel(quantity=quantity, pixels=pixels, order="true").values
            amounts.append(float(bands.mean()))
            effect = seed_interval(ratio)
            conditions.append(
                Condition.measured(
                    f"{name}, {'weights' if quantity == 'weight' else 'displacement'}, {pixels} pixels",
                    effect,
                    control=other,
                    difference=difference_interval(ratio, chance),
                    passes=_above(effect, 3),
                    holds_in_control=None if other is None else _above(other, 3),
                    note=_of_seeds(
                        effect.n,
                        f"{amounts[-1]:.1%} of the variance lies between pixels after training; permuted within units "
                        f"the ratio is {null[-1]:.2f}, which the difference is taken to",
                    ),
                )
            )
    missing = _missing(record, RANDOM)
    return conclude(
        min(conditions, key=lambda condition: condition.effect),
        conditions,
        measure="share of variance between pixels, after training over before (displacement: over chance), smallest",
        control=f"permuted within units: ratio {range_of(null)}; "
        + (f"random labels: {range_of(random)}" if random else "random labels were not run"),
        text=f"{sum(c.passes is True for c in conditions)} of {len(conditions)} ratios exceed 3, "
        f"{sum(c.passes is True for c in conditions if c.name.endswith('live pixels'))} of them on live pixels. "
        f"After training {range_of([100 * amount for amount in amounts], 1)} % of the variance lies between pixels."
        + _not_run(missing),
        at_most=_ceiling(missing),
    )


def _band_ratios(data: xr.Dataset, quantity: str, pixels: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the ratio and that of the permuted weights, shape (seed,) each."""
    share = data["bands"].sel(quantity=quantity, pixels=pixels).transpose("order", "snapshot", "seed").values
    (true, permuted) = share.astype(np.float64)
    if quantity == "displacement":
        return true[-1] / permuted[-1], np.ones_like(true[-1])
    return true[-1] / true[0], permuted[-1] / permuted[0]


# ---------------------------------------------------------------------------------------------------------------------
# B3: the third layer


@judge("B3", experiment="weight_evolution")
def third_layer_is_ordered(record: xr.Dataset) -> Judgement | None:
    """Entropy of the output layer's weights after training less before, in bits.

    It falls if the plug-in entropy and the bias-corrected one (Miller-Madow) both do; the effect is the latter. The
    control is the rule: with bins of fixed width entropy follows the width of the distribution, with bins over the
    weights' own range only its shape.
    """
    if not _found(record):
        return None
    conditions, shapes = [], []
    for name, data, rule in _each(record):
        corrected = _corrected(data, rule)[:, -1]
        effect = seed_interval(corrected[:, -1] - corrected[:, 0])
        entropy = _place(data, rule)["H"][:, -1]
        plug_in = seed_interval(entropy[:, -1] - entropy[:, 0])
        shape = _shape_of_output(data)
        shapes += [f"on {name} {shape}"] if rule == record["rule"].values[0] else []
        conditions.append(
            Condition.measured(
                f"{name}, {rule}",
                effect,
                passes=_all(_below(effect, -_TINY), _below(plug_in, -_TINY)),
                note=_of_seeds(effect.n, f"without correction {float(plug_in.mean):+.3f} bits; {shape}"),
            )
        )
    fixed = [condition.effect for condition in conditions if condition.name.endswith(", fixed")]
    missing = _missing(record)
    return conclude(
        max(conditions, key=lambda condition: condition.effect),
        conditions,
        measure="change of the bias-corrected entropy of the output layer's weights, in bits, largest of all rules",
        control=f"fixed bins: {range_of(fixed)} bits" if fixed else "the record has no fixed bins",
        text=f"Entropy falls by rule {_by_rule(conditions)}. From before to after training, {'; '.join(shapes)}: "
        "weights are concentrated only if their standard deviation falls, not if a few of them widen the range."
        + _not_run(missing),
        at_most=_ceiling(missing),
    )


def _corrected(data: xr.Dataset, rule: str, bins: int = BINS) -> np.ndarray:
    """Miller and Madow's entropy in bits, shape (seed, layer, snapshot)."""
    order = ("seed", "layer", "snapshot")
    size = data["counts"].sum("bin").transpose(*order).values
    occupied = data["occupied"].sel(rule=rule, bins=bins).transpose(*order).values
    return np.asarray(_place(data, rule, bins)["H"] + (occupied - 1) / (2 * size) / math.log(2))


def _shape_of_output(data: xr.Dataset) -> str:
    ends = data.sel(part=_layers(data)[-1]).isel(snapshot=[0, -1]).mean("seed")
    sd, low, high, kurtosis = (ends[name].values for name in ("sd", "low", "high", "kurtosis"))
    return (
        f"the standard deviation is {sd[1] / sd[0]:.2f} times as large, the range {np.ptp([low, high], axis=0)[1]:.2f} "
        f"instead of {np.ptp([low, high], axis=0)[0]:.2f}, and excess kurtosis goes from {kurtosis[0]:.2f} to "
        f"{kurtosis[1]:.2f}"
    )


# ---------------------------------------------------------------------------------------------------------------------
# B4, B5: entropy falls, complexity rises


@judge("B4", experiment="weight_evolution")
def entropy_decreases(record: xr.Dataset) -> Judgement | None:
    """Rank correlation of entropy with the snapshot, in each layer; random labels are the control."""
    if not _found(record):
        return None
    conditions, control = _trends(record, "H", high=-0.8)
    worst = max(conditions, key=lambda condition: condition.effect)
    missing = _missing(record, RANDOM)
    return conclude(
        worst,
        conditions,
        measure=f"rank correlation of entropy with the snapshot, weakest ({worst.name})",
        control=control,
        text=f"Entropy falls by rule {_by_rule(conditions)}."
        + _sensitivity(record, "H", high=-0.8)
        + _not_run(missing),
        at_most=_ceiling(missing),
    )


@judge("B5", experiment="weight_evolution")
def complexity_increases(record: xr.Dataset) -> Judgement | None:
    """Rank correlation of normalised complexity with the snapshot, in each layer; random labels are the control.

    The one-parameter family is the Gaussian, cut off where the bins end: it has one complexity for each entropy. How
    far the measured one lies from it says whether C tells anything that H does not.
    """
    if not _found(record):
        return None
    conditions, control = _trends(record, "c", low=0.8)
    worst = min(conditions, key=lambda condition: condition.effect)
    missing = _missing(record, RANDOM)
    away = [
        float(np.abs(place["c"] - _gaussian_complexity(place["h"], _cells(rule, BINS))).max())
        for _, data, rule in _each(record)
        for place in [_place(data, rule)]
    ]
    return conclude(
        worst,
        conditions,
        measure=f"rank correlation of normalised complexity with the snapshot, weakest ({worst.name})",
        control=f"{control}; Gaussians of equal entropy: C at most {range_of(away, 3)} away, by data set and rule",
        text=f"Complexity rises by rule {_by_rule(conditions)}."
        + _sensitivity(record, "c", low=0.8)
        + _not_run(missing),
        at_most=_ceiling(missing),
    )


def _trends(
    record: xr.Dataset, quantity: str, low: float = -math.inf, high: float = math.inf
) -> tuple[list[Condition], str]:
    """Conditions of a trend, one for each data set, layer and rule, and what the control gave."""
    conditions, random = [], []
    for name, data, rule in _each(record):
        control = network(record, name, RANDOM)
        taus, hundred = _taus(data, quantity, rule), _taus(data, quantity, rule, every=1)
        others = {int(bins): _taus(data, quantity, rule, int(bins)) for bins in data["bins"].values if bins != BINS}
        for number, layer in enumerate(_layers(data)):
            effect = seed_interval(taus[number])
            other = difference = None
            if control is not None:
                null = _taus(control, quantity, rule)[number]
                other, difference = seed_interval(null), _difference(taus[number], data, null, control)
                random.append(float(other.mean))
            note = f"all snapshots {hundred[number].mean():.2f}" + "".join(
                f"; {bins} bins {tau[number].mean():.2f}" for bins, tau in others.items()
            )
            conditions.append(
                Condition.measured(
                    f"{name}, {_title(layer)}, {rule}",
                    effect,
                    control=other,
                    difference=difference,
                    passes=lies(span(effect), low, high),
                    holds_in_control=None if other is None else lies(span(other), low, high),
                    note=_of_seeds(effect.n, note),
                )
            )
    held = sum(condition.holds_in_control is True for condition in conditions)
    said = (
        f"random labels: {range_of(random)}, passed in {held} of {len(random)}"
        if random
        else "random labels were not run"
    )
    return conditions, said


def _sensitivity(record: xr.Dataset, quantity: str, low: float = -math.inf, high: float = math.inf) -> str:
    """Say how many of the same tests a network passes that learns otherwise."""
    said = ""
    for name, variant in itertools.product(data_sets(record), SENSITIVITIES):
        data = network(record, name, variant)
        if data is None:
            continue
        taus = np.stack([_taus(data, quantity, str(rule)) for rule in data["rule"].values])
        passed = [lies(span(seed_interval(each)), low, high) is True for each in taus.reshape(-1, taus.shape[-1])]
        seeds = _of_seeds(taus.shape[-1], "").replace("; ", ", ")
        said += f" {name} with {variant}{seeds}: {sum(passed)} of {len(passed)} pass."
    return said


@lru_cache
def _gaussian_curve(cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Normalised entropy (increasing) and complexity of Gaussians from very narrow to very wide beside the range."""
    edges = np.linspace(-1, 1, cells + 1)
    sd = np.geomspace(0.1 / cells, 100, 600)
    law = family_probabilities("gaussian", np.array([-np.inf, *edges, np.inf]), mean=np.zeros(len(sd)), sd=sd)
    found = complexity_entropy(law[:, 1:-1])  # what lies outside is cut off
    return found.h, found.c


def _gaussian_complexity(h: np.ndarray, cells: int) -> np.ndarray:
    return np.asarray(np.interp(h, *_gaussian_curve(cells)))


# ---------------------------------------------------------------------------------------------------------------------
# B6: a stop and correction


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
    if not _found(record):
        return None
    conditions, controls, hundreds = [], [], []
    for name, data in _found(record):
        ten = _stops(data, _tenth(data))
        hundred = _stops(data, 1) if _tenth(data) > 1 else ten
        for number, rule in enumerate(data["rule"].values):
            before, last = ten[number, :-1].max(0), ten[number, -1]
            effect, control = seed_interval(last), seed_interval(before)
            controls.append(float(control.mean))
            hundreds.append(float(hundred[number, -1].mean()))
            shares = ", ".join(
                f"{_title(layer)} {share:.0%}"
                for layer, share in zip(_layers(data), hundred[number].mean(1), strict=True)
            )
            conditions.append(
                Condition.measured(
                    f"{name}, {rule}",
                    effect,
                    control=control,
                    difference=difference_interval(last, before),
                    passes=_above(effect, 0.5),
                    holds_in_control=_above(control, 0.5),
                    note=_of_seeds(effect.n, f"on all snapshots: {shares}"),
                )
            )
    missing = _missing(record)
    return conclude(
        min(conditions, key=lambda condition: condition.effect),
        conditions,
        measure="share of seeds whose output layer stops and turns after the first third of training, smallest",
        control=f"layers before, the larger share: {range_of(controls)}; all snapshots instead of ten, output layer: "
        f"{range_of(hundreds)}",
        text=f"A stop and correction of the output layer is seen by rule {_by_rule(conditions)}; "
        f"the layers before show one too in {sum(c.holds_in_control is True for c in conditions)} of "
        f"{len(conditions)}." + _not_run(missing),
        at_most=_ceiling(missing),
    )


def _stops(data: xr.Dataset, every: int) -> np.ndarray:
    """Return 1 where a layer stops and turns after the first third of the snapshots, shape (rule, layer, seed)."""
    last = data.sizes["snapshot"] - 1
    late = [number for number in range(0, last + 1, every) if 3 * number > last]
    chosen = data.isel(snapshot=late)
    rules = [str(rule) for rule in data["rule"].values]
    counts = chosen["counts"].transpose("layer", "seed", "snapshot", "bin").values
    found = np.zeros((len(rules), *counts.shape[:2]))
    if len(late) < 3:
        return found  # too few to turn
    first, second = np.triu_indices(len(late), k=1)
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


def _turn(data: xr.Dataset, rule: str) -> np.ndarray:
    """Whether the changes of H or of C change their sign, shape (layer, seed)."""
    steps = [np.diff(_place(data, rule)[quantity]) for quantity in ("H", "c")]
    return np.asarray(np.any([sign_changes(step, _TINY).any(-1) for step in steps], axis=0).T)


def _same_entropy(data: xr.Dataset, rule: str) -> np.ndarray:
    """Whether two snapshots' entropies differ by less than their error, shape (layer, seed, snapshot, snapshot)."""
    entropy = _corrected(data, rule).transpose(1, 0, 2)
    counts = data["counts"].transpose("layer", "seed", "snapshot", "bin").values
    error = _entropy_error(rebin(counts, data["edge"].values, _edges(data, rule)))
    difference = np.abs(entropy[..., None] - entropy[..., None, :])
    return np.asarray(difference < np.hypot(error[..., None], error[..., None, :]))


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


def _edges(data: xr.Dataset, rule: str) -> np.ndarray:
    """Edges of the rule's bins, shape (layer, seed, snapshot, boundary), from what the record holds."""
    parts = data.sel(part=_layers(data)).transpose("part", "seed", "snapshot", ...)
    low, high, mean, sd = (parts[name].values.astype(np.float64) for name in ("low", "high", "mean", "sd"))
    if rule == "spread":
        low, high = mean - 4 * sd, mean + 4 * sd
    elif rule == "robust":
        low, high = _quantiles(data, 0.001), _quantiles(data, 0.999)
    elif rule == "fixed":
        low, high = np.full_like(low, -1.0), np.full_like(high, 1.0)
    inner = np.linspace(low, high, BINS + 1, axis=-1)
    if rule == "own":
        return inner
    ends = np.full((*low.shape, 1), np.inf)
    return np.concatenate([-ends, inner, ends], axis=-1)


def _quantiles(data: xr.Dataset, level: float) -> np.ndarray:
    """Quantile of the weights, read from the fine histogram, shape (layer, seed, snapshot)."""
    counts = data["counts"].transpose("layer", "seed", "snapshot", "bin").values
    share = counts.cumsum(-1) / counts.sum(-1, keepdims=True)
    cell = (share < level).sum(-1)
    below, above = (np.take_along_axis(share, np.maximum(cell - back, 0)[..., None], -1)[..., 0] for back in (1, 0))
    below = np.where(cell > 0, below, 0)
    edges = data["edge"].values
    return np.asarray(edges[cell] + (edges[cell + 1] - edges[cell]) * (level - below) / (above - below))


def _chance(pooled: np.ndarray, pairs: int, repeats: int = 200) -> float:
    """Divergence in bits that two samples of one distribution exceed in 5 % of cases, the largest of `pairs` pairs."""
    law = pooled[pooled > 0] / pooled.sum()
    generator = np.random.default_rng(0)
    first, second = generator.multinomial(int(pooled.sum()) // 2, law, size=(2, repeats))
    drawn = jensen_shannon(first, second)
    return float(drawn.mean() + stats.norm.isf(0.05 / pairs) * drawn.std(ddof=1))  # a sum over many bins


# ---------------------------------------------------------------------------------------------------------------------
# B7: complexity and performance


@judge("B7", experiment="weight_evolution")
def reflects_performance(record: xr.Dataset) -> Judgement | None:
    """Rank correlation of normalised complexity with test accuracy: over snapshots, and within one over seeds.

    The row names no threshold: the sign decides, so the interval has to lie above 0. Over snapshots one number a seed;
    the control asks whether C rises (with the snapshot) under random labels too, where nothing can generalise. Within a
    snapshot one number in all, the mean over the moments after the first; its interval is that of the permutations of
    seeds, all snapshots alike, and needs five seeds to decide anything.
    """
    if not _found(record):
        return None
    over, within, random = [], [], []
    for name, data, rule in _each(record):
        control = network(record, name, RANDOM)
        every = _tenth(data)
        accuracy = 1 - data["test_error"].transpose("seed", "snapshot").values[:, ::every].astype(np.float64)
        place = _place(data, rule)
        for number, layer in enumerate(_layers(data)):
            complexity, entropy = (place[key][:, number, ::every] for key in ("c", "H"))
            tau = seed_interval(np.nan_to_num(kendall_tau(complexity, accuracy)))
            other = None if control is None else seed_interval(_taus(control, "c", rule)[number])
            random += [] if other is None else [float(other.mean)]
            of_entropy = float(np.nan_to_num(kendall_tau(entropy, accuracy)).mean())
            over.append(
                Condition.measured(
                    f"over snapshots, {name}, {_title(layer)}, {rule}",
                    tau,
                    control=other,
                    passes=_above(tau, _TINY),
                    holds_in_control=None if other is None else _above(other, _TINY),
                    note=_of_seeds(tau.n, f"the same for entropy {of_entropy:.2f}"),
                )
            )
            if tau.n > 1:
                within.append(
                    _within(f"over seeds, {name}, {_title(layer)}, {rule}", complexity[:, 1:], accuracy[:, 1:])
                )
    conditions = [*over, *within]
    worst = min(over, key=lambda condition: condition.effect)
    missing = _missing(record, RANDOM)
    passing = f"{sum(c.passes is True for c in over)} of {len(over)}"
    return conclude(
        worst,
        conditions,
        measure=f"rank correlation of complexity with test accuracy over snapshots, weakest ({worst.name})",
        control=f"random labels, complexity with the snapshot: {range_of(random)}"
        if random
        else "random labels were not run",
        text=f"Over snapshots complexity and accuracy rise together in {passing} cases. "
        + (
            f"Under random labels complexity rises in {sum(c.holds_in_control is True for c in over)}, though nothing "
            "generalises. "
            if random
            else ""
        )
        + (
            f"Within a snapshot, over seeds, {sum(c.passes is True for c in within)} of {len(within)} are above chance."
            if within
            else "One seed says nothing about differences between seeds."
        )
        + _not_run(missing),
        at_most=_ceiling(missing),
    )


def _within(name: str, complexity: np.ndarray, accuracy: np.ndarray) -> Condition:
    """Mean rank correlation over seeds within a snapshot, from arrays (seed, snapshot), against permuted seeds."""
    seeds = len(complexity)
    if seeds <= 6:
        orders = np.array(list(itertools.permutations(range(seeds))))
    else:
        generator = np.random.default_rng(0)
        orders = np.argsort(generator.random((1000, seeds)), axis=1)
        orders[0] = np.arange(seeds)
    taus = np.nan_to_num(kendall_tau(complexity.T, accuracy[orders].transpose(0, 2, 1))).mean(-1)
    effect = float(taus[0])
    # the widest 5 % of the permutations; of fewer than 20, not even the most extreme is that rare
    if len(taus) * 0.05 >= 2:
        margin = float(np.sort(np.abs(taus))[-math.ceil(0.05 * len(taus))])
        interval = (effect - margin, effect + margin)
        passes, note = lies(interval, low=_TINY), f"chance: within {margin:.2f} of 0"
    else:
        interval, passes, note = None, None, "too few seeds for a test by permutation"
    return Condition(name, effect, interval, seeds=seeds, passes=passes, note=_of_seeds(seeds, note))


# ---------------------------------------------------------------------------------------------------------------------
# B8: the formulas


@judge("B8", experiment="weight_evolution")
def formulas_are_ordpys(record: xr.Dataset) -> Judgement:
    """Normalised H, D and C of published distributions; D, which is not published, is their C over their H.

    Nothing of the record is read: the claim is about formulas.
    """
    conditions = []
    for p, h, c in PUBLISHED:
        found = complexity_entropy(np.array(p))
        gap = max(abs(float(found.h) - h), abs(float(found.c) - c), abs(float(found.d) - c / h))
        conditions.append(
            Condition(
                f"{sum(x > 0 for x in p)} of {len(p)} bins occupied",
                gap,
                seeds=0,
                passes=gap < 1e-8,
                note=f"published H {h:.8f}, C {c:.8f}; here H {float(found.h):.8f}, D {float(found.d):.8f}, "
                f"C {float(found.c):.8f}",
            )
        )
    signed = -float(complexity_entropy(np.array(PUBLISHED[2][0])).entropy)
    return conclude(
        max(conditions, key=lambda condition: condition.effect),
        conditions,
        measure="largest difference of H, D or C from the published values",
        control=f"the sum p log p as it is written, without the minus sign: {signed:.2f} bits, no entropy",
        text="With H normalised and D = q x JSD the text's complexity is the one of the literature. Its formula of S "
        "lacks the minus sign: a slip, for the entropies it speaks of are positive.",
    )
