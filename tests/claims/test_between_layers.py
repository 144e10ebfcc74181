"""The judges of K8 to K16 give the right verdict on records whose answer is known."""

import numpy as np
import pytest
import xarray as xr

from lib.claims import JUDGES, information
from lib.experiments.networks import hidden_layers, join_networks, one_network

EPOCHS, MOMENTS = 20, (0, 1, 3, 10, 20)
CLAIMS = [f"K{number}" for number in range(8, 17)]
FLAT, FALLING = np.ones(15), np.array([*4 * [1.0], *11 * [0.1]])


def over_time(start, end, count=EPOCHS + 1):
    """Go from one array to another, first axis epoch."""
    start, end = (np.asarray(each, dtype=float) for each in (start, end))
    share = np.linspace(0, 1, count).reshape(-1, *[1] * start.ndim)
    return (1 - share) * start + share * end


def made(
    name="MNIST",
    depth=16,
    seeds=(0, 1, 2),
    *,
    steps=None,
    divergence=None,
    curves=None,
    error=None,
    gradients=None,
    inputs=None,
    labels=None,
    permuted=None,
):
    """Return a record of one network whose layers are alike and do not change, but for what is given.

    In bits, of the hidden layers: steps and divergence (epoch, pair); curves, H and C (epoch, layer) each; inputs,
    labels and permuted (moment, layer), the same by every estimator. Also error (epoch,) and gradients (layer,).
    """
    rng = np.random.default_rng(sum(map(ord, name)))
    hidden = [str(layer) for layer in range(1, depth + 1)]
    epochs, pairs = EPOCHS + 1, [f"{layer}-{layer + 1}" for layer in range(1, depth)]
    steps = np.full((epochs, depth - 1), 0.01) if steps is None else steps
    entropy, complexity = curves or (
        7 - np.concatenate([np.zeros((epochs, 1)), np.cumsum(steps, axis=1)], axis=1),
        np.full((epochs, depth), 2.0),
    )

    def array(values, *dims, more=0, size=1e-4, **axes):
        """Repeat over seeds with a little noise, over `axes` without; add `more` layers or parts of ones at the end."""
        values = np.concatenate([values, np.ones((*np.shape(values)[:-1], more))], axis=-1)
        values = values + size * rng.standard_normal((len(seeds), *values.shape))
        return xr.DataArray(values, dims=("seed", *dims)).expand_dims(axes)

    def information(values, default, **axes):
        values = np.full((len(MOMENTS), depth), default) if values is None else values
        return array(values, "moment", "layer", more=1, size=1e-5, **axes)

    of_labels = xr.concat([information(labels, 2.0), information(permuted, 0.2)], "labels")
    error = array(np.linspace(0.9, 0.1, epochs) if error is None else error, "epoch")
    gradients = np.broadcast_to(np.ones(depth) if gradients is None else gradients, (epochs, depth))
    rules, edges = {"rule": ["own", "fixed"], "bins": [256]}, {"edges": ["common", "fixed"]}
    kinds = {"kind": ["forwards", "backwards", "jensen-shannon"]}
    halves = {"measure": ["kl", "jensen-shannon", "entropy difference"]}
    moments = {"low": -0.5, "high": 0.5, "mean": 0.0, "sd": 0.1}
    bins, noises = {"unit_bins": [4]}, {"noise": [1.0], "bound": ["low", "high"]}
    return xr.Dataset(
        {
            **dict.fromkeys(("test_error", "train_error", "train_off_error"), error),
            **{each: array(np.full((epochs, depth + 3), v), "epoch", "part", size=0) for each, v in moments.items()},
            "gradient_norm": array(gradients, "epoch", "layer", more=1, size=0),
            "entropy": array(entropy, "epoch", "part", more=3, **rules),
            "disequilibrium": array(complexity / entropy, "epoch", "part", more=3, size=1e-6, **rules),
            "divergence": array(steps if divergence is None else divergence, "epoch", "pair", **edges, **kinds),
            "halves": array(np.full((epochs, depth), 1e-3), "epoch", "half", **edges, **halves),
            "binned_input": information(inputs, 8.0, **bins),
            "kernel_input": information(inputs, 8.0, **noises),
            "binned_labels": of_labels.expand_dims(bins),
            "kernel_labels": of_labels.expand_dims(noises),
            "neighbour_labels": of_labels,
            "probe_labels": of_labels,
            "probe_accuracy": of_labels / 4,
            "ceiling": 11.0,
        },
        coords={
            "seed": list(seeds),
            "epoch": np.arange(epochs),
            "moment": list(MOMENTS),
            "layer": [*hidden, "output"],
            "part": [*hidden, "output", "hidden", "all"],
            "pair": pairs,
            "half": hidden,
            "labels": ["true", "permuted"],
        },
    ).expand_dims(network=[name])


def judged(claim, *networks):
    return JUDGES[claim].function(join_networks(networks) if len(networks) > 1 else networks[0])


def dips(layers, depth=16):
    """H falls; C rises everywhere, and in the given layers (from 1) turns back in the middle."""
    epochs = np.linspace(0, 1, EPOCHS + 1)[:, None]
    complexity = np.repeat(1 + epochs, depth, axis=1)
    complexity[:, [layer - 1 for layer in layers]] = 2 - 4 * (epochs - 0.5) ** 2
    return np.repeat(6 - epochs, depth, axis=1), complexity


# -- entropy and divergence ------------------------------------------------------------------------------------------


def controls(network):
    """The two controls of a network, both with the same steps everywhere."""
    return [made(f"{network}, {kind}", seeds=(0,)) for kind in ("random labels", "no weight decay")]


