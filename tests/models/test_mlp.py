"""Networks side by side: the written-out backward pass against autograd, and what each part is meant to do."""

import math

import numpy as np
import pytest
import torch

from lib.models.mlp import Architecture, MLPs

SMALL = (7, 6, 5, 3)


def batch(seeds=2, samples=9, inputs=7, classes=3):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(seeds, samples, inputs, generator=generator)
    return x, torch.randint(0, classes, (seeds, samples), generator=generator)


def twin(nets, seed):
    """The same network in torch's own modules."""
    layers = []
    architecture = nets.architecture
    for number, weight in enumerate(nets.weights):
        linear = torch.nn.Linear(weight.shape[2], weight.shape[1])
        with torch.no_grad():
            linear.weight.copy_(weight[seed])
            linear.bias.copy_(nets.biases[number][seed])
        layers.append(linear)
        if number < architecture.depth:
            if architecture.batch_norm:
                norm = torch.nn.BatchNorm1d(weight.shape[1])
                with torch.no_grad():
                    norm.weight.copy_(nets.scales[number][seed])
                    norm.bias.copy_(nets.shifts[number][seed])
                layers.append(norm)
            if architecture.activation == "relu":
                layers.append(torch.nn.ReLU())
    return torch.nn.Sequential(*layers)


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("activation", ["relu", "linear"])
def test_gradients_and_running_statistics_are_those_of_torch(batch_norm, activation):
    nets = MLPs(Architecture(SMALL, activation, batch_norm, initial="torch"), seeds=(3, 4))
    for scale, shift in zip(nets.scales, nets.shifts, strict=True):
        scale.uniform_(0.5, 1.5, generator=torch.Generator().manual_seed(0))
        shift.normal_(generator=torch.Generator().manual_seed(1))
    twins = [twin(nets, seed) for seed in range(2)]
    x, y = batch()
    loss, mistakes = nets.gradients(x, y)
    for seed, model in enumerate(twins):
        scores = model(x[seed])
        expected = torch.nn.functional.cross_entropy(scores, y[seed])
        expected.backward()
        torch.testing.assert_close(loss[seed], expected.detach())
        assert float(mistakes[seed]) == pytest.approx(float((scores.argmax(1) != y[seed]).float().mean()))
        linears = [layer for layer in model if isinstance(layer, torch.nn.Linear)]
        norms = [layer for layer in model if isinstance(layer, torch.nn.BatchNorm1d)]
        flat = [linear.weight.grad for linear in linears]
        norm_of = nets.gradient_norms()[seed]
        torch.testing.assert_close(norm_of, torch.stack([gradient.norm() for gradient in flat]))
        # a bias before batch norm has no effect: ours is exactly 0, torch's is rounding
        biases = [linear.bias.grad for linear in linears]
        if batch_norm:
            assert all(float(bias.abs().max()) < 1e-6 for bias in biases[:-1])
            biases = [torch.zeros_like(bias) for bias in biases[:-1]] + biases[-1:]
        theirs = [*flat, *biases, *(norm.weight.grad for norm in norms), *(norm.bias.grad for norm in norms)]
        ours = nets.parameters.grad.split([2 * gradient.numel() for gradient in theirs])  # of both seeds, one by one
        for gradient, expected in zip(ours, theirs, strict=True):
            torch.testing.assert_close(gradient.chunk(2)[seed], expected.flatten(), rtol=1e-4, atol=1e-6)
        for number, norm in enumerate(norms):
            torch.testing.assert_close(nets.means[number][seed], norm.running_mean)
            torch.testing.assert_close(nets.variances[number][seed], norm.running_var)
        model.eval()
        torch.testing.assert_close(nets.outputs(x[seed])[seed], model(x[seed]).detach(), rtol=1e-4, atol=1e-5)


def test_dropout_switches_off_the_right_share_and_keeps_the_mean():
    nets = MLPs(Architecture((4, 1_000, 1_000, 2), dropout=0.3), seeds=(0, 1))
    for mask in nets._masks(20):
        assert mask.shape == (2, 20, 1_000)
        assert float((mask == 0).float().mean()) == pytest.approx(0.3, abs=4 * math.sqrt(0.21 / mask.numel()))
        assert float(mask.mean()) == pytest.approx(1, abs=0.01)
        assert not torch.equal(mask[0], mask[1])


