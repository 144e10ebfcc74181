"""The figures of chapter 2 draw what the dataset holds, whichever networks it holds."""

import json

import numpy as np
import pytest
import xarray as xr

from lib import records
from lib.claims.stop_and_correction import entropy_pairs
from lib.experiments.networks import caption_of, data_sets, join_networks, of_network
from lib.figures import weight_evolution as figures
from lib.figures import weight_evolution_numbers as numbers
from lib.figures._weight_evolution import places_of
from lib.measures.complexity import complexity_entropy
from lib.measures.histogram import rebin

FIGURES = ("pixel_maps", "bands", "entropy", "complexity", "planes")
FIGURES_OF_ONE = ("first_layer", "third_layer", "recipes", "stop_and_correction")


@pytest.fixture
def record(smoke_record):
    return smoke_record("weight_evolution")


@pytest.fixture
def two_sets(record):
    """Two data sets with controls, and a recipe with a single seed: what the stored record of the long runs is."""
    other = record.assign_coords(network=["clothes", "clothes, random labels"])
    recipe = record.isel(network=[0], seed=[0]).assign_coords(network=["digits, SGD 0.1"])
    parts = [each.isel(network=[n]) for each in (record, other) for n in (0, 1)] + [recipe]
    return join_networks(parts)


def labelled(figure):
    """Panels of a figure, without its colour bars."""
    return [axes for axes in figure.axes if axes.axison and not hasattr(axes, "_colorbar")]


@pytest.mark.parametrize("name", FIGURES)
def test_figures_of_all_data_sets_have_a_panel_each(record, two_sets, name):
    one, two = (len(labelled(getattr(figures, name)(given))) for given in (record, two_sets))
    assert two == 2 * one


@pytest.mark.parametrize("name", FIGURES)
def test_figures_without_the_control(record, name):
    alone = record.isel(network=[0])
    panels = labelled(getattr(figures, name)(alone))
    assert all(axes.get_ylabel() or axes.get_xlabel() for axes in panels)
    assert not any("random" in line.get_label() for axes in panels for line in axes.lines if len(line.get_xdata()))


@pytest.mark.parametrize("name", FIGURES_OF_ONE)
def test_figures_of_one_data_set(record, two_sets, name):
    for given, network in ((record, "digits"), (record.isel(network=[0]), "digits"), (two_sets, "clothes")):
        figure = getattr(figures, name)(given, network)
        for axes in labelled(figure):
            place = axes.get_subplotspec()
            assert axes.get_ylabel() or not place.is_first_col()
            assert axes.get_xlabel() or not place.is_last_row()
    figure.canvas.draw()


