"""The small convolutional network: against torch's own convolutions."""

import pytest
import torch

from lib.models.small_cnn import PLACES, SmallCNNs, arranged
from lib.training import Recipe, fit


def pictures(count=6):
    return torch.rand(count, 784, generator=torch.Generator().manual_seed(0))


def with_convolutions(nets, number, x):
    """Feature maps and scores of one seed, by torch's convolutions with strides 3, 3 and 1."""
    maps, found = x.view(-1, 1, 28, 28), []
    for weight, bias, stride in zip(nets.weights, nets.biases, (3, 3, 1), strict=False):
        kernel = weight[number].unflatten(1, (3, 3, -1)).permute(0, 3, 1, 2)
        maps = torch.nn.functional.conv2d(maps, kernel, bias[number], stride=stride).relu()
        found.append(maps)
    layer = maps.flatten(1)
    for weight, bias in zip(nets.weights[3:-1], nets.biases[3:-1], strict=True):
        layer = (layer @ weight[number].T + bias[number]).relu()
    return found, layer @ nets.weights[-1][number].T + nets.biases[-1][number]


def test_it_is_what_torchs_convolutions_make():
    nets, x = SmallCNNs(10, (0, 4)), pictures()
    with torch.no_grad():
        maps, scores = nets.feature_maps(arranged(x)), nets.outputs(arranged(x))
        for number in range(2):
            expected, answers = with_convolutions(nets, number, x)
            for mine, theirs, places in zip(maps, expected, PLACES, strict=True):
                row, column = places.T
                torch.testing.assert_close(mine[number].mT, theirs[..., row, column])
            torch.testing.assert_close(scores[number], answers)


def test_gradients_are_autograds():
    nets, x, y = SmallCNNs(10, (0, 4)), pictures(), torch.arange(6).expand(2, -1)
    loss, _ = nets.gradients(arranged(x), y)
    for number in range(2):
        alone = torch.nn.functional.cross_entropy(with_convolutions(nets, number, x)[1], y[number])
        assert float(loss[number]) == pytest.approx(alone.item())
        for mine, theirs in zip(nets.weights, torch.autograd.grad(alone, nets.weights), strict=True):
            torch.testing.assert_close(mine.grad[number], theirs[number])


def test_seeds_may_see_their_own_pictures():
    nets = SmallCNNs(10, (0, 4))
    x = arranged(torch.stack([pictures(), pictures().flip(0)]))
    with torch.no_grad():
        both = nets.outputs(x)
        torch.testing.assert_close(both[1], nets.outputs(x[1])[1])


def test_it_learns():
    x, y = pictures(60), torch.arange(60) % 3
    x[y == 1] *= 0.3
    x[y == 2] *= 0.1
    moments = list(fit(SmallCNNs(3, (0, 1)), arranged(x), y, Recipe(rate=0.01, batch=20), (1, 150)))
    assert (moments[-1].loss < 0.8 * moments[0].loss).all()


def test_other_pictures_are_refused():
    with pytest.raises(ValueError, match="64 pixels are no picture of 28 x 28: give rows of 784"):
        arranged(torch.zeros(2, 64))
    with pytest.raises(ValueError, match="784 pixels are not the 729 that are seen: arrange pictures first"):
        SmallCNNs(10, (0,)).outputs(pictures())
