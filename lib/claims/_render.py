"""The ledger as JSON, as text for a terminal, and as an accessible table for a page.

On the ledger's own page the table can be filtered, in the browser and without a server, and its rows lead to the rest
of the book: to their chapter, to the code that judges them, and to where their record came from. Elsewhere, in a
chapter or in another book, there is nothing to lead to.
"""

from __future__ import annotations

import html
import json
import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from lib.claims import _ledger_page as page
from lib.claims import _writing as write
from lib.claims._model import CLAIMS, TEXTS, VERDICTS, Condition, Text, Verdict
from lib.claims._registry import Row, counts, ledger

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
    """Write the ledger for a terminal: one line per claim, its reading below it where there is one, then the counts.

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
        head = f"{row.claim.id:<4} {write.SIGNS[row.verdict]} {row.verdict:<14}  "
        lines.append(head + textwrap.shorten(row.claim.statement, width - len(head), placeholder=" ..."))
        if row.judgement is not None:
            judged = row.judgement
            effect, seeds = write.effect(judged.effect, judged.interval), write.seeds(judged.seeds)
            for part in (f"{judged.measure}: {effect}; {seeds}; {row.scale}", judged.text):
                lines += textwrap.wrap(part, width, initial_indent=" " * 7, subsequent_indent=" " * 7)
    total: dict[Verdict, int] = dict.fromkeys(VERDICTS, 0)
    for row in rows:
        total[row.verdict] += 1
    lines.append(", ".join(f"{verdict} {number}" for verdict, number in total.items() if number))
    return "\n".join(lines)


def to_html(
    rows: Sequence[Row],
    caption: str = "Claims and verdicts",
    *,
    texts: Mapping[str, Text] = TEXTS,
    own_page: bool = False,
) -> str:
    """Write the ledger as one accessible table, readable in light and in dark.

    Parameters
    ----------
    rows : sequence of Row
        Any part of the ledger; rows of one text stand together under its title.
    caption : str
        Caption of the table, read out first by a screen reader.
    texts : mapping of str to Text
        The texts of the claims by key; this book's by default.
    own_page : bool
        Whether this is the ledger's page in the built book: then there are filters above the table, set by the page's
        query too (``ledger.html?text=K&verdict=partly``), and links to chapters, code and records.

    Returns
    -------
    str
        HTML with its style sheet; every row has an anchor such as ``claim-K1``.

    Raises
    ------
    ValueError
        If a claim's text is not among `texts`.

    Examples
    --------
    >>> 'id="claim-K1"' in to_html(ledger(records=lambda experiment: None)[:1])
    True
    """
    if unknown := sorted({row.claim.source for row in rows} - set(texts)):
        raise ValueError(f"There is no text {unknown[0]!r} among {', '.join(texts)}: give the texts of these claims.")
    head = "".join(f'<th scope="col">{heading}</th>' for heading in HEADINGS)
    body = []
    for source, group in groupby(rows, key=lambda row: row.claim.source):
        title = f'<th colspan="{len(HEADINGS)}" scope="rowgroup">{source}: {write.text(texts[source].title)}</th>'
        lines = "".join(_table_row(row, own_page) for row in group)
        body.append(f'<tbody><tr class="text">{title}</tr>{lines}</tbody>')
    table = write.wrap(f"<thead><tr>{head}</tr></thead>{''.join(body)}", caption)
    return page.filters(rows, texts) + table + f"<script>{write.resource('ledger.js')}</script>" if own_page else table


def counts_to_html(rows: Sequence[Row], caption: str = "Verdicts, counted", *, own_page: bool = False) -> str:
    """Write the counts of verdicts as an accessible table: all rows, core and secondary ones, and each text.

    Parameters
    ----------
    rows : sequence of Row
    caption : str
    own_page : bool
        Whether the rows stand on the same page, as `to_html` writes them: then each count leads to the rows it counts.

    Returns
    -------
    str

    Examples
    --------
    >>> "<td>102</td>" in counts_to_html(ledger(records=lambda experiment: None))
    True
    """
    head = "".join(f'<th scope="col">{heading}</th>' for heading in ("rows", *map(write.badge, VERDICTS), "sum"))
    body = ""
    for group, numbers in counts(rows).items():
        # the groups are all rows, those of two kinds, and those of each text
        kind = {"all": {}, "core": {"kind": group}, "secondary": {"kind": group}}.get(group)
        chosen = {"text": group} if kind is None else kind
        cells = ""
        for verdict, number in numbers.items():
            query = html.escape(urlencode({**chosen, "verdict": verdict}))
            linked = own_page and number
            cells += f'<td><a href="?{query}#claims">{number}</a></td>' if linked else f"<td>{number}</td>"
        name = f"text {group}" if kind is None else group
        body += f'<tr><th scope="row">{write.text(name)}</th>{cells}<td>{sum(numbers.values())}</td></tr>'
    return write.wrap(f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>", caption, "counts")


@dataclass(frozen=True)
class ClaimTable:
    """Rows of the ledger that show themselves: a table in a notebook or page, plain text elsewhere."""

    rows: tuple[Row, ...]
    caption: str = "Claims and verdicts"
    texts: Mapping[str, Text] = field(default_factory=lambda: TEXTS)
    own_page: bool = False

    def _repr_html_(self) -> str:
        return to_html(self.rows, self.caption, texts=self.texts, own_page=self.own_page)

    def __repr__(self) -> str:
        return to_text(self.rows)


@dataclass(frozen=True)
class CountTable:
    """Counts of verdicts that show themselves: a table in a notebook or page, plain text elsewhere."""

    rows: tuple[Row, ...]
    caption: str = "Verdicts, counted"
    own_page: bool = False

    def _repr_html_(self) -> str:
        return counts_to_html(self.rows, self.caption, own_page=self.own_page)

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


def _table_row(row: Row, own_page: bool) -> str:
    """Write a claim as two table rows: what is read at a glance; below it what to make of it, and, folded, the rest."""
    claim, judged = row.claim, row.judgement
    kind = "" if claim.core else "<br><small>secondary</small>"
    cells = (
        write.text(claim.statement),
        write.badge(row.verdict),
        write.text(write.effect(judged.effect, judged.interval)) if judged else "–",
        write.text(f"{row.scale}; {write.seeds(judged.seeds)}") if judged else "–",
        write.yes_no(judged.holds_in_control if judged else None),
    )
    facts = [("where", claim.where), ("test", claim.test), ("control", claim.control), ("open [choice]", claim.open)]
    if judged is not None:
        facts += [("effect is", judged.measure), ("control run", judged.control)]
    written = [(name, write.text(value)) for name, value in facts]
    written += page.links(row) if own_page else [("record", write.text(row.record))] if judged else []
    details = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in written)
    conditions = _conditions(judged.conditions) if judged else ""
    reading = f'<p class="reading">{write.text(judged.text)}</p>' if judged else ""
    facets = page.facets(row) if own_page else {}
    data = "".join(f' data-{name}="{write.text(value)}"' for name, value in facets.items())
    return (
        f'<tr id="claim-{claim.id}"{data}><th scope="row"><a href="#claim-{claim.id}">{claim.id}</a>{kind}</th>'
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
            write.effect(c.effect, c.interval),
            write.effect(c.control, c.control_interval),
            "–" if c.difference_interval is None else write.bounds(c.difference_interval),
            str(c.seeds),
            write.yes_no(c.passes),
            write.yes_no(c.holds_in_control),
            c.note,
        )
        body += (
            f'<tr><th scope="row">{write.text(c.name)}</th>'
            + "".join(f"<td>{write.text(x)}</td>" for x in cells)
            + "</tr>"
        )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _plain(value: Any) -> Any:
    """Turn numpy scalars into Python ones and numbers that are not finite into None, at any depth."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
