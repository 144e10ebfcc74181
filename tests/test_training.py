"""The loop: against torch's own modules and optimizers step by step, its orders, stops and errors."""

import pytest
import torch

from lib import data
from lib.models.mlp import Architecture, MLPs
from lib.training import Recipe, fit, fit_module, steps_of_module

ARCHITECTURE = Architecture((5, 8, 3), batch_norm=False)


@pytest.fixture
def samples():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(50, 5, generator=generator)
    return x, x[:, :3].argmax(1)


@pytest.mark.parametrize(
    ("recipe", "theirs"),
    [
        (Recipe("adam", 0.01, 0.1, 8, 40), lambda p: torch.optim.Adam(p, 0.01, weight_decay=0.1)),
        (Recipe("adamw", 0.01, 0.1, 8, 40), lambda p: torch.optim.AdamW(p, 0.01, weight_decay=0.1)),
        (Recipe("sgd", 0.1, 0.0, 8, 40), lambda p: torch.optim.SGD(p, 0.1)),
    ],
)
def test_the_loop_is_torch_s_own(samples, recipe, theirs):
    x, y = samples
    nets = MLPs(ARCHITECTURE, seeds=(4,))
    model = torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    with torch.no_grad():
        for linear, weight, bias in zip((model[0], model[2]), nets.weights, nets.biases, strict=True):
            linear.weight.copy_(weight[0])
            linear.bias.copy_(bias[0])
    optimizer, losses = theirs(model.parameters()), []
    for epoch in range(2):
        for index in data.epoch_order(50, 4, epoch)[:40].split(8):
            loss = torch.nn.functional.cross_entropy(model(x[index]), y[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    moments = list(fit(nets, x, y, recipe, stops=(0, 5, 10)))
    assert [moment.step for moment in moments] == [0, 5, 10]
    assert torch.isnan(moments[0].loss).all()
    assert float(moments[1].loss) == pytest.approx(sum(losses[:5]) / 5, rel=1e-4)
    assert float(moments[2].loss) == pytest.approx(sum(losses[5:]) / 5, rel=1e-4)
    torch.testing.assert_close(nets.weights[0][0], model[0].weight.detach(), rtol=1e-4, atol=1e-5)


def test_seeds_learn_as_they_would_alone(samples):
    x, y = samples
    together, alone = MLPs(ARCHITECTURE, (0, 1, 2)), MLPs(ARCHITECTURE, (1,))
    for nets in (together, alone):
        assert len(list(fit(nets, x, y, Recipe(batch=8), stops=(20,)))) == 1
    torch.testing.assert_close(together.weights[1][1], alone.weights[1][0], rtol=1e-4, atol=1e-6)


def test_only_the_pool_is_seen(samples):
    x, y = samples
    x, pools = x.clone(), torch.stack([torch.arange(0, 20), torch.arange(20, 40)])
    x[40:] = torch.nan  # held out: one look at them would spoil every weight
    nets = MLPs(ARCHITECTURE, (0, 1))
    *_, last = fit(nets, x, y, Recipe(batch=8), stops=(9,), pools=pools)
    assert torch.isfinite(last.loss).all()
    assert torch.isfinite(nets.weights[0]).all()


def test_labels_can_differ_between_seeds(samples):
    x, y = samples
    nets = MLPs(ARCHITECTURE, (0, 0))
    *_, last = fit(nets, x, torch.stack([y, y.roll(1)]), Recipe("sgd", 0.5, batch=50), stops=(300,))
    assert float(last.error[0]) < 0.1 < float(last.error[1])


def test_the_last_batch_of_an_epoch_may_be_smaller(samples):
    x, y = samples
    assert Recipe(batch=8).steps(50) == 7
    assert [m.step for m in fit(MLPs(ARCHITECTURE, (0,)), x, y, Recipe(batch=8), stops=(7, 14))] == [7, 14]


def test_gradient_norms_are_given_for_every_interval(samples):
    x, y = samples
    for moment in fit(MLPs(ARCHITECTURE, (0, 1)), x, y, Recipe(batch=8), stops=(1, 3, 120)):
        assert moment.gradient_norms.shape == (2, 2)
        assert (moment.gradient_norms > 0).all()


@pytest.mark.parametrize("stops", [(), (-1, 3), (3, 3), (5, 2)])
def test_stops_must_rise(samples, stops):
    with pytest.raises(ValueError, match="must rise"):
        list(fit(MLPs(ARCHITECTURE, (0,)), *samples, Recipe(), stops=stops))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": "lion"}, "Unknown optimizer 'lion'"),
        ({"rate": 0.0}, "rate > 0"),
        ({"batch": 0}, "batch >= 1"),
        ({"momentum": 0.9}, "Momentum 0.9 of adam is none"),
        ({"momentum": 1.0, "optimizer": "sgd"}, "from 0 to below 1"),
        ({"drops": (0.8, 1.5)}, "are no shares of the training"),
    ],
)
def test_wrong_recipes_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**changes)


def test_an_epoch_cannot_have_more_samples_than_there_are(samples):
    with pytest.raises(ValueError, match="cannot be drawn from 50"):
        list(fit(MLPs(ARCHITECTURE, (0,)), *samples, Recipe(samples=60), stops=(1,)))


