r"""A simulated population of neurons whose entropy is known exactly, sparse as cortical recordings are.

Neurons are active in about one bin of time in a hundred or less, at rates of their own, driven by a stimulus and by a
signal that all of them hear. Explained in the chapter on the mouse visual cortex.

Examples
--------
>>> for stimulus in STIMULI:
...     found = simulated_population(stimulus)
...     print(f"{stimulus:16} {found.on.mean():.4f} active, {found.bits / found.units:.3f} bits per neuron")
spontaneous      0.0050 active, 0.043 bits per neuron
static gratings  0.0066 active, 0.054 bits per neuron
natural scenes   0.0077 active, 0.061 bits per neuron
natural movie    0.0091 active, 0.070 bits per neuron
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtr, ndtri, xlogy

from lib.data.exact import ExactSystem, Patterns
from lib.data.recording import Epoch, Recording

_REACH, _NODES = 10.0, 1001  # trapezoidal rule over a standard normal variable, in standard deviations
_FRAMES = 30  # bins a second, as frames of a two-photon recording


@dataclass(frozen=True)
class Population(ExactSystem):
    r"""Classes of neurons that hear one common signal: a dichotomised Gaussian whose neurons differ in rate.

    Neuron i of class a is active where :math:`\sqrt{\rho}\, x + \sqrt{1 - \rho}\, y_i` exceeds the threshold of its
    class, with x common to all neurons in a bin and :math:`y_i` its own, both standard normal. All patterns with
    :math:`k_a` active neurons of each class have one probability,

    .. math:: q_k = \int \phi(x) \prod_a p_a(x)^{k_a} (1 - p_a(x))^{c - k_a} dx, \qquad
              H = - \sum_k \prod_a \binom{c}{k_a}\, q_k \log_2 q_k

    where :math:`p_a(x)` is the probability of a neuron to be active given x. The integral is a trapezoidal sum.

    Raises
    ------
    ValueError
        If there are no classes or more than four, no neurons in a class, a rate is not between 0 and 1, or the
        correlation is not from 0 to 0.99.

    Notes
    -----
    Source: Macke, Opper and Bethge (2011), Physical Review Letters 106, 208102.

    Examples
    --------
    >>> independent = Population(rates=(0.5, 0.1), size=3, correlation=0.0)
    >>> round(independent.bits - independent.independent_bits, 9)
    0.0
    """

    rates: tuple[float, ...] = (0.002, 0.004, 0.006, 0.010)  # probability of a neuron to be active, of each class
    size: int = 12  # neurons of a class
    correlation: float = 0.2  # rho, of two neurons before the threshold
    name: str = "population"

    def __post_init__(self) -> None:
        if not 1 <= len(self.rates) <= 4:
            raise ValueError(f"{len(self.rates)} classes of neurons cannot be summed over: give from 1 to 4 rates.")
        if self.size < 1:
            raise ValueError(f"A class of {self.size} neurons has no activity: use 1 or more.")
        for rate in self.rates:
            if not 0 < rate < 1:
                raise ValueError(f"Neurons active at a rate of {rate} never change: use more than 0, less than 1.")
        if not 0 <= self.correlation <= 0.99:
            raise ValueError(f"The correlation {self.correlation} is out of range: use from 0 to 0.99.")

    @property
    def units(self) -> int:
        """Number of neurons."""
        return len(self.rates) * self.size

    @property
    def on(self) -> NDArray[np.float64]:
        """Probability of each neuron to be active, shape (neuron,): class after class."""
        return np.repeat(self.rates, self.size)

    @cached_property
    def bits(self) -> float:
        """Entropy of the patterns, in bits."""
        weight, chance = self._given_signal
        k = np.arange(self.size + 1)
        log_ways = gammaln(self.size + 1) - gammaln(k + 1) - gammaln(self.size - k + 1)
        of_class = [p ** k[:, None] * (1 - p) ** (self.size - k[:, None]) for p in chance]  # each (k, x)
        # two halves of the classes and a product of matrices: x is summed over without a table of all k and x
        middle = (len(of_class) + 1) // 2
        halves = [reduce(_outer, part, np.ones((1, len(weight)))) for part in (of_class[:middle], of_class[middle:])]
        q = (halves[0] * weight) @ halves[1].T
        counts = (middle, len(of_class) - middle)
        ways = [reduce(np.add.outer, [log_ways] * count, np.zeros(())).ravel() for count in counts]
        return float(-(np.exp(np.add.outer(*ways)) * xlogy(q, q)).sum() / math.log(2))

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Covariance of the neurons' activity, shape (neuron, neuron)."""
        weight, chance = self._given_signal
        together = np.kron((chance * weight) @ chance.T, np.ones((self.size, self.size)))
        np.fill_diagonal(together, self.on)
        return np.asarray(together - np.outer(self.on, self.on))

    @property
    def _given_signal(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weights of the common signal's values, (x,), and what each class's rate is at them, (class, x)."""
        x = np.linspace(-_REACH, _REACH, _NODES)
        weight = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi) * (x[1] - x[0])
        return weight, self._chance(x)

    def _chance(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        threshold = ndtri(np.array(self.rates))[:, None]
        return np.asarray(ndtr((threshold + math.sqrt(self.correlation) * x) / math.sqrt(1 - self.correlation)))

    def _draw(self, samples: int, rng: np.random.Generator) -> Patterns:
        chance = np.repeat(self._chance(rng.standard_normal(samples)).T, self.size, axis=1)
        return (rng.random(chance.shape) < chance).astype(np.uint8)


STIMULI = {"spontaneous": 0.9, "static gratings": 1.2, "natural scenes": 1.4, "natural movie": 1.65}
"""Stimuli of the simulated session, and how strongly each drives the neurons."""

NEURONS = len(Population.rates) * Population.size
"""Neurons of the simulated session, unless fewer are asked for."""


def simulated_population(stimulus: str, neurons: int = NEURONS) -> Population:
    """Return the population as one of the :data:`STIMULI` drives it.

    Its mean activity is from 0.005 to 0.009, that of the recordings of text J.

    Parameters
    ----------
    stimulus
        What is shown.
    neurons
        How many there are, the same number at each of the four rates.

    Raises
    ------
    ValueError
        For a stimulus that the simulated session does not have, or neurons that cannot be shared out.

    Examples
    --------
    >>> simulated_population("natural movie", 8).on.round(4)
    array([0.0033, 0.0033, 0.0066, 0.0066, 0.0099, 0.0099, 0.0165, 0.0165])
    """
    if stimulus not in STIMULI:
        raise ValueError(f"There is no stimulus {stimulus!r} here: use one of {', '.join(STIMULI)}.")
    rates = tuple(STIMULI[stimulus] * rate for rate in Population.rates)
    if neurons < 1 or neurons % len(rates):
        raise ValueError(f"{neurons} neurons cannot be shared out among {len(rates)} rates: use a multiple of that.")
    return Population(rates, neurons // len(rates), name=stimulus)


def simulated_session(
    seconds: float,
    seed: int,
    *,
    shows: int = 2,
    neurons: int = NEURONS,
    stimuli: Sequence[str] = tuple(STIMULI),
) -> Recording:
    """Return a recording of the simulated population, each stimulus shown several times in turn.

    Parameters
    ----------
    seconds
        Length of each showing; bins last a thirtieth of a second.
    seed
        Decides the activity; each bin is an independent sample of :func:`simulated_population`.
    shows
        How often each stimulus is shown.
    neurons
        How many there are.
    stimuli
        Those that are shown, in this order.

    Raises
    ------
    ValueError
        If a showing is shorter than a bin, there are none, or neurons cannot be shared out among the rates.

    Examples
    --------
    >>> simulated_session(2.0, seed=0).during("natural movie")
    Part(natural movie: 120 bins of 0.03333 s x 48 neurons)
    """
    bins = round(seconds * _FRAMES)
    if bins < 1 or shows < 1:
        raise ValueError(f"{shows} showings of {seconds} s hold no bin: use 1 or more of at least {1 / _FRAMES:.3f} s.")
    rng = np.random.default_rng(seed)
    names = list(stimuli) * shows
    events = np.concatenate([simulated_population(name, neurons).draw(bins, rng) for name in names]).T
    epochs = tuple(Epoch(name, place * bins, (place + 1) * bins) for place, name in enumerate(names))
    return Recording(events, 1 / _FRAMES, epochs, f"simulated, seed {seed}")


def _outer(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the products of all rows of two tables over x, shape (rows of a times rows of b, x)."""
    return np.asarray((a[:, None] * b[None]).reshape(-1, a.shape[1]))
