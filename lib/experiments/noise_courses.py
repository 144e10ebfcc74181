"""Courses of noise that the bit encoder goes through: what a step draws, who learns, and what is asked afterwards.

Source: Nakazato (2024), A simple theory for training response of deep neural networks, sections III B and IV.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Course:
    """What a step draws."""

    fixed: float  # probability that the pair is the fixed one, (x_o, 1); else string and label are random
    wrong: float = 0.0  # probability that the fixed pair comes with the label 0


COURSES = {
    "clean": Course(1.0),
    "mixed 0.1": Course(1.0, 0.1),
    "mixed 0.5": Course(1.0, 0.5),
    "random": Course(0.0),
    "pair": Course(0.2),
}
"""Courses by name; `pair` is the fixed pair among random ones."""

LOST = ("off", "weak")
"""When a unit counts as lost: its drive is above 0 at no input, or its mean size has fallen below `WEAK`."""

WEAK = 0.01
"""Share of the initial mean size of the features below which a unit is weak."""

TASKS = ("pair", "majority")
"""What is learned cleanly afterwards: the fixed pair, or for random strings whether most of the bits are +1."""

ORDERS = ("size", "random")
"""Orders in which units are removed: the smallest first, or at random."""

REMOVED = tuple(np.round(np.linspace(0, 1, 11), 3).tolist())
"""Shares of units that are removed."""


@dataclass(frozen=True)
class Setting:
    """Networks that learn side by side."""

    course: str  # key of COURSES
    activation: str  # of lib.models.bit_encoder.ACTIVATIONS
    noise: bool = True  # draw the pairs, or follow the expected gradient
    rates: tuple[tuple[float, int], ...] = ((0.1, 100),)  # learning rates, and how many of the seeds each has
    steps: int = 50_000

    @property
    def name(self) -> str:
        """Name in the dimension ``setting``."""
        return setting_name(self.course, self.activation, noise=self.noise)


def setting_name(course: str, activation: str, *, noise: bool = True) -> str:
    """Return the name of a setting.

    Examples
    --------
    >>> setting_name("pair", "relu"), setting_name("pair", "relu", noise=False)
    ('pair, relu', 'pair, relu, expected')
    """
    return f"{course}, {activation}" + ("" if noise else ", expected")


@dataclass(frozen=True)
class Config:
    """Size and setting of a run."""

    settings: tuple[Setting, ...]
    bits: int = 8  # length of the strings
    width: int = 128  # features
    after: int = 10_000  # steps of clean training after the noise
    removals: int = 10  # random draws of units that are removed
    seeds: tuple[int, ...] = tuple(range(100))  # of initial weights, fixed string, draws


def optimal_prediction(course: str, bits: int) -> tuple[float, float]:
    r"""Return the predictions with the least expected loss, :math:`E[y|x]`, at :math:`x_o` and elsewhere.

    .. math:: E[y|x_o] = \frac{q (1 - p) + (1 - q) 2^{-n} / 2}{q + (1 - q) 2^{-n}}

    for a fixed pair with probability :math:`q`, wrong with probability :math:`p`; elsewhere 1/2.

    Parameters
    ----------
    course
        A key of `COURSES`.
    bits
        Length :math:`n` of the strings.

    Examples
    --------
    >>> [round(value, 4) for value in optimal_prediction("pair", 8)]
    [0.9923, 0.5]
    """
    fixed, wrong = COURSES[course].fixed, COURSES[course].wrong
    rest = (1 - fixed) / 2**bits
    return (fixed * (1 - wrong) + rest / 2) / (fixed + rest), 0.5


def moments(steps: int) -> list[int]:
    """Return the steps at which a course is looked at: 0, four a decade from 10 on, and the last.

    Examples
    --------
    >>> moments(200)
    [0, 10, 18, 32, 56, 100, 178, 200]
    """
    grid = (round(10 ** (k / 4)) for k in range(4, 40))
    return [0, *(step for step in grid if step < steps), steps]
