"""What a claim is, and what can be said of it: the types behind the ledger."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from lib.measures.statistics import Estimate

Verdict = Literal["reproduced", "partly", "not reproduced", "not run"]
Interval = tuple[float, float]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True)
class Text:
    """One of the four texts the book reads: its key, title, and the setting its claims share."""

    key: str
    title: str
    setting: str


@dataclass(frozen=True)
class Claim:
    """One statement of a text, with the test fixed for it before any result was seen.

    Attributes
    ----------
    id : str
        Key of the text and number, such as ``"K1"``.
    source : str
        Key of the text: ``"K"``, ``"B"``, ``"J"`` or ``"N"`` (titles in `TEXTS`).
    where : str
        Figure, equation or section of the text.
    statement : str
        What the text says, in our words.
    test : str
        What is computed, and the threshold its interval has to clear.
    control : str
        What the same test must not show, or what could explain the result without learning.
    open : str
        What the text leaves open, with our choice in brackets.
    core : bool
        True for the main figures of a chapter, False for definitions, hypotheses and side remarks.
    """

    id: str
    source: str
    where: str
    statement: str
    test: str
    control: str
    open: str
    core: bool


@dataclass(frozen=True)
class Condition:
    """The test of a claim on one data set, rule or scale.

    Attributes
    ----------
    name : str
        What was tested on, such as ``"MNIST one-vs-rest, Rosenblatt, rate 1"``.
    effect : float
        Mean over seeds, in the unit of the judgement's `measure`.
    interval : (float, float), optional
        95 % interval of the effect over seeds; None where there are too few seeds for one.
    control, control_interval : optional
        The same number in the control, and its interval.
    difference_interval : (float, float), optional
        Interval of effect - control. Give it only where the control is a null: a claim whose difference may be 0 is
        no more than partly reproduced.
    seeds : int
        Number of seeds behind the effect; 0 where nothing is random, as in a closed form.
    passes : bool, optional
        True if the interval lies on the stated side of the threshold, False if it lies wholly on the other, None if it
        contains the threshold (see `lies`).
    holds_in_control : bool, optional
        True if the control passes the same test: then the statement is true, but not because of learning.
    note : str
        Anything a reader of the row should know.
    """

    name: str
    effect: float
    interval: Interval | None = None
    control: float | None = None
    control_interval: Interval | None = None
    difference_interval: Interval | None = None
    seeds: int = 1
    passes: bool | None = None
    holds_in_control: bool | None = None
    note: str = ""

    @classmethod
    def measured(
        cls,
        name: str,
        effect: Estimate,
        *,
        control: Estimate | None = None,
        difference: Estimate | None = None,
        passes: bool | None = None,
        holds_in_control: bool | None = None,
        note: str = "",
    ) -> Condition:
        """Make a condition from estimates over seeds (`lib.measures.statistics.seed_interval`).

        Parameters
        ----------
        name : str
            What was tested on.
        effect, control, difference : Estimate
            Mean, interval and number of seeds of the effect, of the control, and of their difference.
        passes, holds_in_control, note
            As in `Condition`; too few seeds for an interval are added to the note.

        Examples
        --------
        >>> from types import SimpleNamespace
        >>> condition = Condition.measured("digits", SimpleNamespace(mean=0.3, low=0.1, high=0.4, n=20), passes=True)
        >>> condition.interval, condition.seeds
        ((0.1, 0.4), 20)
        """
        seeds, interval = int(effect.n), _interval(effect)
        few = f"{seeds} seed{'s' * (seeds > 1)}: no interval" if interval is None else ""
        return cls(
            name=name,
            effect=float(effect.mean),
            interval=interval,
            control=None if control is None else float(control.mean),
            control_interval=None if control is None else _interval(control),
            difference_interval=None if difference is None else _interval(difference),
            seeds=seeds,
            passes=passes,
            holds_in_control=holds_in_control,
            note="; ".join(filter(None, (note, few))),
        )


@dataclass(frozen=True)
class Judgement:
    """What one record says of one claim.

    Attributes
    ----------
    verdict : {"reproduced", "partly", "not reproduced"}
        Follows from the conditions by `decide`.
    effect : float, optional
        The number that carries the verdict: mean over seeds. None where no single number does.
    interval : (float, float), optional
        Its 95 % interval over seeds.
    measure : str
        What the effect is, with its unit: ``"MSD of the last epoch over that of the first (ratio)"``.
    seeds : int
        Number of seeds behind the effect; 0 where nothing is random.
    conditions : tuple of Condition
        Every data set, rule and scale looked at.
    holds_in_control : bool, optional
        Whether the statement holds in the control too (see `holds_in_control`).
    control : str
        The control that was run, with its number.
    text : str
        One or two sentences of honest reading.
    scale : str
        What the preset's name does not say of the scale, such as ``"8 x 8 digits"``; may stay empty.
    """

    verdict: Verdict
    effect: float | None
    interval: Interval | None
    measure: str
    seeds: int
    conditions: tuple[Condition, ...]
    holds_in_control: bool | None
    control: str
    text: str
    scale: str = ""

    def __post_init__(self) -> None:
        judged = VERDICTS[:3]
        if self.verdict not in judged:
            raise ValueError(f"A judge cannot give the verdict {self.verdict!r}; use one of {', '.join(judged)}.")
        for name in ("measure", "control", "text"):
            if not getattr(self, name).strip():
                raise ValueError(f"A judgement needs its {name!r}: the reader of the ledger sees it.")


def _interval(estimate: Estimate) -> Interval | None:
    """Bounds of an estimate; None where too few seeds leave them undefined."""
    low, high = float(estimate.low), float(estimate.high)
    return None if math.isnan(low) or math.isnan(high) else (low, high)


def read_claims(path: str | Path) -> tuple[Mapping[str, Text], Mapping[str, Claim]]:
    """Read a list of claims, this book's or another's.

    A table ``[texts.KEY]`` for each text holds its ``title`` and the ``setting`` its claims share; a table
    ``[claims.KEY1]`` for each claim holds ``where``, ``statement``, ``test``, ``control``, ``open`` and ``core``
    (see `Claim`). The letters of a claim's id are the key of its text. Other tables are left alone.

    Parameters
    ----------
    path : str or Path
        File in TOML.

    Returns
    -------
    texts, claims : mapping of str to Text, mapping of str to Claim
        By key and by id, in the order of the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no TOML, or a claim lacks a field, has one that is not known, or belongs to no text.

    Examples
    --------
    >>> texts, claims = read_claims(Path(__file__).with_name("claims.toml"))
    >>> claims["N5"].source, texts["N"].title
    ('N', 'A simple theory for training response of deep neural networks')
    """
    table = _table(Path(path))
    texts = {key: _filled(Text, f"text {key}", row, key=key) for key, row in table.get("texts", {}).items()}
    claims = {}
    for key, row in table.get("claims", {}).items():
        source = key.rstrip("0123456789")
        if source not in texts:
            raise ValueError(f"Claim {key} belongs to no text: {path} needs a table [texts.{source}].")
        claims[key] = _filled(Claim, f"claim {key}", row, id=key, source=source)
    return MappingProxyType(texts), MappingProxyType(claims)


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no list of claims in TOML: {error}.") from error


def _filled(kind: type[Any], name: str, row: Mapping[str, Any], **known: str) -> Any:
    """Make a text or a claim of its table, or say which field is missing or unknown."""
    wanted = {field.name for field in fields(kind)} - set(known)
    for field in sorted(wanted ^ set(row)):
        raise ValueError(f"Field {field!r} of {name} is {'missing' if field in wanted else 'not known'}.")
    return kind(**known, **row)


_LIST = Path(__file__).with_name("claims.toml")
TEXTS, CLAIMS = read_claims(_LIST)
CHAPTERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {chapter: tuple(claims) for chapter, claims in _table(_LIST)["chapters"].items()}
)
"""The claims that each chapter judges: ids by the name of its notebook."""
