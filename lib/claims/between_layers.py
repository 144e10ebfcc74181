"""Judges of the claims about what passes between layers: K8 to K12, on records of experiment ``deep_mlp``.

Choices that the rows leave to us, made before any record of the text's size was seen: weights are those at the last
epoch, in 256 bins (which is what the stored divergences have); layers are the hidden ones, without the output.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from lib.claims._judging import TINY, conclude, over_seeds, range_of, span, weakest
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.experiments.networks import common_seeds, hidden_layers, one_network
from lib.experiments.weight_statistics import coordinates, family_coordinates, weights_are_left
from lib.measures.curves import partial_tau, peak
from lib.measures.statistics import difference_interval, kendall_tau, seed_interval

RANGES = {"own": "own range", "fixed": "fixed edges"}
"""Binning rules under which layers are judged."""

EARLY = [f"{layer}-{layer + 1}" for layer in range(1, 5)]
DEEP = [f"{layer}-{layer + 1}" for layer in range(6, 16)]
"""Pairs of layers before and from the sixth layer on."""

_BINS = 256


# -- reading a record -------------------------------------------------------------------------------------------------


def entropy_steps(chosen: xr.Dataset, rule: str, bins: int = _BINS) -> xr.DataArray:
    """Return \\|dH\\| between successive hidden layers in bits, dimensions ``seed``, ``epoch``, ``pair``.

    NaN where the weights have decayed away.
    """
    entropy = coordinates(chosen, bins)["H"].sel(rule=rule, part=hidden_layers(chosen))
    steps = abs(entropy.diff("part")).rename(part="pair").assign_coords(pair=chosen["pair"].values)
    return steps.where(weights_are_left(chosen))


def divergences(chosen: xr.Dataset, kind: str = "forwards") -> xr.DataArray:
    """Return the divergence of successive hidden layers under common edges, as :func:`entropy_steps`."""
    return chosen["divergence"].sel(edges="common", kind=kind).where(weights_are_left(chosen))


def deep_over_early(profile: xr.DataArray) -> xr.DataArray | None:
    """Return the mean over pairs 6-7 to 15-16 over that of pairs 1-2 to 4-5; None where the network has not all."""
    if not set(EARLY + DEEP) <= set(profile["pair"].values):
        return None
    early = profile.sel(pair=EARLY).mean("pair")
    return profile.sel(pair=DEEP).mean("pair") / early.where(early > 0)


def without_first(profile: xr.DataArray, epoch: int) -> float:
    """Return the ratio of :func:`deep_over_early` without the pair 1-2, mean over seeds; NaN where there is none.

    Parameters
    ----------
    profile
        Dimensions ``seed``, ``epoch``, ``pair``, with all pairs that :func:`deep_over_early` needs.
    epoch
        Place on the axis of epochs: 0 before training, -1 after the last epoch.
    """
    then = profile.isel(epoch=epoch)
    early = then.sel(pair=EARLY[1:]).mean("pair")
    return _mean(then.sel(pair=DEEP).mean("pair") / early.where(early > 0))


def _mean(values: xr.DataArray) -> float:
    return float(np.mean(over_seeds(values))) if len(over_seeds(values)) else float("nan")


# -- entropy and divergence of the weights ----------------------------------------------------------------------------


def _ratio_condition(
    name: str, profile: xr.DataArray, controls: dict[str, xr.DataArray], note: str
) -> Condition | None:
    """Test whether pairs from layer 6 on lie below half of those before, against the untrained network and `controls`.

    `profile` has dimensions seed, epoch, pair, as have those in `controls`: networks to which the same may happen
    though they learn nothing. What is NaN at the last epoch, because its weights have decayed away, is no control.
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
    rest, untrained_rest = (without_first(profile, epoch) for epoch in (-1, 0))
    named = ", ".join(f"{control} {float(value.mean):.2f}" for control, value in others.items())
    return Condition.measured(
        name,
        trained,
        control=untrained,
        difference=difference_interval(end, start),
        passes=lies(span(trained), high=0.5),
        holds_in_control=any(lies(span(value), high=0.5) is True for value in others.values()),
        note=f"{named}; without the pair 1-2, whose layers differ in shape, {rest:.2f}, and untrained "
        f"{untrained_rest:.2f}; {note}",
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
        controls = {}
        if shuffled is not None:
            controls["random labels"] = entropy_steps(shuffled, rule)
        found.append(_ratio_condition(f"{network}, {text}", profile, controls, note))
    return [condition for condition in found if condition]


def _entropy_judgement(record: xr.Dataset, network: str) -> Judgement | None:
    conditions = _entropy_conditions(record, network)
    chosen = one_network(record, network)
    if not conditions or chosen is None:
        return None
    worst = max(conditions, key=lambda condition: condition.effect)
    untrained = [condition.control for condition in conditions if condition.control is not None]
    return conclude(
        worst,
        conditions,
        record=record,
        needed=[network, f"{network}, random labels", f"{network}, no weight decay"],
        measure=f"mean |dH| of the pairs 6-7 to 15-16 over that of the pairs 1-2 to 4-5 (largest: {worst.name})",
        control=f"untrained network: {range_of(untrained)}",
        text=f"The ratio is {range_of([c.effect for c in conditions])} at the last epoch and {range_of(untrained)} "
        "before the first. In an untrained network only the first layer has another shape. "
        + _said_without_first([entropy_steps(chosen, rule) for rule in RANGES]),
    )


def _said_without_first(profiles: list[xr.DataArray]) -> str:
    """Say what is left of the ratios without the pair whose layers differ in shape."""
    last, first = (range_of([without_first(profile, epoch) for profile in profiles]) for epoch in (-1, 0))
    return f"Without the pair 1-2 the ratio is {last} at the last epoch and {first} before the first."


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
    conditions, judged = [], []
    for network in ("MNIST", "CIFAR-10"):
        chosen = one_network(record, network)
        if chosen is None:
            continue
        shuffled = one_network(record, f"{network}, random labels")
        for kind, name in KINDS.items():
            measure = "jensen-shannon" if kind == "jensen-shannon" else "kl"
            halves = chosen["halves"].sel(edges="common", measure=measure).isel(epoch=-1)
            controls = {}
            if shuffled is not None:
                controls["random labels"] = divergences(shuffled, kind)
            condition = _ratio_condition(
                f"{network}, {name}",
                divergences(chosen, kind),
                controls,
                f"two halves of a layer give {_mean(halves.mean('half')):.2g} bits",
            )
            if condition:
                conditions.append(condition)
                judged.append(divergences(chosen, kind))
    if not conditions:
        return None
    worst = max(conditions, key=lambda condition: condition.effect)
    untrained = [condition.control for condition in conditions if condition.control is not None]
    return conclude(
        worst,
        conditions,
        record=record,
        needed=["MNIST", "CIFAR-10"],
        measure="mean divergence of the pairs 6-7 to 15-16 over that of the pairs 1-2 to 4-5, common edges "
        f"(largest: {worst.name})",
        control=f"untrained network: {range_of(untrained)}",
        text=f"The ratio is {range_of([c.effect for c in conditions])} at the last epoch. The untrained network has "
        f"{range_of(untrained)}: there the first layer differs by its width of input, and all others are draws from "
        f"one law. {_said_without_first(judged)}",
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
            only_epoch = not len(partial) or lies(span(seed_interval(partial)), low=TINY) is not True
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
    worst = weakest(conditions)
    nulls = [condition.control for condition in conditions if condition.control is not None]
    return conclude(
        worst,
        conditions,
        record=record,
        needed=["MNIST", "CIFAR-10", "MNIST, random labels"],
        measure=f"rank correlation with the error over epochs, or between data sets over depth (lowest: {worst.name})",
        control=f"random labels, or untrained networks: {range_of(nulls)}" if nulls else "none was run",
        text=f"Correlations are {range_of([c.effect for c in conditions])}. Over epochs nearly everything is monotone: "
        "what is left given the epoch stands with each condition.",
    )


def _profiles(chosen: xr.Dataset) -> dict[str, xr.DataArray]:
    """Differences between successive layers by measure: |dH| under both ranges, and KL."""
    found = {f"|dH| ({text})": entropy_steps(chosen, rule) for rule, text in RANGES.items()}
    return found | {"KL": divergences(chosen)}


def _tau_with_error(
    chosen: xr.Dataset, profile: xr.DataArray, error: str = "train_off_error", partial: bool = False
) -> np.ndarray:
    """One rank correlation a seed of the summed profile with the error, those that are defined.

    Over the epochs after which all seeds have weights left.
    """
    total = profile.sum("pair", skipna=False).transpose("seed", "epoch").values
    kept = (profile["epoch"].values > 0) & np.isfinite(total).all(axis=0)
    total, errors = total[:, kept], chosen[error].transpose("seed", "epoch").values[:, kept]
    epochs = profile["epoch"].values[kept]
    tau = partial_tau(total, errors, epochs[None]) if partial else kendall_tau(total, errors)
    return tau[np.isfinite(tau)]


def _profile_conditions(record: xr.Dataset) -> list[Condition]:
    """Likeness of the two data sets' profiles over depth, seed by seed, against that of the untrained networks."""
    both = [one_network(record, network) for network in ("MNIST", "CIFAR-10")]
    if both[0] is None or both[1] is None:
        return []
    seeds = common_seeds(both[0], both[1])
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


def _left_the_peak(place: xr.Dataset, share: float) -> np.ndarray:
    """Say of every layer whether it ends below its peak: C below `share` of it, H below its value there."""
    entropy, complexity = (place[name].transpose("seed", "part", "epoch").values for name in ("H", "C"))
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
        layers = chosen.sel(part=hidden_layers(chosen))
        free = one_network(record, f"{network}, no weight decay")
        for rule, text in RANGES.items():
            place, compared = (
                coordinates(layers.sel(rule=rule)),
                {"Gaussian": family_coordinates(layers, "gaussian", rule)},
            )
            if free is not None:
                compared["no weight decay"] = coordinates(free.sel(part=hidden_layers(free), rule=rule))
            for share, reading in ((1.0, "below the peak"), (0.95, "below 95 % of the peak")):
                left = _left_the_peak(place, share)
                effect = seed_interval(_as_stated(left))
                others = {
                    name: seed_interval(_as_stated(_left_the_peak(each, share))) for name, each in compared.items()
                }
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
    worst = weakest(conditions)
    return conclude(
        worst,
        conditions,
        record=record,
        needed=["MNIST", "CIFAR-10", "MNIST, no weight decay"],
        measure=f"share of hidden layers that end as stated (lowest: {worst.name})",
        control=f"no weight decay where it was run, else Gaussian weights: {range_of(nulls)}",
        text=f"{range_of([c.effect for c in conditions])} of the layers do as stated: past the peak of their "
        "complexity from layer 7 on, not past it before. Which layers turn back depends on the range of the bins.",
    )


def _as_stated(left: np.ndarray) -> np.ndarray:
    """Share of layers a seed: from the seventh on past the peak, up to the sixth not."""
    return np.concatenate([~left[:, :6], left[:, 6:]], axis=1).mean(axis=1)
