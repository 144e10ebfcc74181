"""The judges of K1 to K4 give the right verdict on records whose answer is known."""

import numpy as np
import pytest
import torch
import xarray as xr

from lib import experiments
from lib.claims import judges
from lib.claims._judging import over_seeds
from lib.claims.perceptron import beside_surrogates, settings

SEEDS, EPOCHS = 20, 30


def record(**changes):
    """Return a record in which every walk is random, nothing falls and nothing is transported, but for `changes`.

    A change is a function of the labels' index (0 true, 1 shuffled) that returns the values of a variable over
    (seed, ...).
    """
    rng = np.random.default_rng(0)

    def over(*dims):
        return ("task", "rule", "rate", "labels", "output", "seed", *dims)

    lead = (1, 1, 1, 2, 1, SEEDS)

    def variable(name, default, *axes):
        sizes = {"epoch": EPOCHS, "range": 1}
        shape = tuple(sizes[axis] for axis in axes)
        function = changes.get(name, lambda labels: default)
        values = np.stack([np.broadcast_to(function(labels), (SEEDS, *shape)) for labels in (0, 1)])
        return over(*axes), values.reshape(*lead, *shape) + 1e-6 * rng.standard_normal((*lead, *shape))

    ranged = {
        "exponent": 1.0,
        "exponent_surrogate": 1.0,
        "rejected_ratio_path": 0.02,
        "rejected_ratio_surrogate": 0.02,
        "rejected_adf_path": 0.02,
        "rejected_adf_path_bootstrap": 0.02,
        "rejected_adf_surrogate": 0.01,
        "rejected_adf_displacement": 1.0,
    }
    variables = {name: variable(name, default, "range") for name, default in ranged.items()}
    variables |= {name: variable(name, 1.0, "epoch") for name in ("msd", "driving_norm", "drive")}
    variables |= {name: variable(name, 1.0) for name in ("straightness", "w1_halves")}
    dataset = xr.Dataset(
        variables,
        coords={
            "task": ["digits pairs"],
            "rule": ["rosenblatt"],
            "rate": [1.0],
            "labels": ["true", "shuffled"],
            "seed": np.arange(SEEDS),
            "epoch": np.arange(1, EPOCHS + 1),
            "range": ["0-30"],
        },
    )
    for name in ("w1_start", "w1_end"):
        dims, values = variable(name, 1.0, "epoch")
        dataset[name] = (tuple(d for d in dims if d != "output"), values[:, :, :, :, 0])
    return dataset


def judged(claim, dataset):
    return judges()[claim].function(dataset)


def noisy(mean, spread=0.05):
    return mean + spread * np.linspace(-1, 1, SEEDS)[:, None]


def test_a_random_walk_is_called_one_and_not_because_of_learning():
    result = judged("K1", record(exponent=lambda labels: noisy(1.0)))
    assert result.conditions[0].passes
    assert result.holds_in_control
    assert result.verdict == "partly"


def test_a_random_walk_only_under_learning_is_reproduced():
    result = judged("K1", record(exponent=lambda labels: noisy(1.0 if labels == 0 else 0.5)))
    assert result.verdict == "reproduced"
    assert not result.holds_in_control


@pytest.mark.parametrize(
    "changes",
    [
        {"exponent": lambda labels: noisy(0.6)},
        {"exponent": lambda labels: noisy(1.0), "rejected_ratio_path": lambda labels: noisy(0.5)},
    ],
    ids=["sub-diffusive", "ratio rejects"],
)
def test_what_is_no_random_walk_is_not_called_one(changes):
    assert judged("K1", record(**changes)).verdict == "not reproduced"


@pytest.mark.parametrize(("walk", "surrogate", "passes"), [(0.6, 1.0, 1), (0.8, 0.9, 0), (1.4, 0.9, 0)])
def test_walks_are_compared_with_their_own_surrogates(walk, surrogate, passes):
    """Shrinking steps alone fail the test: what counts beside it is the difference, which decides no verdict."""
    dataset = record(exponent=lambda labels: noisy(walk), exponent_surrogate=lambda labels: noisy(surrogate, 0.01))
    lower = int(walk < surrogate)
    assert beside_surrogates(dataset) == {"settings": 1, "pass": passes, "lower": lower, "higher": 1 - lower}
    result = judged("K1", dataset)
    assert f"{passes} of 1 pass both tests" in result.control
    assert f"difference to it {walk - surrogate:+.3f}" in result.conditions[0].note
    assert result.verdict == "not reproduced"


