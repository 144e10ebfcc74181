r"""Entropy of binary patterns: which units of a layer are on, or which neurons fire, for each sample.

The text J calls the entropy :math:`H(Z_1, \dots, Z_c)` of a layer's on/off pattern its *complexity*. There are
:math:`2^c` patterns, so counting them works for few units only. The chain rule turns it into prediction,

.. math:: H(Z) = \sum_i H(Z_i \mid Z_1 \dots Z_{i-1}) \le
    - \frac1n \sum_{k=1}^n \sum_i \log_2 q(z_{ki} \mid z_{k1} \dots z_{k,i-1})

for any conditional probabilities q that were not fitted to the samples they are scored on: a better predictor gives a
tighter upper bound. Explained in the chapter on the entropy of many neurons.
"""

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from scipy.special import entr
from torch import Tensor

from lib.measures import _autoregressive, _classifier_chain, _pattern_counts
from lib.measures._autoregressive import Budget
from lib.measures._chunks import Array
from lib.measures._packing import unpack

METHODS = ("autoregressive", "independent", "xgboost", "logistic", "plugin", "miller-madow", "grassberger")
"""Estimators, see `pattern_entropy`."""


@dataclass(frozen=True)
class PatternEntropy:
    """Entropy of binary patterns, with what it is to be compared with."""

    bits: float  #: H(Z), an upper bound where `bound` says so
    standard_error: float  #: of `bits`, over groups of samples; nan for a single group
    unit_bits: np.ndarray  #: (unit,), entropy of each unit alone, eq. 5
    linearity: float  #: mean over units and samples of z, eq. 11
    order_bits: np.ndarray  #: (order,), the same bound with the units in other orders; the first is the given one
    method: str  #: one of :data:`METHODS`
    samples: int
    groups: int  #: of samples that were kept together; as many as samples where none were named
    seconds: float  #: taken, for the sets of one batch its share
    settings: dict[str, Any] = field(default_factory=dict)
    group_excess: np.ndarray = field(default_factory=lambda: np.empty(0), repr=False)  #: (group,), for `gain_over`

    @property
    def bound(self) -> bool:
        """Whether it bounds the entropy from above (up to its standard error) rather than estimates it."""
        return self.method not in _pattern_counts.COUNTING

    @property
    def independent_bits(self) -> float:
        """Entropy that independent units would have: the sum of `unit_bits`."""
        return float(self.unit_bits.sum())

    @property
    def total_correlation(self) -> float:
        """Independent bits less `bits`, in bits; at most the truth, where `bits` is a bound."""
        return self.independent_bits - self.bits

    @property
    def normalized_total_correlation(self) -> float:
        """Total correlation over independent bits, eq. 10; nan where no unit ever changes."""
        return self.total_correlation / self.independent_bits if self.independent_bits else math.nan

    @property
    def bits_per_unit(self) -> float:
        """Entropy over the number of units: complexity per neuron."""
        return self.bits / len(self.unit_bits)

    def gain_over(self, other: "PatternEntropy") -> tuple[float, float]:
        r"""Bits by which this estimate is below another of the same samples, and the standard error of that.

        Bins or patches that surprise one predictor surprise the other, so the difference is known far better than
        either: its error is taken over groups, pair by pair.

        Raises
        ------
        ValueError
            If the other was made of another number of samples or groups.

        Examples
        --------
        >>> z = np.random.default_rng(0).random((2_000, 1)) < [0.3, 0.3, 0.3, 0.3]  # four copies
        >>> gain, error = pattern_entropy(z).gain_over(pattern_entropy(z, "independent"))
        >>> gain > 2, error < 0.1
        (True, True)
        """
        if (self.samples, self.groups) != (other.samples, other.groups):
            raise ValueError(
                f"{self.samples:,} samples in {self.groups:,} groups cannot be paired with {other.samples:,} in "
                f"{other.groups:,}: estimate the same samples with the same groups."
            )
        return other.bits - self.bits, _error_of_mean(other.group_excess - self.group_excess, self.samples)


@dataclass(frozen=True)
class PatternEntropies(Sequence[PatternEntropy]):
    """Entropies of several sets of patterns, and the networks that gave them."""

    each: tuple[PatternEntropy, ...]
    weights: Tensor | None = field(default=None, repr=False)  #: of the networks, to start the next estimate from
    folds: tuple[Tensor, ...] = field(default=(), repr=False)  #: rows that each fold scores, for the next estimate

    def __getitem__(self, index: Any) -> Any:
        return self.each[index]

    def __len__(self) -> int:
        return len(self.each)


