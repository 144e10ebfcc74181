"""The online perceptrons do what a plain loop over samples does."""

import pytest
import torch

from lib.models.perceptron import OnlinePerceptrons, uniform_weights

STREAMS, TASKS, SAMPLES, INPUTS = 2, 3, 50, 7
RULES = ["rosenblatt"] * 3 + ["logistic"] * 3
RATES = [0.5, 0.5, 0.5, 0.05, 0.05, 0.05]


@pytest.fixture
def setting():
    generator = torch.Generator().manual_seed(1)
    inputs = torch.rand(SAMPLES, INPUTS, generator=generator, dtype=torch.float64)
    targets = torch.randint(0, 2, (STREAMS, TASKS, SAMPLES), generator=generator).to(torch.float64) * 2 - 1
    weights = uniform_weights((STREAMS, len(RULES), INPUTS), generator)
    order = torch.stack([torch.randperm(SAMPLES, generator=generator) for _ in range(STREAMS)])
    return inputs, targets, weights, order


def plain_loop(inputs, targets, weights, order):
    """One weight vector and one sample at a time; returns the path, shape (streams, chains, steps + 1, inputs)."""
    path = torch.empty(STREAMS, len(RULES), SAMPLES + 1, INPUTS, dtype=torch.float64)
    drives = torch.empty(STREAMS, len(RULES), SAMPLES, dtype=torch.float64)
    for stream in range(STREAMS):
        for chain, (rule, rate) in enumerate(zip(RULES, RATES, strict=True)):
            w = weights[stream, chain].clone()
            path[stream, chain, 0] = w
            for step, j in enumerate(order[stream]):
                y = targets[stream, chain % TASKS, j]
                margin = y * (w @ inputs[j])
                drive = torch.sigmoid(-margin) if rule == "logistic" else (margin <= 0).to(torch.float64)
                w = w + rate * drive * y * inputs[j]
                path[stream, chain, step + 1] = w
                drives[stream, chain, step] = drive
    return path, drives


@pytest.mark.parametrize("block", [1, 7, 64])
def test_equals_plain_loop(setting, block):
    inputs, targets, weights, order = setting
    path, drives = plain_loop(*setting)
    unit = OnlinePerceptrons(inputs, targets, weights, RULES, RATES, block=block)
    for piece in unit.learn(order):
        size = piece.drive.shape[-1]
        window = slice(piece.first, piece.first + size)
        torch.testing.assert_close(piece.drive, drives[..., window], rtol=0, atol=1e-12)
        for sample in range(size + 1):
            expected = path[:, :, piece.first + sample]
            torch.testing.assert_close(piece.weights_before(sample), expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(unit.weights, path[:, :, -1], rtol=0, atol=1e-12)


def test_mean_squared_step_is_rate_squared_times_mistakes_times_their_norm(setting):
    inputs, targets, weights, order = setting
    path, _ = plain_loop(*setting)
    unit = OnlinePerceptrons(inputs, targets, weights, RULES, RATES)
    (piece,) = unit.learn(order)
    from_mistakes = torch.tensor(RATES) ** 2 * (piece.drive**2 * piece.squared_norm[:, None]).mean(-1)
    from_path = (path.diff(dim=2) ** 2).sum(-1).mean(-1)
    torch.testing.assert_close(from_mistakes, from_path, rtol=1e-6, atol=0)


def test_rosenblatt_stops_for_ever_on_a_separable_task_and_the_logistic_unit_does_not():
    inputs = torch.tensor([[1.0, 0.2], [0.2, 1.0]], dtype=torch.float64)
    targets = torch.tensor([[[1.0, -1.0]]], dtype=torch.float64)
    unit = OnlinePerceptrons(
        inputs, targets, torch.zeros(1, 2, 2, dtype=torch.float64), ["rosenblatt", "logistic"], [0.1, 0.1]
    )
    order = torch.arange(2).repeat(100)[None]
    for _ in unit.learn(order):
        pass
    before = unit.weights
    for _ in unit.learn(order):
        pass
    assert torch.equal(unit.weights[0, 0], before[0, 0])
    assert not torch.equal(unit.weights[0, 1], before[0, 1])


def test_initial_weights_are_left_alone(setting):
    inputs, targets, weights, order = setting
    kept = weights.clone()
    for _ in OnlinePerceptrons(inputs, targets, weights, RULES, RATES).learn(order):
        pass
    assert torch.equal(weights, kept)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": torch.zeros(STREAMS, 6, INPUTS + 1)}, "do not fit"),
        ({"weights": torch.zeros(STREAMS, 4, INPUTS)}, "4 chains need a whole multiple of 3 tasks"),
        ({"rates": [0.1]}, "and 1 rates"),
        ({"rules": ["adaline"] * 6}, "Unknown rule 'adaline'"),
        ({"block": 0}, "A block of 0 samples"),
    ],
)
def test_what_does_not_fit_gets_one_sentence(setting, change, message):
    inputs, targets, weights, _ = setting
    arguments = {"inputs": inputs, "targets": targets, "weights": weights, "rules": RULES, "rates": RATES, **change}
    with pytest.raises(ValueError, match=message):
        OnlinePerceptrons(**arguments)


def test_block_has_no_weights_outside_it(setting):
    inputs, targets, weights, order = setting
    (piece,) = OnlinePerceptrons(inputs, targets, weights, RULES, RATES).learn(order)
    with pytest.raises(IndexError, match="no sample 51"):
        piece.weights_before(SAMPLES + 1)


def test_initial_weights_fill_the_bound_evenly():
    weights = uniform_weights((1000, 64), torch.Generator().manual_seed(0)) * 8
    assert float(weights.abs().max()) <= 1
    assert float((weights**2).mean()) == pytest.approx(1 / 3, abs=0.01)
