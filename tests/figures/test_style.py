"""The colours can be told apart by everyone, and the same quantity looks the same everywhere."""

from __future__ import annotations

import itertools

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

from lib.figures import style

# Machado, Oliveira and Fernandes 2009, severity 1.0, for linear RGB.
SIGHT = {
    "typical": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


@pytest.fixture(autouse=True)
def own_settings():
    with mpl.rc_context():
        yield
    plt.close("all")


def linear(colour: str) -> np.ndarray:
    """sRGB to linear RGB (IEC 61966-2-1)."""
    value = np.array(mpl.colors.to_rgb(colour))
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def contrast_on_white(colour: str) -> float:
    """Contrast ratio of WCAG 2.2."""
    return float(1.05 / (linear(colour) @ [0.2126, 0.7152, 0.0722] + 0.05))


def lab(rgb: np.ndarray) -> np.ndarray:
    """Linear RGB to CIE L*a*b* under D65."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.089]
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


def test_the_measures_know_black_and_white() -> None:
    assert contrast_on_white("black") == pytest.approx(21)
    assert contrast_on_white("white") == pytest.approx(1)
    assert lab(linear("white")) == pytest.approx([100, 0, 0], abs=0.02)


@pytest.mark.parametrize("colour", style.PALETTE.values())
def test_every_colour_stands_out_from_the_page(colour: str) -> None:
    assert contrast_on_white(colour) >= 3


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_differ_for_every_kind_of_sight(sight: str) -> None:
    seen = [lab(SIGHT[sight] @ linear(colour)) for colour in style.CYCLE]
    assert min(np.linalg.norm(one - other) for one, other in itertools.combinations(seen, 2)) > 20


def test_controls_and_theory_are_dashed() -> None:
    """Grey and black lines are many; their dashes tell them apart, also in print."""
    dashes = [style.look(name).get("linestyle") for name in style.LOOKS]
    controls = ("shuffled labels", "random walk", "random signs")
    assert len({style.look(name)["linestyle"] for name in controls}) == len(controls)
    assert sum(dash is not None for dash in dashes) == len(controls) + 2


def test_style_is_the_books() -> None:
    style.use()
    assert plt.rcParams["lines.linewidth"] == 2
    assert plt.rcParams["savefig.facecolor"] == "white"
    assert not plt.rcParams["savefig.transparent"]
    assert [entry["color"] for entry in plt.rcParams["axes.prop_cycle"]] == list(style.CYCLE)


def test_look_is_a_copy() -> None:
    style.look("msd")["color"] = "red"
    assert style.look("msd")["color"] == style.colour("msd")


@pytest.mark.parametrize("ask", [style.look, style.colour])
def test_unknown_quantity_is_named(ask) -> None:
    with pytest.raises(ValueError, match=r"'temperature' has no look; use one of rosenblatt, .*style\.py"):
        ask("temperature")


def test_band_draws_the_mean_and_its_spread() -> None:
    ax = plt.figure().subplots()
    drawn = style.band(ax, [0, 1, 2], [1, 2, 3], [0, 1, 2], [2, 3, 4], quantity="shuffled labels", label="shuffled")
    line = ax.lines[0]
    assert line.get_ydata() == pytest.approx([1, 2, 3])
    assert line.get_color() == style.colour("shuffled labels")
    assert line.get_linestyle() == "--"
    corners = drawn.get_paths()[0].vertices
    assert (corners[:, 1].min(), corners[:, 1].max()) == (0, 4)


def test_band_refuses_arrays_that_do_not_fit() -> None:
    ax = plt.figure().subplots()
    with pytest.raises(ValueError, match="four arrays of one shape"):
        style.band(ax, [0, 1], [1, 2], [0], [2, 3], quantity="msd")
    with pytest.raises(ValueError, match="lower edge is above its upper one at x = 1"):
        style.band(ax, [0, 1], [1, 2], [0, 4], [2, 3], quantity="msd")


def test_panel_labels_go_row_by_row() -> None:
    _, axes = plt.subplots(2, 2)
    style.panel_labels(axes)
    assert [ax.get_title(loc="left") for ax in axes.flat] == ["a", "b", "c", "d"]
    single = plt.figure().subplots()
    style.panel_labels(single)
    assert single.get_title(loc="left") == "a"
