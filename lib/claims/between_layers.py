"""Judges of the claims about what passes between layers: K8 to K16, on records of experiment ``deep_mlp``.

Choices that the rows leave to us, made before any record of the text's size was seen: weights are those at the last
epoch, in 256 bins (which is what the stored divergences have); layers are the hidden ones, without the output;
information is judged under every estimator of the record, with kernels by their upper bound of I(X;T) and their lower
bound of I(T;Y). An estimate that cannot tell anything apart decides nothing: one of I(X;T) at its ceiling, one of
I(T;Y) that finds nearly as much in permuted labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from lib.claims._judging import conclude, over_seeds, range_of, span
from lib.claims._model import Condition, Judgement, Verdict
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.measures.complexity import complexity_entropy, family_probabilities
from lib.measures.curves import partial_tau, peak
from lib.measures.statistics import difference_interval, kendall_tau, seed_interval

DEPTHS = {2: "MNIST, depth 2", 6: "MNIST, depth 6", 16: "MNIST"}
"""The text's networks by number of hidden layers."""

RANGES = {"own": "range of each epoch", "fixed": "fixed edges"}
"""Binning rules under which layers are judged."""

EARLY = [f"{layer}-{layer + 1}" for layer in range(1, 5)]
DEEP = [f"{layer}-{layer + 1}" for layer in range(6, 16)]
"""Pairs of layers before and from the sixth layer on."""

_BINS = 256
_CEILING = 0.99  # share of log2(samples) from which on an estimate of I(X;T) is said to be at its ceiling
_BLIND = 0.9  # share of I(T;Y) found in permuted labels too, from which on an estimate is said to be blind
_POSITIVE = float(np.finfo(float).tiny)  # "above 0", for `lies` takes thresholds as included


# -- reading a record -------------------------------------------------------------------------------------------------


def one_network(record: xr.Dataset, name: str) -> xr.Dataset | None:
    """Select a network without the seeds, layers, pairs and moments that it has not; None where it is missing.

    Parameters
    ----------
    record
        Of ``deep_mlp``: networks of other depth or with fewer seeds are filled up with NaN in it.
    name
        Of the network, such as ``"MNIST, depth 2"``.

    Returns
    -------
    Dataset or None
        Without dimension ``network``. A network whose layers' information was not estimated has no moments.
    """
    if name not in record["network"].values:
        return None
    chosen = record.sel(network=name)
    known_by = {
        "seed": "test_error",
        "layer": "gradient_norm",
        "part": "sd",
        "pair": "divergence",
        "half": "halves",
        "moment": "binned_input",
    }
    for dim, variable in known_by.items():
        if dim in chosen.dims and variable in chosen:
            known = chosen[variable].notnull()
            chosen = chosen.isel({dim: known.any([d for d in known.dims if d != dim]).values})
    return chosen if chosen.sizes["seed"] else None


def hidden_layers(chosen: xr.Dataset) -> list[str]:
    """Return the names of a network's hidden layers.

    Examples
    --------
    >>> hidden_layers(xr.Dataset(coords={"layer": ["1", "2", "output"]}))
    ['1', '2']
    """
    return [str(name) for name in chosen["layer"].values if name != "output"]


def entropy_steps(chosen: xr.Dataset, rule: str, bins: int = _BINS) -> xr.DataArray:
    """Return \\|dH\\| between successive hidden layers in bits, dimensions ``seed``, ``epoch``, ``pair``."""
    entropy = chosen["entropy"].sel(rule=rule, bins=bins, part=hidden_layers(chosen))
    return abs(entropy.diff("part")).rename(part="pair").assign_coords(pair=chosen["pair"].values)


def deep_over_early(profile: xr.DataArray) -> xr.DataArray | None:
    """Return the mean over pairs 6-7 to 15-16 over that of pairs 1-2 to 4-5; None where the network has not all."""
    if not set(EARLY + DEEP) <= set(profile["pair"].values):
        return None
    early = profile.sel(pair=EARLY).mean("pair")
    return profile.sel(pair=DEEP).mean("pair") / early.where(early > 0)


@dataclass(frozen=True)
class Reading:
    """What one estimator says of the layers of one network."""

    quantity: str  #: ``"I(X;T)"`` or ``"I(T;Y)"``
    estimator: str  #: such as ``"4 bins"``
    bits: xr.DataArray  #: dimensions seed, moment, layer
    permuted: xr.DataArray | None  #: the same with permuted labels, for I(T;Y)
    blind: bool  #: whether it is at its ceiling, or finds as much in permuted labels, in every hidden layer and moment

    @property
    def name(self) -> str:
        """Quantity and estimator."""
        return f"{self.quantity}, {self.estimator}"