def pattern_entropy(
    z: Array,
    method: str = "autoregressive",
    *,
    groups: Sequence[int] | np.ndarray | None = None,
    folds: int = 2,
    seed: int = 0,
    units: int | None = None,
    orders: int = 1,
    budget: Budget | None = None,
) -> PatternEntropy:
    r"""Entropy of binary patterns, in bits.

    Parameters
    ----------
    z
        Patterns, shape (sample, unit), of 0 and 1 (or bool); numpy array or tensor, which is worked on where it lies.
        With `units`, uint8 of shape (sample, ceil(units / 8)), packed as by ``numpy.packbits(z, axis=1)``.
    method
        - "autoregressive": one masked network for all conditionals at once, cross-fitted, stopped early and shrunk
          towards independent units on an inner part of each training fold; see `Budget`;
        - "independent": each unit by its share of ones in the other folds; what any predictor has to beat, for on short
          recordings the entropies of single units, which are not cross-fitted, are smaller;
        - "xgboost", "logistic": a chain of cross-validated classifiers with the settings of the text's appendix B;
        - "plugin", "miller-madow", "grassberger": from counts of patterns, for few units; no bounds.
    groups
        Label of each sample's group, such as the image that a patch is from or the trial of a time bin. Groups are
        never split between folds, and the standard error is over groups. Without it every sample is its own.
    folds
        Parts of which each is scored by what was learned from the others.
    seed
        Decides folds, initial weights and order of training, and other orders of the units.
    units
        Number of units, where `z` is packed.
    orders
        Number of orders of the units to go through: the chain rule holds in any, the bound depends on it.
    budget
        Size of the masked network and its training; by default from the size of the data.

    Returns
    -------
    PatternEntropy
        Bits with standard error, the entropies of single units, and what follows from them.

    Raises
    ------
    ValueError
        If patterns are no table of 0 and 1, a setting is out of range, groups do not fit or are fewer than folds.

    Notes
    -----
    The standard error is that of a mean of per-sample surprises over groups; it does not hold what another choice of
    folds would change. A bound depends on the number of samples: compare at equal size and equal budget.

    Source: *Complexity for deep neural networks*, eqs. 5 to 11 and appendix B; Janik (2019), arXiv:1909.10831; Germain
    et al. (2015), ICML; for the counts Miller (1955), Grassberger (2003), arXiv:physics/0307138.

    Examples
    --------
    >>> z = np.tile([[0, 0, 1], [1, 1, 1]], (2500, 1))  # a copy, and a unit that is always on
    >>> found = pattern_entropy(z, "plugin")
    >>> found.bits, found.unit_bits.tolist(), found.total_correlation, found.normalized_total_correlation
    (1.0, [1.0, 1.0, 0.0], 1.0, 0.5)
    >>> round(pattern_entropy(z).bits, 1)
    1.0
    """
    z = z[None] if getattr(z, "ndim", 0) == 2 else z
    if getattr(z, "ndim", 0) != 3 or len(z) != 1:
        raise ValueError(
            f"Patterns of shape {tuple(z.shape[1:] if len(z) == 1 else z.shape)} are no table of samples and units: "
            "reshape them, or give several sets to pattern_entropies."
        )
    return pattern_entropies(
        z, method, groups=groups, folds=folds, seed=seed, units=units, orders=orders, budget=budget
    )[0]


