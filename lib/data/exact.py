r"""Binary systems whose entropy is known exactly, to calibrate estimates of the entropy of many units against.

For 48 units there are :math:`2^{48}` patterns: no sample shows the entropy, but some systems have so much structure
that it can be written down. Each system below says its entropy in bits, from a closed form, a transfer matrix or a
quadrature in float64, and draws independent samples of itself. Explained in the chapter on the entropy of many neurons.

Examples
--------
>>> system = SYSTEMS["parity"]
>>> system.units, system.bits, system.independent_bits, system.draw(3, seed=0).shape
(64, 48.0, 64.0, (3, 64))
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr, expit, gammaln, log_ndtr, logsumexp, ndtr, ndtri

Seed = int | np.random.Generator
Patterns = NDArray[np.uint8]

_WIDEST = 10  # spins across a lattice: its transfer matrix has 4**width entries
_REACH, _NODES = 12.0, 8001  # trapezoidal rule over a standard normal variable, in standard deviations


class ExactSystem(ABC):
    """A distribution of binary patterns with a known entropy."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Name to call it by."""

    @property
    @abstractmethod
    def units(self) -> int:
        """Number of units."""

    @property
    @abstractmethod
    def bits(self) -> float:
        """Entropy of the patterns, in bits."""

    @property
    @abstractmethod
    def on(self) -> NDArray[np.float64]:
        """Probability of each unit to be on, shape (unit,)."""

    @abstractmethod
    def _draw(self, samples: int, rng: np.random.Generator) -> Patterns: ...

    @property
    def independent_bits(self) -> float:
        """Sum of the entropies of the single units, in bits: what independent units would have."""
        return float(_binary_entropy(self.on).sum())

    def draw(self, samples: int, seed: Seed) -> Patterns:
        """Return independent samples, uint8 of 0 and 1, shape (sample, unit).

        Raises
        ------
        ValueError
            If `samples` is less than 1.
        """
        if samples < 1:
            raise ValueError(f"{samples} samples cannot be drawn: ask for 1 or more.")
        return self._draw(samples, np.random.default_rng(seed))


@dataclass(frozen=True)
class IndependentUnits(ExactSystem):
    r"""Units that know nothing of each other: :math:`H = \sum_i h(p_i)`.

    h is the binary entropy :math:`-p \log_2 p - (1 - p) \log_2 (1 - p)`, here and below.

    Raises
    ------
    ValueError
        If there is no probability, or one is not between 0 and 1.

    Examples
    --------
    >>> IndependentUnits((0.5, 0.5, 1.0)).bits
    2.0
    """

    probabilities: tuple[float, ...]  # of each unit to be on
    name: str = "independent units"

    def __post_init__(self) -> None:
        _require_probabilities(self.probabilities)

    @property
    def units(self) -> int:
        """Number of units."""
        return len(self.probabilities)

    @property
    def on(self) -> NDArray[np.float64]:
        """Probability of each unit to be on, shape (unit,)."""
        return np.array(self.probabilities)

    @property
    def bits(self) -> float:
        """Entropy of the patterns, in bits."""
        return self.independent_bits

    def _draw(self, samples: int, rng: np.random.Generator) -> Patterns:
        return (rng.random((samples, self.units)) < self.on).astype(np.uint8)


