"""From conditions to a verdict: one rule for every row of the ledger."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lib.claims._model import Condition, Interval, Verdict


def lies(interval: Interval | None, low: float = -math.inf, high: float = math.inf) -> bool | None:
    r"""Say whether an interval lies on the stated side of a threshold.

    Parameters
    ----------
    interval : (float, float) or None
        Interval of an effect. Give ``(effect, effect)`` where there is one seed.
    low, high : float
        The stated region :math:`[low, high]`; leave one out for a one-sided threshold.

    Returns
    -------
    bool or None
        True if the interval lies inside the region, False if it lies wholly outside, None if it does both or if one of
        its ends is NaN: then the seeds do not decide.

    Examples
    --------
    >>> lies((0.1, 0.3), high=0.5), lies((0.6, 0.9), high=0.5), lies((0.4, 0.6), high=0.5)
    (True, False, None)
    """
    if low > high:
        raise ValueError(f"The region [{low}, {high}] is empty: give low <= high.")
    if interval is None:
        return None
    start, end = interval
    if start > end:
        raise ValueError(f"The interval ({start}, {end}) runs backwards: give (low, high).")
    if math.isnan(start) or math.isnan(end):
        return None
    if low <= start and end <= high:
        return True
    return False if end < low or start > high else None


def holds_in_control(conditions: Sequence[Condition]) -> bool | None:
    """Say whether what was found holds in the control too.

    Only conditions that pass count: where the statement fails there is nothing for a control to explain.

    Returns
    -------
    bool or None
        True if the control passes the same test in each of them, False if in none, None if it does in some, or if no
        control was judged.

    Examples
    --------
    >>> holds_in_control([Condition("digits", 1.0, passes=True, holds_in_control=False)])
    False
    """
    answers = {c.holds_in_control for c in conditions if c.passes}
    return answers.pop() if len(answers) == 1 else None


def decide(conditions: Sequence[Condition], *, at_most: Verdict = "reproduced") -> Verdict:
    """Give the verdict that follows from the conditions, by the rules of the ledger.

    - ``not run``: there are no conditions.
    - ``reproduced``: every condition passes, with an interval over more than one seed (or with nothing random in it, as
      a closed form), none holds in its control too, and where the control is a null the difference to it excludes 0.
    - ``partly``: some conditions pass, but not all, or not beyond their control ("true, but not because of learning"),
      or with one seed only; or no condition passes and none is excluded: the intervals contain the threshold.
    - ``not reproduced``: no condition passes, and the interval of at least one excludes the statement.

    Parameters
    ----------
    conditions : sequence of Condition
        One for each data set, rule or scale that the claim names.
    at_most : {"reproduced", "partly"}
        Ceiling for statements that the text itself calls a hypothesis.

    Returns
    -------
    str
        One of the four verdicts.

    Raises
    ------
    ValueError
        If a number of seeds is negative.

    Examples
    --------
    >>> good = Condition("digits", 0.3, (0.2, 0.4), seeds=20, passes=True, difference_interval=(-0.9, -0.5))
    >>> bad = Condition("MNIST", 0.8, (0.7, 0.9), seeds=20, passes=False)
    >>> decide([good]), decide([good, bad]), decide([bad]), decide([])
    ('reproduced', 'partly', 'not reproduced', 'not run')
    """
    if not conditions:
        return "not run"
    for condition in conditions:
        if condition.seeds < 0:
            raise ValueError(f"Condition {condition.name!r} has {condition.seeds} seeds; give 0 or more.")
    if all(_clears(c) for c in conditions) and at_most == "reproduced":
        return "reproduced"
    excluded = any(c.passes is not None and not c.passes for c in conditions)
    supported = any(c.passes for c in conditions)
    return "not reproduced" if excluded and not supported else "partly"


def _clears(condition: Condition) -> bool:
    """Whether one condition is enough for ``reproduced``: it passes, over seeds, and beyond its control."""
    repeated = condition.seeds == 0 or (condition.seeds > 1 and condition.interval is not None)
    # an interval that reaches 0, or is nan, gives None: the control is not excluded
    beyond = condition.difference_interval is None or lies(condition.difference_interval, 0.0, 0.0) is False
    return bool(condition.passes) and repeated and not condition.holds_in_control and beyond