def test_a_walk_like_its_surrogate_is_neither_lower_nor_higher():
    dataset = record(exponent=lambda labels: noisy(0.9), exponent_surrogate=lambda labels: noisy(0.9, -0.05))
    assert beside_surrogates(dataset) == {"settings": 1, "pass": 0, "lower": 0, "higher": 0}


def test_a_walk_that_has_stopped_is_no_random_walk():
    stopped = record(exponent=lambda labels: np.full((SEEDS, 1), np.nan)).assign_coords(task=["stopped"])
    result = judged("K1", xr.concat([record(exponent=lambda labels: noisy(1.0)), stopped], "task"))
    assert result.verdict == "partly"
    assert "had stopped" in result.conditions[1].note


def test_transport_that_goes_on_all_the_way_is_reproduced_beyond_a_standing_control():
    epochs = np.arange(1, EPOCHS + 1)

    def away(labels):
        return epochs * 1.0 if labels == 0 else 1.0

    def towards(labels):
        return EPOCHS - epochs * 1.0 if labels == 0 else 1.0

    result = judged("K2", record(w1_start=away, w1_end=towards))
    assert result.verdict == "reproduced"
    assert result.effect == pytest.approx(1.0)
    assert result.conditions[0].control == pytest.approx(0.0, abs=0.2)


def test_transport_that_turns_back_is_not():
    epochs = np.arange(1, EPOCHS + 1)
    result = judged("K2", record(w1_start=lambda labels: np.minimum(epochs, EPOCHS - epochs) * 1.0))
    assert result.verdict == "not reproduced"


def falling(last):
    return lambda labels: np.linspace(1.0, last if labels == 0 else 1.0, EPOCHS)


def test_falling_steps_are_reproduced_with_what_is_left_of_the_trend():
    result = judged("K3", record(msd=falling(0.1)))
    assert result.verdict == "reproduced"
    assert result.effect == pytest.approx(0.1, abs=1e-3)
    assert "1.00 of the first epoch's value is left" in result.text.replace("1.00 to 1.00", "1.00")


def test_steps_that_fall_little_are_not():
    assert judged("K3", record(msd=falling(0.8))).verdict == "not reproduced"


def test_steps_that_fall_under_shuffled_labels_too_are_not_because_of_learning():
    result = judged("K3", record(msd=lambda labels: np.linspace(1.0, 0.1, EPOCHS)))
    assert result.verdict == "partly"
    assert result.holds_in_control


def test_no_mistake_in_the_last_epoch_is_said():
    dataset = record(msd=falling(0.0))
    dataset["driving_norm"] = dataset["driving_norm"].where(dataset["epoch"] < EPOCHS)
    other = record(msd=falling(0.2)).assign_coords(task=["other"])
    result = judged("K3", xr.concat([dataset, other], "task"))
    assert "nothing to divide by" in result.conditions[0].note


def test_dickey_fuller_says_that_the_text_gives_no_result():
    result = judged("K4", record(rejected_adf_path_bootstrap=lambda labels: noisy(0.6)))
    assert result.text.startswith("The text gives no result")
    path, displacement = result.conditions
    assert path.passes
    assert path.holds_in_control
    assert not displacement.passes
    assert result.verdict == "partly"
    assert result.control.startswith("random labels, calibrated as well: 0.60 rejected")


def test_dickey_fuller_counts_where_random_labels_are_rejected_more():
    result = judged("K4", record(rejected_adf_path_bootstrap=lambda labels: noisy(0.5 + 0.2 * labels)))
    assert "random labels: 0.70, more than with true ones in 1 of 1 settings" in result.text


def test_dickey_fuller_leaves_out_what_has_stopped():
    stopped = record(rejected_adf_path_bootstrap=lambda labels: np.full((SEEDS, 1), np.nan)).assign_coords(
        task=["stopped"]
    )
    result = judged("K4", xr.concat([record(), stopped], "task"))
    paths = {condition.name.split(", ")[1] for condition in result.conditions if condition.name.startswith("path")}
    assert paths == {"digits pairs"}


def test_judges_read_what_the_experiment_gives():
    config = experiments.get("perceptron").config("smoke")
    result = experiments.get("perceptron").run(config, device=torch.device("cpu"))
    for claim in ("K1", "K2", "K3", "K4"):
        judgement = judged(claim, result)
        assert judgement.seeds == len(config.seeds)
        assert np.isfinite(judgement.effect)


def test_settings_are_named_and_seeds_without_a_number_left_out():
    names = [name for name, _ in settings(record(), "range")]
    assert names == ["digits pairs, Rosenblatt, rate 1, epochs 0-30"]
    values = xr.DataArray([[1.0, np.nan], [np.nan, np.nan]], dims=("output", "seed"))
    np.testing.assert_array_equal(over_seeds(values), [1.0])
