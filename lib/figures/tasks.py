"""Pictures of tasks in a grid: images in, a figure out (chapter 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from torch import Tensor


def picture_grid(
    pictures: Mapping[str, Tensor],
    columns: int = 8,
    labels: Mapping[str, Sequence[str]] | None = None,
    outlines: Mapping[str, Tensor] | None = None,
) -> Figure:
    """Draw the first pictures of some tasks, a row for each.

    Parameters
    ----------
    pictures
        By name of the task, uint8 from 0 to 255 or numbers from 0 to 1, shape (sample, 1 or 3, row, column), on any
        device.
    columns
        Pictures in a row, where there are as many.
    labels
        By name of the task, what to write above each picture, such as its class.
    outlines
        By name of the task, pixels to be outlined, bool, shape (sample, row, column), such as those of the object.

    Raises
    ------
    ValueError
        If there is no task, or something is no set of pictures.

    Examples
    --------
    >>> import torch
    >>> figure = picture_grid({"noise": torch.rand(5, 3, 8, 8), "black": torch.zeros(5, 1, 8, 8)}, columns=3)
    >>> len(figure.axes)
    6
    >>> plt.close()
    """
    if not pictures or columns < 1:
        raise ValueError(f"{len(pictures)} tasks and {columns} columns make no grid: give at least one of each.")
    labels, outlines = labels or {}, outlines or {}
    height = 0.85 + (0.2 if labels else 0.0)  # inches of a row
    figure, grid = plt.subplots(
        len(pictures), columns, figsize=(1.4 + 0.85 * columns, height * len(pictures)), squeeze=False
    )
    for row, (name, images) in zip(grid, pictures.items(), strict=True):
        shown = _for_display(name, images[:columns])
        for axes in row:
            axes.set_axis_off()
        for number, (axes, image) in enumerate(zip(row, shown, strict=False)):
            axes.imshow(image, interpolation="nearest")
            if name in labels:
                axes.set_title(labels[name][number], fontsize=8, pad=2)
            if name in outlines:
                axes.contour(outlines[name][number].cpu().numpy(), levels=[0.5], colors="white", linewidths=0.8)
        row[0].text(-0.15, 0.5, name, transform=row[0].transAxes, ha="right", va="center")
    return figure


def _for_display(name: str, images: Tensor) -> np.ndarray:
    """Return pictures as matplotlib draws them, shape (sample, row, column, 3)."""
    if images.ndim != 4 or images.shape[1] not in (1, 3) or not len(images):
        raise ValueError(f"{name} has shape {tuple(images.shape)}: give pictures, (sample, 1 or 3, row, column).")
    return np.asarray(images.detach().cpu().expand(-1, 3, -1, -1).permute(0, 2, 3, 1).numpy())
