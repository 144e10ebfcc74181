"""Figures of residual networks task by task, on networks made by hand: what is drawn is what was given."""

import numpy as np
import pytest

from lib import records
from lib.claims import _residual_tasks as tasks
from lib.figures import residual_tasks as figures
from lib.figures.training_trajectories import laws

from ..claims.residual_record import network, record

RANDOM = "CIFAR-10, random labels"


@pytest.fixture(scope="module")
def shown():
    errors = np.array([0.01, 0.02, 0.8])
    made = [network(name, seeds=3, test_error=error) for name, error in (("CIFAR-10", 0.3), ("CMNIST_T8", 0.1))]
    return figures.networks(None, record(*made), record(network(RANDOM, seeds=3, train_error=errors, test_error=0.9)))


def labels_of(axes):
    return axes.get_legend_handles_labels()[1]


@pytest.mark.parametrize("quantity", ["effective_dimension", "complexity"])
def test_a_panel_a_network_before_and_after_training(shown, quantity):
    figure = figures.by_depth(shown, quantity)
    figure.canvas.draw()
    images, torn, random = figure.axes
    assert [axes.texts[0].get_text().split("\n")[0] for axes in figure.axes] == ["CIFAR-10", "CMNIST_T8", RANDOM]
    np.testing.assert_allclose(images.lines[0].get_ydata(), tasks.layers(shown[0], quantity).mean(axis=0))
    assert {"trained", "untrained", "trained, train pictures"} <= set(labels_of(images))
    assert "trained, object patches" in labels_of(torn)
    # the two runs that memorised and the one that did not are apart
    good, bad = random.lines[0].get_ydata(), random.lines[labels_of(random).index("failed to memorise") + 1]
    np.testing.assert_allclose(good, tasks.layers(shown[2], quantity)[:2].mean(axis=0))
    assert bad.get_label() in ("failed to memorise", "_child2")
    ceiling = "channels" if quantity == "effective_dimension" else "trained, if independent"
    assert ceiling in labels_of(images)


def test_train_and_test_pictures_do_not_look_alike(shown):
    images, _, random = figures.by_depth(shown, "effective_dimension").axes
    looks = {}
    for axes, part in ((images, "train"), (random, "test")):
        line = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))[f"trained, {part} pictures"]
        line = getattr(line, "lines", [line])[0]
        looks[part] = (line.get_color(), str(line.get_linestyle()))
    assert looks["train"][0] != looks["test"][0]


def test_layers_of_one_epoch_are_drawn_on_fixed_axes():
    made = figures.networks(record(network("CMNIST"), network("CIFAR-10")))
    moments = figures.common_moments(made)
    assert moments == tasks.course(made[0], "complexity")[0].tolist()
    limits = set()
    for epoch in (moments[0], moments[-1]):
        dimension, complexity = figures.layers_at(made, epoch).axes
        place = list(made[0]["epoch"].values).index(epoch)
        for axes, quantity in ((dimension, "effective_dimension"), (complexity, "complexity")):
            expected = tasks.layers(made[0], quantity, epoch=place).mean(axis=0)
            np.testing.assert_allclose(axes.lines[0].get_ydata(), expected)
        limits.add((dimension.get_ylim(), complexity.get_ylim(), dimension.get_xlim()))
    assert len(limits) == 1


def test_layers_of_one_epoch_need_one_depth_and_an_entropy():
    deep, shallow = figures.networks(record(network("CIFAR-10"), network("CIFAR-10", depth=20)))
    with pytest.raises(ValueError, match="depth"):
        figures.layers_at([deep, shallow], 0)
    with pytest.raises(ValueError, match="epoch 7"):
        figures.layers_at([deep], 7)


def test_a_point_a_network_in_the_plane(shown):
    figure = figures.plane(shown)
    figure.canvas.draw()
    (axes,) = figure.axes
    labels = labels_of(axes)
    assert {"CIFAR-10, ResNet-56", f"{RANDOM}, ResNet-56", f"{RANDOM}, ResNet-56, failed"} <= set(labels)
    points = {tuple(np.round(line.get_xydata()[0], 6)) for line in axes.lines if len(line.get_xydata()) == 1}
    for chosen in shown[:2]:
        where = tuple(np.round([tasks.of_block(chosen, q).mean() for q in tasks.OBSERVABLES], 6))
        assert where in points