def test_a_loop_without_end_drops_no_rate(samples):
    with pytest.raises(ValueError, match="leave drops to fit_module"):
        list(fit(MLPs(ARCHITECTURE, (0,)), *samples, Recipe(drops=(0.5,)), stops=(1,)))


def test_any_module_learns_as_a_plain_loop_would():
    """Same samples in the same order, same optimizer, same rates: same weights."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(30, 4, generator=generator)
    y = (x[:, 0] > 0).long()
    model, plain = (torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.BatchNorm1d(2)) for _ in range(2))
    plain.load_state_dict(model.state_dict())
    recipe = Recipe("sgd", 0.1, weight_decay=0.01, batch=8, momentum=0.9, drops=(0.5,))
    found = list(fit_module(model, x, y, recipe, epochs=2, seed=3))
    optimizer = torch.optim.SGD(plain.parameters(), 0.1, momentum=0.9, weight_decay=0.01)
    expected, mistakes = [], []
    for epoch in range(2):
        total = wrong = 0.0
        optimizer.param_groups[0]["lr"] = 0.1 if epoch == 0 else 0.01
        for rows in data.epoch_order(30, 3, epoch).split(8):
            optimizer.zero_grad()
            scores = plain(x[rows])
            loss = torch.nn.functional.cross_entropy(scores, y[rows])
            loss.backward()
            optimizer.step()
            total += float(loss.detach()) * len(rows)
            wrong += float((scores.argmax(1) != y[rows]).sum())
        expected.append(total / 30)
        mistakes.append(wrong / 30)
    assert [epoch.number for epoch in found] == [1, 2]
    assert [epoch.loss for epoch in found] == pytest.approx(expected)
    assert [epoch.error for epoch in found] == pytest.approx(mistakes)
    for ours, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)
    assert not model.training


def test_the_rate_falls_at_its_shares_whatever_the_number_of_epochs():
    """The text's 80th and 90th epochs of 100; the 8th and 9th of 10; in mid-epoch where they are too few."""
    recipe = Recipe("sgd", 0.1, drops=(0.8, 0.9))
    for steps in (100, 39_100, 10, 3_910, 7):
        rates = [recipe.rate_at(step, steps) for step in range(steps)]
        full, tenth, hundredth = (sum(abs(rate / r - 1) < 1e-12 for rate in rates) for r in (0.1, 0.01, 0.001))
        assert full + tenth + hundredth == steps
        assert full == -(-8 * steps // 10)
        assert full + tenth == -(-9 * steps // 10)
        assert rates == sorted(rates, reverse=True)
    assert {Recipe().rate_at(step, 5) for step in range(5)} == {0.001}


def test_batches_are_prepared_step_by_step_over_all_epochs():
    x, y, seen = torch.arange(10.0)[:, None], torch.zeros(10, dtype=torch.int64), []

    def prepare(samples, step):
        seen.append((step, samples.flatten().tolist()))
        return samples

    list(fit_module(torch.nn.Linear(1, 2), x, y, Recipe(batch=4), epochs=2, seed=0, prepare=prepare))
    assert [step for step, _ in seen] == list(range(6))
    for epoch in range(2):
        visited = [value for _, values in seen[3 * epoch : 3 * epoch + 3] for value in values]
        assert visited == data.epoch_order(10, 0, epoch).tolist()


def test_a_module_that_stops_at_steps_learns_the_same():
    """Also where it is used between the steps, and where the last step is in mid-epoch."""
    x = torch.randn(30, 4, generator=torch.Generator().manual_seed(0))
    y, recipe = (x[:, 0] > 0).long(), Recipe("sgd", 0.1, batch=8, momentum=0.9)
    one, other, short = (torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.BatchNorm1d(2)) for _ in range(3))
    for each in (other, short):
        each.load_state_dict(one.state_dict())
    list(fit_module(one, x, y, recipe, epochs=2, seed=3))
    for _ in steps_of_module(other, x, y, recipe, (0, 1, 5, 8), seed=3):
        assert not other.training
        other(x)
    for ours, theirs in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(ours, theirs)
    assert list(steps_of_module(short, x, y, recipe, (5,), seed=3)) == [5]
    assert short[1].num_batches_tracked == 5
    with pytest.raises(ValueError, match=r"stops=\[2, 2\] must rise"):
        list(steps_of_module(short, x, y, recipe, (2, 2), seed=3))


def test_half_precision_is_for_the_model_s_arithmetic_only():
    kinds = set()
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Linear(8, 2))
    model[0].register_forward_hook(lambda module, inputs, output: kinds.add(output.dtype))
    x = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
    *_, last = fit_module(model, x, (x[:, 0] > 0).long(), Recipe(rate=0.1), 5, 0, precision=torch.bfloat16)
    assert kinds == {torch.bfloat16}
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert last.error < 0.1


@pytest.mark.skipif(not torch.set_flush_denormal(False), reason="this processor cannot flush subnormal numbers")
def test_weights_that_decay_to_nothing_are_nothing(samples):
    x, y = samples
    nets = MLPs(ARCHITECTURE, seeds=(0,))
    nets.parameters.mul_(1e-36)
    list(fit(nets, 0 * x, y, Recipe("sgd", 0.1, 9.0, 8), (40,)))  # each step leaves a tenth of a weight
    first = nets.weights[0]
    assert (first == 0).all()
    assert float(torch.tensor(1e-30) * 1e-10) > 0, "elsewhere subnormal numbers are what they were"