def readings(chosen: xr.Dataset, *quantities: str) -> list[Reading]:
    """Return every estimator's reading of the hidden layers; none where information was not estimated.

    Parameters
    ----------
    chosen
        One network, see `one_network`.
    quantities
        Of ``"I(X;T)"``, ``"I(T;Y)"``.
    """
    if "binned_input" not in chosen or not chosen.sizes["moment"]:
        return []
    chosen = chosen.sel(layer=hidden_layers(chosen))
    found = []
    if "I(X;T)" in quantities:
        ceiling = float(chosen["ceiling"].max())
        values = {f"{bins} bins": chosen["binned_input"].sel(unit_bins=bins) for bins in chosen["unit_bins"].values}
        for noise in chosen["noise"].values:
            values[f"noise {noise:g}"] = chosen["kernel_input"].sel(noise=noise, bound="high")
        for name, bits in values.items():
            found.append(Reading("I(X;T)", name, bits, None, bool((bits >= _CEILING * ceiling).all())))
    if "I(T;Y)" in quantities:
        values = {f"{bins} bins": chosen["binned_labels"].sel(unit_bins=bins) for bins in chosen["unit_bins"].values}
        for noise in chosen["noise"].values:
            values[f"noise {noise:g}"] = chosen["kernel_labels"].sel(noise=noise, bound="low")
        values |= {"neighbours": chosen["neighbour_labels"], "linear probe": chosen["probe_labels"]}
        for name, both in values.items():
            bits, null = (both.sel(labels=labels) for labels in ("true", "permuted"))
            found.append(Reading("I(T;Y)", name, bits, null, bool((null >= _BLIND * bits).all())))
    return found


def _after(bits: xr.DataArray) -> xr.DataArray:
    """Leave out what was measured before training."""
    return bits.isel(moment=bits["moment"].values > 0)


def _by_name(found: Sequence[Reading]) -> dict[str, Reading]:
    return {reading.name: reading for reading in found}


def _common_seeds(*chosen: xr.Dataset) -> list[int]:
    return [int(seed) for seed in chosen[0]["seed"].values if all(seed in other["seed"].values for other in chosen)]


def _mean(values: xr.DataArray) -> float:
    return float(np.mean(over_seeds(values))) if len(over_seeds(values)) else float("nan")


def _conclude(
    record: xr.Dataset,
    needed: Sequence[str],
    carrier: Condition,
    conditions: Sequence[Condition],
    *,
    measure: str,
    control: str,
    text: str,
    at_most: Verdict = "reproduced",
) -> Judgement:
    """Conclude, and say what was not run or has one seed; what lacks a network of the row is at most ``partly``."""
    missing = [name for name in needed if one_network(record, name) is None]
    single = sum(condition.seeds == 1 for condition in conditions)
    text += f" One seed in {single} of {len(conditions)} conditions." if single else ""
    text += f" Not run: {'; '.join(missing)}." if missing else ""
    return conclude(
        carrier,
        conditions,
        measure=measure,
        control=control,
        text=text,
        at_most="partly" if missing else at_most,
    )


def _weakest(conditions: Sequence[Condition]) -> Condition:
    """Return the condition with the smallest effect, of those that decide anything if there are some."""
    return min([c for c in conditions if c.passes is not None] or conditions, key=lambda condition: condition.effect)


# -- entropy and divergence of the weights ----------------------------------------------------------------------------


def _ratio_condition(
    name: str, profile: xr.DataArray, controls: dict[str, xr.DataArray], note: str
) -> Condition | None:
    """Test whether pairs from layer 6 on lie below half of those before, against the untrained network and `controls`.

    `profile` has dimensions seed, epoch, pair, as have those in `controls`: networks to which the same may happen
    though they learn nothing.
    """
    ratio = deep_over_early(profile)
    if ratio is None:
        return None
    both = ratio.isel(epoch=[0, -1]).transpose("seed", "epoch").values
    both = both[np.isfinite(both).all(axis=1)]
    if not len(both):
        return None
    start, end = both.T
    untrained, trained = seed_interval(start), seed_interval(end)
    others = {"untrained": untrained}
    for control, other in controls.items():
        values = deep_over_early(other)
        if values is not None and len(over_seeds(values.isel(epoch=-1))):
            others[control] = seed_interval(over_seeds(values.isel(epoch=-1)))
    without_first = profile.isel(epoch=-1)
    early = without_first.sel(pair=EARLY[1:]).mean("pair")
    rest = _mean(without_first.sel(pair=DEEP).mean("pair") / early.where(early > 0))
    named = ", ".join(f"{control} {float(value.mean):.2f}" for control, value in others.items())
    return Condition.measured(
        name,
        trained,
        control=untrained,
        difference=difference_interval(end, start),
        passes=lies(span(trained), high=0.5),
        holds_in_control=any(lies(span(value), high=0.5) is True for value in others.values()),
        note=f"{named}; without the pair 1-2, whose layers differ in shape, {rest:.2f}; {note}",
    )


