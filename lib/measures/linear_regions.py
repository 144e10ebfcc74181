r"""Linear regions of a rectifier network: exactly those that a line or a circle through its inputs meets.

A network of rectified units is linear wherever no unit switches. Along a path, the pre-activation of a unit of the
first layer is known in closed form, and so is where it is zero; these places cut the path into pieces on which those of
the second layer are known in the same form, and so on. So all places where a unit switches are found layer by layer, up
to rounding, and none is missed, however near two of them are. Explained in the chapter on small networks.

How many patterns a layer could have at most is a count, too: that of the parts into which as many hyperplanes cut
the space of its inputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Regions:
    """What paths meet on their way."""

    count: np.ndarray  # (path,), different on/off patterns of all units: linear regions
    path: np.ndarray  # (crossing,), path on which a border is crossed, rising
    place: np.ndarray  # (crossing,), where: from 0 to 1, rising on each path
    flips: np.ndarray  # (crossing,), units that switch there

    @property
    def single(self) -> float:
        """Share of crossings at which one unit switches and no other; nan without crossings."""
        return float((self.flips == 1).mean()) if len(self.flips) else math.nan


def regions_on_lines(
    weights: Sequence[ArrayLike], biases: Sequence[ArrayLike], start: ArrayLike, end: ArrayLike
) -> Regions:
    r"""Find the linear regions that straight lines meet, :math:`x(t) = a + t (b - a)` for t from 0 to 1.

    Parameters
    ----------
    weights
        Matrix of each hidden layer, (unit, input).
    biases
        Biases of each hidden layer, (unit,).
    start, end
        Points a and b, shape (path, input).

    Returns
    -------
    Regions
        Regions are convex, so that a line meets none twice: there is one more of them than crossings.

    Raises
    ------
    ValueError
        If there is no layer, shapes do not fit, or a number is not finite.

    Notes
    -----
    A unit is on where its pre-activation is at least 0 (J, eq. 4). Computed in float64. Source: Hanin and Rolnick
    (2019), ICML, arXiv:1901.09021, who count regions along lines; Montúfar et al. (2014), arXiv:1402.1869.

    Examples
    --------
    >>> found = regions_on_lines([np.eye(2)], [[-0.25, -0.5]], [[0.0, 0.0]], [[1.0, 1.0]])
    >>> found.count, found.place, found.flips
    (array([3]), array([0.25, 0.5 ]), array([1, 1]))
    """
    a, b = _points(start, end)
    return _follow(weights, biases, np.stack([a, b - a], axis=1), _line, _roots_on_line)


def regions_on_circles(
    weights: Sequence[ArrayLike], biases: Sequence[ArrayLike], first: ArrayLike, second: ArrayLike, third: ArrayLike
) -> Regions:
    r"""Find the linear regions that circles through three points meet.

    .. math:: x(t) = m + u \cos 2 \pi t + v \sin 2 \pi t

    with centre m and two radii u, v at right angles; t goes from 0, at the first point, to 1.

    Parameters
    ----------
    weights, biases
        As for `regions_on_lines`.
    first, second, third
        Points, shape (path, input).

    Returns
    -------
    Regions
        A circle may meet a region twice; it counts once.

    Raises
    ------
    ValueError
        As `regions_on_lines`, and if three points lie on one line.

    Examples
    --------
    >>> corners = [[1.0, 0.0]], [[0.0, 1.0]], [[-1.0, 0.0]]  # the unit circle, which meets all four quadrants
    >>> found = regions_on_circles([np.eye(2)], [[0.0, -0.1]], *corners)
    >>> int(found.count[0]), len(found.place)
    (4, 4)
    """
    points = _points(first, second, third)
    return _follow(weights, biases, _circles(*points), _circle, _roots_on_circle)


def regions_in_steps(
    weights: Sequence[ArrayLike], biases: Sequence[ArrayLike], start: ArrayLike, end: ArrayLike, steps: int
) -> Regions:
    r"""Find the linear regions that straight lines are seen to meet if one looks at points in equal steps only.

    The points are :math:`a + \tfrac{s}{S} (b - a)`, s = 0 ... S. Borders that lie within one step are taken for one,
    and regions that lie within one are missed: a check of `regions_on_lines`, which it comes to agree with as steps
    grow fine, and a warning.

    Parameters
    ----------
    weights, biases, start, end
        As for `regions_on_lines`.
    steps
        Number S of steps, at least 1.

    Returns
    -------
    Regions
        A crossing is a step in which the pattern changes; its place is the middle of the step.

    Raises
    ------
    ValueError
        As `regions_on_lines`, and if there is no step.

    Notes
    -----
    Source: our own, of the definition (J, eq. 4).

    Examples
    --------
    Two units switch at 1/4 and 1/2, which a single step takes for one border:

    >>> unit_by_unit = [np.eye(2)], [[-0.25, -0.5]], [[0.0, 0.0]], [[1.0, 1.0]]
    >>> coarse, fine = (regions_in_steps(*unit_by_unit, steps) for steps in (1, 10))
    >>> coarse.count, coarse.flips
    (array([2]), array([2]))
    >>> fine.count, fine.place
    (array([3]), array([0.25, 0.45]))
    """
    if steps < 1:
        raise ValueError(f"{steps} steps go nowhere: take at least one.")
    a, b = _points(start, end)
    layers = _layers(weights, biases, a.shape[-1])
    x = a[:, None] + np.linspace(0, 1, steps + 1)[:, None] * (b - a)[:, None]
    flips = np.zeros((len(a), steps), dtype=int)
    for matrix, bias in layers:
        z = x @ matrix.T + bias
        on = z >= 0
        flips += (on[:, 1:] != on[:, :-1]).sum(2)
        x = np.maximum(z, 0)
    path, step = flips.nonzero()
    return Regions(1 + (flips > 0).sum(1), path, (step + 0.5) / steps, flips[path, step])


def most_patterns(units: int, inputs: int) -> int:
    r"""Return how many on/off patterns a layer can have at most: parts into which hyperplanes cut a space.

    .. math:: \sum_{k=0}^{d} \binom{N}{k} \le 2^N

    for N units and d inputs, with equality for hyperplanes in general position where d inputs take any value.

    Parameters
    ----------
    units
        Number N of units, at least 1.
    inputs
        Number d of the layer's inputs, at least 1.

    Raises
    ------
    ValueError
        If there are no units or no inputs.

    Notes
    -----
    Source: Schläfli (1901); Zaslavsky (1975), Memoirs of the American Mathematical Society 154.

    Examples
    --------
    >>> most_patterns(3, 2), most_patterns(3, 3), math.log2(most_patterns(768, 14)) / 768 < 0.14
    (7, 8, True)
    """
    if units < 1 or inputs < 1:
        raise ValueError(f"A layer of {units} units with {inputs} inputs has no patterns: give at least one of each.")
    return sum(math.comb(units, k) for k in range(min(units, inputs) + 1))


def _points(*given: ArrayLike) -> list[np.ndarray]:
    points = [np.asarray(each, dtype=np.float64) for each in given]
    shapes = {each.shape for each in points}
    if len(shapes) > 1 or points[0].ndim != 2 or 0 in points[0].shape:
        shown = ", ".join(str(each.shape) for each in points)
        raise ValueError(f"Points of shapes {shown} make no paths: give as many of each, (path, input).")
    if not all(np.isfinite(each).all() for each in points):
        raise ValueError("A coordinate of a point is not finite: give numbers.")
    return points


def _circles(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Return centre and two radii of circles through three points, (path, 3, input)."""
    p, q = b - a, c - a
    pp, qq, pq = ((x * y).sum(1, keepdims=True) for x, y in ((p, p), (q, q), (p, q)))
    area = pp * qq - pq**2  # four times the squared area of the triangle
    if (area <= 1e-12 * pp * qq).any():
        raise ValueError(f"The three points of path {int((area <= 1e-12 * pp * qq).argmax())} lie on a line: move one.")
    centre = (qq * (pp - pq) * p + pp * (qq - pq) * q) / (2 * area)  # from the first point
    u = -centre
    v = p - (p * u).sum(1, keepdims=True) / (u * u).sum(1, keepdims=True) * u
    v *= np.linalg.norm(u, axis=1, keepdims=True) / np.linalg.norm(v, axis=1, keepdims=True)
    return np.stack([a + centre, u, v], axis=1)


