"""The list of claims is complete, in order, and every row can be read by itself."""

import dataclasses
from collections import Counter

import pytest

from lib.claims import CLAIMS, TEXTS, Claim

SECONDARY = {
    "K": [2, 5, 6, 7, 11, 16, 22, 28, 29, 30],
    "B": [1, 7, 8],
    "J": [10, 13, 17, 21, 24, 27, 28, 29, 38, 39, 40],
    "N": [3, 8, 10, 12, 19, 20, 21, 22, 23, 24],
}


def test_ids_run_in_sequence_through_the_four_texts():
    sizes = {"K": 30, "B": 8, "J": 40, "N": 24}
    expected = [f"{source}{number}" for source, size in sizes.items() for number in range(1, size + 1)]

    assert list(CLAIMS) == expected
    assert [claim.id for claim in CLAIMS.values()] == expected
    assert Counter(claim.source for claim in CLAIMS.values()) == sizes


def test_core_and_secondary_rows():
    secondary = [f"{source}{number}" for source, numbers in SECONDARY.items() for number in numbers]

    assert [claim.id for claim in CLAIMS.values() if not claim.core] == secondary
    assert sum(claim.core for claim in CLAIMS.values()) == 68


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_no_field_is_empty(claim):
    for field in dataclasses.fields(Claim):
        value = getattr(claim, field.name)
        if field.name == "core":
            assert isinstance(value, bool)
        else:
            assert isinstance(value, str)
            assert value == value.strip() != ""
            assert value not in ("-", "–")


def test_no_two_claims_state_the_same():
    statements = Counter(claim.statement for claim in CLAIMS.values())

    assert [statement for statement, times in statements.items() if times > 1] == []


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_a_row_refers_only_to_claims_there_are(claim):
    for field in ("test", "control", "open"):
        value = getattr(claim, field)
        if value.startswith("as "):
            assert value.split()[1].rstrip(",;") in CLAIMS


def test_every_text_has_title_and_setting():
    assert list(TEXTS) == ["K", "B", "J", "N"]
    assert all(text.title and text.setting.endswith(".") for text in TEXTS.values())


def test_the_list_cannot_be_changed_by_accident():
    with pytest.raises(TypeError):
        CLAIMS["K1"] = CLAIMS["K2"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        CLAIMS["K1"].core = False