def pattern_entropies(
    z: Array,
    method: str = "autoregressive",
    *,
    groups: Sequence[int] | np.ndarray | None = None,
    folds: int = 2,
    seed: int = 0,
    units: int | None = None,
    orders: int = 1,
    budget: Budget | None = None,
    warm_start: PatternEntropies | None = None,
) -> PatternEntropies:
    """Entropies of many sets of patterns of one shape, such as a layer at many epochs, together.

    The networks of all sets learn side by side, which costs little more than one where sets are small.

    Parameters
    ----------
    z
        Patterns, shape (set, sample, unit), or packed as for `pattern_entropy`. Row k of every set belongs to the same
        group.
    method, groups, folds, seed, units, orders, budget
        As for `pattern_entropy`.
    warm_start
        Result of an earlier call with the same shape, groups, folds, orders and seed, such as the epoch before: the
        networks go on from there. Folds are the same for the same seed, so no network learns from what it will score.

    Returns
    -------
    PatternEntropies
        One `PatternEntropy` a set.

    Raises
    ------
    ValueError
        As `pattern_entropy`, and if `warm_start` is of another shape or given to another method.

    Examples
    --------
    >>> z = np.random.default_rng(0).integers(0, 2, (3, 200, 4))
    >>> [found.method for found in pattern_entropies(z, "miller-madow")]
    ['miller-madow', 'miller-madow', 'miller-madow']
    """
    started = time.perf_counter()
    patterns = require_patterns(z, units)
    sets, samples, units = patterns.shape
    of_group = require_groups(groups, samples)
    count = int(of_group.max()) + 1
    if method not in METHODS:
        raise ValueError(f"Unknown method {method!r}: choose one of {', '.join(METHODS)}.")
    if orders < 1:
        raise ValueError(f"{orders} orders of the units give no bound: use 1 or more.")
    if warm_start is not None and method != "autoregressive":
        raise ValueError(f"Method {method!r} cannot go on from an earlier estimate: leave warm_start out.")
    learned = method not in _pattern_counts.COUNTING
    if learned and not 2 <= folds <= count:
        raise ValueError(f"{folds} folds cannot be made of {count} groups of samples: use from 2 to {count}.")
    generator = torch.Generator().manual_seed(seed)
    ways = [torch.arange(units), *(torch.randperm(units, generator=generator) for _ in range(orders - 1))]
    if not learned:
        ways = ways[:1]  # counts do not know of an order
    weights, settings, of_each = None, dict[str, Any](), [dict[str, Any]()] * sets
    tested: tuple[Tensor, ...] = ()
    if method in ("autoregressive", "independent"):
        if method == "independent":
            budget = Budget(hidden=0, steps=0)  # a network without hidden units knows the marginals only
        budget = budget or default_budget(samples, units)
        settings = {"hidden": budget.hidden, "steps": budget.steps, "batch": budget.batch, "rate": budget.rate}
        settings["decay"] = budget.decay
        parts = _autoregressive.make_folds(of_group, folds, torch.Generator().manual_seed(seed))
        parts = [
            _autoregressive.Fold(*(rows.to(patterns.device) for rows in (part.train, part.inner, part.test)))
            for part in parts
        ]
        given = torch.cat([patterns[:, :, way.to(patterns.device)] for way in ways]) if orders > 1 else patterns
        tested = tuple(part.test.cpu() for part in parts)
        start = _require_start(
            warm_start, len(given) * folds, units, {"folds": folds, "seed": seed, "hidden": budget.hidden}
        )
        if warm_start and any(not torch.equal(a, b) for a, b in zip(warm_start.folds, tested, strict=True)):
            raise ValueError("The estimate to start from has other groups in its folds: give one made with the same.")
        surprise, weights, best_steps = _autoregressive.score(given, parts, budget, generator, start)
        scores = surprise.view(orders, sets, samples).cpu().numpy()
        by_set = np.reshape(best_steps, (orders, sets, folds)).swapaxes(0, 1).reshape(sets, -1)
        of_each = [{"best steps": steps} for steps in by_set.tolist()]
    elif learned:
        numbers = of_group.numpy()
        settings = dict(_classifier_chain.CLASSIFIERS[method][1])
        scores = np.array(
            [
                [_classifier_chain.score(each[:, way].cpu().numpy(), numbers, method, folds, seed) for each in patterns]
                for way in ways
            ]
        )
    else:
        scores = np.array([[_pattern_counts.score(each, method) for each in patterns]])
    shares = patterns.sum(1, dtype=torch.float64).cpu().numpy() / samples
    seconds = (time.perf_counter() - started) / sets
    excess = [np.bincount(of_group.numpy(), first - first.mean()) for first in scores[0]]
    each = []
    for number in range(sets):
        each.append(
            PatternEntropy(
                bits=float(scores[0, number].mean()),
                standard_error=_error_of_mean(excess[number], samples),
                unit_bits=_binary_entropy(shares[number]),
                linearity=float(shares[number].mean()),
                order_bits=scores[:, number].mean(-1),
                method=method,
                samples=samples,
                groups=count,
                seconds=seconds,
                settings={"folds": folds, "seed": seed, **settings, **of_each[number]} if learned else {},
                group_excess=excess[number],
            )
        )
    return PatternEntropies(tuple(each), weights, tested)