@dataclass(frozen=True)
class Copies(ExactSystem):
    r"""Independent bits, each at several places: :math:`H = \sum_i h(p_i)`, whatever the number of copies.

    Raises
    ------
    ValueError
        If there is no probability, one is not between 0 and 1, or there are no copies.

    Examples
    --------
    >>> system = Copies((0.5, 0.5), times=3)
    >>> system.units, system.bits, system.independent_bits
    (6, 2.0, 6.0)
    """

    probabilities: tuple[float, ...]  # of each bit to be on
    times: int  # units that show the same bit
    shuffle: int = 0  # seed of the order of the units
    name: str = "copies"

    def __post_init__(self) -> None:
        _require_probabilities(self.probabilities)
        if self.times < 1:
            raise ValueError(f"Bits cannot be copied {self.times} times: use 1 or more.")

    @property
    def units(self) -> int:
        """Number of units."""
        return len(self.probabilities) * self.times

    @property
    def on(self) -> NDArray[np.float64]:
        """Probability of each unit to be on, shape (unit,)."""
        return np.array(self.probabilities)[self._places]

    @property
    def bits(self) -> float:
        """Entropy of the patterns, in bits."""
        return float(_binary_entropy(np.array(self.probabilities)).sum())

    @property
    def _places(self) -> NDArray[np.int64]:
        """Which bit each unit shows."""
        order = np.tile(np.arange(len(self.probabilities)), self.times)
        return np.random.default_rng(self.shuffle).permutation(order)

    def _draw(self, samples: int, rng: np.random.Generator) -> Patterns:
        bits = (rng.random((samples, len(self.probabilities))) < self.probabilities).astype(np.uint8)
        return bits[:, self._places]


