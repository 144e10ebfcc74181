"""Linear regions on lines and circles: closed forms for one layer, and paths walked in small steps."""

import math
from itertools import pairwise

import numpy as np
import pytest

from lib.measures.linear_regions import (
    _circles,
    most_patterns,
    regions_in_steps,
    regions_on_circles,
    regions_on_lines,
)


def network(sizes, seed=0):
    rng = np.random.default_rng(seed)
    weights = [rng.standard_normal((b, a)) * math.sqrt(2 / a) for a, b in pairwise(sizes)]
    return weights, [0.3 * rng.standard_normal(len(matrix)) for matrix in weights]


def points(count, paths, inputs, seed=1):
    return np.random.default_rng(seed).standard_normal((count, paths, inputs))


def patterns(weights, biases, x):
    """All units at many points, plainly: (..., unit)."""
    found = []
    for matrix, bias in zip(weights, biases, strict=True):
        z = x @ matrix.T + bias
        found.append(z >= 0)
        x = np.maximum(z, 0)
    return np.concatenate(found, axis=-1)


def walked(weights, biases, x):
    """Different patterns and changes of them along one path, (step, input), walked step by step."""
    z = patterns(weights, biases, x)
    changed = (z[1:] != z[:-1]).any(1)
    return len(np.unique(z[np.append(True, changed)], axis=0)), changed.sum()


def on_circle(vectors, t):
    centre, u, v = vectors
    return centre + np.cos(2 * np.pi * t)[:, None] * u + np.sin(2 * np.pi * t)[:, None] * v


@pytest.mark.parametrize("sizes", [(5, 7), (5, 6, 8), (6, 8, 7, 9)])
def test_a_line_meets_what_is_met_in_small_steps(sizes):
    weights, biases = network(sizes)
    start, end = points(2, 2, sizes[0])
    found = regions_on_lines(weights, biases, start, end)
    t = np.linspace(0, 1, 200_001)[:, None]
    for path in range(2):
        regions, changes = walked(weights, biases, start[path] + t * (end - start)[path])
        assert found.count[path] == regions
        assert (found.path == path).sum() == changes


@pytest.mark.parametrize("sizes", [(5, 7), (5, 6, 8), (6, 8, 7, 9)])
def test_a_circle_meets_what_is_met_in_small_steps(sizes):
    weights, biases = network(sizes)
    corners = points(3, 2, sizes[0])
    found = regions_on_circles(weights, biases, *corners)
    t = np.linspace(0, 1, 200_001)
    for path, vectors in enumerate(_circles(*corners)):
        regions, changes = walked(weights, biases, on_circle(vectors, t))
        assert found.count[path] == regions
        assert (found.path == path).sum() == changes


def test_fine_steps_see_every_region_and_coarse_ones_miss_some():
    weights, biases = network((6, 8, 7, 9))
    start, end = points(2, 3, 6)
    exact = regions_on_lines(weights, biases, start, end)
    fine = regions_in_steps(weights, biases, start, end, 100_000)
    for found, wanted in ((fine.count, exact.count), (fine.path, exact.path), (fine.flips, exact.flips)):
        np.testing.assert_array_equal(found, wanted)
    np.testing.assert_allclose(fine.place, exact.place, atol=0.5e-5 + 1e-9)
    coarse = regions_in_steps(weights, biases, start, end, 4)
    assert (coarse.count < exact.count).all()
    assert coarse.single < exact.single


def test_steps_see_what_a_walk_sees():
    weights, biases = network((5, 6, 8))
    start, end = points(2, 2, 5)
    found = regions_in_steps(weights, biases, start, end, 30)
    for path in range(2):
        x = start[path] + np.linspace(0, 1, 31)[:, None] * (end - start)[path]
        regions, changes = walked(weights, biases, x)
        assert (found.count[path], (found.path == path).sum()) == (regions, changes)


def test_places_are_where_patterns_change_and_one_unit_switches():
    weights, biases = network((6, 8, 7, 9))
    start, end = points(2, 3, 6)
    found = regions_on_lines(weights, biases, start, end)
    assert (np.diff(found.place)[np.diff(found.path) == 0] > 0).all()
    for path, place, flips in zip(found.path, found.place, found.flips, strict=True):
        near = start[path] + np.array([[place - 1e-9], [place + 1e-9]]) * (end - start)[path]
        before, after = patterns(weights, biases, near)
        assert (before != after).sum() == flips == 1
    assert found.single == 1


