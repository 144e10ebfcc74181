"""Judges of lost units, on records made by hand."""

import numpy as np
import pytest

from lib.claims.lost_units import loss_is_irreversible, lost_units_can_be_removed, what_is_left_is_sensitive

from .loss_record import SEEDS, made


@pytest.mark.parametrize(
    ("others", "at", "calm", "verdict"),
    [
        (0.97, 0.99, 0.0, "reproduced"),
        (0.97, 0.5, 0.0, "not reproduced"),
        (0.3, 0.99, 0.0, "not reproduced"),
        (0.97, 0.99, 0.97, "partly"),
    ],
)
def test_what_is_left(others, at, calm, verdict):
    noisy = {"noisy": ("lost_others", "living_at")}
    settings = {
        "pair, relu": {"lost_others": others, "living_at": at, **noisy},
        "pair, relu, expected": {"lost_others": calm, "living_at": at, **noisy},
    }
    assert what_is_left_is_sensitive(made(settings)).verdict == verdict


@pytest.mark.parametrize(
    ("revived", "regrown", "elu", "verdict", "holds"),
    [
        (0.0, 0.01, 0.8, "reproduced", False),
        (0.0, 0.01, 0.0, "partly", True),
        (0.0, 0.9, 0.8, "partly", False),
        (0.5, 0.9, 0.8, "not reproduced", None),
    ],
)
def test_what_comes_back(revived, regrown, elu, verdict, holds):
    noisy = {"noisy": ("revived", "regrown"), "spread": 1e-4}
    settings = {
        "random, relu": {"revived": revived, "regrown": regrown, **noisy},
        "random, elu": {"revived": elu, "regrown": elu, **noisy},
    }
    found = loss_is_irreversible(made(settings))
    assert found.verdict == verdict
    assert found.holds_in_control is holds
    assert found.effect == pytest.approx(max(revived, regrown))


@pytest.mark.parametrize(
    ("lost", "at_random", "verdict", "holds"),
    [
        ((0.0, 1e-3), 0.2, "reproduced", False),
        ((0.0, 1e-3), 0.0, "partly", True),
        ((0.0, 0.1), 0.2, "partly", False),
        ((0.1, 0.1), 0.2, "not reproduced", None),
    ],
)
def test_what_can_be_removed(lost, at_random, verdict, holds):
    found = lost_units_can_be_removed(made({"pair, relu": {"without_lost": lost, "without_random": at_random}}))
    assert found.verdict == verdict
    assert found.holds_in_control is holds


def test_seeds_that_lost_nothing_are_left_out():
    record = made({"pair, relu": {"without_lost": (0.0, 1e-3), "without_random": 0.2}})
    record["without_lost"][..., 0, 0] = np.nan
    record["without_random"][..., 0, 0] = np.nan
    off, weak = lost_units_can_be_removed(record).conditions
    assert (off.seeds, weak.seeds) == (SEEDS - 1, SEEDS)


JUDGES = [what_is_left_is_sensitive, loss_is_irreversible, lost_units_can_be_removed]


@pytest.mark.parametrize("judged", JUDGES)
def test_judges_read_what_the_experiment_gives(smoke_record, judged):
    assert np.isfinite(judged(smoke_record("feature_loss")).effect)


@pytest.mark.parametrize("judged", JUDGES)
def test_a_record_without_the_settings_is_not_judged(judged):
    assert judged(made({"clean, tanh": {}})) is None
