"""Judges of the claims about reproducibility, accuracy and early stopping: K25 to K28, on records of ``deep_mlp``.

Choices that the rows leave to us, made before any record of the text's size was seen:

- K25 and K26 rest on the text's networks; K27 and K28 on the network of 6 x 256 units, which ten seeds and held-out
  images make fit for them.
- What the text's stopping rule reads off the plane is the epoch of the greatest complexity, e*, seed by seed, under
  every binning rule of the record (hidden matrices, 256 bins), and its region of epochs 20 to 35.
- Held-out loss is lowest at its smallest single value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from lib.claims._deep_network import TEXT, TINY, complexity, concluded, curve, few, passing
from lib.claims._judging import range_of, span
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.claims.between_layers import one_network
from lib.measures.curves import peak
from lib.measures.statistics import Estimate, difference_interval, seed_interval

# ---------------------------------------------------------------------------------------------------------------------
# K25: the spread of accuracies


EPOCHS = (5, 10, 20, 30, 50)
"""Epochs of the text's figure 3c; the third and the fourth are said to be the most reproducible."""

TESTED = 500
DRAWS = 2_000
READINGS = {"20 accuracies": 1, "20 means of 20 accuracies": 20}
"""How many draws each of the 20 numbers is the mean of: "20 accuracies, each performed 20 times"."""


def drawn_accuracies(correct: np.ndarray, generator: int | np.random.Generator, draws: int = DRAWS) -> np.ndarray:
    """Accuracies on random parts of a test set, drawn without replacement, the same parts at every epoch.

    Parameters
    ----------
    correct
        Which samples are right, shape (epoch, sample).
    generator
        numpy Generator, or a seed for one.
    draws
        Number of parts of 500 samples.

    Returns
    -------
    numpy.ndarray
        Shape (epoch, draw).

    Examples
    --------
    >>> drawn_accuracies(np.ones((2, 1000), dtype=bool), generator=0, draws=3).shape
    (2, 3)
    """
    rng = np.random.default_rng(generator)
    samples = correct.shape[-1]
    chosen = np.stack([rng.choice(samples, TESTED, replace=False, shuffle=False) for _ in range(draws)])
    return np.stack([each[chosen].mean(axis=-1) for each in correct])