def _line(t: np.ndarray) -> np.ndarray:
    return np.stack([np.ones_like(t), t], axis=-1)


def _circle(t: np.ndarray) -> np.ndarray:
    return np.stack([np.ones_like(t), np.cos(2 * np.pi * t), np.sin(2 * np.pi * t)], axis=-1)


def _roots_on_line(z: np.ndarray) -> np.ndarray:
    """Return where z0 + z1 t is zero, shape (1, piece, unit); not finite where nowhere."""
    return np.asarray(-z[:, 0] / z[:, 1])[None]


def _roots_on_circle(z: np.ndarray) -> np.ndarray:
    """Return where z0 + z1 cos 2 pi t + z2 sin 2 pi t is zero, shape (2, piece, unit); nan where nowhere."""
    angle = np.arctan2(z[:, 2], z[:, 1])
    half = np.arccos(-z[:, 0] / np.hypot(z[:, 1], z[:, 2]))
    return np.stack([angle - half, angle + half]) / (2 * np.pi) % 1


def _follow(
    weights: Sequence[ArrayLike],
    biases: Sequence[ArrayLike],
    vectors: np.ndarray,
    functions: Callable[[np.ndarray], np.ndarray],
    roots: Callable[[np.ndarray], np.ndarray],
) -> Regions:
    """Cut paths, which are sums of vectors (path, function, input) times functions of t, where units switch."""
    layers = _layers(weights, biases, vectors.shape[-1])
    values = vectors  # of the units before, as sums of the same functions, piece by piece
    path = np.arange(len(vectors))
    begin, end = np.zeros(len(path)), np.ones(len(path))
    pattern = np.empty((len(path), 0), dtype=bool)
    for matrix, bias in layers:
        z = values @ matrix.T
        z[:, 0] += bias
        with np.errstate(divide="ignore", invalid="ignore"):  # units that switch nowhere
            places = roots(z)
            inside = (places > begin[:, None]) & (places < end[:, None])
        parent = np.concatenate([np.arange(len(path)), inside.nonzero()[1]])
        starts = np.concatenate([begin, places[inside]])
        order = np.lexsort((starts, parent))
        parent, begin = parent[order], starts[order]
        follows = np.append(parent[1:] == parent[:-1], False)
        end = np.where(follows, np.append(begin[1:], 0), end[parent])
        real = end > begin  # units that switch at one place leave no piece between them
        parent, begin, end = parent[real], begin[real], end[real]
        z = z[parent]
        on = np.einsum("pf,pfu->pu", functions((begin + end) / 2), z) >= 0
        values = z * on[:, None]
        path, pattern = path[parent], np.concatenate([pattern[parent], on], axis=1)
    next_on_path = path[1:] == path[:-1]
    flips = (pattern[1:] != pattern[:-1]).sum(1)[next_on_path]
    words = np.concatenate([path.astype("<u4")[:, None].view(np.uint8), np.packbits(pattern, axis=1)], axis=1)
    met = np.unique(np.ascontiguousarray(words).view(f"V{words.shape[1]}"), return_index=True)[1]
    count = np.bincount(path[met], minlength=len(vectors))
    return Regions(count, path[1:][next_on_path], begin[1:][next_on_path], flips)


def _layers(
    weights: Sequence[ArrayLike], biases: Sequence[ArrayLike], inputs: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    layers = [
        (np.asarray(matrix, dtype=np.float64), np.asarray(bias, dtype=np.float64))
        for matrix, bias in zip(weights, biases, strict=False)
    ]
    if not layers or len(weights) != len(biases):
        raise ValueError(
            f"{len(weights)} matrices and {len(biases)} biases make no layers: give as many, at least one."
        )
    for number, (matrix, bias) in enumerate(layers, 1):
        if matrix.ndim != 2 or matrix.shape[1] != inputs or bias.shape != matrix.shape[:1]:
            raise ValueError(
                f"Layer {number} has weights {matrix.shape} and biases {bias.shape}, but {inputs} inputs: give "
                "(unit, input) and (unit,)."
            )
        if not (np.isfinite(matrix).all() and np.isfinite(bias).all()):
            raise ValueError(f"A weight or bias of layer {number} is not finite: it was not learned well.")
        inputs = len(matrix)
    return layers