def _entropy_conditions(record: xr.Dataset, network: str) -> list[Condition]:
    chosen = one_network(record, network)
    if chosen is None:
        return []
    shuffled = one_network(record, f"{network}, random labels")
    free = one_network(record, f"{network}, no weight decay")
    found = []
    for rule, text in RANGES.items():
        profile = entropy_steps(chosen, rule)
        edges = "fixed" if rule == "fixed" else "common"
        halves = chosen["halves"].sel(edges=edges, measure="entropy difference").isel(epoch=-1).mean("half")
        note = f"two halves of a layer differ by {_mean(halves):.4f} bits"
        if free is not None:
            ratio = deep_over_early(entropy_steps(free, rule))
            note += "" if ratio is None else f"; without weight decay {_mean(ratio.isel(epoch=-1)):.2f}"
        controls = {} if shuffled is None else {"random labels": entropy_steps(shuffled, rule)}
        found.append(_ratio_condition(f"{network}, {text}", profile, controls, note))
    return [condition for condition in found if condition]


def _entropy_judgement(record: xr.Dataset, network: str) -> Judgement | None:
    conditions = _entropy_conditions(record, network)
    if not conditions:
        return None
    worst = max(conditions, key=lambda condition: condition.effect)
    untrained = [condition.control for condition in conditions if condition.control is not None]
    return _conclude(
        record,
        [network, f"{network}, random labels", f"{network}, no weight decay"],
        worst,
        conditions,
        measure=f"mean |dH| of the pairs 6-7 to 15-16 over that of the pairs 1-2 to 4-5 (largest: {worst.name})",
        control=f"untrained network: {range_of(untrained)}",
        text=f"The ratio is {range_of([c.effect for c in conditions])} at the last epoch and {range_of(untrained)} "
        "before the first. In an untrained network only the first layer has another shape, so a profile that falls "
        "behind it is there without any learning.",
    )


@judge("K8", experiment="deep_mlp")
def entropy_differences_shrink(record: xr.Dataset) -> Judgement | None:
    """MNIST's network: deep pairs of layers differ in entropy by less than half of what early pairs differ by.

    The untrained network and random labels are what must not show the same; the run without weight decay is reported
    beside them, for it may fail the test only if weight decay makes the profile.
    """
    return _entropy_judgement(record, "MNIST")


@judge("K9", experiment="deep_mlp")
def entropy_differences_shrink_on_cifar(record: xr.Dataset) -> Judgement | None:
    """CIFAR-10's network: as `entropy_differences_shrink`."""
    return _entropy_judgement(record, "CIFAR-10")


KINDS = {"forwards": "KL(w_i, w_i+1)", "backwards": "KL(w_i+1, w_i)", "jensen-shannon": "JSD"}
"""Divergences between successive layers."""


@judge("K10", experiment="deep_mlp")
def divergences_are_low(record: xr.Dataset) -> Judgement | None:
    """Both directions of KL and the JSD, on edges common to all hidden layers: the test of K8 on both data sets.

    What two random halves of a layer give stands in the note: they have half of the weights each, hence twice the bias
    of the divergence between layers.
    """
    conditions = []
    for network in ("MNIST", "CIFAR-10"):
        chosen = one_network(record, network)
        if chosen is None:
            continue
        shuffled = one_network(record, f"{network}, random labels")
        for kind, name in KINDS.items():
            measure = "jensen-shannon" if kind == "jensen-shannon" else "kl"
            halves = chosen["halves"].sel(edges="common", measure=measure).isel(epoch=-1)
            condition = _ratio_condition(
                f"{network}, {name}",
                chosen["divergence"].sel(edges="common", kind=kind),
                {} if shuffled is None else {"random labels": shuffled["divergence"].sel(edges="common", kind=kind)},
                f"two halves of a layer give {_mean(halves.mean('half')):.2g} bits",
            )
            conditions += [condition] if condition else []
    if not conditions:
        return None
    worst = max(conditions, key=lambda condition: condition.effect)
    untrained = [condition.control for condition in conditions if condition.control is not None]
    return _conclude(
        record,
        ["MNIST", "CIFAR-10"],
        worst,
        conditions,
        measure="mean divergence of the pairs 6-7 to 15-16 over that of the pairs 1-2 to 4-5, common edges "
        f"(largest: {worst.name})",
        control=f"untrained network: {range_of(untrained)}",
        text=f"The ratio is {range_of([c.effect for c in conditions])} at the last epoch. The untrained network has "
        f"{range_of(untrained)}: there the first layer differs by its width of input, and all others are draws from "
        "one law.",
    )


