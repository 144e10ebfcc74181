"""Judges of quenches in highway networks, on curves made by hand."""

import numpy as np
import pytest
import xarray as xr

from lib.claims.narrow_networks import (
    lags,
    layers_are_quenched,
    loss_falls_after_the_quench,
    network,
    onset,
    other_shapes_are_quenched_too,
    profiles_are_ordered,
)

EPOCHS = np.linspace(0, 1, 41) ** 2 * 20
SEEDS = 6


def curve(minimum, depth, after=1.0):
    """From 10 down to a share of it at an epoch, and back to a share."""
    return np.interp(EPOCHS, [0, 1, minimum, 18, 20], [10, 10, 10 * (1 - depth), 10 * after, 10 * after])


def made(name, depth=0.5, minimum=5.0, slope=0.1, onset=6.0, shape=(11, 28), gate=-1.0, **other):
    """One network whose layers dip one after the other by `slope` epochs, and whose loss falls from an epoch on."""
    layers, width = shape
    random = np.random.default_rng(0)
    dimension = np.empty((SEEDS, len(EPOCHS), layers))
    for seed in range(SEEDS):
        for layer in range(layers):
            deep = depth - 0.01 * (layers - 1 - layer) if depth > 0.2 else depth
            dimension[seed, :, layer] = curve(minimum + slope * layer + 0.02 * seed, deep, other.get("after", 1.0))
    dimension *= 1 + 1e-4 * random.standard_normal(dimension.shape)
    loss = np.interp(EPOCHS, [0, onset, onset + 5, 20], [2.3, 2.2, 0.5, 0.3])
    complexity = np.where(np.arange(len(EPOCHS))[None, :, None] % 2 == 0, dimension, np.nan)
    return xr.Dataset(
        {
            "effective_dimension": (("network", "seed", "reading", "layer"), dimension[None]),
            "complexity": (("network", "seed", "reading", "layer"), complexity[None]),
            "test_loss": (("network", "seed", "reading"), np.tile(loss, (1, SEEDS, 1))),
            "epoch": (("network", "reading"), EPOCHS[None]),
            "step": (("network", "reading"), 469 * EPOCHS[None]),
            "width": ("network", [float(width)]),
            "depth": ("network", [float(layers)]),
            "rate": ("network", [other.get("rate", 1e-5)]),
            "gate_bias": ("network", [np.nan if gate is None else gate]),
        },
        coords={
            "network": [name],
            "seed": np.arange(SEEDS),
            "layer": np.arange(1, layers + 1),
            "labels": ("network", [other.get("labels", "true")]),
            "initial": ("network", ["torch"]),
        },
    )


def together(*parts):
    return xr.concat(parts, "network")


HIGHWAY = made("highway 11 x 28, rate 1e-5")
PLAIN = made("plain 11 x 28, rate 1e-5", depth=0.1, gate=None)


def test_a_network_has_its_own_layers():
    record = together(HIGHWAY, made("highway 10 x 36", shape=(10, 36)))
    assert network(record, "highway 10 x 36").sizes["layer"] == 10


def test_a_dip_in_every_layer_and_none_without_gates_is_reproduced():
    found = layers_are_quenched(together(HIGHWAY, PLAIN))
    assert found.verdict == "reproduced"
    assert found.effect == pytest.approx(0.4, abs=0.02)
    assert len(found.conditions) == 4
    assert found.holds_in_control is False


def test_a_plain_network_that_dips_too_explains_it():
    found = layers_are_quenched(together(HIGHWAY, made("plain 11 x 28, rate 1e-5", gate=None)))
    assert found.verdict == "partly"
    assert found.holds_in_control is True


def test_a_fall_without_recovery_is_no_quench():
    found = layers_are_quenched(together(made("highway", depth=0.8, after=0.35), PLAIN))
    assert {condition.name: condition.passes for condition in found.conditions} == {
        "highway, dimension, fall": True,
        "highway, dimension, recovery": False,
        "highway, complexity, fall": True,
        "highway, complexity, recovery": False,
    }
    assert found.verdict == "partly"
    ends_low = layers_are_quenched(together(made("highway", depth=0.8, after=0.19), PLAIN))
    assert ends_low.verdict == "not reproduced"


def test_random_labels_are_beside():
    found = layers_are_quenched(together(HIGHWAY, PLAIN, made("highway 11 x 28, random labels", labels="random")))
    assert found.verdict == "reproduced"
    assert len(found.conditions) == 4
    assert "random labels" in found.control


def test_an_ordinary_rate_that_dips_too_explains_it():
    ordinary = made("highway 11 x 28, rate 1e-3", rate=1e-3)
    found = layers_are_quenched(together(HIGHWAY, PLAIN, ordinary))
    assert found.verdict == "partly"
    assert found.holds_in_control is True
    assert "rate 1e-3" in found.control
    assert "control: without gates; ordinary rate: 0.4" in found.conditions[1].note
    assert "4 of the 4 that hold do so in a control too" in found.text
    flat = layers_are_quenched(together(HIGHWAY, PLAIN, made("highway, rate 1e-3", rate=1e-3, depth=0.1)))
    assert flat.verdict == "reproduced"


def test_a_control_that_was_not_run_is_named():
    ordinary = made("highway 11 x 28, rate 1e-3", rate=1e-3, depth=0.1)
    fall, recovery, *_ = layers_are_quenched(together(HIGHWAY, ordinary)).conditions
    assert fall.note.endswith("without gates: not run; control: ordinary rate")
    assert recovery.control == pytest.approx(0.1, abs=0.02)
    low, high = recovery.difference_interval
    assert low < 0.3 < high + 0.02
    alone = layers_are_quenched(HIGHWAY).conditions[0]
    assert alone.note.endswith("without gates: not run; ordinary rate: not run")
    assert alone.control is None
    other = made("highway 11 x 28, rate 1e-3", rate=1e-3, gate=-2.0)
    assert layers_are_quenched(together(HIGHWAY, other)).conditions[0].control is None


