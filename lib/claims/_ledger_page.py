"""What the ledger's own page has beside the table: filters, and links to chapters, code and records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lib.claims import _writing as write
from lib.claims._model import CHAPTERS, VERDICTS, Text
from lib.claims._registry import Row
from lib.presets import PRESETS

FILTERS = {
    "text": "text",
    "kind": "core or secondary",
    "verdict": "verdict",
    "scale": "scale",
    "control": "holds in the control too",
    "chapter": "chapter",
}
"""The filters of the ledger's page: their names in a query, and their labels."""


def filters(rows: Sequence[Row], texts: Mapping[str, Text]) -> str:
    """Write a form that the script below the table brings to life; without a script it stays hidden."""
    seen = [facets(row) for row in rows]
    orders: dict[str, list[str]] = {
        "text": list(texts),
        "verdict": list(VERDICTS),
        "scale": [*PRESETS[::-1], "none"],
        "chapter": [*CHAPTERS, "none"],
        "control": ["yes", "no", "not told"],
    }
    titles = {chapter: _title_of(chapter) for chapter in CHAPTERS}
    controls = ""
    for name, label in FILTERS.items():
        present = {value for each in seen for value in (each[name].split() if name == "chapter" else [each[name]])}
        order = orders.get(name, sorted(present))
        known = [value for value in order if value in present] + sorted(present - set(order))
        options = "".join(
            f'<option value="{write.text(value)}">{write.text(titles.get(value, value))}</option>' for value in known
        )
        controls += f'<label>{label} <select name="{name}"><option value="">any</option>{options}</select></label>'
    return (
        f'<form class="claim-filters" role="search" aria-label="Filter the claims" hidden>{controls}'
        '<label>words <input type="search" name="words" autocomplete="off"></label>'
        '<button type="reset">Show all</button><output aria-live="polite"></output></form>'
    )


def facets(row: Row) -> dict[str, str]:
    """What a row can be filtered by, under the names that a query uses."""
    in_control = write.yes_no(row.judgement.holds_in_control if row.judgement else None)
    return {
        "text": row.claim.source,
        "kind": "core" if row.claim.core else "secondary",
        "verdict": row.verdict,
        "scale": row.scale.partition(":")[0] or "none",
        "control": "not told" if in_control == "–" else in_control,
        "chapter": " ".join(_chapters(row)) or "none",
    }


def _chapters(row: Row) -> list[str]:
    return [chapter for chapter, claims in CHAPTERS.items() if row.claim.id in claims]


def links(row: Row) -> list[tuple[str, str]]:
    """Chapter, code and record of a row as links from the ledger's page."""
    chapters = [f'<a href="../chapters/{name}.html">{_title_of(name)}</a>' for name in _chapters(row)]
    found = [("chapter", ", ".join(chapters))] if chapters else []
    if row.code:
        found.append(("judged by", f'<a href="api.html#{row.code}"><code>{row.code}</code></a>'))
    records = row.record.split("; ") if row.record else []
    led = [f'<a href="status.html#record-{_anchor(name)}">{write.text(name)}</a>' for name in records]
    return [*found, ("record", "<br>".join(led))] if led else found


def _anchor(record: str) -> str:
    """Return the place of a record on the status page: of the first of its files where it is joined from several."""
    return record.partition("-")[0] if "*" in record else record.removesuffix(".nc")


def _title_of(chapter: str) -> str:
    """Name a chapter by its file: ``"04-between-layers"`` is 4, between layers."""
    number, _, words = chapter.partition("-")
    return f"{int(number)}, {words.replace('-', ' ')}"
