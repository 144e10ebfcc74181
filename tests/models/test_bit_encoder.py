"""Bit encoders: gradients, seeds, and training on one point."""

import pytest
import torch

from lib.data.bits import bit_strings
from lib.models.bit_encoder import ACTIVATIONS, INITIALS, BitEncoders, PointTraining


def drawn(members, points, bits=8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = 2.0 * torch.randint(0, 2, (members, points, bits), generator=generator).double() - 1
    return x, torch.rand(members, points, generator=generator).double()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("initial", INITIALS)
def test_a_step_is_that_of_automatic_differentiation(activation, initial):
    nets = BitEncoders([3, 4], activation=activation, initial=initial, width=16)
    x, y = drawn(2, 3)
    weights = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
    traced = nets.copy()
    parts = (traced.inner, traced.readout, traced.offset)
    for part in parts:
        part.requires_grad_()
    (weights * (y - traced.predict(x)) ** 2).sum().backward()
    rate = torch.tensor([0.1, 0.3], dtype=torch.float64)
    expected = [part.detach() - rate.view(-1, *[1] * (part.ndim - 1)) * part.grad for part in parts]
    nets.step(x, y, rate, weights)
    for found, wanted in zip((nets.inner, nets.readout, nets.offset), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-11)


def test_a_network_is_that_of_torch():
    nets = BitEncoders([0], width=5, bits=3)
    inner, outer = torch.nn.Linear(3, 5).double(), torch.nn.Linear(5, 1).double()
    with torch.no_grad():
        inner.weight.copy_(nets.inner[0, :-1].T)
        inner.bias.copy_(nets.inner[0, -1])
        outer.weight.copy_(nets.readout)
        outer.bias.copy_(nets.offset)
        plain = torch.nn.Sequential(inner, torch.nn.ReLU(), outer, torch.nn.Sigmoid())(bit_strings(3))
    torch.testing.assert_close(nets.predict(bit_strings(3))[0], plain[:, 0])


def test_a_seed_does_not_know_of_the_others():
    together = BitEncoders([5, 6, 5], width=4)
    alone = BitEncoders([6], width=4)
    torch.testing.assert_close(together.inner[1:2], alone.inner, rtol=0, atol=0)
    torch.testing.assert_close(together.readout[0], together.readout[2], rtol=0, atol=0)
    assert not torch.equal(together.readout[0], together.readout[1])


@pytest.mark.parametrize(("initial", "deviation"), [("torch", 1 / 24**0.5), ("he", 0.5)])
def test_initial_weights_have_the_law_that_is_named(initial, deviation):
    nets = BitEncoders([0], width=20_000, initial=initial)
    assert float(nets.inner[:, :-1].std()) == pytest.approx(deviation, rel=0.02)
    assert bool((nets.inner[:, -1] == 0).all()) == (initial == "he")


@pytest.mark.parametrize("activation", ["relu", "elu", "tanh"])
def test_training_on_a_point_is_that_of_the_networks(activation):
    nets = BitEncoders([0, 1, 2], activation=activation, width=8, bits=5)
    plain = nets.copy()
    x, y = drawn(3, 1, bits=5)
    rate = torch.tensor([0.1, 0.5, 1.0], dtype=torch.float64)
    training = PointTraining(nets, x[:, 0])
    for label in (y, 1 - y, y):
        training.step(label[:, 0], rate)
        plain.step(x, label, rate)
        training.write()
    for found, wanted in ((nets.inner, plain.inner), (nets.readout, plain.readout), (nets.offset, plain.offset)):
        torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-14)


def test_a_saturated_network_still_learns():
    """Where the output is 1 to the last digit, 1 - f is not 0."""
    nets = BitEncoders([0], width=2, bits=2)
    nets.offset += 50.0
    x, y = drawn(1, 1, bits=2)
    before = nets.readout.clone()
    nets.step(x, torch.zeros_like(y), 1.0)
    assert not torch.equal(nets.offset, torch.full_like(nets.offset, 50.0)) or not torch.equal(before, nets.readout)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activation": "sine"}, "There is no 'sine'"),
        ({"initial": "zeros"}, "There is no 'zeros'"),
        ({"seeds": []}, "0 seeds"),
        ({"width": 0}, "0 features"),
    ],
)
def test_what_is_no_network_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        BitEncoders(**({"seeds": [0]} | change))


def test_wrong_shapes_are_named():
    nets = BitEncoders([0, 1], width=2, bits=3)
    with pytest.raises(ValueError, match="Inputs have 4 bits, the networks take 3"):
        nets.predict(bit_strings(4))
    with pytest.raises(ValueError, match=r"Points of shape \(1, 3\)"):
        PointTraining(nets, bit_strings(3)[:1])