def test_of_one_layer_a_line_crosses_the_units_that_differ_at_its_ends():
    (matrix,), (bias,) = network((10, 40))
    start, end = points(2, 25, 10)
    found = regions_on_lines([matrix], [bias], start, end)
    differ = ((start @ matrix.T + bias >= 0) != (end @ matrix.T + bias >= 0)).sum(1)
    np.testing.assert_array_equal(found.count, 1 + differ)


def test_of_one_layer_a_circle_crosses_a_unit_twice_or_never():
    (matrix,), (bias,) = network((10, 40))
    corners = points(3, 25, 10)
    found = regions_on_circles([matrix], [bias], *corners)
    centre, u, v = np.moveaxis(_circles(*corners), 1, 0)
    reached = np.abs(centre @ matrix.T + bias) < np.hypot(u @ matrix.T, v @ matrix.T)
    np.testing.assert_array_equal(np.bincount(found.path, minlength=25), 2 * reached.sum(1))


def test_a_circle_goes_through_its_points():
    corners = points(3, 5, 8)
    centre, u, v = np.moveaxis(_circles(*corners), 1, 0)
    np.testing.assert_allclose(centre + u, corners[0])
    np.testing.assert_allclose((u * v).sum(1), 0, atol=1e-9)
    for corner in corners:
        np.testing.assert_allclose(np.linalg.norm(corner - centre, axis=1), np.linalg.norm(u, axis=1))


def test_a_linear_or_a_silent_network_has_one_region():
    weights, biases = network((4, 5, 5))
    start, end = points(2, 3, 4)
    for shift in (100.0, -100.0):
        found = regions_on_lines(weights, [shift + bias for bias in biases], start, end)
        np.testing.assert_array_equal(found.count, 1)
        assert math.isnan(found.single)


def test_units_that_are_the_same_switch_together():
    """Two copies have one border, at which both flip."""
    found = regions_on_lines([[[1.0], [1.0], [-2.0]]], [[-0.5, -0.5, 0.5]], [[0.0]], [[1.0]])
    assert found.count.tolist() == [3]
    assert found.single < 1


def test_regions_of_hyperplanes():
    assert [most_patterns(units, 2) for units in (1, 2, 3, 4)] == [2, 4, 7, 11]
    assert most_patterns(14, 14) == 2**14
    assert [round(math.log2(most_patterns(n, 14)) / n, 2) for n in (28, 64, 128, 256, 768)] == [
        0.97,
        0.72,
        0.47,
        0.29,
        0.13,
    ]


def test_parts_of_a_plane_are_as_many_as_can_be():
    """Three lines in general position cut the plane into seven; a fine grid meets them all."""
    matrix, bias = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), np.array([0.0, 0.0, -0.5])
    grid = np.stack(np.meshgrid(*2 * [np.linspace(-2, 2, 81)]), axis=-1).reshape(-1, 2) + 0.01
    assert len(np.unique(patterns([matrix], [bias], grid), axis=0)) == most_patterns(3, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": []}, "make no layers"),
        ({"biases": [np.zeros(3)]}, "Layer 1 has weights"),
        ({"weights": [np.full((2, 2), np.nan)]}, "not finite"),
        ({"start": np.zeros(2)}, "make no paths"),
        ({"end": [[np.inf, 0.0]]}, "not finite"),
    ],
)
def test_bad_input_gets_one_sentence(change, message):
    given = {"weights": [np.eye(2)], "biases": [np.zeros(2)], "start": np.zeros((1, 2)), "end": np.ones((1, 2))}
    with pytest.raises(ValueError, match=message):
        regions_on_lines(**{**given, **change})


def test_points_on_a_line_have_no_circle():
    with pytest.raises(ValueError, match="path 1 lie on a line"):
        regions_on_circles([np.eye(2)], [np.zeros(2)], [[0, 0], [0, 0]], [[1, 0], [1, 1]], [[0, 1], [2, 2]])
    with pytest.raises(ValueError, match="0 steps go nowhere"):
        regions_in_steps([np.eye(2)], [np.zeros(2)], [[0, 0]], [[1, 0]], 0)
    with pytest.raises(ValueError, match="has no patterns"):
        most_patterns(0, 3)
