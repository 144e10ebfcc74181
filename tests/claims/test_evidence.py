"""Conditions picked from a judged claim, shown as a table and as text."""

import dataclasses

import pytest
from bs4 import BeautifulSoup

from lib.claims import CLAIMS, Condition, Judgement, Row, evidence

CONDITIONS = (
    Condition("MNIST, <own>", 10.667, (9.2, 12.1), 8.0, seeds=3, note="peak & turn, tau -0.3 at 1e-3, 2026-11-24"),
    Condition("closed form", -2.0, seeds=0),
    Condition("CIFAR-10", 1.0, (0.5, 1.5), 0.1, (0.0, 0.2), seeds=5),
)
ROW = Row(
    CLAIMS["K18"], Judgement("partly", 0.0, None, "epoch", 3, CONDITIONS, None, "untrained", "-"), "paper: 3 seeds"
)


def test_conditions_are_picked_in_the_order_asked_for():
    found = evidence(ROW, "CIFAR-10", "MNIST, <own>", what="epoch of the peak", control="random labels")
    assert [condition.name for condition in found.conditions] == ["CIFAR-10", "MNIST, <own>"]
    assert repr(found).splitlines() == [
        "epoch of the peak (K18; control: random labels)",
        "CIFAR-10: 1 [0.5, 1.5]; control 0.1 [0, 0.2]",
        "MNIST, <own>: 10.7 [9.2, 12.1]; control 8",
    ]


def test_the_table_has_number_interval_control_and_a_way_to_the_ledger():
    found = evidence(ROW, "MNIST, <own>", "closed form", what="epoch of the peak", control="random labels & more")
    page = BeautifulSoup(found._repr_html_(), "html.parser")
    assert page.caption.get_text() == "epoch of the peak"
    assert [cell.get_text() for cell in page.thead.find_all("th")][2] == "control: random labels & more"
    first, note, second = page.tbody.find_all("tr")
    assert [cell.get_text() for cell in first.find_all("td")] == ["10.7 [9.2, 12.1]", "8", "3"]
    assert (first.th.get_text(), note.get_text()) == ("MNIST, <own>", "peak & turn, tau −0.3 at 1e-3, 2026-11-24")
    assert [cell.get_text() for cell in second.find_all("td")] == ["−2", "–", "nothing random"]
    assert page.p.a["href"] == "ledger.html#claim-K18"
    assert "partly" in page.p.get_text()
    assert "paper: 3 seeds" in page.p.get_text()


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        ((1.0, 1.0), "1, the same in all 5 seeds"),
        ((-1.0 - 4e-16, -1.0), "−1, the same in all 5 seeds"),
        ((1.0108, 1.0122), "1.011 [1.011, 1.012]"),
        ((1.0002131, 1.0002133), "1, to 1e-07 the same in all 5 seeds"),
        ((0.8155, 1.0067), "0.911 [0.816, 1.01]"),
    ],
)
def test_an_interval_has_two_ends_or_is_none(interval, said):
    centre = 0.911 if interval[0] < interval[1] - 0.1 else round(sum(interval) / 2, 3)
    condition = Condition("digits", centre, interval, 0.0, (0.0, 0.0), seeds=5)
    row = dataclasses.replace(ROW, judgement=dataclasses.replace(ROW.judgement, conditions=(condition,)))
    found = evidence(row, "digits", what="share", control="untrained")
    assert repr(found).splitlines()[1] == f"digits: {said}; control 0, the same in all seeds"


def test_the_interval_of_a_share_ends_at_one():
    condition = Condition("digits", 0.911, (0.8155, 1.0067), 0.1, (-0.1, 0.3), seeds=3)
    row = dataclasses.replace(ROW, judgement=dataclasses.replace(ROW.judgement, conditions=(condition,)))
    found = evidence(row, "digits", what="share", control="untrained", share=True)
    assert repr(found).splitlines()[1] == "digits: 0.911 [0.816, 1]; control 0.1 [0, 0.3]"


def test_what_has_no_evidence_is_said():
    with pytest.raises(ValueError, match=r"Claim K18 has no condition 'CIFAR': did you mean 'CIFAR-10'\?"):
        evidence(ROW, "CIFAR", what="epoch", control="none")
    with pytest.raises(ValueError, match=r"Claim K18 has no evidence, for it was not run\."):
        evidence(dataclasses.replace(ROW, judgement=None), "CIFAR-10", what="epoch", control="none")
