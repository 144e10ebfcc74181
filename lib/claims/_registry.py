"""Judges and the ledger they fill: from stored records to one row for each claim."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import xarray as xr

from lib.claims._model import CLAIMS, VERDICTS, Claim, Judgement, Verdict

JudgeFunction = Callable[..., Judgement | None]
"""From a record, and those beside it, to a judgement, or to None where what the claim is about is not in them."""
Records = Callable[[str], xr.Dataset | None]


class JudgeError(RuntimeError):
    """A judge failed on a record; the message names both."""


@dataclass(frozen=True)
class Judge:
    """A function that judges one claim, the experiment whose record it reads, and those that it looks at beside it."""

    claim: Claim
    experiment: str
    function: JudgeFunction
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One line of the ledger: a claim, and what the record behind it says.

    Attributes
    ----------
    claim : Claim
    judgement : Judgement, optional
        None where nothing was run.
    scale : str
        Preset of the record, with what the judge adds; empty where nothing was run.
    record : str
        File name of the record: experiment, preset and configuration hash; those of records beside it follow. Empty
        where nothing was run.
    code : str
        Full name of the function that judged; empty where there is none.
    """

    claim: Claim
    judgement: Judgement | None = None
    scale: str = ""
    record: str = ""
    code: str = ""

    @property
    def verdict(self) -> Verdict:
        """The verdict, ``not run`` where there is no judgement."""
        return "not run" if self.judgement is None else self.judgement.verdict

    def as_dict(self) -> dict[str, Any]:
        """Give the row as plain values, in the column order of the machine-readable ledger.

        Returns
        -------
        dict
            Keys ``id, source, where, statement, test, verdict, scale, effect, interval, seeds, control, record, core,
            holds_in_control, measure, text, conditions, code``. Where nothing was run, ``control`` is the one the claim
            asks for; elsewhere it is the one that was run, with its number.
        """
        claim, judged = self.claim, self.judgement
        return {
            "id": claim.id,
            "source": claim.source,
            "where": claim.where,
            "statement": claim.statement,
            "test": claim.test,
            "verdict": self.verdict,
            "scale": self.scale or None,
            "effect": judged.effect if judged else None,
            "interval": list(judged.interval) if judged and judged.interval else None,
            "seeds": judged.seeds if judged else None,
            "control": judged.control if judged else claim.control,
            "record": self.record or None,
            "core": claim.core,
            "holds_in_control": judged.holds_in_control if judged else None,
            "measure": judged.measure if judged else None,
            "text": judged.text if judged else None,
            "conditions": [asdict(condition) for condition in judged.conditions] if judged else [],
            "code": self.code or None,
        }


_JUDGES: dict[str, Judge] = {}


def judge(claim: str, *, experiment: str, beside: Sequence[str] = ()) -> Callable[[JudgeFunction], JudgeFunction]:
    """Register the function below as the judge of a claim.

    Parameters
    ----------
    claim : str
        Id of the claim, such as ``"K1"``.
    experiment : str
        Name of the experiment whose largest stored record is judged.
    beside : sequence of str
        Experiments whose records are evidence too. The function is given them after the first, each None where there
        is no record of it.

    Returns
    -------
    callable
        A decorator that returns the function unchanged, so it can be called and tested by itself.

    Raises
    ------
    ValueError
        If there is no such claim, or another function judges it already.

    Examples
    --------
    >>> judge("Z9", experiment="perceptron")
    Traceback (most recent call last):
    ...
    ValueError: There is no claim 'Z9'; see lib.claims.CLAIMS.
    """
    if claim not in CLAIMS:
        raise ValueError(f"There is no claim {claim!r}; see lib.claims.CLAIMS.")

    def register(function: JudgeFunction) -> JudgeFunction:
        known = _JUDGES.get(claim)
        # a module that is reloaded registers the same function again
        if known is not None and _name(known.function) != _name(function):
            raise ValueError(f"Claim {claim} is judged by {_name(known.function)} already; {_name(function)} cannot.")
        _JUDGES[claim] = Judge(CLAIMS[claim], experiment, function, tuple(beside))
        return function

    return register


def judges() -> dict[str, Judge]:
    """Return the judges of all chapters by the id of the claim they judge.

    Returns
    -------
    dict of str to Judge
        Claims without a judge are missing.

    Examples
    --------
    >>> judges()["K1"].experiment
    'perceptron'
    """
    _import_judges()
    return dict(_JUDGES)


