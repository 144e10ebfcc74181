"""Subsets, disagreement and stopping of chapter 3: against closed forms and made predictions."""

import numpy as np
import pytest
import xarray as xr

from lib.figures import reproducibility as figures
from lib.measures.statistics import difference_interval
from lib.measures.subsets import subset_accuracies


def made(shift: np.ndarray, complexity: np.ndarray, **variables) -> xr.Dataset:
    """A network with given predictions (epoch, seed, sample) and complexity (seed, epoch) under entropy 1."""
    epochs = complexity.shape[1]
    error = (shift != 0).mean(axis=-1).T
    curve = (("seed", "epoch", "rule", "bins", "part"), complexity[:, :, None, None, None])
    return xr.Dataset(
        {
            "entropy": xr.ones_like(xr.DataArray(curve[1], dims=curve[0])),
            "disequilibrium": curve,
            "sd": (("seed", "epoch", "part"), np.ones((*complexity.shape, 1))),
            "shift": (("epoch", "seed", "sample"), shift.astype(np.uint8)),
            "test_error": (("seed", "epoch"), error),
            **variables,
        },
        coords={"rule": ["own"], "bins": [256], "part": ["hidden"], "epoch": np.arange(epochs)},
    )


def test_stops_follow_complexity_and_validation_loss():
    complexity = np.zeros((2, 51))
    complexity[0, 11], complexity[1, 30] = 1, 1
    complexity[:, 1:-1] += np.maximum(0, 0.5 - 0.05 * np.abs(np.arange(1, 50) - np.array([[11], [30]])))
    loss = 1 + 0.01 * np.abs(np.arange(51) - np.array([[20], [25]]))
    shift = np.zeros((51, 2, 10))
    network = made(shift, complexity, validation_loss=(("seed", "epoch"), loss))
    found = figures.stops(network)
    assert np.concatenate(found["peak of C"]).tolist() == [11, 30]
    assert np.concatenate(found["lowest validation loss"]).tolist() == [20, 25]
    assert np.shape(found["epochs 20 to 35"]) == (16, 2)
    assert np.concatenate(found["last epoch"]).tolist() == [50, 50]
    assert "lowest validation loss" not in figures.stops(network.drop_vars("validation_loss"))
    assert set(figures.stops(network.isel(epoch=slice(10)))) == {"peak of C", "lowest validation loss", "last epoch"}


def test_stopped_networks_are_compared_each_at_its_own_stop():
    complexity = 1 - 0.2 * np.abs(np.arange(7) - np.array([[2], [4]]))
    shift = np.zeros((7, 2, 10))
    shift[2, 0, :4] = 3  # seed 0 at its peak is wrong on the first four images
    shift[4, 1, 2:4] = 3  # seed 1 makes the same mistake on two of these
    found = figures.stopped(made(shift, complexity))
    assert found["peak of C"]["epoch"].tolist() == [2, 4]
    assert found["peak of C"]["accuracy"].tolist() == pytest.approx([0.6, 0.8])
    assert found["peak of C"]["differ"].tolist() == pytest.approx([0.2, 0.2])  # of each seed with the other
    assert found["last epoch"]["accuracy"].tolist() == [1, 1]
    assert found["last epoch"]["differ"].tolist() == [0, 0]


def test_images_that_a_set_has_not_are_left_out():
    shift = np.zeros((2, 1, 6))
    shift[..., 4:] = 255
    assert figures.runs_of(made(shift, np.zeros((1, 2)))).answers.shape == (1, 2, 4)


def test_figures_draw_with_two_seeds_and_with_one(deep_mlp):
    one = deep_mlp.isel(seed=[1])
    for record in (deep_mlp, one):
        figure = figures.reproducibility(record, "digits")
        figure.canvas.draw()
        assert all(axes.get_xlabel() and axes.get_ylabel() for axes in figure.axes)
        figures.stopping(record).canvas.draw()
    assert any("one seed" in text.get_text() for text in figure.axes[2].texts)


def test_disagreement_is_drawn_over_that_at_the_last_epoch(deep_mlp):
    found = figures.stopped(deep_mlp.sel(network="digits"))
    ratio = found["peak of C"]["differ"] / found["last epoch"]["differ"]
    shown = figures.stopping(deep_mlp).axes[2]
    marks = [float(each.lines[0].get_xdata()[0]) for each in shown.containers]
    assert marks[0] == pytest.approx(ratio.mean())
    low, high = shown.get_xlim()
    assert all(low < mark < high for mark in marks)


def test_drawn_accuracies_are_of_subsets(deep_mlp):
    figure = figures.reproducibility(deep_mlp, "digits")
    chosen = deep_mlp.sel(network="digits")
    correct = (chosen["shift"] == 0).transpose("seed", "epoch", "sample").values
    first = subset_accuracies(correct[0], correct.shape[-1] // 2, draws=20, generator=np.random.default_rng((25, 0)))
    expected = 100 * first.mean(axis=-1)
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), expected)


def test_numbers_are_plain(deep_mlp):
    found = figures.numbers(deep_mlp, deep_mlp.isel(seed=[0]))
    assert all(type(value) in (int, float) for value in found.values())
    assert found["draws-error"] == 16


def test_agreement_at_the_peak_is_set_beside_the_end_s():
    """Three seeds that peak at epoch 2, where one of them is wrong on four of ten images; at the end all are right."""
    complexity = np.tile(1 - 0.2 * np.abs(np.arange(7) - 2), (3, 1))
    shift = np.zeros((7, 3, 10))
    shift[2, 0, :4] = 3
    loss = np.tile(np.arange(7.0)[::-1], (3, 1))
    network = made(shift, complexity, validation_loss=(("seed", "epoch"), loss)).assign_coords(seed=[0, 1, 2])
    found = figures.numbers_of_agreement(network)
    differ = np.array([0.4, 0.2, 0.2])
    assert found["disagree-peak"] == found["further-end"] == round(100 * differ.mean(), 2)
    expected = difference_interval(100 * differ, np.zeros(3))
    assert (found["further-held-low"], found["further-held-high"]) == pytest.approx(
        (expected.low, expected.high), abs=0.005
    )
    assert found["peak-clock"] == 2
    assert found["further-clock"] == found["further-end"]  # all peak at that epoch
    assert found["last-held"] == 6
    assert np.isnan(figures.numbers_of_agreement(None)["further-end-low"])
