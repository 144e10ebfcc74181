"""Figures of the loss of features."""

import numpy as np
import pytest

from lib.experiments.noise_courses import optimal_prediction
from lib.figures import feature_loss as figures


@pytest.mark.parametrize("draw", [figures.mixed_labels, figures.random_training, figures.delta, figures.afterwards])
def test_figures_draw_and_label_their_axes(smoke_record, draw):
    figure = draw(smoke_record("feature_loss"))
    figure.canvas.draw()
    assert all(axes.get_xlabel() for axes in figure.axes)
    assert any(axes.get_ylabel() for axes in figure.axes)
    assert figure.legends


def test_the_mean_feature_that_is_drawn_is_that_of_the_record(smoke_record):
    record = smoke_record("feature_loss")
    axes = figures.mixed_labels(record).axes[0]
    labels = axes.get_legend_handles_labels()[1]
    assert labels == ["right labels", "10 % wrong", "10 % wrong, no noise", "50 % wrong", "50 % wrong, no noise"]
    curve = record["feature"].sel(setting="clean, relu", rate=0.1).dropna("step", how="all").mean("seed")
    np.testing.assert_allclose(axes.lines[0].get_ydata(), curve, rtol=1e-6)


def test_the_best_predictor_is_drawn(smoke_record):
    axes = figures.delta(smoke_record("feature_loss")).axes[0]
    drawn = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    best, elsewhere = optimal_prediction("pair", 4)
    np.testing.assert_allclose(drawn["best predictor"].get_ydata(), [best] + 4 * [elsewhere])


def test_a_record_of_the_size_of_the_book_can_be_drawn(smoke_record):
    """It has no fixed pair, no clean training, no control without noise."""
    record = smoke_record("feature_loss")
    names = ["clean, relu", "mixed 0.1, relu", "mixed 0.5, relu", "random, relu", "random, elu"]
    few = record.sel(setting=names).drop_vars(["regrown", "feature_after", "feature_fresh"])
    for draw in (figures.mixed_labels, figures.random_training):
        draw(few).canvas.draw()
    found = figures.numbers(few, "-live")
    assert "off-random-0.1-live" in found
    assert not any(name.startswith(("prediction", "regrown", "jump")) for name in found)


def test_numbers_are_those_of_the_record(smoke_record):
    record = smoke_record("feature_loss")
    found = figures.numbers(record, "-x")
    at = record.sel(setting="pair, relu", rate=0.1)
    assert found["prediction-0-pair-0.1-x"] == pytest.approx(float(at["profile"].sel(distance=0).mean()), abs=1e-3)
    assert found["best-predictor-x"] == pytest.approx(optimal_prediction("pair", 4)[0], abs=1e-3)
    assert all(np.isfinite(value) for value in found.values())
    random = record.sel(setting="random, relu", rate=0.1)
    steps = int(record["steps"].sel(setting="random, relu, expected"))
    assert found["steps-matched-random-x"] == steps
    matched = float(random["feature"].sel(step=steps).mean())
    assert found["feature-matched-random-0.1-x"] == pytest.approx(matched, abs=1e-3)


def test_an_activation_that_lost_no_unit_has_no_empty_column(smoke_record):
    record = smoke_record("feature_loss").copy(deep=True)
    for name in ("revived", "regrown"):
        record[name] = record[name].where(record["setting"] != "random, elu")
    axes = figures.afterwards(record).axes[0]
    assert "ELU" not in [label.get_text() for label in axes.get_xticklabels()]
