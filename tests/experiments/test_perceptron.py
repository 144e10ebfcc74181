"""The perceptron experiment: what is stored is what the walks did."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from lib import data, experiments
from lib.experiments import _walk_statistics as statistics
from lib.experiments import perceptron
from lib.experiments._rounding import to_four_digits
from lib.models.perceptron import OnlinePerceptrons, uniform_weights

CPU = torch.device("cpu")
SMALL = replace(perceptron.PRESETS["smoke"], seeds=(0, 1), seeds_together=2)


def silent(fraction, message):
    pass


@pytest.fixture(scope="module")
def result():
    return perceptron.run(SMALL, device=CPU, progress=silent)


def plain_walk(digit, rule, rate, seed, epochs=3):
    """Return the path of one chain on one pair of digits, one sample at a time."""
    images = data.load("digits")
    index, signs = data.pair(images.y_train, digit, digit + 1, dtype=torch.float64)
    inputs = images.vectors("train", dtype=torch.float64)[index]
    unit = OnlinePerceptrons(
        inputs,
        signs[None, None],
        uniform_weights((1, inputs.shape[1]), torch.Generator().manual_seed(seed))[None],
        [rule],
        [rate],
        block=1,
    )
    path = [unit.weights[0, 0]]
    for epoch in range(epochs):
        for _ in unit.learn(data.epoch_orders(len(index), (seed,), epoch)):
            path.append(unit.weights[0, 0])
    return torch.stack(path), len(index)


@pytest.mark.parametrize("rule", ["rosenblatt", "logistic"])
@pytest.mark.parametrize("seed", [0, 1])
def test_mean_squared_step_is_that_of_the_path(result, rule, seed):
    path, samples = plain_walk(8, rule, 1.0, seed)
    expected = (path.diff(dim=0) ** 2).sum(-1).reshape(-1, samples).mean(-1)
    found = result["msd"].sel(task="digits pairs", rule=rule, rate=1.0, labels="true", output=8, seed=seed)
    np.testing.assert_allclose(found, expected, rtol=2e-4)


def test_shares_and_exponents_are_those_of_the_path(result):
    path, samples = plain_walk(8, "logistic", 0.01, 0)
    stride = int(np.ceil(2 * samples / (SMALL.points - 1)))
    thinned = path[samples::stride][None, None]
    alone = statistics.range_statistics(
        thinned,
        stride,
        (0,),
        ratio_span=SMALL.ratio_span,
        null_statistics=SMALL.null_statistics,
        steps=statistics.lags(SMALL.points),
    )
    chosen = result.sel(task="digits pairs", rule="logistic", rate=0.01, labels="true", output=8, seed=0, range="1-3")
    for name in ("exponent", "variance_ratio", "constant", "rejected_adf_path", "rejected_ratio_path"):
        np.testing.assert_allclose(chosen[name], alone[name].squeeze(), rtol=2e-4, err_msg=name)


def test_distances_are_those_of_the_ends_of_epochs(result):
    path, samples = plain_walk(8, "rosenblatt", 1.0, 1)
    ends = path[::samples].sort(dim=-1).values
    config = replace(SMALL, outputs=(8,), seeds=(1,), tasks=("digits pairs",))
    alone = perceptron.run(config, device=CPU, progress=silent)
    chosen = alone.sel(task="digits pairs", rule="rosenblatt", rate=1.0, labels="true", seed=1)
    np.testing.assert_allclose(chosen["w1_start"], (ends[1:] - ends[0]).abs().mean(-1), rtol=2e-4)
    np.testing.assert_allclose(chosen["w1_end"], (ends[1:] - ends[-1]).abs().mean(-1), rtol=2e-4, atol=1e-9)


def test_seeds_do_not_know_of_each_other(result):
    alone = perceptron.run(replace(SMALL, seeds=(1,)), device=CPU, progress=silent)
    for name in result.data_vars:
        if "seed" in result[name].dims:
            np.testing.assert_allclose(
                result[name].sel(seed=[1]), alone[name], rtol=1e-3, atol=1e-4, equal_nan=True, err_msg=str(name)
            )


def test_learning_makes_fewer_mistakes_and_shuffled_labels_do_not(result):
    mistakes = result["mistakes"].sel(task="digits pairs", rate=1.0).mean(("seed", "output", "rule"))
    assert float(mistakes.sel(labels="true").isel(epoch=-1)) < 0.05
    assert float(mistakes.sel(labels="shuffled").isel(epoch=-1)) > 0.35


def test_random_signs_make_a_random_walk(result):
    chosen = result.sel(task="digits one-vs-rest", labels="shuffled").isel(range=-1)
    assert float(chosen["exponent_surrogate"].mean()) == pytest.approx(1.0, abs=0.08)
    assert float(chosen["rejected_ratio_surrogate"].mean()) < 0.12


def test_everything_has_a_name_and_a_unit(result):
    for name in (*result.data_vars, "lag", "level", "snapshot", "rate", "seed", "output", "time"):
        assert {"long_name", "units"} <= set(result[name].attrs), name


def test_four_digits_are_kept_and_gaps_stay_gaps():
    values = np.float32([0.0, 1.0, -np.pi, 1e-30, 12345.678, np.nan, np.inf])
    kept = to_four_digits(xr.Dataset({"x": ("t", values)}))["x"].values
    np.testing.assert_allclose(kept, values, rtol=1.3e-4)
    assert kept[1] == 1.0


def test_margin_is_that_of_a_separating_plane():
    inputs = torch.tensor([[1.0, 0.0], [2.0, 0.5], [0.0, 1.0]], dtype=torch.float64)
    separable = torch.tensor([1.0, 1.0, -1.0], dtype=torch.float64)
    assert statistics.margin_of(inputs, separable) == pytest.approx(0.5**0.5, abs=0.01)
    assert np.isnan(statistics.margin_of(inputs, torch.tensor([1.0, -1.0, 1.0], dtype=torch.float64)))
    assert np.isnan(statistics.margin_of(torch.ones(5001, 1), torch.ones(5001)))


def test_mistakes_stay_below_novikoffs_bound(result):
    chosen = result.sel(task="digits pairs", rule="rosenblatt", rate=1.0, labels="true")
    samples = np.array([len(data.pair(data.load("digits").y_train, d, d + 1)[0]) for d in (0, 8)])
    made = (chosen["mistakes"].sum("epoch") * xr.DataArray(samples, dims="output")).max("seed")
    bound = (chosen["radius"] / chosen["margin"]) ** 2
    assert bool((made < bound).all())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tasks": ("digits trios",)}, "Unknown task 'digits trios'"),
        ({"ranges": ((0, 4),)}, "within the 3 epochs"),
        ({"ranges": ((2, 2),)}, "must be pairs first < last"),
    ],
)
def test_wrong_settings_get_one_sentence(change, message):
    with pytest.raises(ValueError, match=message):
        perceptron.run(replace(SMALL, **change), device=CPU, progress=silent)


def test_paper_preset_is_at_the_size_named():
    config = experiments.get("perceptron").presets["paper"]
    assert "mnist one-vs-rest" in config.tasks
    assert len(config.seeds) >= 20
    assert config.points == 1_000


def test_progress_rises_to_the_end():
    seen = []
    perceptron.run(
        replace(SMALL, tasks=("digits pairs",), outputs=(0,), seeds=(0,)),
        device=CPU,
        progress=lambda fraction, message: seen.append(fraction),
    )
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")
def test_a_gpu_gives_the_same(result):
    other = perceptron.run(SMALL, device=torch.device("cuda"), progress=silent)
    np.testing.assert_allclose(other["msd"], result["msd"], rtol=1e-3, atol=1e-8)
