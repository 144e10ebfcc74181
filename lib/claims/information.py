"""Judges of the claims about information in the layers: K13 to K16, on records of experiment ``deep_mlp``.

Choices that the rows leave to us, made before any record of the text's size was seen: layers are the hidden ones,
without the output; information is judged under every estimator of the record, with kernels by their upper bound of
I(X;T) and their lower bound of I(T;Y). An estimate that cannot tell anything apart decides nothing: one of I(X;T) at
its ceiling, one of I(T;Y) that finds nearly as much in permuted labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from lib.claims._judging import TINY, conclude, over_seeds, range_of, span, weakest
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.experiments.networks import common_seeds, hidden_layers, one_network
from lib.measures.statistics import difference_interval, kendall_tau, seed_interval

DEPTHS = {2: "MNIST, depth 2", 6: "MNIST, depth 6", 16: "MNIST"}
"""The text's networks by number of hidden layers."""

_CEILING = 0.99  # share of log2(samples) from which on an estimate of I(X;T) is said to be at its ceiling
_BLIND = 0.9  # share of I(T;Y) found in permuted labels too, from which on an estimate is said to be blind


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
        One network, as `lib.experiments.networks.one_network` selects it.
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
                    note=f"within {1 - _CEILING:.0%} of the ceiling in every layer: says nothing, in order or not"
                    if reading.blind
                    else f"{reverse} pairs reversed; the same with X permuted; the untrained network is {untrained}",
                )
            )
    if not conditions:
        return None
    worst = weakest(conditions)
    return conclude(
        worst,
        conditions,
        record=record,
        needed=[*DEPTHS.values(), "CIFAR-10"],
        measure=f"share of adjacent layers with more I(X;T) in the nearer one (lowest: {worst.name})",
        control="permuted X: the same numbers, for they depend on T alone; untrained: "
        + range_of([c.control for c in conditions if c.control is not None]),
        text="The inequality is a theorem for the layers themselves, whose I(X;T) is infinite; what is judged are "
        f"estimates. {blind} of {len(conditions)} are within {1 - _CEILING:.0%} of their ceiling. Reversed pairs of "
        f"layers, in all: {reversed_pairs}; they are the estimator's doing, since bins and noise differ from layer to "
        "layer.",
    )


def pairs_in_order(bits: np.ndarray) -> tuple[int, int]:
    """Count pairs of adjacent layers in order, and reversed, in the mean over seeds beyond two standard errors.

    Parameters
    ----------
    bits
        Shape (seed, layer), as of :func:`order_of_pairs`.

    Examples
    --------
    >>> pairs_in_order(np.array([[3.0, 2.0, 2.0, 2.5]]))
    (1, 1)
    """
    drop = -np.diff(bits, axis=1)
    error = drop.std(axis=0, ddof=1) / np.sqrt(len(drop)) if len(drop) > 1 else np.zeros(drop.shape[1])
    mean = drop.mean(axis=0)
    return int((mean > 2 * error).sum()), int((-mean > 2 * error).sum())


def _in_order(bits: np.ndarray) -> tuple[bool | None, int]:
    """Judge the order of layers in the mean over seeds; also count reversed pairs."""
    ordered, reverse = pairs_in_order(bits)
    if 2 * ordered > bits.shape[1] - 1 and not reverse:
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
    seeds = common_seeds(*present.values())
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
    worst = weakest(conditions)
    blind = sum(each.blind for each in depths)
    return conclude(
        worst,
        conditions,
        record=record,
        needed=[],
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


def gap_slopes(gap: xr.DataArray) -> np.ndarray:
    """Return the least-squares slope over the epochs after the start, one per seed, in bits an epoch.

    Of what `information_gap` returned, dimensions ``seed`` and ``moment``; seeds without a slope are left out.
    """
    gap = _after(gap)
    epochs = gap["moment"].values.astype(np.float64)
    if len(epochs) < 2:
        return np.array([])
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
            slopes, null = gap_slopes(information_gap(reading.bits)), gap_slopes(information_gap(reading.permuted))
            effect = seed_interval(slopes)
            control = seed_interval(gap_slopes(information_gap(others[reading.name].bits))) if others else None
            nulls += [] if control is None else [float(control.mean)]
            probe = gap_slopes(
                information_gap(chosen["probe_accuracy"].sel(labels="true", layer=hidden_layers(chosen)))
            )
            conditions.append(
                Condition.measured(
                    f"{network}, {reading.estimator}",
                    effect,
                    control=control,
                    difference=difference_interval(slopes, null),
                    passes=None if reading.blind else lies(span(effect), low=TINY),
                    holds_in_control=None if control is None else lies(span(control), low=TINY) is True,
                    note="finds as much in permuted labels: says nothing"
                    if reading.blind
                    else f"with permuted labels {null.mean():.4f}; the probe's accuracy {probe.mean():.5f} an epoch",
                )
            )
    if not conditions:
        return None
    worst = weakest(conditions)
    return conclude(
        worst,
        conditions,
        record=record,
        needed=["MNIST", "MNIST, random labels"],
        measure=f"slope of I(T;Y) of layers 1 and 2 less that of the last two, bits an epoch (lowest: {worst.name})",
        control=f"random labels: {range_of(nulls, 4)}" if nulls else "random labels were not run on this network",
        text=f"The gap grows in {sum(c.passes is True for c in conditions)} and shrinks in "
        f"{sum(c.passes is False for c in conditions)} of {len(conditions)} estimates. Learning is what makes deep "
        f"layers tell the classes apart, so a gap can as well close. {_closing(conditions)}",
    )


def _closing(conditions: Sequence[Condition]) -> str:
    """Say whether a gap that closes tells of learning: how often it does so with random labels, and how much faster."""
    beside = [(c.effect, c.control) for c in conditions if c.control is not None]
    if not beside:
        return "Whether it does with random labels was not seen."
    closes = sum(null < 0 for _, null in beside)
    faster = sum(null < min(own, 0) for own, null in beside)
    return f"With random labels it closes in {closes} of {len(beside)}, in {faster} faster than with true ones."


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
        effect = seed_interval(over_epochs(gradient_ratio(chosen)))
        control = None if bare is None else seed_interval(over_epochs(gradient_ratio(bare)))
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
                passes=lies(span(effect), high=-TINY),
            )
        )
    if not conditions:
        return None
    carrier = conditions[0]
    ratios = [condition.effect for condition in conditions if condition.name.endswith("hidden layer")]
    bare_ratios = [c.control for c in conditions if c.control is not None]
    return conclude(
        carrier,
        conditions,
        record=record,
        needed=[*DEPTHS.values(), "CIFAR-10", "MNIST, no batch norm"],
        measure=carrier.name,
        control=f"without batch norm: {range_of(bare_ratios)}" if bare_ratios else "without batch norm: not run",
        text=(
            f"Layer 1's gradients are {range_of(ratios)} times those of the last hidden layer (geometric mean over "
            "epochs). "
            if ratios
            else ""
        )
        + "These are norms of whole matrices, and layer 1 has the most entries. Depth and epoch change everything "
        "together, so the correlations show company, not cause.",
        at_most="partly",
    )


def over_epochs(ratio: xr.DataArray) -> np.ndarray:
    """Return the geometric mean over the epochs that have a gradient, one per seed, of what `gradient_ratio` gave."""
    logarithm = xr.apply_ufunc(np.log, ratio.where(ratio > 0))
    return np.exp(over_seeds(logarithm.mean("epoch")))