@judge("K11", experiment="deep_mlp")
def resembles_the_error(record: xr.Dataset) -> Judgement | None:
    """Rank correlation above 0.5: of the sums over pairs with training error over epochs, and of both sets' profiles.

    The error is that on train images without dropout, from the first epoch on; that while learning stands in the note.
    Any two falling curves are correlated: so the control holds where random labels pass with their own error, or where
    the partial correlation given the epoch is not above 0.
    """
    conditions = []
    for network in ("MNIST", "CIFAR-10"):
        chosen = one_network(record, network)
        if chosen is None or not chosen.sizes["pair"] or chosen.sizes["epoch"] < 3:
            continue
        shuffled = one_network(record, f"{network}, random labels")
        other = {} if shuffled is None else _profiles(shuffled)
        for name, profile in _profiles(chosen).items():
            tau = _tau_with_error(chosen, profile)
            if not len(tau):
                continue
            partial = _tau_with_error(chosen, profile, partial=True)
            only_epoch = not len(partial) or lies(span(seed_interval(partial)), low=_POSITIVE) is not True
            control = _tau_with_error(shuffled, other[name]) if shuffled is not None else np.array([])
            effect, null = seed_interval(tau), seed_interval(control) if len(control) else None
            learning = _tau_with_error(chosen, profile, "train_error")
            conditions.append(
                Condition.measured(
                    f"{network}, summed {name}, over epochs",
                    effect,
                    control=null,
                    passes=lies(span(effect), low=0.5),
                    holds_in_control=only_epoch or (null is not None and lies(span(null), low=0.5) is True),
                    note=f"given the epoch {partial.mean() if len(partial) else np.nan:.2f}; "
                    f"with the error while learning {learning.mean() if len(learning) else np.nan:.2f}",
                )
            )
    conditions += _profile_conditions(record)
    if not conditions:
        return None
    worst = _weakest(conditions)
    nulls = [condition.control for condition in conditions if condition.control is not None]
    return _conclude(
        record,
        ["MNIST", "CIFAR-10", "MNIST, random labels"],
        worst,
        conditions,
        measure=f"rank correlation with the error over epochs, or between data sets over depth (lowest: {worst.name})",
        control=f"random labels, or untrained networks: {range_of(nulls)}" if nulls else "none was run",
        text=f"Correlations are {range_of([c.effect for c in conditions])}. Over epochs nearly everything is monotone: "
        "what is left given the epoch stands with each condition.",
    )


def _profiles(chosen: xr.Dataset) -> dict[str, xr.DataArray]:
    """Differences between successive layers by measure: |dH| under both ranges, and KL."""
    found = {f"|dH| ({text})": entropy_steps(chosen, rule) for rule, text in RANGES.items()}
    return found | {"KL": chosen["divergence"].sel(edges="common", kind="forwards")}


def _tau_with_error(
    chosen: xr.Dataset, profile: xr.DataArray, error: str = "train_off_error", partial: bool = False
) -> np.ndarray:
    """One rank correlation a seed of the summed profile with the error, those that are defined."""
    trained = profile["epoch"].values > 0
    epochs = profile["epoch"].values[trained]
    total, errors = (
        values.transpose("seed", "epoch").values[:, trained] for values in (profile.sum("pair"), chosen[error])
    )
    tau = partial_tau(total, errors, epochs[None]) if partial else kendall_tau(total, errors)
    return tau[np.isfinite(tau)]


def _profile_conditions(record: xr.Dataset) -> list[Condition]:
    """Likeness of the two data sets' profiles over depth, seed by seed, against that of the untrained networks."""
    both = [one_network(record, network) for network in ("MNIST", "CIFAR-10")]
    if both[0] is None or both[1] is None:
        return []
    seeds = _common_seeds(both[0], both[1])
    first, second = (_profiles(chosen.sel(seed=seeds)) for chosen in (both[0], both[1]))
    found = []
    for name in first:
        ends = []
        for epoch in (0, -1):
            x, y = (p[name].isel(epoch=epoch).transpose("seed", "pair").values for p in (first, second))
            tau = kendall_tau(x, y) if seeds and x.shape == y.shape and x.shape[1] > 1 else np.array([])
            ends.append(tau[np.isfinite(tau)])
        if not len(ends[1]):
            continue
        effect, null = seed_interval(ends[1]), seed_interval(ends[0]) if len(ends[0]) else None
        found.append(
            Condition.measured(
                f"MNIST with CIFAR-10, {name} over depth",
                effect,
                control=null,
                passes=lies(span(effect), low=0.5),
                holds_in_control=None if null is None else lies(span(null), low=0.5) is True,
            )
        )
    return found


def coordinates(chosen: xr.Dataset, rule: str) -> tuple[np.ndarray, np.ndarray]:
    """Return H and C of every hidden layer, in bits and bits squared, shapes (seed, layer, epoch)."""
    parts = chosen.sel(part=hidden_layers(chosen), rule=rule, bins=_BINS)
    entropy = parts["entropy"].transpose("seed", "part", "epoch").values
    return entropy, entropy * parts["disequilibrium"].transpose("seed", "part", "epoch").values


