"""The judges of K13 to K16 give the right verdict on records whose answer is known."""

import numpy as np
import pytest

from lib.claims import information
from lib.experiments.networks import hidden_layers, join_networks, one_network

from .layers_record import EPOCHS, MOMENTS, judged, made


def moments(values):
    """Repeat over moments."""
    return np.broadcast_to(values, (len(MOMENTS), len(values)))


def test_falling_information_holds_in_the_control_for_permuting_inputs_changes_nothing():
    result = judged("K13", made(inputs=moments(np.linspace(10, 4, 16))))
    assert all(condition.passes for condition in result.conditions)
    assert result.holds_in_control
    assert result.verdict == "partly"
    assert result.effect == 1


def test_rising_information_violates_the_inequality():
    result = judged("K13", made(inputs=moments(np.linspace(4, 10, 16))))
    assert result.verdict == "not reproduced"
    assert "15 pairs reversed" in result.conditions[0].note


def test_an_estimate_at_its_ceiling_decides_nothing():
    result = judged("K13", made(inputs=moments(np.full(16, 10.99))))
    assert {condition.passes for condition in result.conditions} == {None}
    assert result.verdict == "partly"
    assert "2 of 2 are within 1% of their ceiling" in result.text


def test_order_of_pairs_needs_two_standard_errors():
    bits = np.array([[3.0, 2.9, 1.0], [3.0, 3.1, 1.1], [3.0, 2.8, 0.9], [3.0, 3.2, 1.0]])
    ordered, reverse = information.order_of_pairs(bits)
    assert ordered[:, 1].all()
    assert not ordered[:, 0].all()
    assert not reverse[:, 0].all()
    assert information._in_order(bits) == (None, 0)


def depths(*bits, errors=(0.1, 0.1, 0.1), start=None, seeds=(0, 1, 2)):
    """Networks of depths 2, 6, 16 whose last layers hold the given bits, `start` before training."""
    found = []
    for (depth, name), value, error, first in zip(information.DEPTHS.items(), bits, errors, start or bits, strict=True):
        values = np.full((len(MOMENTS), depth), 9.0)
        values[:, -1], values[0, -1] = value, first
        curve = np.linspace(0.9, error, EPOCHS + 1)
        found.append(made(name, depth, seeds, inputs=values, labels=values / 3, error=curve))
    return found


def test_less_information_in_deeper_networks_is_reproduced_if_it_was_not_so_before():
    result = judged("K14", *depths(8, 6, 4, start=(5, 5, 8)))
    assert result.verdict == "reproduced"
    assert result.effect == 1
    assert result.conditions[0].control == 0
    assert "at equal accuracy 8.00, 6.00, 4.00 bits" in result.conditions[0].note


def test_less_information_in_untrained_deeper_networks_too_is_not_learned():
    result = judged("K14", *depths(8, 6, 4))
    assert result.verdict == "partly"
    assert result.holds_in_control


def test_another_order_is_not_reproduced_and_a_missing_depth_not_run():
    assert judged("K14", *depths(8, 4, 6)).verdict == "not reproduced"
    assert judged("K14", *depths(8, 6, 4)[:2]) is None


def test_equal_accuracy_takes_the_best_that_all_depths_reach():
    scalars, _ = information._last_layers(join_networks(depths(8, 6, 4, errors=(0.1, 0.1, 0.5))))
    moments_of = information._equal_accuracy(scalars)
    assert moments_of[16] == 20
    assert moments_of[2] == moments_of[6] == 10


def test_seeds_that_one_depth_lacks_are_left_out():
    networks = [*depths(8, 6, 4)[:2], *depths(8, 6, 4, seeds=(2, 3))[2:]]
    assert {condition.seeds for condition in judged("K14", *networks).conditions} == {1}


def gap(growth):
    values = np.full((len(MOMENTS), 16), 2.0)
    values[:, :2] += growth * np.array(MOMENTS)[:, None]
    return values