def spread_ratios(accuracies: np.ndarray, correct: np.ndarray, averaged: int) -> np.ndarray:
    r"""Variance of 20 accuracies over what sampling alone makes of it, for every 20 of the draws.

    .. math:: \frac{s^2}{\dfrac{p (1 - p)}{500 k} \cdot \dfrac{n - 500}{n - 1}}

    with p the accuracy on all n samples and k the draws averaged.

    Parameters
    ----------
    accuracies
        Shape (epoch, draw).
    correct
        Shape (epoch, sample).
    averaged
        Draws k that each of the 20 numbers is the mean of.

    Returns
    -------
    numpy.ndarray
        Shape (epoch, set of 20), 1 in expectation; nan where all or none are right.
    """
    epochs, draws = accuracies.shape
    numbers = accuracies.reshape(epochs, draws // averaged, averaged).mean(axis=-1)
    sets = numbers.reshape(epochs, -1, 20)
    samples, p = correct.shape[-1], correct.mean(axis=-1)
    expected = p * (1 - p) / TESTED / averaged * (samples - TESTED) / (samples - 1)
    ratio = sets.var(axis=-1, ddof=1) / np.where(expected > 0, expected, np.nan)[:, None]
    return np.asarray(ratio)


def _margin(ratios: np.ndarray) -> np.ndarray:
    """Larger ratio at epochs 20 and 30 less the smallest of 1 and those at 5, 10, 50: below 0 if as stated."""
    early, turn, first, second, late = ratios
    return np.asarray(np.maximum(first, second) - np.minimum(np.minimum(early, turn), np.minimum(late, 1.0)))


@judge("K25", experiment="deep_mlp")
def spread_is_smallest_in_the_region(record: xr.Dataset) -> Judgement | None:
    """Variance of 20 accuracies on 500 test images over its expectation: below 1 at 20, 30, and below 5, 10, 50.

    Both readings of the text are conditions. The first 20 (or 20 x 20) of 2,000 draws count, drawn anew by each seed
    and the same at every epoch; the other sets of 20 say how often sampling alone gives the same, and the ratio over
    all 2,000 is in the notes. The effect is the larger ratio of epochs 20 and 30 less the smallest of 1 and those of
    epochs 5, 10 and 50.
    """
    conditions, chances = [], []
    for name in TEXT:
        chosen = one_network(record, name)
        if chosen is None or chosen.sizes["sample"] <= TESTED or not set(EPOCHS) <= set(chosen["epoch"].values):
            continue
        right = (chosen["shift"].sel(epoch=list(EPOCHS)) == 0).transpose("seed", "epoch", "sample").values
        generators = [np.random.default_rng((25, int(seed))) for seed in chosen["seed"].values]
        drawn = [drawn_accuracies(each, generator) for each, generator in zip(right, generators, strict=True)]
        whole = np.mean([_of_all(a, r) for a, r in zip(drawn, right, strict=True)], axis=0)
        for reading, averaged in READINGS.items():
            ratios = np.stack([spread_ratios(a, r, averaged) for a, r in zip(drawn, right, strict=True)])
            margins = _margin(np.moveaxis(ratios, 1, 0))  # (seed, set)
            effect = seed_interval(margins[:, 0])
            chances.append(float((margins < 0).mean()))
            by_epoch = zip(EPOCHS, ratios[:, :, 0].mean(axis=0), whole, strict=True)
            conditions.append(
                Condition.measured(
                    f"{name}, {reading}",
                    effect,
                    passes=lies(span(effect), high=-TINY),
                    note=few(
                        chosen,
                        "ratio (over all draws) "
                        + ", ".join(f"{ratio:.2f} ({every:.2f}) at {epoch}" for epoch, ratio, every in by_epoch)
                        + f"; {chances[-1]:.0%} of {margins[0].size} sets of other draws of the same weights show it",
                    ),
                )
            )
    if not conditions:
        return None
    worst = max(conditions, key=lambda condition: condition.effect)
    return concluded(
        record,
        TEXT,
        worst,
        conditions,
        measure="variance over that of sampling: larger of epochs 20, 30 less least of 1 and epochs 5, 10, 50, highest "
        f"({worst.name})",
        control=f"other draws from the same weights: {range_of([100 * c for c in chances], 0)} % of the sets show it; "
        f"sampling gives a ratio of 1 +- {np.sqrt(2 / 19):.2f} for 20 numbers",
        text=f"{passing(conditions)} are as stated. Accuracies on random parts of one test set spread as drawing them "
        "makes them, by the accuracy alone: that is no agreement between trained networks.",
    )


def _of_all(accuracies: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """Ratio over all draws at once, shape (epoch,)."""
    samples, p = correct.shape[-1], correct.mean(axis=-1)
    expected = p * (1 - p) / TESTED * (samples - TESTED) / (samples - 1)
    return np.asarray(accuracies.var(axis=-1, ddof=1) / np.where(expected > 0, expected, np.nan))


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
        conditions.append(Condition.measured(name, lost, passes=passes, note=few(chosen, f"accuracy {means}{spread}")))
    if not conditions:
        return None
    worst = max(conditions, key=lambda condition: condition.effect)
    return concluded(
        record,
        TEXT,
        worst,
        conditions,
        measure=f"test accuracy at epoch 50 less its mean at 20 and 30, percentage points, largest ({worst.name})",
        control="spread over seeds: in the notes",
        text=f"{passing(conditions)} lose less than 0.5 (MNIST) or 1.5 (CIFAR-10) points: "
        f"{range_of([c.effect for c in conditions])}.",
    )


# ---------------------------------------------------------------------------------------------------------------------
# K27, K28: stopping


STOPPED = "MNIST, 6 x 256"
"""The network with ten seeds and held-out images."""

REGION = (20, 35)
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


def _runs(chosen: xr.Dataset) -> Runs:
    answers = chosen["shift"].transpose("seed", "epoch", "sample").values
    return Runs(answers, 1 - curve(chosen, "test_error"))


def _guided(chosen: xr.Dataset) -> dict[str, np.ndarray]:
    """Epochs at which complexity stops each seed, by rule, shape (seed,)."""
    rules = [str(rule) for rule in chosen["rule"].values]
    return {f"e* of C, {rule}": peak(complexity(chosen, rule)).epoch.astype(int) for rule in rules}


def _validated(chosen: xr.Dataset) -> np.ndarray:
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
    runs = _runs(chosen)
    seeds = np.ones(chosen.sizes["seed"], dtype=int)
    stops = {key: [at] for key, at in _guided(chosen).items()}
    stops["epochs 20 to 35"] = [seeds * epoch for epoch in range(REGION[0], REGION[1] + 1)]
    references = {"epoch 50": [seeds * LAST], "held-out loss": [_validated(chosen)]}
    conditions: list[Condition] = []
    for guide, guided in stops.items():
        clock = [seeds * round(float(np.mean(guided)))] if len(guided) == 1 else None
        for against, reference in references.items():
            for measure, compare in (("disagreement", _disagreement), ("sd of accuracy", _spread)):
                effect = compare(runs, guided, reference)
                control = None if clock is None else compare(runs, clock, reference)
                conditions.append(
                    Condition.measured(
                        f"{guide}, against {against}, {measure}",
                        effect,
                        control=control,
                        passes=lies(span(effect), high=-TINY),
                        holds_in_control=None if control is None else lies(span(control), high=-TINY) is True,
                        note=few(chosen, _stop_note(runs, guided, reference)),
                    )
                )
    worst = max(conditions, key=lambda condition: condition.effect)
    clocks = [c.control for c in conditions if c.control is not None]
    return concluded(
        record,
        [STOPPED],
        worst,
        conditions,
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
    runs, validated = _runs(chosen), _validated(chosen)
    best = 100 * runs.accuracies(validated)
    loss = curve(chosen, "validation_loss")
    others = np.stack([np.delete(loss, each, axis=0).mean(axis=0).argmin() for each in range(len(loss))])
    control = difference_interval(100 * runs.accuracies(others), best)
    conditions, saved = [], []
    for guide, at in _guided(chosen).items():
        effect = difference_interval(100 * runs.accuracies(at), best)
        saved.append(float((validated - at).mean()))
        conditions.append(
            Condition.measured(
                guide,
                effect,
                control=control,
                passes=lies(span(effect), -0.5, 0.5),
                holds_in_control=lies(span(control), -0.5, 0.5) is True,
                note=few(chosen, f"stops at epoch {at.mean():.1f}, {saved[-1]:.1f} epochs before held-out loss does"),
            )
        )
    worst = max(conditions, key=lambda condition: abs(condition.effect))
    return concluded(
        record,
        [STOPPED],
        worst,
        conditions,
        measure=f"test accuracy at e* less that by held-out loss, percentage points, farthest from 0 ({worst.name})",
        control=f"fixed epoch chosen on other seeds: {float(control.mean):.2f} points",
        text=f"{passing(conditions)} lie inside +-0.5 points, with {range_of(saved, 0)} epochs saved against stopping "
        "by held-out loss; a fixed epoch chosen on other seeds costs nothing to look up.",
    )
