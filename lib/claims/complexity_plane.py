"""Judges of the claims about the complexity-entropy plane: K17 to K19, K23, K24, K29, K30, on records of ``deep_mlp``.

Choices that the rows leave to us, made before any record of the text's size was seen:

- The text states no bins, so every binning rule of the record is a condition, at 256 bins; others are in the notes.
- *Weights* are those of the 16 hidden matrices; K17, K18 and K29 are judged with the output matrix too. Biases and
  batch norm's scales are in none.
- Words such as peak, interior and knee are those of `lib.measures.curves`; see `lib.claims._deep_network.turn` for what
  the standard error of an interior peak is.
- Random labels are the null: a network that learns nothing. Where the statement holds there too it is true but not
  because of learning. Without weight decay, without batch norm or with decoupled weight decay a network does learn, so
  those say what a turn is made of; they stand in the notes and the text.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import xarray as xr

from lib.claims._deep_network import BINS, OPTIMAL, TEXT, complexity, curve, each_rule, layer_turns, other_bins, turn
from lib.claims._judging import TINY, all_of, conclude, farthest, passing, range_of, span
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.claims.between_layers import deep_over_early, entropy_steps
from lib.experiments.deep_mlp import DECAYS, LABELLINGS, NORMS, SMALLER, crossed_name
from lib.experiments.networks import hidden_layers, one_network
from lib.experiments.weight_statistics import cells, coordinates, family_coordinates
from lib.measures.complexity import LimitCurves, limit_curves
from lib.measures.statistics import difference_interval, seed_interval

PARTS = {"hidden": "hidden matrices", "all": "with output"}
"""Weights whose complexity is judged as that of the network."""

VARIANTS = ("no weight decay", "AdamW", "no batch norm", "random labels")
"""Controls of the turn of complexity; the last is the null."""

TURN = (7, 13)
"""Epochs within which "about 10" lies."""

LAYER_TURN = (5, 20)
LAYER_SHARE = 12 / 16

LINEAR_ACCURACY = (0.91, 0.93)
"""Test accuracy on MNIST about which linear classifiers lie.

scikit-learn's logistic regression on all 60,000 images has 0.920 and 0.921, with C = 0.01 and 1.
"""


# ---------------------------------------------------------------------------------------------------------------------
# K17 to K19, K29, K30: the turn


def _family(chosen: xr.Dataset, rule: str, part: str, name: str) -> str:
    """Peak of the complexity that a law of the weights' own spread has over the same bins."""
    law = family_coordinates(chosen.sel(part=part), name, rule)["C"].transpose("seed", "epoch").values
    return f"{name} of equal spread: {turn(law)}"


def _turn_conditions(record: xr.Dataset, name: str, parts: Sequence[str] = tuple(PARTS)) -> list[Condition]:
    """Judge whether the complexity of a network turns back about epoch 10, under every rule."""
    found = []
    variants = {kind: one_network(record, f"{name}, {kind}") for kind in VARIANTS}
    for _, chosen, rule in each_rule(record, [name]):
        for part in parts:
            measured = turn(complexity(chosen, rule, part))
            others = {k: turn(complexity(v, rule, part)) for k, v in variants.items() if v is not None}
            null = others.get("random labels")
            notes = [str(measured), *(f"{kind}: {other}" for kind, other in others.items())]
            if rule in ("own", "fixed"):  # over bins tied to the spread, a law of one shape stands still
                notes += [_family(chosen, rule, part, law) for law in ("gaussian", "student t")]
            notes += [f"{bins} bins: {turn(complexity(chosen, rule, part, bins))}" for bins in other_bins(chosen)]
            found.append(
                Condition.measured(
                    f"{name}, {PARTS[part]}, {rule}",
                    measured.estimate,
                    control=null.estimate if null else None,
                    passes=measured.within(*TURN),
                    holds_in_control=(null.within(*TURN) is True) if null else None,
                    note="; ".join(notes),
                )
            )
    return found


def _by_variant(record: xr.Dataset, name: str) -> str:
    """Say in how many rules the turn is found without what may make it."""
    said = []
    for kind in VARIANTS:
        other = one_network(record, f"{name}, {kind}")
        if other is not None:
            rules = [str(rule) for rule in record["rule"].values]
            turned = sum(turn(complexity(other, rule)).interior for rule in rules)
            said.append(f"{kind} {turned} of {len(rules)}")
    return f"rules under which complexity turns back: {', '.join(said)}" if said else f"no control was run on {name}"


