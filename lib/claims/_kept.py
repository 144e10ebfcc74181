"""Rows of the ledger on the stored records, kept: a page that shows a verdict need not judge again.

A row follows from the records and from the code. So the rows of an experiment are kept under a hash of both, its
stored files, those that its judges look at beside them, and all sources of the library; whatever changes, they are
judged anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from lib import provenance
from lib.claims._model import CLAIMS, Condition, Judgement
from lib.claims._registry import Row
from lib.files import whole
from lib.record_files import cache_folder, stored_folder

_INTERVALS = ("interval", "control_interval", "difference_interval")


def read(experiment: str, beside: Sequence[str] = ()) -> dict[str, Row]:
    """Return the rows that are kept for the stored records of an experiment, by claim."""
    try:
        kept = json.loads(_path(experiment, beside).read_text(encoding="utf-8"))
        return {claim: _row(claim, row) for claim, row in kept.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # none yet, or damaged: made anew
        return {}


def write(experiment: str, rows: dict[str, Row], beside: Sequence[str] = ()) -> None:
    """Keep rows of an experiment, and drop those of older records and older code; without a folder, keep nothing."""
    path = _path(experiment, beside)
    plain = {
        claim: {"judgement": asdict(row.judgement) if row.judgement else None, "scale": row.scale, "record": row.record}
        for claim, row in rows.items()
    }
    try:
        with whole(path) as temporary:
            temporary.write_text(json.dumps(plain, default=lambda number: number.item()), encoding="utf-8")
        for old in path.parent.glob(f"ledger-{experiment}-*.json"):
            if old != path:
                old.unlink(missing_ok=True)
    except OSError:
        return


def _path(experiment: str, beside: Sequence[str]) -> Path:
    total = hashlib.sha256(_sources())
    for file in sorted(file for name in (experiment, *beside) for file in stored_folder().glob(f"{name}-*.nc")):
        total.update(file.name.encode() + hashlib.sha256(file.read_bytes()).digest())
    return cache_folder() / f"ledger-{experiment}-{total.hexdigest()[:16]}.json"


@cache
def _sources() -> bytes:
    """Hash of all that judges: the library's sources, and the versions of what it computes with."""
    total = hashlib.sha256(json.dumps(provenance.versions(), sort_keys=True).encode())
    folder = Path(__file__).parent.parent
    for file in sorted((*folder.rglob("*.py"), *folder.rglob("*.toml"))):
        total.update(str(file.relative_to(folder)).encode() + hashlib.sha256(file.read_bytes()).digest())
    return total.digest()


def _row(claim: str, kept: dict[str, Any]) -> Row:
    found = kept["judgement"]
    if found is None:
        return Row(CLAIMS[claim])
    conditions = tuple(Condition(**_with_intervals(each)) for each in found.pop("conditions"))
    judgement = Judgement(conditions=conditions, **_with_intervals(found))
    return Row(CLAIMS[claim], judgement, kept["scale"], kept["record"])


def _with_intervals(values: dict[str, Any]) -> dict[str, Any]:
    """Make pairs of the lists that JSON has for intervals."""
    return {key: tuple(value) if key in _INTERVALS and value else value for key, value in values.items()}
