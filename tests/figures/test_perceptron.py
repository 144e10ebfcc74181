"""The figures of chapter 1 draw what the dataset holds."""

import numpy as np
import pytest

from lib import records
from lib.figures import perceptron as figures


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def walks(folder, monkeypatch):
    monkeypatch.setenv("BOOK_RUNS", str(folder))
    return records.obtain("perceptron", "smoke")


@pytest.fixture
def plane(folder, monkeypatch):
    monkeypatch.setenv("BOOK_RUNS", str(folder))
    return records.obtain("perceptron_plane", "smoke")


def test_walks_in_the_plane_draws_every_rule_and_pair(plane):
    figure = figures.walks_in_the_plane(plane)
    panels = [axes for axes in figure.axes if axes.get_ylabel() == "weight 2"]
    assert len(panels) == plane.sizes["rule"] * plane.sizes["pair"]
    drawn = panels[0].lines[0].get_xydata()
    expected = plane["path"].sel(rule="rosenblatt", labels="true").isel(pair=0, seed=0)
    np.testing.assert_allclose(drawn, expected)


@pytest.mark.parametrize("epoch", [0, 0.5, 2])
def test_walk_until_ends_at_the_epoch_and_circles_the_mistakes(plane, epoch):
    figure = figures.walk_until(plane, epoch, "8 against 9")
    left, right = figure.axes
    chosen = plane.sel(pair="8 against 9", rule="rosenblatt", labels="true").isel(seed=0)
    weights = chosen["path"].isel(step=round(epoch * 280)).values
    np.testing.assert_allclose(left.lines[0].get_xydata()[-1], weights)
    wrong = int(np.sum(chosen["sign"].values * (chosen["inputs"].values @ weights) <= 0))
    circled = next(c for c in right.collections if c.get_label() == "mistaken")
    assert len(circled.get_offsets()) == wrong


def test_mean_squared_steps_shows_the_means(walks):
    figure = figures.mean_squared_steps(walks, "digits one-vs-rest")
    upper = figure.axes[0]
    chosen = walks["msd"].sel(task="digits one-vs-rest", rate=0.01, rule="rosenblatt", labels="true")
    np.testing.assert_allclose(upper.lines[0].get_ydata(), chosen.mean(("output", "seed")), rtol=1e-5)


@pytest.mark.parametrize("name", ["projections", "displacement_against_lag", "unit_root_tests"])
def test_figures_by_task_and_rate_have_labels(walks, name):
    figure = getattr(figures, name)(walks, "digits one-vs-rest", rate=0.01)
    assert all(axes.get_xlabel() for axes in figure.axes)
    figure.canvas.draw()


def test_transport_shows_distances_to_start_and_end(walks):
    figure = figures.transport(walks, "digits pairs", "logistic", rate=0.01)
    distances = figure.axes[2]
    chosen = walks["w1_end"].sel(task="digits pairs", rule="logistic", rate=0.01, labels="true").mean("seed")
    assert any(
        np.allclose(line.get_ydata(), chosen, rtol=1e-4) for line in distances.lines if len(line.get_ydata()) == 3
    )


def test_margin_figure_counts_mistakes(walks):
    figure = figures.mistakes_and_margin(walks, "digits pairs", 1.0, samples=[287, 283])
    chosen = walks["mistakes"].sel(task="digits pairs", rule="rosenblatt", rate=1.0, labels="true")
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), chosen.sel(output=0).sum("epoch") * 287, rtol=1e-5)


def test_calibration_says_where_there_is_no_test(folder, monkeypatch):
    monkeypatch.setenv("BOOK_RUNS", str(folder))
    figure = figures.calibration(records.obtain("unit_root_calibration", "smoke"))
    assert any("no test" in text.get_text() for text in figure.axes[0].texts)


def test_cover_draws_three_panels(plane):
    figure = figures.cover(plane)
    assert [axes.texts[0].get_text() for axes in figure.axes[:3]] == [
        "learning",
        "random labels",
        "same steps, random signs",
    ]


def test_caption_says_scale_and_seeds(walks):
    assert figures.caption_of(walks).startswith("3 seeds, preset smoke, ")


def test_numbers_are_plain_and_finite(walks, plane):
    tasks = ["digits pairs", "mnist pairs", "mnist one-vs-rest"]
    record = walks.isel(task=[0, 0, 1]).assign_coords(task=tasks)
    found = figures.numbers(walks, record, plane)
    assert found["seeds-live"] == 3
    assert found["identity-gap"] < 1e-10
    assert 0 < found["surrogates-settings"] <= 3 * 2 * 2 * 2
    assert found["second-walk"] == 15
    assert all(type(value) in (int, float) for value in found.values())


@pytest.mark.parametrize("power", [0.5, 1.5])
def test_slopes_of_a_power_law_are_its_power(walks, power):
    chosen = walks.isel(task=0, rule=0, rate=0, labels=0, range=0).copy(deep=True)
    chosen["msd_by_lag"] = chosen["msd_by_lag"] * 0 + chosen["lag"].astype(float) ** power
    found = figures._slopes(chosen)
    assert {found[name] for name in ("short", "least", "long")} == {power}


def test_the_chapter_says_what_the_stored_record_shows(plane):
    record = records.largest("perceptron")
    found = figures.numbers(record, record, plane)
    assert found["second-rosenblatt-true"] < found["second-walk"] / 2
    assert 0 < found["mnist-pairs-mistaken"] < found["mnist-pairs"]
    assert found["surrogates-pass"] < found["surrogates-settings"] / 2
    assert found["surrogates-lower"] + found["surrogates-higher"] <= found["surrogates-settings"]
    assert found["surrogates-lower"] > found["surrogates-settings"] / 2
    for rule in ("rosenblatt", "logistic"):
        true, shuffled = (found[f"adf_path_bootstrap-{rule}-{labels}-last"] for labels in ("true", "shuffled"))
        assert shuffled > true
        assert found[f"msd-ratio-digits-pairs-{rule}-shuffled"] < found[f"msd-ratio-{rule}-shuffled"]
        short, least, long = (found[f"slope-{rule}-true-{name}"] for name in ("short", "least", "long"))
        assert least < min(short, long)
        assert found[f"slope-{rule}-true-lag-least"] < 60_000 < found[f"slope-{rule}-true-lag-long"]
    assert found["slope-logistic-true-long"] > 1