@pytest.mark.parametrize(("claim", "network"), [("K8", "MNIST"), ("K9", "CIFAR-10")])
def test_steps_that_come_to_fall_with_depth_are_reproduced(claim, network):
    result = judged(claim, made(network, steps=over_time(FLAT * 0.1, FALLING * 0.1)), *controls(network))
    assert result.verdict == "reproduced"
    assert result.effect == pytest.approx(0.1, abs=0.02)
    assert result.conditions[0].control == pytest.approx(1.0, abs=0.05)
    assert {condition.name for condition in result.conditions} == {
        f"{network}, range of each epoch",
        f"{network}, fixed edges",
    }


def test_steps_that_do_not_fall_with_depth_are_not_reproduced():
    assert judged("K8", made(), *controls("MNIST")).verdict == "not reproduced"


def test_steps_that_fall_before_training_are_not_because_of_learning():
    result = judged("K8", made(steps=over_time(FALLING, FALLING)), *controls("MNIST"))
    assert result.verdict == "partly"
    assert result.holds_in_control


def test_steps_that_fall_with_random_labels_too_are_not_because_of_learning():
    falling = over_time(FLAT * 0.1, FALLING * 0.1)
    others = [made("MNIST, random labels", seeds=(0,), steps=falling), made("MNIST, no weight decay", seeds=(0,))]
    result = judged("K8", made(steps=falling), *others)
    assert result.verdict == "partly"
    assert result.holds_in_control


def test_one_seed_and_missing_controls_are_said():
    result = judged("K8", made(seeds=(0,), steps=over_time(FLAT * 0.1, FALLING * 0.1)))
    assert result.verdict == "partly"
    assert result.conditions[0].interval is None
    assert "One seed in 2 of 2" in result.text
    assert "Not run: MNIST, random labels; MNIST, no weight decay" in result.text


def test_divergences_are_judged_in_both_directions_on_both_sets():
    falling = over_time(FLAT * 0.1, FALLING * 0.1)
    result = judged("K10", made("MNIST", divergence=falling), made("CIFAR-10", divergence=falling))
    assert result.verdict == "reproduced"
    assert len(result.conditions) == 6
    assert judged("K10", made("MNIST", divergence=falling), made("CIFAR-10")).verdict == "partly"
    assert judged("K10", made("MNIST", divergence=falling)).verdict == "partly"
    assert judged("K10", made("MNIST"), made("CIFAR-10")).verdict == "not reproduced"


def resembling(name, error, other_error=None, **options):
    """Sums that follow `other_error` up to noise, in a network that has `error`."""
    rng = np.random.default_rng(len(name))
    follows = error if other_error is None else other_error
    profile = np.linspace(1, 0.1, 15) * (0.05 + follows[:, None]) * (1 + 1e-3 * rng.random((EPOCHS + 1, 1)))
    return made(name, error=error, steps=profile / 10, divergence=profile, **options)


def test_sums_that_follow_the_error_beyond_the_epoch_resemble_it():
    wavy = np.linspace(1, 0.2, EPOCHS + 1) + 0.4 * np.sin(np.arange(EPOCHS + 1))
    flat = np.random.default_rng(3).random(EPOCHS + 1)
    unlike = resembling("MNIST, random labels", flat, flat[::-1], seeds=(0,))
    result = judged("K11", resembling("MNIST", wavy), resembling("CIFAR-10", wavy), unlike)
    over_epochs = [condition for condition in result.conditions if condition.name.endswith("over epochs")]
    assert len(over_epochs) == 6
    assert all(condition.passes and not condition.holds_in_control for condition in over_epochs)
    over_depth = [condition for condition in result.conditions if condition.name.endswith("over depth")]
    # profiles are alike before training too
    assert all(condition.passes and condition.holds_in_control for condition in over_depth)
    assert result.verdict == "partly"


def test_two_monotone_curves_resemble_each_other_by_the_epoch_alone():
    result = judged("K11", resembling("MNIST", np.linspace(1, 0.2, EPOCHS + 1)))
    assert all(condition.passes and condition.holds_in_control for condition in result.conditions)


def test_sums_that_rise_do_not_resemble_a_falling_error():
    falling = np.linspace(1, 0.2, EPOCHS + 1)
    assert judged("K11", resembling("MNIST", falling, falling[::-1])).verdict == "not reproduced"


# -- the plane -------------------------------------------------------------------------------------------------------


def test_deep_layers_past_their_peak_and_early_ones_not_are_reproduced():
    both = [made(name, curves=dips(range(7, 17))) for name in ("MNIST", "CIFAR-10")]
    result = judged("K12", *both, made("MNIST, no weight decay", curves=dips([]), seeds=(0,)))
    assert result.verdict == "reproduced"
    assert result.effect == 1
    assert len(result.conditions) == 8


def test_the_same_without_weight_decay_is_said():
    both = [made(name, curves=dips(range(7, 17))) for name in ("MNIST", "MNIST, no weight decay")]
    result = judged("K12", *both)
    assert result.holds_in_control
    assert result.verdict == "partly"


@pytest.mark.parametrize("layers", [range(1, 17), [], range(1, 7)], ids=["all", "none", "the early ones"])
def test_other_layers_past_their_peak_are_not_what_is_stated(layers):
    assert judged("K12", made(curves=dips(layers))).verdict == "not reproduced"


# -- information -----------------------------------------------------------------------------------------------------


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
    assert "2 of 2 are at their ceiling" in result.text


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


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_record_without_the_networks_of_the_row_is_not_judged(claim, smoke):
    assert judged(claim, smoke) is None


@pytest.mark.parametrize("claim", ["K11", "K13", "K16"])
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
