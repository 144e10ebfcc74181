"""Results of benchmarks that are kept with the source, each with machine, versions and revision."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from lib import files, provenance
from lib.bench._timing import BenchResult

FOLDER = provenance.ROOT / "book" / "benchmarks"
"""Where results are kept: one file a benchmark, ``NAME.json``.

:meta hide-value:
"""


def store(result: BenchResult, folder: Path = FOLDER) -> Path:
    """Keep a result, in place of an older one of the same benchmark.

    Parameters
    ----------
    result : BenchResult
    folder : Path

    Returns
    -------
    Path
        The file, in JSON: the result's fields, ``environment`` (see `lib.provenance.environment`) and ``created``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.name}.json"
    created = datetime.now(UTC).isoformat(timespec="seconds")
    known = {**asdict(result), "environment": provenance.environment(), "created": created}
    with files.whole(path) as unfinished:
        unfinished.write_text(json.dumps(known, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return path


def stored(folder: Path = FOLDER) -> pd.DataFrame:
    """Return the results that are kept.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    DataFrame
        A row a benchmark, by name: ``ours_s`` and ``reference_s`` in seconds, ``ratio`` of the second to the first, its
        smallest and largest value over the repeats as ``low`` and ``high``, ``note``, ``machine``, ``environment`` (a
        dict) and ``created``. Empty where nothing is kept.

    Raises
    ------
    ValueError
        If a file is damaged or lacks a field.
    """
    rows = [_read(path) for path in sorted(folder.glob("*.json"))]
    table = pd.DataFrame(rows, columns=["name", "ours_s", "reference_s", "ratio", "low", "high", *_SAID])
    return table.set_index("name")


_SAID = ("note", "machine", "environment", "created")


def _read(path: Path) -> dict[str, object]:
    wanted = {field.name for field in fields(BenchResult)} | set(_SAID)
    again = f"run `python -m lib bench {path.stem} --store`."
    try:
        known = json.loads(path.read_text("utf-8"))
        missing = sorted(wanted - set(known))
        low, high = known["spread"]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is no result of a benchmark: {again}") from error
    if missing:
        raise ValueError(f"{path} lacks {missing[0]!r}: {again}")
    return {**known, "low": low, "high": high}
