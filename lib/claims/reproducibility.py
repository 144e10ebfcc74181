"""Judges of the claims about reproducibility, accuracy and early stopping: K25 to K28, on records of ``deep_mlp``.

Choices that the rows leave to us, made before any record of the text's size was seen:

- K25 and K26 rest on the text's networks; K27 and K28 on the network of 6 x 256 units, which ten seeds and held-out
  images make fit for them.
- What the text's stopping rule reads off the plane is the epoch of the greatest complexity, e*, seed by seed, under
  every binning rule of the record (hidden matrices, 256 bins), and its region of epochs 20 to 35.
- Held-out loss is lowest at its smallest single value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from lib.claims._deep_network import OPTIMAL, TEXT, complexity, curve
from lib.claims._judging import TINY, conclude, passing, range_of, span
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.experiments.networks import MISSING, one_network
from lib.measures.curves import peak
from lib.measures.statistics import Estimate, difference_interval, seed_interval
from lib.measures.subsets import sampling_deviation, subset_accuracies

# ---------------------------------------------------------------------------------------------------------------------
# K25: the spread of accuracies


EPOCHS = (5, 10, 20, 30, 50)
"""Epochs of the text's figure 3c; the third and the fourth are said to be the most reproducible."""

TESTED = 500
DRAWS = 2_000
READINGS = {"20 accuracies": 1, "20 means of 20 accuracies": 20}
"""How many draws each of the 20 numbers is the mean of: "20 accuracies, each performed 20 times"."""


def drawn_accuracies(
    chosen: xr.Dataset, epochs: Sequence[int] | np.ndarray, draws: int = DRAWS
) -> tuple[np.ndarray, np.ndarray]:
    """Draw random parts of a network's test set, anew for each seed and the same at every epoch.

    Parameters
    ----------
    chosen
        One network of a record of ``deep_mlp``.
    epochs
        Epochs whose predictions are looked at.
    draws
        Number of parts.

    Returns
    -------
    tuple of ndarray
        Whether each test sample is classified correctly, shape (seed, epoch, sample), and the accuracies, shape (seed,
        epoch, draw).
    """
    shift = chosen["shift"].sel(epoch=list(epochs)).transpose("seed", "epoch", "sample").values
    correct = shift[..., (shift != MISSING["shift"]).any(axis=(0, 1))] == 0  # other sets may have more samples
    size = subset_size(correct.shape[-1])
    generators = [np.random.default_rng((25, int(seed))) for seed in chosen["seed"].values]
    drawn = [subset_accuracies(each, size, draws, rng) for each, rng in zip(correct, generators, strict=True)]
    return correct, np.stack(drawn)


def subset_size(samples: int) -> int:
    """Return how many test samples a part has: the text's 500, or half of those that there are if they are few.

    Examples
    --------
    >>> subset_size(10_000), subset_size(360)
    (500, 180)
    """
    return TESTED if samples >= 2 * TESTED else samples // 2


def spread_ratios(accuracies: np.ndarray, correct: np.ndarray, averaged: int = 1, together: int = 20) -> np.ndarray:
    r"""Variance of some accuracies over what sampling alone makes of it, for each so many of the draws.

    .. math:: \frac{k s^2}{\sigma^2}

    with :math:`\sigma` of `lib.measures.subsets.sampling_deviation` and k the draws averaged.

    Parameters
    ----------
    accuracies
        On subsets of 500 samples, shape (..., draw).
    correct
        Shape (..., sample).
    averaged
        Draws k that each number is the mean of.
    together
        Numbers whose variance is taken.

    Returns
    -------
    numpy.ndarray
        Shape (..., set), 1 in expectation; nan where all or none are right.
    """
    numbers = accuracies.reshape(*accuracies.shape[:-1], -1, averaged).mean(axis=-1)
    sets = numbers.reshape(*numbers.shape[:-1], -1, together)
    samples = correct.shape[-1]
    deviation = sampling_deviation(correct.mean(axis=-1), subset_size(samples), samples)[..., None]
    return np.asarray(averaged * sets.var(axis=-1, ddof=1) / np.where(deviation > 0, deviation, np.nan) ** 2)


def _margin(ratios: np.ndarray) -> np.ndarray:
    """Larger ratio at epochs 20 and 30 less the smallest of 1 and those at 5, 10, 50: below 0 if as stated."""
    early, turn, first, second, late = ratios
    return np.asarray(np.maximum(first, second) - np.minimum(np.minimum(early, turn), np.minimum(late, 1.0)))