def test_dropout_gradients_are_those_of_the_masked_network(monkeypatch):
    nets = MLPs(Architecture(SMALL, dropout=0.5, batch_norm=False), seeds=(0,))
    x, y = batch(seeds=1)
    masks = nets._masks(9)
    monkeypatch.setattr(nets, "_masks", lambda batch: masks)
    loss, _ = nets.gradients(x, y)
    weights = [weight[0].clone().requires_grad_() for weight in nets.weights]
    hidden = x[0]
    for weight, bias, mask in zip(weights[:-1], nets.biases[:-1], masks, strict=True):
        hidden = (hidden @ weight.T + bias[0]).relu() * mask[0]
    expected = torch.nn.functional.cross_entropy(hidden @ weights[-1].T + nets.biases[-1][0], y[0])
    expected.backward()
    torch.testing.assert_close(loss[0], expected.detach())
    torch.testing.assert_close(nets.gradient_norms()[0], torch.stack([weight.grad.norm() for weight in weights]))


@pytest.mark.parametrize(
    ("initial", "sd", "bound"),
    [
        ("he-uniform", math.sqrt(2 / 400), math.sqrt(6 / 400)),
        ("he-normal", math.sqrt(2 / 400), None),
        ("torch", math.sqrt(1 / 1200), 1 / 20),
    ],
)
def test_initial_weights_have_the_named_law(initial, sd, bound):
    (weights, _) = MLPs(Architecture((400, 300, 10), initial=initial), seeds=(5,)).weights
    assert float(weights.std()) == pytest.approx(sd, rel=0.01)
    if bound is not None:
        assert bound * 0.999 < float(weights.abs().max()) <= bound


def test_a_seed_gives_the_same_network_whoever_is_beside_it():
    x, y = batch(seeds=3)
    together = MLPs(Architecture(SMALL, dropout=0.3), seeds=(0, 1, 2))
    alone = MLPs(Architecture(SMALL, dropout=0.3), seeds=(1,))
    assert torch.equal(together.weights[0][1], alone.weights[0][0])
    losses = together.gradients(x, y)[0], alone.gradients(x[1:2], y[1:2])[0]
    torch.testing.assert_close(losses[0][1], losses[1][0])


def test_evaluation_layers_end_in_the_scores_and_dropout_can_be_left_on():
    nets = MLPs(Architecture(SMALL, dropout=0.5), seeds=(0, 1))
    x = batch()[0][0]
    layers = nets.layers(x)
    assert [layer.shape[-1] for layer in layers] == [6, 5, 3]
    torch.testing.assert_close(nets.outputs(x, batch=4), layers[-1])
    assert not torch.allclose(nets.outputs(x, dropout=True), layers[-1])


def test_the_text_s_network_has_the_weights_it_should():
    hidden = [784, *16 * [512]]
    nets = MLPs(Architecture((*hidden, 10), dropout=0.3), seeds=(0,))
    assert sum(weight.numel() for weight in nets.weights[:-1]) == 784 * 512 + 15 * 512**2 == 4_333_568
    assert sum(weight.numel() for weight in nets.weights) == 4_338_688
    torch_s = sum(p.numel() for p in twin(nets, 0).parameters())
    assert nets.parameters.numel() == torch_s


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sizes": (3,)}, "must name inputs and outputs"),
        ({"sizes": (3, 0, 2)}, "each at least 1"),
        ({"activation": "tanh"}, "Unknown activation 'tanh'"),
        ({"initial": "zeros"}, "Unknown initial weights 'zeros'"),
        ({"dropout": 1.0}, "dropout=1.0"),
    ],
)
def test_wrong_architectures_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Architecture(**{"sizes": SMALL, **changes})


def test_no_seed_is_refused():
    with pytest.raises(ValueError, match="seeds is empty"):
        MLPs(Architecture(SMALL), seeds=())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_gpu_gives_the_same_gradients():
    x, y = batch()
    here, there = (MLPs(Architecture(SMALL), (0, 1), device) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(here.gradients(x, y)[0], there.gradients(x.cuda(), y.cuda())[0].cpu(), rtol=1e-4)