@dataclass(frozen=True)
class ParityBlocks(ExactSystem):
    """Blocks of fair bits, the last of each the exclusive or of the others: one bit less a block.

    No unit tells anything of fewer than all others of its block together.

    Raises
    ------
    ValueError
        If blocks have fewer than 2 units, or do not fill the units.

    Examples
    --------
    >>> ParityBlocks(units=8, block=4).bits
    6.0
    """

    units: int = 64
    block: int = 4  # units of a block
    name: str = "parity"

    def __post_init__(self) -> None:
        if self.block < 2 or self.units < 1 or self.units % self.block:
            raise ValueError(
                f"{self.units} units are no whole blocks of {self.block}: give blocks of 2 or more that fill the units."
            )

    @property
    def on(self) -> NDArray[np.float64]:
        """Probability of each unit to be on, shape (unit,)."""
        return np.full(self.units, 0.5)

    @property
    def bits(self) -> float:
        """Entropy of the patterns, in bits."""
        return float(self.units - self.units // self.block)

    def _draw(self, samples: int, rng: np.random.Generator) -> Patterns:
        z = rng.integers(0, 2, (samples, self.units // self.block, self.block), dtype=np.uint8)
        z[..., -1] = np.bitwise_xor.reduce(z[..., :-1], axis=-1)
        return z.reshape(samples, self.units)


@dataclass(frozen=True)
class MarkovChain(ExactSystem):
    r"""Units in a row, each depending on the one before it, in equilibrium.

    With the probabilities a to go on and b to go off, and :math:`\pi = a / (a + b)`,

    .. math:: H = h(\pi) + (c - 1) \, [(1 - \pi) \, h(a) + \pi \, h(b)]

    Raises
    ------
    ValueError
        If there is no unit, or a probability is not above 0 and at most 1.

    Examples
    --------
    >>> round(MarkovChain(units=3, go_on=0.1, go_off=0.1).bits, 3)  # 1 + 2 h(0.1)
    1.938
    """

    units: int = 48
    go_on: float = 0.05  # probability of a unit to be on after one that is off
    go_off: float = 0.15  # probability of a unit to be off after one that is on
    name: str = "Markov chain"

    def __post_init__(self) -> None:
        _require_units(self.units)
        for rate in (self.go_on, self.go_off):
            if not 0 < rate <= 1:
                raise ValueError(
                    f"A chain cannot change its state with probability {rate}: use more than 0, at most 1."
                )

    @property
    def on(self) -> NDArray[np.float64]:
        """Probability of each unit to be on, shape (unit,)."""
        return np.full(self.units, self.go_on / (self.go_on + self.go_off))

    @property
    def bits(self) -> float:
        """Entropy of the patterns, in bits."""
        share = self.on[0]
        first, after_off, after_on = _binary_entropy(np.array([share, self.go_on, self.go_off]))
        return float(first + (self.units - 1) * ((1 - share) * after_off + share * after_on))

    def _draw(self, samples: int, rng: np.random.Generator) -> Patterns:
        z = np.empty((self.units, samples), dtype=np.uint8)
        z[0] = rng.random(samples) < self.on[0]
        for unit in range(1, self.units):
            z[unit] = rng.random(samples) < np.where(z[unit - 1], 1 - self.go_off, self.go_on)
        return np.ascontiguousarray(z.T)


@dataclass(frozen=True)
class IsingLattice(ExactSystem):
    r"""Spins on a rectangle that like to agree with their neighbours; a unit is on where its spin is up.

    .. math:: p(s) \propto \exp\Big(J \sum_{\langle ij \rangle} s_i s_j\Big), \qquad s_i = \pm 1

    over pairs of neighbours; the borders are free. The columns are a Markov chain of :math:`2^w` states whose
    transfer matrix gives their probabilities one after the other, and with them the entropy and samples without any
    run-in. Units are counted down the first column, then down the next.

    Raises
    ------
    ValueError
        If the width is not between 1 and 10, the length less than 1, or the coupling not finite.

    Notes
    -----
    The infinite lattice is critical at :math:`J = \ln(1 + \sqrt 2)/2 = 0.4407`.
    Source: Kramers and Wannier (1941), Physical Review 60, 252; Onsager (1944), Physical Review 65, 117.

    Examples
    --------
    >>> round(IsingLattice(width=1, length=2, coupling=np.log(3) / 2).bits, 4)  # two spins that agree in 3 cases of 4
    1.8113
    """

    width: int = 6
    length: int = 8
    coupling: float = 0.44  # J, of neighbours
    name: str = "Ising lattice"

    def __post_init__(self) -> None:
        if not 1 <= self.width <= _WIDEST:
            raise ValueError(f"A lattice {self.width} spins wide has no transfer matrix here: use from 1 to {_WIDEST}.")
        if self.length < 1:
            raise ValueError(f"A lattice {self.length} columns long has no spins: use 1 or more.")
        if not math.isfinite(self.coupling):
            raise ValueError(f"The coupling {self.coupling} is no number: use a finite one, such as 0.44.")

    @property
    def units(self) -> int:
        """Number of units."""
        return self.width * self.length

    @property
    def on(self) -> NDArray[np.float64]:
        """Probability of each unit to be on, shape (unit,): up and down are alike."""
        return np.full(self.units, 0.5)

    @cached_property
    def bits(self) -> float:
        """Entropy of the patterns, in bits."""
        first, following = self._chain
        now, total = first, float(entr(first).sum())
        for step in following:
            total += float(now @ entr(step).sum(axis=1))
            now = now @ step
        return total / math.log(2)

    @cached_property
    def _states(self) -> Patterns:
        """All columns, shape (state, width)."""
        return (np.arange(2**self.width)[:, None] >> np.arange(self.width) & 1).astype(np.uint8)

    @cached_property
    def _chain(self) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
        """Probabilities of the first column, (state,), and of each next one given that before it, (state, state)."""
        spins = 2.0 * self._states - 1
        within = self.coupling * (spins[:, 1:] * spins[:, :-1]).sum(axis=1)
        weight = np.exp(self.coupling * spins @ spins.T + within - abs(self.coupling) * (2 * self.width - 1))
        rest = np.ones(len(spins))  # weight of all columns that follow, for each state
        following = []
        for _ in range(self.length - 1):
            joint = weight * rest
            rest = joint.sum(axis=1)
            following.append(joint / rest[:, None])
            rest = rest / rest.max()
        first = np.exp(within - within.max()) * rest
        return first / first.sum(), following[::-1]

    def _draw(self, samples: int, rng: np.random.Generator) -> Patterns:
        first, following = self._chain
        columns = np.empty((samples, self.length), dtype=np.int64)
        columns[:, 0] = _choose(first[None], np.zeros(samples, dtype=np.int64), rng)
        for number, step in enumerate(following, start=1):
            columns[:, number] = _choose(step, columns[:, number - 1], rng)
        return self._states[columns].reshape(samples, self.units)

    def heat_bath(self, z: Patterns, updates: int, seed: Seed) -> Patterns:
        """Return patterns of the same distribution that differ from the given ones in a few units.

        In each update one unit of each sample, drawn at random, is drawn anew given its neighbours (Glauber dynamics).

        Parameters
        ----------
        z
            Samples of this lattice, shape (sample, unit).
        updates
            0 or more; after many times the number of units nothing is left of `z`.
        seed
            Seed or generator.

        Raises
        ------
        ValueError
            If `z` is of another lattice, or there are fewer than 0 updates.
        """
        if z.ndim != 2 or z.shape[1] != self.units:
            raise ValueError(
                f"Patterns of shape {z.shape} are none of {self.units} units: give samples of this lattice."
            )
        if updates < 0:
            raise ValueError(f"{updates} updates cannot be made: use 0 or more.")
        rng = np.random.default_rng(seed)
        spins = np.zeros((len(z), self.length + 2, self.width + 2), dtype=np.int8)  # the border has no spin
        spins[:, 1:-1, 1:-1] = 2 * z.reshape(len(z), self.length, self.width).astype(np.int8) - 1
        every = np.arange(len(z))
        for _ in range(updates):
            column, row = (1 + part for part in divmod(rng.integers(self.units, size=len(z)), self.width))
            sides = ((column - 1, row), (column + 1, row), (column, row - 1), (column, row + 1))
            field = sum(spins[every, x, y].astype(np.float64) for x, y in sides)
            up = rng.random(len(z)) < expit(2 * self.coupling * field)
            spins[every, column, row] = np.where(up, 1, -1)
        return (spins[:, 1:-1, 1:-1] > 0).astype(np.uint8).reshape(len(z), self.units)


@dataclass(frozen=True)
class CommonFactor(ExactSystem):
    r"""Units that all hear one common signal: a dichotomised Gaussian whose units can be exchanged.

    Unit i is on where :math:`\sqrt{\rho}\, x + \sqrt{1 - \rho}\, y_i` exceeds a threshold, with x common to the units
    of a sample and :math:`y_i` the unit's own, both standard normal. All patterns with k units on have one probability,

    .. math:: q_k = \int \phi(x)\, p(x)^k (1 - p(x))^{c - k} dx, \qquad H = - \sum_k \binom{c}{k} q_k \log_2 q_k

    where p(x) is the probability of a unit to be on given x. The integral is a trapezoidal sum, exact to rounding.

    Raises
    ------
    ValueError
        If there is no unit, the rate is not between 0 and 1, or the correlation is not from 0 to 0.99.

    Notes
    -----
    At a rate of 0.7 % the patterns are like those of a cortical recording: most bins of time are empty.
    Source: Macke, Opper and Bethge (2011), Physical Review Letters 106, 208102.

    Examples
    --------
    >>> system = CommonFactor(units=10, rate=0.5, correlation=0.0)  # without a common part units are independent
    >>> round(system.bits, 9), system.independent_bits
    (10.0, 10.0)
    """

    units: int = 64
    rate: float = 0.2  # probability of each unit to be on
    correlation: float = 0.3  # rho, of two units before the threshold
    name: str = "common factor"

    def __post_init__(self) -> None:
        _require_units(self.units)
        if not 0 < self.rate < 1:
            raise ValueError(f"Units that are on at a rate of {self.rate} never change: use more than 0, less than 1.")
        if not 0 <= self.correlation <= 0.99:
            raise ValueError(f"The correlation {self.correlation} is out of range: use from 0 to 0.99.")

    @property
    def on(self) -> NDArray[np.float64]:
        """Probability of each unit to be on, shape (unit,)."""
        return np.full(self.units, self.rate)

    @cached_property
    def bits(self) -> float:
        """Entropy of the patterns, in bits."""
        k = np.arange(self.units + 1)
        log_q = self._log_pattern
        log_ways = gammaln(self.units + 1) - gammaln(k + 1) - gammaln(self.units - k + 1)
        return float(-(np.exp(log_ways + log_q) * log_q).sum() / math.log(2))

    @property
    def _log_pattern(self) -> NDArray[np.float64]:
        """Logarithm of the probability of one pattern with k units on, shape (k,)."""
        x = np.linspace(-_REACH, _REACH, _NODES)
        weight = -(x**2) / 2 - math.log(2 * math.pi) / 2 + math.log(x[1] - x[0])
        level = self._level(x)
        k = np.arange(self.units + 1)[:, None]
        return np.asarray(logsumexp(weight + k * log_ndtr(level) + (self.units - k) * log_ndtr(-level), axis=1))

    def _level(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what a unit's own part has to stay below for the unit to be on."""
        return (ndtri(self.rate) + math.sqrt(self.correlation) * x) / math.sqrt(1 - self.correlation)

    def _draw(self, samples: int, rng: np.random.Generator) -> Patterns:
        return self._given(rng.standard_normal(samples), rng)

    def _given(self, x: NDArray[np.float64], rng: np.random.Generator) -> Patterns:
        chance = ndtr(self._level(x)).astype(np.float32)
        return (rng.random((len(x), self.units), dtype=np.float32) < chance[:, None]).astype(np.uint8)

    def draw_series(self, samples: int, seed: Seed, memory: float) -> Patterns:
        """Return samples in time whose common part drifts slowly, uint8, shape (sample, unit).

        Each pattern is distributed as those of `draw`, so the entropy of a pattern is the same; patterns close in time
        are alike, as those of a recording are.

        Parameters
        ----------
        samples
            Bins of time.
        seed
            Seed or generator.
        memory
            Correlation of the common part from one bin to the next, from 0 on, less than 1.

        Raises
        ------
        ValueError
            If `samples` is less than 1 or `memory` out of range.
        """
        if samples < 1:
            raise ValueError(f"{samples} samples cannot be drawn: ask for 1 or more.")
        if not 0 <= memory < 1:
            raise ValueError(f"A memory of {memory} has no equilibrium: use from 0 on, less than 1.")
        rng = np.random.default_rng(seed)
        x = rng.standard_normal(samples)
        for time in range(1, samples):
            x[time] = memory * x[time - 1] + math.sqrt(1 - memory**2) * x[time]
        return self._given(x, rng)


def _choose(chances: NDArray[np.float64], rows: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw one column for each sample, from the row of the table that it names."""
    table = np.cumsum(chances, axis=1)
    table /= table[:, -1:]
    # one long rising list: row r of the table lies between r and r + 1
    ladder = (table + np.arange(len(table))[:, None]).ravel()
    place = np.searchsorted(ladder, rows + rng.random(len(rows)), side="right")
    return np.minimum(place - rows * table.shape[1], table.shape[1] - 1)


def _binary_entropy(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((entr(p) + entr(1 - p)) / math.log(2))


def _require_probabilities(probabilities: tuple[float, ...]) -> None:
    if not probabilities:
        raise ValueError("A system without units has no patterns: give at least one probability.")
    for each in probabilities:
        if not 0 <= each <= 1:
            raise ValueError(f"A unit cannot be on with probability {each}: use from 0 to 1.")


def _require_units(units: int) -> None:
    if units < 1:
        raise ValueError(f"A system of {units} units has no patterns: use 1 or more.")


SYSTEMS: dict[str, ExactSystem] = {
    system.name: system
    for system in (
        IndependentUnits(tuple(np.linspace(0.02, 0.49, 48).round(2).tolist())),
        Copies(tuple(np.linspace(0.05, 0.6, 12).round(2).tolist()), times=4),
        ParityBlocks(),
        MarkovChain(),
        IsingLattice(),
        CommonFactor(),
        CommonFactor(units=240, rate=0.007, correlation=0.1, name="sparse population"),
    )
}
"""Systems to calibrate with, by name: from 48 to 240 units."""
