"""Numbers of the page of findings: of small records, and what the page's words rest on, of the stored ones."""

import numpy as np
import pytest

from lib import claims, records
from lib.figures import findings

NEEDED = ("J5", "K13", "N14")


@pytest.fixture(scope="module")
def rows():
    return {row.claim.id: row for row in claims.ledger(only=NEEDED)}


@pytest.fixture(scope="module")
def stored():
    return [records.largest(name) for name in ("deep_mlp", "feature_loss", "residual_depth")]


def test_what_the_page_says_is_so_in_the_stored_records(rows, stored):
    found = findings.numbers(rows, *stored)
    assert not [key for key, value in found.items() if isinstance(value, float) and np.isnan(value)]
    assert found["turned-elsewhere"] == 0, "complexity turns back where decay goes through Adam"
    assert found["turned-adam"] > found["turned-adam-true"] > 0
    assert 0 < found["own-back-free"] < 0.1 * found["own-back-text"], "a slight turn is left"
    assert found["ordered-bins"] < 50 < found["ordered-noise"]
    assert found["feature-matched-random-0.1"] < 0.2 * found["feature-matched-random-expected-0.1"]
    assert found["feature-matched-random-1"] > 2 * found["feature-matched-random-expected-1"]
    assert found["exponent-least"] < 0.5
    assert found["linearity-lowest"] > 0.8 > 0.6 > found["linearity-top"]


def test_complexity_rises_by_less_than_its_units_one_by_one(stored):
    rises = findings.rises_by_depth(stored[-1])
    np.testing.assert_allclose(
        rises["single units"]["trained"] - rises["complexity"]["trained"], rises["total correlation"]["trained"]
    )
    assert (rises["total correlation"]["trained"] > 0).all(), "what units have in common grows"
    assert (rises["complexity"]["trained"] > 0).all()
    assert (rises["complexity"]["untrained"] < 0).all()
    assert (rises["total correlation"]["untrained"] > 0).all()


def test_a_record_of_one_network_has_no_interval(rows, stored):
    one = findings.depth_evidence(rows["J5"], stored[-1].sel(depth=[56]))
    assert [each.interval for each in one.conditions] == [None] * 3
    every = findings.depth_evidence(rows["J5"], stored[-1])
    assert all(each.interval and each.control is not None for each in every.conditions)
    assert "20, 32, 44, 56" in every.conditions[0].note


def test_what_a_small_record_has_not_is_no_number(rows, smoke_record):
    small = [smoke_record(name) for name in ("deep_mlp", "feature_loss", "residual_depth")]
    found = findings.numbers(rows, *small)
    assert np.isnan(found["own-peak-text"])
    assert found["depths"] == 1
