"""The ledger as JSON, as text for a terminal, and as an accessible table for a page."""

from __future__ import annotations

import html
import json
import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import groupby
from typing import Any

from lib.claims._model import CLAIMS, TEXTS, VERDICTS, Condition, Interval, Verdict
from lib.claims._registry import Row, counts, ledger

# word, sign and colour say the same thing, so none of them is needed alone; colours are the Okabe-Ito palette's
SIGNS: dict[Verdict, str] = {"reproduced": "✓", "partly": "◐", "not reproduced": "✗", "not run": "·"}
HEADINGS = ("claim", "what the text states", "verdict", "effect [95 % interval]", "scale", "in control too")


def to_json(rows: Sequence[Row]) -> str:
    """Write the ledger as strict JSON: a list of objects with the columns of `Row.as_dict`.

    Parameters
    ----------
    rows : sequence of Row

    Returns
    -------
    str
        Keys in a fixed order; numbers that are not finite become ``null``.

    Examples
    --------
    >>> import json
    >>> json.loads(to_json(ledger(records=lambda experiment: None)))[0]["verdict"]
    'not run'
    """
    return json.dumps([_plain(row.as_dict()) for row in rows], ensure_ascii=False, allow_nan=False, indent=2)


def to_text(rows: Sequence[Row], width: int = 100) -> str:
    """Write the ledger for a terminal: one line a claim, its reading below it where there is one, then the counts.

    Parameters
    ----------
    rows : sequence of Row
    width : int
        Columns of the terminal, at least 60.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If the width leaves no room for the statements.

    Examples
    --------
    >>> print(to_text(ledger(records=lambda experiment: None)[:1]))
    K1   · not run         The weights of a perceptron walk at random
    not run 1
    """
    if width < 60:
        raise ValueError(f"A ledger {width} columns wide is unreadable; give a width of at least 60.")
    lines = []
    for row in rows:
        head = f"{row.claim.id:<4} {SIGNS[row.verdict]} {row.verdict:<14}  "
        lines.append(head + textwrap.shorten(row.claim.statement, width - len(head), placeholder=" ..."))
        if row.judgement is not None:
            judged = row.judgement
            number = f"{judged.measure}: {_effect(judged.effect, judged.interval)}; {_seeds(judged.seeds)}; {row.scale}"
            for part in (number, judged.text):
                lines += textwrap.wrap(part, width, initial_indent=" " * 7, subsequent_indent=" " * 7)
    total: dict[Verdict, int] = dict.fromkeys(VERDICTS, 0)
    for row in rows:
        total[row.verdict] += 1
    lines.append(", ".join(f"{verdict} {number}" for verdict, number in total.items() if number))
    return "\n".join(lines)


def to_html(rows: Sequence[Row], caption: str = "Claims and verdicts") -> str:
    """Write the ledger as one accessible table, readable in light and in dark.

    Parameters
    ----------
    rows : sequence of Row
        Any part of the ledger; rows of one text stand together under its title.
    caption : str
        Caption of the table, read out first by a screen reader.

    Returns
    -------
    str
        HTML with its style sheet; every row has an anchor such as ``claim-K1``.

    Examples
    --------
    >>> 'id="claim-K1"' in to_html(ledger(records=lambda experiment: None)[:1])
    True
    """
    head = "".join(f'<th scope="col">{heading}</th>' for heading in HEADINGS)
    body = []
    for source, group in groupby(rows, key=lambda row: row.claim.source):
        title = f'<th colspan="{len(HEADINGS)}" scope="rowgroup">{source}: {_text(TEXTS[source].title)}</th>'
        body.append(f'<tbody><tr class="text">{title}</tr>{"".join(map(_table_row, group))}</tbody>')
    return _wrap(f"<caption>{_text(caption)}</caption><thead><tr>{head}</tr></thead>{''.join(body)}", caption)


def counts_to_html(rows: Sequence[Row], caption: str = "Verdicts, counted") -> str:
    """Write the counts of verdicts as an accessible table: all rows, core and secondary ones, and each text.

    Parameters
    ----------
    rows : sequence of Row
    caption : str

    Returns
    -------
    str

    Examples
    --------
    >>> "<td>102</td>" in counts_to_html(ledger(records=lambda experiment: None))
    True
    """
    head = "".join(f'<th scope="col">{heading}</th>' for heading in ("rows", *map(_badge, VERDICTS), "sum"))
    body = ""
    for group, numbers in counts(rows).items():
        name = f"text {group}" if group in TEXTS else group
        cells = "".join(f"<td>{number}</td>" for number in (*numbers.values(), sum(numbers.values())))
        body += f'<tr><th scope="row">{_text(name)}</th>{cells}</tr>'
    return _wrap(
        f"<caption>{_text(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody>", caption, "counts"
    )


@dataclass(frozen=True)
class ClaimTable:
    """Rows of the ledger that show themselves: a table in a notebook or page, plain text elsewhere."""

    rows: tuple[Row, ...]
    caption: str = "Claims and verdicts"

    def _repr_html_(self) -> str:
        return to_html(self.rows, self.caption)

    def __repr__(self) -> str:
        return to_text(self.rows)


