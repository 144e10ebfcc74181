"""The ledger: every claim of the four texts, how it is tested, and what the stored records say.

A judge is a function from a record to a `Judgement`, registered in a public module of this package (one a chapter):

>>> from lib.claims import CLAIMS, Condition, Judgement, counts, decide, judge, ledger, lies
>>> CLAIMS["K3"].where
'fig. 2d, findings 1'
>>> counts(ledger(records=lambda experiment: None))["all"]["not run"]
102
"""

from lib.claims._evidence import Evidence, evidence
from lib.claims._model import (
    CHAPTERS,
    CLAIMS,
    TEXTS,
    VERDICTS,
    Claim,
    Condition,
    Interval,
    Judgement,
    Text,
    Verdict,
    read_claims,
)
from lib.claims._registry import Judge, JudgeError, Row, counts, judge, judges, ledger
from lib.claims._render import ClaimTable, CountTable, claim_table, counts_to_html, to_html, to_json, to_text
from lib.claims._verdict import decide, holds_in_control, lies

__all__ = [
    "CHAPTERS",
    "CLAIMS",
    "TEXTS",
    "VERDICTS",
    "Claim",
    "ClaimTable",
    "Condition",
    "CountTable",
    "Evidence",
    "Interval",
    "Judge",
    "JudgeError",
    "Judgement",
    "Row",
    "Text",
    "Verdict",
    "claim_table",
    "counts",
    "counts_to_html",
    "decide",
    "evidence",
    "holds_in_control",
    "judge",
    "judges",
    "ledger",
    "lies",
    "read_claims",
    "to_html",
    "to_json",
    "to_text",
]