def crossed_turns(record: xr.Dataset, network: str = SMALLER.name) -> dict[tuple[str, str, str], list[bool]]:
    """Return whether complexity turns back under each rule, by weight decay, batch norm and labels.

    Of the network on which these are crossed; combinations that the record has not are left out.
    """
    turned = {}
    for kinds in itertools.product(DECAYS, NORMS, LABELLINGS):
        chosen = one_network(record, crossed_name(network, *kinds))
        if chosen is not None:
            turned[kinds] = [turn(complexity(chosen, str(rule))).interior for rule in record["rule"].values]
    return turned


def _crossed(record: xr.Dataset) -> str:
    """Say how often complexity turns back at each level of each factor, on the network where they are crossed."""
    turned = crossed_turns(record)
    if not any(sum(map(bool, kinds)) > 1 for kinds in turned):
        return ""
    said = []
    for factor, (names, plain) in enumerate(
        ((DECAYS, "Adam's weight decay"), (NORMS, "batch norm"), (LABELLINGS, "true labels"))
    ):
        for name in names:
            found = [each for kinds, rules in turned.items() if kinds[factor] == name for each in rules]
            said.append(f"{name or plain} {sum(found)} of {len(found)}")
    cells = len(DECAYS) * len(NORMS) * len(LABELLINGS)
    return (
        f" Crossed on {SMALLER.name} ({len(turned)} of {cells} combinations under {record.sizes['rule']} rules) "
        f"complexity turns back: {', '.join(said)}."
    )


def _turn_judgement(record: xr.Dataset, name: str) -> Judgement | None:
    conditions = _turn_conditions(record, name)
    if not conditions:
        return None
    worst = farthest(conditions, 10.0)
    # the text's controls are those of MNIST; there are none on CIFAR-10
    needed = [name, *(f"{name}, {kind}" for kind in VARIANTS if kind != "AdamW" and name == "MNIST")]
    return conclude(
        worst,
        conditions,
        record=record,
        needed=needed,
        measure=f"epoch of the peak of C, farthest from 10 ({worst.name})",
        control=_by_variant(record, name),
        text=f"{passing(conditions)} have an interior peak at epochs {TURN[0]} to {TURN[1]}; peaks lie at epochs "
        f"{range_of([c.effect for c in conditions], 0)}, by how weights are binned."
        + (_crossed(record) if SMALLER.name.startswith(f"{name}, ") else ""),
    )


@judge("K17", experiment="deep_mlp")
def complexity_turns_back(record: xr.Dataset) -> Judgement | None:
    """MNIST: complexity of all weights has an interior peak between epochs 7 and 13.

    A condition fails where the curve does not turn back; otherwise the interval of the peak's epoch decides. The null
    passes if it has such a peak itself.
    """
    return _turn_judgement(record, "MNIST")


@judge("K18", experiment="deep_mlp")
def complexity_turns_back_on_cifar(record: xr.Dataset) -> Judgement | None:
    """CIFAR-10: as `complexity_turns_back`."""
    return _turn_judgement(record, "CIFAR-10")


def _layer_share(chosen: xr.Dataset, rule: str, bins: int = BINS) -> np.ndarray:
    """Share of hidden layers with an interior peak in time, one number a seed."""
    found = layer_turns(chosen, rule, hidden_layers(chosen), bins)
    return np.asarray((found.interior & (found.epoch >= LAYER_TURN[0]) & (found.epoch <= LAYER_TURN[1])).mean(axis=-1))


def _layer_conditions(record: xr.Dataset, names: Sequence[str]) -> list[Condition]:
    found = []
    for name, chosen, rule in each_rule(record, names):
        share = _layer_share(chosen, rule)
        effect = seed_interval(share)
        null = one_network(record, f"{name}, random labels")
        other = None if null is None else _layer_share(null, rule)
        control = None if other is None else seed_interval(other)
        peaks = layer_turns(chosen, rule, hidden_layers(chosen))
        median = np.median(peaks.epoch, axis=0)
        notes = [
            f"peaks of layers, median over seeds, at epochs {range_of(list(median), 0)}; {peaks.interior.mean():.0%} "
            "interior"
        ]
        for kind in VARIANTS[:-1]:
            variant = one_network(record, f"{name}, {kind}")
            if variant is not None:
                notes.append(f"{kind} {_layer_share(variant, rule).mean():.2f}")
        notes += [f"{bins} bins {_layer_share(chosen, rule, bins).mean():.2f}" for bins in other_bins(chosen)]
        found.append(
            Condition.measured(
                f"{name}, {rule}",
                effect,
                control=control,
                difference=None if other is None else difference_interval(share, other, paired=False),
                passes=lies(span(effect), low=LAYER_SHARE),
                holds_in_control=None if control is None else lies(span(control), low=LAYER_SHARE) is True,
                note="; ".join(notes),
            )
        )
    return found