@dataclass(frozen=True)
class CountTable:
    """Counts of verdicts that show themselves: a table in a notebook or page, plain text elsewhere."""

    rows: tuple[Row, ...]
    caption: str = "Verdicts, counted"

    def _repr_html_(self) -> str:
        return counts_to_html(self.rows, self.caption)

    def __repr__(self) -> str:
        return "\n".join(
            f"{group:<10}" + "".join(f"  {verdict} {number:>3}" for verdict, number in numbers.items())
            for group, numbers in counts(self.rows).items()
        )


def claim_table(
    ids: Iterable[str], rows: Sequence[Row] | None = None, caption: str = "Claims of this chapter"
) -> ClaimTable:
    """Pick rows of the ledger, for the end of a chapter.

    Parameters
    ----------
    ids : iterable of str
        Claims in the order wanted.
    rows : sequence of Row, optional
        The ledger they are picked from; judged now by default.
    caption : str
        Caption of the table.

    Returns
    -------
    ClaimTable
        Shows itself as a table or as text.

    Raises
    ------
    ValueError
        If a claim is not in the ledger.

    Examples
    --------
    >>> claim_table(["K3", "K1"], ledger(records=lambda experiment: None))
    K3   · not run         The mean squared displacement (MSD) of the perceptron falls with epochs
    K1   · not run         The weights of a perceptron walk at random
    not run 2
    """
    wanted = list(ids)
    by_id = {row.claim.id: row for row in (ledger(only=wanted) if rows is None else rows)}
    missing = [claim for claim in wanted if claim not in by_id]
    if missing:
        known = "lib.claims.CLAIMS" if any(claim not in CLAIMS for claim in missing) else "the rows given"
        raise ValueError(f"There is no claim {', '.join(missing)} in {known}.")
    return ClaimTable(tuple(by_id[claim] for claim in wanted), caption)


def _table_row(row: Row) -> str:
    """Write a claim as two table rows: what is read at a glance; below it what to make of it, and, folded, the rest."""
    claim, judged = row.claim, row.judgement
    kind = "" if claim.core else "<br><small>secondary</small>"
    cells = (
        _text(claim.statement),
        _badge(row.verdict),
        _text(_effect(judged.effect, judged.interval)) if judged else "–",
        _text(f"{row.scale}; {_seeds(judged.seeds)}") if judged else "–",
        _yes_no(judged.holds_in_control if judged else None),
    )
    facts = [("where", claim.where), ("test", claim.test), ("control", claim.control), ("open [choice]", claim.open)]
    if judged is not None:
        facts += [("effect is", judged.measure), ("control run", judged.control), ("record", row.record)]
    details = "".join(f"<dt>{name}</dt><dd>{_text(value)}</dd>" for name, value in facts)
    conditions = _conditions(judged.conditions) if judged else ""
    reading = f'<p class="reading">{_text(judged.text)}</p>' if judged else ""
    return (
        f'<tr id="claim-{claim.id}"><th scope="row"><a href="#claim-{claim.id}">{claim.id}</a>{kind}</th>'
        f'{"".join(f"<td>{cell}</td>" for cell in cells)}</tr><tr class="more"><td colspan="{len(HEADINGS)}">{reading}'
        f"<details><summary>test, control and details of {claim.id}</summary>"
        f"<dl>{details}</dl>{conditions}</details></td></tr>"
    )


def _conditions(conditions: Sequence[Condition]) -> str:
    if not conditions:
        return ""
    headings = ("condition", "effect", "control", "difference", "seeds", "passes", "in control too", "note")
    head = "".join(f'<th scope="col">{heading}</th>' for heading in headings)
    body = ""
    for c in conditions:
        cells = (
            _effect(c.effect, c.interval),
            _effect(c.control, c.control_interval),
            "–" if c.difference_interval is None else _bounds(c.difference_interval),
            str(c.seeds),
            _yes_no(c.passes),
            _yes_no(c.holds_in_control),
            c.note,
        )
        body += f'<tr><th scope="row">{_text(c.name)}</th>' + "".join(f"<td>{_text(x)}</td>" for x in cells) + "</tr>"
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _badge(verdict: Verdict) -> str:
    name = verdict.replace(" ", "-")
    return f'<span class="verdict {name}"><span aria-hidden="true">{SIGNS[verdict]}</span> {verdict}</span>'


def _wrap(table: str, label: str, kind: str = "rows") -> str:
    # the region takes the focus, so that a table wider than the page can be scrolled by keyboard
    style = resources.files(__package__).joinpath("ledger.css").read_text("utf-8")
    return (
        f'<style>{style}</style><div class="claims {kind}" role="region" tabindex="0" '
        f'aria-label="{_text(label)}"><table>{table}</table></div>'
    )


def _text(value: str) -> str:
    return html.escape(value)


def _yes_no(value: bool | None) -> str:
    return "–" if value is None else "yes" if value else "no"


def _seeds(number: int) -> str:
    return {0: "nothing random", 1: "1 seed"}.get(number, f"{number} seeds")


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−") if math.isfinite(value) else "–"


def _bounds(interval: Interval) -> str:
    return f"[{_number(interval[0])}, {_number(interval[1])}]"


def _effect(value: float | None, interval: Interval | None) -> str:
    if value is None:
        return "–"
    return _number(value) if interval is None else f"{_number(value)} {_bounds(interval)}"


def _plain(value: Any) -> Any:
    """Turn numpy scalars into Python ones and numbers that are not finite into None, at any depth."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