def test_blocks_and_total_correlation_in_the_order_of_errors(shown):
    figure = figures.by_block(shown)
    figure.canvas.draw()
    left, right = figure.axes
    names = [f"{name}, ResNet-56" for name in (RANDOM, "CIFAR-10", "CMNIST_T8")]
    assert [label.get_text() for label in right.get_yticklabels()] == names
    expected = [tasks.of_block(shown[2], "linearity", block).mean() for block in (2, 3, 4)]
    np.testing.assert_allclose(left.lines[0].get_ydata(), expected)
    assert left.get_ylabel()
    assert right.get_xlabel()


def test_colours_belong_to_image_sets_and_dashes_to_what_is_done_to_them(shown):
    images, torn, random = shown
    assert figures.style_of(images)["color"] == figures.style_of(random)["color"] != figures.style_of(torn)["color"]
    assert len({str(figures.line_of(chosen)["linestyle"]) for chosen in shown}) == 3


def test_networks_that_learned_one_image_set_are_told_apart_by_their_markers():
    made = [
        network(task, seeds=1, depth=depth, rate=rate)
        for task in ("CIFAR-10", "CIFAR-10_T8", RANDOM)
        for depth, rate in ((56, 0.1), (20, 0.1))
    ]
    made += [network("CIFAR-10", seeds=1, depth=depth, rate=0.05) for depth in (56, 20)]
    styles = [figures.style_of(chosen) for chosen in figures.networks(record(*made))]
    assert len({style["color"] for style in styles}) == 1
    assert len({style["marker"] for style in styles}) == len(made)


def test_the_table_says_what_is_stored(shown):
    table = figures.table(shown)
    assert list(table.index) == [figures.name_of(chosen) for chosen in shown]
    first = table.iloc[0]
    assert (first["train error"], first["test error"]) == ("0.010", "0.300")
    for column, quantity in (
        ("complexity per unit (bits)", "complexity"),
        ("effective dimension", "effective_dimension"),
    ):
        stated = [float(each) for each in first[column].split(" → ")]
        expected = [tasks.of_block(shown[0], quantity, epoch=epoch).mean() for epoch in (0, -1)]
        np.testing.assert_allclose(stated, expected, atol=0.05)
    assert "none" in figures.caption_of(None)
    assert "CIFAR-10, ResNet-56, 100 epochs, 3 seeds" in figures.caption_of(record(network(seeds=3)))


def test_what_rows_wait_for():
    claims = figures.waiting_for(None)["claims"]
    assert "J20" in claims["CIFAR-10"].split(", ")
    assert claims["CIFAR-10, rate 0.05"] == "J19, J20"
    assert "CIFAR-10" not in figures.waiting_for(record(network())).index


def test_numbers_of_the_record_are_those_of_the_texts_network():
    stored = record(network("CMNIST"), network("CIFAR-10"), network("CIFAR-10", depth=20))
    found = figures.recorded(stored)
    deep = tasks.of_task(stored, "CIFAR-10")
    assert found["complexity-cifar-10"] == pytest.approx(tasks.of_block(deep, "complexity").mean(), abs=1e-3)
    assert found["epochs-cmnist"] == 100
    assert np.isnan(found["complexity-ckmnist"])
    assert set(figures.recorded(None)) == set(found)
    assert all(np.isnan(value) for value in figures.recorded(None).values())


