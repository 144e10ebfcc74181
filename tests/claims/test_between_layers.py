"""The judges of K8 to K12 give the right verdict on records whose answer is known."""

import numpy as np
import pytest
import xarray as xr

from .layers_record import EPOCHS, FALLING, FLAT, dips, judged, made, over_time

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
        f"{network}, own range",
        f"{network}, fixed edges",
    }


def test_steps_that_do_not_fall_with_depth_are_not_reproduced():
    assert judged("K8", made(), *controls("MNIST")).verdict == "not reproduced"


def test_steps_that_fall_before_training_are_not_because_of_learning():
    result = judged("K8", made(steps=over_time(FALLING, FALLING)), *controls("MNIST"))
    assert result.verdict == "partly"
    assert result.holds_in_control


def test_ratios_without_the_first_pair_are_said():
    """A first pair that differs before training, as its layers have other shapes, makes a ratio that is low at once."""
    first, falling = np.array([0.5, *14 * [0.01]]), FALLING * 0.1
    result = judged("K8", made(steps=over_time(first, falling)))
    assert result.conditions[0].control < 0.1
    assert "Without the pair 1-2 the ratio is 0.10 at the last epoch and 1.0" in result.text
    assert "without the pair 1-2, whose layers differ in shape, 0.10, and untrained 1.0" in result.conditions[0].note


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


def test_epochs_after_the_weights_have_decayed_away_do_not_count():
    """Of bins around rounding errors nothing follows, neither in the trained network nor in its control."""
    rng = np.random.default_rng(3)
    noise, wavy = rng.random(EPOCHS + 1), np.linspace(1, 0.2, EPOCHS + 1) + 0.4 * np.sin(np.arange(EPOCHS + 1))
    gone = np.arange(EPOCHS + 1) > 12

    def over_epochs(after):
        """Let sums follow the error up to epoch 12, and go on as told while the weights are 0."""
        given = resembling("MNIST", noise, np.where(gone, after, noise)), resembling("CIFAR-10", wavy)
        given[0]["sd"] = given[0]["sd"].where(xr.DataArray(~gone, dims="epoch"), 1e-9)
        found = {condition.name: condition.effect for condition in judged("K11", *given).conditions}
        return {name: effect for name, effect in found.items() if name.startswith("MNIST, summed")}

    assert over_epochs(noise) == over_epochs(1 - noise)
    assert len(over_epochs(noise)) == 3
    assert all(effect > 0.9 for effect in over_epochs(noise).values())


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


# -- any record ------------------------------------------------------------------------------------------------------


@pytest.fixture
def smoke(smoke_record):
    return smoke_record("deep_mlp")


@pytest.mark.parametrize("claim", [f"K{number}" for number in range(8, 13)])
def test_a_record_without_the_networks_of_the_row_is_not_judged(claim, smoke):
    assert judged(claim, smoke) is None


@pytest.mark.parametrize("claim", ["K11"])
def test_judges_read_what_the_experiment_gives(claim, smoke):
    result = judged(claim, smoke.assign_coords(network=["MNIST", "MNIST, no weight decay"]))
    assert result.seeds == smoke.sizes["seed"]
    assert np.isfinite(result.effect)
