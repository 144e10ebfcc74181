"""Figures of networks and recordings of one's own: what is drawn is what was read."""

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from torch import nn

from lib.data.population import simulated_session
from lib.figures import own_network
from lib.following import Follower
from lib.measures.weights import weight_plane
from lib.probing import probe, probe_recording


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 7), nn.ReLU(), nn.Linear(7, 3))


def test_each_matrix_is_a_point_in_each_panel(model):
    table = weight_plane(model)
    figure = own_network.weight_planes(table)
    assert len(figure.axes) == 3
    for axes, rule in zip(figure.axes, table["rule"].values, strict=True):
        drawn = {(line.get_xdata()[-1], line.get_ydata()[-1]) for line in axes.lines if len(line.get_xdata())}
        chosen = table.sel(rule=rule)
        for h, c in zip(chosen["h"].values, chosen["c"].values, strict=True):
            assert (h, c) in {(float(x), float(y)) for x, y in drawn}
    plt.close(figure)


def test_a_matrix_without_a_place_is_left_out(model):
    """One of zeros among others, and a training in which all have died."""
    nn.init.zeros_(model[2].weight)
    figure = own_network.weight_planes(weight_plane(model))
    assert all(np.isfinite(axes.get_xlim() + axes.get_ylim()).all() for axes in figure.axes)
    plt.close(figure)
    follow = Follower(model, torch.randn(100, 6), steps=(0, 1), method="plugin")
    for each in range(2):
        figure = own_network.course(follow.course()) if each else None
        follow(each)
        for layer in model[::2]:
            nn.init.zeros_(layer.weight)
    plt.close(figure)
    figure = own_network.course(follow.course())
    assert np.isfinite(figure.axes[3].get_xlim() + figure.axes[3].get_ylim()).all()
    plt.close(figure)


def test_shapes_are_drawn_by_matrix(model):
    table = weight_plane(model)
    figure = own_network.weight_shapes(table)
    np.testing.assert_array_equal(figure.axes[1].lines[0].get_ydata(), table["kurtosis"])
    plt.close(figure)


def test_networks_share_an_axis_of_relative_depth(model):
    x = torch.randn(100, 6)
    full = probe(model, x, method="plugin")
    part = probe(model, x, ["1"], observables=["linearity"])
    figure = own_network.layers({"full": full, "one layer": part})
    assert [len(axes.lines) for axes in figure.axes] == [1, 1, 2, 1]
    assert figure.axes[0].lines[0].get_xdata().tolist() == [0, 1]
    assert figure.axes[2].lines[1].get_xdata().tolist() == [0.5]
    plt.close(figure)


@pytest.mark.parametrize("step", [None, 0, 3])
def test_a_course_is_drawn_up_to_a_step_on_the_same_axes(model, step):
    follow = Follower(model, torch.randn(100, 6), steps=(0, 3, 9), method="plugin")
    for each in range(10):
        follow(each)
    figure = own_network.course(follow.course(), step)
    expected = {None: 3, 0: 1, 3: 2}[step]
    assert len(figure.axes[0].lines[0].get_xdata()) == expected
    assert figure.axes[0].get_xlim() == pytest.approx((0.8, 12.5))
    plt.close(figure)


def test_stimuli_stand_beside_shifted_trains():
    session = simulated_session(20.0, 0, neurons=8, stimuli=("spontaneous", "natural movie"))
    table = probe_recording(session)
    figure = own_network.stimuli(table)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["spontaneous", "natural movie"]
    shifted = figure.axes[2].lines[1].get_xdata()
    np.testing.assert_allclose(shifted, table["shifted_effective_dimension"] / 8)
    plt.close(figure)
