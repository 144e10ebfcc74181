"""Figures of the training response."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from lib.figures import training_response as figures

NAMES = ("ReLU", "ELU", "ReLU, 10 % wrong")


@pytest.fixture
def made(smoke_record):
    return smoke_record("training_response")


@pytest.mark.parametrize(
    "draw",
    [
        figures.decay,
        lambda record: figures.exponents_by_rate(record, NAMES),
        figures.by_rate,
        lambda record: figures.by_rate(record, ("ReLU, target 0.7",)),
        figures.activations,
        figures.kernels,
        lambda record: figures.at_epoch(record, int(record["profile_epoch"][1])),
        figures.regression,
        figures.explained,
        lambda record: figures.scatter_of_seeds(record, NAMES[::2]),
    ],
)
def test_every_panel_has_curves_and_names(made, draw):
    figure = draw(made)
    figure.canvas.draw()
    assert all(axes.lines for axes in figure.axes)
    assert figure.axes[0].get_ylabel()
    assert all(axes.get_xlabel() for axes in figure.axes if axes.get_subplotspec().is_last_row())
    plt.close(figure)


def test_the_response_is_that_of_the_record(made):
    figure = figures.decay(made, ("ReLU",))
    line = figure.axes[0].lines[0]
    response = made["response"].sel(setting="ReLU", rate=0.1).isel(epoch=slice(1, None))
    np.testing.assert_allclose(line.get_ydata(), np.exp(np.log(response).mean("seed")), rtol=1e-5)
    plt.close(figure)


def test_numbers_are_those_of_the_record(made):
    found = figures.numbers(made, "live")
    assert found["rate-live"] == 0.1
    assert found["seeds-live"] == 6
    assert found["elu-negative-untrained-live"] == pytest.approx(
        100 * float(made["negative"].sel(setting="ELU", rate=0.1).isel(epoch=0).mean()), abs=1e-3
    )
    assert found["divided-lowest-live"] <= found["relu-divided-live"] <= found["divided-highest-live"]
    assert "6 seeds" in figures.caption_of(made)


def test_a_regression_is_drawn_until_its_error_is_rounding(made):
    rounded = made.assign(error=made["error"].where(made["epoch"] < 20, 1e-14))
    figure = figures.by_rate(rounded, ("ReLU, target 0.7",))
    assert figure.axes[0].lines[0].get_xdata().max() < 20
    plt.close(figure)