def pattern_curve(
    moments: Iterable[Array],
    *,
    groups: Sequence[int] | np.ndarray | None = None,
    folds: int = 2,
    seed: int = 0,
    units: int | None = None,
    orders: int = 1,
    budget: Budget | None = None,
    later: Budget | None = None,
) -> Iterator[PatternEntropies]:
    """Entropies of patterns that change little by little, such as those of a network's layers along its training.

    Masked networks learn the sets of the first moment from scratch; at every later moment they go on from where they
    were, which takes a few steps instead of hundreds.

    Parameters
    ----------
    moments
        Patterns of one moment after the other, each of shape (set, sample, unit) or packed, as for `pattern_entropies`.
        Row k of every set and moment belongs to the same group, best to the same sample. Each is asked for when the one
        before is done, so that they need not be in memory together.
    groups, folds, seed, units, orders, budget
        As for `pattern_entropies`; `budget` is that of the first moment.
    later
        Budget of the later moments; by default a quarter of the steps, but 60 at least, at twice the rate.

    Yields
    ------
    PatternEntropies
        Of every moment.

    Raises
    ------
    ValueError
        As `pattern_entropies`, and if a moment has another shape than the first.

    Notes
    -----
    All are bounds, but not equally tight: on the layers of a network of 11 x 28 units, 30 to 1,000 steps of training
    apart, later ones were looser by 0.3 to 1.2 % than learned from scratch. Where a difference between moments is as
    small, estimate both from scratch.

    Examples
    --------
    >>> z = np.random.default_rng(0).integers(0, 2, (3, 2, 400, 4))  # 3 moments of 2 sets
    >>> [[round(found.bits) for found in moment] for moment in pattern_curve(z)]
    [[4, 4], [4, 4], [4, 4]]
    """
    before: PatternEntropies | None = None
    for z in moments:
        if before is None:
            budget = budget or default_budget(*require_patterns(z, units).shape[1:])
            later = later or replace(
                budget, steps=max(60, budget.steps // 4), rate=2 * budget.rate, checks=5, patience=3
            )
        before = pattern_entropies(
            z,
            groups=groups,
            folds=folds,
            seed=seed,
            units=units,
            orders=orders,
            budget=later if before else budget,
            warm_start=before,
        )
        yield before


def default_budget(samples: int, units: int) -> Budget:
    """Return the size of the masked network and its training for patterns of that shape.

    Weight decay falls with the number of samples as their power of -2/3, which was best, by eye, on 2,560 to 640,000
    patterns of a ResNet's top block: without it networks must stop too early on few samples.

    Examples
    --------
    >>> default_budget(640_000, 64)
    Budget(hidden=512, steps=1500, batch=1024, rate=0.02, decay=0.05, checks=25, patience=6)
    """
    hidden = min(512, max(32, 8 * units))
    batch = min(1024, max(128, 2 ** round(math.log2(max(1, samples / 256)))))
    steps = round(min(1500, max(300, 5 * samples / batch)))
    decay = min(2.0, max(0.01, 0.5 * (20_000 / samples) ** (2 / 3)))
    return Budget(hidden=hidden, steps=steps, batch=batch, decay=float(f"{decay:.1g}"))


def require_patterns(z: Array, units: int | None) -> Tensor:
    """Return patterns as uint8 of 0 and 1, (set, sample, unit)."""
    tensor = z if isinstance(z, Tensor) else torch.from_numpy(np.require(z, requirements=["C", "W"]))
    if tensor.ndim != 3 or 0 in tensor.shape:
        raise ValueError(f"Patterns of shape {tuple(tensor.shape)} are no sets of samples and units: reshape them.")
    if units is not None:
        columns = -(-units // 8)
        if tensor.dtype != torch.uint8 or tensor.shape[2] != columns:
            raise ValueError(
                f"{units} packed units need uint8 of {columns} columns, not {tensor.dtype} of {tensor.shape[2]}: pack "
                "them by numpy.packbits(z, axis=1)."
            )
        return unpack(tensor, units)
    if tensor.dtype == torch.bool:
        return tensor.to(torch.uint8)
    wrong = (tensor != 0) & (tensor != 1)  # nan is neither
    if bool(wrong.any()):
        value = tensor[wrong].flatten()[0].item()
        raise ValueError(f"Patterns hold {value}: they are made of 0 and 1, so compare activations with a threshold.")
    return tensor.to(torch.uint8)


def require_groups(groups: Sequence[int] | np.ndarray | None, samples: int) -> Tensor:
    """Return the number of each sample's group, from 0 on."""
    if groups is None:
        return torch.arange(samples)
    labels = np.asarray(groups)
    if labels.shape != (samples,):
        raise ValueError(f"Groups of shape {labels.shape} do not fit {samples} samples: give one label a sample.")
    return torch.from_numpy(np.unique(labels, return_inverse=True)[1].reshape(-1))


def _require_start(
    warm_start: PatternEntropies | None, networks: int, units: int, settings: dict[str, int]
) -> Tensor | None:
    if warm_start is None:
        return None
    if warm_start.weights is None or len(warm_start.weights) != networks:
        raise ValueError(
            f"The estimate to start from has {0 if warm_start.weights is None else len(warm_start.weights)} networks, "
            f"not {networks}: give one made with the same sets, folds and orders."
        )
    given = {**warm_start[0].settings, "units": len(warm_start[0].unit_bits)}
    # with other folds a network would have learned from what it is to score
    for name, value in {"units": units, **settings}.items():
        if given[name] != value:
            raise ValueError(f"The estimate to start from has {name} {given[name]}, not {value}: give one made alike.")
    return warm_start.weights


def _error_of_mean(excess: np.ndarray, samples: int) -> float:
    """Standard error of a mean over samples from each group's sum of deviations, whatever the groups' sizes."""
    count = len(excess)
    if count < 2:
        return math.nan
    return math.sqrt(count / (count - 1) * float((excess**2).sum())) / samples


def _binary_entropy(p: np.ndarray) -> np.ndarray:
    return np.asarray((entr(p) + entr(1 - p)) / math.log(2))