def test_a_growing_gap_is_reproduced():
    result = judged("K15", made(labels=gap(0.01)), made("MNIST, random labels", seeds=(0,), labels=gap(-0.01)))
    assert result.verdict == "reproduced"
    assert result.effect == pytest.approx(0.01, rel=1e-2)


def test_a_gap_that_grows_with_random_labels_too_is_not_because_of_learning():
    result = judged("K15", made(labels=gap(0.01)), made("MNIST, random labels", seeds=(0,), labels=gap(0.01)))
    assert result.verdict == "partly"
    assert result.holds_in_control


def test_a_gap_that_closes_faster_with_random_labels_is_said():
    shuffled = made("MNIST, random labels", seeds=(0,), labels=gap(-0.02))
    text = judged("K15", made(labels=gap(-0.01)), shuffled).text
    assert "With random labels it closes in 4 of 4, in 4 faster than with true ones." in text
    assert "was not seen" in judged("K15", made(labels=gap(-0.01))).text


def test_a_closing_gap_is_not_reproduced():
    assert judged("K15", made(labels=gap(-0.01))).verdict == "not reproduced"


def test_a_gap_that_permuted_labels_have_as_well_is_no_more_than_partly():
    result = judged("K15", made(labels=gap(0.01), permuted=gap(0.01) - 1), made("MNIST, random labels", seeds=(0,)))
    assert all(condition.passes for condition in result.conditions)
    assert result.verdict == "partly"


def test_an_estimate_that_finds_as_much_in_permuted_labels_says_nothing():
    result = judged("K15", made(labels=gap(0.01), permuted=gap(0.01)))
    assert {condition.passes for condition in result.conditions} == {None}
    assert "says nothing" in result.conditions[0].note


def test_vanishing_gradients_are_partly_at_most():
    networks = depths(8, 6, 4)
    small = {2: 1.0, 6: 0.5, 16: 0.1}
    for network, first in zip(networks, small.values(), strict=True):
        norms = network["gradient_norm"].copy()
        norms.loc[{"layer": "1"}] = first
        network["gradient_norm"] = norms
    bare = made("MNIST, no batch norm", seeds=(0,), gradients=[1e-3, *np.ones(15)])
    result = judged("K16", *networks, bare)
    assert all(condition.passes for condition in result.conditions)
    assert result.verdict == "partly"
    assert result.effect == pytest.approx(0.1)
    assert result.conditions[0].control == pytest.approx(1e-3)


def test_gradients_that_grow_towards_the_input_do_not_vanish():
    assert judged("K16", made(gradients=[2.0, *np.ones(15)])).verdict == "not reproduced"


# -- any record ------------------------------------------------------------------------------------------------------


@pytest.fixture
def smoke(smoke_record):
    return smoke_record("deep_mlp")


@pytest.mark.parametrize("claim", [f"K{number}" for number in range(13, 17)])
def test_a_record_without_the_networks_of_the_row_is_not_judged(claim, smoke):
    assert judged(claim, smoke) is None


@pytest.mark.parametrize("claim", ["K13", "K16"])
def test_judges_read_what_the_experiment_gives(claim, smoke):
    result = judged(claim, smoke.assign_coords(network=["MNIST", "MNIST, no weight decay"]))
    assert result.seeds == smoke.sizes["seed"]
    assert np.isfinite(result.effect)


def test_one_network_leaves_out_what_it_has_not(smoke):
    both = join_networks([made("MNIST"), made("MNIST, depth 2", 2, seeds=(0,))])
    shallow = one_network(both, "MNIST, depth 2")
    assert shallow["seed"].values.tolist() == [0]
    assert hidden_layers(shallow) == ["1", "2"]
    assert shallow["pair"].values.tolist() == ["1-2"]
    assert one_network(both, "CIFAR-10") is None
    plain = one_network(smoke, "digits, no weight decay")
    assert information.readings(plain, "I(X;T)", "I(T;Y)") == []