def test_random_labels_are_said_beside_images_of_the_same_depth():
    random = network("CIFAR-10, random labels", depth=20, epochs=150, shared=lambda t: 0.5 * np.maximum(t, 1.0) ** -0.3)
    stored = record(random, network("CIFAR-10", depth=20), network("CIFAR-10"))
    found = figures.of_random_labels(stored)
    chosen = tasks.of_task(stored, "CIFAR-10, random labels", 20)
    images = tasks.of_task(stored, "CIFAR-10", 20)
    assert found["random-dimension-2"] == pytest.approx(
        tasks.of_block(chosen, "effective_dimension", 2, "train").mean(), abs=1e-3
    )
    assert found["images-complexity-4"] == pytest.approx(
        tasks.of_block(images, "complexity", 4, "train").mean(), abs=1e-3
    )
    assert found["random-epochs"] == 150
    assert set(figures.of_random_labels(None)) == set(found)
    assert all(np.isnan(value) for value in figures.of_random_labels(None).values())
    alone = figures.of_random_labels(record(network("CIFAR-10", depth=20)))
    assert np.isnan(alone["random-exponent"])
    assert np.isfinite(alone["images-complexity-4"])


def test_precisions_are_named_by_depth():
    pieces = [
        record(network("CIFAR-10", depth=depth)).assign_attrs(precision=name)
        for depth, name in ((56, "bfloat16"), (20, "float32"), (20, "bfloat16"))
    ]
    found = figures.precisions(pieces)
    assert found == {"precision-56": "bfloat16", "precision-20": "bfloat16 or float32"}


def test_what_chapter_6_says_of_the_stored_networks():
    """Words beside numbers of the record: they stand in prose and alt texts, which no preset changes."""
    stored = records.largest("residual_tasks")
    whole = figures.whole_pictures(stored)
    turned = figures.turning_profiles(whole)
    assert turned == {"profiles": 5, "profiles-falling": 5, "profiles-rising": 5}
    # before training complexity clearly rises in one step from CMNIST only
    found = figures.recorded(stored)
    base = found["complexity-untrained-cmnist"]
    rises = {task: found[f"complexity-untrained-{task}"] - base for task in ("cfashionmnist", "cifar-10", "cifar-100")}
    assert rises["cifar-10"] > 5 * abs(rises["cfashionmnist"])
    assert rises["cifar-100"] < 0
    # what the alt texts say of linearity, total correlation and the plane
    listed = figures.networks(stored)
    highest = 0
    for chosen in listed:
        linear = [tasks.of_block(chosen, "linearity", block).mean() for block in tasks.BLOCKS]
        highest += linear[1] > max(linear[0], linear[2])
        assert linear[-1] < linear[0]
        ends = {
            quantity: [tasks.of_block(chosen, quantity, epoch=epoch).mean() for epoch in (0, -1)]
            for quantity in (*tasks.OBSERVABLES, "normalized_total_correlation")
        }
        assert np.diff(ends["normalized_total_correlation"]) < 0 < np.diff(ends["complexity"])
        torn_clothes = tasks.task_of(chosen) == "CFashionMNIST_T8"
        assert (np.diff(ends["effective_dimension"]) > 0) == (not torn_clothes)
    assert highest > 1
    farthest = max(listed, key=lambda chosen: tasks.of_block(chosen, "effective_dimension").mean())
    assert farthest is max(listed, key=lambda chosen: tasks.of_block(chosen, "complexity").mean())
    assert tasks.task_of(farthest) == RANDOM
    # random labels beside images: richer at the top, higher in complexity throughout
    beside = figures.of_random_labels(stored)
    assert beside["random-dimension-4"] > beside["images-dimension-4"]
    gaps = [beside[f"random-complexity-{block}"] - beside[f"images-complexity-{block}"] for block in tasks.BLOCKS]
    assert min(gaps) == gaps[1] > 0
    # and laws: mostly the power law, over less than a decade
    found = laws(listed)
    assert found["power-laws"] > found["laws"] / 2
    assert found["law-range"] < 10


def test_numbers_and_figures_are_those_of_the_live_run(smoke_record):
    live = smoke_record("residual_tasks")
    found = figures.numbers(live)
    random = tasks.one(live, "CDigits, random labels, ResNet-8")
    assert found["complexity-random"] == pytest.approx(tasks.of_block(random, "complexity").mean(), abs=1e-3)
    assert found["learned-whole"] == 160
    assert found["seconds-tasks"] == live.attrs["wall_time_s"]
    for figure in (figures.by_depth(figures.networks(live), "complexity"), figures.plane(figures.networks(live))):
        figure.canvas.draw()
