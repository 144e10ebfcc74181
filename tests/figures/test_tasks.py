"""Grids of pictures: what is shown is what was given."""

import numpy as np
import pytest
import torch

from lib.data.image_tasks import load_task, objects
from lib.figures.tasks import picture_grid


def shown(axes):
    return np.asarray(axes.images[0].get_array())


def test_a_row_shows_the_first_pictures_of_its_task():
    whole, torn = (load_task(name).x_test for name in ("CDigits", "CDigits_T8"))
    figure = picture_grid({"CDigits": whole, "CDigits_T8": torn}, columns=4)
    figure.canvas.draw()
    assert len(figure.axes) == 8
    for number, pictures in enumerate((whole, torn)):
        for column in range(4):
            expected = pictures[column].permute(1, 2, 0).numpy()
            np.testing.assert_array_equal(shown(figure.axes[4 * number + column]), expected)
    assert [figure.axes[k].texts[0].get_text() for k in (0, 4)] == ["CDigits", "CDigits_T8"]


def test_grey_pictures_are_shown_in_grey_and_missing_ones_left_out():
    figure = picture_grid({"ramp": torch.linspace(0, 1, 32).view(2, 1, 4, 4)}, columns=3)
    assert shown(figure.axes[0]).shape == (4, 4, 3)
    np.testing.assert_allclose(np.ptp(shown(figure.axes[1]), axis=2), 0)
    assert not figure.axes[2].images


def test_labels_and_outlines_are_those_given():
    pictures, mask = load_task("CDigits").x_test, objects("CDigits")
    figure = picture_grid(
        {"CDigits": pictures}, columns=2, labels={"CDigits": ["three", "four"]}, outlines={"CDigits": mask}
    )
    figure.canvas.draw()
    assert [axes.get_title() for axes in figure.axes] == ["three", "four"]
    outline = figure.axes[0].collections[0].get_paths()[0].vertices.round().astype(int)
    rows, columns = mask[0].nonzero().T.numpy()
    assert abs(outline[:, 0].min() - columns.min()) <= 1
    assert abs(outline[:, 1].max() - rows.max()) <= 1


@pytest.mark.parametrize(
    ("pictures", "columns", "message"),
    [
        ({}, 3, "0 tasks and 3 columns"),
        ({"a": torch.zeros(1, 3, 2, 2)}, 0, "1 tasks and 0 columns"),
        ({"a": torch.zeros(3, 2, 2)}, 3, r"a has shape \(3, 2, 2\)"),
        ({"a": torch.zeros(0, 3, 2, 2)}, 3, r"a has shape \(0, 3, 2, 2\)"),
    ],
)
def test_what_is_no_picture_is_refused(pictures, columns, message):
    with pytest.raises(ValueError, match=message):
        picture_grid(pictures, columns)
