"""Highway networks side by side: against one network written out, and against autograd on it."""

import pytest
import torch

from lib.models.highway import HighwayNetworks, Shape
from lib.training import Recipe, fit

SEEDS = (3, 5)
SHAPE = Shape(6, 4, width=5, depth=3, gate_bias=-2.0)


def samples(count=7, inputs=6, seed=0):
    return torch.randn(count, inputs, generator=torch.Generator().manual_seed(seed))


def one_by_hand(nets, number, x):
    """Scores of one seed, layer by layer, as the equations have it."""
    y = torch.relu(x @ nets.weights[0][number].T + nets.biases[0][number])
    for weight, bias in zip(nets.weights[1:-1], nets.biases[1:-1], strict=True):
        (wh, wt), (bh, bt) = weight[number].chunk(2), bias[number].chunk(2)
        gate = torch.sigmoid(y @ wt.T + bt)
        y = gate * torch.relu(y @ wh.T + bh) + (1 - gate) * y
    return y @ nets.weights[-1][number].T + nets.biases[-1][number]


def test_scores_are_those_of_the_equations():
    nets, x = HighwayNetworks(SHAPE, SEEDS), samples()
    with torch.no_grad():
        for number in range(2):
            torch.testing.assert_close(nets.outputs(x)[number], one_by_hand(nets, number, x))


def test_gradients_are_autograds():
    nets, x = HighwayNetworks(SHAPE, SEEDS), samples()
    y = torch.tensor([[0, 1, 2, 3, 0, 1, 2], [3, 3, 3, 0, 0, 0, 1]])
    for _ in range(2):  # the second time nothing of the first is left
        loss, mistakes = nets.gradients(x, y)
    mine = [weight.grad.clone() for weight in nets.weights]
    for weight in nets.weights:
        weight.requires_grad_()
    for number in range(2):
        scores = one_by_hand(nets, number, x)
        alone = torch.nn.functional.cross_entropy(scores, y[number])
        found = torch.autograd.grad(alone, nets.weights)
        for ours, theirs in zip(mine, found, strict=True):
            torch.testing.assert_close(ours[number], theirs[number])
        assert float(loss[number]) == pytest.approx(alone.item())
        assert float(mistakes[number]) == pytest.approx(float((scores.argmax(1) != y[number]).float().mean()))
    norms = torch.stack([gradient.flatten(1).norm(dim=1) for gradient in mine], 1)
    torch.testing.assert_close(nets.gradient_norms(), norms)


def test_a_seed_learns_the_same_alone_and_beside_others():
    x, y = samples(40), torch.arange(40) % 4
    recipe = Recipe(rate=0.01, batch=8)
    together, alone = HighwayNetworks(SHAPE, SEEDS), HighwayNetworks(SHAPE, SEEDS[1:])
    for nets in (together, alone):
        list(fit(nets, x, y, recipe, (5, 11)))
    with torch.no_grad():
        torch.testing.assert_close(together.outputs(x)[1:], alone.outputs(x), rtol=1e-4, atol=1e-5)


def test_a_shut_gate_carries_and_an_open_one_transforms():
    x = samples()
    with torch.no_grad():
        shut = HighwayNetworks(Shape(6, 4, 5, 4, gate_bias=-50.0), SEEDS).layers(x)
        torch.testing.assert_close(shut[-1].output, shut[0].output)
        layers = HighwayNetworks(Shape(6, 4, 5, 4, gate_bias=50.0), SEEDS).layers(x)
    for layer in layers:
        torch.testing.assert_close(layer.output, layer.before.relu())


def test_a_plain_network_is_linear_and_relu():
    nets, x = HighwayNetworks(Shape(6, 4, 5, 3, gate_bias=None), SEEDS), samples()
    with torch.no_grad():
        layers = nets.layers(x)
    assert all(layer.gate is None for layer in layers)
    assert all(torch.equal(layer.output > 0, layer.before > 0) for layer in layers)
    assert nets.weights[1].shape == (2, 5, 5)


def test_a_unit_at_zero_is_on():
    nets = HighwayNetworks(SHAPE, SEEDS)
    nets.parameters.zero_()
    with torch.no_grad():
        assert all(layer.on.all() for layer in nets.layers(samples()))


def test_weights_start_within_their_bounds_and_gates_at_their_bias():
    nets = HighwayNetworks(Shape(100, 4, 50, 3, gate_bias=-2.0), SEEDS)
    first = nets.weights[0].detach()
    assert 0.099 < float(first.abs().max()) <= 0.1
    assert not torch.equal(first[0], first[1])
    assert (nets.biases[1][:, 50:] == -2).all()
    assert (nets.biases[1][:, :50].abs() <= 50**-0.5).all()
    larger = HighwayNetworks(Shape(100, 4, 50, 3, gate_bias=-2.0, initial="he-uniform"), SEEDS).weights[0]
    torch.testing.assert_close(larger, first * 6**0.5)


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="width and depth of at least 1"):
        Shape(6, 4, width=0)
    with pytest.raises(ValueError, match="Unknown initial weights 'zero': choose one of torch, he-uniform"):
        Shape(6, 4, initial="zero")
    with pytest.raises(ValueError, match="seeds is empty"):
        HighwayNetworks(SHAPE, ())