def test_a_rule_that_was_settled_later_gives_no_more_than_the_first():
    shallow = made("highway 11 x 28, rate 1e-5", slope=0.6, depth=0.8, after=0.35)
    found = profiles_are_ordered(shallow)
    assert all(condition.passes for condition in found.conditions)
    assert found.verdict == "partly"
    assert "settled after the first record was seen; the one fixed before gives: partly" in found.text
    assert "gives: not reproduced" in layers_are_quenched(together(shallow, PLAIN)).text
    late = loss_falls_after_the_quench(made("highway 11 x 28", depth=0.8, after=0.35))
    assert all(condition.passes for condition in late.conditions)
    assert late.verdict == "partly"
    assert "gives: not reproduced" in late.text


def test_the_loss_begins_to_fall_where_it_was_made_to():
    assert onset(HIGHWAY.isel(network=0)) == pytest.approx(np.full(SEEDS, 6.0), abs=0.3)
    falling = HIGHWAY.isel(network=0).copy(deep=True)
    falling["test_loss"] = falling["test_loss"] * 0 + np.interp(EPOCHS, [0, 3, 9, 20], [2.3, 0.8, 0.4, 0.3])
    assert (onset(falling) == 0).all()


def test_a_loss_that_falls_soon_after_the_minimum_is_reproduced():
    found = loss_falls_after_the_quench(together(HIGHWAY, PLAIN))
    assert found.verdict == "reproduced"
    assert found.effect == pytest.approx(6.0 - 5.5, abs=0.4)
    assert "11 of 11 layers" in found.conditions[0].note
    assert "gives: reproduced" in found.text


def test_lags_are_said_by_layer_with_their_intervals():
    after = loss_falls_after_the_quench(made("highway 11 x 28, rate 1e-5", minimum=2.5, slope=1.0)).conditions[1]
    assert (
        "interval below 0 in 7, above 0 in 4 of 11 layers" in after.note
    )  # minima at 2.5 to 12.5; the loss falls at 6
    some = made("highway 11 x 28, rate 1e-5").copy(deep=True)
    some["effective_dimension"][0, 0, :, 0] = 10.0
    some["effective_dimension"][0, :, :, 1] = 10.0
    note = loss_falls_after_the_quench(some).conditions[1].note
    assert f"{SEEDS - 1} of {SEEDS} seeds; 2: no minimum; 3: " in note


@pytest.mark.parametrize(("onset", "minimum"), [(3.0, 6.0), (14.0, 4.0)])
def test_a_loss_that_falls_before_or_long_after_is_not(onset, minimum):
    found = loss_falls_after_the_quench(made("highway 11 x 28, rate 1e-5", onset=onset, minimum=minimum))
    coincides, after = (condition.passes for condition in found.conditions)
    assert found.verdict == ("partly" if coincides or after else "not reproduced")
    assert after is (onset > minimum)
    assert not (coincides and after)


def test_without_a_dip_there_is_no_lag():
    flat = made("highway 11 x 28, rate 1e-5", depth=0.005)
    assert loss_falls_after_the_quench(flat).verdict == "not reproduced"
    assert len(lags(flat.isel(network=0), np.full((SEEDS, 11), np.nan))) == 0
    assert profiles_are_ordered(flat).conditions[0].note == "too few layers dip"


def test_layers_in_order_are_reproduced_and_layers_at_random_are_not():
    ordered = made("highway 11 x 28, rate 1e-5", slope=0.6)
    found = profiles_are_ordered(ordered)
    assert found.verdict == "reproduced"
    assert all(condition.effect > 0.9 for condition in found.conditions)
    mixed = ordered.copy(deep=True)
    random = np.random.default_rng(1)
    for seed in range(SEEDS):
        order = random.permutation(11)
        mixed["effective_dimension"][0, seed] = ordered["effective_dimension"].values[0, seed][:, order]
    assert profiles_are_ordered(mixed).verdict != "reproduced"


def test_other_shapes_must_dip_and_spread_wider():
    wider = [made(f"highway {d} x 36, rate 1e-5", shape=(d, 36), slope=0.4, minimum=3.0) for d in (11, 10)]
    found = other_shapes_are_quenched_too(together(HIGHWAY, *wider))
    assert found.verdict == "reproduced"
    assert [condition.passes for condition in found.conditions] == [True] * 6
    assert "shifted has no test in the row and is not judged" in found.text
    assert f"{SEEDS} of {SEEDS} seeds" in found.conditions[2].note
    same = other_shapes_are_quenched_too(together(HIGHWAY, made("highway 11 x 36, rate 1e-5", shape=(11, 36))))
    assert same.verdict == "partly"


def test_nothing_to_judge_is_no_judgement():
    for judge in (layers_are_quenched, loss_falls_after_the_quench, profiles_are_ordered):
        assert judge(PLAIN) is None
    assert other_shapes_are_quenched_too(HIGHWAY) is None


def test_a_control_at_another_rate_is_none():
    other = made("plain 11 x 28, rate 1e-4", depth=0.1, gate=None, rate=1e-4)
    found = layers_are_quenched(together(HIGHWAY, other))
    assert all(condition.control is None for condition in found.conditions)
    assert layers_are_quenched(together(HIGHWAY, PLAIN, other)).conditions[0].control is not None
