"""The ledger as JSON, as text, and as an accessible table."""

import dataclasses
import json
import math

import numpy as np
import pytest
from bs4 import BeautifulSoup

from lib.claims import (
    CLAIMS,
    TEXTS,
    VERDICTS,
    Condition,
    CountTable,
    Judgement,
    Row,
    claim_table,
    counts_to_html,
    to_html,
    to_json,
    to_text,
)

JUDGEMENT = Judgement(
    verdict="not reproduced",
    effect=-1.2345,
    interval=(-1.5, -1.0),
    measure="slope (per epoch)",
    seeds=20,
    conditions=(
        Condition(
            'rate < 1 & "fixed"', -1.2345, (-1.5, -1.0), -0.1, (-0.2, 0.0), (-1.3, -0.9), 20, False, False, "<b>"
        ),
        Condition("rate 1", math.nan, passes=None),
    ),
    holds_in_control=False,
    control="shuffled labels: -0.1",
    text="It rises & falls.",
)
ROWS = [Row(claim) for claim in CLAIMS.values()]
ROWS[2] = Row(CLAIMS["K3"], JUDGEMENT, "book", "perceptron-book-0123")


def table(html):
    return BeautifulSoup(html, "html.parser")


def details_of(row):
    return row.find_next_sibling("tr", class_="more").details


def test_json_is_strict_and_complete():
    rows = json.loads(to_json(ROWS), parse_constant=pytest.fail)

    assert [row["id"] for row in rows] == list(CLAIMS)
    assert list(rows[0]) == list(ROWS[0].as_dict())
    assert rows[2]["effect"] == -1.2345
    assert rows[2]["conditions"][1]["effect"] is None
    assert rows[0]["effect"] is None


def test_json_takes_numpy_numbers():
    judgement = dataclasses.replace(
        JUDGEMENT,
        effect=np.float32(0.5),
        interval=(np.float64(0.25), np.float64(np.inf)),
        seeds=np.int64(3),
        holds_in_control=np.bool_(True),
    )

    row = json.loads(to_json([Row(CLAIMS["K3"], judgement)]))[0]

    assert (row["effect"], row["interval"], row["seeds"], row["holds_in_control"]) == (0.5, [0.25, None], 3, True)


def test_json_is_the_same_twice():
    assert to_json(ROWS) == to_json(list(ROWS))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_text_keeps_to_the_width(width):
    lines = to_text(ROWS, width).splitlines()

    assert max(map(len, lines)) <= width
    assert lines[-1] == "not reproduced 1, not run 101"
    assert sum(line.split()[0] in CLAIMS for line in lines if not line.startswith(" ")) == 102


def test_text_shows_effect_interval_and_reading():
    text = to_text(ROWS[2:3], 120)

    assert "not reproduced" in text
    assert "slope (per epoch): −1.23 [−1.5, −1]; 20 seeds; book" in text
    assert "It rises & falls." in text


def test_text_refuses_a_width_without_room():
    with pytest.raises(ValueError, match="40 columns"):
        to_text(ROWS, 40)


def test_html_table_is_semantic():
    page = table(to_html(ROWS, "All claims"))
    region = page.find("div", class_="claims")
    main = region.find("table")

    assert (region["role"], region["aria-label"], region["tabindex"]) == ("region", "All claims", "0")
    assert main.caption.text == "All claims"
    assert all(th["scope"] == "col" for th in main.thead.find_all("th"))
    assert [body.th.text for body in main.find_all("tbody", recursive=False)] == [
        f"{k}: {t.title}" for k, t in TEXTS.items()
    ]
    rows = main.find_all("tr", id=True)
    assert [row["id"] for row in rows] == [f"claim-{claim}" for claim in CLAIMS]
    width = len(main.thead.find_all("th"))
    for row in rows:
        assert row.th["scope"] == "row"
        assert len(row.find_all(["th", "td"], recursive=False)) == width
        assert details_of(row).summary.text == f"test, control and details of {row.th.a.text}"


def test_html_shows_effect_scale_and_control():
    cells = table(to_html(ROWS[2:3])).find(id="claim-K3").find_all("td")

    assert [cell.text for cell in cells[2:]] == ["−1.23 [−1.5, −1]", "book; 20 seeds", "no"]


def test_html_says_the_verdict_in_words():
    page = table(to_html(ROWS))

    badges = [row.find(class_="verdict") for row in page.find_all("tr", id=True)]
    assert badges[2].text.split(" ", 1)[1] == "not reproduced"
    assert all(badge.span["aria-hidden"] == "true" for badge in badges)


def test_html_escapes_what_it_is_given():
    row = table(to_html(ROWS[2:3])).find(id="claim-K3")
    inner = details_of(row).find("table")

    assert "It rises & falls." in row.find_next_sibling("tr").find(class_="reading").text
    assert inner.tbody.tr.th.text == 'rate < 1 & "fixed"'
    assert [cell.text for cell in inner.tbody.tr.find_all("td")] == [
        "−1.23 [−1.5, −1]",
        "−0.1 [−0.2, 0]",
        "[−1.3, −0.9]",
        "20",
        "no",
        "no",
        "<b>",
    ]


def test_html_of_every_claim_holds_test_control_and_open_setting():
    page = table(to_html(ROWS))

    for claim in CLAIMS.values():
        details = details_of(page.find(id=f"claim-{claim.id}")).text
        assert all(part in details for part in (claim.where, claim.test, claim.control, claim.open))


def test_counts_add_up():
    page = table(counts_to_html(ROWS))

    assert [th.text for th in page.thead.find_all("th")][-1] == "sum"
    numbers = {tr.th.text: [int(td.text) for td in tr.find_all("td")] for tr in page.tbody.find_all("tr")}
    assert numbers["all"] == [0, 0, 1, 101, 102]
    assert numbers["text J"] == [0, 0, 0, 40, 40]
    assert all(sum(row[:-1]) == row[-1] for row in numbers.values())


def test_a_chapter_picks_its_rows():
    shown = claim_table(["K3", "K1"], ROWS, "Verdicts")

    assert [row.claim.id for row in shown.rows] == ["K3", "K1"]
    assert [tr["id"] for tr in table(shown._repr_html_()).find_all("tr", id=True)] == ["claim-K3", "claim-K1"]
    assert "caption>Verdicts<" in shown._repr_html_()
    assert repr(shown) == to_text(shown.rows)


@pytest.mark.parametrize(("ids", "where"), [(["K99"], "CLAIMS"), (["K1"], "the rows given")])
def test_a_chapter_cannot_pick_what_is_not_there(ids, where):
    with pytest.raises(ValueError, match=f"no claim {ids[0]} in .*{where}"):
        claim_table(ids, ROWS[2:3])


def test_counts_show_themselves():
    shown = CountTable(tuple(ROWS))

    assert shown._repr_html_() == counts_to_html(ROWS)
    assert repr(shown).splitlines()[0].split() == [
        "all",
        "reproduced",
        "0",
        "partly",
        "0",
        "not",
        "reproduced",
        "1",
        "not",
        "run",
        "101",
    ]


def test_every_verdict_has_a_colour_in_the_style_sheet():
    style = table(to_html(ROWS[:1])).style.text

    judged = [verdict.replace(" ", "-") for verdict in VERDICTS[:3]]
    assert all(f".verdict.{name} " in style for name in judged)
