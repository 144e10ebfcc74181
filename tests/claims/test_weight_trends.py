"""The judges of B4, B5 and B7 give the right verdict on records whose answer is known."""

import numpy as np
import pytest
import xarray as xr

from lib.claims.weight_trends import _within

from .evolution_record import ALL, SNAPSHOTS, TIME, judged, learns, made, per_seed

# -- B4, B5


def only_when_learning(start, step):
    return lambda network: per_seed(start + step * (TIME if learns(network) else np.cos(9 * TIME)))


@pytest.mark.parametrize(("claim", "quantity", "sign"), [("B4", "h", -1), ("B5", "c", 1)])
def test_trends(claim, quantity, sign):
    def trend(direction):
        return judged(claim, made(**{quantity: only_when_learning(0.5, 0.1 * direction)}))

    right, wrong = trend(sign), trend(-sign)
    assert right.verdict == "reproduced"
    assert right.effect == pytest.approx(sign)
    assert len(right.conditions) == 2 * 3 * 4
    assert wrong.verdict == "not reproduced"

    both = judged(claim, made(**{quantity: lambda _: per_seed(0.5 + 0.1 * sign * TIME)}))
    assert both.verdict == "partly"
    assert both.holds_in_control
    assert "passed in 24 of 24" in both.control


@pytest.mark.parametrize(("claim", "quantity", "sign"), [("B4", "h", -1), ("B5", "c", 1)])
def test_a_trend_under_one_rule_is_partly(claim, quantity, sign):
    record = made(**{quantity: only_when_learning(0.5, 0.1 * sign)})
    for name in ("entropy", "disequilibrium"):
        record[name] = record[name].where(record["rule"] != "fixed", record[name].isel(snapshot=0))
    result = judged(claim, record)
    assert result.verdict == "partly"
    assert "own 6 of 6, fixed 0 of 6" in result.text


def test_a_missing_data_set_leaves_partly():
    record = made(("MNIST", "MNIST, random labels"), h=only_when_learning(0.5, -0.1))
    result = judged("B4", record)
    assert all(condition.passes for condition in result.conditions)
    assert result.verdict == "partly"
    assert "Not run: Fashion-MNIST; Fashion-MNIST, random labels." in result.text


def test_another_optimizer_is_reported_and_does_not_decide():
    def of(network):
        return per_seed(0.5 - 0.1 * TIME) if network != "MNIST, SGD 0.1" else per_seed(0.5 + 0.1 * TIME)

    with_sgd, without = (judged("B4", made(names, h=of)) for names in ((*ALL, "MNIST, SGD 0.1"), ALL))
    assert with_sgd.verdict == without.verdict
    assert "MNIST with SGD 0.1, 5 seeds: 0 of 12 pass." in with_sgd.text
    assert "SGD" not in without.text


def test_the_text_sees_every_tenth_snapshot():
    hundred = made(h=lambda _: 0.9).isel(snapshot=np.arange(101) % SNAPSHOTS)
    zigzag = 0.9 - 0.001 * np.arange(101) + 0.05 * (np.arange(101) % 2)
    hundred["entropy"] = hundred["entropy"] * 0 + xr.DataArray(zigzag * 8, dims="snapshot")
    result = judged("B4", hundred)
    assert result.effect == pytest.approx(-1)
    assert "all snapshots -0." in result.conditions[0].note


# -- B7


def falling_error(network):
    return (0.5 - 0.4 * TIME)[None] if learns(network) else 0.9


def test_complexity_that_rises_with_accuracy_and_over_seeds_is_reproduced():
    skill = np.array([0.3, 0.1, 0.4, 0.2, 0.0])[:, None]
    result = judged(
        "B7",
        made(
            c=lambda n: (0.1 + 0.1 * TIME + 0.01 * skill)[..., None] if learns(n) else per_seed(0.1 - 0.05 * TIME),
            test_error=lambda n: falling_error(n) - 0.01 * skill,
        ),
    )
    assert result.verdict == "reproduced"
    assert result.effect == pytest.approx(1)
    assert {condition.effect for condition in result.conditions} == {1.0}


def test_complexity_that_rises_under_random_labels_too_says_nothing():
    result = judged("B7", made(c=lambda _: per_seed(0.1 + 0.1 * TIME), test_error=falling_error))
    assert result.verdict == "partly"
    over = [condition for condition in result.conditions if condition.name.startswith("over snapshots")]
    within = [condition for condition in result.conditions if condition.name.startswith("over seeds")]
    assert all(condition.passes and condition.holds_in_control for condition in over)
    assert not any(condition.passes for condition in within)


def test_complexity_that_falls_is_not_performance():
    result = judged("B7", made(c=lambda _: per_seed(0.2 - 0.1 * TIME), test_error=falling_error))
    assert result.verdict == "not reproduced"


def test_accuracy_that_stays_is_no_correlation():
    result = judged("B7", made(c=lambda _: per_seed(0.1 + 0.1 * TIME)))
    assert result.verdict == "not reproduced"
    assert result.effect == 0


@pytest.mark.parametrize("seeds", [3, 4, 5, 8])
def test_seeds_are_compared_by_permutation(seeds):
    rising = np.arange(seeds)[:, None] + np.zeros(10)
    condition = _within("", rising, rising)
    assert condition.effect == 1
    assert condition.passes is (True if seeds >= 5 else None)
    unrelated = np.random.default_rng(0).random((seeds, 10))
    assert _within("", rising, unrelated).passes is None


def test_permutations_keep_their_level():
    generator = np.random.default_rng(0)
    # accuracy that differs between seeds, alike in all snapshots: the hard case for a test over snapshots
    passed = [
        _within("", np.tile(generator.random((5, 1)), 10), np.tile(generator.random((5, 1)), 10)).passes
        for _ in range(400)
    ]
    assert np.mean([answer is True for answer in passed]) < 0.05
