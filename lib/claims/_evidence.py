"""Single conditions of a judged claim, as evidence for a sentence of one's own."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass, replace

from lib.claims import _writing as write
from lib.claims._model import Condition, Interval
from lib.claims._registry import Row


@dataclass(frozen=True)
class Evidence:
    """Numbers with their intervals, beside those of the control, that show themselves as a table.

    Attributes
    ----------
    row : Row
        Row of the ledger that they come from.
    what : str
        What the numbers are, with their unit.
    control : str
        What the control is.
    conditions : tuple of Condition
    """

    row: Row
    what: str
    control: str
    conditions: tuple[Condition, ...]

    def _repr_html_(self) -> str:
        headings = ("condition", "effect [95 % interval]", f"control: {self.control}", "seeds")
        head = "".join(f'<th scope="col">{write.text(heading)}</th>' for heading in headings)
        body = ""
        for c in self.conditions:
            effect, control = _measured(c.effect, c.interval, c.seeds), _measured(c.control, c.control_interval)
            body += (
                f'<tr><th scope="row">{write.text(c.name)}</th><td><strong>{effect}</strong></td>'
                f"<td>{control}</td><td>{c.seeds or write.seeds(0)}</td></tr>"
            )
            if c.note:
                body += f'<tr class="note"><td colspan="{len(headings)}">{write.text(c.note)}</td></tr>'
        claim = self.row.claim.id
        source = (
            f'<p>From claim <a href="ledger.html#claim-{claim}">{claim}</a>: {write.badge(self.row.verdict)}; '
            f"scale: {write.text(self.row.scale)}.</p>"
        )
        return write.wrap(f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>", self.what, "evidence", after=source)

    def __repr__(self) -> str:
        lines = [
            f"{c.name}: {_measured(c.effect, c.interval, c.seeds)}; control {_measured(c.control, c.control_interval)}"
            for c in self.conditions
        ]
        return "\n".join([f"{self.what} ({self.row.claim.id}; control: {self.control})", *lines])


def evidence(row: Row, *conditions: str, what: str, control: str, share: bool = False) -> Evidence:
    """Pick conditions of a judged claim.

    Parameters
    ----------
    row : Row
        A row of the ledger.
    *conditions : str
        Names of conditions, in the order wanted.
    what, control : str
        What the numbers are, with their unit, and what the control is: the row's own words are about its extreme.
    share : bool
        Whether they are shares, whose intervals end at 0 and 1 at the latest: Student's t knows no such bounds.

    Returns
    -------
    Evidence
        Shows itself as a table that leads to the row on the ledger's page, or as text.

    Raises
    ------
    ValueError
        If the claim was not judged, or has no such condition.

    Examples
    --------
    >>> from lib.claims import CLAIMS, Judgement
    >>> digits = Condition("digits", 2.0, (1.0, 3.0))
    >>> judged = Judgement("partly", 2.0, (1.0, 3.0), "slope", 5, (digits,), None, "shuffled labels", "It rises.")
    >>> evidence(Row(CLAIMS["K3"], judged, "paper", ""), "digits", what="slope", control="shuffled labels")
    slope (K3; control: shuffled labels)
    digits: 2 [1, 3]; control –
    """
    if row.judgement is None:
        raise ValueError(f"Claim {row.claim.id} has no evidence, for it was not run.")
    known = {condition.name: condition for condition in row.judgement.conditions}
    for name in conditions:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0)
            raise ValueError(f"Claim {row.claim.id} has no condition {name!r}: did you mean {near[0]!r}?")
    chosen = tuple(known[name] for name in conditions)
    return Evidence(row, what, control, tuple(map(_as_share, chosen)) if share else chosen)


def _as_share(c: Condition) -> Condition:
    return replace(c, interval=_inside(c.interval), control_interval=_inside(c.control_interval))


def _inside(interval: Interval | None) -> Interval | None:
    return None if interval is None else (max(interval[0], 0.0), min(interval[1], 1.0))


def _measured(value: float | None, interval: Interval | None, seeds: int | None = None) -> str:
    """Write a number with its interval, in as many digits as tell its ends apart; where seeds agree it has none."""
    if value is None or interval is None or not math.isfinite(sum(interval)):
        return write.effect(value, interval)
    low, high = interval
    agree = f"the same in all {f'{seeds} ' if seeds else ''}seeds"
    if high - low <= _ROUNDING * max(1.0, abs(value)):
        return f"{write.number(value)}, {agree}"
    for digits in _DIGITS:
        low_text, high_text = (f"{end:.{digits}g}" for end in interval)
        if low_text != high_text:
            return f"{value:.{digits}g} [{low_text}, {high_text}]".replace("-", "−")
    return f"{write.number(value)}, to {(high - low) / 2:.0e} {agree}"


_DIGITS = (3, 4, 5)
_ROUNDING = 1e-12  # what resampling equal numbers leaves