def gaussian_coordinates(chosen: xr.Dataset, rule: str) -> tuple[np.ndarray, np.ndarray]:
    """Return H and C of Gaussian weights with every layer's mean and spread, in its bins; as `coordinates`."""
    parts = chosen.sel(part=hidden_layers(chosen))
    mean, sd, low, high = (
        parts[name].transpose("seed", "part", "epoch").values.astype(np.float64)
        for name in ("mean", "sd", "low", "high")
    )
    if rule == "own":
        edges = low[..., None] + (high - low)[..., None] * np.linspace(0, 1, _BINS + 1)
    elif rule == "fixed":
        edges = np.concatenate([[-np.inf], np.linspace(-1, 1, _BINS + 1), [np.inf]])
    else:
        raise ValueError(f"Gaussian weights are not binned by the rule {rule!r}; use 'own' or 'fixed'.")
    found = complexity_entropy(family_probabilities("gaussian", edges, mean=mean, sd=sd))
    return found.entropy, found.complexity


def _left_the_peak(entropy: np.ndarray, complexity: np.ndarray, share: float) -> np.ndarray:
    """Say of every layer whether it ends below its peak: C below `share` of it, H below its value there."""
    at = peak(complexity).epoch.astype(int)[..., None]
    high, there = (np.take_along_axis(values, at, axis=-1)[..., 0] for values in (complexity, entropy))
    return np.asarray((complexity[..., -1] < share * high) & (entropy[..., -1] < there))


@judge("K12", experiment="deep_mlp")
def deep_layers_leave_the_optimum(record: xr.Dataset) -> Judgement | None:
    """Share of the 16 hidden layers that do as stated: from layer 7 on they end past their peak of C, before it not.

    Two readings of *past*: C and H at the last epoch below their values at the peak; and, as "optimal" is C within 95 %
    of its peak, C below 95 % of it. All layers must do as stated. The control holds where the run without weight decay
    does the same, or where Gaussian weights of each layer's spread do: then only the spread has changed.
    """
    conditions, nulls = [], []
    for network in ("MNIST", "CIFAR-10"):
        chosen = one_network(record, network)
        if chosen is None or len(hidden_layers(chosen)) < 7:
            continue
        free = one_network(record, f"{network}, no weight decay")
        for rule, text in RANGES.items():
            for share, reading in ((1.0, "below the peak"), (0.95, "below 95 % of the peak")):
                left = _left_the_peak(*coordinates(chosen, rule), share)
                effect = seed_interval(_as_stated(left))
                others = {
                    "Gaussian": seed_interval(_as_stated(_left_the_peak(*gaussian_coordinates(chosen, rule), share)))
                }
                if free is not None:
                    others["no weight decay"] = seed_interval(
                        _as_stated(_left_the_peak(*coordinates(free, rule), share))
                    )
                control = others.get("no weight decay", others["Gaussian"])
                nulls.append(float(control.mean))
                conditions.append(
                    Condition.measured(
                        f"{network}, {text}, {reading}",
                        effect,
                        control=control,
                        passes=lies(span(effect), low=1.0),
                        holds_in_control=any(lies(span(value), low=1.0) is True for value in others.values()),
                        note=f"layers 7 on: {left[:, 6:].mean():.0%} past their peak, layers 1 to 6: "
                        f"{left[:, :6].mean():.0%}; as stated "
                        + ", ".join(f"{name} {float(value.mean):.0%}" for name, value in others.items()),
                    )
                )
    if not conditions:
        return None
    worst = _weakest(conditions)
    return _conclude(
        record,
        ["MNIST", "CIFAR-10", "MNIST, no weight decay"],
        worst,
        conditions,
        measure=f"share of hidden layers that end as stated (lowest: {worst.name})",
        control=f"no weight decay where it was run, else Gaussian weights: {range_of(nulls)}",
        text=f"{range_of([c.effect for c in conditions])} of the layers do as stated: past the peak of their "
        "complexity from layer 7 on, not past it before. Which layers turn back depends on the range of the bins.",
    )


def _as_stated(left: np.ndarray) -> np.ndarray:
    """Share of layers a seed: from the seventh on past the peak, up to the sixth not."""
    return np.concatenate([~left[:, :6], left[:, 6:]], axis=1).mean(axis=1)


# -- information in the layers ----------------------------------------------------------------------------------------