@judge("K25", experiment="deep_mlp")
def spread_is_smallest_in_the_region(record: xr.Dataset) -> Judgement | None:
    """Variance of 20 accuracies on 500 test images over its expectation: below 1 at 20, 30, and below 5, 10, 50.

    Both readings of the text are conditions. The first 20 (or 20 x 20) of 2,000 draws count, drawn anew by each seed
    and the same at every epoch; the other sets of 20 say how often sampling alone gives the same, their mean stands
    beside the effect as what the same weights give with other draws, and the ratio over all 2,000 is in the notes. The
    effect is the larger ratio of epochs 20 and 30 less the smallest of 1 and those of epochs 5, 10 and 50.
    """
    conditions, chances = [], []
    for name in TEXT:
        chosen = one_network(record, name)
        if chosen is None or chosen.sizes["sample"] <= TESTED or not set(EPOCHS) <= set(chosen["epoch"].values):
            continue
        correct, drawn = drawn_accuracies(chosen, EPOCHS)
        whole = spread_ratios(drawn, correct, together=DRAWS)[..., 0].mean(axis=0)
        for reading, averaged in READINGS.items():
            ratios = spread_ratios(drawn, correct, averaged)
            margins = _margin(np.moveaxis(ratios, 1, 0))  # (seed, set)
            effect = seed_interval(margins[:, 0])
            chances.append(float((margins < 0).mean()))
            by_epoch = zip(EPOCHS, ratios[:, :, 0].mean(axis=0), whole, strict=True)
            conditions.append(
                Condition.measured(
                    f"{name}, {reading}",
                    effect,
                    control=seed_interval(margins[:, 1:].mean(axis=1)),
                    passes=lies(span(effect), high=-TINY),
                    note="ratio (over all draws) "
                    + ", ".join(f"{ratio:.2f} ({every:.2f}) at {epoch}" for epoch, ratio, every in by_epoch)
                    + f"; {chances[-1]:.0%} of {margins[0].size} sets of other draws of the same weights show it",
                )
            )
    if not conditions:
        return None
    worst = max(conditions, key=lambda condition: condition.effect)
    return conclude(
        worst,
        conditions,
        record=record,
        needed=TEXT,
        measure="variance over that of sampling: larger of epochs 20, 30 less least of 1 and epochs 5, 10, 50, highest "
        f"({worst.name})",
        control=f"other draws from the same weights: {range_of([100 * c for c in chances], 0)} % of the sets show it; "
        f"sampling gives a ratio of 1 ± {np.sqrt(2 / 19):.2f} for 20 numbers",
        text=f"{passing(conditions)} are as stated. Accuracies on random parts of one test set spread as drawing them "
        "makes them, by the accuracy alone: that is no agreement between trained networks.",
    )


# ---------------------------------------------------------------------------------------------------------------------
# K26: accuracy


LOSSES = {"MNIST": 0.5, "CIFAR-10": 1.5}
"""Percentage points that count as competitive."""


@judge("K26", experiment="deep_mlp")
def accuracy_is_competitive(record: xr.Dataset) -> Judgement | None:
    """Test accuracy at epoch 50 less its mean at 20 and 30, below 0.5 points on MNIST and 1.5 on CIFAR-10."""
    conditions = []
    for name, threshold in LOSSES.items():
        chosen = one_network(record, name)
        if chosen is None or not {20, 30, 50} <= set(chosen["epoch"].values):
            continue
        accuracy = {epoch: 100 * (1 - curve(chosen.sel(epoch=[epoch]), "test_error")[:, 0]) for epoch in (20, 30, 50)}
        lost = seed_interval(accuracy[50] - (accuracy[20] + accuracy[30]) / 2)
        means = ", ".join(f"{float(a.mean()):.2f} % at {epoch}" for epoch, a in accuracy.items())
        spread = f"; sd over seeds {accuracy[50].std(ddof=1):.2f}" if len(accuracy[50]) > 1 else ""
        passes = lies(span(lost), high=threshold - TINY)
        conditions.append(Condition.measured(name, lost, passes=passes, note=f"accuracy {means}{spread}"))
    if not conditions:
        return None
    worst = max(conditions, key=lambda condition: condition.effect)
    return conclude(
        worst,
        conditions,
        record=record,
        needed=TEXT,
        measure=f"test accuracy at epoch 50 less its mean at 20 and 30, percentage points, largest ({worst.name})",
        control="spread over seeds: in the notes",
        text=f"By the mean {sum(c.effect < LOSSES[c.name] for c in conditions)} of {len(conditions)} lose less than "
        f"0.5 (MNIST) or 1.5 (CIFAR-10) points, with the whole interval {passing(conditions)}: means are "
        f"{range_of([c.effect for c in conditions])} points.",
    )


# ---------------------------------------------------------------------------------------------------------------------
# K27, K28: stopping


STOPPED = "MNIST, 6 x 256"
"""The network with ten seeds and held-out images."""

LAST = 50