def test_recipes_of_other_batches_end_together(record):
    """Ten times the batch is a tenth of the steps: curves are drawn over the same epochs."""
    large = record.isel(network=[0]).assign_coords(network=["digits, batch 100"], step=record["step"] // 10)
    both = join_networks([record.isel(network=[0]), large])
    np.testing.assert_array_equal(of_network(both, "digits, batch 100")["step"], record["step"] // 10)
    np.testing.assert_array_equal(of_network(both, "digits")["step"], record["step"])
    panel = figures.recipes(both, "digits").axes[0]
    assert {line.get_xdata()[-1] for line in panel.lines} == {1}
    found = numbers.numbers(record, both.assign_attrs(wall_time_s=1))
    assert found["batch-100-steps"] == int(record["step"][-1]) // 10
    assert found["batch-100-dh-fixed"] == found["record-dh-fixed-output"]
    assert np.isnan(found["batch-1000-steps"])


def test_a_network_that_is_missing_is_named(record):
    with pytest.raises(ValueError, match="no network 'MNIST'; choose one of digits"):
        figures.first_layer(record, "MNIST")


def test_only_seeds_that_were_run_are_used(two_sets):
    assert of_network(two_sets, "digits").sizes["seed"] == 2
    assert of_network(two_sets, "digits, SGD 0.1").sizes["seed"] == 1
    assert caption_of(two_sets.assign_attrs(preset="paper", device="CPU", wall_time_s=1, created="2026-01-01"))
    assert data_sets(two_sets) == ["digits", "clothes"]


def test_caption_says_one_seed(record):
    one = record.isel(network=[0], seed=[0])
    assert caption_of(one).startswith("digits: one seed; preset smoke, ")


def test_places_are_the_measure_of_a_histogram(record):
    """The stored H and D of fixed bins give h and c of the same counts; the third layer's counts can be had."""
    edges = np.linspace(-1, 1, 257)
    counts = record["counts"].isel(network=0, seed=0, snapshot=-1).sel(layer="output").values
    place = places_of(record).isel(network=0, seed=0, snapshot=-1).sel(layer="output", rule="fixed")
    found = complexity_entropy(rebin(counts, record["edge"].values, np.array([-np.inf, *edges, np.inf])))
    assert float(place["h"]) == pytest.approx(float(found.h), abs=0.02)  # fine bins are cut by the edges
    assert float(place["c"]) == pytest.approx(float(found.c), abs=0.02)


def test_first_layer_shows_the_weights_and_the_profiles(record):
    figure = figures.first_layer(record, "digits")
    image = figure.axes[1].images[0].get_array()
    np.testing.assert_array_equal(image, record["first_layer"].sel(network="digits", end="after").astype(float))
    profile = figure.axes[2].lines[1].get_ydata()
    np.testing.assert_allclose(profile, record["pixel_mean"].sel(network="digits").isel(kept=-1).mean("seed"))
    runs = np.diff(np.concatenate([[0], ~record["live"].sel(network="digits").values, [0]]).astype(int))
    assert len(figure.axes[3].patches) == int((runs == 1).sum())


def test_bands_start_line_is_three_times_the_start(record):
    figure = figures.bands(record)
    line = next(line for line in figure.axes[0].lines if line.get_label() == "three times the start")
    start = record["bands"].sel(network="digits", quantity="weight", order="true").isel(snapshot=0).mean()
    assert line.get_ydata()[0] == pytest.approx(3 * float(start))


def test_densities_of_the_third_layer_integrate_to_one(record):
    figure = figures.third_layer(record, "digits")
    (first, *_) = figure.axes[0].lines
    x, density = first.get_xdata(), np.nan_to_num(first.get_ydata())
    assert density.sum() * (x[1] - x[0]) == pytest.approx(1)


def test_entropy_draws_the_mean_over_seeds_and_few_seeds_one_by_one(record):
    figure = figures.entropy(record)
    values = record["entropy"].sel(network="digits", rule="own", bins=256, part="1")
    lines = figure.axes[0].lines
    np.testing.assert_allclose(lines[0].get_ydata(), values.mean("seed"))
    for run, seed in zip(lines[1:3], record["seed"].values, strict=True):
        np.testing.assert_allclose(run.get_ydata(), values.sel(seed=seed))
    three = xr.concat([record, record.isel(seed=[0]).assign_coords(seed=[2])], "seed", data_vars="minimal")
    assert len(figures.entropy(three).axes[0].collections) == 6  # a band for each layer, true and random


@pytest.mark.parametrize(("curve", "found"), [([0, 1, 2, 3, 2, 1, 0], [3]), ([0, 3, 2, 1, 0, -1, -2], [])])
def test_turns_are_those_after_the_first_third(curve, found):
    assert figures.turns(np.array(curve, dtype=float)).tolist() == found


def test_turns_looks_at_ten_moments():
    wiggle = np.arange(101.0) + 3 * (np.arange(101) % 2)
    assert figures.turns(wiggle).size == 0


@pytest.mark.parametrize("rule", ["own", "fixed"])
def test_pairs_of_one_distribution_lie_below_chance(record, rule):
    """Snapshots that are samples of one law have no divergence above what chance gives."""
    still = record.isel(network=[0]).copy(deep=True)
    law = still["counts"].isel(snapshot=-1, seed=0).sel(layer="1").values.ravel()
    size = still["counts"].sel(layer="1").shape[:-1]
    still["counts"].loc[{"layer": "1"}] = np.random.default_rng(1).multinomial(law.sum(), law / law.sum(), size=size)
    pairs = entropy_pairs(of_network(still, "digits"), rule, layer="1")
    places = record.sizes["snapshot"] - 1 - (record.sizes["snapshot"] - 1) // 3
    assert pairs.sizes["pair"] == places * (places - 1) // 2
    assert (pairs["divergence"] < pairs["chance"]).all()
    assert (pairs["divergence"] > 0.8 * pairs["chance"]).any()


def test_snapshots_have_one_size_and_the_point_of_their_histogram(record):
    place = places_of(record).sel(network="digits", rule="own", layer="2").isel(seed=0)
    sizes = set()
    for number in (0, record.sizes["snapshot"] - 1):
        figure = figures.snapshot(record, "digits", number)
        sizes.add(tuple(figure.get_size_inches()))
        point = next(line for line in figure.axes[0].lines if line.get_label() == "second layer")
        assert point.get_xdata()[0] == pytest.approx(float(place["h"][number]))
        assert all(axes.get_ylabel() for axes in figure.axes)
    assert len(sizes) == 1


def test_table_has_a_row_for_every_layer(two_sets):
    table = numbers.table(two_sets)
    assert len(table) == two_sets.sizes["network"] * 3
    start = two_sets["sd"].sel(network="digits", part="output").isel(snapshot=0).mean()
    assert table.loc[("digits", "third layer"), "standard deviation"].startswith(f"{float(start):.3f} → ")


def test_numbers_are_plain_finite_and_those_of_the_record(record, two_sets):
    found = numbers.numbers(record, two_sets.assign_attrs(wall_time_s=60))
    assert all(type(value) in (int, float) for value in found.values())
    assert {name for name, value in found.items() if not np.isfinite(value)} == {
        *(f"batch-{batch}-{name}" for batch in (100, 1000) for name in ("steps", "dh-own", "dh-fixed", "back")),
        *(f"decay-dh-fixed-{layer}" for layer in ("1", "2", "output")),
    }
    assert found["record-seeds"] == found["live-seeds"] == len(json.loads(record.attrs["seeds"]))
    h = record["entropy"].sel(network="digits", rule="fixed", bins=256, part="2").mean("seed")
    assert found["live-dh-fixed-2"] == pytest.approx(float(h[-1] - h[0]), abs=0.005)
    assert found["live-dead"] == round(100 * float(1 - record["live"].sel(network="digits").mean()), 1)


def test_numbers_of_weight_decay_and_of_random_labels(record, two_sets):
    decay = record.isel(network=[0]).assign_coords(network=["digits, weight decay"])
    found = numbers.numbers(record, join_networks([two_sets, decay]).assign_attrs(wall_time_s=60))
    assert found["decay-dh-fixed-2"] == found["record-dh-fixed-2"]
    own = record["entropy"].sel(rule="own", bins=256, part="output").mean("seed")
    fallen = own.isel(snapshot=-1) - own.isel(snapshot=0)
    less = fallen.sel(network="digits, random labels") - fallen.sel(network="digits")
    assert found["last-random-less"] == pytest.approx(float(less), abs=0.011)


def test_numbers_of_planes_are_those_of_the_paths(record, two_sets):
    found = numbers.numbers(record, two_sets.assign_attrs(wall_time_s=60))
    c = places_of(record)["c"].sel(network="digits", rule="fixed").mean("seed")
    assert found["record-paths"] == 6
    assert found["record-paths-down"] == 2 * int((c.isel(snapshot=-1) < c.isel(snapshot=0)).sum())
    assert 0 < found["record-gaussian-away"] < found["record-gaussian-top"] == 0.44


def test_the_chapter_says_where_decay_and_labels_change_the_sign_in_the_stored_record():
    """With fixed edges entropy rises, but falls with decay in two layers; labels matter least in the third."""
    record = records.largest("weight_evolution")
    found = numbers.numbers(record, record)
    assert max(found["decay-dh-fixed-1"], found["decay-dh-fixed-2"]) < 0 < found["decay-dh-fixed-output"]
    assert found["record-paths-down"] == found["record-paths"] == 6
    assert found["last-random-less"] > 0
    bits = record["entropy"].sel(bins=256, part=record["layer"].values)
    change = (bits.isel(snapshot=-1) - bits.isel(snapshot=0)).mean("seed")
    recipes = [name for name in map(str, record["network"].values) if "weight decay" not in name]
    assert (change.sel(network=recipes, rule="fixed") > 0).all()
    assert (change.sel(rule="own") < 0).all()
    for name in data_sets(record):
        apart = np.abs(change.sel(network=name) - change.sel(network=f"{name}, random labels"))
        assert apart.sel(rule="fixed").argmin("part") == 2
        assert (apart.sel(rule="own").argmin("part") == 2) == (name == "MNIST")
