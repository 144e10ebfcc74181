"""The figures of chapter 3 draw what the dataset holds, whichever networks are in it."""

import numpy as np
import pytest

from lib.experiments.networks import caption_of, data_sets, of_network
from lib.experiments.weight_statistics import place_of
from lib.figures import complexity_plane as figures
from lib.measures.complexity import complexity_entropy

NAMES = ("trajectories", "layers", "falls")
ONE_NETWORK = ("rules", "controls", "families", "optima")


@pytest.mark.parametrize("name", [*NAMES, *ONE_NETWORK])
def test_every_figure_draws_and_labels_its_axes(deep_mlp, letters, name):
    for record in (deep_mlp, letters):
        network = data_sets(record)[0]
        arguments = (record,) if name in NAMES else (record, network)
        figure = getattr(figures, name)(*arguments)
        figure.canvas.draw()
        panels = [axes for axes in figure.axes if axes.get_subplotspec() is not None and axes.get_xlabel()]
        assert len(panels) >= 1 + (name != "falls")
        for axes in panels:
            assert axes.get_ylabel() or axes.get_label() == "<colorbar>" or not axes.get_subplotspec().is_first_col()


def test_networks_are_found_and_stripped_of_what_they_have_not(deep_mlp):
    assert data_sets(deep_mlp) == ["digits"]
    assert figures.family_of(deep_mlp, "digits") == ["digits", "digits, no weight decay"]
    shallow = of_network(deep_mlp, "digits, no weight decay")
    assert list(shallow["layer"].values) == ["1", "2", "output"]
    assert set(shallow["part"].values) == {"1", "2", "output", "hidden", "all"}
    assert shallow["sd"].notnull().all()
    with pytest.raises(ValueError, match="no network 'MNIST'; choose one of digits, digits, no weight decay"):
        of_network(deep_mlp, "MNIST")


def test_a_seed_that_was_not_run_is_left_out_and_one_seed_is_called_one(deep_mlp):
    holes = deep_mlp.copy(deep=True)
    holes["test_error"].loc[{"network": "digits", "seed": 0}] = np.nan
    assert list(of_network(holes, "digits")["seed"].values) == [1]
    caption = caption_of(holes)
    assert caption.startswith("digits: one seed; digits, no weight decay: 2 seeds; preset smoke, ")


def test_trajectory_draws_each_seed(deep_mlp):
    left = figures.trajectories(deep_mlp).axes[0]
    place = place_of(of_network(deep_mlp, "digits"))
    for seed in range(2):
        expected = np.stack([place["H"].isel(seed=seed), place["C"].isel(seed=seed)], axis=-1)
        assert any(
            line.get_xydata().shape == (3, 2) and np.allclose(line.get_xydata(), expected) for line in left.lines
        )


@pytest.mark.parametrize("epoch", [0, 2])
def test_snapshot_shows_the_point_and_all_hidden_weights(deep_mlp, epoch):
    figure = figures.snapshot(deep_mlp, "digits", epoch)
    left, right = figure.axes
    place = place_of(of_network(deep_mlp, "digits")).isel(seed=0).sel(epoch=epoch)
    (dot,) = [line for line in left.lines if line.get_markersize() == 9]
    assert dot.get_xydata()[0] == pytest.approx([float(place["H"]), float(place["C"])])
    shares = right.patches[0].get_data().values
    assert shares.sum() == pytest.approx(1)
    # what is drawn has the entropy that is stored, up to the fine bins' width
    assert complexity_entropy(shares).entropy == pytest.approx(float(place["H"]), abs=0.1)


def test_crossed_factors_draw_what_is_stored(deep_mlp):
    """Two of twelve combinations: a line for each decay in the column of batch norm and true labels, none elsewhere."""
    figure = figures.crossed(deep_mlp, "digits")
    rows = deep_mlp.sizes["rule"]
    grid = np.reshape(figure.axes, (rows, 4))
    means = [[[line for line in axes.lines if line.get_label()[0] != "_"] for axes in row] for row in grid]
    assert [[len(lines) for lines in row] for row in means] == rows * [[2, 0, 0, 0]]
    assert {text.get_text() for axes in grid[:, 1:].flat for text in axes.texts} >= {"not stored"}
    for (lines, *_), rule in zip(means, deep_mlp["rule"].values, strict=True):
        for line, name in zip(lines, ("digits", "digits, no weight decay"), strict=True):
            expected = place_of(of_network(deep_mlp, name), str(rule))["C"].mean("seed")
            np.testing.assert_allclose(line.get_ydata(), expected)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["Adam's weight decay", "no weight decay"]


def test_weights_that_have_decayed_away_are_without_complexity(deep_mlp):
    """Bins of the robust range would show rounding errors from there on."""
    deep_mlp["sd"].loc[{"network": "digits", "part": "hidden", "epoch": 2}] = 1e-20
    axes = figures.crossed(deep_mlp, "digits").axes[0]
    drawn = {line.get_label(): line.get_ydata() > 0 for line in axes.lines}
    assert list(drawn["Adam's weight decay"]) == [True, True, False]
    assert all(drawn["no weight decay"])