@dataclass(frozen=True)
class Runs:
    """What stopping a network's seeds at some epoch gives."""

    answers: np.ndarray  #: (seed, epoch, sample), predicted minus true class
    accuracy: np.ndarray  #: (seed, epoch)

    def disagreement(self, stops: np.ndarray) -> np.ndarray:
        """Share of test images that a seed answers otherwise than another, mean over the others, shape (seed,)."""
        answers = self.answers[np.arange(len(stops)), stops]
        seeds = len(answers)
        differ = np.stack([(answers != each).mean(axis=-1) for each in answers])
        return np.asarray(differ.sum(axis=-1) / (seeds - 1))

    def accuracies(self, stops: np.ndarray) -> np.ndarray:
        """Test accuracy of each seed where it stops."""
        return np.asarray(self.accuracy[np.arange(len(stops)), stops])


def sd_difference(values: np.ndarray, others: np.ndarray, seed: int = 0, resamples: int = 10_000) -> Estimate:
    """Standard deviation over seeds of `values` less that of `others`, with its bootstrap interval over paired seeds.

    Parameters
    ----------
    values, others
        Shapes (stop, seed): standard deviations are taken over seeds and averaged over stops.
    seed
        Of the resampling.
    resamples
        Number of bootstrap resamples.

    Returns
    -------
    Estimate
        Scalar; the interval is nan for fewer than 5 seeds.

    Examples
    --------
    >>> found = sd_difference(np.array([[1.0, 2.0, 3.0, 4.0, 5.0]]), np.array([[2.0, 4.0, 6.0, 8.0, 10.0]]))
    >>> float(found.mean.round(2)), bool(found.high < 0)
    (-1.58, True)
    """

    def difference(index: np.ndarray) -> np.ndarray:
        spread = [each[:, index].std(axis=-1, ddof=1).mean(axis=0) for each in (values, others)]
        return np.asarray(spread[0] - spread[1])

    seeds = values.shape[-1]
    whole = difference(np.arange(seeds)[None])[0]
    if seeds < 5:
        return Estimate(whole, np.array(np.nan), np.array(np.nan), seeds)
    drawn = np.random.default_rng(seed).integers(seeds, size=(resamples, seeds))
    low, high = np.quantile(difference(drawn), [0.025, 0.975])
    return Estimate(whole, low, high, seeds)


def runs_of(chosen: xr.Dataset) -> Runs:
    """Read from a network what stopping its seeds gives; test samples that only other sets have are left out."""
    answers = chosen["shift"].transpose("seed", "epoch", "sample").values
    answers = answers[..., (answers != MISSING["shift"]).any(axis=(0, 1))]
    return Runs(answers, 1 - curve(chosen, "test_error"))


def guided(chosen: xr.Dataset) -> dict[str, np.ndarray]:
    """Epochs at which complexity stops each seed, by rule, shape (seed,)."""
    rules = [str(rule) for rule in chosen["rule"].values]
    return {f"e* of C, {rule}": peak(complexity(chosen, rule)).epoch.astype(int) for rule in rules}


def validated(chosen: xr.Dataset) -> np.ndarray:
    """Epochs of each seed's lowest loss on held-out images, shape (seed,)."""
    return np.asarray(curve(chosen, "validation_loss").argmin(axis=-1))


def _stopped_network(record: xr.Dataset) -> xr.Dataset | None:
    chosen = one_network(record, STOPPED)
    if chosen is None or "validation_loss" not in chosen or int(chosen["epoch"].values[-1]) < LAST:
        return None
    return chosen if chosen.sizes["seed"] > 1 else None  # one seed says nothing about others


@judge("K27", experiment="deep_mlp")
def guided_training_is_more_reproducible(record: xr.Dataset) -> Judgement | None:
    """Seeds stopped by complexity must disagree less, and vary less in accuracy, than at epoch 50 or by held-out loss.

    Guides are e* under every rule and epochs 20 to 35 (the mean over stops at each of them); either is compared with
    stopping at 50 and at the lowest held-out loss, in the share of test images on which two seeds differ and in the
    standard deviation of accuracy over seeds. Control at equal epoch: all seeds stopped at the mean of their e*: if
    that passes as well, complexity need not be looked at, only the clock. At equal accuracy, in the notes: all seeds
    stopped at the epoch whose mean accuracy is nearest to that of the guided seeds, of those at least 5 epochs away.

    Disagreement is a mean over pairs of seeds, which are not independent: each seed is given its mean over the others.
    """
    chosen = _stopped_network(record)
    if chosen is None:
        return None
    runs = runs_of(chosen)
    seeds = np.ones(chosen.sizes["seed"], dtype=int)
    stops = {key: [epochs] for key, epochs in guided(chosen).items()}
    stops["epochs 20 to 35"] = [seeds * epoch for epoch in range(OPTIMAL[0], OPTIMAL[1] + 1)]
    references = {"epoch 50": [seeds * LAST], "held-out loss": [validated(chosen)]}
    conditions: list[Condition] = []
    for guide, at in stops.items():
        clock = [seeds * round(float(np.mean(at)))] if len(at) == 1 else None
        for against, reference in references.items():
            for measure, compare in (("disagreement", _disagreement), ("sd of accuracy", _spread)):
                effect = compare(runs, at, reference)
                control = None if clock is None else compare(runs, clock, reference)
                conditions.append(
                    Condition.measured(
                        f"{guide}, against {against}, {measure}",
                        effect,
                        control=control,
                        passes=lies(span(effect), high=-TINY),
                        holds_in_control=None if control is None else lies(span(control), high=-TINY) is True,
                        note=_stop_note(runs, at, reference),
                    )
                )
    worst = max(conditions, key=lambda condition: condition.effect)
    clocks = [c.control for c in conditions if c.control is not None]
    return conclude(
        worst,
        conditions,
        record=record,
        needed=[STOPPED],
        measure=f"disagreement or sd of accuracy when guided less otherwise, percentage points, highest ({worst.name})",
        control=f"all seeds at the mean epoch of e*: {range_of(clocks)}",
        text=f"{passing(conditions)} are more reproducible when guided; differences are "
        f"{range_of([c.effect for c in conditions])} percentage points. Where stopping all seeds at that mean epoch "
        "does as well, it is the epoch that counts and not complexity.",
    )