def ledger(records: Records | None = None, only: Collection[str] | None = None) -> list[Row]:
    """Judge every claim, or some, on the largest stored record of its experiment.

    Parameters
    ----------
    records : callable, optional
        Gives the record of an experiment, or None where there is none: ``name -> Dataset | None``. The stored records
        by default (`lib.records.largest`).
    only : collection of str, optional
        Ids of the claims to judge; all of them by default.

    Returns
    -------
    list of Row
        One for each of these claims, in the order of the list; ``not run`` where there is no judge or no record.

    Raises
    ------
    JudgeError
        If a judge fails; the message names the claim and the record.

    Examples
    --------
    >>> rows = ledger(records=lambda experiment: None)
    >>> len(rows), rows[0].claim.id, rows[0].verdict
    (102, 'K1', 'not run')
    """
    known = judges()
    wanted = [claim for claim in CLAIMS.values() if only is None or claim.id in only]
    judged: dict[str, Row] = {}
    for name in dict.fromkeys(known[claim.id].experiment for claim in wanted if claim.id in known):
        entries = [known[claim.id] for claim in wanted if claim.id in known and known[claim.id].experiment == name]
        judged |= _on_stored(name, entries) if records is None else _on(records, entries)
    rows = [judged.get(claim.id, Row(claim)) for claim in wanted]
    return [replace(row, code=_name(known[row.claim.id].function)) if row.claim.id in known else row for row in rows]


def _on(records: Records, entries: Sequence[Judge]) -> dict[str, Row]:
    """Judge some claims on a record, by claim; none where there is no record."""
    dataset = records(entries[0].experiment)
    if dataset is None:
        return {}
    known = {name: records(name) for name in sorted({name for entry in entries for name in entry.beside})}
    return {entry.claim.id: _judged(entry, dataset, [known[name] for name in entry.beside]) for entry in entries}


def _on_stored(experiment: str, entries: Sequence[Judge]) -> dict[str, Row]:
    """Judge claims on the stored record of their experiment, but for those whose rows are kept."""
    # imported here, because the list of claims should open without the libraries that run experiments
    from lib.claims import _kept
    from lib.records import largest

    beside = sorted({name for each in judges().values() if each.experiment == experiment for name in each.beside})
    kept = _kept.read(experiment, beside)
    missing = [entry for entry in entries if entry.claim.id not in kept]
    if missing:
        kept |= _on(largest, missing)
        _kept.write(experiment, kept, beside)
    return kept


def counts(rows: Sequence[Row]) -> dict[str, dict[Verdict, int]]:
    """Count verdicts, over all rows, by importance and by text.

    Parameters
    ----------
    rows : sequence of Row
        As `ledger` gives them.

    Returns
    -------
    dict of dict
        For each of ``"all"``, ``"core"``, ``"secondary"`` and the key of each text (``"K"``, ``"B"``, ``"J"``, ``"N"``)
        the number of rows with each of the four verdicts, zeros included.

    Examples
    --------
    >>> counts(ledger(records=lambda experiment: None))["core"]
    {'reproduced': 0, 'partly': 0, 'not reproduced': 0, 'not run': 68}
    """
    groups = ("all", "core", "secondary", *dict.fromkeys(row.claim.source for row in rows))
    table: dict[str, dict[Verdict, int]] = {group: dict.fromkeys(VERDICTS, 0) for group in groups}
    for row in rows:
        for group in ("all", "core" if row.claim.core else "secondary", row.claim.source):
            table[group][row.verdict] += 1
    return table


def _judged(entry: Judge, dataset: xr.Dataset, beside: Sequence[xr.Dataset | None]) -> Row:
    preset = str(dataset.attrs.get("preset", "unknown"))
    read = {entry.experiment: dataset, **dict(zip(entry.beside, beside, strict=True))}
    record = "; ".join(_file(name, each) for name, each in read.items() if each is not None)
    try:
        judgement = entry.function(dataset, *beside)
        if judgement is None:
            return Row(entry.claim)
        if not isinstance(judgement, Judgement):
            raise TypeError(f"it returned {type(judgement).__name__}, not a Judgement")
    except Exception as error:
        raise JudgeError(f"The judge of claim {entry.claim.id} failed on record {record}: {error}") from error
    return Row(entry.claim, judgement, f"{preset}: {judgement.scale}" if judgement.scale else preset, record)


def _file(experiment: str, dataset: xr.Dataset) -> str:
    """Name the file of a record."""
    attrs = dataset.attrs
    return f"{experiment}-{attrs.get('preset', 'unknown')}-{attrs.get('config_hash', 'unknown')}.nc"


def _name(function: JudgeFunction) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def _import_judges() -> None:
    """Import every public module of this package: each registers the judges of one chapter."""
    package = importlib.import_module("lib.claims")
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.startswith("_"):
            importlib.import_module(f"lib.claims.{module.name}")
