"""Single conditions of a judged claim, as evidence for a sentence of one's own."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from lib.claims import _writing as write
from lib.claims._model import Condition
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
            effect, control = write.effect(c.effect, c.interval), write.effect(c.control, c.control_interval)
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
            f"{c.name}: {write.effect(c.effect, c.interval)}; control {write.effect(c.control, c.control_interval)}"
            for c in self.conditions
        ]
        return "\n".join([f"{self.what} ({self.row.claim.id}; control: {self.control})", *lines])


def evidence(row: Row, *conditions: str, what: str, control: str) -> Evidence:
    """Pick conditions of a judged claim.

    Parameters
    ----------
    row : Row
        A row of the ledger.
    *conditions : str
        Names of conditions, in the order wanted.
    what, control : str
        What the numbers are, with their unit, and what the control is: the row's own words are about its extreme.

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
    return Evidence(row, what, control, tuple(known[name] for name in conditions))