def _disagreement(runs: Runs, guided: list[np.ndarray], reference: list[np.ndarray]) -> Estimate:
    first, second = (np.mean([runs.disagreement(at) for at in stops], axis=0) for stops in (guided, reference))
    return difference_interval(100 * first, 100 * second)


def _spread(runs: Runs, guided: list[np.ndarray], reference: list[np.ndarray]) -> Estimate:
    first, second = (100 * np.stack([runs.accuracies(at) for at in stops]) for stops in (guided, reference))
    return sd_difference(first, second)


def _stop_note(runs: Runs, guided: list[np.ndarray], reference: list[np.ndarray]) -> str:
    """Say where both stop, how often seeds disagree there, and what they do elsewhere at equal accuracy."""
    accuracy = float(np.mean([runs.accuracies(at) for at in guided]))
    epoch, other = (float(np.mean(stops)) for stops in (guided, reference))
    everywhere = np.abs(runs.accuracy.mean(axis=0) - accuracy)
    everywhere[np.abs(np.arange(everywhere.size) - epoch) < 5] = np.inf
    equal = int(everywhere.argmin())
    here = np.mean([runs.disagreement(at).mean() for at in guided])
    there = runs.disagreement(np.full(len(runs.accuracy), equal)).mean()
    return (
        f"stops at epoch {epoch:.1f} against {other:.1f}; disagreement {here:.2%}, and {there:.2%} at epoch {equal}, "
        f"nearest in accuracy ({accuracy:.2%} against {runs.accuracy[:, equal].mean():.2%})"
    )


@judge("K28", experiment="deep_mlp")
def complexity_stops_early(record: xr.Dataset) -> Judgement | None:
    """Test accuracy when stopped at e* less that when stopped by held-out loss, inside 0.5 percentage points.

    Control: each seed stopped at the epoch of the lowest mean held-out loss of the other seeds.
    """
    chosen = _stopped_network(record)
    if chosen is None:
        return None
    runs, held_out = runs_of(chosen), validated(chosen)
    best = 100 * runs.accuracies(held_out)
    loss = curve(chosen, "validation_loss")
    others = np.stack([np.delete(loss, each, axis=0).mean(axis=0).argmin() for each in range(len(loss))])
    control = difference_interval(100 * runs.accuracies(others), best)
    conditions, saved = [], []
    for guide, at in guided(chosen).items():
        effect = difference_interval(100 * runs.accuracies(at), best)
        saved.append(float((held_out - at).mean()))
        conditions.append(
            Condition.measured(
                guide,
                effect,
                control=control,
                passes=lies(span(effect), -0.5, 0.5),
                holds_in_control=lies(span(control), -0.5, 0.5) is True,
                note=f"stops at epoch {at.mean():.1f}, {abs(saved[-1]):.1f} epochs "
                f"{'before' if saved[-1] >= 0 else 'after'} held-out loss does",
            )
        )
    worst = max(conditions, key=lambda condition: abs(condition.effect))
    return conclude(
        worst,
        conditions,
        record=record,
        needed=[STOPPED],
        measure=f"test accuracy at e* less that by held-out loss, percentage points, farthest from 0 ({worst.name})",
        control=f"fixed epoch chosen on other seeds: {float(control.mean):.2f} points",
        text=f"{passing(conditions)} lie within 0.5 points of it, with {range_of(saved, 0)} epochs saved against "
        "stopping by held-out loss; a fixed epoch chosen on other seeds costs nothing to look up.",
    )