def order_of_pairs(bits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Say of adjacent layers whether the nearer one has more, or less, beyond two standard errors over seeds.

    Parameters
    ----------
    bits
        Shape (seed, layer). With one seed there is no error, and any difference counts.

    Returns
    -------
    tuple of ndarray
        Whether each seed has each pair in order, and reversed: bool, shapes (seed, pair).

    Examples
    --------
    >>> ordered, reverse = order_of_pairs(np.array([[3.0, 2.0, 2.0, 2.5]]))
    >>> ordered, reverse
    (array([[ True, False, False]]), array([[False, False,  True]]))
    """
    drop = -np.diff(bits, axis=1)
    error = drop.std(axis=0, ddof=1) / np.sqrt(len(drop)) if len(drop) > 1 else np.zeros(drop.shape[1])
    return drop > 2 * error, -drop > 2 * error


@judge("K13", experiment="deep_mlp")
def information_falls_with_depth(record: xr.Dataset) -> Judgement | None:
    """Share of adjacent layers with I(X;T) in order at the last moment, by network and estimator.

    The row sets no threshold. Ours: the statement holds if most pairs are in order and none is reversed, in the mean
    over seeds beyond two standard errors; it fails if at least as many are reversed as in order, and one is; anything
    else decides nothing. Permuting X is passed by every one of these estimates: in evaluation mode each sample has one
    T, so that they are functions of T alone. Hence a condition that holds holds in the control too.
    """
    conditions, blind, reversed_pairs = [], 0, 0
    for network in (*DEPTHS.values(), "CIFAR-10"):
        chosen = one_network(record, network)
        for reading in [] if chosen is None else readings(chosen, "I(X;T)"):
            bits = reading.bits.transpose("seed", "moment", "layer").values
            ordered, _ = order_of_pairs(bits[:, -1])
            start, _ = order_of_pairs(bits[:, 0])
            passes, reverse = _in_order(bits[:, -1])
            effect = seed_interval(ordered.mean(axis=1))
            blind += reading.blind
            reversed_pairs += reverse
            untrained = "in order too" if _in_order(bits[:, 0])[0] else "not in order"
            conditions.append(
                Condition.measured(
                    f"{network}, {reading.estimator}",
                    effect,
                    control=seed_interval(start.mean(axis=1)),
                    passes=None if reading.blind else passes,
                    holds_in_control=True if passes and not reading.blind else None,
                    note="at the ceiling in every layer: says nothing"
                    if reading.blind
                    else f"{reverse} pairs reversed; the same with X permuted; the untrained network is {untrained}",
                )
            )
    if not conditions:
        return None
    worst = _weakest(conditions)
    return _conclude(
        record,
        [*DEPTHS.values(), "CIFAR-10"],
        worst,
        conditions,
        measure=f"share of adjacent layers with more I(X;T) in the nearer one (lowest: {worst.name})",
        control="permuted X: the same numbers, for they depend on T alone; untrained: "
        + range_of([c.control for c in conditions if c.control is not None]),
        text="The inequality is a theorem for the layers themselves, whose I(X;T) is infinite; what is judged are "
        f"estimates. {blind} of {len(conditions)} are at their ceiling. Reversed pairs of layers, in all: "
        f"{reversed_pairs}; they are the estimator's doing, since bins and noise differ from layer to layer.",
    )


def _in_order(bits: np.ndarray) -> tuple[bool | None, int]:
    """Judge the order of layers in the mean over seeds; also count reversed pairs."""
    drop = -np.diff(bits, axis=1)
    error = drop.std(axis=0, ddof=1) / np.sqrt(len(drop)) if len(drop) > 1 else np.zeros(drop.shape[1])
    mean = drop.mean(axis=0)
    ordered, reverse = int((mean > 2 * error).sum()), int((-mean > 2 * error).sum())
    if 2 * ordered > len(mean) and not reverse:
        return True, reverse
    return (False if reverse and reverse >= ordered else None), reverse


@dataclass(frozen=True)
class _Depths:
    """What one estimator says of the last hidden layer, by depth of the network."""

    reading: Reading  # of the deepest
    last: xr.DataArray  # dimensions depth, seed, moment
    blind: bool


def _last_layers(record: xr.Dataset) -> tuple[xr.Dataset, list[_Depths]] | None:
    """Return the errors of depths 2, 6 and 16 at all moments, and every estimator's reading; None where one lacks."""
    chosen = {depth: one_network(record, name) for depth, name in DEPTHS.items()}
    present = {depth: each for depth, each in chosen.items() if each is not None}
    if len(present) < len(DEPTHS):
        return None
    seeds = _common_seeds(*present.values())
    found = {d: _by_name(readings(each.sel(seed=seeds), "I(X;T)", "I(T;Y)")) for d, each in present.items()}
    if not seeds or not all(found.values()):
        return None
    depth = xr.Variable("depth", list(DEPTHS))
    result = []
    for name, reading in found[16].items():
        last = xr.concat([each[name].bits.isel(layer=-1, drop=True) for each in found.values()], depth, join="inner")
        result.append(_Depths(reading, last, all(each[name].blind for each in found.values())))
    moments = result[0].last["moment"].values
    kept = {"seed": seeds, "epoch": moments}
    scalars = [
        xr.Dataset(
            {
                "error": each["test_error"].sel(kept),
                "gradients": gradient_ratio(each).sel(kept),
            }
        ).drop_vars("network", errors="ignore")
        for each in present.values()
    ]
    return xr.concat(scalars, depth).rename(epoch="moment"), result


def gradient_ratio(chosen: xr.Dataset) -> xr.DataArray:
    """Return the gradient norm of layer 1 over that of the last hidden layer."""
    first, *_, last = ["1", *hidden_layers(chosen)]
    norms = chosen["gradient_norm"]
    return norms.sel(layer=first, drop=True) / norms.sel(layer=last, drop=True)


@judge("K14", experiment="deep_mlp")
def depth_leaves_less_information(record: xr.Dataset) -> Judgement | None:
    """Share of the moments after the start at which the last hidden layer of depths 2, 6, 16 has ever less information.

    All moments must be in this order, in seeds that all three networks have. The untrained networks are the control;
    the same at equal test accuracy, the best that all three reach, stands in the note.
    """
    found = _last_layers(record)
    if found is None:
        return None
    scalars, depths = found
    equal = _equal_accuracy(scalars)
    conditions, at_equal = [], []
    for each in depths:
        last = each.last.transpose("seed", "moment", "depth").values
        ordered = (np.diff(last, axis=-1) < 0).all(axis=-1)
        trained = each.last["moment"].values > 0
        effect = seed_interval(ordered[:, trained].mean(axis=1))
        control = seed_interval(ordered[:, ~trained].mean(axis=1)) if (~trained).any() else None
        matched = [float(each.last.sel(depth=depth, moment=moment).mean("seed")) for depth, moment in equal.items()]
        at_equal.append(matched[0] > matched[1] > matched[2])
        conditions.append(
            Condition.measured(
                each.reading.name,
                effect,
                control=control,
                passes=None if each.blind else lies(span(effect), low=1.0),
                holds_in_control=None if control is None else lies(span(control), low=1.0) is True,
                note="blind in every network: says nothing"
                if each.blind
                else "at equal accuracy " + ", ".join(f"{bits:.2f}" for bits in matched) + " bits at depths 2, 6, 16",
            )
        )
    worst = _weakest(conditions)
    blind = sum(each.blind for each in depths)
    return _conclude(
        record,
        [],
        worst,
        conditions,
        measure=f"share of moments at which depths 2 > 6 > 16 in the last hidden layer (lowest: {worst.name})",
        control="untrained: " + range_of([c.control for c in conditions if c.control is not None] or [np.nan]),
        text=f"{sum(c.passes is True for c in conditions)} of {len(conditions)} estimates fall with depth at every "
        f"moment, {blind} cannot tell anything apart; at equal test accuracy {sum(at_equal)} fall.",
    )


def _equal_accuracy(scalars: xr.Dataset) -> dict[int, int]:
    """For each depth, the moment after the start whose test error is nearest to the best that all depths reach."""
    error = scalars["error"].mean("seed")
    error = error.isel(moment=error["moment"].values > 0)
    target = error.min("moment").max()
    return {int(depth): int(abs(error.sel(depth=depth) - target).idxmin("moment")) for depth in error["depth"].values}


def information_gap(bits: xr.DataArray) -> xr.DataArray:
    """Return the mean over layers 1 and 2 less that over the last two; dimensions without ``layer``."""
    return bits.isel(layer=slice(0, 2)).mean("layer") - bits.isel(layer=slice(-2, None)).mean("layer")


def _slopes(gap: xr.DataArray) -> np.ndarray:
    """Least-squares slope over the epochs after the start, one a seed, in bits an epoch."""
    gap = _after(gap)
    epochs = gap["moment"].values.astype(np.float64)
    values = gap.transpose("seed", "moment").values
    centred = epochs - epochs.mean()
    slope = (values - values.mean(axis=1, keepdims=True)) @ centred / (centred @ centred)
    return np.asarray(slope[np.isfinite(slope)])


@judge("K15", experiment="deep_mlp")
def label_gap_grows(record: xr.Dataset) -> Judgement | None:
    """Slope over epochs of I(T;Y) in layers 1 and 2 less that in the last two, by network and estimator.

    The same estimate with permuted labels is the null that it must differ from; random labels are the control.
    """
    conditions, nulls = [], []
    for network in ("MNIST", "MNIST, depth 6", "CIFAR-10"):
        chosen = one_network(record, network)
        if chosen is None or len(hidden_layers(chosen)) < 4:
            continue
        shuffled = one_network(record, f"{network}, random labels")
        others = {} if shuffled is None else _by_name(readings(shuffled, "I(T;Y)"))
        for reading in readings(chosen, "I(T;Y)"):
            if _after(reading.bits).sizes["moment"] < 2 or reading.permuted is None:
                continue
            slopes, null = _slopes(information_gap(reading.bits)), _slopes(information_gap(reading.permuted))
            effect = seed_interval(slopes)
            control = seed_interval(_slopes(information_gap(others[reading.name].bits))) if others else None
            nulls += [] if control is None else [float(control.mean)]
            probe = _slopes(information_gap(chosen["probe_accuracy"].sel(labels="true", layer=hidden_layers(chosen))))
            conditions.append(
                Condition.measured(
                    f"{network}, {reading.estimator}",
                    effect,
                    control=control,
                    difference=difference_interval(slopes, null),
                    passes=None if reading.blind else lies(span(effect), low=_POSITIVE),
                    holds_in_control=None if control is None else lies(span(control), low=_POSITIVE) is True,
                    note="finds as much in permuted labels: says nothing"
                    if reading.blind
                    else f"with permuted labels {null.mean():.4f}; the probe's accuracy {probe.mean():.5f} an epoch",
                )
            )
    if not conditions:
        return None
    worst = _weakest(conditions)
    return _conclude(
        record,
        ["MNIST", "MNIST, random labels"],
        worst,
        conditions,
        measure=f"slope of I(T;Y) of layers 1 and 2 less that of the last two, bits an epoch (lowest: {worst.name})",
        control=f"random labels: {range_of(nulls, 4)}" if nulls else "random labels were not run on this network",
        text=f"The gap grows in {sum(c.passes is True for c in conditions)} and shrinks in "
        f"{sum(c.passes is False for c in conditions)} of {len(conditions)} estimates. Learning is what makes deep "
        "layers tell the classes apart, so a gap can as well close.",
    )


@judge("K16", experiment="deep_mlp")
def gradients_vanish(record: xr.Dataset) -> Judgement | None:
    """A hypothesis of the text: so at most ``partly``.

    Two things must hold. Gradients of layer 1 are smaller than those of the last hidden layer (geometric mean over
    epochs). And where they are small, more information is lost: the ratio falls as the loss of I(T_last) against the
    network of depth 2 at the same epoch rises, over depths 6 and 16 and all moments.
    """
    conditions = []
    for network in ("MNIST", "CIFAR-10"):
        chosen = one_network(record, network)
        if chosen is None:
            continue
        bare = one_network(record, f"{network}, no batch norm")
        effect = seed_interval(_geometric(gradient_ratio(chosen)))
        control = None if bare is None else seed_interval(_geometric(gradient_ratio(bare)))
        conditions.append(
            Condition.measured(
                f"{network}, gradient norm of layer 1 over that of the last hidden layer",
                effect,
                control=control,
                passes=lies(span(effect), high=1.0),
                note="" if control is None else f"without batch norm {float(control.mean):.2g}",
            )
        )
    found = _last_layers(record)
    for each in [] if found is None else found[1]:
        scalars = found[0]  # type: ignore[index]
        lost = (each.last.sel(depth=2) - each.last).sel(depth=[6, 16])
        lost = lost.isel(moment=lost["moment"].values > 0)
        ratio = scalars["gradients"].sel(depth=[6, 16], moment=lost["moment"])
        x, y = (v.transpose("seed", "depth", "moment").values.reshape(v.sizes["seed"], -1) for v in (ratio, lost))
        tau = kendall_tau(x, y) if x.shape[1] > 1 else np.array([])
        tau = tau[np.isfinite(tau)]
        if each.blind or not len(tau):
            continue
        effect = seed_interval(tau)
        conditions.append(
            Condition.measured(
                f"{each.reading.name}: rank correlation of that ratio with the information lost",
                effect,
                passes=lies(span(effect), high=-_POSITIVE),
            )
        )
    if not conditions:
        return None
    carrier = conditions[0]
    ratios = [condition.effect for condition in conditions if condition.name.endswith("hidden layer")]
    bare_ratios = [c.control for c in conditions if c.control is not None]
    return _conclude(
        record,
        [*DEPTHS.values(), "CIFAR-10", "MNIST, no batch norm"],
        carrier,
        conditions,
        measure=carrier.name,
        control=f"without batch norm: {range_of(bare_ratios)}" if bare_ratios else "without batch norm: not run",
        text=(f"Layer 1's gradients are {range_of(ratios)} times those of the last hidden layer. " if ratios else "")
        + "Batch norm is there to keep gradients from vanishing; depth and epoch change everything together, so the "
        "correlations show company, not cause.",
        at_most="partly",
    )


def _geometric(ratio: xr.DataArray) -> np.ndarray:
    """Geometric mean over the epochs that have a gradient, one a seed."""
    logarithm = xr.apply_ufunc(np.log, ratio.where(ratio > 0))
    return np.exp(over_seeds(logarithm.mean("epoch")))
