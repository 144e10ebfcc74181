"""The training response and its kernels against what is known."""

import math

import numpy as np
import pytest
import torch

from lib.data.bits import bit_strings, hamming_distance
from lib.measures import response
from lib.models.bit_encoder import BitEncoders


def test_the_response_of_the_output_does_not_cancel():
    before = torch.tensor([-700.0, -2.0, 0.3, 30.0, 30.0], dtype=torch.float64)
    after = torch.tensor([-699.0, -2.5, 0.3, 30.1, 29.9], dtype=torch.float64)
    found = response.output_response(before, after)
    plain = torch.sigmoid(after) - torch.sigmoid(before)
    torch.testing.assert_close(found[1:3], plain[1:3], rtol=1e-12, atol=1e-16)
    assert float(found[0]) == pytest.approx(math.exp(-699) - math.exp(-700))
    assert float(found[3]) == pytest.approx(math.exp(-30) - math.exp(-30.1), rel=1e-9)
    assert float(found[4]) == pytest.approx(math.exp(-30) - math.exp(-29.9), rel=1e-9)


@pytest.mark.parametrize("activation", ["relu", "elu"])
def test_first_order_is_the_limit_of_small_rates(activation):
    """The error of the first-order form falls at least in proportion to the rate."""
    nets, strings, at = BitEncoders([0, 1], activation=activation), bit_strings(8), torch.tensor([7, 200])
    overlap, member = strings[at] @ strings.T, torch.arange(2)
    before = nets.logits(strings)
    kernel = response.tangent_kernel(nets.features(strings), nets.gates(strings), nets.readout, overlap, at)
    error = response.output_error(1.0, before[member, at])
    errors = []
    for rate in (1e-3, 1e-4):
        after = nets.copy()
        after.step(strings[at][:, None], torch.ones(2, 1, dtype=torch.float64), rate)
        found = response.output_response(before, after.logits(strings))
        signal = 2 * rate * error * response.sigmoid_slope(before[member, at])
        expected = signal[:, None] * response.sigmoid_slope(before) * kernel
        errors.append(float((found - expected).abs().max() / found.abs().max()))
    assert errors[0] < 0.01
    assert errors[1] / errors[0] < 0.12  # ReLU's gates change less often at a small rate, so it may fall faster


def test_means_by_distance_are_those_of_the_strings():
    strings = bit_strings(4)
    distance = hamming_distance(strings[[3]][:, None], strings)
    found = response.by_distance(distance.double() ** 2, distance, 4)
    assert found.tolist() == [[0.0, 1.0, 4.0, 9.0, 16.0]]


def test_share_explained_is_that_of_a_fit():
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(2, 1, 50))
    found = float(response.share_explained(torch.from_numpy(y), torch.from_numpy(x)))
    assert found == pytest.approx(np.corrcoef(x[0], y[0])[0, 1] ** 2)
    assert math.isnan(float(response.share_explained(torch.ones(1, 5), torch.arange(5.0)[None])))


def test_wide_networks_have_the_arc_cosine_kernel():
    """Of normal weights: E[relu(w.x) relu(w.y)] = |x||y| kappa_1 / 2, E[gate gate] = kappa_0 / 2."""
    x = torch.randn(2, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    w = torch.randn(200_000, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    drive = w @ x.T
    length = x.norm(dim=1).prod()
    gates, features = response.arc_cosine_kernels(x[0] @ x[1] / length)
    assert float((drive > 0).all(1).double().mean()) == pytest.approx(float(gates) / 2, abs=0.005)
    assert float(drive.relu().prod(1).mean()) == pytest.approx(float(length * features) / 2, rel=0.02)


def test_a_product_has_one_singular_value():
    table = np.random.default_rng(0).normal(size=(3, 6, 4))
    found = response.first_singular_share(table)
    assert ((found > 0.25) & (found < 1)).all()
    assert np.isnan(response.first_singular_share(np.zeros((2, 2))))


def test_nothing_is_explained_where_nothing_varies():
    values = torch.full((1, 256), 0.1, dtype=torch.float64)
    assert response.share_explained(values, torch.arange(256.0, dtype=torch.float64)[None]).isnan().all()
