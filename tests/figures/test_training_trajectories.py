"""Figures of residual networks along training, on courses made by hand."""

import numpy as np
import pytest

from lib.claims import _residual_tasks as tasks
from lib.figures import training_trajectories as figures
from lib.figures.residual_tasks import networks

from ..claims.residual_record import network, record


@pytest.fixture(scope="module")
def shown():
    falling = network("CIFAR-10", seeds=3, shared=lambda t: 0.4 * np.maximum(t, 0.5) ** -0.24)
    return networks(record(falling, network("CIFAR-10_T8", seeds=3, epochs=4)))


def test_courses_are_drawn_at_every_stored_epoch(shown):
    figure = figures.courses(shown)
    figure.canvas.draw()
    errors, _, dimension, complexity, linearity, shared = figure.axes
    assert all(axes.get_xlabel() == "epoch" and axes.get_ylabel() for axes in figure.axes)
    chosen = shown[0]
    np.testing.assert_allclose(errors.lines[0].get_ydata(), chosen["test_error"].mean("seed"))
    for axes, quantity in ((dimension, "effective_dimension"), (linearity, "linearity")):
        np.testing.assert_allclose(axes.lines[0].get_ydata(), tasks.along(chosen, quantity).mean(axis=0))
    assert len(complexity.lines[0].get_ydata()) == len(shared.lines[0].get_ydata()) < chosen.sizes["epoch"]
    assert complexity.get_xticklabels()[0].get_text() == "0"


def test_paths_begin_at_the_untrained_network(shown):
    figure = figures.trajectories(shown)
    figure.canvas.draw()
    path = figure.axes[0].lines[0].get_xydata()
    start = [tasks.of_block(shown[0], quantity, epoch=0)[0] for quantity in tasks.OBSERVABLES]
    np.testing.assert_allclose(path[0], start)
    assert len(path) == len(tasks.course(shown[0], "complexity")[0])
    assert figure.axes[-1].get_ylabel() == "epoch"


def test_a_power_law_is_drawn_where_there_are_moments_for_it(shown):
    figure = figures.decay(shown)
    figure.canvas.draw()
    left, right = figure.axes
    labels = right.get_legend_handles_labels()[1]
    assert labels.count("power law, over its range") == 1
    law = next(line for line in right.lines if line.get_label().startswith("power law")).get_xydata()
    slope = np.polyfit(np.log(law[:, 0]), np.log(law[:, 1]), 1)[0]
    assert slope == pytest.approx(-0.24, abs=0.01)
    assert left.lines[0].get_xdata()[0] == 0
    assert right.lines[0].get_xdata()[0] == 1


def test_the_table_of_exponents_stands_beside_the_texts(shown):
    table = figures.table(shown)
    assert len(table) == 1  # of the other there are too few moments
    row = table.iloc[0]
    assert (row["epochs"], row["text J, ResNet-56"]) == ("1–60", "0.24")
    assert row["exponent"].split()[0] == "0.24"
    assert list(figures.table([]).columns) == list(table.columns)


def test_numbers_are_those_of_the_courses(shown):
    found = figures.numbers(shown[1:])
    assert found["rise-complexity-torn"] == pytest.approx(0.3, abs=1e-2)
    assert found["half-complexity-torn"] < found["half-dimension-torn"]
    assert found["change-complexity-torn"] == "rises by 0.30"


def test_words_say_which_way_a_course_went():
    falling = networks(record(network("CIFAR-10", dimension=(30.0, 2.0))))
    assert figures.numbers(falling)["change-dimension-whole"] == "falls by 28.0"


def test_laws_are_counted_with_their_widest_range(shown):
    assert figures.laws(shown) == {"laws": 1, "power-laws": 1, "law-range": 60.0}
    found = figures.laws([])
    assert (found["laws"], found["power-laws"]) == (0, 0)
    assert np.isnan(found["law-range"])


def test_ticks_of_long_courses_leave_room():
    assert figures._epoch_ticks(8) == [0.5, 1, 2, 5]
    assert figures._epoch_ticks(150) == [0.5, 1, 3, 10, 30, 100]