@judge("K19", experiment="deep_mlp")
def layers_turn_back(record: xr.Dataset) -> Judgement | None:
    """Share of hidden layers with an interior peak of complexity at epochs 5 to 20, at least 12 of 16.

    The share is taken seed by seed, so whether a layer's peak is interior is judged by its own scatter.
    """
    conditions = _layer_conditions(record, TEXT)
    if not conditions:
        return None
    worst = min(conditions, key=lambda condition: condition.effect)
    nulls = [c.control for c in conditions if c.control is not None]
    return conclude(
        worst,
        conditions,
        record=record,
        needed=[*TEXT, "MNIST, no weight decay", "MNIST, no batch norm", "MNIST, random labels"],
        measure=f"share of hidden layers with an interior peak of C at epochs 5 to 20, smallest ({worst.name})",
        control=f"random labels: {range_of(nulls)}" if nulls else "random labels were not run",
        text=f"{passing(conditions)} have it in 12 of 16 layers; the share is "
        f"{range_of([c.effect for c in conditions])}, by data set and binning rule.",
    )


@judge("K29", experiment="deep_mlp")
def both_initialisations(record: xr.Dataset) -> Judgement | None:
    """K17 to K19 on the networks with He-normal initial weights, with their He-uniform twins beside.

    Effects are an epoch or a share, as named; the numbers of the He-uniform network stand where a control's would.
    """
    conditions = []
    for name in TEXT:
        other = f"{name}, He-normal"
        uniform = [*_turn_conditions(record, name, ["hidden"]), *_layer_conditions(record, [name])]
        normal = [*_turn_conditions(record, other, ["hidden"]), *_layer_conditions(record, [other])]
        twins = {condition.name.removeprefix(name): condition for condition in uniform}
        for condition in normal:
            what = "epoch of the peak" if PARTS["hidden"] in condition.name else "share of layers with a peak in time"
            twin = twins.get(condition.name.removeprefix(other))
            conditions.append(
                Condition(
                    f"{condition.name}, {what}",
                    condition.effect,
                    condition.interval,
                    control=None if twin is None else twin.effect,
                    control_interval=None if twin is None else twin.interval,
                    seeds=condition.seeds,
                    passes=condition.passes,
                    note=condition.note,
                )
            )
    if not conditions:
        return None
    epochs = [c for c in conditions if c.name.endswith("epoch of the peak")]
    worst = farthest(epochs, 10.0)
    uniform_epochs = [c.control for c in epochs if c.control is not None]
    return conclude(
        worst,
        conditions,
        record=record,
        needed=[*TEXT, *(f"{name}, He-normal" for name in TEXT)],
        measure=f"epoch of the peak of C under He-normal, farthest from 10 ({worst.name})",
        control=f"He-uniform: peaks at epochs {range_of(uniform_epochs, 0)}"
        if uniform_epochs
        else "He-uniform: not run",
        text=f"The text gives no result of its own for either. {passing(conditions)} of K17 to K19 hold under "
        f"He-normal; peaks lie at epochs {range_of([c.effect for c in epochs], 0)}. He-normal weights have longer "
        "tails, which own-range bins see as a wider range.",
    )


LINEAR = ("MNIST, linear", "MNIST, linear, plain")
"""Deep linear networks, with batch norm and dropout and without."""


@judge("K30", experiment="deep_mlp")
def deep_linear_network(record: xr.Dataset) -> Judgement | None:
    """The tests of K17 (hidden matrices) and K8 (mean \\|dH\\| of deep pairs below half that of early ones).

    K8's is made at the last epoch, over each epoch's range and over fixed edges, with the untrained network as null.
    """
    turns = [c for name in LINEAR for c in _turn_conditions(record, name, ["hidden"])]
    if not turns:
        return None
    conditions, accuracies = list(turns), []
    for name, chosen, rule in each_rule(record, LINEAR):
        if rule == "own":
            accuracies.append(1 - float(curve(chosen, "test_error")[:, -1].mean()))
        ratio = deep_over_early(entropy_steps(chosen, rule)) if rule in ("own", "fixed") else None
        if ratio is None:
            continue
        both = ratio.isel(epoch=[0, -1]).transpose("epoch", "seed").values
        start, end = (seed_interval(values) for values in both)
        conditions.append(
            Condition.measured(
                f"{name}, {rule}, ratio of |dH|",
                end,
                control=start,
                difference=difference_interval(both[1], both[0]),
                passes=lies(span(end), high=0.5),
                holds_in_control=lies(span(start), high=0.5) is True,
                note="control: untrained",
            )
        )
    worst = farthest(turns, 10.0)
    low, high = LINEAR_ACCURACY
    near = sum(low <= accuracy <= high for accuracy in accuracies)
    return conclude(
        worst,
        conditions,
        record=record,
        needed=LINEAR,
        measure=f"epoch of the peak of C, farthest from 10 ({worst.name})",
        control=f"test accuracy {range_of(accuracies, 3)}; {near} of {len(accuracies)} lie at {low} to {high}, where "
        "linear classifiers do",
        text=f"The text gives no result. {passing(conditions)} of K17 and K8 hold on the linear network.",
    )


