r"""The training response: by how much the output at one input moves when a network learns another.

After a step on :math:`(x_o, y_o)` the output of a network with a sigmoid, :math:`f = \sigma(u)`, changes by

.. math:: \Delta(x_o, x) = f(x, w + \delta) - f(x, w)
          \approx 2 \eta\, (y_o - f_o)\, \sigma'(u_o)\, \sigma'(u(x))\, \Theta(x_o, x),

:math:`\Theta` being the tangent kernel of the logit :math:`u`. The two slopes of the sigmoid are what makes the kernel
of the output differ from that of the logit.

Source: Nakazato (2024), A simple theory for training response of deep neural networks, eqs. 8 to 11 and 19 to 20.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def output_response(before: Tensor, after: Tensor) -> Tensor:
    r"""Change of the output from logits, without cancellation where the output saturates.

    .. math:: \sigma(u') - \sigma(u) = \sigma(u')\, \sigma(-u)\, (1 - e^{u - u'})

    Parameters
    ----------
    before, after
        Logits :math:`u` and :math:`u'`, shapes that broadcast.

    Returns
    -------
    Tensor
        :math:`\Delta`, the shape of both.

    Examples
    --------
    >>> output_response(torch.tensor([0.0, 40.0]), torch.tensor([0.0, 41.0])).tolist()
    [0.0, 2.685...e-18]
    """
    # of the two equal forms, the one whose exponential does not overflow
    rise = torch.sigmoid(after) * torch.sigmoid(-before) * -torch.expm1(torch.clamp(before - after, max=0))
    fall = torch.sigmoid(before) * torch.sigmoid(-after) * torch.expm1(torch.clamp(after - before, max=0))
    return torch.where(after >= before, rise, fall)


def output_error(target: Tensor | float, logits: Tensor) -> Tensor:
    r"""Error :math:`y - \sigma(u)` from the logit, without cancellation for targets 0 and 1.

    Parameters
    ----------
    target
        :math:`y` in [0, 1], a shape that broadcasts.
    logits
        :math:`u`.

    Returns
    -------
    Tensor
        The shape of both.

    Examples
    --------
    >>> round(float(output_error(1.0, torch.tensor(2.0))), 4)
    0.1192
    """
    return target * torch.sigmoid(-logits) - (1 - target) * torch.sigmoid(logits)


def sigmoid_slope(logits: Tensor) -> Tensor:
    r"""Slope :math:`\sigma'(u) = \sigma(u)\, \sigma(-u)`, exact in the tails.

    Examples
    --------
    >>> float(sigmoid_slope(torch.tensor(0.0)))
    0.25
    """
    return torch.sigmoid(logits) * torch.sigmoid(-logits)


def tangent_kernel(features: Tensor, gates: Tensor, readout: Tensor, overlap: Tensor, at: int | Tensor) -> Tensor:
    r"""Tangent kernel of the logit of a network of one hidden layer, between one input and all.

    .. math:: \Theta(x_o, x) = 1 + \sum_i F_i(x_o) F_i(x) + a_i^2\, \phi'_i(x_o)\, \phi'_i(x)\, (x \cdot x_o + 1)

    With all gates :math:`\phi'` at 1 this is eq. 19 of the text, which leaves them out.

    Parameters
    ----------
    features
        :math:`F_i(x)` as they enter the logit, shape (member, point, feature): where that is a scaled sum, as in
        `BitEncoders` with ``initial="tangent"``, times its scale.
    gates
        :math:`\phi'_i(x)`, of the same shape; ones for eq. 19.
    readout
        :math:`a_i`, shape (member, feature), times the same scale.
    overlap
        :math:`x \cdot x_o`, shape (member, point) or (point,).
    at
        Which point is :math:`x_o`: a number, or one for each member, shape (member,).

    Returns
    -------
    Tensor
        Shape (member, point).

    Examples
    --------
    >>> ones = torch.ones(1, 2, 3)
    >>> tangent_kernel(ones, ones, torch.ones(1, 3), torch.tensor([8.0, 6.0]), 0).tolist()
    [[31.0, 25.0]]
    """
    members = torch.arange(len(features), device=features.device)
    own, own_gates = features[members, at], gates[members, at]
    learned = (own[:, None] * features).sum(-1)
    moved = (readout[:, None] ** 2 * own_gates[:, None] * gates).sum(-1)
    return 1 + learned + moved * (overlap + 1)


def by_distance(values: Tensor, distance: Tensor, bits: int) -> Tensor:
    """Mean over the inputs at each Hamming distance.

    Parameters
    ----------
    values
        Shape (member, point).
    distance
        Hamming distance of each point from the trained one, shape (member, point), int64.
    bits
        Length of the strings: the largest distance.

    Returns
    -------
    Tensor
        Shape (member, bits + 1); nan at distances that no point has.

    Examples
    --------
    >>> by_distance(torch.tensor([[1.0, 2.0, 4.0]]), torch.tensor([[0, 1, 1]]), 2).tolist()
    [[1.0, 3.0, nan]]
    """
    total = torch.zeros(len(values), bits + 1, dtype=values.dtype, device=values.device)
    count = torch.zeros_like(total).scatter_add_(1, distance, torch.ones_like(values))
    return total.scatter_add_(1, distance, values) / count


def share_explained(values: Tensor, *regressors: Tensor) -> Tensor:
    r"""Share of the variance over points that a linear fit explains, :math:`R^2`, with a constant.

    Parameters
    ----------
    values
        Shape (member, point).
    regressors
        Each of shape (member, point).

    Returns
    -------
    Tensor
        Shape (member,); nan where nothing varies.

    Examples
    --------
    >>> x = torch.tensor([[0.0, 1.0, 2.0]], dtype=torch.float64)
    >>> round(float(share_explained(3 * x + 1, x)), 6)
    1.0
    """
    design = torch.stack([torch.ones_like(values), *regressors], -1)
    solution = torch.linalg.lstsq(design, values[..., None]).solution
    rest = (values - (design @ solution)[..., 0]).square().sum(-1)
    moved = values - values[..., :1]  # first, so that what does not vary is exactly 0
    whole = (moved - moved.mean(-1, keepdim=True)).square().sum(-1)
    return torch.where(whole > 0, 1 - rest / whole, torch.nan)


def arc_cosine_kernels(cosine: Tensor) -> tuple[Tensor, Tensor]:
    r"""Kernels of order 0 and 1 that infinitely many normal ReLU units have,

    .. math:: \kappa_0 = \frac{\pi - \theta}{\pi}, \qquad \kappa_1 = \frac{\sin\theta + (\pi - \theta)\cos\theta}{\pi} .

    Parameters
    ----------
    cosine
        :math:`\cos\theta` between two inputs.

    Returns
    -------
    tuple of Tensor
        :math:`\kappa_0` and :math:`\kappa_1`, each 1 at :math:`\theta = 0`.

    Notes
    -----
    Source: Cho and Saul (2009), Kernel methods for deep learning, eqs. 4 and 6.

    Examples
    --------
    >>> [round(float(kernel), 4) for kernel in arc_cosine_kernels(torch.tensor(0.0))]
    [0.5, 0.3183]
    """
    angle = torch.arccos(cosine.clamp(-1, 1))
    return (torch.pi - angle) / torch.pi, (torch.sin(angle) + (torch.pi - angle) * cosine) / torch.pi


def first_singular_share(values: np.ndarray) -> np.ndarray:
    r"""Share of the first singular value, :math:`s_1^2 / \sum_k s_k^2`: how far a table is a product of two curves.

    The ansatz of the text (eq. 11), a law in time times a kernel in space, is a table of rank one.

    Parameters
    ----------
    values
        Shape (..., moment, distance), finite.

    Returns
    -------
    ndarray
        Shape (...), from 0 to 1; nan where all is 0.

    Examples
    --------
    >>> float(first_singular_share(np.outer([1.0, 2.0], [3.0, 1.0])).round(6))
    1.0
    """
    singular = np.linalg.svd(np.asarray(values, dtype=np.float64), compute_uv=False) ** 2
    with np.errstate(invalid="ignore"):
        return np.asarray(singular[..., 0] / singular.sum(-1))
