"""The ledger as JSON, as text, and as an accessible table."""

import dataclasses
import json
import math
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from bs4 import BeautifulSoup

from lib.claims import (
    CHAPTERS,
    CLAIMS,
    TEXTS,
    VERDICTS,
    Condition,
    CountTable,
    Judgement,
    Row,
    claim_table,
    counts_to_html,
    read_claims,
    to_html,
    to_json,
    to_text,
)
from lib.claims._writing import bounds

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
    assert [caption.text for caption in region.find_all("caption")] == ["All claims"]
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
        details = details_of(page.find(id=f"claim-{claim.id}")).text.replace("−", "-")
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


def test_rows_of_the_own_page_lead_to_chapter_code_and_record():
    row = dataclasses.replace(ROWS[2], code="lib.claims.perceptron.displacement_falls")
    links = details_of(table(to_html([row], own_page=True)).find(id="claim-K3")).select("dl a")

    assert [link["href"] for link in links] == [
        "../chapters/01-perceptron.html",
        "api.html#lib.claims.perceptron.displacement_falls",
        "status.html#record-perceptron-book-0123",
    ]
    assert not details_of(table(to_html([row])).find(id="claim-K3")).select("dl a"), "a chapter has no such pages"
    several = dataclasses.replace(row, record="deep_mlp-paper-*.nc; perceptron-paper-0a.nc")
    links = details_of(table(to_html([several], own_page=True)).find(id="claim-K3")).select("dl a")
    assert [link["href"] for link in links[2:]] == [
        "status.html#record-deep_mlp",
        "status.html#record-perceptron-paper-0a",
    ]


def test_an_open_interval_says_on_which_side():
    assert bounds((-math.inf, -0.27)) == "[−∞, −0.27]"
    assert bounds((0.5, math.inf)) == "[0.5, ∞]"
    assert bounds((math.nan, 1.0)) == "[–, 1]"


def test_filters_offer_what_the_rows_have():
    form = table(to_html(ROWS, own_page=True)).form
    offered = {
        each["name"]: [option["value"] for option in each.find_all("option")] for each in form.find_all("select")
    }

    assert offered["verdict"] == ["", "not reproduced", "not run"]
    assert offered["text"] == ["", *TEXTS]
    assert offered["chapter"] == ["", *CHAPTERS]
    assert offered["scale"] == ["", "book", "none"]
    assert table(to_html(ROWS)).form is None


def test_counts_lead_to_the_rows_they_count():
    page = table(counts_to_html(ROWS, own_page=True))
    rows = table(to_html(ROWS, own_page=True)).find_all("tr", id=True)

    links = page.select("td a")
    assert links
    for link in links:
        wanted = {name: value for name, (value,) in parse_qs(urlsplit(link["href"]).query).items()}
        counted = [row for row in rows if all(row[f"data-{name}"] == value for name, value in wanted.items())]
        assert len(counted) == int(link.text)


def test_every_claim_has_a_chapter():
    assert {claim for claims in CHAPTERS.values() for claim in claims} == set(CLAIMS)


LIST = """
[texts.T]
title = "A text"
setting = "s"
[claims.T1]
where = "w"
statement = "it grows"
test = "t"
control = "c"
open = "o"
core = true
"""


def test_a_ledger_of_another_text(tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text(LIST)
    texts, claims = read_claims(path)

    page = table(to_html([Row(claims["T1"], JUDGEMENT)], texts=texts))

    assert page.find("th", scope="rowgroup").text == "T: A text"
    with pytest.raises(ValueError, match="no text 'T' among K, B, J, N"):
        to_html([Row(claims["T1"])])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('where = "w"\n', "", "Field 'where' of claim T1 is missing"),
        ("core = true", "core = true\nmood = 1", "Field 'mood' of claim T1 is not known"),
        ("[claims.T1]", "[claims.U1]", "Claim U1 belongs to no text"),
        ("[texts.T]", "[texts.T", "no list of claims in TOML"),
    ],
)
def test_a_bad_list_of_claims_is_named(tmp_path, old, new, message):
    path = tmp_path / "claims.toml"
    path.write_text(LIST.replace(old, new))

    with pytest.raises(ValueError, match=message):
        read_claims(path)
