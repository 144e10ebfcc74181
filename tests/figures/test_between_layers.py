"""The figures of chapter 4 draw what the dataset holds, whatever networks it has."""

import numpy as np
import pytest

from lib.claims.between_layers import entropy_steps
from lib.experiments.networks import one_network
from lib.figures import between_layers as figures
from lib.figures import between_layers_numbers as numbers


@pytest.fixture
def texts(deep_mlp):
    """The same numbers under names of the text's networks."""
    return deep_mlp.assign_coords(network=["MNIST", "MNIST, no weight decay"])


def drawn(axes, label):
    return next(line.get_ydata() for line in axes.lines if line.get_label() == label)


def test_steps_are_those_that_are_judged(deep_mlp):
    figure = figures.steps_by_depth(deep_mlp, ["digits"])
    steps = entropy_steps(one_network(deep_mlp, "digits"), "own").mean("seed")
    np.testing.assert_allclose(drawn(figure.axes[0], "trained"), steps.isel(epoch=-1))
    np.testing.assert_allclose(drawn(figure.axes[0], "untrained"), steps.isel(epoch=0))
    kl = one_network(deep_mlp, "digits")["divergence"].sel(edges="common", kind="forwards").isel(epoch=-1).mean("seed")
    np.testing.assert_allclose(drawn(figure.axes[2], "trained"), kl, rtol=1e-6)
    assert len(drawn(figure.axes[2], "no weight decay")) == 1, "a network of two layers has one pair"


def test_sums_stand_above_the_error(texts):
    figure = figures.sums_over_epochs(texts, ["MNIST", "CIFAR-10"])
    assert [axes.get_ylabel() for axes in figure.axes][-1] == "train error (%)"
    error = one_network(texts, "MNIST")["train_off_error"].mean("seed")
    np.testing.assert_allclose(drawn(figure.axes[-1], "as in the text"), 100 * error, rtol=1e-5)


def test_sums_end_where_weights_have_decayed_away(texts):
    texts["sd"].loc[{"network": "MNIST", "part": "hidden", "epoch": 2}] = 0
    kl, error = (figures.sums_over_epochs(texts, ["MNIST"]).axes[row] for row in (2, 3))
    assert list(np.isfinite(drawn(kl, "as in the text"))) == [True, True, False]
    assert np.isfinite(drawn(error, "as in the text")).all()


def test_layers_in_the_plane_draws_every_layer_within_the_limit_curves(deep_mlp):
    figure = figures.layers_in_the_plane(deep_mlp, "digits")
    lower, upper = figure.axes[0].lines[:2]
    paths = [line for line in figure.axes[0].lines[2:] if len(line.get_xdata()) == deep_mlp.sizes["epoch"]]
    assert len(paths) == 3
    for path in paths:
        x, y = path.get_data()
        assert (y >= np.interp(x, *lower.get_data()) - 1e-6).all()
        assert (y <= np.interp(x, *upper.get_data()) + 1e-6).all()


def test_a_network_that_is_not_there_is_named(deep_mlp):
    with pytest.raises(ValueError, match="no network 'CIFAR-10'"):
        figures.layers_in_the_plane(deep_mlp, "CIFAR-10")


def test_estimates_by_depth_draws_every_estimator_and_the_ceiling(deep_mlp):
    figure = figures.estimates_by_depth(deep_mlp, "digits")
    upper, lower = figure.axes[1], figure.axes[3]
    last = deep_mlp["binned_input"].sel(network="digits", unit_bins=4, layer=["1", "2", "3"]).isel(moment=-1)
    np.testing.assert_allclose(drawn(upper, "4 bins"), last.mean("seed"))
    np.testing.assert_allclose(drawn(upper, "ceiling"), np.log2(200))
    assert {"neighbours", "linear probe"} <= {line.get_label() for line in lower.lines}


@pytest.mark.parametrize("estimator", figures.ESTIMATORS)
def test_information_plane_has_a_way_for_each_layer(deep_mlp, estimator):
    figure = figures.information_plane(deep_mlp, figures.with_information(deep_mlp), estimator)
    ways = [
        line
        for line in figure.axes[0].lines
        if len(line.get_xdata()) == deep_mlp.sizes["moment"] and line.get_marker() == "."
    ]
    assert len(ways) == 3


def test_an_unknown_estimator_is_named(deep_mlp):
    with pytest.raises(ValueError, match="no estimate '3 bins'"):
        figures.information_plane(deep_mlp, ["digits"], "3 bins")


def test_last_layers_and_gaps_and_gradients_draw_what_there_is(deep_mlp, texts):
    figure = figures.last_layer_by_depth(texts)
    last = texts["probe_labels"].sel(network="MNIST", layer="3", labels="true").mean("seed")
    np.testing.assert_allclose(drawn(figure.axes[5], "depth 16, 2 seeds"), last)
    figure = figures.gap_over_epochs(deep_mlp, ["digits", "digits, no weight decay"])
    assert len(figure.axes) == 4, "the network without information has no row"
    figure = figures.gradients(deep_mlp, ["digits", "CIFAR-10"])
    assert drawn(figure.axes[0], "digits, 2 seeds")[-1] == pytest.approx(1)
    figure.canvas.draw()


def test_only_networks_with_true_labels_and_information_are_in_the_plane(deep_mlp):
    assert figures.with_information(deep_mlp) == ["digits"]


def test_numbers_are_plain_whatever_the_record_has(deep_mlp, texts):
    for record in (deep_mlp, texts):
        found = numbers.numbers(deep_mlp, record)
        assert found["samples-live"] == 200
        assert all(type(value) in (int, float) for value in found.values())
    assert np.isnan(found["ratio-own-end-cifar"])
    assert found["first-form-mnist"] == pytest.approx(np.log2(64 / 16) / 2)
    assert found["gradient-mnist"] > 0
    sizes = texts["counts"].sel(network="MNIST").isel(epoch=0, seed=0).sum("bin").values
    assert found["gradient-each-mnist"] == pytest.approx(
        found["gradient-mnist"] / np.sqrt(sizes[0] / sizes[2]), abs=0.01
    )
    assert np.isnan(found["without-own-end-mnist"])  # three layers have no deep pairs
    assert np.isnan(found["slope-noise-true-mnist"])  # one moment after the start has no slope
    assert found["ordered-noise-low"] <= found["ordered-noise-high"] <= 2