# ---------------------------------------------------------------------------------------------------------------------
# K23, K24: where the path lies


@judge("K23", experiment="deep_mlp")
def ends_ordered_and_near_equilibrium(record: xr.Dataset) -> Judgement | None:
    """Both H and D lie lower in the end than at the peak of C, D being the Jensen-Shannon divergence alone."""
    conditions = []
    for name, chosen, rule in each_rule(record):
        place = coordinates(chosen.sel(rule=rule, part="hidden"))
        turned = turn(complexity(chosen, rule))
        at = turned.epoch.astype(int)[:, None]
        dh, dd = (x[:, -1] - np.take_along_axis(x, at, axis=-1)[:, 0] for x in (curve(place, key) for key in "HD"))
        order, equilibrium = seed_interval(dh), seed_interval(dd)
        conditions.append(
            Condition.measured(
                f"{name}, {rule}",
                equilibrium,
                passes=all_of(lies(span(order), high=-TINY), lies(span(equilibrium), high=-TINY)),
                note=f"H changes by {dh.mean():.3f} bits, C by {-turned.back.mean():.3f} bits^2",
            )
        )
    if not conditions:
        return None
    worst = max(conditions, key=lambda condition: condition.effect)
    fixed = [c for c in conditions if c.name.endswith(", fixed")]
    return conclude(
        worst,
        conditions,
        record=record,
        needed=TEXT,
        measure=f"D in the end less D at the peak of C in bits, largest ({worst.name})",
        control=f"fixed bins: {range_of([c.effect for c in fixed], 3)}"
        if fixed
        else "fixed bins are not in the record",
        text=f"{passing(conditions)} have both H and D lower in the end; D changes by "
        f"{range_of([c.effect for c in conditions], 3)} bits. Where D rises, it is the product C that falls.",
    )


@lru_cache
def _limits(size: int) -> LimitCurves:
    return limit_curves(size, points=2001)


def _distance_to_limits(chosen: xr.Dataset, rule: str) -> np.ndarray:
    """Distance of normalised complexity to the nearer of the two limit curves at its entropy, shape (seed, epoch)."""
    place, limits = coordinates(chosen.sel(rule=rule, part="hidden")), _limits(cells(rule, BINS))
    h, c = (curve(place, name) for name in "hc")
    low, high = (np.interp(h, limits.entropy, edge) for edge in (limits.minimum, limits.maximum))
    return np.minimum(c - low, high - c)


@judge("K24", experiment="deep_mlp")
def optimal_region_is_late(record: xr.Dataset) -> Judgement | None:
    """Does any optimum fall between epochs 20 and 35: greatest C, greatest h x d, greatest distance from the limits?

    The normalised product divides both factors of C by constants, so it peaks where C does and adds no case. Distance
    from the limit curves is that of the normalised complexity to the nearer one at the same entropy. The effect is the
    epoch of the optimum that lies nearest to the region.
    """
    conditions, products = [], []
    middle = sum(OPTIMAL) / 2
    for name, chosen, rule in each_rule(record):
        if int(chosen["epoch"].values[-1]) < OPTIMAL[1]:
            continue
        optima = {
            "C": turn(complexity(chosen, rule)),
            "distance from the limits": turn(_distance_to_limits(chosen, rule)),
        }
        inside = [lies(span(each.estimate), *OPTIMAL) for each in optima.values()]
        products.append(float(optima["C"].epoch.mean()))
        nearest = min(optima.values(), key=lambda each: abs(float(each.epoch.mean()) - middle))
        notes = [f"greatest {key} at {float(each.epoch.mean()):.1f}" for key, each in optima.items()]
        for bins in other_bins(chosen):
            notes.append(f"greatest C with {bins} bins at {turn(complexity(chosen, rule, bins=bins)).epoch.mean():.1f}")
        passes = True if True in inside else None if None in inside else False
        note = "; ".join(notes)
        conditions.append(Condition.measured(f"{name}, {rule}", nearest.estimate, passes=passes, note=note))
    if not conditions:
        return None
    worst = farthest(conditions, middle)
    return conclude(
        worst,
        conditions,
        record=record,
        needed=TEXT,
        measure=f"epoch of the optimum nearest to the region, farthest of all conditions ({worst.name})",
        control="other seeds are in the interval, other bins in the notes",
        text=f"{passing(conditions)} have an optimum at epochs {OPTIMAL[0]} to {OPTIMAL[1]}; greatest C lies at epochs "
        f"{range_of(products, 0)}. The text gives no rule for its region.",
    )
